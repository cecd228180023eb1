"""`dsprep undo`: what `lint --fix` has changed, taken back."""

from __future__ import annotations

from typing import Annotated

import typer


def command(
    ledger: Annotated[str, typer.Argument(metavar="LEDGER", help="The ledger, or the file that it lies beside.")],
    files: Annotated[
        list[str] | None,
        typer.Argument(metavar="FILE", help="Files to restore that are not below the ledger's folder."),
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Undo all runs in the ledger, not just the last one.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be undone; write nothing.")] = False,
) -> None:
    """Take back what the last `dsprep lint --fix` has changed, byte for byte.

    A file that was changed since is left alone. What was undone goes out of the ledger.

    Exit code 0: done, or nothing to do; 2: it cannot be done, and nothing was changed.
    """
    from dsprep import api
    from dsprep.reports import counted, visible

    for done in api.undo(ledger, files or (), everything=everything, dry_run=dry_run):
        path = visible(done.path)
        if not done.runs:
            typer.echo(f"{path} is as it was before; there is nothing to undo")
            continue
        rules = ", ".join(f"{visible(code)} {n:,}" for code, n in sorted(done.rules.items()))
        runs = "run" if len(done.runs) == 1 else "runs"
        named = ", ".join(map(str, done.runs))
        would = "would be undone" if dry_run else "undone"
        typer.echo(f"{path}: {counted(done.changes, 'change')} of {runs} {named} {would} ({rules})")
