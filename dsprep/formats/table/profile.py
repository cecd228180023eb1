"""What is in the columns of a table: enough of it to tell texts from labels, names and numbers."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

#: Cells that stand for none, as exports write them (after folding of case).
MISSING: Final = frozenset({"", "null", "none", "nan", "n/a", "na", "nil", "-", "--", "?", "\\n"})

_URL: Final = re.compile(r"(?:https?://|www\.)\S+", re.IGNORECASE)
_NUMBER: Final = re.compile(r"[-+]?\d+(?:[.,]\d+)*%?")
_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}|\d{1,2}[./]\d{1,2}[./]\d{2,4}")


@dataclass(frozen=True, slots=True)
class Column:
    """A column in numbers, all of them of the cells that are filled: `filled` is how many these are, `distinct` how
    many different ones; `length` and `words` are means; `urls`, `numbers`, `dates` and `nested` are shares from 0 to 1
    of cells that are such (`nested`: lists, objects, or JSON of them). `rows` is the number of all rows."""

    name: str
    rows: int
    filled: int
    distinct: int
    length: float
    words: float
    urls: float
    numbers: float
    dates: float
    nested: float

    @property
    def prose(self) -> bool:
        """Whether the cells are texts that somebody wrote."""
        return (
            2 * self.filled >= self.rows > 0
            and self.words >= 2.5
            and max(self.urls, self.numbers, self.dates, self.nested) < 0.5
            and self.distinct >= 0.2 * self.filled
        )

    @property
    def classes(self) -> bool:
        """Whether the cells are few different short texts or numbers, as labels are."""
        return (
            2 * self.filled >= self.rows > 0
            and 2 <= self.distinct <= 50
            and self.distinct <= max(2, 0.2 * self.filled)
            and self.length <= 40
            and max(self.urls, self.dates, self.nested) < 0.5
        )


def profiled(columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> dict[str, Column]:
    """The profile of each of `columns` in a sample of rows."""
    import pandas as pd  # a third of a second, and needed only where columns have to be guessed

    return {name: _profile(name, pd.Series([row.get(name) for row in rows], dtype=object)) for name in columns}


def _profile(name: str, cells: Any) -> Column:
    nested = cells.map(lambda cell: isinstance(cell, (list, dict)))
    texts = cells.map(lambda cell: "" if cell is None or isinstance(cell, (list, dict)) else str(cell).strip())
    filled = texts[~texts.str.lower().isin(MISSING) & ~nested]
    count = len(filled) + int(nested.sum())
    if not count:
        return Column(name, len(cells), 0, 0, 0, 0, 0, 0, 0, 0)
    share = 1 / count
    as_json = filled.str.startswith(("[", "{")) & filled.str.endswith(("]", "}"))
    return Column(
        name,
        rows=len(cells),
        filled=count,
        distinct=int(filled.nunique()),
        length=float(filled.str.len().mean()) if len(filled) else 0.0,
        words=float(filled.str.split().str.len().mean()) if len(filled) else 0.0,
        urls=share * int(filled.str.fullmatch(_URL).sum()),
        numbers=share * int(filled.str.fullmatch(_NUMBER).sum()),
        dates=share * int(filled.str.strip("'\"").str.match(_DATE).sum()),
        nested=share * (int(nested.sum()) + int(as_json.sum())),
    )
