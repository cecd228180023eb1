"""`undo`: what `fix` has changed, taken back byte for byte."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import IO

from dsprep.api.accepted import follow_in_baseline, read_baseline, rekey
from dsprep.api.session import PathLike
from dsprep.config import SIDECAR
from dsprep.engine.ledger import SUFFIX, Pass, passes, take_back
from dsprep.engine.writing import AtomicFile
from dsprep.model.source import InputError

_BLOCK = 1 << 20


@dataclass
class Undone:
    """What was undone in one file: the numbers of the runs, how many changes, and how many by rule; no run, if the file
    was as it had been before already."""

    path: str
    runs: tuple[int, ...] = ()
    changes: int = 0
    rules: Counter[str] = field(default_factory=Counter)


def undo(
    ledger: PathLike, files: Iterable[PathLike] = (), *, everything: bool = False, dry_run: bool = False
) -> list[Undone]:
    """Take back the last run of `fix` that is in `ledger` (with `everything`: all runs), in each file it has changed.

    In place of a ledger, the file that it lies beside can be named. Files that are not below the ledger's folder must
    be among `files`: a ledger from somebody else is not to say what is written elsewhere. What was undone goes out of
    the ledger, which goes away when nothing is left. Raises InputError, and changes nothing, if a file is not as the
    run has left it. With `dry_run`, nothing is written.
    """
    path = os.fspath(ledger)
    if not path.endswith(SUFFIX) and os.path.exists(path + SUFFIX):
        path += SUFFIX
    known = passes(path)
    last = known[-1].run
    chosen = [done for done in known if everything or done.run == last]
    allowed = {os.path.realpath(file) for file in files}
    by_file: dict[str, list[Pass]] = {}
    for done in chosen:
        by_file.setdefault(_place(path, done.name, allowed), []).append(done)
    out: list[Undone] = []
    with ExitStack() as stack:
        contents: list[tuple[str, IO[bytes]]] = []
        # All of them are worked out before the first is written.
        for file, of_file in sorted(by_file.items()):
            content = take_back(path, file, of_file)
            if content is None:
                out.append(Undone(file))
                continue
            contents.append((file, stack.enter_context(content)))
            runs = tuple(dict.fromkeys(done.run for done in of_file))
            rules = sum((done.rules for done in of_file), Counter[str]())
            out.append(Undone(file, runs, sum(done.changes for done in of_file), rules))
        if dry_run:
            return out
        for file, content in contents:
            with AtomicFile(file) as target:
                while block := content.read(_BLOCK):
                    target.write(block)
    for file, of_file in by_file.items():
        for done in reversed(of_file):
            _unfollow(path, file, done, allowed)
    _shorten(path, chosen[0].start)
    return out


def _place(ledger: str, name: str, allowed: set[str]) -> str:
    """The file that a ledger calls `name`. Raises InputError if it is elsewhere and the user has not named it."""
    folder = os.path.dirname(ledger)
    path = os.path.normpath(os.path.join(folder, name))
    real, own = os.path.realpath(path), os.path.realpath(folder or os.curdir)
    if real not in allowed and os.path.commonpath([own, real]) != own:
        raise InputError(
            f"{ledger} is about {path}, which is not below the ledger's folder; if you mean to restore it, name it: "
            f"dsprep undo {ledger} {path}"
        )
    return path


def _unfollow(ledger: str, file: str, done: Pass, allowed: set[str]) -> None:
    """What was accepted of rows that the pass changed goes back to what they were."""
    moved = [
        (tuple(map(str, codes)), bytes.fromhex(new), bytes.fromhex(old))
        for codes, old, new in done.closing.get("followed") or ()
    ]
    if not moved:
        return
    rekey(file + SIDECAR, {new: old for _, new, old in moved})
    if name := done.closing.get("baseline"):
        path = _place(ledger, str(name), allowed)
        if os.path.exists(path):
            follow_in_baseline(read_baseline(path), moved)


def _shorten(ledger: str, size: int) -> None:
    if not size:
        os.unlink(ledger)
        return
    left = size
    with open(ledger, "rb") as old, AtomicFile(ledger) as new:
        while left and (block := old.read(min(left, _BLOCK))):
            new.write(block)
            left -= len(block)
