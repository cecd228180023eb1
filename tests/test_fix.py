"""The laws of fixes: twice is once, nothing fixable is left, safe ones lose no row and no meaning."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dsprep import api
from dsprep.model.fix import Applicability

marks = ["<br>", "&amp;", "&lt;", "<p>", "</p>", "<|im_end|>", "[INST]", "1 < 2", "```\n", "    code"]
blanks = [" ", "  ", "\n", "\r\n", "\n\n\n\n", "\x07", "\x92", "\u200b", "\x1b[31m", "\ud800"]
words = st.sampled_from(["hello", "ok.", "caf\u00e9", *marks, *blanks])
texts = st.lists(words, max_size=8).map("".join)
roles = st.sampled_from(["system", "user", "assistant", "User", "ASSISTANT ", "human", "gpt", "tool", 3])
message = st.fixed_dictionaries(
    {"role": roles, "content": st.one_of(texts, texts, texts, st.none(), st.just([{"type": "text", "text": " a "}]))},
    optional={"weight": st.sampled_from([0, 1, 2]), "extra": st.just("x"), "name": st.just("n")},
)
record = st.one_of(
    st.fixed_dictionaries({"messages": st.lists(message, max_size=4)}, optional={"id": st.integers(0, 3)}),
    st.fixed_dictionaries({"prompt": texts, "completion": texts}),
    st.fixed_dictionaries({"instruction": texts, "output": texts}, optional={"input": texts}),
    st.just({"conversations": [{"from": "human", "value": " q "}, {"from": "gpt", "value": "a "}]}),
    st.sampled_from([None, 3, {"text": "x"}]),
)
line = st.one_of(
    record.map(lambda value: json.dumps(value).encode()),
    record.map(lambda value: json.dumps(value).encode()),
    st.sampled_from([b"", b"  ", b"{", b'{"messages": [{"role": "user", "content": "caf\xe9"}]}', b"NaN"]),
)


@pytest.mark.parametrize("unsafe", [False, True])
@given(lines=st.lists(line, max_size=12), start=st.sampled_from([b"", b"\xef\xbb\xbf"]))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_fixing_converges_and_leaves_nothing_fixable(
    unsafe: bool, lines: list[bytes], start: bytes, tmp_path: Path
) -> None:
    file = tmp_path / "data.jsonl"
    file.write_bytes(start + b"\n".join(lines))
    first = api.fix([file], unsafe_fixes=unsafe, workers=1)
    assert not first.report.errors
    once = file.read_bytes()
    assert first.report.fixable(Applicability.SAFE) == 0
    if unsafe:
        assert first.report.fixable(Applicability.UNSAFE) == 0
    else:
        # No row is lost: only empty lines may go.
        kept = [x for x in once.split(b"\n") if x.strip()]
        assert len(kept) == len([x for x in (start + b"\n".join(lines)).removeprefix(start).split(b"\n") if x.strip()])
    second = api.fix([file], unsafe_fixes=unsafe, workers=1)
    assert not second.fixed
    assert file.read_bytes() == once


def _chat(user: Any, assistant: Any) -> bytes:
    return json.dumps(
        {"messages": [{"role": "user", "content": user}, {"role": "assistant", "content": assistant}]}
    ).encode()


def test_lines_that_need_no_fix_keep_their_bytes(tmp_path: Path) -> None:
    odd = (
        b'{ "messages" : [{"role":"user","content":"caf\\u00e9"}, {"role":"assistant","content":"1.0e0"}] , "n": 1.50 }'
    )
    (tmp_path / "x.jsonl").write_bytes(odd + b"\n" + _chat("trim ", "ok") + b"\n")
    api.fix([tmp_path / "x.jsonl"], workers=1)
    assert (tmp_path / "x.jsonl").read_bytes().split(b"\n")[0] == odd


def test_a_file_without_fixes_is_not_touched(tmp_path: Path) -> None:
    file = tmp_path / "x.jsonl"
    file.write_bytes(_chat("a", "b"))
    before = file.stat().st_mtime_ns
    result = api.fix([file], workers=1)
    assert result.files == []
    assert file.stat().st_mtime_ns == before


def test_integers_beyond_64_bits_survive_a_fix(tmp_path: Path) -> None:
    file = tmp_path / "x.jsonl"
    record = json.loads(_chat("trim ", "ok")) | {"id": 123456789012345678901234567890}
    file.write_text(json.dumps(record))
    api.fix([file], workers=1, ignore=("SCH008",))
    assert json.loads(file.read_text())["id"] == record["id"]


def test_diff_writes_nothing_and_shows_each_change(tmp_path: Path) -> None:
    file = tmp_path / "x.jsonl"
    content = _chat("trim ", "ok") + b"\n\n" + _chat("fine", "ok") + b"\n"
    file.write_bytes(content)
    changes = list(api.diff([file], workers=1))
    assert [(path, change.line) for path, change in changes] == [(str(file), 1), (str(file), 2)]
    assert changes[1][1].after is None
    assert file.read_bytes() == content


def test_a_file_that_is_linked_to_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real.jsonl").write_bytes(_chat("trim ", "ok"))
    (tmp_path / "link.jsonl").symlink_to(tmp_path / "real.jsonl")
    api.fix([tmp_path / "link.jsonl"], workers=1)
    assert (tmp_path / "link.jsonl").is_symlink()
    assert json.loads((tmp_path / "real.jsonl").read_bytes())["messages"][0]["content"] == "trim"
