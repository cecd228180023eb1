"""The statistics of a run as a table for the terminal: see `folds.statistics` for the keys."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from dsprep.reports import visible

_MEASURES = ("min", "mean", "median", "p5", "p95", "max", "total")
_PARTS = {
    "trained": "answers to be learnt",
    "weight_zero": "answers of weight 0",
    "system": "system",
    "user": "user",
    "tool": "results of tools",
    "other": "other roles",
    "declared_tools": "declared tools",
    "framing": "roles and marks between turns",
}
_NAMES = {"turns": "messages", "tokens": "tokens", "trained_tokens": "trained tokens"}


def render_stats(stats: Mapping[str, Any], console: Console) -> None:
    """Per split: messages, tokens and trained tokens per example. Of the whole: what is too long, where the tokens are,
    default epochs and cost, labels with drift, languages, shapes of conversations."""
    for split, part in stats["splits"].items():
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
        table.add_column(Text(f"{split}: {part['examples']:,} examples"), no_wrap=True, min_width=22)
        for measure in _MEASURES:
            table.add_column(measure, justify="right", no_wrap=True)
        for key, name in _NAMES.items():
            table.add_row(name, *(_number(part[key][measure]) for measure in _MEASURES))
        console.print(table)
    for line in _lines(stats):
        console.print(Text(visible(line)))


def _lines(stats: Mapping[str, Any]) -> Iterator[str]:
    yield _over(stats)
    parts = {key: n for key, n in stats["all"]["token_parts"].items() if n}
    if parts:
        whole = sum(parts.values())
        said = ", ".join(f"{_PARTS[key]} {n / whole:.1%}" for key, n in parts.items())
        yield f"Where the tokens are: {said}."
    training = stats["training"]
    yield (
        f"Default epochs: {training['epochs']}; tokens billed: {training['billed_tokens']:,} "
        f"({training['tokens_per_epoch']:,} an epoch). {_cost(training)}"
    )
    labels = stats["labels"]
    if labels["source"]:
        place = "the label field" if labels["source"] == "field" else "the assistant's short answers"
        yield f"Labels, from {place}:"
        for split, counts in labels["splits"].items():
            yield f"  {split}: {_shares({repr(label): n for label, n in counts.items()}, 20)}"
        for split, drift in labels["drift"].items():
            sure = "" if drift["p"] is None else f" (p = {drift['p']:.2g})"
            yield f"  {split} against train: {drift['distance']:.1%} of its examples would have to change class{sure}"
    languages = stats.get("languages")
    if languages and languages["examples"]:
        together = Counter({"not told": sum(languages["unknown"].values())})
        for counts in languages["splits"].values():
            together.update({languages["names"].get(code, code): n for code, n in counts.items()})
        sample = f", of about one example in {languages['one_in']:,}" if languages["one_in"] > 1 else ""
        yield f"Languages, guessed{sample}: {_shares(dict(together.most_common()), 5)}"
    if stats["shapes"]:
        yield f"Conversations: {_shares({item['shape']: item['examples'] for item in stats['shapes']}, 3, '; ')}"
    long = [_long(entry) for entry in stats["targets"] if entry["beyond"]["examples"] and not entry["checked"]]
    if long:
        yield f"Examples that would be too long for other targets: {', '.join(long)}."


def _over(stats: Mapping[str, Any]) -> str:
    limit, whole = stats["limit"], stats["all"]
    cut = ""
    if whole["cut_tokens"]:
        cut = f" {whole['cut_tokens']:,} tokens would be cut, {whole['cut_trained_tokens']:,} of them to be learnt."
    return (
        f"{whole['over_limit']:,} of {stats['examples']:,} examples are over the limit of {limit['tokens']:,} tokens "
        f"({stats['target']}, {stats['encoding']}).{cut}"
    )


def _cost(training: Mapping[str, Any]) -> str:
    price = training["price"]
    if price is None:
        return f"Price: not known{f', {note}' if (note := training['price_note']) else ''}."
    sure = ", not confirmed" if price["unverified"] else ""
    return (
        f"Cost: ${training['cost']:,.2f} at ${price['usd_per_million_tokens']:,.2f} for a million tokens "
        f"(price as of {price['as_of']}{sure})."
    )


def _long(entry: Mapping[str, Any]) -> str:
    beyond = entry["beyond"]
    about = "about " if beyond["estimated"] else ""
    return f"{about}{beyond['examples']:,} for {entry['target']} ({entry['limit']:,} tokens)"


def _shares(counts: Mapping[str, int], most: int, between: str = ", ") -> str:
    whole = sum(counts.values()) or 1
    listed = [(name, n) for name, n in counts.items() if n]
    shown = between.join(f"{name} {n:,} ({n / whole:.1%})" for name, n in listed[:most])
    more = len(listed) - most
    return f"{shown} and {more:,} more" if more > 0 else shown


def _number(value: float | int | None) -> str:
    if value is None:
        return "–"
    # A tenth says nothing of hundreds.
    return f"{value:,.1f}" if isinstance(value, float) and value < 100 else f"{round(value):,}"
