"""The ledger of fixes: what each change was, and whatever it takes to undo all of them to the byte.

A ledger is JSON lines. Those of one file in one pass of fixing stand together, in the order of the file, and a line
that says so closes them:

- A *change* has the `location` of the record before it, the `key` of its content, the `rules` that made it, a JSON
  Patch (RFC 6902) from the record before to the one after, and its `inverse`. `at` is where the new line stands in the
  file after the pass, as offset and length in bytes. How the old line was written is said by `style`, or, where no
  style gives the same bytes, the line is there as `raw` (or `raw_base64`, if it is no UTF-8), and by `end`, its line
  end, where that is no line feed.
- A file that is written anew as a whole (JSON that was not in lines, UTF-16) is there as it was, piece by piece, in
  lines with `zlib_base64`; the changes of its records have no `at`.
- The *closing* line has the number of the `run`, the `pass` in it, the `path` of the file as seen from the ledger, and
  size and SHA-256 of the file `before` and `after`.

A ledger holds what fixes took out: dropped rows, and also whatever was redacted.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import tempfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Final, Self

from dsprep.engine.writing import AtomicFile, encoded, raw_pieces
from dsprep.model.location import Location
from dsprep.model.patch import difference, patched
from dsprep.model.record import UNDECODED
from dsprep.model.source import InputError

#: What is put behind the name of a file for its ledger. No `.jsonl`, so that nobody's `*.jsonl` takes it for data.
SUFFIX: Final = ".changes"

#: How people write JSON lines: as orjson does, as json.dumps does, and so, but with letters beyond ASCII as they are.
STYLES: Final[Mapping[str, Callable[[Any], bytes]]] = {
    "compact": encoded,
    "spaced": lambda value: json.dumps(value).encode(),
    "spaced-utf8": lambda value: json.dumps(value, ensure_ascii=False).encode(),
}

_BLOCK: Final = 1 << 20


def style_of(raw: bytes, value: Any) -> str | None:
    """The style in which `value` was written if its line is `raw`; None if it is another one."""
    if value is UNDECODED:
        return None
    for name, write in STYLES.items():
        with suppress(ValueError, RecursionError):
            if write(value) == raw:
                return name
    return None


def written(value: Any, style: str | None) -> bytes:
    """`value` as a line in that style, without line end; compact where it cannot be written so."""
    try:
        return STYLES[style or "compact"](value)
    except ValueError:  # a lone surrogate is no UTF-8
        return encoded(value)


def change_line(
    location: Location,
    key: bytes,
    rules: Sequence[str],
    before: Any,
    after: Any,
    *,
    line: tuple[bytes, bytes, bytes | None] | None = None,
    extra: Mapping[str, Any] | None = None,
) -> bytes:
    """The line of a ledger for one change, without its end. UNDECODED stands for what is no JSON `before` and for a row
    that is gone `after`.

    `line` is the old line, its line end, and the new line without one (None: it is gone), if it is to be restored; what
    `at` says comes after (see `placed`).
    """
    patch, inverse = _patches(before, after)
    out = {
        "location": location.as_dict(),
        "key": key.hex(),
        "rules": list(rules),
        "patch": patch,
        "inverse": inverse,
        **(extra or {}),
    }
    if line is not None:
        raw, end, new = line
        style = style_of(raw, before)
        if style is not None and inverse is not None and _restored(new, inverse, style) == raw:
            out["style"] = style
        else:
            out.update(_raw(raw))
        if end != b"\n":
            out["end"] = end.decode("ascii")
    try:
        return encoded(out)
    except RecursionError:  # the old line, as bytes, is all that can be said of it
        return encoded({**out, "patch": None, "inverse": None})


def placed(line: bytes, offset: int, size: int) -> bytes:
    """A line of a ledger with where the new bytes stand."""
    return line[:-1] + b',"at":[%d,%d]}' % (offset, size)


def bytes_line(path: str, offset: int, rules: Sequence[str], gone: bytes) -> bytes:
    """The line for bytes that were taken out of a file and are no record, such as a byte order mark."""
    where = Location(path, offset=offset).as_dict()
    return encoded({"location": where, "rules": list(rules), "patch": [], "inverse": [], **_raw(gone), "end": ""})


def original_lines(path: str, name: str, rules: Sequence[str], size: int, written: int) -> Iterator[bytes]:
    """The lines that hold a file as it was, piece by piece: `path` is read, `name` is what the ledger calls it, `size`
    are its bytes, and `written` those of what takes its place."""
    start = 0
    at, length = 0, written
    while start < size or start == 0:
        piece = b"".join(raw_pieces(path, start, min(start + _BLOCK, size)))
        packed = base64.b64encode(zlib.compress(piece, 6)).decode("ascii")
        where = Location(name, offset=start).as_dict()
        yield placed(encoded({"location": where, "rules": list(rules), "zlib_base64": packed}), at, length)
        at, length = written, 0
        start += _BLOCK


def _patches(before: Any, after: Any) -> tuple[list[Any], list[Any] | None]:
    if after is UNDECODED:
        gone = [{"op": "remove", "path": ""}]
        return gone, None if before is UNDECODED else [{"op": "add", "path": "", "value": before}]
    if before is UNDECODED:
        return [{"op": "add", "path": "", "value": after}], None
    try:
        return difference(before, after), difference(after, before)
    except RecursionError:  # nested a thousand deep
        return [{"op": "replace", "path": "", "value": after}], None


def _raw(raw: bytes) -> dict[str, str]:
    try:
        return {"raw": raw.decode()}
    except UnicodeDecodeError:
        return {"raw_base64": base64.b64encode(raw).decode("ascii")}


def _restored(new: bytes | None, inverse: Sequence[Any], style: str) -> bytes | None:
    """The old line, of the new one; None if that cannot be done."""
    try:
        return STYLES[style](patched(None if new is None else json.loads(new), json.loads(encoded(inverse))))
    except (ValueError, RecursionError):
        return None


@dataclass
class Ledger:
    """A ledger to append to: where it is, and which run this is."""

    path: str
    run: int

    @classmethod
    def at(cls, path: str | os.PathLike[str]) -> Ledger:
        """The ledger at `path`, new or with what earlier runs have put down. Raises InputError if that is no ledger."""
        last = _last_line(path)
        if last is not None and not (isinstance(last, dict) and isinstance(last.get("run"), int)):
            raise InputError(f"{os.fspath(path)} is no ledger of fixes, and is not written over; name another file")
        return cls(os.fspath(path), 1 if last is None else last["run"] + 1)

    def name(self, path: str) -> str:
        """What the ledger calls the file at `path`: how to get there from the ledger's folder."""
        try:
            return Path(os.path.relpath(os.path.abspath(path), self.folder)).as_posix()
        except ValueError:  # on another drive
            return Path(os.path.abspath(path)).as_posix()

    @property
    def folder(self) -> str:
        """The folder that paths in the ledger start from."""
        return os.path.dirname(os.path.abspath(self.path))


class Appending:
    """Appends to a ledger, which gets its new content when the block ends without an exception. A new one may be read
    by those who may read `source`, of which it holds pieces."""

    def __init__(self, ledger: Ledger, source: str) -> None:
        self.ledger = ledger
        self.changes = 0
        self._file = AtomicFile(ledger.path, like=[source])

    def __enter__(self) -> Self:
        self._file.__enter__()
        with suppress(FileNotFoundError), open(self.ledger.path, "rb") as old:
            while block := old.read(_BLOCK):
                self._file.write(block)
        return self

    def line(self, line: bytes) -> None:
        """Append a line that says of a change."""
        self.changes += 1
        self._file.write(line + b"\n")

    def close(self, closing: Mapping[str, Any]) -> None:
        """Append the closing line."""
        self._file.write(encoded({"run": self.ledger.run, **closing}) + b"\n")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.__exit__(kind, error, trace)


@dataclass
class Pass:
    """What a ledger holds of one pass over one file: from byte `start` to `end` of the ledger, and its closing line."""

    start: int
    end: int
    closing: Mapping[str, Any]
    changes: int = 0
    rules: Counter[str] = field(default_factory=Counter)

    @property
    def run(self) -> int:
        return int(self.closing["run"])

    @property
    def name(self) -> str:
        """The path of the file, as seen from the ledger."""
        return str(self.closing["path"])

    @property
    def before(self) -> str:
        """SHA-256 of the file before the pass."""
        return str(self.closing["before"]["sha256"])

    @property
    def after(self) -> str:
        """SHA-256 of the file after the pass."""
        return str(self.closing["after"]["sha256"])


def passes(path: str | os.PathLike[str]) -> list[Pass]:
    """What a ledger holds, in order. Raises InputError if it is none, or cut off."""
    shown = os.fspath(path)
    out: list[Pass] = []
    start = 0
    rules: Counter[str] = Counter()
    changes = 0
    value: Any = None
    try:
        with open(path, "rb") as file:
            end = 0
            for number, line in enumerate(file, 1):
                end += len(line)
                try:
                    value = json.loads(line)
                    if "run" not in value:
                        changes += "patch" in value
                        if "patch" in value or not value["location"]["offset"]:  # of several pieces, the first
                            rules.update(value["rules"])
                        continue
                    closed = Pass(start, end, value, changes, rules)
                    _ = (closed.run, closed.name, closed.before, closed.after)
                except (ValueError, TypeError, KeyError, RecursionError) as error:
                    raise InputError(f"{shown}:{number} is no line of a ledger of fixes") from error
                out.append(closed)
                start, rules, changes = end, Counter(), 0
    except FileNotFoundError as error:
        raise InputError(f"{shown}: there is no such file") from error
    if not out and isinstance(value, dict) and "to" in value:
        raise InputError(f"{shown} says what `dsprep prepare` changed on the way; its input is as it was")
    if start != end or not out:
        raise InputError(f"{shown} is no ledger of `dsprep lint --fix`, or its end is missing")
    return out


def undone(ledger: str | os.PathLike[str], closed: Pass, after: IO[bytes]) -> Iterator[bytes]:
    """The content of a file before a pass, piece by piece; `after` is the file as the pass has left it, open for
    reading. Raises InputError if the ledger does not fit."""
    place = 0
    with open(ledger, "rb") as file:
        file.seek(closed.start)
        while file.tell() < closed.end:
            try:
                # Not orjson: of an integer beyond 64 bits it makes a float, and it refuses lone surrogates.
                value = json.loads(file.readline())
                if "at" not in value:
                    continue
                offset, size = value["at"]
                if offset < place or size < 0:
                    raise ValueError("out of order")
                yield from _copied(after, place, offset)
                after.seek(offset)
                yield _old(value, after.read(size) if "inverse" in value else b"")
            except (ValueError, TypeError, KeyError, RecursionError, zlib.error) as error:
                raise InputError(f"{os.fspath(ledger)} is damaged: a change cannot be read ({error})") from error
            place = offset + size
    yield from _copied(after, place, None)


def _old(value: Mapping[str, Any], new: bytes) -> bytes:
    """What stood where `new` stands now."""
    if "zlib_base64" in value:
        # A ledger from somebody else may unpack to any size.
        unpacking = zlib.decompressobj()
        old = unpacking.decompress(base64.b64decode(str(value["zlib_base64"])), _BLOCK + 1)
        if not unpacking.eof:
            raise ValueError("a piece is too long")
        return old
    end = str(value.get("end", "\n")).encode("ascii")
    if "raw" in value:
        return str(value["raw"]).encode() + end
    if "raw_base64" in value:
        return base64.b64decode(str(value["raw_base64"])) + end
    line = _restored(new or None, value["inverse"], value["style"])
    if line is None:
        raise ValueError("its inverse does not fit")
    return line + end


def _copied(file: IO[bytes], start: int, end: int | None) -> Iterator[bytes]:
    file.seek(start)
    while (end is None or start < end) and (piece := file.read(_BLOCK if end is None else min(_BLOCK, end - start))):
        start += len(piece)
        yield piece


def digest_of(file: IO[bytes]) -> str:
    """The SHA-256 of an open file, from its start, in hexadecimal."""
    digest = hashlib.sha256()
    for piece in _copied(file, 0, None):
        digest.update(piece)
    return digest.hexdigest()


def take_back(ledger: str | os.PathLike[str], path: str, done: Sequence[Pass]) -> IO[bytes] | None:
    """The content of the file at `path` before the passes `done` (in order, all of that file), as an unnamed temporary
    file; None if the file is like that already. A pass whose effect is not there (it was stopped at the last moment, or
    somebody has put the file back) is passed over.

    Raises InputError if the file is not what the last pass has left.
    """
    try:
        current: IO[bytes] = open(path, "rb")  # noqa: SIM115 - closed below, unless it is handed on
    except FileNotFoundError as error:
        raise InputError(
            f"{path}: there is no such file; the ledger tells how it was changed, not all of it"
        ) from error
    state = digest_of(current)
    changed = False
    for closed in reversed(done):
        if state == closed.after != closed.before:
            before = tempfile.TemporaryFile()  # noqa: SIM115 - so is this
            digest = hashlib.sha256()
            for piece in undone(ledger, closed, current):
                digest.update(piece)
                before.write(piece)
            current.close()
            current, state, changed = before, digest.hexdigest(), True
            if state != closed.before:
                current.close()
                raise InputError(f"{os.fspath(ledger)} does not lead back to what {path} was; nothing was changed")
        elif state != closed.before:
            current.close()
            when = "before the next run; undo without --all" if changed else "since, and nothing was undone"
            raise InputError(f"{path} is not as run {closed.run} left it: it was changed {when}")
    if not changed:
        current.close()
        return None
    current.seek(0)
    return current


def _last_line(path: str | os.PathLike[str]) -> Any:
    """The last line of a file as JSON, False if it is none; None if there is no file, or nothing in it."""
    try:
        with open(path, "rb") as file:
            size = file.seek(0, os.SEEK_END)
            if not size:
                return None
            tail = b""
            start = size
            while start and tail.count(b"\n") < 2:
                start = max(0, start - (1 << 16))
                file.seek(start)
                tail = file.read(size - start)
                if size - start > 1 << 24:
                    return False  # no closing line is so long
    except FileNotFoundError:
        return None
    try:
        return json.loads(tail.rstrip(b"\n").rpartition(b"\n")[2])
    except (ValueError, RecursionError):
        return False
