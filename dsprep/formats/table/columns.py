"""The columns of a whole table in figures, in one pass with bounded memory, and expectations that they meet."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

from dsprep.formats.table.profile import MISSING
from dsprep.formats.table.template import as_text

#: So many different values of a column are counted; of one with more it is only known that it has more.
MOST_VALUES: Final = 1000
#: A column with so few different values, each of which stands for so many rows on average, has a set of values.
_SET: Final = 20
_ROWS_OF_A_VALUE: Final = 5
_LONGEST_SHOWN: Final = 80

_NUMBER: Final = re.compile(r"[-+]?[0-9]{1,15}(?:\.[0-9]{1,15})?")
_URL: Final = re.compile(r"https?://\S+")
_SHOWN: Final = 3


@dataclass(slots=True)
class ColumnFigures:
    """What is in a column: `rows` in all; `missing` of them empty, `words_for_missing` saying so in a word (`N/A`,
    `null` …); of the others the `numbers`, ISO `dates` and `urls`; the least and the greatest number and length
    (characters); the `values` with their counts, until there are more than MOST_VALUES (`more`)."""

    name: str
    rows: int = 0
    missing: int = 0
    words_for_missing: Counter[str] = field(default_factory=Counter)
    numbers: int = 0
    dates: int = 0
    urls: int = 0
    least: float | None = None
    greatest: float | None = None
    first: str = ""
    last: str = ""
    shortest: int | None = None
    longest: int = 0
    values: Counter[str] = field(default_factory=Counter)
    more: bool = False
    nested: int = 0

    @property
    def filled(self) -> int:
        """How many cells hold anything."""
        return self.rows - self.missing

    @property
    def kind(self) -> str:
        """What the column holds: nothing, numbers, dates, links, nested values, or texts."""
        for count, name in (
            (self.nested, "nested"),
            (self.numbers, "numbers"),
            (self.dates, "dates"),
            (self.urls, "links"),
        ):
            # Words for nothing stand among anything.
            if count and count >= 0.9 * (self.filled - self.words_for_missing.total()):
                return name
        return "texts" if self.filled else "nothing"

    def add(self, cell: Any) -> None:
        """Count a cell."""
        self.rows += 1
        if isinstance(cell, list | dict):
            self.nested += 1
            return
        text = as_text(cell)
        if not text.strip():
            self.missing += 1
            return
        if text.strip().lower() in MISSING:
            self.words_for_missing[text.strip()] += 1
        elif _NUMBER.fullmatch(text.strip()):
            self.numbers += 1
            number = float(text)
            self.least = number if self.least is None else min(self.least, number)
            self.greatest = number if self.greatest is None else max(self.greatest, number)
        elif _is_date(text):
            self.dates += 1
            self.first = min(self.first or text, text)
            self.last = max(self.last, text)
        elif _URL.fullmatch(text.strip()):
            self.urls += 1
        self.shortest = len(text) if self.shortest is None else min(self.shortest, len(text))
        self.longest = max(self.longest, len(text))
        if not self.more:
            self.values[text] += 1
            if len(self.values) > MOST_VALUES:
                self.more, self.values = True, Counter()

    def shown_values(self) -> list[str]:
        """The commonest values, cut to a length for reading."""
        found = sorted(self.values.items(), key=lambda item: (-item[1], item[0]))[:_SHOWN]
        return [value if len(value) <= _LONGEST_SHOWN else f"{value[: _LONGEST_SHOWN - 1]}…" for value, _ in found]


def _is_date(text: str) -> bool:
    if len(text) < 10 or text[4:5] != "-" or not text[:4].isdigit():
        return False
    try:
        date.fromisoformat(text[:10])
    except ValueError:
        return False
    return len(text) == 10 or text[10] in "T "


def column_figures(rows: Iterable[Mapping[str, Any]]) -> dict[str, ColumnFigures]:
    """The figures of each column of `rows`, in the order in which columns come up."""
    found: dict[str, ColumnFigures] = {}
    for count, row in enumerate(rows, 1):
        for name, cell in row.items():
            figures = found.get(name)
            if figures is None:
                # Rows before had no such column, which is as good as an empty cell.
                figures = found[name] = ColumnFigures(name, rows=count - 1, missing=count - 1)
            figures.add(cell)
        for figures in found.values():
            if figures.rows < count:
                figures.rows += 1
                figures.missing += 1
    return found


def expectations(figures: Iterable[ColumnFigures]) -> dict[str, list[dict[str, Any]]]:
    """Expectations that these columns meet, by the names and with the arguments of Great Expectations: no empty cell
    where there is none, a set of values where they are few, bounds of numbers and dates, links that are some. Each is a
    suggestion: what has not been seen yet may still be right."""
    out: dict[str, list[dict[str, Any]]] = {}

    def expect(name: str, **arguments: Any) -> None:
        out.setdefault(f"expect_column_{name}", []).append(arguments)

    for column in figures:
        if not column.filled:
            continue
        if not column.missing:
            expect("values_to_not_be_null", column=column.name)
        kind = column.kind
        # In prose, "?" may well be all that somebody said.
        if column.words_for_missing and not (kind == "texts" and column.more):
            expect("values_to_not_be_in_set", column=column.name, value_set=sorted(column.words_for_missing))
        usual = {value: n for value, n in column.values.items() if value.strip() not in column.words_for_missing}
        few = not column.more and 0 < len(usual) <= _SET and sum(usual.values()) >= _ROWS_OF_A_VALUE * len(usual)
        # Numbers that are few may be so by chance.
        if few and (kind == "texts" or (kind == "numbers" and len(usual) <= _SET // 2)):
            expect("values_to_be_in_set", column=column.name, value_set=sorted(usual))
            continue
        pure = not column.words_for_missing
        if kind == "numbers" and pure and column.numbers == column.filled:
            expect("values_to_be_between", column=column.name, min_value=column.least, max_value=column.greatest)
        elif kind == "dates" and pure and column.dates == column.filled:
            expect("values_to_be_between", column=column.name, min_value=column.first, max_value=column.last)
        elif kind == "links" and column.urls == column.filled:
            expect("values_to_match_regex", column=column.name, regex="^https?://")
        elif kind == "texts" and column.shortest is not None and column.longest <= 64:
            expect(
                "value_lengths_to_be_between",
                column=column.name,
                min_value=column.shortest,
                max_value=column.longest,
            )
    return out
