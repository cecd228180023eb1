"""Searching for many words at once finds what searching for each finds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsprep.text.many_words import ManyWords

WORDS = [b"instruction", b"anweisung", b"structu", b"aaaaaaa", "指令指令".encode()]
SEARCH = ManyWords(WORDS)


@given(st.lists(st.sampled_from([*WORDS, b"", b"a", b"instruc", b"tion", b"struct", b"\n", b"u", b"xyz"]), max_size=12))
def test_finds_what_is_there(pieces: list[bytes]) -> None:
    data = b"".join(pieces)
    found = SEARCH.offsets(data)
    places = [
        range(start, start + len(word)) for word in WORDS for start in range(len(data)) if data.startswith(word, start)
    ]
    assert found == sorted(set(found))
    assert all(any(offset in place for place in places) for offset in found)
    assert all(any(offset in place for offset in found) for place in places)


@pytest.mark.parametrize("data", [b"", b"a", b"abc", b"instructio"])
def test_nothing_in_next_to_nothing(data: bytes) -> None:
    assert SEARCH.offsets(data) == []


def test_short_words_are_refused() -> None:
    with pytest.raises(ValueError, match="shorter than 7"):
        ManyWords([b"prompt"])
