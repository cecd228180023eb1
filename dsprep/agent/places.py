"""Where an agent may read and write: in one folder, whatever the names say and wherever links lead."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from dsprep.model.source import InputError
from dsprep.opening import is_url, shown
from dsprep.sources.listing import files_of

_WILD: Final = re.compile(r"[*?\[]")
#: More files than these are hardly meant.
_MOST: Final = 10_000


class Places:
    """One folder, and what may be named in it. `urls`: whether data may be read from URLs as well."""

    def __init__(self, root: str | os.PathLike[str], *, urls: bool = False) -> None:
        self.root = os.path.realpath(root)
        self.urls = urls

    def readable(self, names: Sequence[str]) -> list[str]:
        """The files that `names` stand for (files, folders, patterns), as seen from the folder. Raises InputError."""
        out: list[str] = []
        for name in names:
            if is_url(name):
                if not self.urls:
                    raise InputError(
                        f"{shown(name)} is a URL, and this server reads none; whoever runs it can allow it with "
                        "--allow-urls"
                    )
                out.append(name)
                continue
            # Before anything is looked for: what is out there is nobody's business.
            wild = _WILD.search(name)
            self._inside(name if wild is None else name[: wild.start()].rpartition("/")[0], name)
            for file in files_of(os.path.join(self.root, name)):
                for inner in _all_in(file):
                    self._inside(inner, name)
                out.append(os.path.relpath(os.path.join(self.root, file), self.root))
        if len(out) > _MOST:
            raise InputError(f"{len(out):,} files are named; at most {_MOST:,} are read at once")
        return out

    def writable(self, name: str) -> Path:
        """A path to write to, as seen from the folder. Raises InputError."""
        if is_url(name):
            raise InputError(f"{shown(name)} is a URL, and nothing is written to those")
        return Path(os.path.relpath(self._inside(name, name), self.root))

    def _inside(self, path: str, name: str) -> str:
        """The real path of `path`, which is part of what `name` stands for. Raises InputError if it is outside."""
        if "\0" in path or not name:
            raise InputError("a file needs a name")
        if name == "-":
            raise InputError("standard input belongs to the protocol; name a file")
        real = os.path.realpath(os.path.join(self.root, path))
        if real != self.root and not real.startswith(self.root.rstrip(os.sep) + os.sep):
            raise InputError(
                f"{name} is, or leads, outside of the folder that this server was given; name files in that folder, as "
                "seen from it"
            )
        return real


def _all_in(path: str) -> Iterable[str]:
    """`path`, and if it is a folder, which is read as a whole, all that is in it."""
    yield path
    for folder, inner, names in os.walk(path) if os.path.isdir(path) else ():
        yield from (os.path.join(folder, name) for name in (*inner, *names))
