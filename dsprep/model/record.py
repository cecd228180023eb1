"""Records as they were read, and examples: records normalised to a conversation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, final


@final
class _Undecoded:
    """The value of a record that could not be decoded; a record may rightly hold None."""

    def __repr__(self) -> str:
        return "UNDECODED"

    def __reduce__(self) -> str:
        return "UNDECODED"


UNDECODED: Final = _Undecoded()


@dataclass(frozen=True, slots=True)
class Fault:
    """Something wrong that a source saw while reading, named by the rule (`kind` is the rule's name) that reports it.

    `line`, `offset`, `pointer` and `column` override the record's own place where the fault is known more exactly.
    """

    kind: str
    args: Mapping[str, Any] = field(default_factory=dict)
    line: int | None = None
    offset: int | None = None
    pointer: str | None = None
    column: str | None = None


@dataclass(slots=True)
class Record:
    """One raw item of a source.

    `ordinal` is its 0-based number in the source (for JSON lines: physical line minus one, blank lines counted), so
    that it is the same whatever the shards are; `raw` its bytes without the line end (empty where the source has no
    bytes per record); `value` the decoded value, or UNDECODED, in which case `faults` says why; `pointer` leads to it
    from the top of its file where the file is one JSON document.
    """

    ordinal: int
    line: int | None
    offset: int
    raw: bytes
    value: Any
    row: int | None = None
    faults: tuple[Fault, ...] = ()
    pointer: str | None = None
    #: Of a record that a fix has mended: its value before the first one, as the source gave it.
    original: Any = None

    @property
    def blank(self) -> bool:
        """True for an empty line: a line of the file, but no row of the data."""
        return bool(self.faults) and self.faults[0].kind == "blank-line"


@dataclass(slots=True)
class Example:
    """A record as a conversation.

    `record` is the whole record in chat form (the record itself if it came as chat); `messages` and `tools` are its
    members, as found, so they may be malformed: check types before use. `format` names the shape that it came in.
    `origins` maps pointers of the chat form to where the text came from: a pointer of the original record, or, for
    tables, a column name; None when the record is in chat form already. `label_pointer` says where in the chat form the
    label stands, if it stands there.

    A preference record has the prompt and the chosen answer as its `messages`; `rejected` are the messages of the
    answer that it is preferred to (None: the record is no preference record), `prompt_size` how many of the `messages`
    come before the chosen answer. The rejected answer stands in no chat form, so `origins` knows its messages as
    `/rejected/0` and so on.
    """

    record: dict[str, Any]
    messages: list[Any]
    tools: Any = None
    label: str | None = None
    group: str | None = None
    split: str | None = None
    meta: dict[str, Any] = field(default_factory=dict)
    format: str = "chat"
    origins: Mapping[str, str] | None = None
    label_pointer: str | None = None
    rejected: list[Any] | None = None
    prompt_size: int = 0
