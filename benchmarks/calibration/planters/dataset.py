"""Data sets that are too small or too large, with too little to measure with or nothing."""

from __future__ import annotations

import random

from calibration.planting import Row, plants


@plants("SET001", scope="dataset")
def fewer_than_the_target_takes(rng: random.Random, examples: list[Row], n: int) -> list[Row]:
    """One to nine rows."""
    return examples[: 1 + n % 9]


@plants("SET002", scope="dataset")
def fewer_than_the_target_advises(rng: random.Random, examples: list[Row], n: int) -> list[Row]:
    """Ten to forty-nine rows."""
    return examples[: 10 + n * 7 % 40]


@plants("SET003", scope="dataset", options={"max_rows": 120})
def more_rows_than_the_target_takes(rng: random.Random, examples: list[Row], n: int) -> list[Row]:
    """One too many, or many."""
    return examples[: 121 + n * 31]


@plants("SET003", scope="dataset", options={"max_bytes": 20_000})
def a_larger_file_than_the_target_takes(rng: random.Random, examples: list[Row], n: int) -> list[Row]:
    """Of many rows, or of few long ones."""
    rows = examples[: 30 + 50 * n]
    more = {"role": "user", "content": "What else? " * rng.choice((2_000, 5_000))}
    rows[0] = {**rows[0], "messages": [more, *rows[0]["messages"]]}
    return rows


@plants("SET004", scope="dataset")
def nothing_to_measure_with(rng: random.Random, examples: list[Row], n: int) -> list[Row]:
    """Training data alone."""
    return examples[: 60 + 20 * n]


@plants("SET005", scope="splits")
def too_little_to_measure_with(rng: random.Random, examples: list[Row], n: int) -> dict[str, list[Row]]:
    """One to twenty-nine rows of validation or test."""
    held = 1 + n * 11 % 29
    return {"train": examples[held:], ("validation", "test")[n % 2]: examples[:held]}
