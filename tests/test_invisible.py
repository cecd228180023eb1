"""Characters that nobody sees: those not needed are taken out once and for all, and nothing else changes."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from dsprep.text.invisible import INVISIBLE, hidden_texts, unneeded, without

UNSEEN = "\u00ad\u034f\u061c\u115f\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202e\u2066\u2069\ufe0f\ufe00\ufeff"
MIXED = st.text(UNSEEN + "\U000e0041\U000e007f\U000e0100" + "a1 \nש میक🏴😀❤漢ไ", max_size=60)


@settings(deadline=None)
@given(MIXED)
def test_nothing_is_left_after_a_few_rounds_and_what_is_seen_stays(text: str) -> None:
    seen = INVISIBLE.sub("", text)
    for _ in range(8):
        offsets = unneeded(text)
        assert offsets == sorted(set(offsets))
        assert all(INVISIBLE.fullmatch(text[at]) for at in offsets)
        if not offsets:
            break
        text = without(text, offsets)
    assert unneeded(text) == []
    assert INVISIBLE.sub("", text) == seen


@given(st.text("abc XYZ.!", min_size=3, max_size=30), st.sampled_from(["tags", "selectors", "bits"]))
def test_a_hidden_text_is_read(said: str, how: str) -> None:
    hidden = {
        "tags": "".join(chr(0xE0000 + ord(c)) for c in said),
        "selectors": "".join(chr(0xE0100 + ord(c) - 16) for c in said),
        "bits": "".join("\u200b\u200c"[bit == "1"] for c in said for bit in f"{ord(c):08b}"),
    }[how]
    assert said in [one.text for one in hidden_texts(f"see{hidden}here")]
    assert without(f"see{hidden}here", unneeded(f"see{hidden}here")) == "seehere"
