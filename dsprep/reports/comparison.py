"""What has changed between two versions of a data set (`dsprep diff`): for a terminal, as JSON, as Markdown.

Texts come from data: they are made visible for a terminal (`reports.visible`), and go into Markdown by a function that
the caller hands in, as one format does not know the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import orjson
from rich.console import Console
from rich.text import Text

from dsprep.model.changes import ChangedRow, DataComparison, FindingsChange, SingleRow, Version
from dsprep.model.finding import Severity
from dsprep.model.patch import difference
from dsprep.reports import counted, encoded, listed_words, plain, visible

#: The version of the format of `dumps`. It changes only when a key changes its meaning or goes away.
VERSION: Final = "1"
#: How many places of new findings, files, rules and classes are named.
_PLACES, _FILES, _RULES, _CLASSES = 3, 4, 20, 4
_LONGEST: Final = 160
#: A smaller drift than this is none to a reader.
_LEAST: Final = 0.0005
_SEVERITY = {Severity.ERROR: "bold red", Severity.WARNING: "yellow", Severity.INFO: "cyan"}
_COME, _GONE, _CHANGED, _QUIET = "green", "red", "yellow", "dim"

#: What a changed row was known again by, in words.
SIGNS: Final[Mapping[str, str]] = {
    "id": "same id",
    "learnt": "same conversation, something beside it differs",
    "spelling": "same but for case, white space or Unicode form",
    "prompt": "same prompt, another answer",
    "question": "same question, another setting",
    "answer": "same answer, another prompt",
    "place": "same place, much the same words",
    "words": "much the same words, elsewhere",
}


def dumps(result: DataComparison) -> bytes:
    """The comparison as JSON, in UTF-8 (docs/comparing.md); the same comparison gives the same bytes."""
    return encoded(plain(as_dict(result)), orjson.OPT_INDENT_2) + b"\n"


def as_dict(result: DataComparison) -> dict[str, Any]:
    """The comparison as JSON data."""
    return {
        "version": VERSION,
        "tool": result.tool,
        "settings": result.settings,
        "old": _version(result.old),
        "new": _version(result.new),
        "rows": {
            "old": result.old.rows,
            "new": result.new.rows,
            "unchanged": result.unchanged,
            "changed": result.changed,
            "added": result.added,
            "removed": result.removed,
            "reconciles": result.reconciles,
            "signs": result.signs,
            "moved": None
            if result.moved is None
            else [{"from": a, "to": b, "rows": n} for (a, b), n in result.moved.items()],
            "reordered": result.reordered,
        },
        "drift": {
            "tokens": result.tokens,
            "turns": result.turns,
            "labels": result.labels,
            "languages": result.languages,
            "formats": result.formats,
            "shapes": result.shapes,
        },
        "findings": {
            "new": result.new_findings,
            "gone": result.gone_findings,
            "rules_run": list(result.rules_run),
            "rules": [_finding(change) for change in result.findings],
        },
        "changed": [
            {
                "sign": row.sign,
                "old": row.old.as_dict(),
                "new": row.new.as_dict(),
                "fields": fields_of(row),
            }
            for row in result.changes
        ],
        "added": [_single(row) for row in result.additions],
        "removed": [_single(row) for row in result.removals],
        "notes": result.notes,
        "errors": [{"code": e.code, "path": e.path, "message": e.message} for e in result.errors],
    }


def _version(version: Version) -> dict[str, Any]:
    return {
        "files": version.files,
        "rows": version.rows,
        "examples": version.examples,
        "splits": version.splits,
    }


def _finding(change: FindingsChange) -> dict[str, Any]:
    rule = change.rule
    return {
        "code": rule.code,
        "name": rule.name,
        "severity": str(rule.severity),
        "before": rule.before,
        "now": rule.now,
        "new": rule.new,
        "gone": rule.gone,
        "places": [place.as_dict() for place in change.places],
    }


def _single(row: SingleRow) -> dict[str, Any]:
    return {"location": row.location.as_dict(), "excerpt": row.excerpt}


def fields_of(row: ChangedRow) -> list[str]:
    """JSON pointers of what differs; of an item that is new, into the new record, else into the old one. Empty if all
    that differs is masked."""
    try:
        return list(dict.fromkeys(operation["path"] for operation in difference(row.before, row.now)))
    except RecursionError:
        return [""]


def render(result: DataComparison, console: Console, changes: Sequence[str], *, examples: int) -> None:
    """The first changed rows, as `changes` has them, with `examples` of the added and removed ones; findings; drift;
    then the counts, which are what a person reads first."""
    if changes:
        _say(console, ("Changed rows", "bold"))
        for text in changes:
            # What renders them has escaped and coloured them.
            console.print(Text.from_ansi(text), soft_wrap=True)
        _more(console, result.changed - len(changes), "changed row")
        _say(console)
    for name, sign, style, rows, total in (
        ("Removed", "-", _GONE, result.removals, result.removed),
        ("Added", "+", _COME, result.additions, result.added),
    ):
        if rows and examples:
            _say(console, (f"{name} rows", "bold"))
            for row in rows[:examples]:
                _say(console, (f"  {sign} ", style), f"{row.location}  ", (row.excerpt, _QUIET))
            _more(console, total - min(len(rows), examples), f"{name.lower()} row")
            _say(console)
    _findings(result, console)
    drift = [*_drift(result, "->" if _ascii_only(console) else "→")]
    if drift:
        _say(console, ("Drift", "bold"))
        width = max(len(name) for name, _, _ in drift)
        for name, said, beyond in drift:
            _say(console, f"  {name:<{width}}  ", (said, "" if beyond else _QUIET))
        _say(console)
    for error in result.errors:
        place = f" on {error.path}" if error.path else ""
        _say(console, (f"{error.code} failed{place}: {error.message[:_LONGEST]}", "bold magenta"))
    for note in result.notes:
        _say(console, ("note", "bold cyan"), f": {note}")
    if result.notes or result.errors:
        _say(console)
    _counts(result, console)


def _findings(result: DataComparison, console: Console) -> None:
    if not result.rules_run:
        return
    if not result.findings:
        _say(console, ("Findings: none new, none gone", "bold"))
        _say(console)
        return
    _say(console, (f"Findings: {result.new_findings:,} new, {result.gone_findings:,} gone", "bold"))
    shown = result.findings[:_RULES]
    wide = max(len(f"{max(change.rule.new, change.rule.gone):,}") for change in shown) + 1
    for change in shown:
        rule = change.rule
        style = _SEVERITY[rule.severity]
        come = f"  {f'+{rule.new:,}' if rule.new else '':>{wide}} "
        gone = f"{f'-{rule.gone:,}' if rule.gone else '':>{wide}}  "
        places = ", ".join(place.place for place in change.places[:_PLACES])
        more = f", {_dots(console)}" if places and rule.new > _PLACES else ""
        _say(
            console,
            (come, style),
            (gone, _COME),
            (rule.code, style),
            f" {rule.name}",
            (f"  {places}{more}" if places else "", _QUIET),
        )
    _more(console, len(result.findings) - len(shown), "more rule", more="")
    _say(console)


def _counts(result: DataComparison, console: Console) -> None:
    for name, version in (("old", result.old), ("new", result.new)):
        _say(console, (name, "bold"), f"  {_described(version)}")
    rows = [
        (result.unchanged, "unchanged", "", ", in another order" if result.reordered else ""),
        (result.changed, "changed", _CHANGED, _by_signs(result.signs)),
        (result.removed, "removed", _GONE, ""),
        (result.added, "added", _COME, ""),
    ]
    if result.moved is not None:
        rows.append((result.moves, "of those in both moved between splits", _CHANGED, _moves(result, console)))
    wide = max(len(f"{n:,}") for n, *_ in rows)
    for n, name, style, more in rows:
        _say(console, (f"  {n:>{wide},} {name}", style if n else _QUIET), more)
    if not result.differs:
        _say(console, ("The same rows in both.", "bold green"))


def _by_signs(signs: Mapping[str, int]) -> str:
    ordered = sorted(signs.items(), key=lambda item: (-item[1], item[0]))
    return "".join(f"{': ' if not i else '; '}{n:,} {SIGNS[sign]}" for i, (sign, n) in enumerate(ordered))


def _moves(result: DataComparison, console: Console) -> str:
    arrow = "->" if _ascii_only(console) else "→"
    parts = [f"{a} {arrow} {b} {n:,}" for (a, b), n in (result.moved or {}).items()]
    return f": {', '.join(parts)}" if parts else ""


def _described(version: Version) -> str:
    more = f" and {len(version.files) - _FILES:,} more" if len(version.files) > _FILES else ""
    splits = ""
    if len(version.splits) > 1:
        splits = f" ({', '.join(f'{name} {n:,}' for name, n in version.splits.items())})"
    return f"{', '.join(version.files[:_FILES])}{more}: {counted(version.rows, 'row')}{splits}"


def _drift(result: DataComparison, arrow: str) -> Iterator[tuple[str, str, bool]]:
    """What has moved: its name, what there is to say, and whether that is more than chance gives."""
    for name, unit, drift in (("tokens per example", "tokens", result.tokens), ("messages", "messages", result.turns)):
        if drift and drift["ks"] >= _LEAST:
            figures = ", ".join(
                f"{figure} {drift[figure][0]:,g} {arrow} {drift[figure][1]:,g}"
                for figure in ("median", "mean", "p95", "max")
                if drift[figure][0] != drift[figure][1]
            )
            far = f"KS {drift['ks']:.3f}, {drift['moved']:,g} {unit} apart on average"
            yield name, f"{figures}{', ' if figures else ''}{far}{_chance(drift)}", bool(drift["beyond_chance"])
    for name, drift in (
        ("labels", result.labels),
        ("languages", result.languages),
        ("formats", result.formats),
        ("shapes", result.shapes),
    ):
        if drift and drift["distance"] >= _LEAST:
            classes = drift["changes"][:_CLASSES]
            shares = ", ".join(
                f'"{one["name"][:_LONGEST]}" {one["share_before"]:.1%} {arrow} {one["share_now"]:.1%}'
                for one in classes
            )
            others = len(drift["changes"]) - len(classes) + drift["more"]
            more = f" and {others:,} more" if others else ""
            far = f"; {drift['distance']:.1%} of all would have to change"
            yield name, f"{shares}{more}{far}{_chance(drift)}", bool(drift["beyond_chance"])


def _chance(drift: Mapping[str, Any]) -> str:
    return {True: "", False: " (may be chance)", None: " (too few to test)"}[drift["beyond_chance"]]


def markdown(result: DataComparison, changes: Sequence[str], inline: Callable[[str], str]) -> bytes:
    """The comparison for a comment on a pull request; `changes` are the first changed rows as plain text, `inline`
    makes a text harmless within a line."""
    lines = [
        "### Data: " + (_headline(result) if result.differs else "no row differs"),
        "",
        f"Old: {inline(_described(result.old))}  ",
        f"New: {inline(_described(result.new))}",
        "",
        "| rows | |",
        "|---|--:|",
        *(
            f"| {name} | {n:,} |"
            for name, n in (
                ("unchanged", result.unchanged),
                ("changed", result.changed),
                ("removed", result.removed),
                ("added", result.added),
            )
        ),
    ]
    if result.moved is not None:
        moved = ", ".join(f"{inline(a)} → {inline(b)} {n:,}" for (a, b), n in result.moved.items())
        lines.append(f"| moved between splits{': ' if moved else ''}{moved} | {result.moves:,} |")
    if result.findings:
        lines += ["", "| rule | before | now | new | gone |", "|---|--:|--:|--:|--:|"]
        for change in result.findings[:_RULES]:
            rule = change.rule
            lines.append(
                f"| {inline(f'{rule.code} {rule.name}')} ({rule.severity}) | {rule.before:,} | {rule.now:,} | "
                f"{rule.new:,} | {rule.gone:,} |"
            )
    elif result.rules_run:
        lines += ["", "No finding is new, and none is gone."]
    drift = list(_drift(result, "→"))
    if drift:
        lines += ["", *(f"- **{name}**: {inline(said)}" for name, said, _ in drift)]
    for title, shown, total in (
        ("changed", list(changes), result.changed),
        ("removed", _quoted(result.removals[: len(changes) or _PLACES]), result.removed),
        ("added", _quoted(result.additions[: len(changes) or _PLACES]), result.added),
    ):
        if shown:
            lines += ["", f"<details><summary>{len(shown):,} of {counted(total, f'{title} row')}</summary>", ""]
            lines += [*_fenced("\n".join(shown)), "", "</details>"]
    notes = [*result.notes, *(f"{error.code} failed: {error.message[:_LONGEST]}" for error in result.errors)]
    lines += ["", *(f"- {inline(note)}" for note in notes)] if notes else []
    return ("\n".join(lines) + "\n").encode("utf-8", "backslashreplace")


def _headline(result: DataComparison) -> str:
    counts = (
        (result.changed, "changed"),
        (result.removed, "removed"),
        (result.added, "added"),
        (result.moves, "moved"),
    )
    return listed_words(f"{n:,} {name}" for n, name in counts if n)


def _quoted(rows: Iterable[SingleRow]) -> list[str]:
    return [f"{visible(str(row.location))}  {visible(row.excerpt)}" for row in rows]


def _fenced(text: str) -> list[str]:
    """A block of code that nothing in `text` ends."""
    longest, run = 0, 0
    for character in text:
        run = run + 1 if character == "`" else 0
        longest = max(longest, run)
    fence = "`" * max(3, longest + 1)
    return [f"{fence}text", text, fence]


def _more(console: Console, n: int, what: str, more: str = "more ") -> None:
    if n > 0:
        _say(console, (f"  {_dots(console)} and {counted(n, f'{more}{what}')}", _QUIET))


def _say(console: Console, *pieces: tuple[str, str] | str) -> None:
    """A line of pieces, each a text or a text with its style, none of which acts on the terminal."""
    line = Text()
    for piece in pieces:
        text, style = (piece, "") if isinstance(piece, str) else piece
        line.append(visible(text, ascii_only=_ascii_only(console)), style)
    console.print(line, soft_wrap=True)


def _ascii_only(console: Console) -> bool:
    return not console.encoding.lower().startswith("utf")


def _dots(console: Console) -> str:
    return "..." if _ascii_only(console) else "…"
