"""Sources and shards: how input is described, cut into pieces, and read by whoever works on a piece."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from dsprep.model.record import Example, Fault, Record

if TYPE_CHECKING:
    import pyarrow


class InputError(Exception):
    """The input as a whole cannot be read. The message says what, where, and what to do; it ends a run with code 2."""


def unreadable(path: str, error: OSError) -> InputError:
    """The error for an input that the system refuses to open or read: a sentence with the name that the user gave."""
    if isinstance(error, FileNotFoundError):
        return InputError(f"{path}: there is no such file")
    if isinstance(error, IsADirectoryError):
        return InputError(f"{path} is a directory; name the files in it")
    if isinstance(error, PermissionError):
        return InputError(f"{path} cannot be read: permission denied")
    return InputError(f"{path} cannot be read: {error.strerror or error}")


@dataclass(frozen=True, slots=True)
class Shard:
    """A piece of a source that a worker can read by itself.

    `start` and `end` are byte offsets; `ordinal` and `line` are those of the first record in it, `rows` how many rows
    are before it, where a source numbers them. `faults` are the faults of the file as a whole and stand on its first
    shard alone. `digest` is the SHA-256 of its bytes; what is made of a shard without one is not kept for later runs.
    """

    source: int
    start: int
    end: int
    ordinal: int = 0
    line: int = 1
    faults: tuple[Fault, ...] = ()
    digest: bytes = b""
    rows: int = 0


@dataclass(slots=True)
class InputInfo:
    """What was read of one source: for the report and the manifest. Filled while the source is planned."""

    path: str
    format: str
    bytes: int = 0
    sha256: str = ""
    split: str | None = None
    encoding: str = "utf-8"
    notes: list[str] = field(default_factory=list)

    def note(self, *sentences: str) -> None:
        """Add notes that are not there yet: a source may be planned more than once."""
        self.notes.extend(sentence for sentence in sentences if sentence not in self.notes)


class Table(NamedTuple):
    """Rows as columns. `cells` is a `pyarrow.Table` of texts, none of them null; `rows` are shards of one row each."""

    cells: pyarrow.Table
    rows: Callable[[Sequence[int]], list[Shard]]


class Source(ABC):
    """Something readable, of one format. Picklable: a worker gets it whole and opens the file itself.

    `index` is its place in the run, `path` the file on disk, `display` what reports call it.
    """

    format: ClassVar[str]
    #: Whether its records are rows of named cells, so that columns have to be mapped unless they are a conversation's.
    tabular: ClassVar[bool] = False
    #: The mapping of columns (what to the name of a column) that does where the user says nothing of it.
    suggested: ClassVar[Mapping[str, str]] = {}
    #: Whether a shard of one row (from its offset to the next row's) can be read by itself.
    addressable: ClassVar[bool] = False
    #: Whether equal bytes are equal records wherever in a file they stand, but for ordinal, line and offset.
    movable: ClassVar[bool] = False

    def __init__(self, path: str, *, index: int = 0, display: str | None = None, split: str | None = None) -> None:
        self.path = path
        self.index = index
        self.display = display or path
        self.split = split
        #: How the file that the user named is compressed; `path` is then what was unpacked of it.
        self.packing: str | None = None
        #: Whether to hash what is planned. A run that says nothing of its input's provenance need not.
        self.hashed = True
        self.info = InputInfo(self.display, self.format, split=split)

    @abstractmethod
    def plan(self, shard_bytes: int) -> Iterator[Shard]:
        """Cut the source into shards of about `shard_bytes` bytes, in order; fills `self.info` (complete when the
        iterator is exhausted). Raises InputError if the file cannot be read as this format at all."""

    @abstractmethod
    def read(self, shard: Shard) -> Iterator[Record]:
        """The records of `shard`, in order. What cannot be decoded comes as a record with faults, never as an
        exception and never not at all."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the cells that all rows have, where that is known before they are read."""
        return ()

    @property
    def reading(self) -> Mapping[str, Any]:
        """What decides on the records of a shard besides its bytes, as JSON values. Raises as `plan` does."""
        return {}

    def digest(self, shard: Shard) -> bytes:
        """The SHA-256 of the bytes of `shard` as they are now. Raises InputError."""
        digest = hashlib.sha256()
        left = shard.end - shard.start
        try:
            with open(self.path, "rb", buffering=0) as file:
                file.seek(shard.start)
                while left and (block := file.read(min(left, 1 << 20))):
                    digest.update(block)
                    left -= len(block)
        except OSError as error:
            raise unreadable(self.display, error) from error
        return digest.digest()

    @property
    def arrangement(self) -> str | None:
        """How its records come from the rows of the data, in a sentence, once it is planned; None if each is one."""
        return None

    def rows_of(self, record: Record) -> int:
        """How many rows of the data a record is: one, unless the source puts rows together or takes them apart. Of the
        records that one row is taken apart into, the first counts as the row, and the others as none."""
        return 1

    def table(self, shard: Shard, columns: Collection[str]) -> Table | None:
        """The cells of `columns` of the rows of `shard`, all at once, as texts; None if these rows have to be read one
        by one, because something may be wrong with one of them, or the source reads no other way."""
        return None

    def read_rows(self, rows: Sequence[Shard]) -> Iterator[Record]:
        """The records of shards of one row each (see `addressable`), in order."""
        for row in rows:
            yield from self.read(row)


class Normaliser(ABC):
    """Turns records into examples: by recognising their format, or by a mapping from columns. Picklable."""

    def arranged(self, source: Source) -> Source:
        """The source whose records it takes, made of the one that it was chosen for: itself, or one in which records
        are put together or taken apart."""
        return source

    @abstractmethod
    def example(self, record: Record) -> Example | None:
        """`record` as a conversation, or None if it is none. May add faults to the record; never raises."""
