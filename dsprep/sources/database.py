"""SQLite databases: a table, or what a query gives."""

from __future__ import annotations

import re
import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, ClassVar, Final

from dsprep.model.record import UNDECODED, Fault, Record
from dsprep.model.source import InputError, Shard, Source
from dsprep.opening import measured, opened, refuse_url
from dsprep.text.bombs import BOMB_BYTES, BOMB_RATIO
from dsprep.text.column_names import column_names
from dsprep.text.plain_values import not_utf8, plain

_QUERY: Final = re.compile(r"\s*(?:select|with|values)\b", re.IGNORECASE)
#: The largest cell (bytes), and how long the next row may take (seconds): views are programs, and may never end.
MAX_CELL: Final = 64 << 20
PATIENCE: Final = 600.0
#: The clock is looked at each time SQLite has done so many steps.
_STEPS: Final = 100_000


class DatabaseSource(Source):
    """A table or view of an SQLite database, or the rows of a query; without either, its only table.

    The file is opened for reading alone. The value of a record is a dict from column to value; of a query without an
    ORDER BY, SQLite decides on the order, the same one each time. A view or query that gives far more than the file can
    hold, or no row for ten minutes, is given up.
    """

    format: ClassVar[str] = "sqlite"
    tabular = True

    def __init__(self, path: str, *, records: str | None = None, **known: Any) -> None:
        super().__init__(path, **known)
        refuse_url(path, "and SQLite reads files of this machine; download it first")
        self.records = records
        self._deadline = 0.0

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
            if self._next(rows) is None:
                faults = (Fault("empty-file"), *faults)
        yield Shard(self.index, 0, size, faults=faults)

    def read(self, shard: Shard) -> Iterator[Record]:
        """See `Source.read`."""
        with closing(self._connected()) as database:
            rows = self._rows(database)
            columns, _, _ = column_names([about[0] for about in rows.description])
            ordinal = seen = 0
            most = max(BOMB_BYTES, BOMB_RATIO * (shard.end - shard.start))
            while (cells := self._next(rows)) is not None:
                seen += sum(len(cell) if isinstance(cell, str | bytes) else 8 for cell in cells)
                if seen > most:
                    raise InputError(
                        f"{self.display} gives more than {BOMB_RATIO} times its size: {seen:,} bytes in {ordinal:,} "
                        "rows so far. Limit the query, or export what you want of it as JSON lines"
                    )
                value = {name: plain(cell) for name, cell in zip(columns, cells, strict=True)}
                record = Record(ordinal, None, 0, b"", value, ordinal + 1)
                if any(type(cell) is _Escaped for cell in cells):
                    fault, record.raw = not_utf8(value)
                    record.value, record.faults = UNDECODED, (fault,)
                yield record
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
            database.text_factory = _text
            database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MAX_CELL)
            database.set_progress_handler(lambda: time.monotonic() > self._deadline, _STEPS)
            # What is in a hostile file (views, defaults of columns) calls no function that does more than compute.
            database.execute("PRAGMA trusted_schema=OFF")
        except sqlite3.Error as error:
            raise self._unreadable(error) from error
        return database

    def _rows(self, database: sqlite3.Connection) -> sqlite3.Cursor:
        self._deadline = time.monotonic() + PATIENCE
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
        listed = ", ".join(names[:20]).encode("utf-8", "replace").decode() + (" …" if len(names) > 20 else "")
        return f"{self.display} {lacks}; --records names one of them, or holds a query: {listed}"

    def _next(self, rows: sqlite3.Cursor) -> Any:
        """The cells of the next row, or None."""
        self._deadline = time.monotonic() + PATIENCE
        try:
            return rows.fetchone()
        except (sqlite3.Error, MemoryError) as error:
            raise self._unreadable(error) from error

    def _unreadable(self, error: Exception) -> InputError:
        what = f"as {self.records!r} says" if self.records is not None else "as an SQLite database"
        said = str(error) or "out of memory"
        if said == "interrupted":
            said = f"it gives no row within {PATIENCE:,.0f} seconds"
        elif "too big" in said:
            said = f"a cell has more than {MAX_CELL:,} bytes"
        elif "malformed" in said:
            said = f"{said}; copy it again, or save what is left of it with SQLite's .recover"
        return InputError(f"{self.display} cannot be read {what}: {said}")


class _Escaped(str):
    """A text that is not UTF-8; such bytes are lone surrogates in it."""

    __slots__ = ()


def _text(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return _Escaped(data.decode("utf-8", "surrogateescape"))
