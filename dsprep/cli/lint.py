"""`dsprep lint`: find what is wrong, and on request mend it."""

from __future__ import annotations

import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dsprep.cli import options, outputs
from dsprep.model.finding import Severity

#: How many changed records are shown on a screen.
_MOST_SHOWN = 100

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
    redact: options.RedactAs = None,
    redact_key: options.RedactKey = None,
    diff: Annotated[
        bool, typer.Option("--diff", help="Show what --fix would change, for reading; write nothing.")
    ] = False,
    ledger: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Put down all that --fix changes in this file (default: NAME.changes beside each file).",
            callback=options.in_a_folder,
        ),
    ] = None,
    baseline: options.Baseline = None,
    no_baseline: Annotated[
        bool, typer.Option("--no-baseline", help="Use no baseline, whatever the settings say.")
    ] = False,
    write_baseline: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Write all that is found to this file, as known.", callback=options.in_a_folder
        ),
    ] = None,
    compare: options.Compare = None,
    benchmark: options.Benchmark = None,
    keep: options.Keep = None,
    pack: options.Pack = None,
    records: options.Records = None,
    select: options.Select = None,
    ignore: options.Ignore = None,
    extend_select: options.ExtendSelect = None,
    output_format: options.OutputFormats = None,
    output_file: options.OutputFile = None,
    html: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write an HTML report to this file, too.", callback=options.in_a_folder),
    ] = None,
    fail_on: Annotated[FailOn | None, typer.Option(help="Least severity for exit code 1 (default: error).")] = None,
    max_warnings: Annotated[
        int | None, typer.Option(metavar="N", min=0, help="More warnings than this make the exit code 1.")
    ] = None,
    severity: options.Severities = None,
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

    Exit code 0: clean; 1: findings at or above --fail-on, or too many warnings; 2: the input or the command line cannot
    be used.
    """
    if write_baseline is not None and (fix or diff or baseline is not None):
        raise typer.BadParameter("a baseline is written of what is found; leave out --fix, --diff and --baseline")
    if compare is not None and (diff or write_baseline is not None):
        raise typer.BadParameter("--compare is about what is found; leave out --diff and --write-baseline")
    if diff and any("=" in text for text in output_format or ()):
        raise typer.BadParameter("--diff shows what would change, and makes no report; leave out --output-format")
    settings = options.settings(
        options.with_severities(config, severity),
        isolated,
        verbose,
        target=target,
        encoding=encoding,
        pack=pack,
        records=records,
        select=options.listed(select),
        ignore=options.listed(ignore),
        extend_select=options.listed(extend_select),
        output_format=tuple(output_format) if output_format else None,
        fail_on=fail_on,
        max_warnings=max_warnings,
        baseline=baseline,
        ledger=ledger,
        compare=compare,
        unsafe_fixes=unsafe_fixes,
        redact=redact,
        redact_key=redact_key,
        workers=workers,
        executor=executor,
        address=address,
        memory_limit=memory_limit,
        no_cache=no_cache,
        cache_dir=cache_dir,
    )
    settings = options.with_choices(settings, benchmark=benchmark, keep=keep)
    if no_baseline:
        settings = settings.model_copy(update={"baseline": None})
    files = {
        "paths": paths or [],
        "train": train or [],
        "validation": validation or [],
        "test": test or [],
    }
    outputs.check(settings.outputs, [file for group in files.values() for file in group], output_file)
    plainly = not fix and not diff and write_baseline is None
    report = _recalled(files, settings) if plainly else None
    if report is None:
        from dsprep import api
        from dsprep.cli.console import progress

        with progress(quiet) as bar:
            if diff:
                raise typer.Exit(int(_print_diff(files, settings, bar, output_file)))
            if write_baseline is not None:
                report = _write_baseline(files, write_baseline, settings, bar)
            elif fix:
                report = api.fix(**files, settings=settings, progress=bar).report
            else:
                report = api.lint(**files, settings=settings, progress=bar)
    look = outputs.Look(statistics, show_fixes, quiet)
    outputs.write(report, settings, settings.outputs, file=output_file, look=look)
    if html is not None:
        from dsprep.cli.console import written
        from dsprep.reports.html import dumps

        written(dumps(report), html)
    warnings = report.count(Severity.WARNING)
    if settings.max_warnings is not None and warnings > settings.max_warnings:
        typer.echo(
            f"{warnings:,} warnings are more than the {settings.max_warnings:,} allowed (max-warnings)", err=True
        )
    raise typer.Exit(report.exit_code(settings.threshold, settings.max_warnings))


def _recalled(files: dict[str, list[str]], settings: Settings) -> Report | None:
    """The report of an earlier run, if nothing has changed since: then nothing of what lints needs to be loaded."""
    if not settings.cache:
        return None
    from dsprep.api.remembering import recalled

    return recalled(**files, settings=settings)


def _write_baseline(files: dict[str, list[str]], file: Path, settings: Settings, bar: Progress) -> Report:
    """Write the baseline, say so on standard error, and give the report of what is left."""
    from dsprep import api

    written = api.write_baseline(**files, baseline=file, settings=settings, progress=bar)
    if written.report.errors:
        typer.echo(f"{file} was not written, since a rule failed", err=True)
    else:
        found = f"{written.findings:,} {'finding' if written.findings == 1 else 'findings'}"
        typer.echo(f"{found} written to {file} ({written.added:,} new, {written.removed:,} gone)", err=True)
    return written.report


def _print_diff(files: dict[str, list[str]], settings: Settings, bar: Progress, file: Path | None) -> bool:
    """What each record is and would be, for people; `--fix` applies it, `patch` cannot. True if anything would change.

    On the screen the first records are shown, in a file all of them.
    """
    from collections import Counter

    from dsprep import api
    from dsprep.catalog.packs import load_pack
    from dsprep.cli.console import written
    from dsprep.reports import counted
    from dsprep.reports.diff import render_change

    book = load_pack(settings.pack).book
    colour = file is None and sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    ascii_only = file is None and not (sys.stdout.encoding or "ascii").lower().startswith("utf")
    records, rows_gone, unseen = 0, 0, 0
    by_rule: Counter[str] = Counter()
    lines: list[str] = []
    for path, change in api.diff(**files, settings=settings, progress=bar):
        records += change.line is not None
        rows_gone += change.after is None and bool(change.before.strip())
        by_rule.update(change.rules)
        if file is None and records > _MOST_SHOWN:
            unseen += 1
            continue
        names = [f"{code} {book.kind(code).meta.name}" for code in change.rules]
        text = render_change(
            path, change.line, change.before, change.after, names, colour=colour, ascii_only=ascii_only
        )
        if file is None:
            typer.echo(f"{text}\n")
        else:
            lines.append(f"{text}\n")
    if unseen:
        dots = "..." if ascii_only else "…"
        typer.echo(f"{dots} and {counted(unseen, 'more record')}; --output-file FILE shows all of them\n")
    said = "nothing would change"
    if by_rule:
        rules = ", ".join(f"{code} {n:,}" for code, n in sorted(by_rule.items(), key=lambda item: (-item[1], item[0])))
        gone = f", {counted(rows_gone, 'row')} of them would go" if rows_gone else ""
        said = f"{counted(records, 'record')} would change{gone} ({rules}); `--fix` does it"
    if file is not None:
        written("\n".join([*lines, f"{said}\n"]).encode("utf-8", "replace"), file)
    else:
        typer.echo(said)
    return bool(by_rule)
