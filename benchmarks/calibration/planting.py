"""How faults are planted: the table that the modules of `planters` fill."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

Row = dict[str, Any]
#: What a planter is given and gives, by its scope. All get a `random.Random` first and the number of the variant last,
#: and may give None where nothing can be planted into what they were given.
#:
#: - `row`: a clean row; gives the row with the fault, or several rows that have it together.
#: - `dataset`: clean rows; gives all rows of a faulty data set.
#: - `splits`: clean rows; gives the rows of each split, by name.
#: - `file`: clean rows; gives the name of a file (its ending tells the format) and its bytes.
Scope = Literal["row", "dataset", "splits", "file"]


@dataclass(frozen=True)
class Planter:
    """A way to plant the fault that the rule with `code` finds.

    `options` are the rule's; `target` the one that has the limit in question; `kinds` those of text that the fault
    makes sense in (None: all); `settings` further ones of the run.
    """

    code: str
    plant: Callable[..., Any]
    scope: Scope = "row"
    options: Mapping[str, Any] = field(default_factory=dict)
    target: str | None = None
    kinds: tuple[str, ...] | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)


#: By code; a rule may have several.
PLANTERS: Final[dict[str, list[Planter]]] = {}


def plants(
    code: str,
    *,
    scope: Scope = "row",
    options: Mapping[str, Any] | None = None,
    target: str | None = None,
    kinds: tuple[str, ...] | None = None,
    settings: Mapping[str, Any] | None = None,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Put a planter into the table."""

    def register(plant: Callable[..., Any]) -> Callable[..., Any]:
        made = Planter(code, plant, scope, dict(options or {}), target, kinds, dict(settings or {}))
        PLANTERS.setdefault(code, []).append(made)
        return plant

    return register
