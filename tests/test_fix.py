"""The laws of fixes: twice is once, nothing fixable is left, safe ones lose no row and no meaning."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from dsprep import api
from dsprep.cli.main import app
from dsprep.model.fix import Applicability
from dsprep.reports.diff import render_change

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


# --- what a fix would do, for reading ---------------------------------------------------------------------------------


def _rendered(before: Any, after: Any, **more: Any) -> list[str]:
    texts = (value if isinstance(value, bytes) else json.dumps(value).encode() for value in (before, after))
    return render_change("x.jsonl", 3, *texts, ["TXT009 untrimmed-text"], **more).splitlines()


def test_a_diff_shows_the_field_that_changes_and_white_space_at_its_ends() -> None:
    before = {"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b  "}], "n": 1}
    after = {"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}], "m": None}
    assert _rendered(before, after) == [
        "x.jsonl:3  TXT009 untrimmed-text",
        "  /n",
        "    - 1",
        "  /messages/1/content",
        '    - "b  "',
        '    + "b"',
        "  /m",
        "    + null",
    ]


def test_a_diff_of_a_long_text_shows_the_lines_and_words_that_differ() -> None:
    lines = [f"line {i} " + "lorem ipsum dolor sit amet " * 20 for i in range(200)]
    other = list(lines)
    other[120] = lines[120].replace("dolor", "DOLOR", 1)
    del other[150]
    shown = _rendered({"a": "\n".join(lines)}, {"a": "\n".join(other)})
    assert shown[1:4] == [
        "  /a, line 121",
        '    - "line 120 lorem ipsum dolor sit amet lorem ipsum dolor sit …"',
        '    + "line 120 lorem ipsum DOLOR sit amet lorem ipsum dolor sit …"',
    ]
    assert shown[4] == "  /a, line 151"
    assert shown[5].startswith('    - "line 150 lorem')
    assert len(shown) == 6


hostile = st.lists(
    st.sampled_from(
        ["\x1b[2J", "\x07", "\r", "\n", "\u202e", "\u200b", "\ud800", "\x9b31m", "a", " b", '"', "\U000e0041"]
    ),
    max_size=12,
).map("".join)


@given(hostile, hostile, st.booleans())
def test_a_diff_is_harmless_and_shows_every_difference(before: str, after: str, ascii_only: bool) -> None:
    shown = "\n".join(_rendered({"x": before, before: 1}, {"x": after, after: 1}, ascii_only=ascii_only))
    assert all(c == "\n" or (c.isprintable() and (c.isascii() or not ascii_only)) for c in shown)
    assert (len(shown.splitlines()) > 1) == (before != after)
    coloured = "\n".join(_rendered({"x": before}, {"x": after}, colour=True))
    assert set(re.findall("\x1b[^m]*m", coloured)) <= {f"\x1b[{n}m" for n in (0, 1, 2, 7, 27, 31, 32)}
    assert all(c in "\n\x1b" or c.isprintable() for c in coloured)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("\n" * 100_000, "\n" * 50_000),
        ("a " * 100_000, "b " * 100_000),
        ("x" * 1_000_000, "y" * 1_000_000),
        ("a\nb\n" * 20_000, "b\na\n" * 20_000),
    ],
    ids=["line ends", "words", "letters", "lines"],
)
def test_a_diff_of_a_hostile_text_is_short(before: str, after: str) -> None:
    shown = _rendered({"x": before}, {"x": after})
    assert len(shown) < 20
    assert max(map(len, shown)) < 400


def test_a_diff_of_what_cannot_be_read_is_one_of_characters() -> None:
    assert _rendered(b'{"a": "caf\xe9"}', {"a": "caf\u00e9"})[1:] == [
        '    - "{"a": "caf\\xe9"}"',
        '    + "{"a": "caf\\u00e9"}"',
    ]
    gone = render_change("x.jsonl", 1, b'{"a": 1}', None).splitlines()
    assert gone == ["x.jsonl:1", "  the row goes", '    - {"a": 1}']


def test_the_command_shows_changes_and_what_they_come_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("x.jsonl").write_bytes(b"\xef\xbb\xbf" + b"".join(_chat(f"q{i}", "ok ") + b"\n" for i in range(150)) + b"\n")
    before = Path("x.jsonl").read_bytes()

    def run(*arguments: str) -> tuple[int, str]:
        result = CliRunner().invoke(app, ["lint", "x.jsonl", "--select", "ENC,TXT009", "--diff", *arguments])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result.exit_code, result.output

    code, said = run()
    assert code == 1
    assert said.startswith("x.jsonl  ENC002 byte-order-mark\n  the file is written anew")
    assert said.count("TXT009 untrimmed-text") == 100
    assert "… and 51 more records; --output-file FILE shows all of them" in said
    assert said.endswith("151 records would change (TXT009 150, ENC002 1, ENC003 1); `--fix` does it\n")
    assert run("--output-file", "all.txt") == (1, "")
    assert Path("all.txt").read_text().count("TXT009 untrimmed-text") == 150
    assert Path("x.jsonl").read_bytes() == before
    Path("x.jsonl").write_bytes(_chat("a", "b") + b"\n")
    assert run() == (0, "nothing would change\n")
