"""Charts as inline SVG: text, rectangles and lines, no script and no style attributes (the page's CSP forbids both).

Colours come from the page's classes, so that charts follow the light and the dark scheme. Every chart has a title and
a description; numbers stand as text beside or in it, so that none is told by length alone.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup


@dataclass(frozen=True, slots=True)
class Canvas:
    """The size of a chart with its margins, in the units of its viewBox; `lines` and `ticks` are about how many fit
    beside the axes, `gap` the room behind a break of the axis. A page has a wide and a narrow one of each chart, of
    which its style shows the one that fits, so that letters are readable on any screen."""

    css: str
    width: int
    height: int
    left: int
    right: int
    top: int
    bottom: int
    gap: int
    lines: int
    ticks: int


WIDE = Canvas("wide-chart", 860, 250, 58, 18, 30, 46, 92, 4, 8)
NARROW = Canvas("narrow-chart", 330, 220, 44, 10, 30, 46, 62, 4, 4)


@dataclass(frozen=True, slots=True)
class Bin:
    """How many examples, one number per series, have from `start` up to (not including) `end` tokens."""

    start: float
    end: float
    counts: tuple[int, ...]

    @property
    def total(self) -> int:
        return sum(self.counts)


@dataclass(frozen=True, slots=True)
class Marker:
    """A vertical line with a name, such as the target's limit."""

    value: float
    label: str


def histogram(
    bins: Sequence[Bin],
    limit: Marker | None,
    *,
    canvas: Canvas = WIDE,
    log: bool,
    series: Sequence[str],
    colours: Sequence[str],
    title: str,
    unit: str,
    items: str,
) -> Markup:
    """A histogram of `bins` (in order, without gaps), the series stacked, with the line of `limit`.

    On a linear axis a limit far beyond the data stands behind a break, since drawing it to scale would squeeze the data
    into the first few pixels; a logarithmic axis reaches as far as the limit.
    """
    step = _nice_step(max(item.total for item in bins), canvas.lines)
    ceiling = math.ceil(max(item.total for item in bins) / step) * step
    low, high = bins[0].start, bins[-1].end
    far = limit is not None and not log and limit.value > high + (high - low) * 0.25
    if limit is not None and not far and limit.value > high:
        high = limit.value * (1.15 if log else 1.02)
    if limit is not None and limit.value < low:
        low = limit.value
    left = canvas.left
    right = canvas.width - canvas.right - (canvas.gap if far else 0)
    floor = canvas.height - canvas.bottom

    def place(value: float) -> float:
        return math.log2(max(value, 0.75)) if log else value

    def x(value: float) -> float:
        return left + (place(value) - place(low)) / (place(high) - place(low)) * (right - left)

    def height(count: float) -> float:
        return (floor - canvas.top) * count / ceiling

    parts = []
    for i in range(round(ceiling / step) + 1):
        level = floor - height(i * step)
        parts.append(_line(left, level, right, level, "grid" if i else "axis"))
        parts.append(_text(left - 10, level + 4, f"{i * step:,}", "tick", "end"))
    for item in bins:
        width = x(item.end) - x(item.start)
        gap = 1.5 if width > 6 else 0.5 if width > 2 else 0.0
        base = float(floor)
        over = limit is not None and (item.start + item.end) / 2 > limit.value
        for name, colour, count in zip(series, colours, item.counts, strict=False):
            if not count:
                continue
            # A few examples among thousands still deserve a visible bar.
            tall = max(height(count), 1.5)
            base -= tall
            about = f"{_number(item.start)} to {_number(item.end - 1)} {unit}: {count:,} {items}"
            parts.append(
                Markup('<rect class="{}" x="{}" y="{}" width="{}" height="{}"><title>{}</title></rect>').format(
                    "bar over" if over else colour,
                    _n(x(item.start) + gap / 2),
                    _n(base),
                    _n(max(width - gap, 0.6)),
                    _n(tall),
                    about if len(series) == 1 else f"{about} of {name}",
                )
            )
    for tick in _log_ticks(low, high, canvas.ticks) if log else _ticks(low, high, canvas.ticks):
        parts.append(_line(x(tick), floor, x(tick), floor + 5, "axis"))
        parts.append(_text(x(tick), floor + 20, _number(tick), "tick", "middle"))
    scale = ", logarithmic scale" if log else ""
    parts.append(_text((left + right) / 2, canvas.height - 6, f"{unit} per example{scale}", "label", "middle"))
    parts.append(_text(0, 14, items, "label", "start"))
    if limit is not None:
        at = right + canvas.gap - 14 if far else x(limit.value)
        if far:
            parts.append(_line(right, floor, right + 30, floor, "axis"))
            parts.append(_line(right + 42, floor, right + canvas.gap, floor, "axis"))
            parts.extend(_line(start, floor + 6, start + 6, floor - 6, "axis") for start in (right + 27, right + 39))
        parts.append(_line(at, canvas.top - 8, at, floor, "limit"))
        anchor = "end" if at > (left + right) / 2 else "start"
        parts.append(_text(at + (-6 if anchor == "end" else 6), 16, limit.label, "limit-text", anchor))
    total = sum(item.total for item in bins)
    about = f"{total:,} {items} from {_number(bins[0].start)} to {_number(bins[-1].end - 1)} {unit}."
    if limit is not None:
        about += f" The line marks the {limit.label}."
    return _svg(
        Markup("").join(parts),
        f"0 0 {canvas.width} {canvas.height}",
        title,
        about,
        f"histogram-{canvas.css}",
        f"histogram {canvas.css}",
    )


def bar(share: float, css: str = "bar", *, start: float = 0.0) -> Markup:
    """A slim bar that covers `share` of its width from `start` on (both from 0 to 1).

    It repeats a number that stands beside it in text, so it is hidden from screen readers. What is not nothing is at
    least a sliver.
    """
    width = min(max(share, 0.0), 1.0) * 100
    if share > 0:
        width = max(width, 0.6)
    left = min(max(start, 0.0) * 100, 100 - width)
    return Markup(
        '<svg class="inline-bar" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true" focusable="false">'
        '<rect class="track" width="100" height="10"/><rect class="{}" x="{}" width="{}" height="10"/></svg>'
    ).format(css, _n(left), _n(width))


def icon(kind: str) -> Markup:
    """The verdict's sign: `pass`, `warn`, `fail` or `incomplete`. The words beside it say the same."""
    strokes = {
        "pass": "M8 16.5l5.5 5.5L24 11",
        "warn": "M16 9v9M16 22.5v.5",
        "fail": "M10.5 10.5l11 11M21.5 10.5l-11 11",
        "incomplete": "M12.5 12.5c0-5 7.5-4.5 7.5 0 0 3-4 3-4 6M16 23v.5",
    }
    return Markup(
        '<svg class="sign" viewBox="0 0 32 32" aria-hidden="true" focusable="false">'
        '<circle cx="16" cy="16" r="15"/><path d="{}"/></svg>'
    ).format(strokes[kind])


def parts(shares: Sequence[tuple[str, str, int]], title: str, unit: str, *, id_: str) -> Markup:
    """A bar that is divided like its whole: name, class of the page's style and size of each part. It takes any width;
    the numbers stand in it as titles, so show them beside it as well. `id_` tells it from other charts of the page."""
    whole = sum(n for _, _, n in shares) or 1
    pieces, at = [], 0.0
    for name, css, n in shares:
        wide = 100 * n / whole
        if n:
            said = f"{name}: {n:,} {unit} ({_share(n / whole)})"
            pieces.append(
                Markup('<rect class="{}" x="{}" width="{}" height="10"><title>{}</title></rect>').format(
                    css, f"{at:.2f}", f"{max(wide, 0.25):.2f}", said
                )
            )
        at += wide
    about = ", ".join(f"{name} {_share(n / whole)}" for name, _, n in shares if n)
    bar_ = _svg(Markup("").join(pieces), "0 0 100 10", title, about, id_, "parts")
    return bar_.replace("<svg ", Markup('<svg preserveAspectRatio="none" '), 1)


def _share(share: float) -> str:
    return f"{share:.1%}".replace("%", " %")


def _svg(content: Markup, box: str, title: str, about: str, id_: str, css: str) -> Markup:
    return Markup(
        '<svg class="{}" viewBox="{}" role="img" aria-labelledby="{}-title {}-desc">'
        '<title id="{}-title">{}</title><desc id="{}-desc">{}</desc>{}</svg>'
    ).format(css, box, id_, id_, id_, title, id_, about, content)


def _line(x1: float, y1: float, x2: float, y2: float, css: str) -> Markup:
    return Markup('<line class="{}" x1="{}" y1="{}" x2="{}" y2="{}"/>').format(css, _n(x1), _n(y1), _n(x2), _n(y2))


def _text(x: float, y: float, text: str, css: str, anchor: str) -> Markup:
    return Markup('<text class="{}" x="{}" y="{}" text-anchor="{}">{}</text>').format(css, _n(x), _n(y), anchor, text)


def _n(value: float) -> str:
    """A coordinate: a tenth of a unit is finer than any screen shows, and short numbers keep the file small."""
    return f"{value:.1f}".removesuffix(".0")


def _number(value: float) -> str:
    return f"{round(value):,}" if value == round(value) or abs(value) >= 100 else f"{value:.1f}"


def _nice_step(top: float, lines: int) -> int:
    """A round step, at least 1, that takes at most about `lines` steps to `top`."""
    raw = max(top / lines, 1)
    size = 10 ** math.floor(math.log10(raw))
    return max(next(int(size * m) for m in (1, 2, 2.5, 5, 10) if size * m >= raw and size * m == int(size * m)), 1)


def _ticks(low: float, high: float, most: int) -> list[float]:
    """Round values from `low` to `high`."""
    step = _nice_step(high - low, most)
    first = math.ceil(low / step) * step
    return [float(first + i * step) for i in range(int((high - first) // step) + 1)] if high >= first else []


def _log_ticks(low: float, high: float, most: int) -> list[float]:
    """1, 2, 5, 10, 20 … from `low` to `high`; powers of ten alone, or every second of them, if that were too many."""
    powers = range(int(math.log10(max(high, 1))) + 1)
    out: list[float] = []
    for factors, every in (((1, 2, 5), 1), ((1, 3), 1), ((1,), 1), ((1,), 2)):
        out = [float(f * 10**p) for p in powers[::every] for f in factors if low <= f * 10**p <= high]
        if len(out) <= 1.7 * most:
            break
    return out
