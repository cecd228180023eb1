"""`dsprep suppress`: findings that are accepted, with the reason why."""

from __future__ import annotations

import re
from typing import Annotated

import typer

from dsprep.cli import options


def command(
    place: Annotated[
        str, typer.Argument(metavar="FILE[:LINE]", help="The file, or one record of it, as findings name it.")
    ],
    rules: Annotated[list[str], typer.Argument(metavar="RULE", help="Rules whose findings there are accepted.")],
    reason: Annotated[str, typer.Option("--reason", "-m", metavar="TEXT", help="Why, for whoever reads it in a year.")],
    train: options.Files = None,
    validation: options.Files = None,
    test: options.Files = None,
    target: options.Target = None,
    encoding: options.Encoding = None,
    config: options.Config = None,
    isolated: options.Isolated = False,
    workers: options.Workers = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing.")] = False,
) -> None:
    """Accept findings: they are counted, but neither listed nor fixed any more, and no reason to put a row aside.

    Entries go into FILE.dsprep.yaml beside the file. They know a record by what it says, not by its line: a record that
    is edited is looked at anew.

    Exit code 0: done; 2: these rules find nothing there.
    """
    settings = options.settings(config, isolated, target=target, encoding=encoding, workers=workers)
    from dsprep import api
    from dsprep.cli.console import progress
    from dsprep.reports import counted

    found = re.fullmatch(r"(.+?):(\d+)(?::.*)?", place, re.DOTALL)
    path, line = (found[1], int(found[2])) if found else (place, None)
    with progress(quiet) as bar:
        done = api.suppress(
            options.file_named(path),
            options.listed(rules) or (),
            line=line,
            reason=reason,
            train=train or (),
            validation=validation or (),
            test=test or (),
            settings=settings,
            progress=bar,
        )
    if not quiet:
        entries = counted(len(done.entries), "entry", "entries")
        typer.echo(f"{entries} added to {done.path}, for {counted(done.findings, 'finding')}")
