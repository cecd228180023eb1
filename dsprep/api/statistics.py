"""`stats`: examples, turns, tokens, labels, epochs."""

from __future__ import annotations

from typing import Any

from dsprep.api.linting import linted
from dsprep.api.session import Paths, Progress, inputs_from, open_session
from dsprep.config import Settings, with_overrides
from dsprep.model.report import Report


def stats(
    paths: Paths = (),
    *,
    train: Paths = (),
    validation: Paths = (),
    test: Paths = (),
    settings: Settings | None = None,
    progress: Progress | None = None,
    **overrides: Any,
) -> Report:
    """A report with `stats` and without findings: no rule is run."""
    inputs, notes = inputs_from(paths, train=train, validation=validation, test=test)
    session = open_session(
        inputs, with_overrides(settings, overrides), codes=lambda code: False, progress=progress, notes=notes
    )
    return linted(session)
