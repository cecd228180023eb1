"""The figures of the HTML report: tokens, labels, duplicates, out of the statistics of the run.

The statistics are plain data that a later version may lay out otherwise, or that a run may lack: whatever is missing is
left out of the page, and never an error.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from markupsafe import Markup

from dsprep.model.report import Report
from dsprep.reports import counted, prepared
from dsprep.reports.html import charts
from dsprep.reports.html.view import percent, place, short

#: More classes than this are summed up in one line.
MOST_LABELS = 15
#: As many splits as there are colours and columns for; others are left to the JSON report.
MOST_SPLITS = 3
_COLOURS = ("bar", "bar bar-2", "bar bar-3")

_LABELS_FROM = {"field": "the label field", "answer": "the short answers of the assistant"}
_TWINS = {
    "DUP001": "The same example again",
    "DUP002": "The same but for case, spaces or Unicode form",
    "DUP003": "Near-duplicates",
    "DUP004": "Same prompt, different answers",
    "DUP005": "One long answer to many prompts",
    "DUP006": "The beginning of another conversation",
    "LEK001": "The same example in two splits",
    "LEK002": "A near-duplicate in another split",
    "LEK003": "The same prompt in two splits",
    "LEK004": "The same group in two splits",
}


@dataclass(frozen=True, slots=True)
class Tokens:
    """The section about length: a sentence, the histogram, a table of `columns` by split."""

    lead: str
    chart: Markup | None
    caption: str
    legend: list[tuple[str, str]]
    columns: tuple[str, ...]
    table: list[tuple[str, list[str]]]


@dataclass(frozen=True, slots=True)
class LabelCell:
    """One label in one split."""

    count: str
    share: str
    bar: Markup


@dataclass(frozen=True, slots=True)
class LabelRow:
    """One label in each split."""

    label: str
    cells: list[LabelCell]


@dataclass(frozen=True, slots=True)
class Labels:
    """The section about classes."""

    lead: str
    splits: list[str]
    rows: list[LabelRow]
    total: list[str]


@dataclass(frozen=True, slots=True)
class Twin:
    """How often one kind of duplicate or overlap was found, and the first pair."""

    name: str
    count: str
    note: str
    tone: str
    first: str
    second: str


@dataclass(frozen=True, slots=True)
class Twins:
    """The section about duplicates and overlap."""

    lead: str
    rows: list[Twin]


def tokens(report: Report) -> Tokens | None:
    """How long the examples are, against the target's limit; None without examples."""
    stats = report.stats
    whole = _mapping(_mapping(stats, "all"), "tokens")
    total, longest = _number(whole, "total"), _number(whole, "max")
    if not total or longest is None:
        return None
    limit = _number(_mapping(stats, "limit"), "tokens")
    over = _number(_mapping(stats, "all"), "over_limit") or 0
    trained = _number(_mapping(_mapping(stats, "all"), "trained_tokens"), "total")
    encoding = stats.get("encoding")
    sentences = [f"{total:,} tokens{f' of {encoding}' if isinstance(encoding, str) else ''}"]
    if trained is not None:
        sentences[0] += f", of which {percent(trained / total)} are learnt"
    if limit is not None:
        if over:
            sentences.append(f"{counted(round(over), 'example')} above the limit of {limit:,} would be cut or refused")
        else:
            sentences.append(f"Every example fits within the limit of {limit:,}")
    chart, legend = _histogram(stats, limit)
    return Tokens(". ".join(sentences) + ".", chart, _billing(stats, limit), legend, _COLUMNS, _token_table(stats))


_COLUMNS = ("examples", "shortest", "median", "mean", "95 % below", "longest", "in all", "learnt", "too long")


def _token_table(stats: Mapping[str, Any]) -> list[tuple[str, list[str]]]:
    splits = {str(name): part for name, part in _mapping(stats, "splits").items() if isinstance(part, Mapping)}
    if len(splits) > 1:
        splits["all"] = _mapping(stats, "all")
    out = []
    for name, part in splits.items():
        sizes = _mapping(part, "tokens")
        cells = [_cell(part, "examples")]
        cells += [_cell(sizes, key) for key in ("min", "median", "mean", "p95", "max", "total")]
        cells += [_cell(_mapping(part, "trained_tokens"), "total"), _cell(part, "over_limit")]
        out.append((short(name, 40), cells))
    return out


def _billing(stats: Mapping[str, Any], limit: float | None) -> str:
    training = _mapping(stats, "training")
    billed, epochs = _number(training, "billed_tokens"), _number(training, "epochs")
    sentences = []
    if billed and epochs:
        sentences.append(
            f"By default the backend would train for {counted(round(epochs), 'epoch')} and bill {billed:,} tokens."
        )
    about = _mapping(stats, "limit")
    source, day = about.get("source"), about.get("as_of")
    if limit is not None and isinstance(source, str) and source:
        sentences.append(f"Limit by {short(source)}{f', as of {day}' if isinstance(day, str) else ''}.")
    if about.get("unverified") is True:
        sentences.append("This limit has no confirmed source.")
    return " ".join(sentences)


def _histogram(stats: Mapping[str, Any], limit: float | None) -> tuple[Markup | None, list[tuple[str, str]]]:
    data = _mapping(stats, "histogram")
    edges, by_split = data.get("edges"), _mapping(data, "counts")
    if not isinstance(edges, list) or len(edges) < 2 or not by_split:
        return None, []
    columns = [list(counts) for counts in by_split.values()]
    if any(len(counts) != len(edges) - 1 for counts in columns) or not any(map(any, columns)):
        return None, []
    names = [str(name) for name in by_split]
    if len(names) > MOST_SPLITS:
        names, columns = ["all"], [[sum(row) for row in zip(*columns, strict=True)]]
    bins = [
        charts.Bin(start, end, tuple(column[i] for column in columns)) for i, (start, end) in enumerate(pairwise(edges))
    ]
    legend = [(colour, short(name, 40)) for colour, name in zip(_COLOURS, names, strict=False)]
    chart = charts.histogram(
        bins,
        charts.Marker(limit, f"limit {limit:,}") if limit is not None else None,
        log=data.get("scale") == "log",
        series=[name for _, name in legend],
        colours=_COLOURS,
        title="Tokens per example",
        unit="tokens",
        items="examples",
    )
    return chart, legend if len(legend) > 1 else []


def labels(report: Report) -> Labels | None:
    """How often each class occurs, by split; None for data without classes."""
    data = _mapping(report.stats, "labels")
    splits = {
        str(name): {str(label): n for label, n in counts.items() if isinstance(n, int)}
        for name, counts in list(_mapping(data, "splits").items())[:MOST_SPLITS]
        if isinstance(counts, Mapping) and counts
    }
    whole: Counter[str] = Counter()
    for counts in splits.values():
        whole.update(counts)
    if not whole or not data.get("source"):
        return None
    ordered = sorted(whole, key=lambda label: (-whole[label], label))
    totals = {name: sum(counts.values()) for name, counts in splits.items()}
    # One scale for all bars, so that they compare across splits and with each other.
    widest = max(n / totals[name] for name, counts in splits.items() for n in counts.values())
    groups = [(_label_name(label), [label]) for label in ordered[:MOST_LABELS]]
    if rest := ordered[MOST_LABELS:]:
        groups.append((f"{len(rest):,} others", rest))
    rows = [
        LabelRow(
            title,
            [
                _label_cell(sum(counts.get(label, 0) for label in members), totals[name], widest, i)
                for i, (name, counts) in enumerate(splits.items())
            ],
        )
        for title, members in groups
    ]
    came = _LABELS_FROM.get(str(data["source"]), "the data")
    lead = f"{counted(len(whole), 'class', 'classes')}, read from {came}."
    if len(whole) > 1:
        largest, smallest = whole[ordered[0]], whole[ordered[-1]]
        lead += f" The largest is {largest / smallest:,.1f} times as frequent as the smallest."
    missing = sum(n for n in _mapping(data, "unlabelled").values() if isinstance(n, int))
    if missing:
        lead += f" {counted(missing, 'example')} without a label."
    total = [f"{totals[name]:,}" for name in splits]
    return Labels(lead, [short(name, 40) for name in splits], rows, total)


def _label_name(label: str) -> str:
    """A label as a row title; white space at its ends, which would make two titles look the same, shows by quotes."""
    return short(label if label == label.strip() and label else f"“{label}”", 40)


def _label_cell(n: int, total: int, widest: float, split: int) -> LabelCell:
    share = n / total if total else 0.0
    return LabelCell(f"{n:,}", percent(share), charts.bar(share / widest if widest else 0.0, _COLOURS[split]))


def twins(report: Report) -> Twins | None:
    """Duplicates, and overlap between splits, as far as a rule looked for them; None if none did."""
    found = {summary.meta.code: summary for summary in report.summaries if summary.tally.total}
    ran = {*report.rules_run, *found}
    several = len(_mapping(report.stats, "splits")) > 1
    rows = []
    for code, name in _TWINS.items():
        if code not in ran:
            continue
        leak = code.startswith("LEK")
        if code not in found:
            if several or not leak:
                rows.append(Twin(name, "0", "", "ok", "", ""))
            else:
                rows.append(Twin(name, "–", "one split only", "", "", ""))
            continue
        summary = found[code]
        first = summary.tally.sorted()[:1]
        rows.append(
            Twin(
                name,
                f"{summary.tally.total:,}",
                f"{summary.fixed:,} taken out; " if summary.fixed and prepared(report) else "",
                str(summary.severity),
                place(first[0].location) if first else "",
                place(first[0].related[0]) if first and first[0].related else "",
            )
        )
    if not rows:
        return None
    same = [summary for code, summary in found.items() if code in ("DUP001", "DUP002", "DUP003")]
    copies = sum(summary.tally.total for summary in same)
    removed = sum(summary.fixed for summary in same) if prepared(report) else 0
    leaks = sum(summary.tally.total for code, summary in found.items() if code.startswith("LEK"))
    lead = f"{counted(copies, 'copy', 'copies')} of examples that are there already"
    if removed:
        lead += ", all of them taken out" if removed >= copies else f", {removed:,} of them taken out"
    if leaks:
        lead += f", {counted(leaks, 'finding')} that a split knows of another what it should not"
    elif several:
        lead += ", no overlap between the splits"
    return Twins(lead + ".", rows)


def _mapping(value: Any, key: str) -> Mapping[str, Any]:
    inner = value.get(key) if isinstance(value, Mapping) else None
    return inner if isinstance(inner, Mapping) else {}


def _number(value: Mapping[str, Any], key: str) -> int | float | None:
    number = value.get(key)
    return number if isinstance(number, int | float) and not isinstance(number, bool) else None


def _cell(value: Mapping[str, Any], key: str) -> str:
    number = _number(value, key)
    if number is None:
        return "–"
    return f"{number:,.1f}" if isinstance(number, float) else f"{number:,}"
