"""The command line: one file per verb, each a thin layer over `dsprep.api`."""

from dsprep.cli.main import main

__all__ = ["main"]
