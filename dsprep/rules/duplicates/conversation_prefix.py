"""DUP006 conversation-prefix."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np
from numpy.typing import NDArray

from dsprep.folds.keyed import DROP, SharedKeyedRule, group_numbers, read_again, split_column, split_numbers
from dsprep.folds.narrowing import ByKey
from dsprep.model.batch import Batch
from dsprep.model.finding import Finding, Severity
from dsprep.model.rule import Columns, FixAvailability, Meeting, Rows, RuleMeta
from dsprep.text.normal import FORMS, beginnings


class ConversationPrefix(SharedKeyedRule):
    """An example that is the beginning of another one of its split.

    ## What it does
    Looks for conversations whose messages are the first messages of a longer one: all of them, in order, up to an
    answer of the assistant, with the same system prompt, tools and weights. Texts are folded as for DUP002. The finding
    stands on the shorter one and points to the longest that begins with it. That conversations share a system prompt or
    a greeting is no finding: an example must be contained whole, with a question and its answer. Where the longer one
    has weight 0 on the answers that they share, they differ, since it does not train on them.

    ## Why it matters
    A conversation that was saved after each turn trains its first answers as often as it has turns, and what was meant
    to be validated by one part is learnt from another. The longer example teaches all that the shorter one does.

    ## Example
    ```json
    {"messages": [{"role": "user", "content": "Is the museum open?"}, {"role": "assistant", "content": "Until five."}]}
    {"messages": [{"role": "user", "content": "Is the museum open?"}, {"role": "assistant", "content": "Until five."},
                  {"role": "user", "content": "And on Sunday?"}, {"role": "assistant", "content": "Until noon."}]}
    ```

    ## Fix
    Drops the shorter example. Unsafe, because it takes rows out: the data may be meant to have conversations of each
    length.

    ## Source
    Our own; for what repetition does, Lee et al., 2022, https://arxiv.org/abs/2107.06499
    """

    meta = RuleMeta(
        code="DUP006",
        name="conversation-prefix",
        severity=Severity.WARNING,
        message="its {messages} messages are the beginning of {twin}, which has {longer}",
        summary="an example that is the beginning of another one of its split",
        fix=FixAvailability.ALWAYS,
    )

    @property
    def meeting(self) -> Meeting | None:
        return ByKey()

    def emit(self, batch: Batch) -> Columns | None:
        forms = batch.get(FORMS)
        # Of a preference record the answer is not all that it teaches; 0 messages leave it out.
        counts = [
            len(example.messages) if example is not None and example.rejected is None else 0
            for example in batch.examples
        ]
        at = np.flatnonzero(forms.asks & (np.array(counts, np.int32)[forms.index] > 0))
        index = forms.index[at]
        return {
            "row": batch.keys[index],
            "key": forms.opening[at],
            "messages": np.array(counts, np.int32)[index],
            "split": split_column(batch, index),
        }

    def resolve(self, columns: Columns, rows: Rows) -> Iterator[Finding]:
        split, _ = split_numbers(columns)
        group = group_numbers(columns["key"], split)
        messages = columns["messages"]
        groups = int(group.max(initial=-1)) + 1
        fewest, most = np.full(groups, np.iinfo(np.int32).max, np.int32), np.zeros(groups, np.int32)
        np.minimum.at(fewest, group, messages)
        np.maximum.at(most, group, messages)
        # Conversations that begin alike are read again where one of them goes on for longer.
        at = np.flatnonzero((fewest < most)[group])
        row = columns["row"]
        found: dict[int, tuple[list[bytes], bool]] = {}
        for part in read_again(rows, row[at], partial(_beginnings, rows)):
            found.update(part)
        longest: dict[tuple[int, bytes], int] = {}
        for i in at[np.argsort(-messages[at], kind="stable")].tolist():
            keys, ends = found.get(int(row[i]), ([], False))
            for key in keys[:-1] if ends else keys:
                longest.setdefault((int(split[i]), key), i)
        short: list[int] = []
        long: list[int] = []
        for i in at.tolist():
            keys, ends = found.get(int(row[i]), ([], False))
            twin = longest.get((int(split[i]), keys[-1])) if ends else None
            if twin is not None:
                short.append(i)
                long.append(twin)
        yield from self.pointing(
            rows,
            row[short],
            row[long],
            lambda i: {"messages": int(messages[short[i]]), "longer": int(messages[long[i]])},
            fix=DROP,
        )


def _beginnings(rows: Rows, keys: NDArray[np.uint64]) -> dict[int, tuple[list[bytes], bool]]:
    return {batch.key(i): (begun, ends) for batch in rows.batches(keys) for i, begun, ends in beginnings(batch)}
