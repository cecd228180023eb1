"""Lines of JSON made of whole columns at once, where a mapping only puts texts of cells in their places."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import reduce
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from dsprep.formats.table.mapping import Mapping as ColumnMapping
from dsprep.formats.table.mapping import TableNormaliser, changed
from dsprep.model.record import Example, Record
from dsprep.text.json_columns import blank, escaped, joined
from dsprep.text.labels import mapped_label

if TYPE_CHECKING:
    import pyarrow as pa

#: Stands for the text of a cell while it is found out where such texts go. Nothing that JSON or a format would change.
_CELL: Final = "dsprep{}cell"
_LABEL: Final = "dsprep-label"
_PLACE: Final = re.compile(r"dsprep(?:(\d+)cell|-label)")


class Lines(NamedTuple):
    """A line a row (`pyarrow.StringArray`), and which rows (bool) have to be looked at one by one: what stands there
    for them is not to be used."""

    texts: pa.StringArray
    open: pa.BooleanArray


class LineMaker:
    """Makes the lines of rows of which only the texts of some `columns` go into them. Picklable.

    `pieces` are fixed texts, and the numbers of columns whose cells stand between them; LABEL stands for the label as
    `labels` has it. Rows in which all of the columns of one of `told` are blank are left to who reads row by row.
    """

    LABEL: Final = -1

    def __init__(
        self,
        columns: Sequence[str],
        pieces: Sequence[str | int],
        told: Sequence[Sequence[str]],
        mapping: ColumnMapping,
    ) -> None:
        self.columns = tuple(columns)
        self._pieces = tuple(pieces)
        self._told = tuple(map(tuple, told))
        self._label = mapping.label
        self._labels = mapping.labels

    def __call__(self, cells: pa.Table) -> Lines:
        """The lines of rows whose `cells` are texts in one chunk each, none of them null."""
        import pyarrow as pa
        import pyarrow.compute as pc

        texts = {name: cells.column(name).combine_chunks() for name in self.columns}
        made = {i: escaped(texts[name]) for i, name in enumerate(self.columns) if i in self._pieces}
        blanks = {name: blank(texts[name]) for names in self._told for name in names}
        open_ = [reduce(pc.and_, [blanks[name] for name in names]) for names in self._told]
        if self.LABEL in self._pieces and self._label is not None:
            labels = _mapped(texts[self._label], self._labels or {})
            made[self.LABEL] = escaped(labels)
            open_.append(blank(labels))
        lines = joined([piece if isinstance(piece, str) else made[piece] for piece in self._pieces])
        return Lines(lines, reduce(pc.or_, open_, pa.array(np.zeros(cells.num_rows, np.bool_))))


def line_maker(
    normaliser: TableNormaliser, columns: Collection[str], line: Callable[[Example], bytes]
) -> LineMaker | None:
    """What makes the same lines as `line` does of the examples of `normaliser`, for rows that have `columns`; None if
    cells decide on more than the texts in their places. `line` must leave the texts of an example as they are."""
    mapping = normaliser.mapping
    templates = normaliser.templates
    named = [name for name in (mapping.label, mapping.group) if name is not None]
    wanted = list(dict.fromkeys([*(name for template in templates for name in template.used), *named, *mapping.keep]))
    simple = type(normaliser) is TableNormaliser and mapping.split is None and all(t.plain for t in templates)
    # Nobody writes such a text, but a hostile mapping might.
    if not simple or _PLACE.search(str(mapping)) or not set(wanted) <= set(columns):
        return None
    cells = {name: _CELL.format(number) for number, name in enumerate(wanted)}
    if mapping.label is not None and mapping.labels is not None:
        normaliser = TableNormaliser(changed(mapping, labels={cells[mapping.label]: _LABEL}), tuple(columns))
    example = normaliser.example(Record(0, None, 0, b"", cells))
    if example is None:
        return None
    pieces: list[str | int] = []
    text = line(example).decode()
    at = 0
    for match in _PLACE.finditer(text):
        pieces += [text[at : match.start()], LineMaker.LABEL if match[1] is None else int(match[1])]
        at = match.end()
    told = [template.used for template in templates if template.used and not template.says_something]
    return LineMaker(wanted, [*pieces, text[at:]], [*told, *([name] for name in named)], mapping)


def _mapped(labels: pa.StringArray, names: Mapping[str, str]) -> pa.StringArray:
    """What `names` has for each label; each of them is looked up once."""
    import pyarrow as pa

    coded = labels.dictionary_encode()
    known = [mapped_label(label, names, label) for label in coded.dictionary.to_pylist()]
    return pa.array(known, pa.string()).take(coded.indices)
