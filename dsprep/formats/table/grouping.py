"""Rows that are put together to records, wherever in their file they stand.

A file is read once, and sorted by what belongs together in a temporary database; the records are then read from a
temporary file, in parts, by whoever works on them. So memory holds no more than one record and a few of its rows.
"""

from __future__ import annotations

import pickle
import sqlite3
from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict
from itertools import groupby
from operator import itemgetter
from typing import Any, ClassVar, Final

from dsprep.formats.table.mapping import RowsNormaliser
from dsprep.model.patch import same
from dsprep.model.record import UNDECODED, Fault, Record
from dsprep.model.source import InputError, Shard, Source
from dsprep.opening import temporary_file

#: How many rows one record may have, and about how many bytes. A conversation of more would fit no model, and a file of
#: more that are all of one conversation has been grouped by the wrong column.
MAX_ROWS: Final = 20_000
MAX_BYTES: Final = 16 << 20

_LENGTH: Final = 8
_TABLES: Final = """
    PRAGMA journal_mode = OFF;
    PRAGMA synchronous = OFF;
    PRAGMA cache_size = -65536;
    CREATE TABLE units (key BLOB PRIMARY KEY, unit INTEGER NOT NULL, size INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE rows (place INTEGER PRIMARY KEY, unit INTEGER NOT NULL, row BLOB NOT NULL);
"""


class Gathered(dict[str, Any]):
    """The value of a record that rows have been put together to: `{"rows": [row, …]}`."""

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The rows, in their order."""
        rows: list[dict[str, Any]] = self["rows"]
        return rows


class GroupingNormaliser(RowsNormaliser):
    """Makes examples of several rows each; says which rows these are."""

    #: After so many rows of one key another record begins; None: they are all one.
    limit: int | None = None

    @abstractmethod
    def key(self, record: Record) -> bytes | None:
        """What is the same for rows that belong together; None for one that stays alone. Does not change `record`."""

    @abstractmethod
    def united(self, rows: Sequence[Record]) -> Iterable[Record]:
        """The records that `rows` of one key, in the order of the file, come to: some put together as a `Gathered`
        value, others as they are, with a fault that says why. By ordinals, which are those of rows that are in them."""

    def arranged(self, source: Source) -> Source:
        """See `Normaliser.arranged`."""
        return GroupedSource(source, self)


class GroupedSource(Source):
    """The rows of another source, put together as a normaliser says: in the order of the first row of each record.

    A record has the place of its first row in the file. Planning reads the whole source.
    """

    format: ClassVar[str] = "grouped"

    def __init__(self, inner: Source, grouping: GroupingNormaliser) -> None:
        super().__init__(inner.path, index=inner.index, display=inner.display, split=inner.split)
        self.inner = inner
        self.grouping = grouping
        self.info = inner.info
        self.packing = inner.packing
        # Workers may get this source before it is planned, so that the name must be known by then.
        with temporary_file() as file:
            self.spool = str(file.name)
        self._shards: list[Shard] | None = None
        self._arrangement: str | None = None

    @property
    def reading(self) -> Mapping[str, Any]:
        """See `Source.reading`."""
        return {"grouped": dict(self.inner.reading)}

    def plan(self, shard_bytes: int) -> Iterator[Shard]:
        """See `Source.plan`. The first time, all rows are read and sorted; later plans are the same."""
        if self._shards is None:
            self._shards = self._planned(shard_bytes)
        yield from self._shards

    def read(self, shard: Shard) -> Iterator[Record]:
        """See `Source.read`."""
        with open(self.spool, "rb") as file:
            file.seek(shard.start)
            at = shard.start
            while at < shard.end:
                size = int.from_bytes(file.read(_LENGTH), "little")
                ordinal, together, rows = pickle.loads(file.read(size))  # noqa: S301 - this process has written it
                at += _LENGTH + size
                records = [_record(ordinal + i, row) for i, row in enumerate(rows)]
                yield from self.grouping.united(records) if together else _too_many(records)

    @property
    def arrangement(self) -> str | None:
        """See `Source.arrangement`."""
        return self._arrangement

    def rows_of(self, record: Record) -> int:
        """See `Source.rows_of`."""
        return len(record.value.rows) if isinstance(record.value, Gathered) else 1

    def _planned(self, shard_bytes: int) -> list[Shard]:
        try:
            # Without a name, a database is a temporary file of SQLite's own.
            with closing(sqlite3.connect("", isolation_level=None)) as database:
                faults = self._collect(database)
                return self._write(database, shard_bytes, faults)
        except sqlite3.Error as error:
            raise InputError(
                f"{self.display} cannot be sorted in a temporary file: {error}; set TMPDIR to a folder with more room"
            ) from error
        except OSError as error:
            raise InputError(
                f"no room for the rows of {self.display} in a temporary file: {error.strerror or error}; set TMPDIR to "
                "a folder with more room"
            ) from error

    def _collect(self, database: sqlite3.Connection) -> tuple[Fault, ...]:
        """Put all rows into the database, each with the place of the first one of its record. The faults of the file
        are given back."""
        database.executescript(_TABLES)
        database.execute("BEGIN")
        faults: tuple[Fault, ...] = ()
        place = rows = units = 0
        limit = self.grouping.limit
        for shard in self.inner.plan(4 << 20):
            faults += shard.faults
            for record in self.inner.read(shard):
                if record.value is UNDECODED and not record.raw and not record.blank:
                    raise InputError(
                        f"{self.display}, line {record.line}: a record that is too large to be put together with "
                        "others; take it out first"
                    )
                unit = place
                key = self.grouping.key(record)
                if key is not None:
                    rows += 1
                    known = database.execute("SELECT unit, size FROM units WHERE key = ?", (key,)).fetchone()
                    if known is None or known[1] == limit:
                        units += 1
                        database.execute("INSERT OR REPLACE INTO units VALUES (?, ?, 1)", (key, place))
                    else:
                        unit = known[0]
                        if limit is not None:
                            database.execute("UPDATE units SET size = size + 1 WHERE key = ?", (key,))
                database.execute("INSERT INTO rows VALUES (?, ?, ?)", (place, unit, _packed(record)))
                place += 1
        database.execute("COMMIT")
        self._arrangement = f"{rows:,} rows of {self.display} make up {units:,} conversations"
        database.executescript("DROP TABLE units; CREATE INDEX together ON rows (unit, place);")
        return faults

    def _write(self, database: sqlite3.Connection, shard_bytes: int, faults: tuple[Fault, ...]) -> list[Shard]:
        """Write the rows to the spool, those of a record together; the shards that it can be read in."""
        shards: list[Shard] = []
        start = at = first = ordinal = 0
        found = database.execute("SELECT unit, row FROM rows ORDER BY unit, place")
        with open(self.spool, "wb") as file:
            for _, rows in groupby(found, itemgetter(0)):
                for together, part in _portions([row for _, row in _at_most(rows)], rows):
                    data = pickle.dumps((ordinal, together, part), 5)
                    file.write(len(data).to_bytes(_LENGTH, "little") + data)
                    at += _LENGTH + len(data)
                    ordinal += len(part)
                    if at - start >= shard_bytes:
                        shards.append(Shard(self.index, start, at, first))
                        start, first = at, ordinal
        if at > start or (faults and not shards):
            shards.append(Shard(self.index, start, at, first))
        if faults:
            shards[0] = Shard(self.index, shards[0].start, shards[0].end, faults=faults)
        return shards


def agreed(values: Sequence[Any]) -> tuple[bool, Any]:
    """The value that all of `values` are, where they are not empty; False with None if there are several."""
    filled = [value for value in values if value not in (None, "")]
    if not filled:
        return True, None
    return (True, filled[0]) if all(same(filled[0], value) for value in filled[1:]) else (False, None)


def kept(columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What rows that are put together have in `columns`: the value if it is the same in all of them, else a list."""
    out: dict[str, Any] = {}
    for name in columns:
        values = [row.get(name) for row in rows]
        out[name] = values[0] if all(same(values[0], value) for value in values[1:]) else values
    return out


def put_together(rows: Sequence[Record], ordered: Sequence[Record]) -> Record:
    """The record of `ordered` rows, which are `rows` in another order: it stands where the first one does in the file,
    and has the faults of all, each with its own line."""
    first = rows[0]
    faults = tuple(
        fault if record is first or fault.line is not None else Fault(**{**_fields(fault), "line": record.line})
        for record in rows
        for fault in record.faults
    )
    value = Gathered(rows=[record.value for record in ordered])
    return Record(first.ordinal, first.line, first.offset, b"", value, first.row, faults)


def _at_most(rows: Iterator[tuple[int, bytes]]) -> Iterator[tuple[int, bytes]]:
    """The first rows, as many as a record may have."""
    size = 0
    for _, row in zip(range(MAX_ROWS), rows, strict=False):
        yield row
        size += len(row[1])
        if size >= MAX_BYTES:
            return


def _portions(begin: list[bytes], rest: Iterator[tuple[int, bytes]]) -> Iterator[tuple[bool, list[bytes]]]:
    """The rows of a record, in pieces, if there are more of them than a record may have."""
    following = next(rest, None)
    yield following is None, begin
    if following is not None:
        yield False, [following[1]]
    for _, row in rest:
        yield False, [row]


def _too_many(rows: Sequence[Record]) -> Iterator[Record]:
    for record in rows:
        why = f"its conversation has more than {MAX_ROWS:,} rows, or {MAX_BYTES >> 20} MB"
        fault = Fault("missing-value", {"column": "", "reason": why, "what": "too many rows in one conversation"})
        record.faults = (*record.faults, fault)
        yield record


def _packed(record: Record) -> bytes:
    """A row, as the database has it. Its bytes are needed only where they are all that is known of it."""
    raw = record.raw if record.value is UNDECODED else b""
    faults = [_fields(fault) for fault in record.faults]
    return pickle.dumps((record.line, record.offset, raw, record.value, record.row, faults, record.pointer), 5)


def _record(ordinal: int, row: bytes) -> Record:
    line, offset, raw, value, number, faults, pointer = pickle.loads(row)  # noqa: S301 - this process has written it
    return Record(ordinal, line, offset, raw, value, number, tuple(Fault(**fault) for fault in faults), pointer)


def _fields(fault: Fault) -> dict[str, Any]:
    return {name: value for name, value in asdict(fault).items() if value is not None}
