"""The names of splits, and their order."""

from __future__ import annotations

from collections.abc import Iterable

TRAIN = "train"
VALIDATION = "validation"
TEST = "test"

_ORDER = {TRAIN: 0, VALIDATION: 1, TEST: 2}


def split_name(split: str | None) -> str:
    """The split that a row counts towards: rows of no named split would be trained on."""
    return split or TRAIN


def ordered(splits: Iterable[str]) -> list[str]:
    """`splits` without repeats: train, validation, test, then others by name."""
    return sorted(set(splits), key=lambda split: (_ORDER.get(split, len(_ORDER)), split))


_ALIASES = {
    "training": TRAIN,
    "valid": VALIDATION,
    "val": VALIDATION,
    "dev": VALIDATION,
    "eval": VALIDATION,
    "testing": TEST,
}


def known_as(name: str) -> str:
    """The split that a record or a column means by `name`: `dev` is validation. Other names stay as they are."""
    plain = name.strip().lower()
    return _ALIASES.get(plain, plain)
