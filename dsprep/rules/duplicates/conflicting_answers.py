"""DUP004 conflicting-answers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, compress, islice, pairwise
from typing import Any

import numpy as np

from dsprep.folds.keyed import excerpt, firsts, group_numbers, listed, split_numbers
from dsprep.folds.prompt_keys import PromptKeysRule
from dsprep.model.batch import Batch
from dsprep.model.finding import Finding, Severity
from dsprep.model.location import Location
from dsprep.model.rule import Columns, FixAvailability, Rows, RuleMeta
from dsprep.text.normal import exchange

#: How many of the other rows, and of the answers, a finding shows.
MOST_RELATED, MOST_ANSWERS = 20, 5


class ConflictingAnswers(PromptKeysRule):
    """The same prompt with different answers, within one split.

    ## What it does
    Groups examples by everything before their last assistant message (system prompt and tools too), folded as for
    DUP002, and reports each prompt that is answered in more than one way. Examples with a label are compared by their
    labels alone. Prompts without any user text are left out, and so are preference records: a prompt may well have more
    than two answers to compare (PRF003 looks for those that contradict each other). There is one finding per prompt; it
    stands on the first example and points to the others (the first 20), with up to five of the answers.

    ## Why it matters
    For questions with one right answer, and for labels above all, one of the rows is wrong, and the model is taught
    both. For open tasks ("write a poem about …") several answers are fine: ignore the rule there.

    ## Example
    ```json
    {"messages": [{"role": "user", "content": "Great phone!"}, {"role": "assistant", "content": "positive"}]}
    {"messages": [{"role": "user", "content": "Great phone!"}, {"role": "assistant", "content": "negative"}]}
    ```

    ## Fix
    None: which answer is right is for a person to say.

    ## Source
    Northcutt et al., Pervasive Label Errors in Test Sets, NeurIPS 2021, https://arxiv.org/abs/2103.14749
    """

    meta = RuleMeta(
        code="DUP004",
        name="conflicting-answers",
        severity=Severity.WARNING,
        message="{count} examples answer the same prompt in {answers} different ways",
        summary="the same prompt with different answers, within one split",
        fix=FixAvailability.NEVER,
    )

    def resolve(self, columns: Columns, rows: Rows) -> Iterator[Finding]:
        if columns["paired"].any():
            columns = {name: column[~columns["paired"]] for name, column in columns.items()}
        split, _ = split_numbers(columns)
        prompt = group_numbers(columns["key"], split)
        answer = group_numbers(columns["answer"], prompt)
        new = firsts(answer) == np.arange(len(answer))
        ways = np.bincount(prompt, weights=new).astype(np.int64)
        # Groups are numbered by their first rows, so findings come in order of place.
        at = np.flatnonzero(ways[prompt] > 1)
        at = at[np.argsort(prompt[at], kind="stable")]
        if not len(at):
            return
        edges = np.flatnonzero(np.diff(prompt[at], prepend=-1, append=-1)).tolist()
        keys, is_new = columns["row"][at].tolist(), new[at].tolist()
        groups = [keys[begin:end] for begin, end in pairwise(edges)]
        said = [
            list(islice(compress(keys[begin:end], is_new[begin:end]), MOST_ANSWERS)) for begin, end in pairwise(edges)
        ]
        # Texts are read again only for as many findings as can be listed.
        shown = list(chain.from_iterable(said[: self.context.max_findings]))
        texts = listed(rows, np.array(shown, np.uint64), _texts)
        places = self._places(groups, rows)
        for group, way, answers in zip(groups, said, ways[prompt[at[edges[:-1]]]].tolist(), strict=True):
            args: dict[str, Any] = {"count": len(group), "answers": answers}
            if way[0] in texts:
                args["excerpt"] = texts[way[0]][0]
                args["examples"] = [texts[key][1] for key in way if key in texts]
            here, *others = next(places)
            yield self.finding(here, key=group[0], args=args, related=others, rows=len(group))

    @staticmethod
    def _places(groups: Sequence[Sequence[int]], rows: Rows) -> Iterator[list[Location]]:
        for start in range(0, len(groups), 1024):
            cut = [group[: MOST_RELATED + 1] for group in groups[start : start + 1024]]
            located = iter(rows.locate(list(chain.from_iterable(cut))))
            yield from (list(islice(located, len(group))) for group in cut)


def _texts(batch: Batch, i: int) -> tuple[str, str]:
    example = batch.examples[i]
    asked, answered = exchange(example) if example is not None else ("", "")
    return excerpt(asked), excerpt(answered)
