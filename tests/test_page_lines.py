"""Lines of pages: taking them out once is enough, whatever stands around them, and takes no long time."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsprep.model.batch import Batch
from dsprep.model.record import Example, Record
from dsprep.text.page_lines import page_lines, suspected, without
from dsprep.text.turn_bytes import TURN_BYTES

LINES = [
    "Skip to main content",
    "Home | News | Privacy Policy",
    "We use cookies to improve this site.",
    "© 2021 Elmbury Courier. All rights reserved.",
    "  - Share on Facebook",
    "Home",
    "Business",
    "Terms of use",
    "The bridge was closed on Monday.",
    "It will be open again soon.",
    "```",
    "",
    "   ",
    "桥梁已关闭。",
]
TEXTS = st.lists(st.one_of(st.sampled_from(LINES), st.text(max_size=12)), max_size=14).map("\n".join)


@settings(max_examples=300, deadline=None)
@given(TEXTS)
def test_taking_them_out_once_is_enough(text: str) -> None:
    lines = page_lines(text)
    left = without(text, lines)
    if lines:
        assert page_lines(left) == []
    # Nothing but these lines and white space goes, and nothing is put in.
    assert "".join(left.split()) == "".join("".join(_others(text)).split())


def _others(text: str) -> list[str]:
    starts = {line.start for line in page_lines(text)}
    out, at = [], 0
    for line in text.split("\n"):
        if at not in starts:
            out.append(line)
        at += len(line) + 1
    return out


@settings(max_examples=100, deadline=None)
@given(st.lists(TEXTS, max_size=6))
def test_a_text_is_suspected_in_any_company_or_in_none(texts: list[str]) -> None:
    messages = [{"role": "user", "content": text} for text in texts]
    together = suspected(_batch(messages).get(TURN_BYTES))
    alone = [i for i, message in enumerate(messages) if suspected(_batch([message]).get(TURN_BYTES))]
    assert together == alone


def _batch(messages: list[dict[str, str]]) -> Batch:
    example = Example({"messages": messages}, messages)
    return Batch(source=0, path="data.jsonl", records=[Record(0, 1, 0, b"", None)], examples=[example])


@pytest.mark.parametrize(
    "piece", ["a", " ", "\n", "|", "Home | ", "Home ", "cookie ", "© 2020 ", "share on facebook, ", "*"]
)
def test_long_texts_of_one_piece_end(piece: str) -> None:
    text = piece * (200_000 // len(piece))
    page_lines(text)
    page_lines(f"Skip to content\n{text}\nSkip to content")
    suspected(_batch([{"role": "user", "content": text}]).get(TURN_BYTES))
