"""What people said of texts, as annotation tools export it: one row of columns for each text, and what most of them
said."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

#: What an answer is: one of some classes, a text of its own, or what only many of them tell.
Kind = Literal["class", "text", "either"]

#: A text of at most so many characters, of which there are few, is a class.
_LONGEST_CLASS: Final = 60


@dataclass(frozen=True, slots=True)
class Vote:
    """One annotator's answer to a question, as a text, and the pointer to it in the record."""

    said: str
    pointer: str


@dataclass(frozen=True, slots=True)
class Annotated:
    """A text with what was said of it, as a row.

    `row` are columns; for each question the answer that most annotators gave, and, as `QUESTION_agreement`, their
    share; `annotators` is how many there were, `cancelled` how many annotations were given up and do not count.
    `origins` maps columns to pointers into the record; `asked` are the columns of the text itself, `answers` those of
    the questions with what kind they are, `beside` those that are worth keeping.
    """

    row: dict[str, Any]
    origins: dict[str, str]
    asked: tuple[str, ...]
    answers: Mapping[str, Kind]
    beside: tuple[str, ...] = ()


#: What makes a row of a record; None where the record is none of the tool's.
Flatten = Callable[[dict[str, Any]], Annotated | None]


@dataclass(slots=True)
class Tally:
    """Collects the annotations of one text."""

    votes: dict[str, list[Vote]] = field(default_factory=dict)
    kinds: dict[str, Kind] = field(default_factory=dict)
    annotators: int = 0
    cancelled: int = 0

    def said(self, question: str, answer: str | None, kind: Kind, pointer: str) -> None:
        """Count an answer; an empty one is none."""
        if answer is not None and answer.strip():
            self.votes.setdefault(question, []).append(Vote(answer, pointer))
            self.kinds[question] = kind

    def annotated(self, asked: Mapping[str, tuple[Any, str]], beside: Mapping[str, tuple[Any, str]]) -> Annotated:
        """The row: `asked` are the columns of the text, `beside` others, each with its pointer. Of columns of the same
        name the text's stands; an answer's then is `annotated_NAME`."""
        row = {name: value for name, (value, _) in asked.items()}
        origins = {name: pointer for name, (_, pointer) in asked.items()}
        kinds: dict[str, Kind] = {}
        for question, votes in self.votes.items():
            name = question if question not in row else f"annotated_{question}"
            most, share = majority([vote.said for vote in votes])
            row[name], origins[name] = most, next(vote.pointer for vote in votes if vote.said == most)
            kinds[name] = self.kinds[question]
            row.setdefault(f"{name}_agreement", round(share, 3))
        known = {"annotators": (self.annotators, ""), "cancelled": (self.cancelled, ""), **beside}
        added = [name for name in known if name not in row]
        row.update({name: known[name][0] for name in added})
        origins.update({name: known[name][1] for name in added})
        return Annotated(row, origins, tuple(asked), kinds, tuple(added))


def majority(answers: Sequence[str]) -> tuple[str, float]:
    """The commonest of some answers, the first of those that are as common, and its share of them."""
    counts = Counter(answers)
    most = max(counts, key=lambda answer: counts[answer])
    return most, counts[most] / len(answers)


def answer_text(value: Any) -> str | None:
    """An answer as a text: several are separated by commas; None for what is no text, number or list of such."""
    if type(value) is bool:
        return "true" if value else "false"
    if type(value) in (str, int, float):
        return str(value)
    if type(value) is list and all(type(item) in (str, int, float) for item in value):
        return ", ".join(str(item) for item in value)
    return None


def chosen_question(rows: Iterable[Annotated]) -> tuple[str, bool] | None:
    """The question that is the label or answer of these rows, and whether its answers are classes: that with the most
    answers, classes before texts. None if nothing was answered."""
    counts: Counter[str] = Counter()
    texts: dict[str, Counter[str]] = {}
    kinds: dict[str, Kind] = {}
    for annotated in rows:
        for question, kind in annotated.answers.items():
            counts[question] += 1
            kinds[question] = kind
            texts.setdefault(question, Counter())[annotated.row[question]] += 1
    if not counts:
        return None
    of_classes = {
        name: kind == "class" or (kind == "either" and _are_classes(texts[name])) for name, kind in kinds.items()
    }
    best = max(counts, key=lambda name: (of_classes[name], counts[name]))
    return best, of_classes[best]


def _are_classes(answers: Counter[str]) -> bool:
    return len(answers) <= max(2, answers.total() // 3) and all(len(answer) <= _LONGEST_CLASS for answer in answers)


def longest_column(rows: Iterable[Annotated]) -> str | None:
    """The column of the text itself with the most to read in it."""
    lengths: Counter[str] = Counter()
    for annotated in rows:
        for name in annotated.asked:
            said = annotated.row[name]
            lengths[name] += len(said) if type(said) is str and not said.startswith(("http://", "https://")) else 0
    return max(lengths, key=lambda name: lengths[name]) if lengths.total() else None


def columns_of(rows: Iterable[Annotated]) -> Iterator[str]:
    """The names of all columns, each once."""
    yield from dict.fromkeys(name for annotated in rows for name in annotated.row)
