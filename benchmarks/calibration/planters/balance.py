"""Classes that are too large, too rare, missing, unknown, spelled in several ways, or distributed otherwise."""

from __future__ import annotations

import random
from collections.abc import Sequence

from calibration.planting import Row, plants

_CLASSES = (
    ("positive", "negative", "neutral"),
    ("billing", "delivery", "returns", "other"),
    ("Spam", "Ham"),
    ("entailment", "contradiction", "neutral"),
    ("1", "2", "3", "4", "5"),
    ("easy question", "hard question"),
)
Splits = dict[str, list[Row]]


def _labelled(example: Row, label: str, n: int) -> Row:
    """The prompt of a row with a label: as its answer, or in a field beside a long answer."""
    asked = next((m["content"] for m in example["messages"] if m["role"] == "user" and m.get("content")), "Well?")
    if n % 2:
        answer = "Thank you, we have put that down and will look into it as soon as we can."
        row = {"messages": [{"role": "user", "content": asked}, {"role": "assistant", "content": answer}]}
        return {**row, "label": label}
    return {"messages": [{"role": "user", "content": asked}, {"role": "assistant", "content": label}]}


def _drawn(
    rng: random.Random, examples: list[Row], labels: Sequence[str], weights: Sequence[float], n: int
) -> list[Row]:
    return [_labelled(row, rng.choices(labels, weights)[0], n) for row in examples]


def _halves(rows: list[Row]) -> tuple[list[Row], list[Row]]:
    return rows[: len(rows) * 2 // 3], rows[len(rows) * 2 // 3 :]


@plants("BAL001", scope="dataset")
def one_class_is_far_larger(rng: random.Random, examples: list[Row], n: int) -> list[Row]:
    """Eleven times as large as the smallest, or a hundred times."""
    labels = _CLASSES[n % len(_CLASSES)]
    counts = [len(examples)] + [max(1, len(examples) // rng.choice((len(labels) + 11, 40, 150)))] * (len(labels) - 1)
    made = [label for label, count in zip(labels, counts, strict=True) for _ in range(count)][: len(examples)]
    made[-(sum(counts) - counts[0]) :] = [label for label in labels[1:] for _ in range(counts[1])]
    return [_labelled(row, label, n) for row, label in zip(examples, made, strict=True)]


@plants("BAL002", scope="dataset")
def one_class_is_rare(rng: random.Random, examples: list[Row], n: int) -> list[Row]:
    """One to nine examples of it, some of each other class."""
    *others, rare = _CLASSES[n % len(_CLASSES)]
    rows = _drawn(rng, examples, others, [1] * len(others), n)
    for place in rng.sample(range(len(rows)), rng.choice((1, 2, 5, 9))):
        rows[place] = _labelled(examples[place], rare, n)
    return rows


@plants("BAL003", scope="splits")
def one_class_is_missing(rng: random.Random, examples: list[Row], n: int) -> Splits:
    """In validation, or in the training data."""
    labels = _CLASSES[n % len(_CLASSES)]
    train, held = _halves(examples)
    few = labels[1:] if n % 3 else labels[:-1]
    of_train, of_held = (few, labels) if n % 4 == 3 else (labels, few)
    return {
        "train": _drawn(rng, train, of_train, [1] * len(of_train), n),
        ("validation", "test")[n % 2]: _drawn(rng, held, of_held, [1] * len(of_held), n),
    }


_SPELLED = (
    str.upper,
    str.title,
    str.swapcase,
    lambda label: f"{label} ",
    lambda label: f" {label}",
    lambda label: f"{label}.",
    lambda label: f'"{label}"',
    lambda label: f"**{label}**",
    lambda label: f"{label}!",
    lambda label: label.replace(" ", "_"),
    lambda label: f"({label})",
    lambda label: f"{label}\u200b",
    lambda label: f"'{label}'",
    lambda label: label[:-2] if label.isalpha() else f"{label} ",
    lambda label: f"- {label}",
    lambda label: f"{label}:",
)


@plants("BAL004", scope="dataset")
def one_label_in_two_spellings(rng: random.Random, examples: list[Row], n: int) -> list[Row] | None:
    """Another case, white space, quotes, marks, an ending left out; in a few rows or in many."""
    labels = _CLASSES[n % 4]
    rows = _drawn(rng, examples, labels, [1] * len(labels), n)
    chosen = labels[n % len(labels)]
    other = _SPELLED[n % len(_SPELLED)](chosen)
    if other == chosen:
        return None
    # An ending that is left out shows only where it is rare.
    share = 0.1 if len(other) < len(chosen) else rng.choice((0.02, 0.1, 0.4))
    changed = 0
    for i, row in enumerate(rows):
        said = row.get("label") or row["messages"][-1]["content"]
        if said == chosen and (rng.random() < share or not changed):
            rows[i] = _labelled(row, other, n)
            changed += 1
    return rows


@plants("BAL005", scope="splits")
def another_mix_in_validation(rng: random.Random, examples: list[Row], n: int) -> Splits:
    """As if the file had been sorted, or the parts been collected at different times."""
    labels = _CLASSES[n % len(_CLASSES)]
    even = [1.0] * len(labels)
    other = [rng.choice((4.0, 6.0, 12.0)), *even[1:]]
    train, held = _halves(examples)
    first, second = (even, other) if n % 2 else (other, even)
    return {"train": _drawn(rng, train, labels, first, n), "validation": _drawn(rng, held, labels, second, n)}


@plants("BAL006", scope="dataset")
def one_class_only(rng: random.Random, examples: list[Row], n: int) -> list[Row]:
    """All rows have the same label."""
    labels = _CLASSES[n % len(_CLASSES)]
    return [_labelled(row, labels[n % len(labels)], n) for row in examples]


@plants("BAL007", scope="dataset", options={"labels": ["positive", "negative", "neutral"]})
def a_label_of_its_own(rng: random.Random, examples: list[Row], n: int) -> list[Row]:
    """A label that nobody has heard of, in one row or in some, or an answer that is none."""
    labels = ("positive", "negative", "neutral")
    rows = _drawn(rng, examples, labels, [1, 1, 1], n)
    others = ("mixed", "Positive", "posititve", "N/A", "negative?", "5", "neutral/positive", "none of these", "null")
    for place in rng.sample(range(len(rows)), rng.choice((1, 3, 20))):
        rows[place] = _labelled(examples[place], others[n % len(others)], n)
    return rows


@plants("BAL007", scope="dataset", options={"expected": {"positive": 0.5, "negative": 0.5}})
def another_distribution(rng: random.Random, examples: list[Row], n: int) -> list[Row]:
    """Far from half and half, or with a third class."""
    weights = ((3, 1, 0), (1, 4, 0), (1, 1, 1), (9, 1, 0), (2, 1, 1))[n % 5]
    return _drawn(rng, examples, ("positive", "negative", "neutral"), weights, n)
