"""A batch: the records and examples of one piece of a shard, with the features that rules asked for."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final, Generic, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from dsprep.model.location import Location, row_key
from dsprep.model.record import Example, Fault, Record

T = TypeVar("T")


@dataclass(frozen=True)
class Feature(Generic[T]):
    """Something computed from a whole batch, at most once, when the first rule asks for it.

    `key` identifies it (name and parameters): two features of equal key share one computation.
    """

    key: Hashable
    compute: Callable[[Batch], T]


#: The role in `Turns` of what a rejected answer says.
REJECTED: Final = "rejected"


@dataclass(frozen=True, slots=True)
class Turns:
    """The texts of a batch as columns: one entry per string content, or text part, of a message.

    `row[i]` is the index of the example in the batch, `message[i]` the index of the message in it, `role[i]` its role
    (empty if it has none that is a string), `text[i]` the text. Lists of equal length.

    The texts of a rejected answer (see `Example`) come after those of the messages. Their role is REJECTED, so that
    what is asked of answers is not asked of one that is there to be worse; `message[i]` is -1 for the first of its
    messages, -2 for the second.
    """

    row: list[int]
    message: list[int]
    role: list[str]
    text: list[str]
    part: list[int | None]

    def pointer(self, i: int) -> str:
        """The JSON pointer (chat form) of the i-th text."""
        number = self.message[i]
        base = f"/messages/{number}/content" if number >= 0 else f"/rejected/{-1 - number}/content"
        part = self.part[i]
        return base if part is None else f"{base}/{part}/text"


class Batch:
    """Records with their examples (None where a record is not a conversation at all), and features by demand.

    `faults` are those of the file as a whole; a source gives them with its first batch only. `split` is the split that
    the caller assigned to the source.
    """

    def __init__(
        self,
        *,
        source: int,
        path: str,
        records: Sequence[Record],
        examples: Sequence[Example | None],
        faults: Sequence[Fault] = (),
        split: str | None = None,
    ) -> None:
        if len(records) != len(examples):
            raise ValueError("a batch needs one example, or None, per record")
        self.source = source
        self.path = path
        self.records = records
        self.examples = examples
        self.faults = faults
        self.split = split
        #: How many findings of rules about one record stand on each row, at most 255 (uint8); None: nobody has counted.
        self.noted: NDArray[np.uint8] | None = None
        self._features: dict[Hashable, Any] = {}

    def __len__(self) -> int:
        return len(self.records)

    def with_rows(
        self, records: Sequence[Record], examples: Sequence[Example | None], faults: Sequence[Fault] = ()
    ) -> Batch:
        """A batch of other rows of the same source: some of these, or these mended. Features are computed anew."""
        return Batch(
            source=self.source, path=self.path, records=records, examples=examples, faults=faults, split=self.split
        )

    def get(self, feature: Feature[T]) -> T:
        """The value of `feature` for this batch, computed on first demand."""
        try:
            return cast(T, self._features[feature.key])
        except KeyError:
            value = self._features[feature.key] = feature.compute(self)
            return value

    @cached_property
    def keys(self) -> NDArray[np.uint64]:
        """The row key of each record, uint64."""
        base = row_key(self.source, 0)
        return np.fromiter((base + record.ordinal for record in self.records), np.uint64, len(self.records))

    def key(self, i: int) -> int:
        """The row key of the i-th record."""
        return row_key(self.source, self.records[i].ordinal)

    def split_of(self, i: int) -> str | None:
        """The split of the i-th record: its own if it names one, else the one given to its source."""
        example = self.examples[i]
        own = example.split if example is not None else None
        return own or self.split

    def location(self, i: int, pointer: str | None = None) -> Location:
        """Where the i-th record is, or the part of its chat form at `pointer`, said in terms of the original record."""
        record = self.records[i]
        example = self.examples[i]
        column = None
        if pointer and example is not None and example.origins is not None:
            origin = example.origins.get(pointer)
            if origin is None:
                pointer = None
            elif origin.startswith("/"):
                pointer = origin
            else:
                pointer, column = None, origin
        whole = (record.pointer or "") + (pointer or "")
        return Location(self.path, record.line, record.row, record.offset, whole or None, column)

    def fault_location(self, fault: Fault, i: int | None) -> Location:
        """Where `fault` is: the record's place, or the file's, sharpened by what the fault itself knows."""
        base = Location(self.path) if i is None else self.location(i)
        known = {
            name: value
            for name in ("line", "offset", "pointer", "column")
            if (value := getattr(fault, name)) is not None
        }
        if i is not None and fault.pointer is not None:
            known["pointer"] = (self.records[i].pointer or "") + fault.pointer or None
        return replace(base, **known)

    @cached_property
    def turns(self) -> Turns:
        """All texts of all messages, as columns."""
        row: list[int] = []
        message: list[int] = []
        role: list[str] = []
        text: list[str] = []
        part: list[int | None] = []
        for i, example in enumerate(self.examples):
            if example is None:
                continue
            for j, item in enumerate(example.messages):
                if type(item) is not dict:
                    continue
                content = item.get("content")
                if type(content) is str:
                    row.append(i)
                    message.append(j)
                    name = item.get("role")
                    role.append(name if type(name) is str else "")
                    text.append(content)
                    part.append(None)
                elif type(content) is list:
                    name = item.get("role")
                    for k, piece in enumerate(content):
                        if type(piece) is dict and type(piece.get("text")) is str:
                            row.append(i)
                            message.append(j)
                            role.append(name if type(name) is str else "")
                            text.append(piece["text"])
                            part.append(k)
            if example.rejected is not None:
                for j, item in enumerate(example.rejected):
                    for place, said in _texts_of(item):
                        row.append(i)
                        message.append(-1 - j)
                        role.append(REJECTED)
                        text.append(said)
                        part.append(place)
        return Turns(row, message, role, text, part)


def _texts_of(message: Any) -> Iterator[tuple[int | None, str]]:
    """The texts of a message, each with the index of its part; None where its content is a text."""
    content = message.get("content") if type(message) is dict else None
    if type(content) is str:
        yield None, content
    elif type(content) is list:
        for k, piece in enumerate(content):
            if type(piece) is dict and type(piece.get("text")) is str:
                yield k, piece["text"]
