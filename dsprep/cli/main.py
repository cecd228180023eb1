"""The entry point: which verbs there are, and how failures of any of them are said."""

from __future__ import annotations

import atexit
import gc
import os
import sys
from typing import Annotated

import typer

from dsprep.cli import (
    clean,
    convert,
    diff,
    init,
    lint,
    lsp,
    mcp,
    new_rule,
    prepare,
    profile,
    rule,
    rules,
    split,
    stats,
    suppress,
    targets,
    undo,
)
from dsprep.cli import config as config_command
from dsprep.cli import index as index_command
from dsprep.cli import pack as pack_command
from dsprep.cli.failures import EXIT_USAGE, reported

app = typer.Typer(
    name="dsprep",
    help="Lint, fix, convert and split fine-tuning data before you train on it.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
    # Help by rich takes three times as long as all else that `--help` does.
    rich_markup_mode=None,
)
app.command("lint")(lint.command)
app.command("convert")(convert.command)
app.command("diff")(diff.command)
app.command("prepare")(prepare.command)
app.command("split")(split.command)
app.command("stats")(stats.command)
app.command("profile")(profile.command)
app.command("rule")(rule.command)
app.command("rules")(rules.command)
app.command("packs")(pack_command.packs)
app.command("new-rule")(new_rule.command)
app.command("targets")(targets.command)
app.command("init")(init.command)
app.command("clean")(clean.command)
app.command("suppress")(suppress.command)
app.command("undo")(undo.command)
app.command("lsp")(lsp.command)
app.command("mcp")(mcp.command)
app.add_typer(index_command.app, name="index")
app.add_typer(config_command.app, name="config")
app.add_typer(pack_command.app, name="pack")


def _version(wanted: bool) -> None:
    if wanted:
        from dsprep.version import VERSION

        typer.echo(f"dsprep {VERSION}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", "-V", help="Print the version and exit.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """Lint, fix, convert and split fine-tuning data before you train on it."""


def main() -> None:
    """Run the command line and exit: 0 clean, 1 findings, 2 usage or internal error, never a traceback."""
    # Starting makes 90,000 objects that stay. To look through them for garbage again and again, and once more at exit,
    # takes longer than many a command.
    gc.set_threshold(100_000)
    atexit.register(gc.freeze)
    # Else numpy starts a thread per core for linear algebra, which there is none of here.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    # Else pydantic looks for plugins of its own in every installed package.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    _build_only(sys.argv[1:2])
    with reported():
        app()
    sys.exit(EXIT_USAGE)  # typer exits by itself; this line is for a command that forgot to


def _build_only(asked: list[str]) -> None:
    """Leave all commands out of the app but the one asked for, if it is one: to make the options of all takes 10 ms."""
    named = [command for command in app.registered_commands if [command.name] == asked]
    if named:
        app.registered_commands = named
        app.registered_groups = []
