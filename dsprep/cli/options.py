"""Options that several verbs share, written once; and settings made from them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from dsprep.config import Settings
    from dsprep.formats import Mapping as ColumnMapping

Target = Annotated[
    str | None,
    typer.Option("--target", "-t", help="Backend and model that will read the data, such as openai:gpt-4o-mini."),
]
Encoding = Annotated[str | None, typer.Option(help="Token encoding, such as o200k_base (default: the target's).")]
Select = Annotated[
    list[str] | None, typer.Option(help="Rules to run: codes, names, prefixes such as TOK, or ALL (comma-separated).")
]
Ignore = Annotated[list[str] | None, typer.Option(help="Rules not to run.")]
ExtendSelect = Annotated[list[str] | None, typer.Option(help="Rules to run besides those selected.")]
Config = Annotated[
    list[str] | None, typer.Option(help="A TOML file, or KEY=VALUE to override one setting; may be repeated.")
]
Isolated = Annotated[bool, typer.Option("--isolated", help="Ignore all configuration files.")]
Workers = Annotated[int | None, typer.Option("--workers", "-j", min=1, help="Processes to use (default: all cores).")]
Seed = Annotated[int | None, typer.Option(min=0, help="Seed that decides splits.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but findings.")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Say which settings and files are used.")]
UnsafeFixes = Annotated[
    bool | None,
    typer.Option("--unsafe-fixes/--no-unsafe-fixes", help="Apply fixes that drop rows or change meaning, too."),
]


def listed(values: Sequence[str] | None) -> tuple[str, ...] | None:
    """Values of a repeatable, comma-separated option; None if it was not given."""
    if values is None:
        return None
    return tuple(part.strip() for value in values for part in value.split(",") if part.strip())


def settings(config: Sequence[str] | None, isolated: bool, verbose: bool = False, **overrides: Any) -> Settings:
    """The settings of a run. Exits through `cli.failures` when they cannot be used."""
    from dsprep.config import load_settings

    made, file = load_settings(config or (), isolated=isolated, start=Path.cwd(), overrides=overrides)
    if verbose:
        typer.echo(f"settings: {file or 'defaults'}", err=True)
    return made


System = Annotated[str | None, typer.Option(help="System message: text, or a template over columns.")]
User = Annotated[str | None, typer.Option(help="User message: a column, or a template such as '{{title}}: {{text}}'.")]
Assistant = Annotated[str | None, typer.Option(help="Assistant message: a column, or a template over columns.")]
Label = Annotated[str | None, typer.Option(help="Column with the label.")]
Group = Annotated[str | None, typer.Option(help="Column of what must stay together in a split (a document, a user).")]
Records = Annotated[
    str | None, typer.Option(help="Where the records are in nested JSON, such as 'questions[]'; parents are inherited.")
]


def mapping(**parts: Any) -> ColumnMapping | None:
    """The column mapping that flags describe; None if there is none, so that it is inferred."""
    from dsprep.formats import Mapping as ColumnMapping

    given = {name: value for name, value in parts.items() if value is not None}
    return ColumnMapping.model_validate(given) if given else None
