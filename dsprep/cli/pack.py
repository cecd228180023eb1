"""`dsprep packs`: which packs there are. `dsprep pack`: testing one, and the schema for editors."""

from __future__ import annotations

import json
from dataclasses import asdict
from enum import StrEnum
from typing import Annotated

import typer

app = typer.Typer(help="Test a rule pack, or print the schema of packs.", no_args_is_help=True)


class Format(StrEnum):
    TEXT = "text"
    JSON = "json"


OutputFormat = Annotated[Format, typer.Option(help="How to print what was found.")]


def packs(output_format: Annotated[Format, typer.Option(help="How to print the list.")] = Format.TEXT) -> None:
    """List the rule packs: name, target and what each is for."""
    from dsprep.catalog.packs import load_pack, pack_names

    found = [load_pack(name) for name in pack_names()]
    if output_format is Format.JSON:
        rows = [
            {"name": pack.name, "description": pack.description, "target": pack.target, "defines": sorted(pack.define)}
            for pack in found
        ]
        typer.echo(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    width = max(len(pack.name) for pack in found)
    for pack in found:
        typer.echo(f"{pack.name:<{width}}  {pack.description}")
    typer.echo('\nUse one with `--pack NAME`, or `pack = "NAME"` in dsprep.toml; NAME may be a YAML file.')


@app.command("test")
def examples(
    file: Annotated[str, typer.Argument(metavar="FILE|NAME", help="A pack: its file, or its name.")],
    output_format: OutputFormat = Format.TEXT,
) -> None:
    """Run the examples of the rules that a pack defines: exit code 0 if all are as they should be, 1 if not.

    A rule without an example of either kind counts as not as it should be.
    """
    from dsprep.api.pack_examples import test_pack

    pack, outcomes = test_pack(file)
    good = all(outcome.good for outcome in outcomes)
    if output_format is Format.JSON:
        rows = [
            {
                "code": outcome.meta.code,
                "name": outcome.meta.name,
                "file": outcome.file,
                "pass": outcome.passing,
                "fail": outcome.failing,
                "fix": outcome.fixing,
                "untested": outcome.untested,
                "failures": [asdict(failure) for failure in outcome.failures],
            }
            for outcome in outcomes
        ]
        typer.echo(json.dumps(rows, indent=2, ensure_ascii=False))
        raise typer.Exit(0 if good else 1)
    for outcome in outcomes:
        right = outcome.examples - len(outcome.failures)
        verdict = "ok" if outcome.good else "FAILED" if outcome.failures else "untested"
        kinds = [f"{outcome.passing} pass", f"{outcome.failing} fail"]
        kinds += [f"{outcome.fixing} fix"] if outcome.fixing else []
        typer.echo(
            f"{outcome.meta.code} {outcome.meta.name}: {verdict}, {right} of {outcome.examples} examples as they "
            f"should be ({', '.join(kinds)})"
        )
        for failure in outcome.failures:
            typer.echo(f"  {failure.example}: {_printable(failure.reason)}\n      {_printable(failure.shown)}")
        if outcome.untested:
            typer.echo(f"  it has no example under {outcome.untested}: nobody knows what it does")
    if not outcomes:
        typer.echo(f"{pack.name} defines no rules; it can be used, and there is nothing to test")
    raise typer.Exit(0 if good else 1)


@app.command("schema")
def schema() -> None:
    """Print the JSON Schema of packs, with all installed rules and their options, for editors."""
    from dsprep.catalog.packs import pack_schema

    typer.echo(json.dumps(pack_schema(), indent=2, ensure_ascii=False))


def _printable(text: str) -> str:
    """`text` with what does not print written as JSON writes it: a pack may be somebody else's."""
    return "".join(character if character.isprintable() else json.dumps(character)[1:-1] for character in text)
