"""The statistics of a run as a table for the terminal: see `folds.statistics` for the keys."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

_MEASURES = ("min", "mean", "median", "p5", "p95", "max", "total")
_NAMES = {"turns": "messages", "tokens": "tokens", "trained_tokens": "trained tokens"}


def render_stats(stats: Mapping[str, Any], console: Console) -> None:
    """Per split: messages, tokens and trained tokens per example; labels; default epochs and billed tokens."""
    for split, part in stats["splits"].items():
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
        table.add_column(Text(f"{split}: {part['examples']:,} examples"), no_wrap=True, min_width=26)
        for measure in _MEASURES:
            table.add_column(measure, justify="right", no_wrap=True)
        for key, name in _NAMES.items():
            table.add_row(name, *(_number(part[key][measure]) for measure in _MEASURES))
        console.print(table)
    limit = stats["limit"]
    over = stats["all"]["over_limit"]
    console.print(
        Text(
            f"{over:,} of {stats['examples']:,} examples are over the limit of {limit['tokens']:,} tokens "
            f"({stats['target']}, {stats['encoding']})."
        )
    )
    training = stats["training"]
    console.print(
        Text(
            f"Default epochs: {training['epochs']}; tokens billed: {training['billed_tokens']:,} "
            f"({training['tokens_per_epoch']:,} an epoch)."
        )
    )
    labels = stats["labels"]
    if labels["source"]:
        place = "the label field" if labels["source"] == "field" else "the assistant's short answers"
        console.print(Text(f"Labels, from {place}:"))
        for split, counts in labels["splits"].items():
            whole = sum(counts.values()) or 1
            shown = ", ".join(f"{label!r} {n:,} ({n / whole:.1%})" for label, n in list(counts.items())[:20])
            more = f" and {len(counts) - 20:,} more" if len(counts) > 20 else ""
            console.print(Text(f"  {split}: {shown}{more}"))


def _number(value: float | int | None) -> str:
    if value is None:
        return "–"
    return f"{value:,}" if isinstance(value, int) else f"{value:,.1f}"
