"""The funnel: rows in, what was taken away and why, what went where."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from dsprep.model.report import Report
from dsprep.reports import counted
from dsprep.reports.html.view import percent, short

#: More ways than this are one in the picture; the table has them all.
MOST_WAYS = 10

# The picture, in the units of its viewBox: a bar of all rows on the left, a bar for each way on the right.
_WIDTH, _TALL, _BAR, _RIGHT, _PITCH, _TOP = 860, 150, 10, 520, 22, 22


@dataclass(frozen=True, slots=True)
class FunnelRow:
    """A line of the funnel. Shares are of all rows; `start` is where the bar begins, as in a waterfall."""

    label: str
    detail: str
    rows: int
    share: float
    start: float
    kind: str


@dataclass(frozen=True, slots=True)
class Flow:
    """The funnel: a picture, its rows, and the sum in figures."""

    picture: Markup
    rows: list[FunnelRow]
    sum: str


def flow(report: Report) -> Flow | None:
    """The section about where the rows went; None if nothing was taken away or divided."""
    rows = funnel(report)
    return Flow(_picture(rows), rows, funnel_sum(report)) if rows else None


def _picture(rows: Sequence[FunnelRow]) -> Markup:
    """Bands from the bar of all rows to a bar for each way, as wide as the way has rows, what is kept at the top. It
    says the same as the table."""
    kept = [row for row in rows if row.kind == "kept"]
    gone = sorted((row for row in rows if row.kind == "gone"), key=lambda row: -row.rows)
    ways = [(row.label, row.rows, row.kind) for row in (*kept, *gone)]
    if rest := ways[MOST_WAYS:]:
        ways = [*ways[:MOST_WAYS], (f"{len(rest):,} other ways", sum(n for _, n, _ in rest), rest[0][2])]
    everything = rows[0].rows
    heights = [_TALL * n / everything for _, n, _ in ways]
    # Each way has room for its label, however few rows it has.
    rooms = [max(height + 6, _PITCH) for height in heights]
    left = float(_TOP)
    top = float(_TOP)
    middle = (_BAR + _RIGHT) / 2
    parts = [
        Markup(
            '<text class="label" x="0" y="13">{} in</text><rect class="bar-in" x="0" y="{}" width="{}" height="{}"/>'
        ).format(counted(everything, "row"), _TOP, _BAR, _TALL)
    ]
    for (label, n, kind), height, room in zip(ways, heights, rooms, strict=True):
        tall = max(height, 1.5)
        start, end, far = f"{left:.1f}", f"{left + tall:.1f}", f"{top + tall:.1f}"
        parts.append(
            Markup('<path class="band bar-{}" d="M{} {}C{} {} {} {} {} {}V{}C{} {} {} {} {} {}Z"/>').format(
                *(kind, _BAR, start, middle, start, middle, f"{top:.1f}", _RIGHT, f"{top:.1f}"),
                *(far, middle, far, middle, end, _BAR, end),
            )
        )
        parts.append(
            Markup(
                '<rect class="bar-{}" x="{}" y="{}" width="{}" height="{}"/>'
                '<text class="way" x="{}" y="{}">{}</text><text class="label" x="{}" y="{}">{}</text>'
            ).format(
                *(kind, _RIGHT, f"{top:.1f}", _BAR, f"{tall:.1f}"),
                *(_RIGHT + _BAR + 10, f"{top + min(tall / 2, 90) + 4:.1f}", f"{'−' if kind == 'gone' else ''}{n:,}"),
                *(
                    _RIGHT + _BAR + 62,
                    f"{top + min(tall / 2, 90) + 4:.1f}",
                    f"{short(label, 28)}, {percent(n / everything)}",
                ),
            )
        )
        left += height
        top += room
    return Markup(
        '<svg class="flow" viewBox="0 0 {} {}" role="img" aria-labelledby="flow-title">'
        '<title id="flow-title">Where the rows went, as bands; the table below has the numbers</title>{}</svg>'
    ).format(_WIDTH, f"{max(top, _TOP + _TALL) + 2:.0f}", Markup("").join(parts))


def funnel(report: Report) -> list[FunnelRow]:
    """Rows in, what was taken away and why, what went where. Empty if nothing was taken away or divided."""
    flow = report.funnel
    if not flow.rows_in or (not flow.rejected and len(flow.out) < 2):
        return []

    def row(label: str, detail: str, rows: int, start: int, kind: str) -> FunnelRow:
        return FunnelRow(short(label, 60), short(detail, 60), rows, rows / flow.rows_in, start / flow.rows_in, kind)

    out = [row("Rows in", "", flow.rows_in, 0, "in")]
    left = flow.rows_in
    for step in flow.rejected:
        left -= step.rows
        out.append(row(step.reason or step.name, step.name if step.reason else "", step.rows, left, "gone"))
    start = 0
    for step in flow.out:
        out.append(row(step.name, step.reason, step.rows, start, "kept"))
        start += step.rows
    return out


def funnel_sum(report: Report) -> str:
    """The sum in figures, as a reader would check it."""
    flow = report.funnel
    parts = [f"{step.rows:,} {short(step.name, 40)}" for step in flow.out]
    if flow.rejected:
        parts.append(f"{flow.rows_rejected:,} rejected")
    sign = "=" if flow.reconciles else "≠"
    return f"{flow.rows_in:,} rows in {sign} {' + '.join(parts)}"
