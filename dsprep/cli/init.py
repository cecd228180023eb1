"""`dsprep init`: a starter configuration."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

_STARTER = """\
# Settings of dsprep for this folder and those below it. `dsprep config show` prints all of them with their values.

# The backend and model that will read the data; it decides token limits and allowed keys.
target = "{target}"

# The least severity that makes `dsprep lint` exit with 1: error, warning, info or never.
fail-on = "error"

# Rules to leave out, by code, name or prefix.
ignore = []

# Options of rules, by name (`dsprep rule near-duplicate` lists them).
[rules.near-duplicate]
threshold = 0.8
"""


def command(
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="Where to write dsprep.toml (default: here).", show_default=False)
    ] = Path(),
    target: Annotated[
        str, typer.Option("--target", "-t", metavar="NAME", help="Backend and model; `dsprep targets` lists them.")
    ] = "openai:gpt-3.5-turbo-0125",
    force: Annotated[bool, typer.Option("--force", help="Replace a dsprep.toml that is there.")] = False,
) -> None:
    """Write a starter dsprep.toml."""
    from dsprep.catalog.packs import target_texts
    from dsprep.engine.writing import AtomicFile
    from dsprep.targets.loading import load_target

    load_target(target, target_texts())
    if not folder.is_dir():
        typer.echo(f"error: {folder}: there is no such folder", err=True)
        raise typer.Exit(2)
    file = folder / "dsprep.toml"
    if file.exists() and not force:
        typer.echo(f"error: {file} is there already; --force replaces it", err=True)
        raise typer.Exit(2)
    with AtomicFile(file) as out:
        out.write(_STARTER.format(target=target).encode())
    typer.echo(f"wrote {file}; next: dsprep lint your-data.jsonl")
