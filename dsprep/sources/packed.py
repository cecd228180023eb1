"""Compressed files: unpacked beside the data into a temporary file, so that shards of it can be read by any worker."""

from __future__ import annotations

import bz2
import gzip
import lzma
import shutil
import zlib
from collections.abc import Iterator
from typing import IO, Final, cast

from dsprep.model.source import InputError, unreadable
from dsprep.opening import opened
from dsprep.text.bombs import BOMB_BYTES, BOMB_RATIO

#: The first bytes of what can be unpacked, and the name of the format.
_MAGIC: Final = (
    (b"\x1f\x8b", "gzip"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
)
_BLOCK: Final = 1 << 20
#: What is left free on the disk for others.
_RESERVE: Final = 512 << 20


def packing(head: bytes) -> str | None:
    """How the file that begins with `head` is compressed: gzip, bzip2, xz, zstd, or None."""
    return next((name for magic, name in _MAGIC if head.startswith(magic)), None)


def unpack(path: str, kind: str, display: str, into: IO[bytes], folder: str) -> int:
    """Write what `path` holds, unpacked, to `into`, a file in `folder`; returns how many bytes that are.

    No more than a block is held in memory. Raises InputError for what is damaged, cut off, or a bomb: something that
    unpacks to far more than data do, or to more than the disk has room for.
    """
    written = 0
    try:
        with opened(path) as file:
            counted = _Counted(file)
            for block in _BLOCKS[kind](counted):
                written += len(block)
                read = counted.count
                if written > BOMB_BYTES and written > BOMB_RATIO * max(read, 1):
                    raise InputError(
                        f"{display} unpacks to more than {BOMB_RATIO} times its size, as no data do: {written:,} bytes "
                        f"came out of {read:,}. If it is what you want, unpack it yourself and name the result"
                    )
                if shutil.disk_usage(folder).free < _RESERVE:
                    raise InputError(
                        f"{display} needs more room than {folder} has, where it is unpacked to; set TMPDIR to a folder "
                        "on a larger disk"
                    )
                into.write(block)
    except EOFError as error:
        raise InputError(f"{display} is cut off: its {kind} data end before their end; fetch it again") from error
    except (zlib.error, lzma.LZMAError, gzip.BadGzipFile) as error:
        raise _damaged(display, kind, error) from error
    except OSError as error:
        if error.errno is None:  # what bz2 says of bad data; the system's errors have a number
            raise _damaged(display, kind, error) from error
        raise unreadable(display, error) from error
    except Exception as error:
        if type(error).__name__ != "ZstdError":  # of a package that few files need
            raise
        raise _damaged(display, kind, error) from error
    return written


def _damaged(display: str, kind: str, error: Exception) -> InputError:
    said = str(error).strip() or type(error).__name__
    return InputError(f"{display} is damaged: its {kind} data cannot be unpacked ({said}); fetch it again")


class _Counted:
    """A file that counts how much of it was read."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.count = 0

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(size)
        self.count += len(data)
        return data


def _gzip(file: _Counted) -> Iterator[bytes]:
    reader = gzip.GzipFile(fileobj=cast("IO[bytes]", file), mode="rb")
    return iter(lambda: reader.read(_BLOCK), b"")


def _bzip2(file: _Counted) -> Iterator[bytes]:
    reader = bz2.BZ2File(cast("IO[bytes]", file))
    return iter(lambda: reader.read(_BLOCK), b"")


def _xz(file: _Counted) -> Iterator[bytes]:
    reader = lzma.LZMAFile(cast("IO[bytes]", file))  # noqa: SIM115 - closed with the file below it
    return iter(lambda: reader.read(_BLOCK), b"")


def _zstd(file: _Counted) -> Iterator[bytes]:
    import zstandard

    # A window of 2 GB is what `zstd --long=31` makes.
    unpacker = zstandard.ZstdDecompressor(max_window_size=1 << 31)
    frame, begun = unpacker.decompressobj(), False
    # Four bytes can stand for 128 kB, and all that a piece stands for comes at once.
    while piece := file.read(2048):
        while piece:
            begun = True
            yield frame.decompress(piece)
            piece = b""
            if frame.eof:
                piece, frame, begun = frame.unused_data, unpacker.decompressobj(), False
    if begun:
        raise EOFError


_BLOCKS: Final = {"gzip": _gzip, "bzip2": _bzip2, "xz": _xz, "zstd": _zstd}
