"""`write_baseline` and `suppress`: findings that are accepted from now on, all there are or some with a reason."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from dsprep.api.accepted import Baseline, Sidecar, Suppression, add_suppressions, read_baseline
from dsprep.api.linting import folded_of, linted
from dsprep.api.session import PathLike, Paths, Progress, inputs_from, open_session
from dsprep.config import Settings, with_overrides
from dsprep.engine.hiding import Seen
from dsprep.model.report import Report
from dsprep.model.source import InputError
from dsprep.opening import resolved


@dataclass
class BaselineWritten:
    """The report of what is left to show, which is nothing but what rules say of themselves; the file; how many
    findings are in it now; and how many entries (pairs of rule and row) came in and went out."""

    report: Report
    path: str
    findings: int
    added: int
    removed: int


def write_baseline(
    paths: Paths,
    baseline: PathLike,
    *,
    train: Paths = (),
    validation: Paths = (),
    test: Paths = (),
    settings: Settings | None = None,
    progress: Progress | None = None,
    **overrides: Any,
) -> BaselineWritten:
    """Check files, and write all that is found and not suppressed to the file `baseline`: in runs with the setting
    `baseline` it does not count any more. Of what an old baseline in that place has, only what this run cannot know
    about stays: entries of rules that did not run, and all if it was made for other files, too.

    Nothing is written if a rule failed: see the report. Raises InputError if there is something else in that place.
    """
    chosen = with_overrides(settings, overrides).model_copy(update={"baseline": None})
    path = os.fspath(baseline)
    old = read_baseline(path) if os.path.exists(path) else Baseline(path)
    inputs, notes = inputs_from(paths, train=train, validation=validation, test=test)
    session = open_session(inputs, chosen, progress=progress, notes=notes, accepting="everything")
    assert session.accepted is not None
    new = Baseline(path, tuple(old.name(source) for source in session.pipeline.sources))
    found: dict[str, Counter[bytes]] = {}

    def record(seen: Seen) -> None:
        found.setdefault(seen.code, Counter())[seen.entry] += 1

    session.accepted.baseline = new
    session.accepted.hiding = replace(session.accepted.hiding, names=new.inputs, record=record)
    report = linted(session)
    new.findings = {code: dict(counts) for code, counts in found.items()}
    ran = {rule.meta.code for rule in session.rules}
    elsewhere = not set(old.inputs) <= set(new.inputs)
    for code, own in old.findings.items():
        kept = new.findings.setdefault(code, {})
        for key, n in own.items() if elsewhere or code not in ran else ():
            kept[key] = max(n, kept.get(key, 0))
    if elsewhere:
        new.inputs = (*old.inputs, *new.inputs)
    if not report.errors:
        new.write()
    before, after = ({(code, key) for code, own in one.findings.items() for key in own} for one in (old, new))
    total = sum(n for own in new.findings.values() for n in own.values())
    return BaselineWritten(report, path, total, len(after - before), len(before - after))


@dataclass
class Suppressed:
    """The file of suppressions, the entries that were put into it, and how many findings they are about."""

    path: str
    entries: Sequence[Suppression]
    findings: int


def suppress(
    path: PathLike,
    rules: str | Iterable[str],
    *,
    line: int | None = None,
    reason: str = "",
    train: Paths = (),
    validation: Paths = (),
    test: Paths = (),
    settings: Settings | None = None,
    progress: Progress | None = None,
    **overrides: Any,
) -> Suppressed:
    """Accept what `rules` find in the file at `path`, or in its record at `line`: entries are put into the file
    `NAME.dsprep.yaml` beside it. A file of a split is named there, too, as rules about overlap need the others.

    Raises InputError if they find nothing there that is not suppressed already.
    """
    named = (rules,) if isinstance(rules, str) else tuple(rules)
    update = {"select": named, "ignore": (), "extend_select": (), "baseline": None, "cache": False}
    chosen = with_overrides(settings, overrides).model_copy(update=update)
    real = resolved(os.fspath(path))
    others = [str(other) for group in (train, validation, test) for other in _listed(group)]
    paths = [] if real in map(resolved, others) else [path]
    inputs, _ = inputs_from(paths, train=train, validation=validation, test=test)
    session = open_session(inputs, chosen, progress=progress, accepting="suppressions")
    assert session.accepted is not None
    number = next(i for i, item in enumerate(inputs) if resolved(item.path) == real)
    found: list[Seen] = []

    def record(seen: Seen) -> None:
        if seen.source == number:
            found.append(seen)

    session.accepted.hiding = replace(session.accepted.hiding, record=record)
    folded = folded_of(session)
    if folded.errors:
        raise InputError(f"rule {folded.errors[0].code} failed: {folded.errors[0].message}")
    if line is not None:
        own = [seen for seen in found if seen.key is not None]
        lines = [place.line for place in folded.table.locate([seen.key for seen in own if seen.key is not None])]
        found = [seen for seen, at in zip(own, lines, strict=True) if at == line]
    found.sort(key=lambda seen: (-1 if seen.key is None else seen.key, seen.code))
    entries = [
        Suppression(code, key, reason) for code, key in dict.fromkeys((seen.code, seen.digest) for seen in found)
    ]
    sidecar = Sidecar.of(session.pipeline.sources[number], session.book)
    where = f"{path}:{line}" if line is not None else f"{path}"
    if sidecar is None:
        raise InputError(f"{path} is no file on this machine, so nothing can be put beside it")
    if not entries:
        raise InputError(f"{where}: {', '.join(named)} find nothing there that is not suppressed already")
    add_suppressions(sidecar, entries, session.book)
    return Suppressed(sidecar.name, entries, len(found))


def _listed(paths: Paths) -> Iterable[PathLike]:
    return (paths,) if isinstance(paths, str | os.PathLike) else paths
