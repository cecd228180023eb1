"""DUP005 repeated-answer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from dsprep.folds.keyed import excerpt, group_numbers, listed, split_numbers
from dsprep.folds.prompt_keys import PromptKeysRule
from dsprep.model.batch import Batch
from dsprep.model.finding import Finding, Severity
from dsprep.model.rule import Columns, FixAvailability, Meeting, Rows, RuleMeta, RuleOptions
from dsprep.text.normal import exchange

#: How many of the other rows a finding shows.
MOST_RELATED = 20

_NOBODY = np.uint64(1 << 63)


class RepeatedAnswerOptions(RuleOptions):
    """Options of repeated-answer."""

    min_prompts: int = Field(10, ge=2, description="To how many different prompts an answer must be given.")
    min_bytes: int = Field(
        100, ge=1, description="How long an answer must be, in bytes of UTF-8; shorter ones may well be the same."
    )


@dataclass(frozen=True, slots=True)
class ByAnswer:
    """Rows meet that give the same answer of at least `min_bytes` bytes."""

    min_bytes: int

    def __call__(self, columns: Columns) -> NDArray[np.uint64]:
        # No row key is that large, and no two are the same: those with a short answer meet nobody.
        return np.where(columns["said"] >= self.min_bytes, columns["answer"][:, 0], columns["row"] | _NOBODY)[:, None]


class RepeatedAnswer(PromptKeysRule):
    """One long answer is given to many prompts.

    ## What it does
    Groups examples by their last assistant message, folded as for DUP002, and reports each answer of at least 100 bytes
    (`min_bytes`) that is given to ten different prompts or more (`min_prompts`) of one split. Labels and other short
    answers are meant to repeat, and so are tool calls; neither is looked at. There is one finding per answer; it stands
    on the first example and points to others (the first 20).

    ## Why it matters
    Whatever is asked, the model learns to say this. Mostly it is a canned reply ("Thank you for contacting us …"), a
    refusal of the model that wrote the data, or a join that went wrong and gave one row's answer to all.

    ## Example
    Eighty questions of customers that are all answered with "Thank you for contacting our support team. We will get
    back to you within two working days. Please do not reply to this message."

    ## Fix
    None: which of the prompts it does answer is for a person to say.

    ## Source
    Our own. Lee et al., 2022, https://arxiv.org/abs/2107.06499, show that what is repeated is learnt by heart.
    """

    meta = RuleMeta(
        code="DUP005",
        name="repeated-answer",
        severity=Severity.INFO,
        message="{prompts:,} different prompts have this answer: {excerpt!r}",
        summary="one long answer is given to many prompts",
        fix=FixAvailability.NEVER,
    )
    Options = RepeatedAnswerOptions

    @property
    def meeting(self) -> Meeting | None:
        return ByAnswer(self.options.min_bytes)

    def resolve(self, columns: Columns, rows: Rows) -> Iterator[Finding]:
        at = np.flatnonzero(columns["said"] >= self.options.min_bytes)
        if len(at) < self.options.min_prompts:
            return
        columns = {name: column[at] for name, column in columns.items()}
        split, _ = split_numbers(columns)
        answer = group_numbers(columns["answer"], split)
        prompt = group_numbers(columns["key"], answer)
        first = np.unique(prompt, return_index=True)[1]
        prompts = np.bincount(answer[first], minlength=len(answer))
        # Groups are numbered by their first rows, so findings come in order of place.
        often = np.flatnonzero(prompts >= self.options.min_prompts)
        if not len(often):
            return
        order = np.argsort(answer, kind="stable")
        edges = np.searchsorted(answer[order], np.stack((often, often + 1), axis=1))
        row = columns["row"]
        groups = [row[order[begin:end]] for begin, end in edges.tolist()]
        texts = listed(rows, np.array([group[0] for group in groups[: self.context.max_findings]], np.uint64), _answer)
        for group, different in zip(groups, prompts[often].tolist(), strict=True):
            here, *others = rows.locate(group[: MOST_RELATED + 1])
            key = int(group[0])
            yield self.finding(
                here,
                key=key,
                args={"prompts": different, "excerpt": texts.get(key, "")},
                related=others,
                rows=len(group),
            )


def _answer(batch: Batch, i: int) -> str:
    example = batch.examples[i]
    return excerpt(exchange(example)[1]) if example is not None else ""
