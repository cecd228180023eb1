"""`dsprep lint`: find what is wrong, and on request mend it."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dsprep.cli import options

if TYPE_CHECKING:
    from dsprep.api.session import Progress
    from dsprep.config import Settings
    from dsprep.model.report import Report


class FailOn(StrEnum):
    ERROR = "error"
    WARNING = "warning"
    INFO = "info"
    NEVER = "never"


def command(
    paths: Annotated[
        list[str] | None,
        typer.Argument(metavar="FILE", help="Files to check; - reads standard input.", parser=options.file_named),
    ] = None,
    train: options.Files = None,
    validation: options.Files = None,
    test: options.Files = None,
    target: options.Target = None,
    encoding: options.Encoding = None,
    fix: Annotated[bool, typer.Option("--fix", help="Mend what can be mended safely, in place.")] = False,
    unsafe_fixes: options.UnsafeFixes = None,
    diff: Annotated[
        bool, typer.Option("--diff", help="Show what --fix would change, for reading; write nothing.")
    ] = False,
    select: options.Select = None,
    ignore: options.Ignore = None,
    extend_select: options.ExtendSelect = None,
    output_format: Annotated[options.Format | None, typer.Option(help="How to print findings.")] = None,
    output_file: options.OutputFile = None,
    html: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write an HTML report to this file, too.", callback=options.in_a_folder),
    ] = None,
    fail_on: Annotated[FailOn | None, typer.Option(help="Least severity for exit code 1 (default: error).")] = None,
    statistics: Annotated[bool, typer.Option("--statistics", help="Print counts per rule only.")] = False,
    show_fixes: Annotated[bool, typer.Option("--show-fixes", help="List the fixes that were made.")] = False,
    config: options.Config = None,
    isolated: options.Isolated = False,
    workers: options.Workers = None,
    executor: options.Executor = None,
    address: options.Address = None,
    memory_limit: options.MemoryLimit = None,
    no_cache: options.NoCache = False,
    cache_dir: options.CacheDir = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing unless something is found.")] = False,
    verbose: options.Verbose = False,
) -> None:
    """Find what is wrong with data, down to the line and field.

    Exit code 0: clean; 1: findings at or above --fail-on; 2: the input or the command line cannot be used.
    """
    settings = options.settings(
        config,
        isolated,
        verbose,
        target=target,
        encoding=encoding,
        select=options.listed(select),
        ignore=options.listed(ignore),
        extend_select=options.listed(extend_select),
        output_format=output_format,
        fail_on=fail_on,
        unsafe_fixes=unsafe_fixes,
        workers=workers,
        executor=executor,
        address=address,
        memory_limit=memory_limit,
        no_cache=no_cache,
        cache_dir=cache_dir,
    )
    files = {"paths": paths or [], "train": train or [], "validation": validation or [], "test": test or []}
    report = _recalled(files, settings) if not fix and not diff else None
    if report is None:
        from dsprep import api
        from dsprep.cli.console import progress

        with progress(quiet) as bar:
            if diff:
                raise typer.Exit(int(_print_diff(files, settings, bar)))
            if fix:
                report = api.fix(**files, settings=settings, progress=bar).report
            else:
                report = api.lint(**files, settings=settings, progress=bar)
    _print(report, settings, output_file, statistics=statistics, show_fixes=show_fixes, quiet=quiet)
    if html is not None:
        from dsprep.cli.console import written
        from dsprep.reports.html import dumps

        written(dumps(report), html)
    raise typer.Exit(report.exit_code(settings.threshold))


def _recalled(files: dict[str, list[str]], settings: Settings) -> Report | None:
    """The report of an earlier run, if nothing has changed since: then nothing of what lints needs to be loaded."""
    if not settings.cache:
        return None
    from dsprep.api.remembering import recalled

    return recalled(**files, settings=settings)


def _print(
    report: Report, settings: Settings, file: Path | None, *, statistics: bool, show_fixes: bool, quiet: bool
) -> None:
    from dsprep.cli.console import console, written

    if settings.output_format in ("json", "jsonl"):
        from dsprep.reports import json, jsonl

        data = json.dumps(report) if settings.output_format == "json" else jsonl.dumps(report)
        written(data, file)
        return
    from dsprep.reports import terminal

    text = io.StringIO()
    target = console(text) if file is not None else console()
    if quiet and not report.summaries and not report.errors:
        pass
    elif statistics:
        terminal.render_statistics(report, target)
    elif settings.output_format == "concise":
        terminal.render_concise(report, target, show_fixes=show_fixes)
    else:
        terminal.render_full(report, target, show_fixes=show_fixes)
    if file is not None:
        written(text.getvalue().encode("utf-8", "replace"), file)


def _print_diff(files: dict[str, list[str]], settings: Settings, bar: Progress) -> bool:
    """What each record is and would be, as a diff of its fields for people; `--fix` applies it, `patch` cannot. True if
    anything would change."""
    from dsprep import api
    from dsprep.reports.diff import render_change

    changed = False
    colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    with contextlib.suppress(BrokenPipeError):
        for path, change in api.diff(**files, settings=settings, progress=bar):
            changed = True
            typer.echo(render_change(path, change.line, change.before, change.after, colour=colour))
    return changed
