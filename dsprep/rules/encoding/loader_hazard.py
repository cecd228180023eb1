"""ENC011 loader-hazard."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from typing import Any, Final

from pydantic import Field as OptionField

from dsprep.model import pointer as pointers
from dsprep.model.batch import Batch
from dsprep.model.chat import shown
from dsprep.model.finding import Finding, Severity
from dsprep.model.location import Location
from dsprep.model.moving import Shift
from dsprep.model.rule import FoldRule, Rows, RuleMeta, RuleOptions
from dsprep.text.json_text import depth_of
from dsprep.text.schema import schema_faults

#: The deepest nesting, the record itself included, that Arrow's exchange format holds, by way of which `datasets`
#: stores a file (64 levels fail with "Recursion level in ArrowSchema struct exceeded").
DEEPEST: Final = 63
#: Beyond this a double, which is all the numbers that JavaScript has, does not tell neighbouring integers apart.
SAFE_INTEGER: Final = (1 << 53) - 1
_INT64: Final = 1 << 63
#: As many different fields as are looked at in one file.
MOST_FIELDS: Final = 20_000
#: A longer key is told apart by its digest alone.
_LONG_KEY: Final = 100
_RELATED: Final = 3

#: The texts that pyarrow's reader takes for timestamps if all texts of a field are such.
_DATE: Final = re.compile(
    r"\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])"
    r"(?:[ T](?:[01]\d|2[0-3])(?::[0-5]\d(?::[0-5]\d)?)?(?:Z|[+-]\d\d(?::?\d\d)?)?)?",
    re.ASCII,
)
_LONGEST_DATE: Final = 25

#: What JSON calls the kinds of values that are told apart here. Null goes with all of them.
_TYPES: Final = {
    "string": "a string",
    "date": "a string",
    "number": "a number",
    "long": "a number",
    "huge": "a number",
    "boolean": "a boolean",
    "object": "an object",
    "empty": "an object",
    "array": "an array",
}
#: Below these, what is read otherwise than it is written is learnt so.
_LEARNT: Final = frozenset({"messages", "tools", "functions", "conversations"})


@dataclass(frozen=True, slots=True)
class Sighting:
    """How often something was seen, and the row key and the location of the first time."""

    count: int
    key: int
    location: Location

    def merged(self, other: Sighting) -> Sighting:
        """Both together."""
        first = self if self.key <= other.key else other
        return Sighting(self.count + other.count, first.key, first.location)

    def moved(self, shift: Shift) -> Sighting:
        """The same, of rows that stand elsewhere."""
        return Sighting(self.count, shift.key(self.key), shift.location(self.location))


@dataclass(slots=True)
class Shape:
    """What values of one field are: kinds (see _TYPES; `nul` for a key with U+0000 in it), members by key, items.

    `size` is how many fields there are in it, itself included, once `counted` has been called.
    """

    kinds: dict[str, Sighting] = field(default_factory=dict)
    members: dict[str, Shape] = field(default_factory=dict)
    items: Shape | None = None
    size: int = 1

    def counted(self) -> Shape:
        """This shape, with sizes."""
        inner = list(self.members.values()) + ([] if self.items is None else [self.items])
        self.size = 1 + sum(shape.counted().size for shape in inner)
        return self

    def merged(self, other: Shape) -> Shape:
        """Both together; neither is changed. The time is that of the smaller one, or nearly."""
        large, small = (self, other) if self.size >= other.size else (other, self)
        members = large.members
        size = large.size
        if small.members:
            members = dict(members)
            for key, shape in small.members.items():
                known = members.get(key)
                members[key] = both = shape if known is None else known.merged(shape)
                size += both.size - (0 if known is None else known.size)
        items = large.items
        if small.items is not None:
            items = small.items if large.items is None else large.items.merged(small.items)
            size += items.size - (0 if large.items is None else large.items.size)
        return Shape(_joined(large.kinds, small.kinds), members, items, size)

    def moved(self, shift: Shift) -> Shape:
        """The same, of rows that stand elsewhere."""
        return Shape(
            {kind: seen.moved(shift) for kind, seen in self.kinds.items()},
            {key: shape.moved(shift) for key, shape in self.members.items()},
            None if self.items is None else self.items.moved(shift),
            self.size,
        )

    def fields(self, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Shape]]:
        """This field and all within it, with their paths; `[]` stands for the items of a list."""
        yield path, self
        for key in sorted(self.members):
            yield from self.members[key].fields((*path, key))
        if self.items is not None:
            yield from self.items.fields((*path, "[]"))


@dataclass(slots=True)
class FileState:
    """What was seen of one file: its first record (row key, whether it is null, location), records nested too deep with
    the depth of the deepest, and the shape of its records, None if they have more than MOST_FIELDS fields."""

    first: tuple[int, bool, Location] | None = None
    deep: Sighting | None = None
    deepest: int = 0
    shape: Shape | None = field(default_factory=Shape)

    def merged(self, other: FileState) -> FileState:
        """Both together; neither is changed."""
        firsts = [first for first in (self.first, other.first) if first is not None]
        shape = None if self.shape is None or other.shape is None else self.shape.merged(other.shape)
        deep = self.deep if other.deep is None else other.deep if self.deep is None else self.deep.merged(other.deep)
        first = min(firsts, key=lambda found: found[0]) if firsts else None
        return FileState(first, deep, max(self.deepest, other.deepest), shape).settled()

    def moved(self, shift: Shift) -> FileState:
        """The same, of rows that stand elsewhere."""
        first = self.first
        return FileState(
            None if first is None else (shift.key(first[0]), first[1], shift.location(first[2])),
            None if self.deep is None else self.deep.moved(shift),
            self.deepest,
            None if self.shape is None else self.shape.moved(shift),
        )

    def settled(self) -> FileState:
        """This state, without a shape if that has too many fields: which depends on all rows, not on their order."""
        if self.shape is not None and self.shape.size > MOST_FIELDS:
            self.shape = None
        return self


class LoaderHazardOptions(RuleOptions):
    """Options of loader-hazard."""

    max_depth: int = OptionField(DEEPEST, ge=1, le=DEEPEST, description="how deep records may be nested")
    max_fields: int = OptionField(
        2_000, ge=1, le=MOST_FIELDS, description="how many different fields the records of a file may have"
    )
    told_fields: int = OptionField(5, ge=1, description="how many fields are told of each kind of hazard in a file")


class LoaderHazard(FoldRule[dict[str, FileState]]):
    """A file has records that common loaders crash on, or change without a word.

    ## What it does
    Looks for what pyarrow's JSON reader, `datasets`, which is built on it, and readers of JSON in other languages do
    not bear, and says once for each kind and field how often it occurs and where first:

    - a first record that is `null`: pyarrow and `datasets` crash;
    - records nested more than 63 levels deep (`max_depth`): `datasets` cannot store them;
    - a field that is a string in one record and a number, an object or an array in another: pyarrow stops there, and
      whatever is built on it (`datasets` 5 reads such a field as JSON text);
    - a field that is `{}` wherever it stands: pyarrow cannot write that to Parquet;
    - integers beyond 2^53, which JavaScript and others round; beyond 64 bits pyarrow and `datasets` round them, too;
    - a field in messages or tools of which every text is a date: pyarrow and `datasets` make timestamps of it;
    - keys with the character U+0000 in them: `datasets` stops;
    - more than 2,000 different fields (`max_fields`): pyarrow and `datasets` give every row all of them. Beyond 20,000
      the fields themselves are not looked at.

    Records that `wrong-type` reports are left to it, duplicate keys to `duplicate-json-key`.

    ## Why it matters
    The file is fine for a backend that reads JSON line by line, and the training script of a colleague dies on it, far
    into the file and without naming the line; or the data is loaded, and is not what was written.

    ## Example
    ```json
    {"messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "hello"}], "id": "a-17"}
    {"messages": [{"role": "user", "content": "bye"}, {"role": "assistant", "content": "see you"}], "id": 18}
    ```

    ## Fix
    None by machine: write such a field as text everywhere, leave it out, or load the file by other means.

    ## Source
    Tried with pyarrow 26.0, `datasets` 5.2 and pandas 3.1. Apache Arrow, "Reading JSON files": how types are inferred;
    RFC 8259, section 6: integers that agree everywhere are those up to 2^53 - 1.
    """

    meta = RuleMeta(
        code="ENC011",
        name="loader-hazard",
        severity=Severity.WARNING,
        message="{problem}",
        summary="records that common loaders crash on or silently change",
        about=("kind", "field"),
    )
    Options = LoaderHazardOptions

    def empty(self) -> dict[str, FileState]:
        return {}

    def map(self, batch: Batch) -> dict[str, FileState]:
        walk = _Walk(batch, self.options.max_depth)
        odd = {i for i, fault in batch.get(schema_faults(self.context.target)) if fault.code == "SCH006"}
        plain: list[int] = []
        for i, record in enumerate(batch.records):
            value = record.value
            if type(value) is not dict:
                if record.blank:
                    continue
            elif _is_plain(value):
                plain.append(i)
            elif i not in odd:
                walk.record(i, value)
            if walk.state.first is None:
                walk.state.first = (batch.key(i), value is None, batch.location(i))
        if plain:
            walk.plain(plain)
        if walk.state.shape is not None:
            walk.state.shape.counted()
        return {batch.path: walk.state.settled()} if walk.state.first is not None else {}

    def merge(self, a: dict[str, FileState], b: dict[str, FileState]) -> dict[str, FileState]:
        out = dict(a)
        for path, state in b.items():
            out[path] = out[path].merged(state) if path in out else state
        return out

    def moved(self, state: dict[str, FileState], shift: Shift) -> dict[str, FileState] | None:
        return {shift.location(Location(path)).path: file.moved(shift) for path, file in state.items()}

    def finish(self, state: dict[str, FileState], rows: Rows) -> Iterator[Finding]:
        for path in sorted(state):
            file = state[path]
            if file.first is not None and file.first[1]:
                seen = Sighting(1, file.first[0], file.first[2])
                yield self._found(
                    "null-first", "", seen, "the first record is null: pyarrow and datasets crash on that"
                )
            if file.deep is not None:
                yield self._found("too-deep", "", file.deep, self.depth_of(file.deep.count, file.deepest))
            if file.shape is None or file.shape.size - 1 > self.options.max_fields:
                count = f"more than {MOST_FIELDS:,}" if file.shape is None else f"{file.shape.size - 1:,}"
                problem = f"{count} different fields; pyarrow and datasets give every row all of them, mostly as null"
                yield self.finding(Location(path), args={"kind": "many-fields", "field": "", "problem": problem})
            if file.shape is not None:
                yield from self._fields(file.shape)

    def depth_of(self, count: int, deepest: int) -> str:
        records = "a record is nested" if count == 1 else f"{count:,} records are nested up to"
        return f"{records} {deepest:,} levels deep; datasets takes {self.options.max_depth}"

    def _fields(self, shape: Shape) -> Iterator[Finding]:
        found: dict[str, list[Finding]] = {}
        for path, inner in shape.fields():
            if path:
                for finding in self._hazards(path, inner):
                    found.setdefault(str(finding.args["kind"]), []).append(finding)
        for kind in sorted(found):
            findings = sorted(found[kind], key=lambda finding: finding.order)
            yield from findings[: self.options.told_fields]
            more = findings[self.options.told_fields :]
            if more:
                first = more[0]
                problem = f"{len(more):,} more fields are like those: {_listed(more)}"
                args = {"kind": kind, "field": "more", "problem": problem}
                yield replace(first, args=args, related=(), rows=sum(finding.rows for finding in more))

    def _hazards(self, path: tuple[str, ...], shape: Shape) -> Iterator[Finding]:
        name = _named(path)
        kinds = shape.kinds
        by_type: dict[str, list[Sighting]] = {}
        for kind, seen in kinds.items():
            if kind in _TYPES:
                by_type.setdefault(_TYPES[kind], []).append(seen)
        types = sorted(
            ((_all(seen), what) for what, seen in by_type.items()), key=lambda item: _order(item[0], item[1])
        )
        if len(types) > 1:
            told = [f"{what} ({_times(seen.count)})" for seen, what in types]
            said = f"{', '.join(told[:-1])} and {told[-1]}"
            problem = f"`{name}` is {said}; pyarrow takes one type for a field, and stops here"
            others = [seen.location for i, (seen, _) in enumerate(types) if i != 1]
            yield self._found("mixed-types", name, types[1][0], problem, others[:_RELATED])
        elif "empty" in kinds and "object" not in kinds:
            seen = kinds["empty"]
            problem = (
                f"`{name}` is {{}} wherever it stands ({_times(seen.count)}); pyarrow cannot write that to Parquet"
            )
            yield self._found("empty-objects", name, seen, problem)
        elif "date" in kinds and "string" not in kinds and path[0] in _LEARNT:
            seen = kinds["date"]
            problem = (
                f"`{name}` is a date wherever it stands ({_times(seen.count)}); pyarrow and datasets read timestamps"
            )
            yield self._found("dates", name, seen, problem)
        large = [kinds[kind] for kind in ("long", "huge") if kind in kinds]
        if large:
            seen = kinds.get("huge") or large[0]
            who = "pyarrow, datasets and JavaScript round" if "huge" in kinds else "JavaScript and others round"
            beyond = "64 bits" if "huge" in kinds else "2^53"
            count = _all(large).count
            problem = f"`{name}` holds integers beyond {beyond} ({_times(count)}), which {who}"
            yield self._found("long-integers", name, replace(seen, count=count), problem)
        if "nul" in kinds:
            problem = f"`{name}` is a key with U+0000 in it ({_times(kinds['nul'].count)}); datasets stops at such keys"
            yield self._found("nul-key", name, kinds["nul"], problem)

    def _found(self, kind: str, name: str, seen: Sighting, problem: str, related: Iterable[Location] = ()) -> Finding:
        args = {"kind": kind, "field": name, "problem": problem}
        return self.finding(seen.location, key=seen.key, args=args, related=related, rows=seen.count)


class _TooManyError(Exception):
    """More than MOST_FIELDS fields in one batch."""


class _Walk:
    """Takes the records of a batch into one state."""

    def __init__(self, batch: Batch, max_depth: int) -> None:
        self.batch = batch
        self.max_depth = max_depth
        self.state = FileState()
        self.i = 0
        self.depth = 0
        self.fields = 0
        self.trail: list[str | int] = []

    def record(self, i: int, value: dict[str, Any]) -> None:
        """Take in a record of any shape."""
        self.i, self.depth = i, 0
        self.trail.clear()
        if self.state.shape is not None:
            try:
                self._object(self.state.shape, value, 1)
            except _TooManyError:
                self.state.shape = None
        if self.state.shape is None or self.depth > self.max_depth:
            depth = depth_of(value)
            if depth > self.max_depth:
                seen = Sighting(1, self.batch.key(i), self.batch.location(i))
                self.state.deep = seen if self.state.deep is None else self.state.deep.merged(seen)
                self.state.deepest = max(self.state.deepest, depth)

    def plain(self, rows: list[int]) -> None:
        """Take in records that are messages of a role and a text each, and nothing else, all at once."""
        shape = self.state.shape
        if shape is None:
            return
        messages = shape.members.setdefault("messages", Shape())
        if messages.items is None:
            messages.items = Shape()
        item = messages.items
        role = item.members.setdefault("role", Shape())
        content = item.members.setdefault("content", Shape())
        total = dates = 0
        first_text = first_date = None
        for i in rows:
            texts = self.batch.records[i].value["messages"]
            total += len(texts)
            for j, message in enumerate(texts):
                text = message["content"]
                if len(text) <= _LONGEST_DATE and _DATE.fullmatch(text):
                    dates += 1
                    first_date = first_date or (i, j)
                elif first_text is None:
                    first_text = (i, j)
        i = rows[0]
        self._add(messages, "array", len(rows), i, ("messages",))
        self._add(item, "object", total, i, ("messages", 0))
        self._add(role, "string", total, i, ("messages", 0, "role"))
        if first_text is not None:
            self._add(content, "string", total - dates, first_text[0], ("messages", first_text[1], "content"))
        if first_date is not None:
            self._add(content, "date", dates, first_date[0], ("messages", first_date[1], "content"))

    def _add(self, shape: Shape, kind: str, count: int, i: int, path: Iterable[str | int]) -> None:
        seen = Sighting(count, self.batch.key(i), self._location(i, path))
        known = shape.kinds.get(kind)
        shape.kinds[kind] = seen if known is None else known.merged(seen)

    def _location(self, i: int, path: Iterable[str | int]) -> Location:
        record = self.batch.records[i]
        pointer = (record.pointer or "") + pointers.join(list(path))
        return Location(self.batch.path, record.line, record.row, record.offset, pointer or None)

    def _object(self, shape: Shape, value: dict[str, Any], depth: int) -> None:
        members = shape.members
        for key, item in value.items():
            name = key if len(key) <= _LONG_KEY else _short(key)
            inner = members.get(name)
            if inner is None:
                self.fields += 1
                if self.fields > MOST_FIELDS:
                    raise _TooManyError
                inner = members[name] = Shape()
            if "\0" in key:
                self._see(inner, "nul", key)
            if item is not None:
                self._value(inner, item, key, depth)

    def _value(self, shape: Shape, value: Any, key: str | int, depth: int) -> None:
        kind = type(value)
        if kind is str:
            self._see(shape, "date" if len(value) <= _LONGEST_DATE and _DATE.fullmatch(value) else "string", key)
        elif kind is dict:
            self._see(shape, "object" if value else "empty", key)
            self._inside(shape, value, key, depth + 1)
        elif kind is list:
            self._see(shape, "array", key)
            self._inside(shape, value, key, depth + 1)
        elif kind is bool:
            self._see(shape, "boolean", key)
        elif kind is int and not -SAFE_INTEGER <= value <= SAFE_INTEGER:
            self._see(shape, "long" if -_INT64 <= value < _INT64 else "huge", key)
        else:
            self._see(shape, "number", key)

    def _inside(self, shape: Shape, value: Any, key: str | int, depth: int) -> None:
        self.depth = max(self.depth, depth)
        if depth > self.max_depth:
            return
        self.trail.append(key)
        if type(value) is dict:
            self._object(shape, value, depth)
        else:
            items = shape.items
            if items is None:
                items = shape.items = Shape()
            for place, item in enumerate(value):
                if item is not None:
                    self._value(items, item, place, depth)
        self.trail.pop()

    def _see(self, shape: Shape, kind: str, key: str | int) -> None:
        known = shape.kinds.get(kind)
        if known is None:
            shape.kinds[kind] = Sighting(1, self.batch.key(self.i), self._location(self.i, (*self.trail, key)))
        else:
            shape.kinds[kind] = Sighting(known.count + 1, known.key, known.location)


def _is_plain(value: dict[str, Any]) -> bool:
    """Whether a record is messages of a role and a text each, as nearly every record is."""
    if len(value) != 1:
        return False
    messages = value.get("messages")
    if type(messages) is not list or not messages:
        return False
    for message in messages:
        if type(message) is not dict or len(message) != 2:
            return False
        if type(message.get("role")) is not str or type(message.get("content")) is not str:
            return False
    return True


def _short(key: str) -> str:
    return f"{key[:_LONG_KEY]}…{blake2b(key.encode('utf-8', 'surrogatepass'), digest_size=8).hexdigest()}"


def _joined(a: dict[str, Sighting], b: dict[str, Sighting]) -> dict[str, Sighting]:
    out = dict(a)
    for kind, seen in b.items():
        out[kind] = out[kind].merged(seen) if kind in out else seen
    return out


def _all(sightings: list[Sighting]) -> Sighting:
    """The sightings together; of those in one record the one in the first place comes first."""
    first = min(sightings, key=lambda seen: _order(seen, ""))
    return replace(first, count=sum(seen.count for seen in sightings))


def _order(seen: Sighting, what: str) -> tuple[Any, ...]:
    place = [
        (0, int(part), "") if part.isdigit() else (1, 0, part) for part in (seen.location.pointer or "").split("/")
    ]
    return (seen.key, place, what)


def _named(path: tuple[str, ...]) -> str:
    """`messages[].tool_calls[].id`."""
    out = ""
    for part in path:
        out += part if part == "[]" else f".{shown(part, 40)}" if out else shown(part, 40)
    return shown(out, 200)


def _listed(findings: list[Finding], most: int = 5) -> str:
    names = ", ".join(f"`{finding.args['field']}`" for finding in findings[:most])
    return names if len(findings) <= most else f"{names} …"


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count:,} times"
