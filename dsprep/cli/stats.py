"""`dsprep stats`: examples, turns, tokens, labels, epochs."""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import Annotated

import typer

from dsprep.cli import options


class Format(StrEnum):
    TEXT = "text"
    JSON = "json"


def command(
    paths: Annotated[
        list[str] | None,
        typer.Argument(metavar="FILE", help="Files to count; - reads standard input.", parser=options.file_named),
    ] = None,
    train: options.Files = None,
    validation: options.Files = None,
    test: options.Files = None,
    target: options.Target = None,
    encoding: options.Encoding = None,
    records: options.Records = None,
    output_format: Annotated[Format, typer.Option(help="How to print.")] = Format.TEXT,
    config: options.Config = None,
    isolated: options.Isolated = False,
    workers: options.Workers = None,
    executor: options.Executor = None,
    address: options.Address = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print the numbers alone.")] = False,
) -> None:
    """Count examples, turns, tokens, labels, and what is billed."""
    settings = options.settings(
        config,
        isolated,
        target=target,
        encoding=encoding,
        records=records,
        workers=workers,
        executor=executor,
        address=address,
    )
    from dsprep import api
    from dsprep.cli.console import console, progress

    with progress(quiet) as bar:
        report = api.stats(
            paths or [],
            train=train or [],
            validation=validation or [],
            test=test or [],
            settings=settings,
            progress=bar,
        )
    if output_format is Format.JSON:
        import orjson

        sys.stdout.buffer.write(orjson.dumps(report.stats, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
        return
    from dsprep.reports.figures import render_stats

    for note in () if quiet else report.notes:
        typer.echo(f"note: {note}", err=True)
    render_stats(report.stats, console())
