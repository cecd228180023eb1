"""dsprep: lint, fix, convert and split fine-tuning data before you train on it.

    import dsprep
    report = dsprep.lint(["data.jsonl"])

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
        convert,
        diff,
        fix,
        lint,
        prepare,
        split,
        stats,
    )

    __version__: str

__all__ = [
    "ConvertResult",
    "FixResult",
    "PrepareResult",
    "SplitResult",
    "__version__",
    "convert",
    "diff",
    "fix",
    "lint",
    "prepare",
    "split",
    "stats",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        return import_module("dsprep.version").VERSION
    if name in __all__:
        return getattr(import_module("dsprep.api"), name)
    raise AttributeError(f"module 'dsprep' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
