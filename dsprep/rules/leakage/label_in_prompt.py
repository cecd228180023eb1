"""LEK006 label-in-prompt."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache, partial
from zlib import crc32

import numpy as np
from pydantic import Field

from dsprep.folds.chisquare import compare
from dsprep.folds.keyed import listed
from dsprep.folds.labels import LabelFold, LabelState, label_table, variants
from dsprep.model.batch import Batch
from dsprep.model.finding import Finding, Severity
from dsprep.model.moving import Shift
from dsprep.model.record import Example
from dsprep.model.rule import FoldRule, Rows, RuleMeta, RuleOptions
from dsprep.text.labels import field_label, quoted, short_answer

#: Of each label so many examples are remembered, drawn by content, to see how often other classes' labels stand there.
SAMPLED = 40
#: At most about so many of them are read again.
MOST_READ = 2000
#: So many labels, and places, are shown.
MOST_LABELS, MOST_PLACES = 5, 10
#: Longer labels are texts.
LONGEST = 200
#: How likely by chance a difference must be that is not reported: one in a thousand.
MAX_P = 0.001

_SPACELESS = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]")
_GAP = re.compile(r"[\s_-]+")


class LabelInPromptOptions(RuleOptions):
    """Options of label-in-prompt."""

    min_excess: float = Field(
        0.3,
        gt=0,
        le=1,
        description="How much larger the share of prompts with the label must be among its own than among others.",
    )
    min_examples: int = Field(10, ge=2, description="Of labels with fewer examples nothing is said.")


@dataclass(slots=True)
class Prompts:
    """Of one label, as spelled: how many examples have it, and in how many it stands in the prompt. `drawn` are the
    `SAMPLED` examples whose prompts have the smallest hashes, as (hash, row key); `shown` the row keys of the first
    `MOST_PLACES` in which it stands."""

    examples: int = 0
    hits: int = 0
    drawn: tuple[tuple[int, int], ...] = ()
    shown: tuple[int, ...] = ()

    def merged(self, other: Prompts) -> Prompts:
        """The prompts of both; neither operand is changed."""
        return Prompts(
            self.examples + other.examples,
            self.hits + other.hits,
            tuple(sorted((*self.drawn, *other.drawn))[:SAMPLED]),
            tuple(sorted((*self.shown, *other.shown))[:MOST_PLACES]),
        )

    def moved(self, shift: Shift) -> Prompts:
        """These prompts, of rows that stand elsewhere."""
        drawn = tuple((hashed, shift.key(key)) for hashed, key in self.drawn)
        return Prompts(self.examples, self.hits, drawn, tuple(map(shift.key, self.shown)))


Found = dict[str, Prompts]


@dataclass(slots=True)
class PromptState:
    """The labels, and what is known of the prompts of each, by where the label comes from. Where there are too many
    labels to be classes, nothing is known."""

    labels: LabelState = field(default_factory=LabelState)
    fields: Found = field(default_factory=dict)
    answers: Found = field(default_factory=dict)

    def settled(self) -> PromptState:
        """This state without what is of no use."""
        return PromptState(
            self.labels,
            {} if self.labels.fields.overflow else self.fields,
            {} if self.labels.answers.overflow else self.answers,
        )


class LabelInPrompt(FoldRule[PromptState]):
    """The label stands word for word in the prompt, far more often than chance.

    ## What it does
    Looks in how many prompts the label of the example stands as a word or words of its own, in any case, with `_` and
    `-` taken for spaces. That alone says nothing: a prompt that asks "Is it positive or negative?" holds both. So the
    share is compared with that among a sample of examples of other labels, label by label. A finding needs a share
    among its own prompts that is larger by 30 percentage points (`min_excess`), by more than chance explains
    (chi-square test, p below 0.001). Single letters, as of multiple choice, are no words. The prompt is everything
    before the answer but what the assistant said. There is one finding, with the labels that leak most and some of the
    places.

    ## Why it matters
    The model learns to copy the label from its prompt. It looks perfect in validation, where the label stands in the
    prompt too, and fails in use, where it does not. Often it is a column that should not be part of the text: a file
    name, a category, the rating beside the review.

    ## Example
    `Review: Great phone! Rating: positive` with the answer `positive`, in most examples.

    ## Fix
    None by machine: take out of the prompt what would not be known when the model is asked.

    ## Source
    Kaufman et al., Leakage in Data Mining, KDD 2011, https://doi.org/10.1145/2020408.2020496. The test is dsprep's own.
    """

    meta = RuleMeta(
        code="LEK006",
        name="label-in-prompt",
        severity=Severity.WARNING,
        message="the label stands in the prompt: {distribution}",
        summary="the label stands word for word in the prompt, far more often than chance",
    )
    Options = LabelInPromptOptions

    def empty(self) -> PromptState:
        return PromptState()

    def map(self, batch: Batch) -> PromptState:
        state = PromptState(_LABELS.map(batch))
        rows: tuple[dict[str, list[tuple[int, int, bool]]], ...] = ({}, {})
        for i, example in enumerate(batch.examples):
            if example is None:
                continue
            said = field_label(example), short_answer(example)
            if said == (None, None):
                continue
            prompt = prompt_of(example)
            hashed = crc32(prompt.encode("utf-8", "surrogatepass"))
            for label, seen in zip(said, rows, strict=True):
                if label is not None:
                    seen.setdefault(label, []).append((hashed, batch.key(i), holds(prompt, label)))
        state.fields, state.answers = ({label: _prompts(some) for label, some in seen.items()} for seen in rows)
        return state.settled()

    def merge(self, a: PromptState, b: PromptState) -> PromptState:
        labels = _LABELS.merge(a.labels, b.labels)
        return PromptState(labels, _merged(a.fields, b.fields), _merged(a.answers, b.answers)).settled()

    def moved(self, state: PromptState, shift: Shift) -> PromptState:
        return PromptState(
            _LABELS.moved(state.labels, shift),
            {label: prompts.moved(shift) for label, prompts in state.fields.items()},
            {label: prompts.moved(shift) for label, prompts in state.answers.items()},
        )

    def finish(self, state: PromptState, rows: Rows) -> Iterator[Finding]:
        table = label_table(state.labels)
        if table.source is None:
            return
        names = variants(table.total)
        classes: Found = {}
        for label, prompts in sorted((state.fields if table.source == "field" else state.answers).items()):
            name = names.get(label, label)
            classes[name] = classes.get(name, Prompts()).merged(prompts)
        own = {name: prompts.hits / prompts.examples for name, prompts in classes.items()}
        suspects = [
            name
            for name in sorted(classes)
            if own[name] >= self.options.min_excess and classes[name].examples >= self.options.min_examples
        ]
        if not suspects or len(classes) < 2:
            return
        others = _among_others(classes, suspects, rows)
        leaks = []
        for name in suspects:
            prompts = classes[name]
            share, sample = others[name]
            if own[name] - share < self.options.min_excess:
                continue
            expected = round(share * sample)
            by_chance = compare([prompts.hits, prompts.examples - prompts.hits], [expected, sample - expected])
            if by_chance is not None and by_chance.p <= MAX_P:
                leaks.append((name, own[name], share))
        if not leaks:
            return
        leaks.sort(key=lambda leak: (-round((leak[1] - leak[2]) * classes[leak[0]].hits, 6), leak[0]))
        shown = ", ".join(
            f"{quoted(name)} in {100 * here:.0f} % of its prompts and {100 * there:.0f} % of others"
            for name, here, there in leaks[:MOST_LABELS]
        )
        more = len(leaks) - MOST_LABELS
        places = sorted(key for name, _, _ in leaks for key in classes[name].shown)[:MOST_PLACES]
        yield self.finding(
            rows.dataset,
            args={
                "distribution": shown + (f" and {more:,} more labels" if more > 0 else ""),
                "labels": [[name[:80], round(here, 4), round(there, 4)] for name, here, there in leaks[:20]],
                "leaking": len(leaks),
                "classes": len(classes),
                "label_source": table.source,
            },
            related=rows.locate(places),
            rows=sum(classes[name].hits for name, _, _ in leaks),
        )


_LABELS = LabelFold()


def prompt_of(example: Example) -> str:
    """What stands before the last assistant message and is not the assistant's, in small letters."""
    texts: list[str] = []
    before: int | None = None
    for message in example.messages:
        if type(message) is not dict:
            continue
        if message.get("role") == "assistant":
            before = len(texts)
            continue
        content = message.get("content")
        if type(content) is str:
            texts.append(content)
        elif type(content) is list:
            texts += [part["text"] for part in content if type(part) is dict and type(part.get("text")) is str]
    return "\n".join(texts[:before]).casefold()


@lru_cache(4096)
def _pattern(label: str) -> tuple[str, re.Pattern[str]] | None:
    """The first word of a label, in small letters, and a pattern for all of it; None if it is no word."""
    words = [word for word in _GAP.split(label.casefold()) if word]
    whole = "".join(words)
    if len(whole) > LONGEST or not any(map(str.isalnum, whole)) or (len(whole) == 1 and not whole.isdigit()):
        return None
    joined = r"[\s_-]+".join(map(re.escape, words))
    before = "" if _SPACELESS.match(whole[0]) else r"(?<!\w)(?<![0-9][.,])"
    after = "" if _SPACELESS.match(whole[-1]) else r"(?!\w)(?![.,][0-9])"
    return words[0], re.compile(before + joined + after)


def holds(prompt: str, label: str) -> bool:
    """Whether `prompt`, in small letters, holds `label` as a word or words of its own."""
    wanted = _pattern(label)
    return wanted is not None and wanted[0] in prompt and wanted[1].search(prompt) is not None


def _merged(a: Found, b: Found) -> Found:
    return {
        label: a[label].merged(b[label]) if label in a and label in b else a.get(label) or b[label]
        for label in {**a, **b}
    }


def _prompts(seen: list[tuple[int, int, bool]]) -> Prompts:
    """Of the rows of a batch with one label: the hash of the prompt, the key, and whether it holds the label."""
    shown = sorted(key for _, key, held in seen if held)
    drawn = sorted((hashed, key) for hashed, key, _ in seen)
    return Prompts(len(seen), len(shown), tuple(drawn[:SAMPLED]), tuple(shown[:MOST_PLACES]))


def _among_others(classes: Found, suspects: list[str], rows: Rows) -> Mapping[str, tuple[float, int]]:
    """For each suspect the share of the prompts of other labels that hold it, and in how many that was looked up."""
    each = max(5, min(SAMPLED, MOST_READ // len(classes)))
    sampled = {name: [key for _, key in prompts.drawn[:each]] for name, prompts in classes.items()}
    keys = np.array(sorted({key for some in sampled.values() for key in some}), np.uint64)
    held = listed(rows, keys, partial(_held, tuple(suspects)))
    out: dict[str, tuple[float, int]] = {}
    for number, suspect in enumerate(suspects):
        weight = hits = 0.0
        sample = 0
        for name, some in sampled.items():
            if name == suspect or not some:
                continue
            weight += classes[name].examples
            hits += classes[name].examples * sum(number in held[key] for key in some) / len(some)
            sample += len(some)
        out[suspect] = (hits / weight, sample)
    return out


def _held(labels: tuple[str, ...], batch: Batch, i: int) -> frozenset[int]:
    """The numbers of those of `labels` that the prompt of the i-th example holds."""
    example = batch.examples[i]
    prompt = "" if example is None else prompt_of(example)
    return frozenset(number for number, label in enumerate(labels) if holds(prompt, label))
