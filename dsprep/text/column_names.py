"""Names for the columns of a table whose header may leave them open."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

from dsprep.model.record import Fault

#: The column that holds the cells of a row beyond the last named one, as a list.
EXTRA: Final = "_extra"


def column_names(header: Sequence[Any]) -> tuple[tuple[str, ...], list[str], tuple[Fault, ...]]:
    """Names for the columns that `header` heads, all different and none empty; notes on those that were changed, and
    their faults."""
    notes: list[str] = []
    names: list[str] = []
    faults: list[Fault] = []
    stripped = [str(cell).strip() for cell in header]
    counts = Counter(stripped)
    first: dict[str, int] = {}
    for i, name in enumerate(stripped, 1):
        if name and name not in first and name != EXTRA:
            first[name] = i
            names.append(name)
            continue
        base = name or "column"
        number = i if not name else 2
        while f"{base}_{number}" in counts or f"{base}_{number}" in names:
            number += 1
        names.append(f"{base}_{number}")
        said = f"is called {name!r} like another one" if name else "has no name"
        notes.append(f"column {i} {said}; it goes by {names[-1]!r}")
        if name != EXTRA:
            args = {"number": i, "header": name, "name": names[-1], "first": first.get(name)}
            faults.append(Fault("ambiguous-header", args, line=1, column=names[-1]))
    return tuple(names), notes, tuple(faults)
