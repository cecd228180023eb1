"""Contexts that examples share: which they are, and how alike the rest is."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from dsprep.model.record import Example
from dsprep.text.contexts import FEWEST_CHARS, Said, context_of, rest_similarities, said_in

PASSAGE = "The harbour of the town lies behind two islands, and ships come in from the north by night alone, " * 2


def test_the_context_is_the_longest_line() -> None:
    assert context_of(f"Read this.\n{PASSAGE}\nWho comes by night?") == PASSAGE
    assert context_of(PASSAGE.strip() + ". Who comes by night? Answer briefly.") == PASSAGE.strip()


def test_a_text_that_is_one_piece_has_no_context_nor_has_a_short_one() -> None:
    assert context_of(PASSAGE) == ""
    assert context_of("One line.\nAnother line that is longer.") == ""


def _example(*messages: Any) -> Example:
    return Example({"messages": list(messages)}, list(messages))


def test_what_is_said_is_told_apart_by_who_says_it() -> None:
    said = said_in(
        _example(
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": [{"type": "text", "text": "One line.  Two\n\nlines"}, {"type": "image_url"}]},
            {"role": "assistant", "content": "An Answer"},
            {"role": "assistant", "content": None, "tool_calls": [{"id": "a"}]},
            7,
            {"role": 1, "content": 2},
        )
    )
    assert said == Said((b"one line.", b"two", b"lines"), b'an answer [{"id":"a"}]')
    assert said_in(None) == Said((), b"")


def _asked(*lines: str, answer: str = "a") -> Said:
    return Said(tuple(line.encode() for line in lines), answer.encode())


def test_the_rest_is_what_stands_between_what_both_begin_and_end_with() -> None:
    question = "in which of the five rooms does the blue computer stand today"
    one = _asked("passage", question, "a) left", "b) right")
    cases = {
        1.0: _asked("passage", question, "a) left", "b) right", "answer with a letter"),
        0.0: _asked("passage", "who is it", "a) left", "b) right"),
    }
    for wanted, two in cases.items():
        assert rest_similarities([(one, two)]).tolist() == [wanted]
    assert rest_similarities([(one, Said(one.asked, b"b"))]).tolist() == [0.0]
    long = "It stands in the room on the left, where the printer was before."
    assert rest_similarities([(_asked("p", "x", answer=long), _asked("p", "y", answer=long))]).tolist() == [1.0]


SAID = st.builds(
    Said,
    st.lists(st.sampled_from([b"a", b"b c d e f g", b"b c d e f h", b"passage"]), max_size=5).map(tuple),
    st.sampled_from([b"", b"yes", b"no", b"word " * 12, b"word " * 11 + b"other"]),
)


@given(st.lists(st.tuples(SAID, SAID), max_size=6))
def test_similarities_are_symmetric_and_an_example_is_like_itself(pairs: list[tuple[Said, Said]]) -> None:
    there = rest_similarities(pairs)
    assert there.tolist() == rest_similarities([(two, one) for one, two in pairs]).tolist()
    assert ((there >= 0) & (there <= 1)).all()
    assert all(rest_similarities([(one, one) for one, _ in pairs]) == 1.0)


@given(st.text(max_size=400))
def test_a_context_is_part_of_its_text_and_never_all_of_it(text: str) -> None:
    context = context_of(text)
    assert context in text
    assert not context or (len(context) >= FEWEST_CHARS and context != text)
