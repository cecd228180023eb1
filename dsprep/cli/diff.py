"""`dsprep diff`: what has changed between two versions of a data set."""

from __future__ import annotations

import io
import json
import os
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dsprep.cli import options

if TYPE_CHECKING:
    from rich.console import Console

    from dsprep.model.changes import ChangedRow, DataComparison


class Format(StrEnum):
    TEXT = "text"
    JSON = "json"
    MARKDOWN = "markdown"


class FailOn(StrEnum):
    ERROR = "error"
    WARNING = "warning"
    INFO = "info"
    NEVER = "never"


Version = Annotated[
    list[str] | None,
    typer.Option(metavar="FILE", help="A file of that version; may be repeated.", parser=options.file_named),
]


def command(
    paths: Annotated[
        list[str] | None,
        typer.Argument(metavar="OLD NEW", help="Two files, or two folders of files.", parser=options.file_named),
    ] = None,
    old: Version = None,
    new: Version = None,
    key: Annotated[
        str | None,
        typer.Option(metavar="MEMBER", help="The member, or column, that rows are known by (default: an id, if any)."),
    ] = None,
    records: options.Records = None,
    no_findings: Annotated[
        bool, typer.Option("--no-findings", help="Compare rows and figures alone; run no rules, which is faster.")
    ] = False,
    examples: Annotated[
        int, typer.Option(metavar="N", min=0, help="How many changed, removed and added rows are shown.")
    ] = 5,
    output_format: Annotated[Format, typer.Option(help="How to print.")] = Format.TEXT,
    output_file: options.OutputFile = None,
    exit_code: Annotated[
        bool, typer.Option("--exit-code", help="Exit with 1 if any row differs, or is in another split.")
    ] = False,
    fail_on: Annotated[
        FailOn, typer.Option(help="Exit with 1 if a finding of at least this severity is new.")
    ] = FailOn.NEVER,
    target: options.Target = None,
    encoding: options.Encoding = None,
    pack: options.Pack = None,
    select: options.Select = None,
    ignore: options.Ignore = None,
    extend_select: options.ExtendSelect = None,
    config: options.Config = None,
    isolated: options.Isolated = False,
    workers: options.Workers = None,
    executor: options.Executor = None,
    address: options.Address = None,
    memory_limit: options.MemoryLimit = None,
    no_cache: options.NoCache = False,
    cache_dir: options.CacheDir = None,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Print nothing; the exit code says whether anything differs.")
    ] = False,
    verbose: options.Verbose = False,
) -> None:
    """Compare two versions of a data set: rows, findings, lengths, labels, languages.

    OLD and NEW are files, or folders such as those that `dsprep prepare` writes; --old and --new name several files of
    a version. What `lint --fix` would change, `dsprep lint --diff` shows.

    Exit code 0, whatever differs; 1 if --exit-code or --fail-on ask for it; 2: the input or the command line cannot be
    used, or a rule failed.
    """
    before, now = _versions(paths or [], old or [], new or [])
    settings = options.settings(
        config,
        isolated,
        verbose,
        target=target,
        encoding=encoding,
        pack=pack,
        select=options.listed(select),
        ignore=options.listed(ignore),
        extend_select=options.listed(extend_select),
        records=records,
        workers=workers,
        executor=executor,
        address=address,
        memory_limit=memory_limit,
        no_cache=no_cache,
        cache_dir=cache_dir,
    )
    from dsprep import api
    from dsprep.cli.console import progress

    with progress(quiet) as bar:
        result = api.compare_data(
            before,
            now,
            key=key,
            findings=not no_findings,
            settings=settings,
            progress=bar,
        )
    if not quiet:
        _print(result, output_format, output_file, examples)
    if result.errors:
        raise typer.Exit(2)
    raise typer.Exit(int(((exit_code or quiet) and result.differs) or _worse(result, fail_on)))


def _versions(paths: list[str], old: list[str], new: list[str]) -> tuple[list[str], list[str]]:
    if old and new and not paths:
        return old, new
    if len(paths) == 2 and not old and not new:
        return paths[:1], paths[1:]
    raise typer.BadParameter("name two versions: dsprep diff OLD NEW, or --old FILE … --new FILE … for several files")


def _worse(result: DataComparison, fail_on: FailOn) -> bool:
    if fail_on is FailOn.NEVER:
        return False
    from dsprep.model.finding import Severity

    least = Severity(fail_on.value).rank
    return any(change.rule.new and change.rule.severity.rank <= least for change in result.findings)


def _print(result: DataComparison, output_format: Format, file: Path | None, examples: int) -> None:
    from dsprep.cli.console import console, written
    from dsprep.reports import comparison

    shown = result.changes[:examples]
    if output_format is Format.JSON:
        written(comparison.dumps(result), file)
    elif output_format is Format.MARKDOWN:
        from dsprep.reports.markdown import inline

        changes = [_change(row, colour=False, ascii_only=False) for row in shown]
        written(comparison.markdown(result, changes, inline), file)
    elif file is None:
        _render(result, console(), shown, examples)
    else:
        text = io.StringIO()
        _render(result, console(text), shown, examples)
        written(text.getvalue().encode("utf-8", "replace"), file)


def _render(result: DataComparison, screen: Console, shown: list[ChangedRow], examples: int) -> None:
    from dsprep.reports import comparison

    colour = screen.is_terminal and not os.environ.get("NO_COLOR")
    ascii_only = not screen.encoding.lower().startswith("utf")
    changes = [_change(row, colour=colour, ascii_only=ascii_only) for row in shown]
    comparison.render(result, screen, changes, examples=examples)


def _change(row: ChangedRow, *, colour: bool, ascii_only: bool) -> str:
    """What has changed in a row, as words."""
    from dsprep.reports.comparison import SIGNS
    from dsprep.reports.diff import render_change

    before, now = (json.dumps(value).encode() for value in (row.before, row.now))
    place = f"{row.old.place} -> {row.new.path}"
    said = SIGNS[row.sign] if before != now else "what differs is private, and masked"
    number = row.new.line if row.new.line is not None else row.new.row or 0
    return render_change(place, number, before, now, [said], colour=colour, ascii_only=ascii_only)
