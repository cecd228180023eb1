"""Consoles and progress: styled on a terminal, plain in a pipe."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:  # rich costs more to import than many commands take
    from pathlib import Path

    from rich.console import Console

    from dsprep.api.session import Progress


def console(file: IO[str] | None = None, *, stderr: bool = False) -> Console:
    """A console that neither guesses highlights nor reads markup in what it prints."""
    from rich.console import Console as RichConsole

    return RichConsole(file=file, stderr=stderr, highlight=False, markup=False, emoji=False, soft_wrap=False)


@contextmanager
def progress(quiet: bool = False) -> Iterator[Progress]:
    """A progress bar on standard error if that is a terminal, else nothing at all."""
    import sys

    from dsprep.api.session import Silent

    if quiet or not sys.stderr.isatty():
        yield Silent()
        return
    from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as RichProgress

    with RichProgress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TimeRemainingColumn(),
        console=console(stderr=True),
        transient=True,
    ) as bar:
        yield _Bar(bar)


def written(data: bytes, file: Path | None) -> None:
    """Print `data` as it is, into `file` if there is one."""
    import sys

    if file is None:
        sys.stdout.buffer.write(data)
        sys.stdout.flush()
        return
    from dsprep.engine.writing import AtomicFile

    with AtomicFile(file) as out:
        out.write(data)


class _Bar:
    def __init__(self, bar: object) -> None:
        from rich.progress import Progress as RichProgress

        assert isinstance(bar, RichProgress)
        self._bar = bar
        self._task = bar.add_task("reading", total=None)

    def begin(self, stage: str, total: int) -> None:
        self._bar.reset(self._task, description=stage, total=total or None)

    def advance(self, amount: int) -> None:
        self._bar.advance(self._task, amount)
