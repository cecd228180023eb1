"""dsprep: lint, fix, convert and split fine-tuning data before you train on it.

    import dsprep
    report = dsprep.lint("data.jsonl")

The functions are those of `dsprep.api`; they are imported on first use, so that `import dsprep` costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dsprep.api import (
        ConvertResult,
        FixResult,
        PrepareResult,
        SplitResult,
        compare_data,
        convert,
        diff,
        fix,
        lint,
        prepare,
        split,
        stats,
        suppress,
        undo,
        write_baseline,
    )
    from dsprep.config import ConfigError, Settings, load_settings
    from dsprep.formats import Mapping
    from dsprep.model.finding import Finding, Severity
    from dsprep.model.report import Report
    from dsprep.model.source import InputError

    __version__: str

__all__ = [
    "ConfigError",
    "ConvertResult",
    "Finding",
    "FixResult",
    "InputError",
    "Mapping",
    "PrepareResult",
    "Report",
    "Settings",
    "Severity",
    "SplitResult",
    "__version__",
    "compare_data",
    "convert",
    "diff",
    "fix",
    "lint",
    "load_settings",
    "prepare",
    "split",
    "stats",
    "suppress",
    "undo",
    "write_baseline",
]

#: Where the names are that `dsprep.api` does not have.
_ELSEWHERE = {
    "ConfigError": "dsprep.config",
    "Finding": "dsprep.model.finding",
    "InputError": "dsprep.model.source",
    "Mapping": "dsprep.formats",
    "Report": "dsprep.model.report",
    "Settings": "dsprep.config",
    "Severity": "dsprep.model.finding",
    "load_settings": "dsprep.config",
}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        return import_module("dsprep.version").VERSION
    if name in __all__:
        return getattr(import_module(_ELSEWHERE.get(name, "dsprep.api")), name)
    raise AttributeError(f"module 'dsprep' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
