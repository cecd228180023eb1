"""The figures of the HTML report: tokens, labels, languages, duplicates, out of the statistics of the run.

The statistics are plain data that a later version may lay out otherwise, or that a run may lack: whatever is missing is
left out of the page, and never an error.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
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
#: More languages than this are summed up in one line, and so are those that are rarer than the share below.
MOST_LANGUAGES = 12
_RARE = 0.002
#: So many of the rare ones are named.
_NAMED = 6
#: Bars are drawn against the whole if one of them has more than this share, else against the largest.
_SMALL = 0.25
#: From this chance on, a difference is one that chance explains.
_CHANCE = 0.01
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
class Part:
    """One kind of tokens, in each split: `cells` are its number and its share."""

    name: str
    css: str
    cells: list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Tokens:
    """The section about length: a sentence, the histogram for wide and for narrow screens, a table of `columns` by
    split; where the tokens are, as a bar per split and a table; what training costs, as pairs of name and text."""

    lead: str
    charts: list[Markup]
    caption: str
    legend: list[tuple[str, str]]
    columns: tuple[str, ...]
    table: list[tuple[str, list[str]]]
    splits: list[str]
    bars: list[tuple[str, Markup]]
    parts: list[Part]
    billing: list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Share:
    """How much of one thing there is in one split; `css` is the colour of the split."""

    split: str
    css: str
    count: str
    share: str
    bar: Markup


@dataclass(frozen=True, slots=True)
class Shares:
    """A section of shares: rows of a name with an entry per split, sums by split, remarks below. `columns` name what is
    counted."""

    lead: str
    columns: tuple[str, str]
    rows: list[tuple[str, list[Share]]]
    totals: list[tuple[str, str]]
    remarks: list[str]


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
    everything = _mapping(stats, "all")
    whole = _mapping(everything, "tokens")
    total, longest = _number(whole, "total"), _number(whole, "max")
    if not total or longest is None:
        return None
    limit = _number(_mapping(stats, "limit"), "tokens")
    trained = _number(_mapping(everything, "trained_tokens"), "total")
    encoding = stats.get("encoding")
    sentences = [f"{total:,} tokens{f' of {encoding}' if isinstance(encoding, str) else ''}"]
    if trained is not None:
        sentences[0] += f", of which {_whole(percent(trained / total))} are learnt"
    if limit is not None:
        sentences.append(_cut(everything, limit))
    drawn, legend = _histogram(stats, limit)
    splits = _parts_of_splits(stats)
    return Tokens(
        ". ".join(sentences) + ".",
        drawn,
        _limit_source(stats, limit),
        legend,
        _COLUMNS,
        _token_table(stats),
        list(splits),
        [
            (
                name,
                charts.parts(
                    [(label, css, own.get(key, 0)) for key, label, css in _PARTS], name, "tokens", id_=f"p{i}"
                ),
            )
            for i, (name, own) in enumerate(splits.items())
        ],
        _parts(splits),
        _billing(stats),
    )


def _cut(whole: Mapping[str, Any], limit: float) -> str:
    """What the limit does, without a full stop."""
    over, examples = _number(whole, "over_limit") or 0, _number(whole, "examples") or 0
    if not over:
        return f"Every example fits within the limit of {limit:,}"
    share = f" ({_whole(percent(over / examples))})" if examples else ""
    said = f"{counted(round(over), 'example')}{share} {'is' if over == 1 else 'are'} longer than the limit of {limit:,}"
    cut, lost = _number(whole, "cut_tokens"), _number(whole, "cut_trained_tokens")
    if cut:
        said += f": {counted(round(cut), 'token')} would be cut"
        if lost is not None:
            said += f", {lost:,} of them to be learnt" if lost else ", none of them to be learnt"
    return said


#: Where tokens are: key of the statistics, name, class of the style.
_PARTS = (
    ("trained", "answers, learnt", "part-learnt"),
    ("weight_zero", "answers of weight 0", "part-masked"),
    ("user", "user", "part-user"),
    ("system", "system", "part-system"),
    ("tool", "results of tools", "part-tool"),
    ("declared_tools", "declared tools", "part-tools"),
    ("other", "other roles", "part-other"),
    ("framing", "roles and marks between turns", "part-framing"),
)


def _whole(share: str) -> str:
    """A share that no line breaks in two."""
    return share.replace(" ", "\u00a0")


def _parts_of_splits(stats: Mapping[str, Any]) -> dict[str, dict[str, int]]:
    """Tokens by where they are, for each of a few splits; of many, for all together."""
    splits = _mapping(stats, "splits")
    chosen = {"all": _mapping(stats, "all")} if len(splits) > MOST_SPLITS else splits
    out = {}
    for name, part in chosen.items():
        own = _mapping(part, "token_parts")
        counts = {key: n for key, _, _ in _PARTS if isinstance(n := own.get(key), int)}
        if sum(counts.values()):
            out[short(str(name), 40)] = counts
    return out


def _parts(splits: Mapping[str, Mapping[str, int]]) -> list[Part]:
    out = []
    for key, name, css in _PARTS:
        numbers = [(own.get(key, 0), sum(own.values())) for own in splits.values()]
        if any(n for n, _ in numbers):
            out.append(Part(name, css, [(f"{n:,}", percent(n / whole)) for n, whole in numbers]))
    return out


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


def _limit_source(stats: Mapping[str, Any], limit: float | None) -> str:
    about = _mapping(stats, "limit")
    source = about.get("source")
    sentences = []
    if limit is not None and isinstance(source, str) and source:
        sentences.append(f"Limit by {short(source)}{_dated(about)}.")
    if about.get("unverified") is True:
        sentences.append("This limit has no confirmed source, or is yours to set.")
    return " ".join(sentences)


def _dated(about: Mapping[str, Any]) -> str:
    day = about.get("as_of")
    return f", as of {day}" if isinstance(day, str) and day else ""


def _billing(stats: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What training takes and costs, of the training split."""
    training = _mapping(stats, "training")
    billed, epochs = _number(training, "billed_tokens"), _number(training, "epochs")
    if not billed or not epochs:
        return []
    per_epoch = _number(training, "tokens_per_epoch")
    out = [("Epochs", f"{epochs:,}, if the backend is not told otherwise")]
    out.append(("Tokens billed", f"{billed:,}" + (f", {per_epoch:,} an epoch" if per_epoch and epochs != 1 else "")))
    price, cost = _mapping(training, "price"), _number(training, "cost")
    rate = _number(price, "usd_per_million_tokens")
    if cost is not None and rate is not None:
        sure = (
            ""
            if price.get("unverified") is not True
            else " This price is not confirmed: look it up before you rely on it."
        )
        about = f"at ${rate:,.2f} for a million tokens{_dated(price)}, by {short(str(price.get('source')))}."
        out.append(("Cost", f"{_dollars(cost)} {about}{sure}"))
    else:
        note = training.get("price_note")
        said = f": {short(note)}" if isinstance(note, str) and note else ""
        out.append(("Cost", f"The price is not known{said}."))
    return out


def _dollars(amount: float) -> str:
    return "less than $0.01" if 0 < amount < 0.01 or not amount else f"${amount:,.2f}"


def _histogram(stats: Mapping[str, Any], limit: float | None) -> tuple[list[Markup], list[tuple[str, str]]]:
    data = _mapping(stats, "histogram")
    edges, by_split = data.get("edges"), _mapping(data, "counts")
    if not isinstance(edges, list) or len(edges) < 2 or not by_split:
        return [], []
    columns = [list(counts) for counts in by_split.values()]
    if any(len(counts) != len(edges) - 1 for counts in columns) or not any(map(any, columns)):
        return [], []
    names = [str(name) for name in by_split]
    if len(names) > MOST_SPLITS:
        names, columns = ["all"], [[sum(row) for row in zip(*columns, strict=True)]]
    bins = [
        charts.Bin(start, end, tuple(column[i] for column in columns)) for i, (start, end) in enumerate(pairwise(edges))
    ]
    legend = [(colour, short(name, 40)) for colour, name in zip(_COLOURS, names, strict=False)]
    drawn = [
        charts.histogram(
            bins,
            charts.Marker(limit, f"limit {limit:,}") if limit is not None else None,
            canvas=canvas,
            log=data.get("scale") == "log",
            series=[name for _, name in legend],
            colours=_COLOURS,
            title="Tokens per example",
            unit="tokens",
            items="examples",
        )
        for canvas in (charts.WIDE, charts.NARROW)
    ]
    return drawn, legend if len(legend) > 1 else []


def labels(report: Report) -> Shares | None:
    """How often each class occurs, by split, and whether splits differ; None for data without classes."""
    data = _mapping(report.stats, "labels")
    splits = _counts_by_split(data)
    whole = _summed(splits)
    if not whole or not data.get("source"):
        return None
    ordered = sorted(whole, key=lambda label: (-whole[label], label))
    came = _LABELS_FROM.get(str(data["source"]), "the data")
    lead = f"{counted(len(whole), 'class', 'classes')}, read from {came}."
    if len(whole) > 1:
        largest, smallest = whole[ordered[0]], whole[ordered[-1]]
        lead += f" The largest is {largest / smallest:,.1f} times as frequent as the smallest."
    missing = sum(n for n in _mapping(data, "unlabelled").values() if isinstance(n, int))
    if missing:
        lead += f" {counted(missing, 'example')} without a label."
    groups = [(_label_name(label), [label]) for label in ordered[:MOST_LABELS]]
    if rest := ordered[MOST_LABELS:]:
        groups.append((f"{len(rest):,} others", rest))
    return _shares(lead, ("Label", "examples"), groups, splits, _drift(data))


def _drift(data: Mapping[str, Any]) -> list[str]:
    """A sentence per split that was compared with the training split."""
    out = []
    for split, found in list(_mapping(data, "drift").items())[: MOST_SPLITS - 1]:
        distance, p = _number(found, "distance"), _number(found, "p")
        if distance is None:
            continue
        far = (
            f"{_whole(percent(distance))} of its examples would have to change class" if distance else "nothing differs"
        )
        if p is None:
            sure = "too few examples to tell a difference from chance"
        elif p >= _CHANCE:
            sure = f"a difference that chance explains (p = {p:.2g})"
        else:
            sure = f"more than chance explains (p {'< 0.0001' if p < 1e-4 else f'= {p:.2g}'})"
        out.append(f"{short(str(split), 40)} against train: {far}; {sure}.")
    return out


def languages(report: Report) -> Shares | None:
    """Which languages the examples are in, by split; None if nobody has looked."""
    data = _mapping(report.stats, "languages")
    splits = _counts_by_split(data)
    unknown = {name: n for name in splits if isinstance(n := _mapping(data, "unknown").get(name), int)}
    whole = _summed(splits)
    seen = whole.total() + sum(unknown.values())
    if not whole:
        return None
    names = _mapping(data, "names")
    ordered = sorted(whole, key=lambda code: (-whole[code], code))
    one_in = _number(data, "one_in") or 1
    lead = "Guessed from the first 300 characters of prose of each example."
    if one_in > 1:
        lead = (
            f"Guessed from the first 300 characters of prose of a sample: {counted(seen, 'example')}, "
            f"about one in {one_in:,}."
        )
    kept = [code for code in ordered[:MOST_LANGUAGES] if whole[code] >= seen * _RARE or code == ordered[0]]
    groups = [(f"{names.get(code, code)} ({code})" if code in names else short(code, 20), [code]) for code in kept]
    if rest := ordered[len(kept) :]:
        few = ", ".join(str(names.get(code, code)) for code in rest[:_NAMED])
        groups.append((f"{counted(len(rest), 'other')}", rest))
        more = f" and {len(rest) - _NAMED:,} more" if len(rest) > _NAMED else ""
        lead += f" Rare ones: {few}{more}; some of these guesses will be wrong."
    for name, n in unknown.items():
        splits[name][""] = n
    if any(unknown.values()):
        groups.append(("not told (too short, code)", [""]))
    return _shares(lead, ("Language", "examples"), groups, splits, [])


def _counts_by_split(data: Mapping[str, Any]) -> dict[str, dict[str, int]]:
    """`splits` of the data, as far as there are colours for them."""
    return {
        str(name): {str(label): n for label, n in counts.items() if isinstance(n, int)}
        for name, counts in list(_mapping(data, "splits").items())[:MOST_SPLITS]
        if isinstance(counts, Mapping) and counts
    }


def _summed(splits: Mapping[str, Mapping[str, int]]) -> Counter[str]:
    whole: Counter[str] = Counter()
    for counts in splits.values():
        whole.update(counts)
    return whole


def _shares(
    lead: str,
    columns: tuple[str, str],
    groups: Sequence[tuple[str, list[str]]],
    splits: Mapping[str, Mapping[str, int]],
    remarks: list[str],
) -> Shares:
    totals = {name: sum(counts.values()) or 1 for name, counts in splits.items()}
    numbers = {
        (title, name): sum(counts.get(label, 0) for label in members)
        for title, members in groups
        for name, counts in splits.items()
    }
    # One scale for all bars, so that they compare across splits and with each other: the whole, unless all are small.
    widest = max((n / totals[name] for (_, name), n in numbers.items()), default=0) or 1
    if widest > _SMALL:
        widest = 1.0
    rows = []
    for title, _ in groups:
        own = []
        for i, name in enumerate(splits):
            n = numbers[title, name]
            share = n / totals[name]
            own.append(
                Share(short(name, 40), _COLOURS[i], f"{n:,}", percent(share), charts.bar(share / widest, _COLOURS[i]))
            )
        rows.append((title, own))
    sums = [(short(name, 40), f"{sum(counts.values()):,}") for name, counts in splits.items()]
    return Shares(lead, columns, rows, sums, remarks)


def _label_name(label: str) -> str:
    """A label as a row title; white space at its ends, which would make two titles look the same, shows by quotes."""
    return short(label if label == label.strip() and label else f"“{label}”", 40)


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
