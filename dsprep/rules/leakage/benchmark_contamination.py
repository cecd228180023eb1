"""LEK005 benchmark-contamination."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from dsprep.folds.keyed import DROP
from dsprep.model.batch import Batch
from dsprep.model.finding import Finding, Severity
from dsprep.model.record import Example, Record
from dsprep.model.rule import ExampleRule, FixAvailability, RuleMeta, RuleOptions
from dsprep.model.source import InputError
from dsprep.text.ngrams import MOST_WORDS, runs, wholes
from dsprep.text.normal import FORMS, exchange, fold_all
from dsprep.text.shingles import word_hashes

#: A run of words that stands in more texts of the benchmarks than this is their form, not their matter.
MOST_OFTEN = 10
#: A whole question has at least so many words: shorter ones are asked by anybody.
FEWEST_WORDS = 5
#: Where the question of a record stands that is no conversation; else it is the longest text.
_QUESTIONS = ("question", "problem", "prompt", "input", "query", "instruction", "task", "goal", "text")
#: Texts are taken from so deep in a record.
_DEEPEST = 8


class BenchmarkContaminationOptions(RuleOptions):
    """Options of benchmark-contamination."""

    files: tuple[str, ...] = Field(
        (), description="The benchmarks: files of any format that dsprep reads, relative to the working directory."
    )
    words: int = Field(13, ge=5, le=MOST_WORDS, description="How many words in a row are compared.")
    share: float = Field(
        0.3, ge=0, le=1, description="The share of such runs of a benchmark's text that an example must hold; 0: any."
    )


@dataclass(frozen=True)
class Benchmarks:
    """The texts of benchmarks, as hashes.

    `grams` (uint64, sorted) are runs of words, `text` (int32) the number of the text that each stands in; a run that
    stands in several is there several times. `sizes` (int32) is how many runs each text has, `places` says where it
    stands. `whole` (uint64, sorted) are questions that are shorter than a run, `whole_text` the numbers of their texts,
    `longest` the bytes of the longest of them.
    """

    grams: NDArray[np.uint64]
    text: NDArray[np.int32]
    sizes: NDArray[np.int32]
    places: Sequence[str]
    whole: NDArray[np.uint64]
    whole_text: NDArray[np.int32]
    longest: int


class BenchmarkContamination(ExampleRule):
    """An example holds text of a benchmark that you name.

    ## What it does
    Takes all texts of the files that you name (`--benchmark`, or the option `files`; chat, or records of any other
    shape, of any format that dsprep reads) as sets of overlapping runs of 13 words (`words`), without case and
    punctuation. An example is reported if it holds at least 30 % (`share`) of the runs of one of them. Runs that stand
    in more than ten texts of the benchmarks are their form and do not count. Questions that are shorter than a run are
    looked for whole: as a message, or a line of one. It says which item it is. Off unless you name a file.

    ## Why it matters
    What a benchmark says of a model that was trained on its questions is worth nothing, and nobody can tell afterwards.

    ## Example
    ```console
    $ dsprep lint train.jsonl --benchmark gsm8k_test.jsonl
    train.jsonl:17: 96 % of gsm8k_test.jsonl:240 stands in it
    ```

    ## Fix
    Drops the example. Unsafe, because it takes rows out.

    ## Source
    Brown et al., Language Models are Few-Shot Learners, 2020, appendix C, https://arxiv.org/abs/2005.14165: overlaps of
    13 words, without those that occur more than ten times; Gao et al., The Pile, 2020,
    https://arxiv.org/abs/2101.00027, which takes over the 13 words. They remove what shares a single run; the share is
    dsprep's own, and `share = 0` is theirs.
    """

    meta = RuleMeta(
        code="LEK005",
        name="benchmark-contamination",
        severity=Severity.ERROR,
        message="{percent} % of {item} stands in it",
        summary="an example holds text of a benchmark that you name",
        fix=FixAvailability.ALWAYS,
        default=False,
    )
    Options = BenchmarkContaminationOptions

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.benchmarks: Benchmarks | None = None

    @property
    def files(self) -> tuple[str, ...]:
        return tuple(self.options.files)

    def study(self, batches: Iterable[Batch]) -> None:
        words: int = self.options.words
        grams: list[NDArray[np.uint64]] = [np.empty(0, np.uint64)]
        owners: list[NDArray[np.int64]] = [np.empty(0, np.int64)]
        whole: dict[int, int] = {}
        places: list[str] = []
        longest = 0
        for batch in batches:
            texts: list[str] = []
            asks: list[bool] = []
            first = len(places)
            for i, (record, example) in enumerate(zip(batch.records, batch.examples, strict=True)):
                for text, is_question in _texts(record, example):
                    texts.append(text)
                    asks.append(is_question)
                    places.append(_place(batch, i))
            folded = fold_all(texts)
            hashes, counts = word_hashes(folded)
            found, owner = runs(hashes, counts, words)
            grams.append(found)
            owners.append(owner + first)
            short = np.array(asks, np.bool_) & (counts >= FEWEST_WORDS) & (counts < words)
            for i, key in zip(np.flatnonzero(short).tolist(), wholes(hashes, counts)[short].tolist(), strict=True):
                whole.setdefault(key, first + i)
                longest = max(longest, len(folded[i]))
        if not whole and not any(map(len, grams)):
            named = ", ".join(self.files)
            raise InputError(f"{named}: there is no text of {FEWEST_WORDS} words or more, so nothing to compare with")
        # Each run once per text, in order.
        numbers, gram = np.concatenate(owners), np.concatenate(grams)
        order = np.lexsort((numbers, gram))
        numbers, gram = numbers[order], gram[order]
        fresh = np.ones(len(gram), np.bool_)
        fresh[1:] = (gram[1:] != gram[:-1]) | (numbers[1:] != numbers[:-1])
        numbers, gram = numbers[fresh], gram[fresh]
        _, which, often = np.unique(gram, return_inverse=True, return_counts=True)
        matter = often[which] <= MOST_OFTEN
        numbers, gram = numbers[matter], gram[matter]
        keys = sorted(whole)
        self.benchmarks = Benchmarks(
            gram,
            numbers.astype(np.int32),
            np.bincount(numbers, minlength=len(places)).astype(np.int32),
            places,
            np.array(keys, np.uint64),
            np.array([whole[key] for key in keys], np.int32),
            longest,
        )

    def find(self, batch: Batch) -> Iterator[Finding]:
        known = self.benchmarks
        if known is None:
            return
        forms = batch.get(FORMS)
        hashes, counts = word_hashes(forms.near)
        found = dict(zip(*self._overlaps(known, hashes, counts), strict=True))
        index = forms.index.tolist()
        best = {index[i]: (share, number) for i, (share, number) in found.items()}
        for i, number in _whole_questions(known, batch, self.options.words):
            best.setdefault(i, (1.0, number))
        for i, (share, number) in sorted(best.items()):
            yield self.at(
                batch,
                i,
                args={"percent": round(100 * share), "share": round(share, 4), "item": known.places[number]},
                fix=DROP,
            )

    def _overlaps(
        self, known: Benchmarks, hashes: NDArray[np.uint64], counts: NDArray[np.int64]
    ) -> tuple[list[int], list[tuple[float, int]]]:
        """The numbers of the examples that hold enough of a text, and for each the largest share, and of which text."""
        gram, example = runs(hashes, counts, self.options.words)
        if not len(known.grams):
            return [], []
        begin = np.searchsorted(known.grams, gram)
        there = np.flatnonzero(known.grams[np.minimum(begin, len(known.grams) - 1)] == gram)
        if not len(there):
            return [], []
        gram, example, begin = gram[there], example[there], begin[there]
        times = np.searchsorted(known.grams, gram, side="right") - begin
        at = np.repeat(begin - (np.cumsum(times) - times), times) + np.arange(int(times.sum()))
        # Each run of a text counts once for an example, however often it stands there.
        pairs = np.unique(np.stack((np.repeat(example, times), known.text[at], at)), axis=1)
        (of, text), held = np.unique(pairs[:2], axis=1, return_counts=True)
        share = held / known.sizes[text]
        enough = share >= self.options.share
        of, text, share = of[enough], text[enough], share[enough]
        order = np.lexsort((text, -share, of))
        examples, first = np.unique(of[order], return_index=True)
        chosen = order[first]
        return examples.tolist(), list(zip(share[chosen].tolist(), text[chosen].tolist(), strict=True))


def _whole_questions(known: Benchmarks, batch: Batch, words: int) -> Iterator[tuple[int, int]]:
    """Examples (their indexes) of which a message, or a line of one, is a short question, and the number of that."""
    if not len(known.whole):
        return
    turns = batch.turns
    rows: list[int] = []
    pieces: list[str] = []
    # Folding shortens white space and may lengthen or shorten some letters; longer pieces cannot be the same.
    most = 2 * known.longest + 64
    for row, role, text in zip(turns.row, turns.role, turns.text, strict=True):
        if role in ("system", "developer"):
            continue
        for piece in (text, *text.split("\n")) if "\n" in text else (text,):
            if len(piece) <= most:
                rows.append(row)
                pieces.append(piece)
    hashes, counts = word_hashes(fold_all(pieces))
    keys = wholes(hashes, counts)
    keys[counts >= words] = 0
    at = np.minimum(np.searchsorted(known.whole, keys), len(known.whole) - 1)
    for i in np.flatnonzero(known.whole[at] == keys).tolist():
        yield rows[i], int(known.whole_text[at[i]])


def _place(batch: Batch, i: int) -> str:
    """Where an item of a benchmark is, as short as can be."""
    at = batch.location(i)
    return f"{at.path} {at.pointer}" if at.pointer else str(at)


def _texts(record: Record, example: Example | None) -> list[tuple[str, bool]]:
    """The texts of an item of a benchmark, and whether each is its question."""
    if example is not None and example.messages:
        asked, _ = exchange(example)
        found = [
            text
            for message in example.messages
            if type(message) is dict and message.get("role") not in ("system", "developer")
            for text in _strings(message.get("content"))
        ]
        return [(text, text == asked) for text in found] or [(asked, True)]
    value = record.value
    if type(value) is dict:
        lowered: Mapping[str, Any] = {key.lower(): item for key, item in value.items() if type(key) is str}
        asked = next((lowered[key] for key in _QUESTIONS if type(lowered.get(key)) is str), "")
        texts = _strings(value)
        if not asked.strip():
            asked = max(texts, key=len, default="")
        return [(text, text == asked) for text in texts]
    return [(text, True) for text in _strings(value)]


def _strings(value: Any, deepest: int = _DEEPEST) -> list[str]:
    """The texts in a JSON value, names of members not counted."""
    if type(value) is str:
        return [value]
    if deepest and type(value) is list:
        return [text for item in value for text in _strings(item, deepest - 1)]
    if deepest and type(value) is dict:
        return [text for item in value.values() for text in _strings(item, deepest - 1)]
    return []
