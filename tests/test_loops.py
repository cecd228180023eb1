"""Loops in texts: whatever is repeated long enough is suspected and found, and time stays linear in the text."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from dsprep.text.loops import Limits, loops, suspects

LIMITS = Limits(word=10, phrase=5, sentence=3, character=40)
WORDS = st.text("abcdefghijklmnoprstuvwyäéдж", min_size=3, max_size=9)
BEFORE = "We sailed along the coast until the wind turned at noon, and nobody spoke of it again."


def _suspected(texts: list[str]) -> set[int]:
    encoded = [text.encode("utf-8", "surrogatepass") + b"\n" for text in texts]
    starts = np.cumsum([0, *map(len, encoded)])[:-1]
    spoken, spelt = suspects(b"".join(encoded), starts)
    return spoken | spelt


@settings(max_examples=60, deadline=None)
@given(st.lists(WORDS, min_size=1, max_size=12), st.sampled_from([" ", ", ", "\n- ", ". "]), st.integers(12, 40))
def test_a_phrase_that_is_repeated_often_enough_is_suspected_and_found(
    words: list[str], between: str, times: int
) -> None:
    text = f"{BEFORE}{between}{between.join([' '.join(words)] * times)}"
    assert _suspected(["well, then", text, BEFORE]) == {1}
    found = next(loops(text, LIMITS))
    assert found.times * max(1, len(found.unit.split())) >= 10
    assert text[found.start : found.start + found.length].startswith(found.unit[:5])


@settings(max_examples=40, deadline=None)
@given(st.lists(st.text(max_size=300), max_size=5))
def test_any_text_can_be_looked_at(texts: list[str]) -> None:
    assert _suspected(texts) <= set(range(len(texts)))
    for text in texts:
        for found in loops(text, LIMITS):
            assert 0 <= found.start <= found.start + found.length <= len(text)


def test_texts_that_are_alike_are_no_loop() -> None:
    """What begins in one text and goes on in the next one is none."""
    assert _suspected([BEFORE] * 50) == set()


def test_a_list_whose_numbers_grow_is_one() -> None:
    text = "\n".join(f"{number}. Mend the nets" for number in range(1, 200))
    assert _suspected([text]) == {0}
    assert next(loops(text, LIMITS)).times == 199
