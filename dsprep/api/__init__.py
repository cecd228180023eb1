"""The one door: lint, fix, convert, split, prepare and stats as functions that return typed objects.

The command line is a thin layer over these. Nothing here prints or exits; bad input raises `InputError`, bad settings
`ConfigError`, unknown names `UnknownNameError` or `UnknownTarget`, each with a sentence for a person.
"""

from dsprep.api.converting import ConvertResult, convert
from dsprep.api.linting import FixResult, diff, fix, lint
from dsprep.api.preparing import PrepareResult, prepare
from dsprep.api.session import Input, Progress
from dsprep.api.splitting import SplitResult, split
from dsprep.api.statistics import stats

__all__ = [
    "ConvertResult",
    "FixResult",
    "Input",
    "PrepareResult",
    "Progress",
    "SplitResult",
    "convert",
    "diff",
    "fix",
    "lint",
    "prepare",
    "split",
    "stats",
]
