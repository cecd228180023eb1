"""Digests of what decides a result: settings, rules with their options, code, libraries. Equal digests, equal results.

Imports nothing heavy: whether anything has changed must be known before anything is loaded.
"""

from __future__ import annotations

import copyreg
import hashlib
import os
import platform
import struct
import sys
from collections.abc import Iterable
from contextlib import suppress
from functools import cache
from pathlib import Path
from types import BuiltinFunctionType, FunctionType, MappingProxyType
from typing import Any, Final

#: A package with more files of code than this is not looked through.
MOST_FILES: Final = 5_000


class UnknowableError(Exception):
    """What something does cannot be told from what it is. The message says of what."""


class Fingerprint:
    """A digest of values, by content: never by identity, address or order of a set.

    Whatever can be pickled can be taken in: objects are seen as what `pickle` would keep of them. `packages` are the
    top-level names of the modules whose classes and functions were met, so that their code can be taken in, too.
    """

    def __init__(self) -> None:
        self.packages: set[str] = set()
        # The values are kept with their digests, so that no other object gets the same id.
        self._known: dict[int, tuple[Any, bytes]] = {}

    def of(self, *values: Any) -> bytes:
        """The digest of `values`, 32 bytes. Raises UnknowableError."""
        return _hashed(b"values", [self._digest(value) for value in values])

    def _digest(self, value: Any) -> bytes:
        kind = type(value)
        if value is None or kind in (bool, int, float, complex):
            return _hashed(kind.__name__.encode(), [repr(value).encode()])
        if kind is str:
            return _hashed(b"str", [value.encode("utf-8", "surrogatepass")])
        if kind in (bytes, bytearray):
            return _hashed(b"bytes", [bytes(value)])
        if isinstance(value, type | FunctionType | BuiltinFunctionType):
            return _hashed(b"global", [self._name(value).encode()])
        number = id(value)
        if number in self._known:
            known = self._known[number][1]
            if not known:
                raise UnknowableError(f"{kind.__qualname__} contains itself")
            return known
        self._known[number] = (value, b"")
        out = self._known[number] = (value, self._content(value, kind))
        return out[1]

    def _content(self, value: Any, kind: type) -> bytes:
        if kind in (tuple, list):
            return _hashed(kind.__name__.encode(), map(self._digest, value))
        if kind in (dict, MappingProxyType):
            return _hashed(b"dict", (part for pair in value.items() for part in map(self._digest, pair)))
        if kind in (set, frozenset):
            return _hashed(b"set", sorted(map(self._digest, value)))
        try:
            reduce = copyreg.dispatch_table.get(kind)
            parts = reduce(value) if reduce is not None else value.__reduce_ex__(4)
        except Exception as error:
            raise UnknowableError(f"{kind.__module__}.{kind.__qualname__} cannot be taken apart: {error}") from error
        if isinstance(parts, str):
            return _hashed(b"global", [f"{kind.__module__}.{parts}".encode()])
        made, arguments, *more = parts
        state, *items = [*more, None, None, None][:3]
        listed = [self._digest(list(part)) if part is not None else b"" for part in items]
        return _hashed(b"object", [self._digest(made), self._digest(arguments), self._digest(state), *listed])

    def _name(self, value: Any) -> str:
        """The name under which anybody finds the same class or function."""
        module, name = getattr(value, "__module__", None) or "", value.__qualname__
        found: Any = sys.modules.get(module)
        for part in name.split("."):
            found = getattr(found, part, None)
        if found is not value and not (isinstance(value, BuiltinFunctionType) and not module):
            raise UnknowableError(f"{module}.{name} is made at run time")
        self.packages.add(module.partition(".")[0])
        return f"{module}:{name}"


def _hashed(kind: bytes, parts: Iterable[bytes]) -> bytes:
    digest = hashlib.sha256(kind + b"\0")
    for part in parts:
        digest.update(struct.pack("<q", len(part)))
        digest.update(part)
    return digest.digest()


def file_digest(path: str | os.PathLike[str]) -> bytes:
    """The SHA-256 of a file. Raises OSError."""
    with open(path, "rb", buffering=0) as file:
        return hashlib.file_digest(file, "sha256").digest()


@cache
def own_code() -> bytes:
    """The digest of dsprep's own code: a version says nothing of a checkout that somebody works in."""
    return code_in(str(Path(__file__).parent.parent))


def code_in(path: str) -> bytes:
    """The digest of a Python file, or of all of them in a folder, by relative path. Raises OSError, UnknowableError."""
    if not os.path.isdir(path):
        return file_digest(path)
    parts: list[bytes] = []
    for folder, folders, files in os.walk(path):
        folders[:] = sorted(name for name in folders if name != "__pycache__")
        for name in sorted(files):
            if name.endswith(".py"):
                file = os.path.join(folder, name)
                parts += [os.fsencode(os.path.relpath(file, path)), file_digest(file)]
            if len(parts) > 2 * MOST_FILES:
                raise UnknowableError(f"{path} holds more than {MOST_FILES:,} files of code")
    return _hashed(b"code", parts)


def code_of(packages: Iterable[str]) -> dict[str, bytes]:
    """Path to digest of the code of those packages that have no version to go by: all but dsprep's own, which
    `own_code` is for, and those that were installed with it or with Python. Raises OSError, UnknowableError."""
    out: dict[str, bytes] = {}
    for name in sorted(packages):
        if name in sys.stdlib_module_names or name in ("", "dsprep", "numpy", "pydantic", "pydantic_core"):
            continue
        module = sys.modules.get(name)
        places = list(getattr(module, "__path__", ())) or [getattr(module, "__file__", None)]
        if None in places:
            raise UnknowableError(f"the code of {name} is in no file")
        out.update((place, code_in(place)) for place in places)
    return out


@cache
def surroundings(times: bool = False) -> bytes:
    """The digest of the Python that runs, and of the names and versions of everything that is installed for it; with
    `times`, also of when it was installed, which tells packages apart that are worked on in place."""
    installed: list[str] = []
    for path in sys.path:
        with suppress(OSError), os.scandir(path or ".") as inside:
            packages = [entry for entry in inside if entry.name.endswith((".dist-info", ".egg-info"))]
            installed += [f"{entry.name} {entry.stat().st_mtime_ns if times else ''}" for entry in packages]
    machine = (platform.python_implementation(), sys.version, sys.byteorder, sys.platform, os.name)
    parts = (*machine, *sorted(set(installed)))
    return _hashed(b"surroundings", [part.encode("utf-8", "surrogateescape") for part in parts])
