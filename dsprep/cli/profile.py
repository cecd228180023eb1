"""`dsprep profile`: what is in the columns of a table, and expectations to start from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from dsprep.cli import options

if TYPE_CHECKING:
    from dsprep.api.profiling import TableProfile
    from dsprep.formats.table.columns import ColumnFigures


def command(
    paths: Annotated[
        list[str],
        typer.Argument(metavar="FILE", help="Tables to look at; - reads standard input.", parser=options.file_named),
    ],
    records: options.Records = None,
    suggest_expectations: Annotated[
        bool,
        typer.Option(
            "--suggest-expectations", help="Print a pack with expectations that the data meets, to save and edit."
        ),
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")] = False,
) -> None:
    """Show what is in the columns of a table, or write expectations of them."""
    from dsprep import api
    from dsprep.cli.console import progress

    with progress(quiet) as bar:
        found = api.profile(paths, records=records, progress=bar)
    if suggest_expectations:
        typer.echo(_pack(found, paths), nl=False)
    else:
        _print(found)
    if found.unreadable:
        typer.echo(f"{found.unreadable:,} records are no rows of cells; `dsprep lint` says why", err=True)


def _pack(found: TableProfile, paths: list[str]) -> str:
    import yaml

    names = ", ".join(info.path for info in found.inputs)
    section = yaml.safe_dump(
        {"extends": ["default"], "table": found.expectations()}, allow_unicode=True, sort_keys=False, width=110
    )
    return (
        f"# What {found.rows:,} rows of {' '.join(names.split())} meet. Take out what is so by chance, then:\n"
        "# dsprep lint FILE --pack THIS.yaml\n" + section
    )


def _print(found: TableProfile) -> None:
    from rich.table import Table

    from dsprep.cli.console import console

    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("column", "kind"):
        table.add_column(heading, overflow="fold")
    for heading in ("filled", "different"):
        table.add_column(heading, justify="right")
    table.add_column("range or values", overflow="fold")
    for column in found.columns.values():
        more = "> 1,000" if column.more else f"{len(column.values):,}"
        table.add_row(
            *map(
                _visible, (column.name, column.kind, f"{column.filled / max(1, column.rows):.0%}", more, _range(column))
            )
        )
    out = console()
    out.print(table)
    out.print(f"\n{found.rows:,} rows, {len(found.columns):,} columns", highlight=False)


def _range(column: ColumnFigures) -> str:
    parts = []
    if column.words_for_missing:
        parts.append("says " + ", ".join(f"{word!r} × {n:,}" for word, n in column.words_for_missing.most_common(3)))
    if column.kind == "numbers" and column.least is not None:
        parts.insert(0, f"{_number(column.least)} to {_number(column.greatest)}")
    elif column.kind == "dates":
        parts.insert(0, f"{column.first} to {column.last}")
    elif column.kind == "texts" and column.more:
        parts.insert(0, f"{column.shortest:,} to {column.longest:,} characters")
    elif column.values:
        parts.insert(0, ", ".join(map(repr, column.shown_values())))
    return "; ".join(parts)


def _number(value: float | None) -> str:
    return f"{value:,.0f}" if value is not None and value.is_integer() else f"{value:,}"


def _visible(text: str) -> str:
    """Without what a terminal would act on, and without markup."""
    from rich.markup import escape

    return escape("".join(char if char.isprintable() else repr(char)[1:-1] for char in text))
