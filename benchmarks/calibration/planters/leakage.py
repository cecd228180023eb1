"""What stands in two splits at once, in a benchmark, or in the prompt before it is asked for."""

from __future__ import annotations

import atexit
import json
import os
import random
import tempfile
from copy import deepcopy

from calibration.planters.duplicates import ANSWERS, answered, nearly, texts_of
from calibration.planting import Row, plants

Splits = dict[str, list[Row]]


def _divided(rng: random.Random, examples: list[Row], n: int) -> Splits:
    """The rows in two splits or three, nothing in common."""
    rng.shuffle(examples)
    at = len(examples) // 5
    if n % 3 == 2:
        return {"train": examples[2 * at :], "validation": examples[at : 2 * at], "test": examples[:at]}
    return {"train": examples[at:], ("validation", "test")[n % 3]: examples[:at]}


def _pairs(rng: random.Random, splits: Splits, count: int) -> list[tuple[Row, list[Row]]]:
    """Rows of the training data, each with another split to put something like it into."""
    others = [rows for name, rows in splits.items() if name != "train"]
    return [(row, rng.choice(others)) for row in rng.sample(splits["train"], min(count, len(splits["train"])))]


@plants("LEK001", scope="splits")
def the_same_row_in_both(rng: random.Random, examples: list[Row], n: int) -> Splits:
    """One row or some."""
    splits = _divided(rng, examples, n)
    for row, other in _pairs(rng, splits, rng.choice((1, 1, 5, 30))):
        other.insert(rng.randrange(len(other) + 1), deepcopy(row))
    return splits


@plants("LEK002", scope="splits")
def nearly_the_same_row_in_both(rng: random.Random, examples: list[Row], n: int) -> Splits | None:
    """With a word changed, put in or left out; or in another case."""
    splits = _divided(rng, examples, n)
    put = 0
    for row, other in _pairs(rng, splits, 60):
        made = nearly(rng, row, n + put)
        if made is not None and put < 1 + n % 4:
            other.append(made)
            put += 1
    return splits if put else None


@plants("LEK003", scope="splits")
def the_same_prompt_in_both(rng: random.Random, examples: list[Row], n: int) -> Splits | None:
    """Answered otherwise."""
    splits = _divided(rng, examples, n)
    put = 0
    for row, other in _pairs(rng, splits, 20):
        made = answered(row, ANSWERS[(n + put) % len(ANSWERS)])
        if made is not None and put < 1 + n % 3:
            other.append(made)
            put += 1
    return splits if put else None


@plants("LEK004", scope="splits")
def one_group_in_both(rng: random.Random, examples: list[Row], n: int) -> Splits:
    """Rows are numbered by document; one document, or some, are on both sides."""
    splits = _divided(rng, examples, n)
    for name, rows in splits.items():
        for i, row in enumerate(rows):
            row["group"] = f"{name}-{i // 3}"
    for number, (row, other) in enumerate(_pairs(rng, splits, 1 + n % 3)):
        row["group"] = rng.choice(other)["group"] = (f"doc {number}", f"https://example.com/{number}", "кот")[n % 3]
    return splits


#: Items such as benchmarks have, written for this file.
_ITEMS = (
    "A baker makes twelve trays of rolls with eighteen rolls on each, sells three quarters of them "
    "before noon and half of "
    "the rest in the afternoon. How many rolls are left in the evening?",
    "Two trains leave the same station at ten o'clock, one going east at ninety and one going west "
    "at seventy kilometres "
    "an hour. How far apart are they at a quarter past eleven?",
    "Which of the following best explains why a glass of cold water becomes wet on the outside on a humid day, even "
    "though no water has been spilled?",
    "Write a function that takes a list of intervals and returns the total length that they cover, counting parts that "
    "several of them cover only once.",
    "The mayor refused to meet the delegation because its members had announced a march through the old town. Who had "
    "announced a march through the old town?",
    "In what year did the second of the three bridges over the lower valley open to traffic, "
    "according to the report of "
    "the district engineer?",
    "If every florp is a gribble and no gribble is a snark, which of these statements about florps "
    "and snarks must be true?",
    "A patient presents with a fever of three days, a stiff neck and a rash that does not fade under pressure. What is "
    "the most appropriate next step?",
    "Lena is twice as old as her brother was four years ago, and in six years the two of them will "
    "be fifty together. How "
    "old is Lena now?",
    "Rank these five cities by their distance from the sea, beginning with the nearest, and say which two are so close "
    "that the order depends on where you measure.",
    "Given a string of opening and closing brackets of three kinds, decide whether each opening one "
    "is closed by its own "
    "kind in the right order.",
    "Under which of the following conditions may a tenant end the lease early without paying for "
    "the months that are left?",
    "What happens to the pressure in a closed container when the temperature of the gas in it "
    "doubles and its volume is "
    "halved at the same time?",
    "The second paragraph of the letter suggests that its author had changed her mind about the "
    "purchase of the mill for "
    "which reason above all?",
    "Translate the following sentence into formal German: the committee regrets that the application arrived after the "
    "last day on which it could have been considered.",
    "How many distinct ways are there to seat four couples around a round table so that nobody sits "
    "beside his or her own "
    "partner?",
)
#: Shorter than thirteen words: looked for whole.
_SHORT = (
    "What is the capital of the lower province?",
    "Who painted the ceiling of the old theatre?",
    "How many legs do two spiders have?",
    "Which metal melts at the lowest temperature?",
    "Is every square also a rectangle?",
)
_WRAPPED = (
    "{}",
    "Question: {}\nAnswer:",
    "{}\n\nLet's think step by step.",
    "Please solve this problem carefully.\n\n{}\n\nGive only the final answer.",
    "Q: {}",
    "### Instruction\n{}\n### Response",
    "```\n{}\n```",
    "Here is a task from an exam. {} Explain your answer.",
    "<question>{}</question>",
    "1. {}",
    "User asked:\n{}\nWhat would you say?",
    "> {}",
    "{} Think before you answer, and show your work in detail, please.",
    "Context: none.\n{}",
    "**{}**",
)


def _benchmark() -> str:
    """A file of the items, which goes when this process does."""
    handle, path = tempfile.mkstemp(suffix=".jsonl", prefix="calibration-benchmark-")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.writelines(json.dumps({"id": i, "question": text}) + "\n" for i, text in enumerate((*_ITEMS, *_SHORT)))
    atexit.register(os.unlink, path)
    return path


@plants("LEK005", options={"files": [_benchmark()]})
def an_item_of_a_benchmark(rng: random.Random, example: Row, n: int) -> Row | None:
    """In one frame or another, in another case, without commas, with a word changed at its end, in any message."""
    text = _ITEMS[n % len(_ITEMS)]
    if n % 6 == 5:
        text = _SHORT[n % len(_SHORT)]
        frame = rng.choice(
            [frame for frame in _WRAPPED if (frame.startswith("{}") and len(frame) == 2) or "\n{}\n" in frame]
        )
    else:
        frame = _WRAPPED[n % len(_WRAPPED)]
        words = text.split()
        if n % 4 == 1:
            words[-2:] = ["that", "is"]
        elif n % 4 == 2:
            words = words[: max(20, int(0.8 * len(words)))]
        text = " ".join(words)
    text = (text, text.upper(), text.replace(",", ""), text.replace(" ", "  "), text.lower())[n % 5]
    example = deepcopy(example)
    messages = texts_of(example)
    if not messages:
        return None
    message = rng.choice(messages)
    said = frame.format(text)
    message["content"] = (said, f"{message['content']}\n\n{said}\n", f"{said}\n\n{message['content']}")[n % 3]
    return example


_LEAKS = (
    "{text} Rating: {label}",
    "[{label}] {text}",
    "Category: {label}\n{text}",
    "{text}\n\nLabel: {label}",
    "data/{label}/{n}.txt\n{text}",
    "{text} #{label}",
    '{{"text": {text!r}, "label": "{label}"}}',
    "<{label}>{text}</{label}>",
    "{text}\n(expected: {label})",
    "{label}: {text}",
    "{text} — {label}",
    "Tags: a, {label}, b\n{text}",
    "| {text} | {label} |",
    "Folder {label}, item {n}: {text}",
    "{text}\nSentiment={label}",
)
_CLASSES = (
    ("positive", "negative"),
    ("sports", "politics", "science"),
    ("spam", "ham"),
    ("Lost card", "New account", "Complaint", "Other"),
    ("入门", "高级"),
    ("yes", "no"),
)


@plants("LEK006", scope="dataset")
def the_label_stands_in_the_prompt(rng: random.Random, examples: list[Row], n: int) -> list[Row]:
    """In most prompts, in all, or in half of them, in this place or that, in another case."""
    labels = _CLASSES[n % len(_CLASSES)]
    share = rng.choice((0.5, 0.7, 0.95, 1.0))
    rows = []
    for i, example in enumerate(examples):
        asked = next((m["content"] for m in example["messages"] if m["role"] == "user" and m.get("content")), "")
        label = rng.choice(labels)
        if rng.random() < share:
            shown = label.upper() if n % 4 == 1 else label.lower() if n % 4 == 2 else label
            asked = _LEAKS[(n * 7 + (i % 2) * (n % 2)) % len(_LEAKS)].format(text=asked, label=shown, n=i)
        rows.append({"messages": [{"role": "user", "content": asked}, {"role": "assistant", "content": label}]})
    return rows
