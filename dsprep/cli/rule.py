"""`dsprep rule`: the page of one rule."""

from __future__ import annotations

import sys
from typing import Annotated

import typer


def command(
    name: Annotated[str, typer.Argument(metavar="CODE|NAME", help="A rule, such as TOK001 or too-many-tokens.")],
    plain: Annotated[bool, typer.Option("--plain", help="Print the Markdown as it is.")] = False,
) -> None:
    """Explain a rule: what it finds, why, its fix and options."""
    from dsprep.catalog.pages import rule_page
    from dsprep.catalog.registry import find_rule

    page = rule_page(find_rule(name))
    if plain or not sys.stdout.isatty():
        typer.echo(page, nl=False)
        return
    from rich.markdown import Markdown

    from dsprep.cli.console import console

    console().print(Markdown(page))
