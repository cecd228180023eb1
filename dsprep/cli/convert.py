"""`dsprep convert`: tables and other people's formats into chat, and back."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dsprep.cli import options

if TYPE_CHECKING:
    from dsprep.api import ConvertResult, Progress


def command(
    paths: Annotated[
        list[str],
        typer.Argument(metavar="FILE", help="Files to convert; - reads standard input.", parser=options.file_named),
    ],
    to: Annotated[
        str, typer.Option("--to", metavar="FORMAT", help="chat, prompt-completion, alpaca or sharegpt.")
    ] = "chat",
    output: Annotated[
        str | None,
        typer.Option(
            "--output", "-o", metavar="FILE", help="File to write; - for standard output (default: NAME.TO.jsonl)."
        ),
    ] = None,
    system: options.System = None,
    user: options.User = None,
    assistant: options.Assistant = None,
    label: options.Label = None,
    group: options.Group = None,
    keep: Annotated[
        list[str] | None, typer.Option(metavar="COLUMNS", help="Columns to keep as metadata (comma-separated).")
    ] = None,
    records: options.Records = None,
    force: Annotated[bool, typer.Option("--force", help="Replace an output file that is there.")] = False,
    workers: options.Workers = None,
    executor: options.Executor = None,
    address: options.Address = None,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Print nothing but how many rows were rejected.")
    ] = False,
) -> None:
    """Turn tables and other formats into chat JSON lines, or back.

    With no mapping at all, text and label columns are recognised, and what was assumed is said. Rows that cannot be
    converted are written whole to NAME.rejected.jsonl beside NAME.jsonl. Exit code 0: all rows
    were written; 1: rows were rejected; 2: the input or the command line cannot be used.
    """
    from dsprep import api
    from dsprep.cli.console import progress
    from dsprep.opening import shown

    mapping = options.mapping(
        system=system, user=user, assistant=assistant, label=label, group=group, keep=options.listed(keep)
    )
    target = output or f"{'stdin' if paths[0] == '-' else Path(shown(paths[0])).stem}.{to}.jsonl"
    if target != "-" and Path(target).exists() and not force:
        typer.echo(f"error: {target} is there already; name another file with --output, or --force", err=True)
        raise typer.Exit(2)

    def run(file: str | Path, bar: Progress) -> ConvertResult:
        return api.convert(
            paths,
            file,
            to=to,
            mapping=mapping,
            records=records,
            workers=workers,
            executor=executor,
            address=address,
            progress=bar,
        )

    with progress(quiet) as bar:
        result = _to_stdout(run, bar) if target == "-" else run(target, bar)
    if not quiet:
        for note in result.notes:
            typer.echo(note, err=True)
        for loss, rows in result.lost.most_common():
            typer.echo(f"{to} cannot carry {loss}: left out of {rows:,} rows", err=True)
        name = "standard output" if target == "-" else target
        typer.echo(f"{result.rows_in:,} rows in, {result.rows_out:,} written to {name}", err=True)
    if result.rejected:
        for reason, rows in result.rejected.most_common():
            place = f"; they are in {result.rejected_file}" if target != "-" else ""
            typer.echo(f"{rows:,} rows rejected: {reason}{place}", err=True)
        raise typer.Exit(1)


def _to_stdout(run: Callable[[Path, Progress], ConvertResult], bar: Progress) -> ConvertResult:
    """Convert into a temporary file and copy that: a failure half-way prints nothing."""
    import shutil
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "out.jsonl"
        result = run(file, bar)
        with file.open("rb") as stream:
            shutil.copyfileobj(stream, sys.stdout.buffer)
        sys.stdout.flush()
    return result
