"""JSON lines and other JSON: every fault, every way to cut a file, nothing lost and nothing held that is too large."""

from __future__ import annotations

import io
import json
import pickle
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dsprep.model.batch import Batch
from dsprep.model.record import UNDECODED, Record
from dsprep.model.source import InputError, Source
from dsprep.sources import JsonLinesSource, open_source
from dsprep.sources.json_array import JsonArraySource, MisplacedJsonSource
from dsprep.text.encoding import detect_legacy, sniff
from dsprep.text.json_text import MAX_DEPTH, decode_json, nesting_depth

GOOD = {"messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "hello"}]}
GOOD_LINE = json.dumps(GOOD).encode()


def source_of(tmp_path: Path, data: bytes, name: str = "data.jsonl", **known: Any) -> Source:
    path = tmp_path / name
    path.write_bytes(data)
    return open_source(str(path), **known)


def read(source: Source, shard_bytes: int = 1 << 22) -> list[Record]:
    # Through a pickle, as workers get them.
    shards = [pickle.loads(pickle.dumps(shard)) for shard in source.plan(shard_bytes)]
    worker = pickle.loads(pickle.dumps(source))
    return [record for shard in shards for record in worker.read(shard)]


def file_faults(source: Source) -> list[tuple[str, dict[str, Any]]]:
    first, *others = list(source.plan(1 << 22))
    assert not any(shard.faults for shard in others)
    return [(fault.kind, dict(fault.args)) for fault in first.faults]


def only(tmp_path: Path, line: bytes) -> Record:
    """The record of `line`, which stands between two good ones."""
    first, middle, last = read(source_of(tmp_path, GOOD_LINE + b"\n" + line + b"\n" + GOOD_LINE + b"\n"))
    assert (first.value, last.value) == (GOOD, GOOD)
    assert (middle.line, middle.offset, middle.ordinal) == (2, len(GOOD_LINE) + 1, 1)
    return middle


# --- good lines -----------------------------------------------------------------------------------------------------


def test_records_know_where_they_are(tmp_path: Path) -> None:
    source = source_of(tmp_path, b'{"a": 1}\n{"b": "\xc3\xa9"}\n{"c": []}')
    records = read(source)
    assert [r.value for r in records] == [{"a": 1}, {"b": "é"}, {"c": []}]
    assert [(r.ordinal, r.line, r.offset) for r in records] == [(0, 1, 0), (1, 2, 9), (2, 3, 21)]
    assert [r.raw for r in records] == [b'{"a": 1}', b'{"b": "\xc3\xa9"}', b'{"c": []}']
    assert source.info.bytes == 30
    assert source.info.format == "jsonl"


def test_the_hash_is_that_of_the_file(tmp_path: Path) -> None:
    import hashlib

    data = (GOOD_LINE + b"\n") * 1000
    source = source_of(tmp_path, data)
    list(source.plan(1000))
    assert source.info.sha256 == hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize("character", ["\u2028", "\u2029", "\u0085", "\x0b", "\x0c", "\x1c", "\x1e"])
def test_a_line_ends_at_a_line_feed_alone(tmp_path: Path, character: str) -> None:
    text = json.dumps({"a": f"x{character}y"}, ensure_ascii=character < " ")
    records = read(source_of(tmp_path, text.encode() + b"\n" + GOOD_LINE + b"\n"))
    assert [r.value for r in records] == [{"a": f"x{character}y"}, GOOD]


def test_a_return_belongs_to_the_line_end(tmp_path: Path) -> None:
    records = read(source_of(tmp_path, b'{"a": 1}\r\n{"a": 2}\n{"a": 3}\r\n'))
    assert [(r.value["a"], r.raw, r.offset) for r in records] == [
        (1, b'{"a": 1}', 0),
        (2, b'{"a": 2}', 10),
        (3, b'{"a": 3}', 19),
    ]


def test_large_integers_stay_exact(tmp_path: Path) -> None:
    number = 12345678901234567890123
    assert only(tmp_path, b'{"a": [%d, -9223372036854775809, 18446744073709551615]}' % number).value == {
        "a": [number, -9223372036854775809, 18446744073709551615]
    }


def test_escaped_quotes_are_no_reason_for_alarm(tmp_path: Path) -> None:
    record = only(tmp_path, b'{"a": "\\u0022b\\u0022", "c": "\\"d\\": 1, \\"d\\": 2"}')
    assert record.value == {"a": '"b"', "c": '"d": 1, "d": 2'}
    assert record.faults == ()


def test_a_long_number_in_a_string_is_a_string(tmp_path: Path) -> None:
    assert only(tmp_path, b'{"id": "123456789012345678901234"}').value == {"id": "123456789012345678901234"}


# --- faults of records ----------------------------------------------------------------------------------------------


def faults(record: Record) -> list[tuple[str, dict[str, Any], str | None]]:
    return [(fault.kind, dict(fault.args), fault.pointer) for fault in record.faults]


@pytest.mark.parametrize("blank", [b"", b" ", b"\t \r", b"\x0c"])
def test_blank_line(tmp_path: Path, blank: bytes) -> None:
    record = only(tmp_path, blank)
    assert record.blank
    assert record.value is UNDECODED


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b'{"a": 1, "a": 2}', [("duplicate-json-key", {"keys": ["a"]}, "/a")]),
        (b'{"a": 1, "a" : 2}', [("duplicate-json-key", {"keys": ["a"]}, "/a")]),
        (b'{"a": 1, "\\u0061": 2}', [("duplicate-json-key", {"keys": ["a"]}, "/a")]),
        (b'{"a": "\\u0022\\u0022", "a": "\\u0022"}', [("duplicate-json-key", {"keys": ["a"]}, "/a")]),
        (b'{"": 1, "": 2}', [("duplicate-json-key", {"keys": [""]}, "/")]),
        (
            b'{"m": [{"r": 1}, {"c": 1, "d": 2, "d": 3, "c": 4}]}',
            [("duplicate-json-key", {"keys": ["d", "c"]}, "/m/1/d")],
        ),
        (
            b'{"x": {"a": 1, "a": 2}, "x": 3}',
            [("duplicate-json-key", {"keys": ["x"]}, "/x"), ("duplicate-json-key", {"keys": ["a"]}, None)],
        ),
        (b'{"a": [1, NaN]}', [("non-finite-number", {"value": "NaN"}, "/a/1")]),
        (b'{"a/b": Infinity}', [("non-finite-number", {"value": "Infinity"}, "/a~1b")]),
        (b"[-Infinity]", [("non-finite-number", {"value": "-Infinity"}, "/0")]),
        (b'{"a": 1e400}', [("non-finite-number", {"value": "Infinity"}, "/a")]),
        (b'{"a": "x\\uD83Dy"}', [("lone-surrogate", {"escape": "\\ud83d"}, "/a")]),
        (b'{"\\ude00": 1}', [("lone-surrogate", {"escape": "\\ude00"}, None)]),
    ],
)
def test_what_is_decoded_and_faulty(tmp_path: Path, line: bytes, expected: list[Any]) -> None:
    record = only(tmp_path, line)
    assert faults(record) == expected
    assert record.value is not UNDECODED


@pytest.mark.parametrize(
    ("line", "reason", "column"),
    [
        (b"{'a': 1}", "Expecting property name enclosed in double quotes", "2"),
        (b'{"a": 1} {"b": 2}', "Extra data", "10"),
        ('{"é": x}'.encode(), "Expecting value", "7"),
        (b'{"a": 1', "Expecting ',' delimiter", "8"),
        (b'{"a": "\x01"}', "Invalid control character at", "8"),
        (b"\xef\xbb\xbf{}", None, None),
        (b"9" * 5000, "an integer of 5,000 digits; at most 4,300 are read", "1"),
    ],
)
def test_invalid_json(tmp_path: Path, line: bytes, reason: str | None, column: str | None) -> None:
    record = only(tmp_path, line)
    assert record.value is UNDECODED
    (fault,) = record.faults
    assert fault.kind == "invalid-json"
    assert fault.line == 2
    assert len(fault.args["excerpt"]) <= 80
    if reason is not None:
        assert (fault.args["reason"], fault.column) == (reason, column)


@pytest.mark.parametrize("depth", [MAX_DEPTH + 1, 1100, 100_000])
@pytest.mark.parametrize("form", ["[%s]", '{"a":%s}', "[%s"])
def test_nesting_too_deep(tmp_path: Path, depth: int, form: str) -> None:
    opening, _, closing = form.partition("%s")
    record = only(tmp_path, (opening * depth + "1" + closing * depth).encode())
    assert record.value is UNDECODED
    (fault,) = record.faults
    assert fault.kind == "invalid-json"
    assert fault.args["reason"] == f"nested {depth:,} levels deep; at most {MAX_DEPTH} are read"


def test_nesting_just_not_too_deep(tmp_path: Path) -> None:
    line = b"[" * MAX_DEPTH + b"]" * MAX_DEPTH
    assert only(tmp_path, line).faults == ()
    assert nesting_depth(line) == MAX_DEPTH
    # The same limit where something else made the line suspicious.
    inner = b'{"a":1,"a":2}'
    odd = b"[" * (MAX_DEPTH - 1) + inner + b"]" * (MAX_DEPTH - 1)
    assert [kind for kind, _, _ in faults(only(tmp_path, odd))] == ["duplicate-json-key"]
    deeper = b"[" + odd + b"]"
    assert [kind for kind, _, _ in faults(only(tmp_path, deeper))] == ["invalid-json"]


def test_brackets_in_strings_are_no_nesting(tmp_path: Path) -> None:
    assert only(tmp_path, json.dumps({"a": "[" * 5000, "a\\": '"' + "{" * 5000}).encode()).faults == ()


def test_invalid_utf8(tmp_path: Path) -> None:
    record = only(tmp_path, '{"a": "Crème brûlée, s’il vous plaît"}'.encode("cp1252"))
    (fault,) = record.faults
    assert (fault.kind, dict(fault.args)) == ("invalid-utf8", {"encoding": "cp1252", "bad": "e8"})
    assert fault.offset == record.offset + 9
    assert record.value is UNDECODED


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("naïve café – “quoted” – 5 €, Müller’s Straße", "cp1252"),
        ("Зимой в Москве холодно, а летом бывает жарко и душно. " * 5, "cp1251"),
        ("今日はとても良い天気ですね。散歩に行きましょう。" * 5, "shift_jis"),
    ],
)
def test_legacy_encodings_are_recognised(text: str, encoding: str) -> None:
    data = text.encode(encoding)
    assert data.decode(detect_legacy(data)) == text


def test_the_guess_is_made_from_the_lines_that_are_not_utf8(tmp_path: Path) -> None:
    good = json.dumps({"a": "“quoted” – naïve, 日本"}, ensure_ascii=False).encode() + b"\n"
    bad = b'{"a": "the caf\xe9 is open"}\n'
    records = read(source_of(tmp_path, good * 50 + bad + good * 50))
    assert [dict(record.faults[0].args)["encoding"] for record in records if record.faults] == ["cp1252"]


def test_a_surrogate_in_utf8_is_no_utf8(tmp_path: Path) -> None:
    record = only(tmp_path, b'{"a": "\xed\xa0\x80"}')
    assert [kind for kind, _, _ in faults(record)] == ["invalid-utf8"]


@pytest.mark.parametrize("cut", range(1, len(GOOD_LINE)))
def test_a_file_cut_anywhere_is_truncated(tmp_path: Path, cut: int) -> None:
    record = read(source_of(tmp_path, GOOD_LINE + b"\n" + GOOD_LINE[:cut]))[-1]
    assert [fault.kind for fault in record.faults] == ["truncated-file"]
    assert record.value is UNDECODED
    assert record.raw == GOOD_LINE[:cut]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)


@settings(deadline=None)
@given(st.dictionaries(st.text(max_size=5), json_values, min_size=1, max_size=4), st.booleans(), st.data())
def test_any_prefix_of_an_object_is_truncated(value: dict[str, Any], escaped: bool, data: st.DataObject) -> None:
    text = json.dumps(value, ensure_ascii=escaped).encode()
    cut = data.draw(st.integers(1, len(text) - 1))
    decoded = decode_json(text[:cut], unterminated=True)
    assert [fault.kind for fault in decoded.faults] == ["truncated-file"], text[:cut]


@settings(deadline=None)
@given(json_values)
def test_decoding_is_what_the_standard_library_says(value: Any) -> None:
    for text in (json.dumps(value), json.dumps(value, ensure_ascii=False), json.dumps(value, indent=1)):
        decoded = decode_json(text.encode())
        assert decoded.faults == ()
        assert json.dumps(decoded.value) == json.dumps(json.loads(text))


@settings(deadline=None)
@given(st.binary(max_size=60), st.booleans())
@example(b'{"a": 1, "a": NaN, "\\ud800": 1}', False)
def test_decoding_never_raises(data: bytes, unterminated: bool) -> None:
    decoded = decode_json(data, unterminated=unterminated)
    assert decoded.faults or decoded.value is not UNDECODED


# --- shards ---------------------------------------------------------------------------------------------------------

LINES = [
    GOOD_LINE,
    b"",
    b'{"a": 1, "a": 2}',
    b'{"a": NaN}',
    b"{'a'}",
    b'{"a": "\\ud800"}',
    b'{"a": "caf\xe9 au lait"}',
    b'{"a": 123456789012345678901234567890}',
    b"[" * 300,
    b'{"long": "' + b"x" * 300 + b'"}',
    "[1, \u2028 \x85]".encode(),
    b'{"a": 1}\r',
    b'  {"b": "\\u0022"}  ',
]


class ShortLines(JsonLinesSource):
    """A source that finds lines of more than 200 bytes too long."""

    max_line = 200


@settings(max_examples=150, deadline=None)
@given(
    lines=st.lists(st.sampled_from(LINES), min_size=1, max_size=12),
    mark=st.booleans(),
    ended=st.booleans(),
    sizes=st.lists(st.integers(1, 400), min_size=1, max_size=3),
    short=st.booleans(),
)
def test_any_shards_give_the_same_records(
    tmp_path_factory: pytest.TempPathFactory,
    lines: list[bytes],
    mark: bool,
    ended: bool,
    sizes: list[int],
    short: bool,
) -> None:
    data = b"\xef\xbb\xbf" * mark + b"\n".join(lines) + b"\n" * ended
    path = tmp_path_factory.mktemp("shards") / "data.jsonl"
    path.write_bytes(data)
    source = (ShortLines if short else JsonLinesSource)(str(path))
    whole = read(source)
    if any(line.strip() for line in lines):
        assert len(whole) == len(lines) - (not ended and not lines[-1])
    for size in sizes:
        again = list(source.plan(size))
        assert [shard.end for shard in again[:-1]] == [shard.start for shard in again[1:]]
        assert repr([record for shard in again for record in source.read(shard)]) == repr(whole)
    # A row that is looked up again, alone, is the same row.
    for i, record in enumerate(whole):
        end = whole[i + 1].offset if i + 1 < len(whole) else len(data)
        shard = again[0].__class__(0, record.offset, end, record.ordinal, record.line or 1)
        assert repr(list(source.read(shard))) == repr([record])


def test_shards_have_about_the_size_asked_for(tmp_path: Path) -> None:
    source = source_of(tmp_path, (GOOD_LINE + b"\n") * 10_000)
    shards = list(source.plan(100_000))
    assert 7 <= len(shards) <= 10
    assert [shard.line for shard in shards] == [shard.ordinal + 1 for shard in shards]
    assert shards[-1].end == 10_000 * (len(GOOD_LINE) + 1)


# --- lines too long -------------------------------------------------------------------------------------------------


class Megabyte(JsonLinesSource):
    """A source that finds lines of more than a megabyte too long."""

    max_line = 1 << 20


def test_a_huge_line_is_told_by_its_size_and_never_held(tmp_path: Path) -> None:
    path = tmp_path / "data.jsonl"
    huge = 64 << 20
    with path.open("wb") as file:
        file.write(GOOD_LINE + b'\n{"a": "')
        for _ in range(64):
            file.write(b"y" * (1 << 20))
        file.write(b'"}\n' + GOOD_LINE)
    source = Megabyte(str(path))
    tracemalloc.start()
    records = read(source)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 16 << 20
    first, long, last = records
    assert (first.value, last.value, last.line) == (GOOD, GOOD, 3)
    assert last.offset == len(GOOD_LINE) + 1 + huge + 9 + 1
    (fault,) = long.faults
    assert fault.kind == "invalid-json"
    assert fault.args["reason"] == f"the line is {huge + 9:,} bytes long; at most 1,048,576 are read"
    assert fault.args["excerpt"].startswith('{"a": "yyy')
    assert (long.raw, long.line) == (b"", 2)
    # Whoever copies such a line takes all up to the end of its shard.
    shard = next(shard for shard in source.plan(1 << 22) if shard.start <= long.offset < shard.end)
    assert shard.end == last.offset


# --- faults of files ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("data", [b"", b"\n\n", b" \t\r\n \n", b"\xef\xbb\xbf"])
def test_an_empty_file(tmp_path: Path, data: bytes) -> None:
    source = source_of(tmp_path, data)
    assert file_faults(source)[-1] == ("empty-file", {})
    assert read(source) == []


def test_a_byte_order_mark(tmp_path: Path) -> None:
    source = source_of(tmp_path, b"\xef\xbb\xbf" + GOOD_LINE + b"\n")
    assert file_faults(source) == [("byte-order-mark", {"encoding": "utf-8"})]
    (record,) = read(source)
    assert (record.value, record.raw, record.offset) == (GOOD, GOOD_LINE, 3)


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
@pytest.mark.parametrize("marked", [True, False])
def test_wide_encodings_are_read(tmp_path: Path, encoding: str, marked: bool) -> None:
    values = [GOOD, {"messages": "é 𝄞 日本"}, {"a": "plain and long enough to tell what it is"}]
    text = "\n".join(json.dumps(value, ensure_ascii=False) for value in values) + "\n"
    data = ("\ufeff" * marked + text).encode(encoding)
    source = source_of(tmp_path, data)
    assert source.info.format == "jsonl"
    ((kind, args),) = file_faults(source)
    assert (kind, args["encoding"]) == ("invalid-utf8", encoding)
    records = read(source)
    assert [record.value for record in records] == values
    for record in records:
        rest = data[record.offset :].decode(encoding)
        assert rest.startswith(record.raw.decode())
    # A row by itself.
    second = records[1]
    shard = next(iter(source.plan(1)))
    alone = shard.__class__(0, second.offset, records[2].offset, 1, 2)
    assert [record.value for record in source.read(alone)] == [values[1]]


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"PK\x03\x04\x14\x00\x00\x00\x08\x00" + bytes(range(200)), "is a zip archive"),
        (bytes(range(256)) * 20, "is a binary file"),
        (b"%PDF-1.7\n" + bytes(range(256)), "is a PDF document"),
    ],
)
def test_what_is_no_text_is_named(tmp_path: Path, data: bytes, what: str) -> None:
    with pytest.raises(InputError, match=what):
        source_of(tmp_path, data)
    with pytest.raises(InputError, match=what):
        list(JsonLinesSource(str(tmp_path / "data.jsonl")).plan(1 << 20))


def test_text_that_begins_like_a_binary_is_text() -> None:
    assert sniff(b"BZh is how bzip2 files begin").kind == "text"
    assert sniff(b'{"a": "one \x00 is no binary"}').kind == "text"


def test_what_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "train.jsonl").write_bytes(GOOD_LINE)
    with pytest.raises(InputError, match="is a directory"):
        open_source(str(tmp_path))
    with pytest.raises(InputError, match=r"no such file; did you mean .*train\.jsonl\?"):
        open_source(str(tmp_path / "trian.jsonl"))
    with pytest.raises(InputError, match=r"no such file$"):
        open_source(str(tmp_path / "nowhere" / "other.jsonl"))


def test_standard_input_is_spooled() -> None:
    source = open_source("-", stdin=io.BytesIO(GOOD_LINE + b"\n"))
    assert (source.display, source.info.path) == ("-", "-")
    assert Path(source.path).exists()
    assert [record.value for record in read(source)] == [GOOD]


# --- other JSON -----------------------------------------------------------------------------------------------------

VALUES = [GOOD, {"id": '[{"x\\', "n": {"a": [1, {"b": "}"}]}}, 5, None, 'text, [with] "marks"', [1, [2]]]


@pytest.mark.parametrize("indent", [None, 0, 2])
def test_an_array(tmp_path: Path, indent: int | None) -> None:
    text = json.dumps(VALUES, indent=indent)
    source = source_of(tmp_path, text.encode())
    assert isinstance(source, MisplacedJsonSource)
    assert file_faults(source) == [("not-json-lines", {"kind": "array", "readable": True})]
    records = read(source)
    assert [record.value for record in records] == VALUES
    assert [record.pointer for record in records] == [f"/{i}" for i in range(len(VALUES))]
    for record in records:
        assert text[record.offset :].startswith(record.raw.decode())
        assert record.line == text.count("\n", 0, record.offset) + 1


def test_an_array_is_what_json_files_hold(tmp_path: Path) -> None:
    source = source_of(tmp_path, json.dumps([GOOD, GOOD], indent=1).encode(), "data.json")
    assert source.format == "json"
    assert file_faults(source) == []
    assert len(read(source)) == 2


def test_pretty_printed_objects(tmp_path: Path) -> None:
    text = "\n".join(json.dumps(value, indent=2) for value in (GOOD, {"a": {}}, GOOD))
    source = source_of(tmp_path, text.encode())
    assert file_faults(source) == [("not-json-lines", {"kind": "pretty-printed", "readable": True})]
    assert [record.value for record in read(source)] == [GOOD, {"a": {}}, GOOD]


def test_an_array_with_a_broken_item_keeps_the_others(tmp_path: Path) -> None:
    text = '[{"a": 1},\n {"a": oops},\n {"a": "3"} {"a": 4},\n {"a": "5},\n {"a": 6}\n]'
    records = read(source_of(tmp_path, text.encode()))
    assert [record.value for record in records[:2]] == [{"a": 1}, UNDECODED]
    assert [record.value for record in records if record.value is not UNDECODED][:3] == [{"a": 1}, {"a": "3"}, {"a": 4}]
    broken = records[1].faults[0]
    assert (broken.kind, broken.line, broken.column) == ("invalid-json", 2, "7")
    assert all(record.faults for record in records if record.value is UNDECODED)


@pytest.mark.parametrize("cut", [1, 5, 20, 40, 75, -1])
def test_an_array_that_is_cut_off(tmp_path: Path, cut: int) -> None:
    text = json.dumps([GOOD, GOOD], indent=1)
    records = read(source_of(tmp_path, text[:cut].encode()))
    assert [fault.kind for fault in records[-1].faults] == ["truncated-file"]
    assert all(record.value == GOOD for record in records[:-1])


class Small(JsonArraySource):
    """A source that finds items of more than 64 KiB too long."""

    max_item = 1 << 16


@pytest.mark.parametrize(("filling", "times"), [(b"[],", 100_000), (b'"\\"x", ', 100_000), (b"y", 16 << 20)])
def test_a_huge_item_is_never_held(tmp_path: Path, filling: bytes, times: int) -> None:
    path = tmp_path / "data.json"
    quote = b'"' if filling == b"y" else b""
    path.write_bytes(b'[{"a": 1}, [' + quote + filling * times + quote + b"[]" * (not quote) + b'],\n {"a": 2}]')
    source = Small(str(path))
    # The tracer makes every token slow; one long string is few tokens.
    tracemalloc.start(1) if quote else None
    records = list(source.read(next(source.plan(1))))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 6 << 20
    assert [record.value for record in records] == [{"a": 1}, UNDECODED, {"a": 2}]
    assert "at most 65,536 are read" in records[1].faults[0].args["reason"]
    assert records[2].line == 2


@settings(max_examples=60, deadline=None)
@given(st.lists(json_values, max_size=5), st.sampled_from([None, 0, 3]), st.sampled_from(["utf-8", "utf-16-le"]))
def test_any_array_is_read(
    tmp_path_factory: pytest.TempPathFactory, values: list[Any], indent: int | None, encoding: str
) -> None:
    path = tmp_path_factory.mktemp("arrays") / "data.json"
    text = json.dumps(values, indent=indent, ensure_ascii=False)
    data = ("\ufeff" + text).encode(encoding)
    path.write_bytes(data)
    records = list(JsonArraySource(str(path)).read(next(JsonArraySource(str(path)).plan(1))))
    assert json.dumps([record.value for record in records]) == json.dumps(json.loads(text))
    for record in records:
        assert data[record.offset :].decode(encoding).startswith(record.raw.decode())


PASSAGES = [
    {"id": "p1", "passage": "One.", "questions": [{"id": "q1", "q": "A?"}, {"id": "q2", "q": "B?", "tags": [{}]}]},
    {"id": "p2", "passage": "Two.", "meta": {"x": 1}, "questions": []},
    {"id": "p3", "questions": [{"q": "C?"}, "D?"]},
    7,
]


@pytest.mark.parametrize("name", ["data.json", "data.jsonl"])
def test_nested_records(tmp_path: Path, name: str) -> None:
    text = json.dumps(PASSAGES, indent=1) if name == "data.json" else "\n".join(json.dumps(p) for p in PASSAGES)
    records = read(source_of(tmp_path, text.encode(), name, records="questions[]"))
    assert [record.value for record in records] == [
        {"id": "q1", "passage": "One.", "q": "A?"},
        {"id": "q2", "passage": "One.", "q": "B?", "tags": [{}]},
        PASSAGES[1],
        {"id": "p3", "q": "C?"},
        {"id": "p3", "questions": "D?"},
        7,
    ]
    top = ["/0", "/0", "/1", "/2", "/2", "/3"] if name == "data.json" else [""] * 6
    inside = ["/questions/0", "/questions/1", "", "/questions/0", "/questions/1", ""]
    assert [record.pointer or "" for record in records] == [a + b for a, b in zip(top, inside, strict=True)]
    assert [record.ordinal for record in records] == list(range(6))
    assert [[fault.kind for fault in record.faults] for record in records] == [
        [],
        [],
        ["missing-value"],
        [],
        [],
        ["missing-value"],
    ]
    for record in records:
        assert text[record.offset :].startswith(record.raw.decode())
        assert record.line == text.count("\n", 0, record.offset) + 1


def test_nested_records_two_levels_down(tmp_path: Path) -> None:
    data = {"name": "set", "topics": [{"t": "x", "rows": [{"a": 1}, {"a": 2}]}, {"t": "y", "rows": [{"a": 3}]}]}
    source = source_of(tmp_path, json.dumps(data).encode(), "data.json", records="topics[].rows[]")
    records = read(source)
    assert [record.value for record in records] == [
        {"name": "set", "t": "x", "a": 1},
        {"name": "set", "t": "x", "a": 2},
        {"name": "set", "t": "y", "a": 3},
    ]
    assert [record.pointer for record in records] == ["/topics/0/rows/0", "/topics/0/rows/1", "/topics/1/rows/0"]


def test_faults_go_to_the_nested_record_that_they_are_in(tmp_path: Path) -> None:
    text = b'[{"id": 1, "id": 2, "questions": [{"q": "A?"}, {"q": NaN}]}]'
    source = source_of(tmp_path, text, "data.json", records="questions[]")
    first, second = read(source)
    assert [fault.kind for fault in first.faults] == ["duplicate-json-key"]
    assert [(fault.kind, fault.pointer) for fault in second.faults] == [("non-finite-number", "/q")]
    batch = Batch(source=0, path="data.json", records=[first, second], examples=[None, None])
    assert batch.fault_location(second.faults[0], 1).pointer == "/0/questions/1/q"


@pytest.mark.parametrize("path", ["", "[]", "a[0]", "a..b", "a[]b"])
def test_a_path_that_is_none(tmp_path: Path, path: str) -> None:
    with pytest.raises(InputError, match="no path to records"):
        source_of(tmp_path, b"[{}]", "data.json", records=path)


def test_content_decides_before_the_extension(tmp_path: Path) -> None:
    assert source_of(tmp_path, GOOD_LINE + b"\n", "data.csv").format == "jsonl"
    assert source_of(tmp_path, b"text,label\na,b\nc,d\n", "data.jsonl").format == "csv"
    assert source_of(tmp_path, b"text,label\na,b\nc,d\n", "data").format == "csv"
    assert source_of(tmp_path, b"just some words\nand more, of them\n", "data").format == "jsonl"
    assert source_of(tmp_path, b"[x],[y]\n1,2\n", "data.csv").format == "csv"
    assert source_of(tmp_path, b"", "data.csv").format == "csv"
    assert source_of(tmp_path, b'{"a": 1,\n{"a": 2}\n', "data.jsonl").format == "jsonl"
