"""`dsprep clean`: remove the cache."""

from __future__ import annotations

from pathlib import Path

import typer

from dsprep.cli import options


def command(
    cache_dir: options.CacheDir = None,
    config: options.Config = None,
    isolated: options.Isolated = False,
) -> None:
    """Remove what earlier runs have kept in the cache of this project.

    Nothing is lost but time. Files in the folder that are not dsprep's stay.
    """
    from dsprep.engine.store import clean

    folder = options.settings(config, isolated, no_cache=False, cache_dir=cache_dir, cache=True).cache_dir
    assert folder is not None
    if not folder.is_dir():
        typer.echo(f"nothing to remove: there is no {_shown(folder)}")
        return
    size = clean(folder)
    typer.echo(f"removed {size:,} bytes from {_shown(folder)}")


def _shown(folder: Path) -> str:
    """Relative to the working directory if it is in there."""
    here = Path.cwd()
    return str(folder.relative_to(here) if folder.is_relative_to(here) else folder)
