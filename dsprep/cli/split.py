"""`dsprep split`: divide files into train, validation and test so that nothing leaks."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dsprep.cli import options


def command(
    paths: Annotated[list[Path], typer.Argument(help="Files to split.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for train.jsonl, validation.jsonl …")],
    split: Annotated[str, typer.Option(help="Shares: 0.9/0.1, or three for train/validation/test.")] = "0.9/0.1",
    seed: options.Seed = None,
    config: options.Config = None,
    isolated: options.Isolated = False,
    workers: options.Workers = None,
    quiet: options.Quiet = False,
) -> None:
    """Split files as they are: each row unchanged, near-duplicates and groups together, classes in proportion."""
    settings = options.settings(config, isolated, seed=seed, workers=workers)
    from dsprep import api
    from dsprep.cli.console import progress

    with progress(quiet) as bar:
        result = api.split(paths, out, split=split, settings=settings, progress=bar)
    if not quiet:
        parts = ", ".join(f"{rows:,} {name}" for name, rows in result.rows.items())
        typer.echo(f"{result.funnel.rows_in:,} rows in: {parts}; written to {result.folder}")
    if result.rows["rejected"]:
        typer.echo(
            f"{result.rows['rejected']:,} rows cannot be read; they are in {result.folder / 'rejected.jsonl'}", err=True
        )
        raise typer.Exit(1)
