"""What a rule makes of a limit that nobody has verified."""

from __future__ import annotations

from typing import Any

from dsprep.model.finding import Severity
from dsprep.model.rule import Rule


def under(rule: Rule[Any], *, unverified: bool) -> Severity | None:
    """The severity of a finding that rests on what a target says: the rule's own (None), or a warning if that is
    unverified. A severity that the user chose stands."""
    if not unverified or rule.meta.code in rule.context.severities or rule.severity.rank >= Severity.WARNING.rank:
        return None
    return Severity.WARNING
