"""Token counts: rs-bpe against tiktoken, the vocabularies' hashes, the chat overhead, and what happens offline."""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsprep.model.batch import Batch
from dsprep.model.record import Example, Record
from dsprep.text.tokens import (
    UnknownEncoding,
    VocabularyMissing,
    known_encoding,
    mended,
    message_tokens,
    model_encoding,
    pieces,
    reference_encoding,
    token_counter,
    token_counts,
    trained_tokens,
)

ENCODINGS = ("cl100k_base", "o200k_base")

HOSTILE = [
    "",
    " ",
    "\n",
    "\r\n",
    "\r\r\n\n",
    "\x00",
    "\x00\x01\x02\x7f\x80\x9f",
    "\x1b[31mred\x1b[0m",
    "\ufeffhi\u200b\u200d\u202e",
    "👨‍👩‍👧‍👦🏳️‍🌈🦄",
    "你好，世界。这是一个测试",
    "こんにちは 안녕하세요 สวัสดีครับ",
    "مرحبا بالعالم नमस्ते दुनिया",
    "\t\t\t  \n\n  \n x",
    "a    b",
    " " * 1000,
    "\n" * 1000,
    " \n" * 500 + "x",
    "a" * 5000,
    "Aa" * 2500,
    "x \n \n\n y   ",
    "<|endoftext|><|im_start|>user<|fim_prefix|><|endofprompt|>",
    "I'LL don't 'S ſ'ſ K'K 're'RE'Ve",
    "\u2028\u2029\x85\u3000\xa0\u1680\u180e",
    "1234567890 ١٢٣٤ ²³½ⅷ",
    "e\u0301\u0301 z̷̨͔̆ ǅǈ ꙮ",
    "==\n\n//\n/\n" + "/" * 100,
    "\U0010ffff\ue000\ufffe",
    "\x0b\x0c\x1c\x1d\x1e\x1f",
]
SURROGATES = ["\ud800", "a\udc00b", "\ud83d\ude00", "\udc00\ud800", "x" * 100 + "\udfff"]


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_the_vocabulary_is_tiktokens(encoding: str) -> None:
    from tiktoken_ext import openai_public  # type: ignore[import-untyped]

    expected: list[str] = []
    names = dict(vars(openai_public))

    def note(url: str, expected_hash: str) -> dict[bytes, int]:
        expected.append(expected_hash)
        return {}

    names["load_tiktoken_bpe"] = note
    constructor = openai_public.ENCODING_CONSTRUCTORS[encoding]
    type(constructor)(constructor.__code__, names)()

    ranks = reference_encoding(encoding)._mergeable_ranks
    lines = [b"%b %d\n" % (base64.b64encode(token), rank) for token, rank in sorted(ranks.items(), key=lambda x: x[1])]
    assert [hashlib.sha256(b"".join(lines)).hexdigest()] == expected
    assert expected[0][:8] == {"cl100k_base": "223921b7", "o200k_base": "446a9538"}[encoding]


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("text", [*HOSTILE, *SURROGATES])
def test_counts_are_tiktokens_on_hostile_text(encoding: str, text: str) -> None:
    wanted = reference_encoding(encoding).encode(text, disallowed_special=())
    counter = token_counter(encoding)
    assert counter(text) == len(wanted)
    assert counter.remembered(text) == counter.remembered(text) == len(wanted)
    assert counter._ids(mended(text)) == wanted


_CHARACTERS = st.one_of(
    st.characters(exclude_categories=["Cs"]),
    st.sampled_from(list(" \t\n\r\x0b\xa0\u3000'’sStTaAéßЖ中😀1²!/.,<|>")),
)


@settings(max_examples=400, deadline=None)
@given(st.text(_CHARACTERS, max_size=60))
def test_counts_are_tiktokens_on_any_text(text: str) -> None:
    for encoding in ENCODINGS:
        assert token_counter(encoding)(text) == len(reference_encoding(encoding).encode_ordinary(text))


@settings(max_examples=50, deadline=None)
@given(st.text(st.sampled_from(list("abZ 19 \n'!é中")), max_size=40), st.integers(500, 2000))
def test_pieces_have_the_tokens_of_the_whole(text: str, times: int) -> None:
    long = text * times
    assert "".join(pieces(long)) == long
    for encoding in ENCODINGS:
        reference = reference_encoding(encoding)
        if max(map(len, pieces(long)), default=0) < 131_072:
            assert sum(len(reference.encode_ordinary(piece)) for piece in pieces(long)) == token_counter(encoding)(long)


@settings(max_examples=200, deadline=None)
@given(st.text(_CHARACTERS, max_size=60), st.integers(0, 80))
def test_the_offset_is_where_the_nth_token_begins(text: str, tokens: int) -> None:
    for encoding in ENCODINGS:
        reference = reference_encoding(encoding)
        kept = reference.decode_bytes(reference.encode_ordinary(text)[:tokens]).decode("utf-8", "ignore")
        assert token_counter(encoding).offset(text, tokens) == len(kept)
        assert text.startswith(kept)


def test_the_offset_in_a_long_text() -> None:
    text = "The quick brown fox, 你好 😀.\n" * 4000
    reference = reference_encoding("cl100k_base")
    ids = reference.encode_ordinary(text)
    for tokens in (1, 5_000, 30_000, len(ids), len(ids) + 1):
        kept = reference.decode_bytes(ids[:tokens]).decode("utf-8", "ignore")
        assert token_counter("cl100k_base").offset(text, tokens) == len(kept)


@pytest.mark.parametrize("unit", ["a", " ", "\n", " \n", "!", "'", "中", "😀", "aA", "\x00"])
def test_pathological_runs_take_linear_time(unit: str) -> None:
    counter = token_counter("cl100k_base")
    text = unit * (1_000_000 // len(unit))
    started = time.process_time()
    counter(text)
    counter.offset(text, 100)
    # tiktoken needs 9 s for ten times as much of one letter; this takes a few hundredths.
    assert time.process_time() - started < 2


def _batch(*records: Any) -> Batch:
    examples = [
        Example(record, record["messages"], record.get("tools")) if isinstance(record, dict) else None
        for record in records
    ]
    rows = [Record(i, i + 1, 0, b"", record) for i, record in enumerate(records)]
    return Batch(source=0, path="data.jsonl", records=rows, examples=examples)


def _said(role: str, content: Any, **more: Any) -> dict[str, Any]:
    return {"role": role, "content": content, **more}


def _plainly(record: dict[str, Any], encoding: str) -> int:
    """The cookbook's way of counting, extended to calls and tools."""
    reference = reference_encoding(encoding)

    def tokens(value: Any) -> int:
        if isinstance(value, str):
            return len(reference.encode(value, disallowed_special=()))
        if isinstance(value, (dict, list)):
            return len(reference.encode(json.dumps(value, separators=(",", ":"), ensure_ascii=False)))
        return 0

    total = 3
    for message in record["messages"]:
        total += 3
        for key, value in message.items():
            total += tokens(value) + (key == "name")
    return total + tokens(record.get("tools"))


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_an_example_is_counted_as_the_cookbook_does(encoding: str) -> None:
    call = {"id": "a", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Zürich"}'}}
    records: list[dict[str, Any]] = [
        {
            "messages": [
                _said("system", "Be kind."),
                _said("user", "hi", name="Anna"),
                _said("assistant", "hello there"),
            ]
        },
        {
            "messages": [
                _said("user", "Wie ist das Wetter in Zürich?"),
                {"role": "assistant", "content": None, "weight": 1, "tool_calls": [call]},
                _said("tool", '{"rain": true}', tool_call_id="a"),
                _said("assistant", "Nass.", refusal=None),
            ],
            "tools": [{"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}],
        },
        {"messages": []},
    ]
    counts = _batch(*records).get(token_counts(encoding))
    assert counts.dtype == np.int32
    assert counts.tolist() == [_plainly(record, encoding) for record in records]


def test_what_is_no_conversation_has_no_tokens() -> None:
    batch = _batch(None, {"messages": [_said("user", "hi")]}, "text")
    assert batch.get(token_counts("cl100k_base")).tolist() == [0, 8, 0]
    assert batch.get(trained_tokens("cl100k_base")).tolist() == [0, 0, 0]
    empty = _batch()
    assert empty.get(token_counts("cl100k_base")).tolist() == []
    assert empty.get(trained_tokens("cl100k_base")).tolist() == []


def test_trained_are_the_assistants_that_have_weight() -> None:
    batch = _batch(
        {
            "messages": [
                _said("user", "hi"),
                _said("assistant", "one two", weight=0),
                _said("assistant", "three", weight=1),
            ]
        },
        {"messages": [_said("assistant", "one two three")]},
        {
            "messages": [
                _said("assistant", "one", weight=False),
                _said("assistant", [{"type": "text", "text": "two"}, "x"]),
            ]
        },
    )
    assert batch.get(trained_tokens("cl100k_base")).tolist() == [1, 3, 3]


def test_malformed_messages_do_not_stop_the_count() -> None:
    deep: Any = []
    for _ in range(100_000):
        deep = [deep]
    batch = _batch(
        {"messages": [None, 3, "x", [], {}, {"role": 5, "content": {"a": 1}}, {"role": [], "weight": "0", "x": deep}]},
        {"messages": [_said("user", "\ud800"), _said("assistant", [None, 3, {"text": 4}, {"text": "hi"}])]},
    )
    assert batch.get(token_counts("cl100k_base")).tolist() == [3 + 3 + (3 + 5) + (3 + 1), 3 + (3 + 1 + 1) + (3 + 1 + 1)]
    parts = batch.get(message_tokens("cl100k_base"))
    assert parts.row.tolist() == [0, 0, 0, 1, 1]
    assert parts.message.tolist() == [4, 5, 6, 0, 1]


def test_other_encodings_work_from_tiktokens_cache_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path))
    url = "https://openaipublic.blob.core.windows.net/encodings/p50k_base.tiktoken"
    (tmp_path / hashlib.sha1(url.encode()).hexdigest()).write_bytes(b"damaged")
    for encoding in ("p50k_base", "gpt2"):
        with pytest.raises(VocabularyMissing, match="dsprep downloads nothing") as caught:
            token_counter(encoding)
        assert str(tmp_path) in str(caught.value)
    # tiktoken itself would have thrown the damaged file away and gone to fetch another.
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"damaged"]
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", "")
    with pytest.raises(VocabularyMissing, match="switched off"):
        token_counter("r50k_base")


def test_an_unknown_encoding_is_told_from_a_missing_one() -> None:
    with pytest.raises(UnknownEncoding, match="cl100k_base, gpt2"):
        token_counter("cl100k")


def test_harmony_counts_ordinary_text_as_o200k() -> None:
    assert token_counter("o200k_harmony")("<|channel|> hello") == token_counter("o200k_base")("<|channel|> hello")


@pytest.mark.parametrize(
    ("model", "encoding"),
    [
        ("gpt-3.5-turbo-0125", "cl100k_base"),
        ("gpt-4o-mini-2024-07-18", "o200k_base"),
        ("openai:gpt-4o", "o200k_base"),
        ("ft:gpt-3.5-turbo-0125:acme::abc", "cl100k_base"),
        ("azure:gpt-4.1", "o200k_base"),
        ("llama-3", None),
        ("", None),
    ],
)
def test_models_have_encodings(model: str, encoding: str | None) -> None:
    assert model_encoding(model) == encoding


def test_counting_loads_neither_tiktoken_nor_the_network() -> None:
    code = (
        "import sys; from dsprep.text.tokens import token_counter; assert 'rs_bpe' not in sys.modules;"
        " print(token_counter('cl100k_base')('hello world'));"
        " assert not {'tiktoken', 'requests', 'regex'} & set(sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "2\n"


def test_an_encoding_may_be_named_by_a_model_that_has_it() -> None:
    assert known_encoding("gpt-4o-mini") == "o200k_base"
    assert known_encoding("cl100k_base") == "cl100k_base"
    with pytest.raises(UnknownEncoding, match="no encoding 'cl100k'"):
        known_encoding("cl100k")
