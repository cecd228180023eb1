"""Findings as reports may show them: no rule, whatever it is about, quotes a secret or a personal datum.

The rules about such things mask what they show by themselves. What other rules quote of a row is masked here, where the
whole row is still at hand, so that a piece of a key at the edge of an excerpt is known for what it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from dsprep.model.batch import Batch
from dsprep.model.finding import Finding
from dsprep.text.sensitive.showing import Secret, concealed, hidden_in, secrets_in


def masked_findings(batch: Batch, found: Mapping[str, Sequence[Finding]]) -> dict[str, list[Finding]]:
    """`found` on the rows of `batch`, by code, with args that show nothing of what is sensitive in the row.

    Fixes stay what they are: they are for the row itself. Only rows with findings that quote anything are looked at.
    """
    quoting = {
        finding.key for group in found.values() for finding in group if finding.key is not None and _quotes(finding)
    }
    if not quoting:
        return {code: list(group) for code, group in found.items()}
    rows = [i for i in range(len(batch)) if batch.key(i) in quoting]
    part = batch.with_rows([batch.records[i] for i in rows], [batch.examples[i] for i in rows])
    secrets = {part.key(i): own for i, own in secrets_in(part).items()}
    if not secrets:
        return {code: list(group) for code, group in found.items()}
    return {code: [_masked(finding, secrets) for finding in group] for code, group in found.items()}


def with_args(finding: Finding, mask: Callable[[str], str]) -> Finding:
    """`finding` with `mask` over all texts of its args; itself if nothing changes. The names of args are no texts."""
    args = {name: concealed(value, mask) for name, value in finding.args.items()}
    if all(args[name] is value for name, value in finding.args.items()):
        return finding
    return Finding(
        finding.code,
        finding.severity,
        finding.location,
        finding.key,
        args,
        finding.related,
        finding.fix,
        finding.rows,
    )


def _quotes(finding: Finding) -> bool:
    return any(isinstance(value, str | list | tuple | dict) for value in finding.args.values())


def _masked(finding: Finding, secrets: Mapping[int, Sequence[Secret]]) -> Finding:
    own = secrets.get(finding.key) if finding.key is not None else None
    if not own:
        return finding
    mask: Callable[[str], Any] = partial(hidden_in, secrets=own)
    return with_args(finding, mask)
