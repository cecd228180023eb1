"""What is remembered between runs: where, and the report of a run in which nothing has changed.

Imports little: a hook that runs at every commit, mostly over files that did not change, should be done before the rules
would be loaded.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from dsprep.config import CACHE_FOLDER, CACHE_VARIABLE, SIDECAR, Settings
from dsprep.engine.fingerprints import (
    Fingerprint,
    UnknowableError,
    code_in,
    code_of,
    file_digest,
    own_code,
    surroundings,
)
from dsprep.engine.store import Store, log, user_key
from dsprep.opening import is_url

if TYPE_CHECKING:
    from dsprep.api.session import Paths, Session
    from dsprep.model.report import Report

#: Settings on which no result depends.
_OUTWARD: Final = (
    *("workers", "memory_limit", "output_format", "fail_on", "max_warnings", "cache", "cache_dir", "cache_size"),
    *("ledger", "compare"),
)
#: A file that was changed within so many nanoseconds before it was looked at may be changed once more without showing
#: it: file systems count time in steps, of up to two seconds.
_STEP: Final = 2_000_000_000
_KIND: Final = "report"

#: What changes with the content of a file: size, times of modification and change, and which file it is.
Mark = tuple[int, int, int, int, int]


def recalled(
    paths: Paths = (), *, train: Paths = (), validation: Paths = (), test: Paths = (), settings: Settings
) -> Report | None:
    """What `lint` would say of these files, if it has said it before and nothing has changed since; else None."""
    run = Run.over(paths, train=train, validation=validation, test=test, settings=settings)
    report = None if run is None else run.report()
    if report is not None and settings.compare is not None:
        from dsprep.api.comparing_reports import earlier_report, with_comparison

        with_comparison(report, earlier_report(settings))
    return report


def open_store(settings: Settings) -> Store | None:
    """The cache that the settings ask for; None if they ask for none, or if there can be none (why: to the log)."""
    if not settings.cache:
        return None
    folder = settings.cache_dir or Path(os.environ.get(CACHE_VARIABLE) or CACHE_FOLDER)
    key = user_key()
    return None if key is None else Store(folder.absolute(), key, int(settings.cache_size))


def several(paths: Paths) -> list[str]:
    """The paths as texts; one alone is a list of one."""
    return [os.fspath(path) for path in ((paths,) if isinstance(paths, str | Path) else paths)]


@dataclass
class Run:
    """A run of `lint` over files of this machine, known by all that decides on its report but the content of the files.

    `marks` are those of the files when the run began, at `began` (nanoseconds since the epoch). With `by_content`, only
    a report that has `contents` will do.
    """

    store: Store
    key: bytes
    files: Sequence[str]
    marks: Sequence[Mark]
    by_content: bool = False
    began: int = field(default_factory=time.time_ns)

    @classmethod
    def over(
        cls, paths: Paths = (), *, train: Paths = (), validation: Paths = (), test: Paths = (), settings: Settings
    ) -> Run | None:
        """The run with these arguments; None if there is nothing to remember it by."""
        store = open_store(settings)
        groups = [several(group) for group in (paths, train, validation, test)]
        files = [file for group in groups for file in group]
        if store is None or not files or "-" in files or len(set(map(os.path.realpath, files))) < len(files):
            return None
        began = time.time_ns()
        marks = [mark for file in files if (mark := _mark(file)) is not None]
        if len(marks) < len(files):
            return None
        try:
            key = Fingerprint().of(
                "lint",
                own_code(),
                surroundings(times=True),
                _packs(settings.pack),
                settings.model_dump(mode="json", exclude=set(_OUTWARD)),
                # A target that nobody has named gives way to that of the pack.
                "target" in settings.model_fields_set,
                # Of which the dump shows nothing but stars.
                settings.redact_key and settings.redact_key.get_secret_value(),
                groups,
                [mark[0] for mark in marks],
                _acceptances(settings, files),
                # Patterns of paths are seen from there, and notes say where the baseline is.
                os.getcwd() if settings.per_path_ignores or settings.baseline else "",
            )
        except (OSError, UnknowableError):
            return None
        return cls(store, key, files, marks, settings.by_content, began)

    def report(self) -> Report | None:
        """The report of the same run over the same content, or None."""
        found: _Kept | None = self.store.get(_KIND, self.key)
        if found is None:
            return None
        try:
            for file, mark, known, digest in zip(self.files, self.marks, found.marks, found.digests, strict=True):
                if mark != known and file_digest(file) != digest:
                    return None
            if any(code_in(path) != digest for path, digest in found.also.items()):
                return None
        except (OSError, UnknowableError):
            return None
        if self.by_content and not found.report.contents and any(f.key is not None for f in found.report.findings):
            return None  # it was made for a format that does not need them
        log.info("%s: nothing has changed, the report is known", self.store.folder)
        settled = self._settled()
        if settled != list(found.marks):
            found.marks = settled
            self.store.put(_KIND, self.key, found)
        return found.report

    def keep(self, report: Report, session: Session) -> None:
        """Remember the report of this run, which `session` has made."""
        if report.errors or [_mark(file) for file in self.files] != list(self.marks) or not self.store.prepare():
            return
        digests = [bytes.fromhex(info.sha256) for info in report.inputs]
        settled = self._settled()
        try:
            for file, mark, digest in zip(self.files, settled, digests, strict=True):
                if mark is None and file_digest(file) != digest:
                    return
            also = _consulted(session)
        except (OSError, UnknowableError, ValueError) as error:
            log.info("the report is not kept: %s", error)
            return
        self.store.put(_KIND, self.key, _Kept(report, digests, settled, also))
        self.store.trim()

    def _settled(self) -> list[Mark | None]:
        """The marks of the files; None for those that may be changed without showing it."""
        return [mark if max(mark[1:3]) < self.began - _STEP else None for mark in self.marks]


@dataclass
class _Kept:
    """A report, the SHA-256 of each input with its mark where that can be relied on, and the digests of other files
    that took part: code of plugins, and what options name."""

    report: Report
    digests: Sequence[bytes]
    marks: Sequence[Mark | None]
    also: Mapping[str, bytes]


def _acceptances(settings: Settings, files: Sequence[str]) -> list[bytes | None]:
    """The content of what says which findings are accepted: the suppressions beside each file, and the baseline. These
    files are small. None stands for one that is not there."""
    out: list[bytes | None] = []
    for path in [*(file + SIDECAR for file in files), *([str(settings.baseline)] if settings.baseline else [])]:
        try:
            out.append(file_digest(path))
        except FileNotFoundError:
            out.append(None)
    return out


def _mark(path: str) -> Mark | None:
    """None for what is no file of this machine."""
    try:
        if not os.path.isfile(path):
            return None
        about = os.stat(path)
    except (OSError, ValueError):
        return None
    return about.st_size, about.st_mtime_ns, about.st_ctime_ns, about.st_ino, about.st_dev


def _packs(name: str) -> Any:
    """What decides, beside code, which rules run and how: the packs and targets that come with dsprep, and the pack of
    that name, with what it defines, if it is a file of the user's or a plugin's."""
    from dsprep.catalog.packs import load_pack, own_pack, packs_folder

    folder = packs_folder()
    own = {str(file.relative_to(folder)): file_digest(file) for file in sorted(folder.rglob("*.yaml"))}
    return own, None if own_pack(name) else load_pack(name).as_data()


def _consulted(session: Session) -> dict[str, bytes]:
    """Path to digest of what took part in a run and is neither an input nor dsprep's own."""
    from importlib.metadata import entry_points

    from dsprep.catalog.registry import ENTRY_POINT_GROUP

    prints = Fingerprint()
    prints.of(session.rules, session.pipeline.normalisers, [type(source) for source in session.pipeline.sources])
    # A plugin none of whose rules ran may have one that will, when its code has changed.
    brought = {entry.module.partition(".")[0] for entry in entry_points(group=ENTRY_POINT_GROUP)}
    also = code_of(prints.packages | brought)
    for rule in session.rules:
        if any(map(is_url, rule.files)):
            raise UnknowableError(f"what rule {rule.meta.name} reads from a URL may have changed")
        for file in _files_named(rule.options.model_dump()):
            also[file] = file_digest(file)
    return also


def _files_named(value: Any) -> Iterable[str]:
    """Values of options that are files: their content is likely to count."""
    if isinstance(value, str | Path):
        if os.path.isfile(value):
            yield os.path.abspath(value)
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _files_named(item)
    elif isinstance(value, list | tuple | set | frozenset):
        for item in value:
            yield from _files_named(item)
