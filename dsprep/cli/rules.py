"""`dsprep rules`: all rules, a line each."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import Annotated

import typer

from dsprep.cli import options


class Format(StrEnum):
    TEXT = "text"
    JSON = "json"


def command(
    select: options.Select = None,
    pack: options.Pack = None,
    output_format: Annotated[Format, typer.Option(help="How to print the list.")] = Format.TEXT,
) -> None:
    """List the rules: code, severity, name and what each finds."""
    from dsprep.catalog.registry import Rulebook

    wanted = options.listed(select)
    book = Rulebook()
    if pack is not None:
        from dsprep.catalog.packs import load_pack

        book = load_pack(pack).book
    metas = [book.kind(code).meta for code in (book.codes if wanted is None else book.select(wanted))]
    if output_format is Format.JSON:
        rows = [
            {
                "code": meta.code,
                "name": meta.name,
                "severity": str(meta.severity),
                "fix": str(meta.fix),
                "default": meta.default,
                "summary": meta.summary,
            }
            for meta in metas
        ]
        typer.echo(json.dumps(rows, indent=2))
        return
    width = max((len(meta.name) for meta in metas), default=0)
    for meta in metas:
        mark = {"never": " ", "sometimes": "~", "always": "*"}[meta.fix]
        typer.echo(f"{meta.code} {mark} {meta.severity:<7} {meta.name:<{width}}  {meta.summary}")
    typer.echo("\n* always fixable, ~ sometimes; `dsprep rule CODE` explains one")
