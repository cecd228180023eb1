"""The one door: lint, fix, convert, split, prepare, stats and the index as functions that return typed objects.

The command line is a thin layer over these. Nothing here prints or exits; bad input raises `InputError`, bad settings
`ConfigError`, unknown names `UnknownNameError` or `UnknownTarget`, each with a sentence for a person.

Each name is imported on first use: `lint` has no need of what renders the report of `prepare`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dsprep.api.accepting import BaselineWritten, Suppressed, suppress, write_baseline
    from dsprep.api.comparing import compare_data
    from dsprep.api.converting import ConvertResult, convert
    from dsprep.api.explaining import explain
    from dsprep.api.indexing import IndexAdded, IndexRemoved, index_add, index_info, index_query, index_remove
    from dsprep.api.linting import FixResult, diff, fix, lint
    from dsprep.api.preparing import PrepareResult, prepare
    from dsprep.api.profiling import TableProfile, profile
    from dsprep.api.session import Input, Progress
    from dsprep.api.splitting import SplitResult, split
    from dsprep.api.statistics import stats
    from dsprep.api.undoing import Undone, undo

__all__ = [
    "BaselineWritten",
    "ConvertResult",
    "FixResult",
    "IndexAdded",
    "IndexRemoved",
    "Input",
    "PrepareResult",
    "Progress",
    "SplitResult",
    "Suppressed",
    "TableProfile",
    "Undone",
    "compare_data",
    "convert",
    "diff",
    "explain",
    "fix",
    "index_add",
    "index_info",
    "index_query",
    "index_remove",
    "lint",
    "prepare",
    "profile",
    "split",
    "stats",
    "suppress",
    "undo",
    "write_baseline",
]

_MODULES = {
    "BaselineWritten": "accepting",
    "ConvertResult": "converting",
    "FixResult": "linting",
    "IndexAdded": "indexing",
    "IndexRemoved": "indexing",
    "Input": "session",
    "PrepareResult": "preparing",
    "Progress": "session",
    "SplitResult": "splitting",
    "Suppressed": "accepting",
    "TableProfile": "profiling",
    "Undone": "undoing",
    "compare_data": "comparing",
    "convert": "converting",
    "diff": "linting",
    "explain": "explaining",
    "fix": "linting",
    "index_add": "indexing",
    "index_info": "indexing",
    "index_query": "indexing",
    "index_remove": "indexing",
    "lint": "linting",
    "prepare": "preparing",
    "profile": "profiling",
    "split": "splitting",
    "stats": "statistics",
    "suppress": "accepting",
    "undo": "undoing",
    "write_baseline": "accepting",
}


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return getattr(import_module(f"dsprep.api.{_MODULES[name]}"), name)
    raise AttributeError(f"module 'dsprep.api' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
