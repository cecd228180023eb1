"""SQLite databases: a table, or what a query gives."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, ClassVar, Final

from dsprep.model.record import Fault, Record
from dsprep.model.source import InputError, Shard, Source
from dsprep.opening import measured, opened, refuse_url
from dsprep.text.column_names import column_names
from dsprep.text.plain_values import plain

_QUERY: Final = re.compile(r"\s*(?:select|with|values)\b", re.IGNORECASE)
_ROWS: Final = 1024


class DatabaseSource(Source):
    """A table or view of an SQLite database, or the rows of a query; without either, its only table.

    The file is opened for reading alone. The value of a record is a dict from column to value; of a query without an
    ORDER BY, SQLite decides on the order, the same one each time.
    """

    format: ClassVar[str] = "sqlite"
    tabular = True

    def __init__(self, path: str, *, records: str | None = None, **known: Any) -> None:
        super().__init__(path, **known)
        refuse_url(path, "and SQLite reads files of this machine; download it first")
        self.records = records

    @property
    def reading(self) -> Mapping[str, Any]:
        """See `Source.reading`."""
        return {"records": self.records}

    def plan(self, shard_bytes: int) -> Iterator[Shard]:
        """See `Source.plan`. Always a single shard."""
        size = measured(self)
        self._refuse_cut(size)
        with closing(self._connected()) as database:
            rows = self._rows(database)
            _, notes, faults = column_names([about[0] for about in rows.description])
            self.info.note(*notes)
            if self._fetched(rows, 1) == []:
                faults = (Fault("empty-file"), *faults)
        yield Shard(self.index, 0, size, faults=faults)

    def read(self, shard: Shard) -> Iterator[Record]:
        """See `Source.read`."""
        with closing(self._connected()) as database:
            rows = self._rows(database)
            columns, _, _ = column_names([about[0] for about in rows.description])
            ordinal = 0
            while found := self._fetched(rows, _ROWS):
                for cells in found:
                    value = {name: plain(cell) for name, cell in zip(columns, cells, strict=True)}
                    yield Record(ordinal, None, 0, b"", value, ordinal + 1)
                    ordinal += 1

    def _refuse_cut(self, size: int) -> None:
        """Raise InputError if the file is smaller than its header says: SQLite reads what is missing as if it were
        empty. See "The Database Header" in SQLite's description of its file format."""
        with opened(self.path) as file:
            head = file.read(100)
        page = int.from_bytes(head[16:18], "big")
        pages = int.from_bytes(head[28:32], "big")
        # The number of pages means something only if who wrote last knew of it.
        if head[24:28] == head[92:96] and size < pages * (65536 if page == 1 else page):
            raise InputError(f"{self.display} is cut off: the database has more pages than the file; fetch it again")

    def _connected(self) -> sqlite3.Connection:
        try:
            # Read-only, so that neither a query nor SQLite's own files beside it change anything.
            database = sqlite3.connect(f"{Path(self.path).as_uri()}?mode=ro&immutable=1", uri=True)
            database.text_factory = lambda data: data.decode("utf-8", "surrogateescape")
        except sqlite3.Error as error:
            raise self._unreadable(error) from error
        return database

    def _rows(self, database: sqlite3.Connection) -> sqlite3.Cursor:
        try:
            if self.records is not None and _QUERY.match(self.records):
                return database.execute(self.records)
            names = [
                name
                for (name,) in database.execute(
                    "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite\\_%' "
                    "ESCAPE '\\' ORDER BY name"
                )
            ]
            name = self.records if self.records is not None else names[0] if len(names) == 1 else None
            if name is None or name not in names:
                raise InputError(self._which(names))
            quoted = name.replace('"', '""')
            return database.execute(f'SELECT * FROM "{quoted}"')  # noqa: S608 - one of the names that there are
        except (sqlite3.Error, sqlite3.Warning) as error:
            raise self._unreadable(error) from error

    def _which(self, names: list[str]) -> str:
        if not names:
            return f"{self.display} is a database without a table"
        lacks = "has several tables" if self.records is None else f"has no table {self.records!r}"
        listed = ", ".join(names[:20]) + (" …" if len(names) > 20 else "")
        return f"{self.display} {lacks}; --records names one of them, or holds a query: {listed}"

    def _fetched(self, rows: sqlite3.Cursor, count: int) -> list[Any]:
        try:
            return rows.fetchmany(count)
        except sqlite3.Error as error:
            raise self._unreadable(error) from error

    def _unreadable(self, error: Exception) -> InputError:
        what = f"as {self.records!r} says" if self.records is not None else "as an SQLite database"
        return InputError(f"{self.display} cannot be read {what}: {error}")
