"""`dsprep rule`: the page of one rule."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from dsprep.cli import options


def command(
    name: Annotated[str, typer.Argument(metavar="CODE|NAME", help="A rule, such as TOK001 or too-many-tokens.")],
    pack: options.Pack = None,
    plain: Annotated[bool, typer.Option("--plain", help="Print the Markdown as it is.")] = False,
) -> None:
    """Explain a rule: what it finds, why, its fix and options."""
    from dsprep.catalog.pages import rule_page
    from dsprep.catalog.registry import find_rule

    if pack is None:
        page = rule_page(find_rule(name))
    else:
        from dsprep.catalog.packs import load_pack

        loaded = load_pack(pack)
        code = loaded.book.find(name)
        page = rule_page(code, loaded.book, loaded.rule_options().get(code, {}))
    if plain or not sys.stdout.isatty():
        typer.echo(page, nl=False)
        return
    from rich.markdown import Markdown

    from dsprep.cli.console import console

    console().print(Markdown(page))
