"""Writing outputs: beside the target, then renamed, so that a killed run leaves the old file whole."""

from __future__ import annotations

import codecs
import contextlib
import glob
import json
import os
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Any, ClassVar, Self

import orjson

from dsprep.opening import ranged

#: Bytes to write, or the range (start, end) of a source's file to copy: how a worker hands on what it need not hold.
Piece = bytes | tuple[int, int]

_SUFFIX = ".dsprep-tmp"

#: How pieces stand in a temporary file: behind two numbers of so many bytes, their size and where in the source they
#: are, which is _NONE for bytes of their own.
_SIZE = 8
_NONE = (1 << 64) - 1
_CHUNK = 1 << 20


class AtomicFile:
    """A binary file that appears under its name only when the block ends without an exception.

    `keep` is asked at the end whether there is anything to write: if not, the file is not made, and an old one of that
    name goes away. Litter of killed runs beside the same target is removed at the start.

    What is no file, such as a device or a pipe, is not replaced, but gets all of it at the end.

    A file that is new gives group and others no right that one of the files at `like` does not give them, as `cp` has
    it. Those that are no files of this machine are passed over.
    """

    def __init__(self, path: str | Path, *, keep: Callable[[], bool] = lambda: True, like: Iterable[str] = ()) -> None:
        self._keep = keep
        self._like = like
        # A link is written through, not replaced.
        self.path = os.path.realpath(path)
        self._file: IO[bytes] | None = None

    def __enter__(self) -> Self:
        folder, name = _beside(self.path)
        self._tidy(folder, name)
        handle, self._temporary = tempfile.mkstemp(_SUFFIX, f".{name}.", folder)
        self._file = os.fdopen(handle, "wb", 1 << 20)
        return self

    def write(self, data: bytes) -> None:
        """Append `data`."""
        assert self._file is not None
        self._file.write(data)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._file is not None
        if kind is None and not self._keep():
            self._file.close()
            for path in (self._temporary, *((self.path,) if _replaceable(self.path) else ())):
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(path)
        elif kind is None and not _replaceable(self.path):
            self._file.close()
            with open(self._temporary, "rb") as made, open(self.path, "wb") as out:
                shutil.copyfileobj(made, out, _CHUNK)
            os.unlink(self._temporary)
        elif kind is None:
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            # mkstemp makes files private; the target keeps its mode, or gets the usual one.
            try:
                mode = os.stat(self.path).st_mode & 0o777
            except FileNotFoundError:
                mode = 0o666 & ~_umask() & _mode_of(self._like)
            os.chmod(self._temporary, mode)
            os.replace(self._temporary, self.path)
        else:
            self._file.close()
            self._tidy(*_beside(self.path))

    def _tidy(self, folder: str, name: str) -> None:
        """Remove what this run or an earlier one has left beside the target."""
        for litter in glob.glob(os.path.join(glob.escape(folder), f".{glob.escape(name)}.*{_SUFFIX}")):
            with contextlib.suppress(OSError):
                os.unlink(litter)


def encoded(value: Any) -> bytes:
    """`value` as one line of compact JSON in UTF-8, without the line end.

    orjson refuses integers beyond 64 bits and lone surrogates; the standard library writes both exactly (surrogates as
    escapes).
    """
    try:
        return orjson.dumps(value)
    except (TypeError, orjson.JSONEncodeError, RecursionError):
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        try:
            return text.encode()
        except UnicodeEncodeError:
            return json.dumps(value, ensure_ascii=True, separators=(",", ":")).encode()


def raw_pieces(path: str, start: int, end: int) -> Iterator[bytes]:
    """The bytes of a file from `start` to `end`, a megabyte at a time: for records too large to hold."""
    with ranged(path, start, end - start) as file:
        left = end - start
        while left > 0 and (piece := file.read(min(left, 1 << 20))):
            left -= len(piece)
            yield piece


def escaped_pieces(path: str, start: int, end: int) -> Iterator[bytes]:
    """As `raw_pieces`, as the inside of a JSON string in UTF-8, without a line end at the end."""
    decoder = codecs.getincrementaldecoder("utf-8")("backslashreplace")
    held = ""
    for piece in raw_pieces(path, start, end):
        text = held + decoder.decode(piece)
        # The line end may be the last character of all; it is known only when nothing follows.
        held = text[-1:] if text.endswith("\n") else ""
        yield encoded(text[: len(text) - len(held)])[1:-1]
    yield encoded(decoder.decode(b"", final=True))[1:-1]


class Pieces:
    """What a worker makes for a file, in order: bytes, and records of the source that are too large to hold.

    More than HELD bytes go to a temporary file beside `target`, if that is given: a source that cannot be cut into
    shards may make any number of them, and through a pipe between processes they would go more slowly.
    """

    #: Bytes.
    HELD: ClassVar[int] = 1 << 18

    def __init__(self, target: str | None = None) -> None:
        self._target = target
        self._pieces: list[bytes | tuple[int, int]] = []
        self._run: list[bytes] = []
        self._size = 0
        self._spilled: str | None = None

    def extend(self, pieces: Iterable[Piece]) -> None:
        """Add pieces at the end."""
        for piece in pieces:
            if isinstance(piece, bytes):
                self._run.append(piece)
                self._size += len(piece)
            else:
                self._close()
                self._pieces.append(piece)
        if self._size > self.HELD and self._target is not None:
            self._spill(self._target)

    def chunks(self, path: str) -> Iterator[bytes]:
        """All of it; of large records, which are in the file at `path`, as the inside of a JSON string. Once."""
        self._close()
        if self._spilled is not None:
            with open(self._spilled, "rb") as file:
                while size := int.from_bytes(file.read(_SIZE), "little"):
                    start = int.from_bytes(file.read(_SIZE), "little")
                    if start != _NONE:
                        yield from escaped_pieces(path, start, start + size)
                        continue
                    while size:
                        chunk = file.read(min(size, _CHUNK))
                        size -= len(chunk)
                        yield chunk
            os.unlink(self._spilled)
        for piece in self._pieces:
            if isinstance(piece, bytes):
                yield piece
            else:
                yield from escaped_pieces(path, *piece)

    def __getstate__(self) -> dict[str, Any]:
        # One large object travels between processes much faster than many small ones.
        self._close()
        return self.__dict__

    def _close(self) -> None:
        if self._run:
            self._pieces.append(self._run[0] if len(self._run) == 1 else b"".join(self._run))
            self._run = []

    def _spill(self, target: str) -> None:
        self._close()
        if self._spilled is None:
            folder, name = _beside(os.path.realpath(target))
            # By its name, it is taken away with the other litter, should this run be killed.
            handle, self._spilled = tempfile.mkstemp(_SUFFIX, f".{name}.", folder)
            os.close(handle)
        with open(self._spilled, "ab") as file:
            for piece in self._pieces:
                start, size = (_NONE, len(piece)) if isinstance(piece, bytes) else (piece[0], piece[1] - piece[0])
                if size:
                    file.write(size.to_bytes(_SIZE, "little") + start.to_bytes(_SIZE, "little"))
                    file.write(piece if isinstance(piece, bytes) else b"")
        self._pieces, self._size = [], 0


def joined(pieces: Sequence[Piece]) -> list[Piece]:
    """Runs of literal bytes as one, so that a worker sends few large objects."""
    out: list[Piece] = []
    run: list[bytes] = []
    for piece in pieces:
        if isinstance(piece, bytes):
            run.append(piece)
        else:
            out.extend([b"".join(run), piece])
            run = []
    if run:
        out.append(b"".join(run))
    return out


def _replaceable(path: str) -> bool:
    """Whether another file may take the place of what is at `path`, if anything is."""
    try:
        return stat.S_ISREG(os.stat(path).st_mode)
    except FileNotFoundError:
        return True


def _beside(path: str) -> tuple[str, str]:
    """The folder in which to write what is to become `path`, and the name that it has."""
    folder, name = os.path.split(path)
    return (folder if _replaceable(path) else tempfile.gettempdir()), name


def _mode_of(paths: Iterable[str]) -> int:
    """What all of these files let group and others do; their owner may do anything."""
    mode = 0o777
    for path in paths:
        with contextlib.suppress(OSError, ValueError):
            mode &= os.stat(path).st_mode | 0o700
    return mode


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
