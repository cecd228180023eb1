"""Findings, and the bounded, order-free heap of them that travels between workers."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import blake2b
from itertools import pairwise
from typing import Any, Final

from dsprep.model.fix import Applicability, Fix
from dsprep.model.location import Location

#: Args that say where something else is, or how one row compares with the others: they change when other rows do.
_ELSEWHERE: Final = frozenset(
    {"twin", "item", "examples", "cluster_size", "copies", "similarity", "commonest", "likely", "percent", "distance"}
)
_NUMBER: Final = re.compile(r"\d+")


class Severity(StrEnum):
    """How bad: an error fails a run by default, a warning should be looked at, an info is good to know."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"

    @property
    def rank(self) -> int:
        """0 for the worst, so that sorting by rank puts errors first."""
        return ("error", "warning", "info").index(self.value)


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault in one place, as data; the sentence is rendered from `args` by the rule's message template.

    `key` is the row key of the record (see `model.location`), or None for a finding about a file or the whole data
    set. `args` hold JSON values only; `args["excerpt"]`, where present, is the offending text, unescaped.
    `rows` is how many rows the finding stands for (a spelling variant of a label covers many).
    """

    code: str
    severity: Severity
    location: Location
    key: int | None = None
    args: Mapping[str, Any] = field(default_factory=dict)
    related: tuple[Location, ...] = ()
    fix: Fix | None = None
    rows: int = 1

    @property
    def order(self) -> tuple[int, str, str, str]:
        """Sorts findings of one rule by place; findings without a row come first, then reading order.

        Equal orders mean equal findings, so that any merge order lists the same.
        """
        return (*self.place, json.dumps(dict(self.args), sort_keys=True, default=str))

    @property
    def place(self) -> tuple[int, str, str]:
        """The first parts of `order`, which tell nearly all findings of a rule apart."""
        if self.key is None:
            return -1, self.location.path, self.location.pointer or self.location.column or ""
        return self.key, "", self.location.pointer or self.location.column or ""

    def __reduce__(self) -> tuple[Any, ...]:
        # As for Location.
        return Finding, (
            self.code,
            self.severity,
            self.location,
            self.key,
            self.args,
            self.related,
            self.fix,
            self.rows,
        )


@dataclass(slots=True)
class Tally:
    """All findings of one rule: exact counts, and the first `limit` of them in order of place.

    Merging is associative and order-free because the kept ones are always the smallest by `Finding.order`.

    `between` counts findings at a row of one split about a row of another (args `split` and `other`): by the two, and
    by whether the two rows are the same but for spelling (arg `similarity` is 1).
    """

    limit: int
    total: int = 0
    counts: Counter[tuple[Severity, Applicability | None]] = field(default_factory=Counter)
    findings: list[Finding] = field(default_factory=list)
    between: Counter[tuple[str, str, bool]] = field(default_factory=Counter)

    def add(self, finding: Finding) -> None:
        """Count `finding`, and keep it if it belongs to the first ones."""
        self.total += 1
        self.counts[finding.severity, finding.fix.applicability if finding.fix else None] += 1
        if "other" in finding.args and "split" in finding.args:
            args = finding.args
            self.between[args["split"], args["other"], args.get("similarity") == 1] += 1
        self.findings.append(finding)
        # Trimming only at twice the limit keeps adding O(log n) per finding on average.
        if len(self.findings) > 2 * self.limit:
            self._trim()

    def extend(self, findings: Iterable[Finding]) -> Tally:
        """Add each of `findings`; returns self."""
        for finding in findings:
            self.add(finding)
        return self

    def merged(self, other: Tally) -> Tally:
        """A tally of both; neither operand is changed."""
        out = Tally(
            max(self.limit, other.limit),
            self.total + other.total,
            self.counts + other.counts,
            self.findings + other.findings,
            self.between + other.between,
        )
        if len(out.findings) > 2 * out.limit:
            out._trim()
        return out

    def sorted(self) -> list[Finding]:
        """The kept findings in order of place."""
        self._trim()
        return list(self.findings)

    def fixable(self, applicability: Applicability) -> int:
        """How many of all the findings carry a fix of that kind."""
        return sum(n for (_, kind), n in self.counts.items() if kind is applicability)

    def of_severity(self, severity: Severity) -> int:
        """How many of all the findings are of that severity."""
        return sum(n for (kind, _), n in self.counts.items() if kind is severity)

    def _trim(self) -> None:
        sort_by_place(self.findings)
        del self.findings[self.limit :]


def sort_by_place(found: list[Finding]) -> None:
    """Sort findings of one rule by `Finding.order`, in place."""
    places = [finding.place for finding in found]
    if any(a >= b for a, b in pairwise(places)):
        if len(set(places)) == len(places):
            found.sort(key=lambda finding: finding.place)
        else:
            found.sort(key=lambda finding: finding.order)


def fingerprint(finding: Finding, about: Sequence[str] = ()) -> str:
    """32 hexadecimal digits by which a finding is known again in another run, wherever its row stands then and whatever
    its file is called: of the code, the field without its numbers, and what the finding says of the text. `about` is
    `RuleMeta.about`, which tells apart what is found about a file or the data as a whole.

    Findings that say the same have the same one, so compare multisets of them, or see `numbered`.
    """
    args = finding.args
    if finding.key is None and finding.location.line is None:
        said = {name: args[name] for name in about if name in args}
    elif args.get("excerpt"):
        # Beside the text itself, numbers are either of it as well, or of the rest of the data.
        said = {name: value for name, value in args.items() if isinstance(value, str) and name not in _ELSEWHERE}
    else:
        said = {name: value for name, value in args.items() if name not in _ELSEWHERE}
    # The place of a record in a file that is one document is part of its pointer.
    field = _NUMBER.sub("*", finding.location.field or "")
    text = json.dumps([finding.code, field, said], sort_keys=True, default=str)
    return blake2b(text.encode("utf-8", "backslashreplace"), digest_size=16, person=b"dsprep finding").hexdigest()


def numbered(fingerprints: Iterable[str]) -> list[str]:
    """The fingerprints with `:1`, `:2` … behind them, so that each stands for one finding: the first of those that say
    the same, the second."""
    seen: Counter[str] = Counter()
    out = []
    for one in fingerprints:
        seen[one] += 1
        out.append(f"{one}:{seen[one]}")
    return out
