"""Where something is: the address that every finding carries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

#: A row key packs the index of the source (high bits) and the ordinal of the record in it, so that sorting row keys
#: sorts records in reading order, whatever the shards were.
ORDINAL_BITS = 40
ORDINAL_MASK = (1 << ORDINAL_BITS) - 1


def row_key(source: int, ordinal: int) -> int:
    """The key of the `ordinal`-th record (0-based) of the `source`-th source (0-based) of a run."""
    return (source << ORDINAL_BITS) | ordinal


@dataclass(frozen=True, slots=True)
class Location:
    """The place of a record, or of a part of it.

    `line` is the physical 1-based line, counting `\\n` alone; `row` the 1-based data row of a table (the header is
    not a row); `offset` the byte offset of the record in its file; `pointer` an RFC 6901 JSON pointer into the
    record, or into the file where that is one JSON document; `column` a table's column name, or, in a line that is
    no JSON, the number of a character. A finding about a whole file has a path alone.
    """

    path: str
    line: int | None = None
    row: int | None = None
    offset: int | None = None
    pointer: str | None = None
    column: str | None = None

    @property
    def place(self) -> str:
        """`path:line`, as editors and terminals understand it; `path:line:character` where a character is meant; where
        there are no lines, `path row 7`."""
        if self.line is None:
            return self.path if self.row is None else f"{self.path} row {self.row}"
        if self.row is not None and self.row > self.line:
            return f"{self.path}:{self.line} row {self.row}"  # several records on one line
        return f"{self.path}:{self.line}:{self.column}" if self._at_character else f"{self.path}:{self.line}"

    @property
    def field(self) -> str | None:
        """Which part of the record is meant: a table's column, or a pointer."""
        if self._at_character:
            return None
        return self.column if self.column is not None else self.pointer

    @property
    def _at_character(self) -> bool:
        # Text that does not parse has no fields; its column is the number of a character.
        return self.column is not None and self.row is None and self.column.isdecimal()

    def __reduce__(self) -> tuple[Any, ...]:
        # Many travel between processes and runs, and what dataclasses do by themselves takes five times as long.
        return Location, (self.path, self.line, self.row, self.offset, self.pointer, self.column)

    def __str__(self) -> str:
        """The place, with the field behind it."""
        return f"{self.place} {self.field}" if self.field else self.place

    def as_dict(self) -> dict[str, Any]:
        """The JSON form: `path` and `line` always, the rest where known."""
        out: dict[str, Any] = {"path": self.path, "line": self.line}
        for name in ("row", "offset", "pointer", "column"):
            value = getattr(self, name)
            if value is not None:
                out[name] = value
        return out
