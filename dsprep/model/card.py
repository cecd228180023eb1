"""What a data set says of itself beside the report: its files, its columns, and what its publisher says of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

#: `json` is whatever has no type of its own: objects without a key in common, texts in one row and lists in another.
ColumnType = Literal["string", "int64", "float64", "bool", "null", "json", "struct", "list"]

#: The one configuration (subset) that the written files are.
CONFIG: Final = "default"
#: From this share of the examples on, a language is one of the data set's.
SPOKEN: Final = 0.01


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the written records, or a member of one. `inner` are the members of a struct, or the one type that
    the items of a list have (its name is empty)."""

    name: str
    type: ColumnType
    inner: tuple[Column, ...] = ()

    @property
    def item(self) -> Column:
        """The type of a list's items."""
        return self.inner[0]

    def within(self) -> Iterator[Column]:
        """This column and all columns in it."""
        yield self
        for column in self.inner:
            yield from column.within()


@dataclass(frozen=True, slots=True)
class WrittenSplit:
    """A split as it was written: rows, size of the file in bytes, and its SHA-256 in hexadecimal."""

    name: str
    file: str
    rows: int
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Licence:
    """A licence: its `identifier` on the Hugging Face Hub (`other` if it has none), what the publisher wrote, and a
    page with its text, if one is known."""

    identifier: str
    name: str
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Card:
    """What a dataset card says that the report does not. What is None nobody has said, and it is not invented.

    `summary` is one sentence, in which nothing comes out of data. `sources` are the names of the inputs as they may be
    published, in the order of the report's. `languages` are shares of the examples whose language is known, by code,
    the commonest first. `command` is one line for bash that makes the same files from the same inputs; `mapping` is the
    YAML file that it names, where options cannot say it. `packages` are versions by name, `changed` rows that were
    mended by rule (code), `between` how much was found between the splits, by what was looked for.
    """

    name: str
    summary: str
    splits: tuple[WrittenSplit, ...]
    columns: tuple[Column, ...]
    sources: tuple[str, ...]
    command: str
    mapping: str | None = None
    languages: Mapping[str, float] = field(default_factory=dict)
    packages: Mapping[str, str] = field(default_factory=dict)
    changed: Mapping[str, int] = field(default_factory=dict)
    between: Mapping[str, int] = field(default_factory=dict)
    description: str | None = None
    licence: Licence | None = None
    creator: str | None = None
    url: str | None = None
    published: str | None = None
    version: str | None = None

    @property
    def rows(self) -> int:
        """Rows of all splits."""
        return sum(split.rows for split in self.splits)

    @property
    def spoken(self) -> list[str]:
        """The codes of the data set's languages. Shares below SPOKEN are guesses gone wrong, or quotations."""
        return [code for code, share in self.languages.items() if share >= SPOKEN]
