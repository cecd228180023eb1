"""LEK004 group-overlap."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from dsprep.folds.keyed import (
    DROP,
    SharedKeyedRule,
    excerpt,
    firsts,
    group_numbers,
    held_out_twins,
    listed,
    split_column,
    split_numbers,
)
from dsprep.folds.narrowing import ByKey
from dsprep.model.batch import Batch
from dsprep.model.finding import Finding, Severity
from dsprep.model.rule import Columns, FixAvailability, Meeting, Rows, RuleMeta
from dsprep.text.normal import columns_of, key_of


class GroupOverlap(SharedKeyedRule):
    """An example whose group is also in another split.

    ## What it does
    Looks at examples that name the group they belong to (the source document, the user, the page; `--group`). No group
    should be in two splits. The finding stands on each training example (validation example, if the other is in
    test) of such a group and points to the first example of the group that is held out.

    ## Why it matters
    Examples made from one document or by one user share facts and phrases. If some are trained on, the others do not
    show what the model does with new documents or users.

    ## Example
    ```console
    $ dsprep lint --train train.jsonl --validation validation.jsonl
    train.jsonl:17: group 'article-4711' is also in validation: validation.jsonl:3
    ```

    ## Fix
    Drops the training example (the validation example, if the other is in test), so that the yardstick stays what it
    was. Unsafe, because it takes rows out. Splitting anew by group loses nothing: `dsprep split --group`.

    ## Source
    scikit-learn, Cross-validation iterators for grouped data,
    https://scikit-learn.org/stable/modules/cross_validation.html#cross-validation-iterators-for-grouped-data
    """

    meta = RuleMeta(
        code="LEK004",
        name="group-overlap",
        severity=Severity.ERROR,
        message="group {excerpt!r} is also in {other}: {twin}",
        summary="an example whose group is also in another split",
        fix=FixAvailability.ALWAYS,
    )

    @property
    def meeting(self) -> Meeting | None:
        return ByKey()

    def emit(self, batch: Batch) -> Columns | None:
        index = np.array([i for i, e in enumerate(batch.examples) if e is not None and e.group], np.int64)
        keys = [key_of(_group(batch, i).encode("utf-8", "surrogatepass")) for i in index.tolist()]
        return {"row": batch.keys[index], "key": columns_of(keys), "split": split_column(batch, index)}

    def resolve(self, columns: Columns, rows: Rows) -> Iterator[Finding]:
        split, names = split_numbers(columns)
        if len(names) < 2:
            return
        group = group_numbers(columns["key"])
        twin = held_out_twins(group, split, len(names))
        at = np.flatnonzero(twin >= 0)
        row, there = columns["row"], twin[at]
        # The name of a group is not in the state; it is read again, once per group.
        named = row[firsts(group)[at]]
        texts = listed(rows, named[: self.context.max_findings], _named)
        yield from self.pointing(
            rows,
            row[at],
            row[there],
            lambda i: {
                "split": names[split[at[i]]],
                "other": names[split[there[i]]],
                "excerpt": texts.get(int(named[i]), ""),
            },
            fix=DROP,
        )


def _group(batch: Batch, i: int) -> str:
    example = batch.examples[i]
    return "" if example is None else example.group or ""


def _named(batch: Batch, i: int) -> str:
    return excerpt(_group(batch, i))
