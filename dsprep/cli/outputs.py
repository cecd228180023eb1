"""What was found, in every format that was asked for: one of them on standard output, the others in files."""

from __future__ import annotations

import io
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from dsprep.cli import options

if TYPE_CHECKING:
    from dsprep.config import Output, Settings
    from dsprep.model.report import Report


@dataclass(frozen=True)
class Look:
    """How a report looks in the formats for people: `statistics` alone, with a list of `show_fixes`, or `quiet`, which
    is nothing at all unless there is something to say."""

    statistics: bool = False
    show_fixes: bool = False
    quiet: bool = False


def check(outputs: Iterable[Output], inputs: Iterable[str], file: Path | None = None) -> None:
    """Whether all files can be written to, before the work is done. Raises BadParameter: a folder that is not there, a
    file that is one of the inputs, or `file`, where what would be printed goes, if it is that of another format."""
    read = {os.path.realpath(path) for path in inputs if path != "-" and "://" not in path}
    places = [output.file for output in outputs if output.file is not None]
    if file is not None and os.path.realpath(file) in map(os.path.realpath, places):
        raise typer.BadParameter(f"two formats go to the one file {str(file)!r}")
    for place in places if file is None else (*places, file):
        options.in_a_folder(place)
        if os.path.realpath(place) in read:
            raise typer.BadParameter(f"{str(place)!r} is one of the files that are read; write the report elsewhere")


def write(
    report: Report,
    settings: Settings,
    outputs: Iterable[Output],
    *,
    file: Path | None = None,
    look: Look = Look(),
) -> None:
    """Write `report` in all formats; what has no file of its own goes to `file`, or standard output. What a format
    leaves out is said on standard error."""
    outputs = tuple(outputs)
    # Patterns and folders have been read by now.
    check(outputs, [info.path for info in report.inputs], file)
    # The runner of GitHub Actions reads standard error as well, so that its commands need not spoil a format.
    alone = not any(output.file is None and output.format != "github" for output in outputs)
    left_out: dict[str, list[str]] = {}
    for output in outputs:
        for note in _write(report, settings, output, file if output.format != "github" or alone else None, look, alone):
            left_out.setdefault(note, []).append(output.format)
    for note, formats in left_out.items():
        typer.echo(f"{', '.join(formats)}: {note}", err=True)


def _write(report: Report, settings: Settings, output: Output, file: Path | None, look: Look, alone: bool) -> list[str]:
    """Write one format; sentences on what is not in it."""
    from dsprep.cli.console import written

    if output.format in ("full", "concise"):
        _for_people(report, output.format, output.file or file, look)
        return []
    data, notes = _dumped(report, settings, output.format)
    if output.format == "github" and output.file is None and not alone:
        typer.echo(data, nl=False, err=True)
    else:
        written(data, output.file or file)
    return notes


def _dumped(report: Report, settings: Settings, name: str) -> tuple[bytes, list[str]]:
    """The report as a file, and what is not in it."""
    if name == "json":
        from dsprep.reports import json

        return json.dumps(report), []
    if name == "jsonl":
        from dsprep.reports import jsonl

        return jsonl.dumps(report), []
    if name == "markdown":
        from dsprep.reports import markdown

        return markdown.dumps(report)
    root = _root()
    if name == "sarif":
        from dsprep.reports import sarif

        return sarif.dumps(report, root=root)
    if name == "gitlab":
        from dsprep.reports import gitlab

        return gitlab.dumps(report, root=root)
    if name == "github":
        from dsprep.reports import github

        return github.dumps(report, root=root), []
    from dsprep.catalog.packs import load_pack
    from dsprep.reports import junit

    names = {code: rule for rule, code in load_pack(settings.pack).book.names.items()}
    return junit.dumps(report, fail_on=settings.threshold, names=names, root=root)


def _root() -> str | None:
    """The root of the repository that the working directory is in, from which services see paths; None without one."""
    here = Path.cwd()
    return next((str(folder) for folder in (here, *here.parents) if (folder / ".git").exists()), None)


def _for_people(report: Report, name: str, file: Path | None, look: Look) -> None:
    from dsprep.cli.console import console, written
    from dsprep.reports import terminal

    text = io.StringIO()
    target = console(text) if file is not None else console()
    if look.quiet and not report.summaries and not report.errors:
        pass
    elif look.statistics:
        terminal.render_statistics(report, target)
    elif name == "concise":
        terminal.render_concise(report, target, show_fixes=look.show_fixes)
    else:
        terminal.render_full(report, target, show_fixes=look.show_fixes)
    if file is not None:
        written(text.getvalue().encode("utf-8", "replace"), file)
