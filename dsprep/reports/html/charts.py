"""Charts as inline SVG: text, rectangles and lines, no script and no style attributes (the page's CSP forbids both).

Colours come from the page's classes, so that charts follow the light and the dark scheme. Every chart has a title and
a description; numbers stand as text beside or in it, so that none is told by length alone.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

# The histogram's canvas, in the units of its viewBox. The figure scrolls where a screen is narrower than readable.
_WIDTH, _HEIGHT = 860, 250
_LEFT, _RIGHT, _TOP, _BOTTOM = 58, 18, 30, 46
_BREAK = 92


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
    step = _nice_step(max(item.total for item in bins))
    ceiling = math.ceil(max(item.total for item in bins) / step) * step
    low, high = bins[0].start, bins[-1].end
    far = limit is not None and not log and limit.value > high + (high - low) * 0.25
    if limit is not None and not far and limit.value > high:
        high = limit.value * (1.15 if log else 1.02)
    if limit is not None and limit.value < low:
        low = limit.value
    right = _WIDTH - _RIGHT - (_BREAK if far else 0)
    floor = _HEIGHT - _BOTTOM

    def place(value: float) -> float:
        return math.log2(max(value, 0.75)) if log else value

    def x(value: float) -> float:
        return _LEFT + (place(value) - place(low)) / (place(high) - place(low)) * (right - _LEFT)

    def height(count: float) -> float:
        return (floor - _TOP) * count / ceiling

    parts = []
    for i in range(round(ceiling / step) + 1):
        level = floor - height(i * step)
        parts.append(_line(_LEFT, level, right, level, "grid" if i else "axis"))
        parts.append(_text(_LEFT - 10, level + 4, f"{i * step:,}", "tick", "end"))
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
    for tick in _log_ticks(low, high) if log else _ticks(low, high):
        parts.append(_line(x(tick), floor, x(tick), floor + 5, "axis"))
        parts.append(_text(x(tick), floor + 20, _number(tick), "tick", "middle"))
    scale = ", logarithmic scale" if log else ""
    parts.append(_text((_LEFT + right) / 2, _HEIGHT - 6, f"{unit} per example{scale}", "label", "middle"))
    parts.append(_text(0, 14, items, "label", "start"))
    if limit is not None:
        at = right + _BREAK - 14 if far else x(limit.value)
        if far:
            parts.append(_line(right, floor, right + 30, floor, "axis"))
            parts.append(_line(right + 42, floor, right + _BREAK, floor, "axis"))
            parts.extend(_line(start, floor + 6, start + 6, floor - 6, "axis") for start in (right + 27, right + 39))
        parts.append(_line(at, _TOP - 8, at, floor, "limit"))
        anchor = "end" if at > (_LEFT + right) / 2 else "start"
        parts.append(_text(at + (-6 if anchor == "end" else 6), 16, limit.label, "limit-text", anchor))
    total = sum(item.total for item in bins)
    about = f"{total:,} {items} from {_number(bins[0].start)} to {_number(bins[-1].end - 1)} {unit}."
    if limit is not None:
        about += f" The line marks the {limit.label}."
    return _svg(Markup("").join(parts), f"0 0 {_WIDTH} {_HEIGHT}", title, about, "histogram")


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


def _svg(content: Markup, box: str, title: str, about: str, css: str) -> Markup:
    return Markup(
        '<svg class="{}" viewBox="{}" role="img" aria-labelledby="{}-title {}-desc">'
        '<title id="{}-title">{}</title><desc id="{}-desc">{}</desc>{}</svg>'
    ).format(css, box, css, css, css, title, css, about, content)


def _line(x1: float, y1: float, x2: float, y2: float, css: str) -> Markup:
    return Markup('<line class="{}" x1="{}" y1="{}" x2="{}" y2="{}"/>').format(css, _n(x1), _n(y1), _n(x2), _n(y2))


def _text(x: float, y: float, text: str, css: str, anchor: str) -> Markup:
    return Markup('<text class="{}" x="{}" y="{}" text-anchor="{}">{}</text>').format(css, _n(x), _n(y), anchor, text)


def _n(value: float) -> str:
    """A coordinate: a tenth of a unit is finer than any screen shows, and short numbers keep the file small."""
    return f"{value:.1f}".removesuffix(".0")


def _number(value: float) -> str:
    return f"{round(value):,}" if value == round(value) or abs(value) >= 100 else f"{value:.1f}"


def _nice_step(top: float, lines: int = 4) -> int:
    """A round step, at least 1, that takes at most about `lines` steps to `top`."""
    raw = max(top / lines, 1)
    size = 10 ** math.floor(math.log10(raw))
    return max(next(int(size * m) for m in (1, 2, 2.5, 5, 10) if size * m >= raw and size * m == int(size * m)), 1)


def _ticks(low: float, high: float) -> list[float]:
    """Round values from `low` to `high`."""
    step = _nice_step(high - low, 8)
    first = math.ceil(low / step) * step
    return [float(first + i * step) for i in range(int((high - first) // step) + 1)] if high >= first else []


def _log_ticks(low: float, high: float) -> list[float]:
    """1, 2, 5, 10, 20 … from `low` to `high`; powers of ten alone if that were too many."""
    powers = range(int(math.log10(max(high, 1))) + 1)
    factors = (1, 2, 5) if math.log10(high / max(low, 1)) < 4.5 else (1,)
    return [float(f * 10**p) for p in powers for f in factors if low <= f * 10**p <= high]
