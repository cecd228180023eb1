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
        from dsprep.api.failing import sentence

        typer.echo(f"error: {sentence(error)}", err=True)
        sys.exit(EXIT_USAGE)
