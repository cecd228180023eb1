"""`dsprep targets`: the backends and models that data can be checked for."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import Annotated

import typer


class Format(StrEnum):
    TEXT = "text"
    JSON = "json"


def command(
    output_format: Annotated[Format, typer.Option(help="How to print the list.")] = Format.TEXT,
) -> None:
    """List the targets: token limit and encoding of each."""
    from dsprep.catalog.packs import target_texts
    from dsprep.targets.loading import load_target, target_names

    texts = target_texts()
    targets = {name: load_target(name, texts) for name in target_names(texts)}
    if output_format is Format.JSON:
        rows = [
            {
                "name": name,
                "title": target.title,
                "max_tokens": target.max_tokens.model_dump(mode="json"),
                "encoding": target.encoding,
                "min_examples": target.min_examples.model_dump(mode="json"),
                "notes": list(target.notes),
            }
            for name, target in targets.items()
        ]
        typer.echo(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    width = max(len(name) for name in targets)
    typer.echo(f"{'target':<{width}}    tokens    encoding     backend or trainer")
    for name, target in targets.items():
        mark = "?" if target.max_tokens.unverified else " "
        typer.echo(f"{name:<{width}}  {target.max_tokens.value:>8,} {mark}  {target.encoding:<11}  {target.title}")
    typer.echo(
        "\nA backend's name alone means its default model. ? marks a limit that could not be verified, or that is\n"
        "yours to set (such as a trainer's sequence length): it warns, and never fails a run."
    )
