"""The entry point: which verbs there are, and how failures of any of them are said."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from dsprep.cli import config as config_command
from dsprep.cli import convert, init, lint, prepare, rule, rules, split, stats, targets
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
app.command("prepare")(prepare.command)
app.command("split")(split.command)
app.command("stats")(stats.command)
app.command("rule")(rule.command)
app.command("rules")(rules.command)
app.command("targets")(targets.command)
app.command("init")(init.command)
app.add_typer(config_command.app, name="config")


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
    with reported():
        app()
    sys.exit(EXIT_USAGE)  # typer exits by itself; this line is for a command that forgot to
