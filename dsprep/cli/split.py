"""`dsprep split`: divide files into train, validation and test so that nothing leaks."""

from __future__ import annotations

from typing import Annotated

import typer

from dsprep.cli import options


def command(
    paths: Annotated[
        list[str],
        typer.Argument(metavar="FILE", help="Files to split: JSON lines, CSV, JSON.", parser=options.file_named),
    ],
    out: Annotated[
        str, typer.Option("--out", "-o", metavar="FOLDER", help="Folder for train.jsonl, validation.jsonl …")
    ],
    split: options.Shares = "0.9/0.1",
    group: options.Group = None,
    label: options.Label = None,
    records: options.Records = None,
    seed: options.Seed = None,
    config: options.Config = None,
    isolated: options.Isolated = False,
    workers: options.Workers = None,
    executor: options.Executor = None,
    address: options.Address = None,
    memory_limit: options.MemoryLimit = None,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Print nothing but how many rows could not be read.")
    ] = False,
) -> None:
    """Divide files as they are, so that nothing leaks.

    No row is changed. Near-duplicates, equal prompts and groups stay together, and classes keep their shares. Exit
    code 0: every row is in a split; 1: rows could not be read; 2: the input or the command line cannot be used.
    """
    settings = options.settings(
        config,
        isolated,
        seed=seed,
        records=records,
        workers=workers,
        memory_limit=memory_limit,
        executor=executor,
        address=address,
    )
    from dsprep import api
    from dsprep.cli.console import progress

    mapping = options.mapping(group=group, label=label)
    with progress(quiet) as bar:
        result = api.split(paths, out, split=split, mapping=mapping, settings=settings, progress=bar)
    if not quiet:
        for note in result.notes:
            typer.echo(f"note: {note}", err=True)
        parts = ", ".join(f"{rows:,} {name}" for name, rows in result.rows.items())
        typer.echo(f"{result.funnel.rows_in:,} rows in: {parts}; written to {result.folder}")
    if result.rows["rejected"]:
        typer.echo(
            f"{result.rows['rejected']:,} rows cannot be read; they are in {result.folder / 'rejected.jsonl'}", err=True
        )
        raise typer.Exit(1)
