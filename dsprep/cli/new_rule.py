"""`dsprep new-rule`: the beginning of a rule in a package of your own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def command(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What the fault is called, such as competitor-named.")],
    into: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="The folder of a plugin package, which is made if there is none (default: this one if it is one, else "
            "NAME).",
            file_okay=False,
        ),
    ] = None,
    code: Annotated[
        str | None,
        typer.Option(metavar="CODE", help="Its code, such as ACM001 (default: the next free one of the package)."),
    ] = None,
) -> None:
    """Begin a rule: write one with its cases, which pass, into a plugin package. Nothing is replaced."""
    from dsprep.catalog.scaffold import scaffold
    from dsprep.engine.writing import AtomicFile

    folder = into or (Path() if Path("pyproject.toml").is_file() else Path(name))
    made = scaffold(name, folder, code)
    for file, text in made.files.items():
        file.parent.mkdir(parents=True, exist_ok=True)
        with AtomicFile(file) as out:
            out.write(text.encode())
        typer.echo(f"{'changed' if file in made.replaced else 'wrote'} {file}")
    for note in made.notes:
        typer.echo(note)
    typer.echo(f"\n{made.code} {name} is there. Next: cd {folder} && pip install -e '.[test]' && pytest")
