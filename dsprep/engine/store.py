"""Values on disk, from one run to the next: nobody else's are taken, and to lose them does no harm.

An entry is a file: a keyed digest (HMAC-SHA256, RFC 2104) of its name and content, then the content, pickled. The key
is the user's own and lies outside of the cache, so an entry that came with a repository or an archive, or that a fault
of the disk has changed, is not even looked into: it counts as not there. Entries are written beside their place and
renamed; any number of processes may share a cache. What cannot be written is not kept, and the run goes on.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import logging
import os
import pickle
import re
import secrets
import stat
import sys
import time
from pathlib import Path
from typing import Any, Final

from dsprep.version import VERSION

#: The key to use instead of the one in the user's folder, so that several machines can share a cache.
KEY_VARIABLE: Final = "DSPREP_CACHE_KEY"

_KEY_BYTES: Final = 32
_MAC_BYTES: Final = 32
_TAG: Final = (
    "Signature: 8a477f597d28d172789f06886806bc55\n"
    "# This folder is a cache that dsprep made; see https://bford.info/cachedir/. `dsprep clean` removes it.\n"
)
_IGNORED: Final = "# Made by dsprep.\n*\n"
_ENTRY: Final = re.compile(r"[a-z]+-[0-9a-f]{40}\Z")
_UNFINISHED: Final = re.compile(r"[a-z]+-[0-9a-f]{40}\.[0-9a-f]{16}\.tmp\Z")
_VERSION: Final = re.compile(r"\d+(\.\w+)+\Z")
#: What a process that was killed has left unfinished is removed after so many seconds.
_LEFT: Final = 3600

log = logging.getLogger("dsprep.cache")


class Store:
    """A cache in a folder. `limit` bytes are kept at most: what was not used for longest goes first. Picklable."""

    def __init__(self, folder: Path, key: bytes, limit: int) -> None:
        self.folder = folder
        self.limit = limit
        self._key = key
        self._failed = False

    @property
    def place(self) -> Path:
        """Where entries of this version lie."""
        return self.folder / VERSION

    def get(self, kind: str, key: bytes) -> Any | None:
        """What was put under that key; None if it is not there, or not as this user put it."""
        path = self._path(kind, key)
        try:
            with open(path, "rb", buffering=0) as file:
                data = memoryview(file.read())
            content = data[_MAC_BYTES:]
            if not hmac.compare_digest(self._mac(path.name, content), data[:_MAC_BYTES]):
                return None
            os.utime(path)
        except OSError:
            return None
        try:
            return pickle.loads(content)  # noqa: S301 - the digest says that this user has written it
        except Exception:
            log.info("an entry could not be read: %s", path.name)
            return None

    def put(self, kind: str, key: bytes, value: Any) -> int:
        """Keep `value` under that key, and say how many bytes it takes; 0 if it could not be kept."""
        if self._failed:
            return 0
        path = self._path(kind, key)
        unfinished = path.with_name(f"{path.name}.{secrets.token_hex(8)}.tmp")
        try:
            content = pickle.dumps(value, 5)
        except Exception as error:
            log.info("a result could not be kept: %s", error)
            return 0
        try:
            try:
                with open(unfinished, "xb") as file:
                    file.write(self._mac(path.name, content))
                    file.write(content)
                os.replace(unfinished, path)
            except BaseException:
                with contextlib.suppress(OSError):
                    os.unlink(unfinished)
                raise
        except OSError as error:
            self._failed = True
            log.info("nothing more is kept: %s: %s", self.folder, error.strerror or error)
            return 0
        return _MAC_BYTES + len(content)

    def size(self, kind: str, key: bytes) -> int:
        """How many bytes the entry under that key takes; 0 if there is none."""
        try:
            return os.stat(self._path(kind, key)).st_size
        except OSError:
            return 0

    def prepare(self) -> bool:
        """Make the folder; False if that cannot be done, and why to the log."""
        try:
            made = not self.folder.exists()
            self.place.mkdir(parents=True, exist_ok=True)
            if made:
                for name, text in (("CACHEDIR.TAG", _TAG), (".gitignore", _IGNORED)):
                    (self.folder / name).write_text(text, "utf-8")
        except OSError as error:
            log.info("no cache: %s: %s", self.folder, error.strerror or error)
            return False
        return True

    def trim(self) -> None:
        """Remove what was not used for longest until not more than `limit` bytes are left, and what is unfinished."""
        entries: list[tuple[int, int, str]] = []
        for path, unfinished in _files(self.folder):
            with contextlib.suppress(OSError):
                info = os.lstat(path)
                if not unfinished:
                    entries.append((info.st_mtime_ns, info.st_size, path))
                elif info.st_mtime < time.time() - _LEFT:
                    os.unlink(path)
        total = sum(size for _, size, _ in entries)
        for _, size, path in sorted(entries):
            if total <= self.limit:
                break
            with contextlib.suppress(OSError):
                os.unlink(path)
            total -= size

    def _path(self, kind: str, key: bytes) -> Path:
        # Users who share a folder do not see, nor overwrite, each other's entries.
        name = hmac.digest(self._key, kind.encode() + b"\0" + key, "sha256").hex()[:40]
        return self.place / f"{kind}-{name}"

    def _mac(self, name: str, content: bytes | memoryview) -> bytes:
        mac = hmac.new(self._key, name.encode() + b"\0", "sha256")
        mac.update(content)
        return mac.digest()


def clean(folder: Path) -> int:
    """Remove what dsprep has put into the cache in `folder`, of all versions, and the folder if nothing else is in it;
    how many bytes that were. Raises OSError."""
    size = 0
    for path, _ in _files(folder):
        size += os.lstat(path).st_size
        os.unlink(path)
    for name, text in (("CACHEDIR.TAG", _TAG), (".gitignore", _IGNORED)):
        own = folder / name
        if not own.is_symlink() and own.is_file() and own.read_bytes() == text.encode():
            own.unlink()
    for inner in (*_versions(folder), str(folder)):
        with contextlib.suppress(OSError):
            os.rmdir(inner)
    return size


def user_key() -> bytes | None:
    """The user's secret key, made when first asked for; None if there is none and none can be made (why: to the log).

    It is that of the environment variable DSPREP_CACHE_KEY, if set, else the one in the folder for the state of
    programs (XDG Base Directory Specification: `$XDG_STATE_HOME`, `~/.local/state`; on Windows `%LOCALAPPDATA%`),
    readable by the user alone.
    """
    if given := os.environ.get(KEY_VARIABLE):
        return hashlib.sha256(b"dsprep cache key\0" + given.encode("utf-8", "surrogateescape")).digest()
    try:
        folder = _state_folder() / "dsprep"
        path = folder / "cache-key"
        if not path.exists():
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            unfinished = folder / f"cache-key.{secrets.token_hex(8)}.tmp"
            with open(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(secrets.token_bytes(_KEY_BYTES))
            try:
                # Of several processes that make one at the same time, the first wins. Without hard links, the last.
                os.link(unfinished, path)
            except FileExistsError:
                pass
            except OSError:
                os.replace(unfinished, path)
            with contextlib.suppress(OSError):
                os.unlink(unfinished)
        with open(path, "rb") as file:
            info = os.fstat(file.fileno())
            key = file.read(_KEY_BYTES + 1)
    except (OSError, RuntimeError) as error:
        log.info("no cache: the key cannot be kept: %s", error)
        return None
    if hasattr(os, "geteuid") and (info.st_uid != os.geteuid() or stat.S_IMODE(info.st_mode) & 0o077):
        log.info("no cache: %s is not this user's alone; remove it", path)
        return None
    if len(key) != _KEY_BYTES:
        log.info("no cache: %s is no key; remove it", path)
        return None
    return key


def _state_folder() -> Path:
    given = os.environ.get("LOCALAPPDATA" if sys.platform == "win32" else "XDG_STATE_HOME")
    return Path(given) if given and os.path.isabs(given) else Path.home() / ".local" / "state"


def _versions(folder: Path) -> list[str]:
    try:
        with os.scandir(folder) as inside:
            return sorted(e.path for e in inside if _VERSION.match(e.name) and e.is_dir(follow_symlinks=False))
    except (FileNotFoundError, NotADirectoryError):
        return []


def _files(folder: Path) -> list[tuple[str, bool]]:
    """The entries in a cache, of all versions, and whether each is unfinished."""
    found: list[tuple[str, bool]] = []
    for version in _versions(folder):
        with contextlib.suppress(OSError), os.scandir(version) as inside:
            own = [entry for entry in inside if _ENTRY.match(entry.name) or _UNFINISHED.match(entry.name)]
            found += [(entry.path, entry.name.endswith(".tmp")) for entry in own]
    return found
