"""JSON that is not one record a line: an array of records, pretty-printed records, records nested in others."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any, ClassVar, Final, Literal, NamedTuple

from dsprep.model import pointer as pointers
from dsprep.model.record import UNDECODED, Fault, Record
from dsprep.model.source import InputError, Shard, Source, unreadable
from dsprep.opening import measured, ranged
from dsprep.text.encoding import HEAD_BYTES, Sniffed, encoded_length, sniff, transcoded
from dsprep.text.json_text import decode_json, excerpt

Shape = Literal["array", "pretty-printed", "lines"]

#: Bytes. What is left of a block is moved with each item, which is why they are small.
_BLOCK: Final = 1 << 15

#: As much of a record that is too long as is kept, for the excerpt (bytes).
_KEPT: Final = 1024

# A string, whole or, behind the last one of a text, only its quote. JSON has no line ends in strings: a quote that is
# never closed spoils its own line and no more.
_TOKEN: Final = re.compile(rb'"(?:[^"\\\n]++|\\.)*+"|["{}\[\]]', re.DOTALL)
_SPACE: Final = re.compile(rb"[ \t\r\n]*+")
_STRING: Final = re.compile(rb'"(?:[^"\\\n]++|\\.)*+"', re.DOTALL)
_STRING_REST: Final = re.compile(rb'(?:[^"\\\n]++|\\.)*+', re.DOTALL)
_SCALAR: Final = re.compile(rb'[^\s,"{}\[\]]++')
_STRAY: Final = re.compile(rb"[^,\n\]]++")


def _nested(depth: int) -> bytes:
    """A pattern of an object or array with up to `depth` levels, as far as brackets outside of strings tell."""
    inside = rb'(?:[^"{}\[\]]++|"(?:[^"\\\n]++|\\.)*+"' + (b"|" + _nested(depth - 1) if depth > 1 else b"") + b")*+"
    return rb"[{\[]" + inside + rb"[}\]]"


#: Most items, found in one go; the others token by token.
_USUAL: Final = re.compile(_nested(8), re.DOTALL)
#: What an object or array is made of, for those that are known to be valid.
_PART: Final = re.compile(rb'"(?:[^"\\]++|\\.)*+"|[{}\[\],:]|[^\s",:{}\[\]]++', re.DOTALL)


@dataclass(frozen=True, slots=True)
class RecordPath:
    """Where in a document its records are: `questions[]`, `data[]`, `topics[].questions[]`, `result.rows[]`.

    `steps` are pairs of a key and whether its value is an array whose items are gone through.
    """

    text: str
    steps: tuple[tuple[str, bool], ...]

    @classmethod
    def parse(cls, text: str) -> RecordPath:
        """Raises InputError if `text` is no such path."""
        steps = []
        for part in text.strip().removeprefix(".").split("."):
            name = part.removesuffix("[]")
            if not name or "[" in name or "]" in name:
                raise InputError(
                    f"{text!r} is no path to records: write the names of the keys that lead to them, with [] behind "
                    "each one that holds an array, such as 'questions[]' or 'topics[].questions[]'"
                )
            steps.append((name, part.endswith("[]")))
        return cls(text, tuple(steps))


class JsonArraySource(Source):
    """Records in a JSON array, or written over several lines each; with `records`, records nested in those.

    The file is read as a stream: no more of it is in memory than one item of the array. `shape` is what the file looks
    like. Records of an array carry the pointer that leads to them from the top of the file.

    With a `records` path (see RecordPath), a nested record takes over those members of the objects around it that are
    no objects or arrays; its own win. An item in which the path leads to nothing becomes a record with a fault.
    """

    format = "json"
    #: The longest item of an array, in bytes, that is held in memory.
    max_item: ClassVar[int] = 64 << 20

    def __init__(
        self,
        path: str,
        *,
        index: int = 0,
        display: str | None = None,
        split: str | None = None,
        records: str | None = None,
        shape: Shape = "array",
    ) -> None:
        super().__init__(path, index=index, display=display, split=split)
        self.records = None if records is None else RecordPath.parse(records)
        self.shape = shape
        self._known: Sniffed | None = None

    def plan(self, shard_bytes: int) -> Iterator[Shard]:
        """See `Source.plan`. Always a single shard."""
        sniffed = self._sniffed()
        size = measured(self)
        self.info.encoding = sniffed.encoding
        faults: list[Fault] = []
        if sniffed.encoding != "utf-8":
            faults.append(Fault("invalid-utf8", {"encoding": sniffed.encoding, "bad": "00"}))
        elif sniffed.mark:
            faults.append(Fault("byte-order-mark", {"encoding": "utf-8"}))
        records = self.read(Shard(self.index, 0, size))
        first = next(records, None)
        if first is None:
            faults.append(Fault("empty-file"))
        # Lines can be made of the file only if all of it can be read.
        faults.extend(self._misplaced(lambda: all(r.value is not UNDECODED for r in chain((first,), records) if r)))
        yield Shard(self.index, 0, size, faults=tuple(faults), digest=bytes.fromhex(self.info.sha256))

    @property
    def reading(self) -> Mapping[str, Any]:
        """See `Source.reading`."""
        return {"records": self.records and self.records.text, "shape": self.shape, "longest": self.max_item}

    def read(self, shard: Shard) -> Iterator[Record]:
        """See `Source.read`."""
        sniffed = self._sniffed()
        blocks = self._blocks(sniffed.mark)
        if sniffed.encoding != "utf-8":
            blocks = transcoded(blocks, sniffed.encoding)
        scanner = _Scanner(blocks, self.max_item, sniffed)
        ordinal = 0
        for item in scanner.lines() if self.shape == "lines" else scanner.items():
            record = Record(ordinal, item.line, item.offset, item.raw, UNDECODED, None, (), item.pointer)
            if item.fault is not None:
                record.faults = (item.fault,)
            else:
                record.value, record.faults = decode_json(
                    item.raw, line=item.line, offset=item.offset, unterminated=item.last
                )
            if self.records is None or record.value is UNDECODED:
                record.row = ordinal + 1
                yield record
                ordinal += 1
                continue
            for nested in self._nested(record, self.records):
                nested.ordinal, nested.row = ordinal, ordinal + 1
                yield nested
                ordinal += 1

    def _misplaced(self, readable: Callable[[], bool]) -> Sequence[Fault]:
        """What is wrong with finding such JSON in this file; `readable` says whether all records decode."""
        return ()

    def _nested(self, whole: Record, path: RecordPath) -> Iterator[Record]:
        """The records inside of `whole`; their ordinals are not set."""
        encoding = self._sniffed().encoding
        faults = list(whole.faults)
        for found in _descend(whole.raw, 0, whole.value, path.steps, {}, ()):
            inside = pointers.join(found.path)
            if found.missing is not None:
                args = {"column": found.missing, "reason": f"there is nothing at {found.missing!r}"}
                fault = Fault("missing-value", args, column=found.missing)
                yield Record(0, whole.line, whole.offset, whole.raw, whole.value, None, (fault,), whole.pointer)
                continue
            before = whole.raw[: found.begin]
            record = Record(
                0,
                (whole.line or 1) + before.count(b"\n"),
                whole.offset + encoded_length(before, encoding),
                whole.raw[found.begin : found.end],
                found.value,
                pointer=(whole.pointer or "") + inside,
            )
            # A fault goes with the record that it is in; those of the objects around go with the first record.
            own = [fault for fault in faults if fault.pointer and fault.pointer.startswith(f"{inside}/")]
            around = [fault for fault in faults if not _within(fault, path)] if faults else []
            record.faults = tuple(
                replace(fault, pointer=fault.pointer[len(inside) :] if fault in own and fault.pointer else None)
                for fault in (*around, *own)
            )
            faults = [fault for fault in faults if fault not in own and fault not in around]
            yield record

    def _sniffed(self) -> Sniffed:
        if self._known is None:
            known = sniff(next(self._blocks(0, HEAD_BYTES), b""))
            if known.kind == "binary":
                raise InputError(known.sentence(self.display))
            self._known = known
        return self._known

    def _blocks(self, start: int, size: int = _BLOCK) -> Iterator[bytes]:
        try:
            with ranged(self.path, start) as file:
                while block := file.read(size):
                    yield block
        except OSError as error:
            raise unreadable(self.display, error) from error


class MisplacedJsonSource(JsonArraySource):
    """An array, or pretty-printed records, under a name that promises JSON lines: a fault of the file, which can be
    mended by writing it anew."""

    format = "jsonl"

    def _misplaced(self, readable: Callable[[], bool]) -> Sequence[Fault]:
        if self.shape == "lines":
            return ()
        return (Fault("not-json-lines", {"kind": self.shape, "readable": readable()}),)


def _within(fault: Fault, path: RecordPath) -> bool:
    """Whether `fault` stands at or behind the first step of `path`, so that it may be inside of a nested record."""
    first = f"/{pointers.escape(path.steps[0][0])}/"
    return fault.pointer is not None and fault.pointer.startswith(first)


class _Found(NamedTuple):
    """A nested record: its value, where its text begins and ends, and its path; or, in `missing`, the path that leads
    to nothing."""

    value: Any
    begin: int
    end: int
    path: tuple[str | int, ...]
    missing: str | None = None


def _descend(
    raw: bytes,
    begin: int,
    value: Any,
    steps: tuple[tuple[str, bool], ...],
    inherited: dict[str, Any],
    path: tuple[str | int, ...],
) -> Iterator[_Found]:
    key, many = steps[0]
    name = key + "[]" * many
    inside = value.get(key) if type(value) is dict else None
    if inside is None or (many and (type(inside) is not list or not inside)):
        yield _Found(None, 0, 0, path, name)
        return
    inherited = {**inherited, **{k: v for k, v in value.items() if type(v) not in (dict, list)}}
    inherited.pop(key, None)
    # Of duplicate keys the last one counts, as it did for the value.
    start, stop = {known: (a, b) for known, a, b in _children(raw, begin)}[key]
    children = [(inside, start, stop, (*path, key))]
    if many:
        spans = _children(raw, start)
        children = [
            (item, a, b, (*path, key, i)) for i, (item, (_, a, b)) in enumerate(zip(inside, spans, strict=False))
        ]
    for item, a, b, place in children:
        if len(steps) > 1:
            yield from _descend(raw, a, item, steps[1:], inherited, place)
        else:
            own = item if type(item) is dict else {key: item}
            yield _Found({**inherited, **own}, a, b, place)


def _children(raw: bytes, start: int) -> Iterator[tuple[str | None, int, int]]:
    """The members or items of the object or array that begins at `start` of valid JSON: key, begin, end."""
    depth = 0
    begin = 0
    key: str | None = None
    named = key_next = False
    for match in _PART.finditer(raw, start):
        first = raw[match.start()]
        if first in b"{[":
            depth += 1
            if depth == 1:
                named = key_next = first == 123
            elif depth == 2:
                begin = match.start()
        elif first in b"}]":
            depth -= 1
            if depth == 0:
                return
            if depth == 1:
                yield key, begin, match.end()
        elif depth == 1:
            if first == 44:  # a comma
                key_next = named
            elif first == 58:  # a colon
                key_next = False
            elif key_next:
                key = json.loads(match.group())
            else:
                yield key, match.start(), match.end()


class _Item(NamedTuple):
    """A piece of a file that should be one JSON document. `last`: the file ends before it does. Of one that is too long
    to hold, `raw` is the beginning."""

    raw: bytes
    line: int
    offset: int
    pointer: str | None = None
    last: bool = False
    fault: Fault | None = None


class _Scanner:
    """Finds where documents begin and end without decoding them, in a window that moves over the file."""

    def __init__(self, blocks: Iterator[bytes], max_item: int, sniffed: Sniffed) -> None:
        self.blocks = blocks
        self.max_item = max_item
        self.encoding = sniffed.encoding
        self.data = b""
        self.line = 1
        self.offset = sniffed.mark

    def more(self) -> bool:
        """Get as much again as there is, so that the cost of looking again stays linear. False at the file's end."""
        parts = [self.data]
        size = 0
        for block in self.blocks:
            parts.append(block)
            size += len(block)
            if size and size >= min(len(self.data), self.max_item):
                break
        self.data = b"".join(parts)
        return size > 0

    def drop(self, n: int) -> bytes:
        """Move on by `n` bytes, which are returned."""
        gone, self.data = self.data[:n], self.data[n:]
        self.line += gone.count(b"\n")
        self.offset += encoded_length(gone, self.encoding)
        return gone

    def lines(self) -> Iterator[_Item]:
        """The lines of the file."""
        while self.data or self.more():
            end = self.data.find(b"\n")
            while end < 0 and len(self.data) <= self.max_item:
                seen = len(self.data)
                if not self.more():
                    break
                end = self.data.find(b"\n", seen)
            line, offset = self.line, self.offset
            if end < 0 and len(self.data) > self.max_item:
                head, size = self.data[:_KEPT], 0
                while end < 0 and self.data:
                    size += len(self.drop(len(self.data)))
                    end = self.data.find(b"\n") if self.more() else -1
                size += len(self.drop(end + 1)) - 1 if end >= 0 else 0
                yield _Item(head, line, offset, fault=self._too_long(head, size, line))
                continue
            raw = self.drop(end + 1 if end >= 0 else len(self.data)).rstrip(b"\r\n")
            blank = not raw or raw.isspace()
            yield _Item(raw, line, offset, last=end < 0, fault=Fault("blank-line") if blank else None)

    def items(self) -> Iterator[_Item]:
        """The items of an array at the top of the file, and all other documents at the top."""
        index: int | None = None
        comma_due = False
        while True:
            first = self._next_byte()
            if first is None:
                if index is not None:
                    yield _Item(b"", self.line, self.offset, last=True, fault=Fault("truncated-file"))
                return
            if index is None and first == 91:  # an opening bracket
                index, comma_due = 0, False
                self.drop(1)
            elif index is not None and first == 93:  # a closing one
                index = None
                self.drop(1)
            elif index is not None and first == 44 and comma_due:
                comma_due = False
                self.drop(1)
            else:
                if index is not None and comma_due:
                    yield self._stray("Expecting ',' delimiter")
                item = self._item(None if index is None else f"/{index}")
                yield item
                if item.last:
                    return
                comma_due = True
                index = None if index is None else index + 1

    def _next_byte(self) -> int | None:
        while True:
            space = _SPACE.match(self.data)
            if space and space.end():
                self.drop(space.end())
            if self.data:
                return self.data[0]
            if not self.more():
                return None

    def _item(self, pointer: str | None) -> _Item:
        first = self.data[0]
        if first in b"{[":
            return self._container(pointer)
        pattern = _STRING if first == 34 else _SCALAR  # 34: a quotation mark
        while True:
            match = pattern.match(self.data)
            if match is not None and match.end() < len(self.data):
                break
            if len(self.data) > self.max_item or not self.more():
                break
        if match is None:
            rest = _STRAY.match(self.data)
            return self._stray("Expecting value", max(1, rest.end() if rest else 1))
        line, offset = self.line, self.offset
        return _Item(self.drop(match.end()), line, offset, pointer)

    def _container(self, pointer: str | None) -> _Item:
        line, offset = self.line, self.offset
        usual = _USUAL.match(self.data)
        if usual is not None and usual.end() <= self.max_item:
            return _Item(self.drop(usual.end()), line, offset, pointer)
        head, gone = b"", 0
        depth = at = 0
        in_string = False
        while True:
            if in_string:
                match = _STRING_REST.match(self.data, at)
                at = match.end() if match else at
                if at < len(self.data) and self.data[at] in b'"\n':
                    in_string = False
                    at += 1
            if not in_string:
                for match in _TOKEN.finditer(self.data, at):
                    at = match.end()
                    first = self.data[match.start()]
                    if first in b"{[":
                        depth += 1
                    elif first in b"}]":
                        depth -= 1
                        if not depth:
                            break
                    elif at == match.start() + 1:
                        in_string = True
                        break
                else:
                    at = len(self.data)
                if not depth:
                    break
                if in_string:
                    continue
            if gone or len(self.data) > self.max_item:
                head = head or self.data[:_KEPT]
                gone += len(self.drop(at))
                at = 0
            if not self.more():
                at = len(self.data)
                break
        if gone or at > self.max_item:
            head = head or self.data[:_KEPT]
            size = gone + len(self.drop(at))
            return _Item(head, line, offset, pointer, fault=self._too_long(head, size, line), last=depth > 0)
        return _Item(self.drop(at), line, offset, pointer, last=depth > 0)

    def _stray(self, reason: str, size: int | None = None) -> _Item:
        """What should not stand here: `size` bytes, which are skipped; without, the beginning of what comes next."""
        line, offset = self.line, self.offset
        shown = excerpt(self.data[:_KEPT].decode("utf-8", "replace"))
        raw = shown.encode() if size is None else self.drop(size)
        return _Item(raw, line, offset, fault=Fault("invalid-json", {"reason": reason, "excerpt": shown}, line=line))

    def _too_long(self, head: bytes, size: int, line: int) -> Fault:
        reason = f"the record is {size:,} bytes long; at most {self.max_item:,} are read"
        shown = excerpt(head.decode("utf-8", "replace"))
        return Fault("invalid-json", {"reason": reason, "excerpt": shown}, line=line)
