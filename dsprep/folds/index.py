"""An index of near-duplicates in one SQLite file, which grows with the data and outlives it.

Of each example it keeps keys, hashed shingles and places, never text. Opening it reads a page or two; looking up a row
reads what that row's keys and buckets lead to; so the cost of a run is that of its new rows, however large the index.

Rows that are equal but for spelling are one *unit*: they have the same shingles, which are stored once.

A file that somebody else made is not trusted: nothing in it is executed (no triggers, views, extensions or pickles: its
schema must be ours to the letter), text in it is only ever shown escaped, and what it unpacks to is bounded by what was
asked for.
"""

from __future__ import annotations

import difflib
import json
import os
import sqlite3
import stat
import sys
import time
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dsprep.folds.buckets import Buckets, Signatures
from dsprep.folds.keyed import EXCERPT_CHARS
from dsprep.model.batch import Batch
from dsprep.model.location import Location
from dsprep.model.match import Match, MatchKind
from dsprep.model.record import Example, Record
from dsprep.model.source import InputError
from dsprep.text.minhash import BANDS, PERMUTATIONS, signatures
from dsprep.text.normal import EXACT_KEYS, FORMS, exchange
from dsprep.text.sensitive.showing import beginning
from dsprep.text.shingles import SHINGLE_WORDS, Shingles, chunks, distinct, shingles
from dsprep.version import VERSION

#: Raised whenever what the tables mean changes. It stands in the file as `user_version`.
SCHEMA_VERSION = 1
#: Says that an SQLite file is one of ours ("dspi").
APPLICATION_ID = 0x64737069
#: How long to wait for another process that has the index.
LOCK_SECONDS = 5.0
#: How long to wait, when all is done, for others who are reading it.
COMMIT_SECONDS = 600.0
#: Memory for pages of the index; more than this is written to disk before the end, and taken back if there is none.
CACHE_KIB = 64 * 1024

# Compressed data without a header or a checksum around it, which for a few hundred bytes would cost a tenth.
_RAW = -zlib.MAX_WBITS

_SCHEMA = (
    "CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
    "CREATE TABLE sources (id INTEGER PRIMARY KEY, name BLOB NOT NULL UNIQUE)",
    "CREATE TABLE units"
    " (id INTEGER PRIMARY KEY, normal BLOB NOT NULL UNIQUE, size INTEGER NOT NULL, shingles BLOB NOT NULL)",
    "CREATE TABLE examples (id INTEGER PRIMARY KEY, exact BLOB NOT NULL UNIQUE, unit INTEGER NOT NULL)",
    "CREATE INDEX examples_of_unit ON examples (unit)",
    "CREATE TABLE places"
    " (example INTEGER NOT NULL, source INTEGER NOT NULL, line INTEGER, row INTEGER, PRIMARY KEY (example, source))"
    " WITHOUT ROWID",
    "CREATE INDEX places_of_source ON places (source)",
    "CREATE TABLE buckets (bucket INTEGER NOT NULL, unit INTEGER NOT NULL, PRIMARY KEY (bucket, unit)) WITHOUT ROWID",
)

_PLACE = (
    "SELECT CAST(sources.name AS BLOB), CAST(places.line AS INTEGER), CAST(places.row AS INTEGER) FROM places"
    " JOIN sources ON sources.id = places.source JOIN examples ON examples.id = places.example"
    " WHERE examples.{} = ? ORDER BY sources.name, places.line, places.row LIMIT 1"
)
_PLACE_OF_EXAMPLE, _PLACE_OF_UNIT = _PLACE.format("id"), _PLACE.format("unit")


@dataclass(slots=True)
class Entries:
    """What an index has to know of the examples of a batch; every member has one entry per example with a message.

    `index` are their indexes in the batch. `exact` and `normal` are keys of 16 bytes, `sets` the different shingles of
    each, sorted, and `signature` what `text.minhash` makes of them.
    """

    index: NDArray[np.int64]
    location: list[Location]
    excerpt: list[str]
    exact: list[bytes]
    normal: list[bytes]
    signature: Signatures
    sets: Shingles

    def __len__(self) -> int:
        return len(self.exact)

    def members(self, i: int) -> NDArray[np.uint32]:
        """The different shingles of the i-th example, sorted, uint32."""
        return self.sets.hashes[self.sets.offsets[i] : self.sets.offsets[i + 1]]

    @classmethod
    def of(cls, batch: Batch) -> Entries:
        """The entries of `batch`."""
        forms = batch.get(FORMS)
        hashes: list[NDArray[np.uint32]] = [np.empty(0, np.uint32)]
        sizes: list[NDArray[np.int64]] = [np.empty(0, np.int64)]
        for piece in chunks(forms.near):
            found = distinct(shingles(forms.near[piece], forms.apart[piece]))
            hashes.append(found.hashes)
            sizes.append(found.counts)
        sets = _joined(hashes, np.concatenate(sizes))
        at = forms.index.tolist()
        return cls(
            forms.index,
            [batch.location(i) for i in at],
            [_excerpt(batch.examples[i]) for i in at],
            _digests(batch.get(EXACT_KEYS)),
            _digests(forms.normal),
            signatures(sets),
            sets,
        )


@dataclass(frozen=True, slots=True)
class Summary:
    """What is in an index: `rows` by the name of the file that they were added from, in order of name; how many
    different `examples` that makes, and `units` (those equal but for spelling as one); `size` in bytes, of which `free`
    are left over from what was removed."""

    path: str
    size: int
    free: int
    rows: Mapping[str, int]
    examples: int
    units: int
    parameters: Mapping[str, Any] = field(default_factory=dict)


class NearIndex:
    """An open index, within one transaction. See `opened`."""

    def __init__(self, path: str, connection: sqlite3.Connection) -> None:
        self.path = path
        self._connection = connection
        self._buckets = Buckets(connection, self._signatures, permutations=PERMUTATIONS, bands=BANDS)
        (last,) = connection.execute("SELECT max(id) FROM examples").fetchone()
        self._last = int(last or 0)

    def add(self, source: str, entries: Entries) -> tuple[int, int]:
        """Add the examples of a batch of the file called `source`; how many of them the index did not have, and how
        many repeat one that was added since it was opened.

        Of those it has, it notes that they are in this file as well.
        """
        if not len(entries):
            return 0, 0
        run = self._connection.execute
        name = _encoded(source)
        file = self._number("SELECT id FROM sources WHERE name = ?", name)
        if file is None:
            file = run("INSERT INTO sources (name) VALUES (?)", (name,)).lastrowid
        units: list[int] = []
        first: list[int] = []
        added = repeated = 0
        for i, (exact, normal) in enumerate(zip(entries.exact, entries.normal, strict=True)):
            example = self._number("SELECT id FROM examples WHERE exact = ?", exact)
            if example is None:
                unit = self._number("SELECT id FROM units WHERE normal = ?", normal)
                if unit is None:
                    members = entries.members(i)
                    values = (normal, len(members), packed(members))
                    unit = run("INSERT INTO units (normal, size, shingles) VALUES (?, ?, ?)", values).lastrowid
                    assert unit is not None
                    if len(members):  # what has no words is like nothing
                        units.append(unit)
                        first.append(i)
                example = run("INSERT INTO examples (exact, unit) VALUES (?, ?)", (exact, unit)).lastrowid
                added += 1
            elif example > self._last:
                repeated += 1
            place = entries.location[i]
            run("INSERT OR IGNORE INTO places VALUES (?, ?, ?, ?)", (example, file, place.line, place.row))
        self._buckets.insert(units, entries.signature[first])
        return added, repeated

    def find(self, entries: Entries, threshold: float) -> Iterator[tuple[int, Match]]:
        """The examples of a batch that the index has, each with its number in `entries` and its closest match there.

        A row that is in the index as it is, or but for spelling, is not compared with others.
        """
        for i, (exact, normal) in enumerate(zip(entries.exact, entries.normal, strict=True)):
            kind, similarity = MatchKind.EXACT, 1.0
            places: list[Location] = []
            if (example := self._number("SELECT id FROM examples WHERE exact = ?", exact)) is not None:
                places = [self._place(_PLACE_OF_EXAMPLE, example)]
            elif (unit := self._number("SELECT id FROM units WHERE normal = ?", normal)) is not None:
                kind = MatchKind.NORMALIZED
                places = [self._place(_PLACE_OF_UNIT, unit)]
            elif len(members := entries.members(i)):
                kind = MatchKind.NEAR
                similarity, closest = self._closest(members, entries.signature[i], threshold)
                places = [self._place(_PLACE_OF_UNIT, unit) for unit in closest]
            if places:
                known_at = min(places, key=lambda place: (place.path, place.line or 0, place.row or 0))
                yield i, Match(kind, similarity, entries.location[i], known_at, entries.excerpt[i])

    def remove(self, source: str) -> tuple[int, int]:
        """Take out what was added from the file called `source`: how many examples it had, and how many of them stay
        because other files have them, too.

        Raises InputError if nothing was added under that name.
        """
        run = self._connection.execute
        file = self._number("SELECT id FROM sources WHERE name = ?", _encoded(source))
        if file is None:
            raise InputError(f"{self.path} has no rows of {source}{self._hint(source)}")
        rows = run("SELECT count(*) FROM places WHERE source = ?", (file,)).fetchone()[0]
        gone = run(
            "SELECT example FROM places AS here WHERE source = ? AND NOT EXISTS"
            " (SELECT 1 FROM places WHERE example = here.example AND source <> here.source)",
            (file,),
        ).fetchall()
        run("DELETE FROM places WHERE source = ?", (file,))
        run("DELETE FROM sources WHERE id = ?", (file,))
        units = {self._number("SELECT CAST(unit AS INTEGER) FROM examples WHERE id = ?", *example) for example in gone}
        self._connection.executemany("DELETE FROM examples WHERE id = ?", gone)
        empty = [
            unit
            for unit in sorted(unit for unit in units if unit is not None)
            if self._number("SELECT 1 FROM examples WHERE unit = ?", unit) is None
        ]
        self._buckets.remove(empty)
        self._connection.executemany("DELETE FROM units WHERE id = ?", ((unit,) for unit in empty))
        return rows, rows - len(gone)

    def summary(self) -> Summary:
        """What is in the index. Counting takes time that grows with it."""
        run = self._connection.execute
        rows = run(
            "SELECT CAST(name AS BLOB), (SELECT count(*) FROM places WHERE source = sources.id) FROM sources"
            " ORDER BY name"
        )
        return Summary(
            path=self.path,
            size=os.path.getsize(self.path),
            free=_pragma(self._connection, "freelist_count") * _pragma(self._connection, "page_size"),
            rows={_decoded(name): count for name, count in rows},
            examples=run("SELECT count(*) FROM examples").fetchone()[0],
            units=run("SELECT count(*) FROM units").fetchone()[0],
            parameters=_recorded(self._connection),
        )

    def _closest(self, members: NDArray[np.uint32], signature: Signatures, threshold: float) -> tuple[float, list[int]]:
        """The highest similarity of any unit to a set of shingles, if it is at least `threshold`, and whose it is."""
        size = len(members)
        # Sets whose sizes are too far apart cannot be similar enough; a little slack is for rounding.
        bounds = int(threshold * size - 1e-6), int(size / threshold + 1e-6)
        best = threshold
        closest: list[int] = []
        for unit in self._buckets.candidates(signature):
            row = self._connection.execute(
                "SELECT CAST(size AS INTEGER), CAST(shingles AS BLOB) FROM units WHERE id = ? AND size BETWEEN ? AND ?",
                (unit, *bounds),
            ).fetchone()
            if row is None:
                continue
            similarity = _jaccard(members, unpacked(row[1], row[0]))
            if similarity > best:
                best, closest = similarity, []
            if similarity == best:
                closest.append(unit)
        return best, closest

    def _signatures(self, units: Sequence[int]) -> Signatures:
        hashes: list[NDArray[np.uint32]] = [np.empty(0, np.uint32)]
        for unit in units:
            query = "SELECT CAST(size AS INTEGER), CAST(shingles AS BLOB) FROM units WHERE id = ?"
            row = self._connection.execute(query, (unit,)).fetchone()
            if row is None:
                raise DamagedIndexError(f"there are no shingles of {unit}")
            hashes.append(unpacked(row[1], row[0]))
        return signatures(_joined(hashes, np.fromiter(map(len, hashes[1:]), np.int64, len(units))))

    def _number(self, query: str, value: bytes | int) -> int | None:
        row = self._connection.execute(query, (value,)).fetchone()
        return None if row is None else int(row[0])

    def _place(self, query: str, number: int) -> Location:
        row = self._connection.execute(query, (number,)).fetchone()
        if row is None:
            raise DamagedIndexError(f"there is no place of row {number}")
        return Location(_decoded(row[0]), row[1], row[2])

    def _hint(self, source: str) -> str:
        """What to try instead of a name that was not found."""
        names = [_decoded(name) for (name,) in self._connection.execute("SELECT CAST(name AS BLOB) FROM sources")]
        same = [name for name in names if os.path.basename(name) == os.path.basename(source)]
        close = same or difflib.get_close_matches(source, names, 1, 0.75)
        return (
            f"; did you mean {_printable(close[0])}?"
            if close
            else f"; `dsprep index info {self.path}` lists what it has"
        )


class DamagedIndexError(Exception):
    """What the tables say cannot be."""


@contextmanager
def opened(path: str | os.PathLike[str], *, write: bool = False, create: bool = False) -> Iterator[NearIndex]:
    """The index in the file `path`. With `write`, all that is done to it takes effect at the end of the block, or not
    at all: not if an exception ends the block, nor if the process dies. With `create`, it is made if need be.

    Raises InputError for what is no index, one of other parameters, a damaged one, and one that another process is
    writing to.
    """
    name = os.fspath(path)
    there = _must_be_a_file(name, create)
    made = False
    try:
        with closing(_connected(name, create)) as connection:
            try:
                connection.execute("BEGIN IMMEDIATE" if write else "BEGIN")
                made = not there  # and not by another process, or this one would have waited for it
                _checked(name, connection, create)
                yield NearIndex(name, connection)
                _commit(connection)
            finally:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
    except (sqlite3.Error, DamagedIndexError) as error:
        raise InputError(_sentence(name, error)) from error
    finally:
        if made:
            with suppress(OSError):
                if not os.path.getsize(name):
                    os.unlink(name)


def _commit(connection: sqlite3.Connection) -> None:
    """Commit. Others may still read what was there before, and they are waited for: the work is done already."""
    patience = time.monotonic() + COMMIT_SECONDS
    while True:
        try:
            connection.execute("COMMIT")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > patience:
                raise


def packed(members: NDArray[np.uint32]) -> bytes:
    """Sorted different numbers in little room: their differences, the highest bytes of all, then the next ones …

    The more there are, the more is zero in the higher bytes: 100 numbers take 3.6 bytes each, 1,000 take 3.1.
    """
    steps = np.diff(members, prepend=np.uint32(0)).astype(">u4")
    planes = [plane.tobytes() for plane in steps.view(np.uint8).reshape(-1, 4).T]
    packer = zlib.compressobj(wbits=_RAW, strategy=zlib.Z_HUFFMAN_ONLY)
    # Each of the planes has a code of its own; lower ones mostly have none, as there is nothing to gain.
    parts = [part for plane in planes for part in (packer.compress(plane), packer.flush(zlib.Z_PARTIAL_FLUSH))]
    small = b"".join((*parts, packer.flush()))
    return small if len(small) < 4 * len(members) else b"".join(planes)


def unpacked(blob: bytes, size: int) -> NDArray[np.uint32]:
    """The `size` numbers in `blob`. Raises DamagedIndexError if it does not hold them; never makes more of it."""
    if size < 0 or len(blob) != 4 * size:
        try:
            blob = zlib.decompressobj(_RAW).decompress(blob, 4 * size + 1)
        except (zlib.error, ValueError) as error:
            raise DamagedIndexError(str(error)) from error
        if len(blob) != 4 * size:
            raise DamagedIndexError("shingles are missing")
    steps = np.ascontiguousarray(np.frombuffer(blob, np.uint8).reshape(4, -1).T).view(">u4").ravel()
    return np.cumsum(steps, dtype=np.uint32)


def _joined(hashes: Sequence[NDArray[np.uint32]], sizes: NDArray[np.int64]) -> Shingles:
    offsets = np.zeros(len(sizes) + 1, np.int64)
    np.cumsum(sizes, out=offsets[1:])
    return Shingles(np.concatenate(hashes), offsets)


def _jaccard(a: NDArray[np.uint32], b: NDArray[np.uint32]) -> float:
    both = len(np.intersect1d(a, b, assume_unique=True))
    return both / (len(a) + len(b) - both)


def _digests(keys: NDArray[np.uint64]) -> list[bytes]:
    data = keys.astype("<u8", copy=False).tobytes()
    return [data[at : at + 16] for at in range(0, len(data), 16)]


def _excerpt(example: Example | None) -> str:
    asked, answer = exchange(example) if example is not None else ("", "")
    return beginning(asked or answer, EXCERPT_CHARS)


def _encoded(name: str) -> bytes:
    """A file's name as bytes, whatever it is made of."""
    return name.encode("utf-8", "surrogateescape")


def _decoded(name: bytes) -> str:
    return name.decode("utf-8", "surrogateescape")


def _printable(text: str) -> str:
    """`text` of the index, which may be anybody's, for a sentence on a terminal."""
    return text if text.isprintable() else ascii(text)


def _parameters() -> dict[str, Any]:
    """What an index depends on. `probe` is what one example comes out as: other texts would be told apart in another
    way wherever that differs."""
    messages = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Fünf  Wörter, ein ﬁnish und 3 + 4 = 7? 日本語も。"},
        {"role": "assistant", "content": [{"type": "text", "text": "Yes, it is ."}, {"type": "image_url"}]},
    ]
    value = {"messages": messages, "tools": [{"type": "function"}]}
    example = Example(value, messages, tools=value["tools"], label="a")
    entries = Entries.of(
        Batch(source=0, path="", records=[Record(0, 1, 0, b"", value)], examples=[example]),
    )
    parts = (*entries.exact, *entries.normal, entries.sets.hashes.astype("<u4"), entries.signature)
    return {
        "permutations": PERMUTATIONS,
        "bands": BANDS,
        "shingle_words": SHINGLE_WORDS,
        "byte_order": sys.byteorder,
        "probe": blake2b(b"".join(bytes(part) for part in parts), digest_size=8).hexdigest(),
    }


def _recorded(connection: sqlite3.Connection) -> dict[str, Any]:
    """What stands in the index about itself."""
    try:
        return {
            str(name): json.loads(value)
            for name, value in connection.execute("SELECT CAST(name AS TEXT), CAST(value AS TEXT) FROM meta")
        }
    except ValueError as error:
        raise DamagedIndexError(str(error)) from error


def _must_be_a_file(name: str, create: bool) -> bool:
    """Whether there is a file of that name. Raises InputError if there is something else, or nothing and no leave to
    make one."""
    try:
        mode = os.stat(name).st_mode
    except FileNotFoundError:
        folder = os.path.dirname(os.path.abspath(name))
        if not os.path.isdir(folder):
            raise InputError(f"{folder}: there is no such folder") from None
        if not create:
            raise InputError(f"{name}: there is no such index; `dsprep index add {name} FILE` makes one") from None
        return False
    except OSError as error:
        raise InputError(f"{name} cannot be read: {error.strerror or error}") from error
    if not stat.S_ISREG(mode):
        raise InputError(f"{name} is no file; the first argument names the index")
    return True


def _connected(name: str, create: bool) -> sqlite3.Connection:
    uri = f"{Path(os.path.abspath(name)).as_uri()}?mode={'rwc' if create else 'rw'}"
    connection = sqlite3.connect(uri, timeout=LOCK_SECONDS, isolation_level=None, uri=True)
    # Memory maps are left out on purpose: a file that is cut short meanwhile would end the process.
    for pragma in ("trusted_schema = OFF", "cell_size_check = ON", "mmap_size = 0", f"cache_size = -{CACHE_KIB}"):
        connection.execute(f"PRAGMA {pragma}")
    return connection


def _checked(name: str, connection: sqlite3.Connection, create: bool) -> None:
    """See that the file is an index that this version can use; make the tables in an empty one, with `create`."""
    pages = _pragma(connection, "page_count")  # reads, so what a killed process left half done is taken back now
    size = os.path.getsize(name)
    if not size:
        if not create:
            raise InputError(f"{name} is empty; `dsprep index add {name} FILE` makes it an index")
        _make(connection)
        return
    if size < pages * _pragma(connection, "page_size"):
        raise DamagedIndexError("it is cut short")
    if _pragma(connection, "application_id") != APPLICATION_ID:
        raise InputError(_no_index(name))
    if _pragma(connection, "user_version") != SCHEMA_VERSION:
        raise InputError(_other(name, "another version"))
    if _tables(connection) != _tables_wanted():
        raise DamagedIndexError("its tables are not those of an index")
    recorded, wanted = _recorded(connection), _parameters()
    different = [key for key in wanted if recorded.get(key) != wanted[key]]
    if different == ["probe"]:
        by = _printable(str(recorded.get("dsprep")))
        raise InputError(_other(name, f"dsprep {by}, which told texts apart in another way than {VERSION} does"))
    if different:
        said = ", ".join(f"{key.replace('_', ' ')} {recorded.get(key)!r}, here {wanted[key]!r}" for key in different)
        raise InputError(_other(name, f"other parameters ({said})"))


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    return int(connection.execute(f"PRAGMA {name}").fetchone()[0])


def _make(connection: sqlite3.Connection) -> None:
    for statement in _SCHEMA:
        connection.execute(statement)
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
    known = {"dsprep": VERSION, **_parameters()}
    connection.executemany("INSERT INTO meta VALUES (?, ?)", ((key, json.dumps(known[key])) for key in known))


def _tables(connection: sqlite3.Connection) -> set[tuple[Any, ...]]:
    return set(connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_master"))


def _tables_wanted() -> set[tuple[Any, ...]]:
    with closing(sqlite3.connect(":memory:")) as connection:
        for statement in _SCHEMA:
            connection.execute(statement)
        return _tables(connection)


def _no_index(name: str) -> str:
    return f"{name} is no index of dsprep; the first argument names the index, and the files follow it"


def _other(name: str, how: str) -> str:
    return f"{name} was made with {how}: add its files to a new index"


def _sentence(name: str, error: Exception) -> str:
    """What is wrong with the file, for a person."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & 0xFF
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return f"{name} is in use by another process; try again when that is done"
    if code == sqlite3.SQLITE_NOTADB:
        return _no_index(name)
    if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM):
        return f"{name} cannot be {'opened' if code == sqlite3.SQLITE_CANTOPEN else 'written to'}: {error}"
    if code == sqlite3.SQLITE_FULL:
        return f"{name} cannot be written to: the disk is full"
    if code == sqlite3.SQLITE_IOERR:
        return f"{name} cannot be read or written: {error}"
    return f"{name} is damaged ({_printable(str(error))}): add its files to a new index"
