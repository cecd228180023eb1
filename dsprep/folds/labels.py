"""Labels, counted once for all rules about balance, for statistics and for stratified splits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from dsprep.folds.splits import TRAIN, ordered, split_name
from dsprep.model.batch import Batch, Feature
from dsprep.model.location import Location
from dsprep.model.moving import Shift
from dsprep.model.rule import FoldRule
from dsprep.text.labels import LabelSource, answer_place, field_label, folded_label, folded_words, quoted

#: More distinct spellings than this are no classes, and are not counted further.
MOST_LABELS = 1000

#: Chat is classification-shaped only if at least this share of its examples has a short answer …
SHORT_SHARE = 0.95
#: … there are no more different answers than this, whatever the size of the set …
MOST_ANSWERS = 50
#: … at most this share of the answers occurs once. By Good and Turing's estimate, it is the chance that the next
#: example has an answer not seen before: high for questions with answers of their own, low for classes.
ONCE_SHARE = 0.25
#: … and there are at least so many examples.
FEWEST_EXAMPLES = 6
#: An abbreviation has at least so many letters …
SHORTEST = 3
#: … and what it stands for is at least so many times as common.
COMMONER = 5
#: Label fields that hold a value of their own in more than half of at least so many rows hold no classes.
ENOUGH_ROWS = 20


@dataclass(slots=True)
class Spellings:
    """How often each label occurs, as spelled, by split; and the row where each was first seen.

    `overflow` is set as soon as more than MOST_LABELS different ones have been seen, and the counts are dropped: it
    depends on the union of all labels alone, so on no order of merging.
    """

    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    first: dict[str, tuple[int, Location]] = field(default_factory=dict)
    overflow: bool = False

    def merged(self, other: Spellings) -> Spellings:
        """The spellings of both; neither operand is changed."""
        if self.overflow or other.overflow:
            return Spellings(overflow=True)
        first = dict(self.first)
        for label, seen in other.first.items():
            known = first.get(label)
            if known is None or seen[0] < known[0]:
                first[label] = seen
        return Spellings(self.counts + other.counts, first).settled()

    def moved(self, shift: Shift) -> Spellings:
        """These spellings, of rows that stand elsewhere."""
        first = {label: (shift.key(key), shift.location(place)) for label, (key, place) in self.first.items()}
        return Spellings(self.counts, first, self.overflow)

    def settled(self) -> Spellings:
        """These spellings, or the overflow if there are too many."""
        return Spellings(overflow=True) if len(self.first) > MOST_LABELS else self


@dataclass(slots=True)
class LabelState:
    """What the fold carries: spellings of label fields and of short answers; per split, the number of examples, of
    those with a label field and of those with a short answer."""

    fields: Spellings = field(default_factory=Spellings)
    answers: Spellings = field(default_factory=Spellings)
    examples: Counter[str] = field(default_factory=Counter)
    with_field: Counter[str] = field(default_factory=Counter)
    with_answer: Counter[str] = field(default_factory=Counter)


class LabelFold:
    """The fold itself. Rules share it by way of `LabelsRule`; the engine may run it by itself."""

    def empty(self) -> LabelState:
        return LabelState()

    def map(self, batch: Batch) -> LabelState:
        # A feature, so that rules and statistics count each batch once. No state is ever changed, so all may share it.
        return batch.get(_LABELS)

    def merge(self, a: LabelState, b: LabelState) -> LabelState:
        return LabelState(
            a.fields.merged(b.fields),
            a.answers.merged(b.answers),
            a.examples + b.examples,
            a.with_field + b.with_field,
            a.with_answer + b.with_answer,
        )

    def moved(self, state: LabelState, shift: Shift) -> LabelState:
        return replace(state, fields=state.fields.moved(shift), answers=state.answers.moved(shift))

    def finish(self, state: LabelState) -> LabelTable:
        """The labels of the data set."""
        return label_table(state)

    @staticmethod
    def counted(batch: Batch) -> LabelState:
        """The labels of `batch`."""
        state = LabelState()
        fields, answers = state.fields, state.answers
        for i, example in enumerate(batch.examples):
            if example is None:
                continue
            split = split_name(batch.split_of(i))
            state.examples[split] += 1
            label = field_label(example)
            if label is not None:
                state.with_field[split] += 1
                fields.counts[split, label] += 1
                if label not in fields.first:
                    fields.first[label] = (batch.key(i), batch.location(i, example.label_pointer))
            place = answer_place(example)
            if place is not None:
                text = example.messages[place]["content"]
                state.with_answer[split] += 1
                answers.counts[split, text] += 1
                if text not in answers.first:
                    answers.first[text] = (batch.key(i), batch.location(i, f"/messages/{place}/content"))
        state.fields, state.answers = fields.settled(), answers.settled()
        return state


@dataclass(frozen=True, slots=True)
class LabelTable:
    """The labels of a data set.

    `source` says where they come from; None means that the data has no classes, and then nothing is counted.
    `counts[split][label]` is how many examples of the split have the label, as spelled, most frequent first; splits
    come in the order train, validation, test, others. `unlabelled[split]` is the number of examples without one.
    `first[label]` is the row key and the location of the first example with the label.
    """

    source: LabelSource | None = None
    counts: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    unlabelled: Mapping[str, int] = field(default_factory=dict)
    first: Mapping[str, tuple[int, Location]] = field(default_factory=dict)

    @property
    def total(self) -> dict[str, int]:
        """How many examples of all splits have each label, most frequent first."""
        return by_frequency(_summed(self.counts.values()))

    @property
    def training(self) -> dict[str, int]:
        """The classes of the training split; of all splits if none of the labelled examples is for training."""
        return self.classes(TRAIN) or self.classes()

    def classes(self, split: str | None = None) -> dict[str, int]:
        """How many examples each class has, in `split` or in all: a label and its variants (see `variants`) are one
        class, named by the commonest spelling in all splits. Most frequent first."""
        names = variants(self.total)
        chosen = self.total if split is None else self.counts.get(split, {})
        out: Counter[str] = Counter()
        for label, n in chosen.items():
            out[names.get(label, label)] += n
        return by_frequency(out)


class LabelsRule(FoldRule[LabelState]):
    """Base of the rules about labels: write `finish`, and ask `label_table` about the state."""

    fold = "labels"

    def empty(self) -> LabelState:
        return _FOLD.empty()

    def map(self, batch: Batch) -> LabelState:
        return _FOLD.map(batch)

    def merge(self, a: LabelState, b: LabelState) -> LabelState:
        return _FOLD.merge(a, b)

    def moved(self, state: LabelState, shift: Shift) -> LabelState | None:
        return _FOLD.moved(state, shift)


_FOLD = LabelFold()
_LABELS = Feature("labels", LabelFold.counted)


def label_table(state: LabelState, source: LabelSource | None = None) -> LabelTable:
    """The labels that `state` has counted, from the source that they come from: the one named, or the likely one."""
    source = source or label_source(state)
    if source is None:
        return LabelTable()
    spellings, labelled = (state.fields, state.with_field) if source == "field" else (state.answers, state.with_answer)
    counts: dict[str, dict[str, int]] = {}
    for (split, label), n in spellings.counts.items():
        counts.setdefault(split, {})[label] = n
    splits = ordered(state.examples)
    return LabelTable(
        source,
        {split: by_frequency(counts[split]) for split in splits if split in counts},
        {split: state.examples[split] - labelled[split] for split in splits},
        dict(sorted(spellings.first.items())),
    )


def label_source(state: LabelState) -> LabelSource | None:
    """Where the labels come from.

    "field" if at least half of the examples have a label field and the fields hold classes rather than values of their
    own. "answer" if the chat is classification-shaped: nearly all answers are short, and they are few: at most
    MOST_ANSWERS, and five examples to each on average; in small sets, where rare classes weigh more, up to ten
    with three examples to each. None if neither.
    """
    examples = state.examples.total()
    fields = state.with_field.total()
    if fields and 2 * fields >= examples:
        if state.fields.overflow:
            return None
        if fields < ENOUGH_ROWS or 2 * len(_by_class(state.fields)) <= fields:
            return "field"
        return None
    answers = state.with_answer.total()
    if state.answers.overflow or examples < FEWEST_EXAMPLES or answers < SHORT_SHARE * examples:
        return None
    classes = _by_class(state.answers)
    once = sum(n == 1 for n in classes.values())
    most = min(MOST_ANSWERS, max(answers / 5, min(10, answers / 3)))
    return "answer" if len(classes) <= most and once <= ONCE_SHARE * answers else None


def label_place(state: LabelState) -> LabelSource | None:
    """Where labels stand in data that are known to have classes: in the label field, or the short answer, if at least
    half of the examples have one."""
    examples = state.examples.total()
    if not examples:
        return None
    if 2 * state.with_field.total() >= examples:
        return "field"
    return "answer" if 2 * state.with_answer.total() >= examples else None


def canonical_spellings(counts: Mapping[str, int]) -> dict[str, str]:
    """For each label, the commonest of the labels that fold to the same form (see `text.labels.folded_label`).

    Of equally common ones the one without white space at its ends, then the first in order of code points.
    """
    best: dict[str, str] = {}
    folded = {label: folded_label(label) for label in counts}
    for label in sorted(counts, key=lambda label: (-counts[label], label != label.strip(), label)):
        best.setdefault(folded[label], label)
    return {label: best[folded[label]] for label in counts}


def by_frequency(counts: Mapping[str, int]) -> dict[str, int]:
    """`counts`, most frequent first, equal ones in order of code points."""
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def listed_labels(counts: Mapping[str, int], most: int = 20, *, shares: bool = False) -> str:
    """`counts` in words, for a message: `"yes" 90, "no" 10`, and how many more than `most`. With `shares`, each with
    its share of the whole: `"yes" 90 (90.0 %)`."""
    whole = sum(counts.values()) or 1
    shown = [
        f"{quoted(label)} {n:,}" + (f" ({100 * n / whole:.1f} %)" if shares else "")
        for label, n in list(counts.items())[:most]
    ]
    more = len(counts) - len(shown)
    return ", ".join(shown) + (f" and {more:,} more" if more > 0 else "")


def _by_class(spellings: Spellings) -> Counter[str]:
    """How many examples there are of each folded label."""
    out: Counter[str] = Counter()
    folded: dict[str, str] = {}
    for (_, label), n in spellings.counts.items():
        if label not in folded:
            folded[label] = folded_label(label)
        out[folded[label]] += n
    return out


def _summed(counts: Iterable[Mapping[str, int]]) -> Counter[str]:
    out: Counter[str] = Counter()
    for part in counts:
        for label, n in part.items():
            out[label] += n
    return out


def variants(counts: Mapping[str, int]) -> dict[str, str]:
    """For each label that is a variant of another one, that other one, which is a variant of none."""
    canonical = canonical_spellings(counts)
    folded = {label: folded_label(label) for label in counts}
    size: dict[str, int] = {}
    for label, n in counts.items():
        size[folded[label]] = size.get(folded[label], 0) + n
    name = {folded[label]: new for label, new in canonical.items()}
    words = {form: folded_words(label) for form, label in name.items()}
    longer = {short: full for short in size if (full := _full_form(short, size, words)) is not None}
    out: dict[str, str] = {}
    for label in counts:
        form = folded[label]
        # An abbreviation of an abbreviation ends at the longest form; each step is longer, so this ends.
        while form in longer:
            form = longer[form]
        if name[form] != label:
            out[label] = name[form]
    return out


def _full_form(short: str, size: Mapping[str, int], words: Mapping[str, str]) -> str | None:
    """The one class, much commoner than `short`, whose name `short` begins without ending at the end of a word: `new`
    is no abbreviation of `new york`."""
    if len(short) < SHORTEST or not short.isalpha():
        return None
    longer = [form for form in size if len(form) > len(short) and form.startswith(short)]
    if len(longer) != 1 or size[longer[0]] < COMMONER * size[short]:
        return None
    start, whole = words[short], words[longer[0]]
    return longer[0] if whole.startswith(start) and whole[len(start) : len(start) + 1].isalpha() else None
