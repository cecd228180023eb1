"""A rule's page: the same text for `dsprep rule`, for docs/rules/ and for editors, rendered from the rule itself."""

from __future__ import annotations

import json

from dsprep.catalog.registry import rule_class
from dsprep.model.meta import FixAvailability

#: The sections that the docstring of every rule has, in this order.
SECTIONS = ("What it does", "Why it matters", "Example", "Fix", "Source")

_FIX = {
    FixAvailability.NEVER: "There is no automatic fix.",
    FixAvailability.SOMETIMES: "A fix is sometimes available.",
    FixAvailability.ALWAYS: "A fix is always available.",
}


def rule_page(code: str) -> str:
    """The page of the rule with `code`, in Markdown, ending with one line end."""
    kind = rule_class(code)
    meta = kind.meta
    default = "" if meta.default else " Off unless it is selected."
    lines = [
        f"# {meta.name} ({meta.code})",
        "",
        f"Severity: {meta.severity}. {_FIX[meta.fix]}{default} Since {meta.since}.",
        "",
        kind.documentation(),
    ]
    if kind.Options.model_fields:
        lines += ["", "## Options", "", f"In `dsprep.toml`, under `[rules.{meta.name}]`:", ""]
        for name, field in kind.Options.model_fields.items():
            default_value = field.get_default(call_default_factory=True)
            shown = "" if default_value is None else f" (default `{json.dumps(default_value, default=str)}`)"
            lines.append(f"- `{name.replace('_', '-')}`{shown}: {field.description or ''}".rstrip(": "))
    return "\n".join(lines).rstrip() + "\n"
