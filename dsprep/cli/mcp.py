"""`dsprep mcp`: a server of the Model Context Protocol, for agents."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from dsprep.cli import options


def command(
    root: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Read and write in this folder alone (default: the working directory)."),
    ] = None,
    read_only: Annotated[bool, typer.Option("--read-only", help="Offer nothing that writes files.")] = False,
    allow_urls: Annotated[bool, typer.Option("--allow-urls", help="Let URLs be read, too.")] = False,
    config: options.Config = None,
    isolated: options.Isolated = False,
    workers: Annotated[int, typer.Option("--workers", "-j", metavar="N", min=1, help="Processes that check data.")] = 1,
) -> None:
    """Let an agent check, mend and prepare data: a server of the Model Context Protocol over standard input and output.

    Agents start it by themselves; docs/editors.md says how to tell them.
    """
    from dsprep.model.source import InputError

    if find_spec("mcp") is None:
        raise InputError("`dsprep mcp` needs the package mcp, which is not installed: pip install 'dsprep[mcp]'")
    folder = root or Path.cwd()
    if not folder.is_dir():
        raise InputError(f"{folder}: there is no such folder")
    from dsprep.agent.server import serve

    serve(folder, read_only=read_only, allow_urls=allow_urls, config=config or (), isolated=isolated, workers=workers)
