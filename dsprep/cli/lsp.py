"""`dsprep lsp`: a language server, for editors."""

from __future__ import annotations

import logging
import os
from importlib.util import find_spec
from typing import Annotated

import typer

from dsprep.cli import options


def command(
    target: options.Target = None,
    pack: options.Pack = None,
    config: options.Config = None,
    isolated: options.Isolated = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Say more on standard error.")] = False,
) -> None:
    """Check data in an editor while it is written: a language server, spoken to over standard input and output.

    Editors start it by themselves; docs/editors.md says how to tell them.
    """
    if find_spec("pygls") is None or find_spec("lsprotocol") is None:
        from dsprep.model.source import InputError

        raise InputError("`dsprep lsp` needs the package pygls, which is not installed: pip install 'dsprep[lsp]'")
    logging.basicConfig(level=logging.INFO if verbose else logging.WARNING)  # to standard error
    from dsprep.editor.server import serve

    overrides = {"target": target, "pack": pack}
    serve(
        # Who asks for a file means the one seen from here; the server goes to the folder that the editor has open.
        config=[item if "=" in item else os.path.abspath(item) for item in config or ()],
        isolated=isolated,
        overrides={name: value for name, value in overrides.items() if value is not None},
    )
