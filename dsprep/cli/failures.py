"""Every failure as a sentence: what, where, what to do. Set DSPREP_DEBUG=1 for the traceback behind an internal one."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import typer

EXIT_CLEAN, EXIT_FINDINGS, EXIT_USAGE = 0, 1, 2


@contextmanager
def reported() -> Iterator[None]:
    """Turn exceptions into one line on standard error and exit code 2."""
    try:
        yield
    except KeyboardInterrupt:
        typer.echo("stopped", err=True)
        sys.exit(128 + signal.SIGINT)
    except BrokenPipeError:
        # The reader (head, less) has enough. Python would complain again when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(128 + signal.SIGPIPE)
    except Exception as error:
        if os.environ.get("DSPREP_DEBUG"):
            raise
        typer.echo(f"error: {_sentence(error)}", err=True)
        sys.exit(EXIT_USAGE)


def _sentence(error: Exception) -> str:
    if type(error).__module__.startswith("dsprep."):
        return str(error)  # our own exceptions are written for people
    if isinstance(error, OSError):
        if not error.filename:
            return (error.strerror or str(error)).lower()
        # Files are written beside their target under another name, which says nothing to the user.
        place, name = os.path.split(os.fsdecode(error.filename))
        if place and not os.path.isdir(place):
            return f"{place}: there is no such folder"
        place = place if name.endswith(".dsprep-tmp") else os.fsdecode(error.filename)
        return f"{place}: {(error.strerror or str(error)).lower()}"
    if type(error).__name__ == "BrokenProcessPool":
        return "a worker process died, most likely for lack of memory; try again with --workers 1"
    if isinstance(error, MemoryError):
        return "out of memory; try again with --workers 1"
    return (
        f"dsprep failed with {type(error).__name__}: {error}. This is a bug in dsprep; "
        "run again with DSPREP_DEBUG=1 in the environment and report what it prints"
    )
