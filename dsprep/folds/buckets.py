"""datasketch's MinHash LSH, its hash tables kept in a table of an SQLite file.

datasketch keeps its tables in memory, or in a database server; what it stores them with can be exchanged. Here each of
its hash tables is a `Band` and its table of keys is `Members`, both over tables that `folds.index` makes. So an index
is opened without reading it, and a query reads the buckets that its signature falls into, and no others.

Keys are numbers, and are never pickled.
"""

from __future__ import annotations

import inspect
import sqlite3
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal

import numpy as np
from datasketch import LeanMinHash, MinHashLSH
from datasketch.storage import OrderedStorage, UnorderedStorage
from numpy.typing import NDArray

#: One row per text, of numbers of whatever size `text.minhash` makes them.
Signatures = NDArray[np.unsignedinteger[Any]]

#: Of a bucket with more members, the first so many are looked at: texts made from one template can be without number.
MOST_IN_BUCKET = 128
#: Of more candidates, those that share the most buckets are verified.
MOST_CANDIDATES = 256

# A bucket is a number of 42 bits, with that of its band before it: SQLite keeps 47 bits in six bytes. That two
# different bands come out as one is rare, and costs no more than a comparison.
_BITS = 42
_PRIME = (1 << _BITS) - 11

_AT_ONCE = 1024

# The numbers depend on the byte order of the machine: whoever keeps them has to keep that with them.
_SWAPPED: Literal["big", "little"] = "big" if sys.byteorder == "little" else "little"

# Releases of datasketch from 2.0 want to be told by which scheme values were made. Ours are made by none of theirs;
# "legacy" takes them as they are, as older releases do, so that the buckets are the same with all of them.
_SCHEME = {"scheme": "legacy"} if "scheme" in inspect.signature(LeanMinHash.__init__).parameters else {}


def sketch(signature: Signatures) -> Any:
    """A row of `text.minhash.signatures` as datasketch's own object; two of them can be compared by its `jaccard`."""
    return LeanMinHash(seed=0, hashvalues=signature.astype(np.uint64), **_SCHEME)


class Buckets:
    """Which members share a band of their signatures with whom.

    Members are numbers above 0. The tables `buckets (bucket, unit)` and `units (id, …)` must be there; `signatures_of`
    gives the signatures of members, of shape (n, permutations), for taking them out again.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        signatures_of: Callable[[Sequence[int]], Signatures],
        *,
        permutations: int,
        bands: int,
    ) -> None:
        self._table = _Table(connection)
        self.lsh = MinHashLSH(num_perm=permutations, params=(bands, permutations // bands), hashfunc=_bucket)
        self.lsh.hashtables = [Band(self._table, number) for number in range(bands)]
        self._signatures_of = signatures_of
        self.lsh.keys = self._members = Members(connection, self._buckets_of)

    def insert(self, members: Sequence[int], signatures: Signatures) -> None:
        """Put new members, one per signature, into their buckets."""
        with self.lsh.insertion_session() as session:
            for member, signature in zip(members, signatures, strict=True):
                session.insert(member, sketch(signature), check_duplication=False)

    def remove(self, members: Sequence[int]) -> None:
        """Take members out of their buckets. Their signatures must still be known."""
        for start in range(0, len(members), _AT_ONCE):
            piece = members[start : start + _AT_ONCE]
            self._members.hold(piece)
            for member in piece:
                self.lsh.remove(member)
        self._members.hold(())

    def candidates(self, signature: Signatures) -> list[int]:
        """The members that share a bucket with `signature`, those first that share the most."""
        shared = self._table.shared
        shared.clear()
        self.lsh.query(sketch(signature))
        return sorted(shared, key=lambda member: (-shared[member], member))[:MOST_CANDIDATES]

    def _buckets_of(self, members: Sequence[int]) -> list[list[int]]:
        swapped = self._signatures_of(members).astype(np.uint64).byteswap()
        return [[_bucket(row[a:b].tobytes()) for a, b in self.lsh.hashranges] for row in swapped]


class _Table:
    """The table that all bands share: rows to come, and in how many buckets each member has been met."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self.waiting: list[tuple[int, int]] = []
        self.shared: Counter[int] = Counter()

    def flush(self) -> None:
        if self.waiting:
            # In the order of the table, neighbours go to the same page.
            self.waiting.sort()
            self.connection.executemany("INSERT OR IGNORE INTO buckets (bucket, unit) VALUES (?, ?)", self.waiting)
            self.waiting.clear()


class Band(UnorderedStorage):  # type: ignore[misc]
    """One hash table: the members of each bucket of a band. The contract is that of datasketch's storages."""

    def __init__(self, table: _Table, number: int) -> None:
        self._table = table
        self._base = number << _BITS

    def keys(self) -> Iterator[int]:
        for (bucket,) in self._rows("SELECT DISTINCT bucket FROM buckets WHERE bucket BETWEEN ? AND ?", *self._range):
            yield bucket - self._base

    def get(self, key: int) -> list[int]:
        query = "SELECT CAST(unit AS INTEGER) FROM buckets WHERE bucket = ? ORDER BY unit LIMIT ?"
        members = [unit for (unit,) in self._rows(query, self._base + key, MOST_IN_BUCKET)]
        if members:
            self._table.shared.update(members)
        return members

    def insert(self, key: int, *vals: int, buffer: bool = False) -> None:
        self._table.waiting.extend((self._base + key, member) for member in vals)
        if not buffer:
            self.empty_buffer()

    def remove(self, *keys: int, buffer: bool = False) -> None:
        for key in keys:
            self._rows("DELETE FROM buckets WHERE bucket = ?", self._base + key)

    def remove_val(self, key: int, val: int, buffer: bool = False) -> None:
        self._rows("DELETE FROM buckets WHERE bucket = ? AND unit = ?", self._base + key, val)

    def size(self) -> int:
        query = "SELECT count(DISTINCT bucket) FROM buckets WHERE bucket BETWEEN ? AND ?"
        return int(self._rows(query, *self._range).fetchone()[0])

    def itemcounts(self, **kwargs: Any) -> dict[int, int]:
        query = "SELECT bucket, count(*) FROM buckets WHERE bucket BETWEEN ? AND ? GROUP BY bucket"
        return {bucket - self._base: count for bucket, count in self._rows(query, *self._range)}

    def has_key(self, key: int) -> bool:
        return bool(self.get(key))

    def empty_buffer(self) -> None:
        self._table.flush()

    @property
    def _range(self) -> tuple[int, int]:
        return self._base, self._base + _PRIME

    def _rows(self, query: str, *values: int) -> sqlite3.Cursor:
        self._table.flush()
        return self._table.connection.execute(query, values)


class Members(OrderedStorage):  # type: ignore[misc]
    """The buckets of each member, as datasketch's table of keys.

    They follow from its signature, and that from the shingles in the table `units`, so this stores nothing of its own:
    whoever writes that table puts members in and takes them out.
    """

    def __init__(self, connection: sqlite3.Connection, buckets_of: Callable[[Sequence[int]], list[list[int]]]) -> None:
        self._connection = connection
        self._buckets_of = buckets_of
        self._held: dict[int, list[int]] = {}

    def hold(self, members: Sequence[int]) -> None:
        """Work out the buckets of `members` at once: they are about to be asked for one by one."""
        self._held = dict(zip(members, self._buckets_of(members), strict=True))

    def keys(self) -> Iterator[int]:
        for (member,) in self._connection.execute("SELECT id FROM units"):
            yield member

    def get(self, key: int) -> list[int]:
        return self._held[key] if key in self._held else self._buckets_of([key])[0]

    def insert(self, key: int, *vals: int, buffer: bool = False) -> None:
        """Nothing to do: see above."""

    def remove(self, *keys: int, buffer: bool = False) -> None:
        """Nothing to do: see above."""

    def remove_val(self, key: int, val: int, buffer: bool = False) -> None:
        """Nothing to do: see above."""

    def size(self) -> int:
        return int(self._connection.execute("SELECT count(*) FROM units").fetchone()[0])

    def itemcounts(self, **kwargs: Any) -> dict[int, int]:
        return {member: len(self.get(member)) for member in self.keys()}

    def has_key(self, key: int) -> bool:
        return key in self._held or bool(
            self._connection.execute("SELECT 1 FROM units WHERE id = ?", (key,)).fetchone()
        )


def _bucket(band: bytes) -> int:
    """The bucket of a band: datasketch hands over its values as they lie in memory, bytes swapped, eight bytes each."""
    return int.from_bytes(band, _SWAPPED) % _PRIME
