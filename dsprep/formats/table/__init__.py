"""Tables: rows of columns, made into conversations by a mapping, which is given or inferred from the columns."""

from __future__ import annotations

from collections.abc import Collection

from dsprep.formats.table.columnwise import LineMaker, Lines, line_maker
from dsprep.formats.table.conversations import ConversationNormaliser
from dsprep.formats.table.inference import Inferred, infer_mapping
from dsprep.formats.table.mapping import (
    Mapping,
    MappingError,
    RowsNormaliser,
    TableNormaliser,
    changed,
    load_mapping,
    mapping_yaml,
)
from dsprep.formats.table.packing import PackingNormaliser
from dsprep.formats.table.several import SeveralNormaliser

__all__ = [
    "Inferred",
    "LineMaker",
    "Lines",
    "Mapping",
    "MappingError",
    "RowsNormaliser",
    "TableNormaliser",
    "changed",
    "infer_mapping",
    "line_maker",
    "load_mapping",
    "mapping_yaml",
    "rows_normaliser",
]


def rows_normaliser(mapping: Mapping, columns: Collection[str] | None = None) -> RowsNormaliser:
    """What makes examples of rows as `mapping` says: one of each, several of each, or one of several.

    `columns` are those that the rows have, where they are known. Raises MappingError for a mapping that does not fit.
    """
    if mapping.conversation is not None:
        return ConversationNormaliser(mapping, columns)
    if mapping.examples:
        return SeveralNormaliser(mapping, columns)
    return PackingNormaliser(mapping, columns) if mapping.pack is not None else TableNormaliser(mapping, columns)
