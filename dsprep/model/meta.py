"""What is known of a rule without running it: enough to show its findings, and quickly imported."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from dsprep.model.finding import Severity


class FixAvailability(StrEnum):
    """Whether the findings of a rule come with a fix."""

    NEVER = "never"
    SOMETIMES = "sometimes"
    ALWAYS = "always"


@dataclass(frozen=True, slots=True)
class RuleMeta:
    """What is known of a rule without running it.

    `message` is a `str.format` template over the finding's args. `default` says whether it runs without being
    selected. `since` is the dsprep version that brought it. `about` names the args that say what a finding about the
    data as a whole is about (a split, a label), not how much of it there is: by these a baseline knows it again.
    """

    code: str
    name: str
    severity: Severity
    message: str
    summary: str
    fix: FixAvailability = FixAvailability.NEVER
    default: bool = True
    since: str = "0.1.0"
    about: tuple[str, ...] = ()
