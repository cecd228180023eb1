"""A rule's page: the same text for `dsprep rule`, for docs/rules/ and for editors, rendered from the rule itself."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pydantic_core import PydanticUndefined

from dsprep.catalog.registry import Rulebook
from dsprep.catalog.templates import option_key
from dsprep.model.meta import FixAvailability

#: The sections that the docstring of every rule has, in this order.
SECTIONS = ("What it does", "Why it matters", "Example", "Fix", "Source")

_FIX = {
    FixAvailability.NEVER: "There is no automatic fix.",
    FixAvailability.SOMETIMES: "A fix is sometimes available.",
    FixAvailability.ALWAYS: "A fix is always available.",
}


def rule_page(code: str, book: Rulebook | None = None, given: Mapping[str, Any] | None = None) -> str:
    """The page of the rule with `code`, in Markdown, ending with one line end.

    `book` has the rules of a pack, and `given` the options that the pack gives this one: what it does by default.
    """
    kind = (book or Rulebook()).kind(code)
    meta = kind.meta
    default = "" if meta.default else " Off unless it is selected."
    lines = [
        f"# {meta.name} ({meta.code})",
        "",
        f"Severity: {meta.severity}. {_FIX[meta.fix]}{default}{f' Since {meta.since}.' if meta.since else ''}",
        "",
        kind.documentation(),
    ]
    if kind.Options.model_fields:
        lines += ["", "## Options", "", f"In `dsprep.toml`, under `[rules.{meta.name}]`:", ""]
        for name, field in kind.Options.model_fields.items():
            default_value = field.get_default(call_default_factory=True)
            if given is not None:
                default_value = given.get(field.alias or name, default_value)
            none = default_value is None or default_value is PydanticUndefined
            shown = "" if none else f" (default `{json.dumps(default_value, default=str, ensure_ascii=False)}`)"
            lines.append(f"- `{option_key(name, field.alias)}`{shown}: {field.description or ''}".rstrip(": "))
    return "\n".join(lines).rstrip() + "\n"
