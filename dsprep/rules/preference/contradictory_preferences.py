"""PRF003 contradictory-preferences."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from dsprep.folds.keyed import excerpt, group_numbers, listed, place
from dsprep.folds.narrowing import ByKey
from dsprep.model.batch import Batch
from dsprep.model.finding import Finding, Severity
from dsprep.model.rule import Columns, KeyedRule, Meeting, Rows, RuleMeta
from dsprep.text.normal import canonical, columns_of, exchange, key_of
from dsprep.text.preference import PAIR_TEXTS, said_by_all

#: How many of the other rows a finding shows.
MOST_RELATED = 20


class ContradictoryPreferences(KeyedRule):
    """One preference record prefers the answer that another one rejects for it.

    ## What it does
    Groups preference records of the same prompt (system message and tools too) and the same two answers, whichever is
    preferred, folded as for DUP002. A group in which both are preferred is reported once, on the first row that
    contradicts the first of the group, with the first 20 of the rows that say the contrary.

    ## Why it matters
    The two pairs cancel each other out: they cost their tokens and teach nothing. Many of them mean that the people or
    models who judged did not agree, or that columns were swapped in one of several exports.

    ## Example
    ```json
    {"prompt": "Who wrote Emma?", "chosen": "Jane Austen.", "rejected": "An English novelist."}
    {"prompt": "Who wrote Emma?", "chosen": "An English novelist.", "rejected": "Jane Austen."}
    ```

    ## Fix
    None: which of them is right is for a person to say.

    ## Source
    Rafailov et al., Direct Preference Optimization, NeurIPS 2023, https://arxiv.org/abs/2305.18290: both pairs move the
    same difference, in opposite directions.
    """

    meta = RuleMeta(
        code="PRF003",
        name="contradictory-preferences",
        severity=Severity.ERROR,
        message="prefers the answer that {twin} rejects for it ({here:,} against {there:,} for the same prompt)",
        summary="A over B here, B over A there",
    )

    @property
    def meeting(self) -> Meeting | None:
        return ByKey()

    def emit(self, batch: Batch) -> Columns | None:
        texts = batch.get(PAIR_TEXTS)
        pairs = [
            (i, example, ours, theirs)
            for i, ours, theirs in zip(texts.index, texts.chosen, texts.rejected, strict=True)
            if ours and theirs and ours != theirs and (example := batch.examples[i]) is not None
        ]
        if not pairs:
            return None
        prompts = [example.messages[: example.prompt_size] for _, example, _, _ in pairs]
        keys: list[bytes] = []
        for (_, example, ours, theirs), prompt, text in zip(pairs, prompts, said_by_all(prompts), strict=True):
            roles = [message.get("role") if type(message) is dict else None for message in prompt]
            asked = key_of(text + (canonical([roles, example.tools]) or b""))
            keys.append(key_of(asked + b"".join(sorted((key_of(ours), key_of(theirs))))))
        return {
            "row": batch.keys[np.array([i for i, *_ in pairs], np.int64)],
            "key": columns_of(keys),
            "side": np.array([ours < theirs for *_, ours, theirs in pairs], np.bool_),
        }

    def resolve(self, columns: Columns, rows: Rows) -> Iterator[Finding]:
        group = group_numbers(columns["key"])
        side = columns["side"]
        of, against = (np.bincount(group, weights=chosen) for chosen in (side, ~side))
        at = np.flatnonzero((of[group] > 0) & (against[group] > 0))
        if not len(at):
            return
        at = at[np.argsort(group[at], kind="stable")]
        edges = np.flatnonzero(np.diff(group[at], prepend=-1, append=-1)).tolist()
        keys, sides = columns["row"][at].tolist(), side[at].tolist()
        found: list[tuple[list[int], list[int]]] = []
        for begin, end in pairwise(edges):
            split: tuple[list[int], list[int]] = ([], [])
            for key, chosen in zip(keys[begin:end], sides[begin:end], strict=True):
                split[chosen == sides[begin]].append(key)
            found.append(split)
        # Findings come in the order of their rows.
        found.sort(key=lambda pair: pair[0][0])
        shown = np.array([here[0] for here, _ in found[: self.context.max_findings]], np.uint64)
        asked = listed(rows, shown, _asked)
        for here, there in found:
            location, *others = rows.locate([here[0], *there[:MOST_RELATED]])
            yield self.finding(
                location,
                key=here[0],
                args={
                    "twin": place(others[0], location),
                    "here": len(here),
                    "there": len(there),
                    "excerpt": asked.get(here[0], ""),
                },
                related=others,
                rows=len(here) + len(there),
            )


def _asked(batch: Batch, i: int) -> str:
    example = batch.examples[i]
    return excerpt(exchange(example)[0]) if example is not None else ""
