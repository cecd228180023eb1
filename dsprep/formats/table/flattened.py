"""Rows that are made of nested records, such as the exports of annotation tools."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from itertools import chain, islice
from typing import Any

from dsprep.formats.table.inference import PROFILED_ROWS, Inferred, infer_mapping
from dsprep.formats.table.mapping import Mapping, MappingError, TableNormaliser
from dsprep.model.record import Example, Record
from dsprep.text.annotations import Annotated, Flatten, chosen_question, columns_of, longest_column


def infer_annotated(rows: Iterable[Annotated], *, path: str, given: Mapping | None = None) -> Inferred:
    """The mapping that annotated texts suggest: what was answered most is the label, if it is one of some classes, or
    else the assistant's answer. What `given` says stays; a column of it may be any of the rows'.

    `rows` may be a stream; it is read as far as needed. Raises MappingError if nothing was answered, or no column is
    the text.
    """
    stream = iter(rows)
    sample = list(islice(stream, PROFILED_ROWS))
    columns = tuple(columns_of(sample))
    given = given or Mapping()
    if given.complete:
        return Inferred(given, columns=columns)
    question = chosen_question(sample)
    if question is None and given.label is None and given.assistant is None:
        raise MappingError(
            f"{path}: no text has an answer that could be its label: none was annotated, or parts of it were alone "
            f"(spans, boxes); the columns are: {', '.join(columns)}. Say what user and assistant say with --user and "
            "--assistant"
        )
    name, of_classes = question or (None, False)
    kept = given.keep or tuple(
        dict.fromkeys(
            column
            for annotated in sample
            for column in ([f"{name}_agreement"] if name in annotated.row else []) + list(annotated.beside)
        )
    )
    given = given.model_copy(update={"keep": kept})
    if given.group is None and len({row.row.get("task") for row in sample}) < len(sample) and "task" in columns:
        given = given.model_copy(update={"group": "task"})
    if given.label is not None or (name is not None and of_classes and given.assistant is None):
        given = given.model_copy(update={"label": given.label or name})
        asked = tuple(dict.fromkeys(column for annotated in sample for column in annotated.asked))
        known = (*asked, *(() if given.label in asked or given.label not in columns else (given.label,)))
        cells = (annotated.row for annotated in chain(sample, stream))
        inferred = infer_mapping(known, cells, path=path, given=given)
        return Inferred(inferred.mapping, inferred.explanation, inferred.alternatives, columns)
    user = given.user or _braces(longest_column(sample), path, columns)
    assistant = given.assistant or f"{{{{{name}}}}}"
    said = f"the user says {user}, the assistant {assistant}; say otherwise with --user and --assistant"
    return Inferred(given.model_copy(update={"user": user, "assistant": assistant}), (said,), (), columns)


def _braces(column: str | None, path: str, columns: Collection[str]) -> str:
    if column is None:
        raise MappingError(f"{path}: no column is a text; the columns are: {', '.join(columns)}. Say it with --user")
    return f"{{{{{column}}}}}"


class FlattenedNormaliser(TableNormaliser):
    """Records to examples by a mapping of the columns of the rows that `flatten` makes of them. What is found in such a
    row is said by its place in the record. Columns that a record lacks are empty, and none of its metadata."""

    def __init__(self, mapping: Mapping, columns: Collection[str], flatten: Flatten) -> None:
        super().__init__(mapping, columns)
        self._blank: dict[str, Any] = dict.fromkeys(columns)
        self._flatten = flatten

    def example(self, record: Record) -> Example | None:
        """See `Normaliser.example`."""
        flat = self._flatten(record.value) if type(record.value) is dict else None
        if flat is None:
            return None
        row = Record(
            record.ordinal,
            record.line,
            record.offset,
            record.raw,
            {**self._blank, **flat.row},
            record.row,
            record.faults,
            record.pointer,
        )
        example = super().example(row)
        record.faults = row.faults
        if example is None:
            return None
        example.meta = {name: item for name, item in example.meta.items() if item is not None}
        if example.origins is not None:
            example.origins = {place: flat.origins.get(name) or name for place, name in example.origins.items()}
        return example
