"""Where bytes come from: files of this machine, and what a URL names, read by fsspec.

A URL is fetched in ranges, so that a worker reads its shard and no more. Nothing is fetched but what the user named.
"""

from __future__ import annotations

import atexit
import hashlib
import io
import logging
import os
import re
import tempfile
from contextlib import suppress
from typing import TYPE_CHECKING, Any, BinaryIO, Final, cast
from urllib.parse import urlsplit, urlunsplit

from dsprep.model.source import InputError, Source, unreadable

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

#: How much is fetched at a time where more will be wanted.
_FETCHED: Final = 4 << 20
_HASHED: Final = 1 << 20

#: Endings of compressed files.
_PACKED: Final = (".gz", ".bz2", ".xz", ".zst", ".zstd")

#: What reads URLs, by how they begin: extras of this package.
_EXTRAS: Final = {
    "s3": "s3",
    "s3a": "s3",
    "gs": "gs",
    "gcs": "gs",
    "az": "az",
    "abfs": "az",
    "abfss": "az",
    "hf": "hf",
    "http": "remote",
    "https": "remote",
}

_SECRET: Final = re.compile(r"KEY|SECRET|TOKEN|PASSWORD|CONNECTION_STRING|CREDENTIAL", re.IGNORECASE)

#: Packages that read URLs, and log what they raise as well.
_TALKATIVE: Final = ("adlfs", "azure", "botocore", "fsspec", "gcsfs", "google", "huggingface_hub", "s3fs")

#: A letter alone before the colon is a drive.
_URL: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]+://")


def is_url(path: str | os.PathLike[str]) -> bool:
    """Whether `path` is a URL, such as s3://bucket/key, rather than a path."""
    return isinstance(path, str) and _URL.match(path) is not None


def shown(path: str) -> str:
    """What reports call `path`: a URL without its query and without user and password, which may be secrets."""
    if not is_url(path):
        return path
    parts = urlsplit(path)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def without_packing(name: str) -> str:
    """`reviews.csv` for `reviews.csv.gz`: what an ending that tells of nothing but compression hides."""
    lowered = name.lower()
    return next((name[: -len(end)] for end in _PACKED if lowered.endswith(end)), name)


def resolved(path: str) -> str:
    """`path` as it is known from any working directory; equal for paths of one file."""
    return path if is_url(path) else os.path.realpath(path)


def size(path: str) -> int:
    """How many bytes `path` has. Raises OSError, and InputError if what reads such URLs is not installed."""
    return _Remote(path).end if is_url(path) else os.stat(path).st_size


def opened(path: str) -> io.BufferedReader:
    """`path`, opened for reading from its start. Raises as `size`, and so does reading."""
    return io.BufferedReader(_Remote(path), _FETCHED) if is_url(path) else open(path, "rb")


def ranged(path: str, start: int, length: int | None = None) -> BinaryIO:
    """`path`, opened for reading from `start`, as its reader knows best how much at a time. Raises as `opened`.

    Of a URL no more than `length` bytes can be read, if that is given; of a file, the reader takes what it wants.
    """
    if is_url(path):
        remote = _Remote(path, start, None if length is None else start + length)
        buffer = _FETCHED if length is None else max(1, min(length, _FETCHED))
        return cast(BinaryIO, io.BufferedReader(remote, buffer))
    file = open(path, "rb", buffering=0)  # noqa: SIM115 - closed by who asked for it
    file.seek(start)
    return cast(BinaryIO, file)


def glob_urls(pattern: str) -> list[str]:
    """The URLs of files that match a URL with `*` in it. Raises OSError, and InputError as `size`."""
    system, path = _filesystem(pattern)
    try:
        found = system.glob(path, detail=True)
    except Exception as error:
        raise _as_os_error(error, pattern) from error
    return [system.unstrip_protocol(name) for name, about in found.items() if about.get("type") != "directory"]


def temporary_file() -> BinaryIO:
    """A file of this machine to write to, which is gone when this process ends."""
    handle, path = tempfile.mkstemp(prefix="dsprep-", suffix=".spool")
    owner = os.getpid()

    def forget() -> None:
        # A forked worker ends as well, and must not take the file away from the others.
        if os.getpid() == owner:
            with suppress(OSError):
                os.unlink(path)

    atexit.register(forget)
    os.close(handle)
    return open(path, "wb")


def measured(source: Source) -> int:
    """How many bytes the file of `source` has, which is read for it from start to end: size and SHA-256 go into its
    `info`. Raises InputError."""
    digest, size = hashlib.sha256(), 0
    try:
        with ranged(source.path, 0) as file:
            while block := file.read(_HASHED):
                digest.update(block)
                size += len(block)
    except OSError as error:
        raise unreadable(source.display, error) from error
    source.info.sha256, source.info.bytes = digest.hexdigest(), size
    return size


def refuse_url(path: str | os.PathLike[str], doing: str) -> None:
    """Raises InputError if `path` is a URL: that `doing` is not done to those."""
    if is_url(path):
        raise InputError(f"{shown(os.fspath(path))} is a URL, {doing}")


class _Remote(io.RawIOBase):
    """What a URL names, from `start` to `end` (None: all of it). Its errors are OSErrors, as those of files."""

    def __init__(self, url: str, start: int = 0, end: int | None = None) -> None:
        super().__init__()
        self._url = url
        self._system, self._path = _filesystem(url)
        self._at = start
        self.end = self._size() if end is None else end

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self.end}[whence]
        return self._at

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer).cast("B")
        wanted = min(len(view), self.end - self._at)
        if wanted <= 0:
            return 0
        data = self._fetched(self._at, self._at + wanted)
        if len(data) > wanted:
            raise OSError(None, "the server does not give out parts of a file; download it first", shown(self._url))
        if len(data) < wanted:
            # Whoever reads only the beginning may ask for more than there is.
            self.end = self._at + len(data)
        view[: len(data)] = data
        self._at += len(data)
        return len(data)

    def _size(self) -> int:
        try:
            about = self._system.info(self._path)
        except Exception as error:
            raise _as_os_error(error, self._url) from error
        if about.get("type") == "directory":
            raise IsADirectoryError(None, "is a directory", shown(self._url))
        if about.get("size") is None:
            raise OSError(None, "the server does not say how large it is; download it first", shown(self._url))
        return int(about["size"])

    def _fetched(self, start: int, end: int) -> bytes:
        options: dict[str, Any] = {}
        if self._url.lower().startswith(("http://", "https://")):
            # Ranges are those of the file, not of something packed for the way.
            options["headers"] = {**self._system.kwargs.get("headers", {}), "Accept-Encoding": "identity"}
        elif self._url.lower().startswith("hf://"):
            options["cache_type"] = "none"  # else it reads megabytes ahead each time
        try:
            return bytes(self._system.cat_file(self._path, start=start, end=end, **options))
        except Exception as error:
            if _beyond_end(error):
                return b""
            raise _as_os_error(error, self._url) from error


def _filesystem(url: str) -> tuple[Any, str]:
    """fsspec's file system for `url`, and what it calls the file. One of each process: they do not survive a fork."""
    for package in _TALKATIVE:
        # What goes wrong is said in a sentence; without a handler Python prints what they log.
        logging.getLogger(package).addHandler(logging.NullHandler())
    try:
        from fsspec.core import url_to_fs
    except ImportError as error:
        raise InputError(
            f"{shown(url)} is read by the package fsspec, which is not installed: pip install 'dsprep[remote]'"
        ) from error
    try:
        system, path = url_to_fs(url)
    except ImportError as error:
        scheme = url.partition("://")[0].lower()
        if scheme in _EXTRAS:
            what = f"pip install 'dsprep[{_EXTRAS[scheme]}]'"
        else:
            said = str(error).strip().partition("\n")[0].rstrip(".")
            what = f"{said[:1].lower()}{said[1:]}"
        raise InputError(f"{shown(url)} cannot be read without another package: {what}") from error
    except ValueError as error:
        scheme = url.partition(":")[0]
        if "protocol not known" not in str(error).lower():
            # Credentials that are missing or malformed, most likely.
            raise InputError(f"{shown(url)} cannot be read: {_without_secrets(str(error))}") from error
        raise InputError(f"{shown(url)}: nothing installed reads URLs that begin with {scheme}://") from error
    except Exception as error:
        raise _as_os_error(error, url) from error
    return system, path


def _beyond_end(error: BaseException) -> bool:
    """Whether nothing could be fetched because the file is not that long: HTTP's 416, as each package has it."""
    said = str(error).lower()
    return _status(error) == 416 or "invalidrange" in said or ("range" in said and "not satisfiable" in said)


def _as_os_error(error: BaseException, url: str) -> OSError:
    """What went wrong with a URL, as if it were a file; the name is the one that may be shown."""
    if isinstance(error, FileNotFoundError) and error.__cause__ is not None:
        # Of the web, fsspec says so whatever went wrong.
        error = error.__cause__
    name = shown(url)
    status = _status(error)
    if isinstance(error, FileNotFoundError) or status == 404:
        return FileNotFoundError(None, "no such file", name)
    if isinstance(error, PermissionError) or status in (401, 403) or str(error).startswith("Forbidden"):
        return PermissionError(None, "permission denied", name)
    if isinstance(error, IsADirectoryError):
        return IsADirectoryError(None, "is a directory", name)
    if status is not None:
        return OSError(None, f"the server answers {status}", name)
    said = _without_secrets(str(error).replace(url, name))
    return OSError(None, f"{type(error).__name__}: {said}" if said else type(error).__name__, name)


def _status(error: BaseException) -> int | None:
    """The status that a server answered with, as each package has it."""
    for holder in (error, getattr(error, "response", None)):
        for name in ("status", "status_code", "code"):
            value = getattr(holder, name, None)
            if isinstance(value, int) or (isinstance(value, str) and value.isdecimal()):
                return int(value)
    return None


def _without_secrets(said: str) -> str:
    """The first line of what a package says, without the keys that it was given in the environment or in a URL."""
    for name, value in os.environ.items():
        if len(value) >= 8 and _SECRET.search(name):
            said = said.replace(value, "***")
    return re.sub(
        r"(?i)\b(sig|signature|token|key|accountkey|password)=[^&;\s]+", r"\1=***", said.strip().partition("\n")[0]
    )
