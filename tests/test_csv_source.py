"""Tables: delimiters, quotes and encodings of all kinds; every row is there, at its place."""

from __future__ import annotations

import csv
import hashlib
import io
import pickle
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsprep.model.record import UNDECODED, Record
from dsprep.model.source import InputError, Shard
from dsprep.sources.csv import CsvSource, Dialect, sniff_dialect


def source_of(tmp_path: Path, data: bytes | str, **known: Any) -> CsvSource:
    path = tmp_path / "data.csv"
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return CsvSource(str(path), **known)


def read(source: CsvSource) -> list[Record]:
    shards = pickle.loads(pickle.dumps(list(source.plan(1 << 22))))
    worker = pickle.loads(pickle.dumps(source))
    return [record for shard in shards for record in worker.read(shard)]


def values(source: CsvSource) -> list[Any]:
    return [record.value for record in read(source)]


def kinds(source: CsvSource) -> list[list[str]]:
    return [[fault.kind for fault in record.faults] for record in read(source)]


def test_rows_know_where_they_are(tmp_path: Path) -> None:
    text = 'id,text\n1,"two\nlines, é"\n2,"say ""hi"""\n\n3,end'
    source = source_of(tmp_path, text)
    records = read(source)
    assert [record.value for record in records] == [
        {"id": "1", "text": "two\nlines, é"},
        {"id": "2", "text": 'say "hi"'},
        UNDECODED,
        {"id": "3", "text": "end"},
    ]
    assert [(r.ordinal, r.row, r.line) for r in records] == [(0, 1, 2), (1, 2, 4), (2, None, 5), (3, 3, 6)]
    assert records[2].blank
    data = text.encode()
    assert [data[r.offset :].startswith(r.raw) for r in records] == [True] * 4
    assert records[0].raw == '1,"two\nlines, é"'.encode()
    assert (source.info.format, source.info.bytes) == ("csv", len(data))


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiters_and_line_ends(tmp_path: Path, delimiter: str, end: str) -> None:
    rows = [["name", "note"], ["a", "x, y; z"], ["b", "one | two\tthree"]]
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, lineterminator=end).writerows(rows)
    source = source_of(tmp_path, text.getvalue())
    assert values(source) == [dict(zip(rows[0], row, strict=True)) for row in rows[1:]]
    assert any("separated" in note for note in source.info.notes) == (delimiter != ",")


def test_quotes_escaped_by_backslash() -> None:
    text = 'id,text\n1,"he said \\"a, b\\" twice"\n2,"x"\n3,"y"\n'
    assert sniff_dialect(text) == Dialect(",", escaped=True)
    assert sniff_dialect('id,text\n1,"C:\\dir\\"\n2,"x ""y"""\n3,z\n') == Dialect(",")


def test_one_column_has_no_delimiter(tmp_path: Path) -> None:
    assert sniff_dialect("text\nhello\nyou, there\n") is None
    assert values(source_of(tmp_path, "text\nhello\nyou\n")) == [{"text": "hello"}, {"text": "you"}]


@pytest.mark.parametrize(
    ("encoding", "note"),
    [
        ("utf-8", None),
        ("utf-8-sig", "byte order mark"),
        ("utf-16", "UTF-16"),
        ("utf-16-le", "UTF-16"),
        ("utf-32", "UTF-32"),
        ("cp1252", "cp1252"),
    ],
)
def test_encodings(tmp_path: Path, encoding: str, note: str | None) -> None:
    text = 'review,label\nCrème brûlée – très bon,gut\n"Schön, aber teuer: 20 €",schlecht\nPlain,gut\n'
    data = text.encode(encoding)
    source = source_of(tmp_path, data)
    records = read(source)
    assert [record.value["review"] for record in records] == [
        "Crème brûlée – très bon",
        "Schön, aber teuer: 20 €",
        "Plain",
    ]
    assert [note for note in source.info.notes if note] == [] if note is None else note in " ".join(source.info.notes)
    codec = "utf-8" if encoding == "utf-8-sig" else f"{encoding}-le" if encoding in ("utf-16", "utf-32") else encoding
    raw = "utf-8" if codec.startswith("utf") else codec
    for record in records:
        assert data[record.offset :].decode(codec).startswith(record.raw.decode(raw))


def test_a_few_bad_bytes_do_not_make_another_encoding(tmp_path: Path) -> None:
    data = "id,text\n1,café\n2,naïve\n3,".encode() + b"caf\xe9 noir\n" + b"4,fin\n"
    source = source_of(tmp_path, data)
    records = read(source)
    assert source.info.encoding == "utf-8"
    assert [record.value is UNDECODED for record in records] == [False, False, True, False]
    (fault,) = records[2].faults
    assert (fault.kind, dict(fault.args)) == ("invalid-utf8", {"encoding": "cp1252", "bad": "e9"})
    assert fault.offset == data.index(b"\xe9")
    assert records[2].raw == b"3,caf\xe9 noir"


def test_ragged_rows_keep_every_cell(tmp_path: Path) -> None:
    source = source_of(tmp_path, "a,b,c\n1,2,3\n1\n1,2,3,4,5\n1,2,3\n")
    records = read(source)
    assert [record.value for record in records] == [
        {"a": "1", "b": "2", "c": "3"},
        {"a": "1", "b": None, "c": None},
        {"a": "1", "b": "2", "c": "3", "_extra": ["4", "5"]},
        {"a": "1", "b": "2", "c": "3"},
    ]
    assert [[(f.kind, dict(f.args)) for f in r.faults] for r in records] == [
        [],
        [("ragged-row", {"expected": 3, "found": 1})],
        [("ragged-row", {"expected": 3, "found": 5})],
        [],
    ]


def test_headers_that_are_missing_or_the_same(tmp_path: Path) -> None:
    source = source_of(tmp_path, "text, ,text,text_2,_extra\na,b,c,d,e\n")
    assert source.columns == ("text", "column_2", "text_3", "text_2", "_extra_2")
    assert values(source) == [{"text": "a", "column_2": "b", "text_3": "c", "text_2": "d", "_extra_2": "e"}]
    assert len(source.info.notes) == 3


def test_a_quote_that_is_never_closed_takes_one_line(tmp_path: Path) -> None:
    source = source_of(tmp_path, 'id,text\n1,fine\n2,"open\n3,also\n4,"quoted, too"\n5,end\n')
    records = read(source)
    # The quote on line 3 is closed by the one on line 5, and what is left of that line opens another.
    assert {"id": "1", "text": "fine"} in [record.value for record in records]
    assert records[-1].value == {"id": "5", "text": "end"}
    assert any(fault.kind == "ragged-row" for record in records for fault in record.faults)

    source = source_of(tmp_path, 'id,text\n1,fine\n2,"open\n3,also\n4,too\n')
    records = read(source)
    assert [record.value["id"] for record in records] == ["1", "2", "3", "4"]
    assert [record.line for record in records] == [2, 3, 4, 5]
    (fault,) = records[1].faults
    assert fault.args["reason"] == "a quote that opens on line 3 is never closed"


def test_an_open_quote_in_a_large_file_is_not_held(tmp_path: Path) -> None:
    class Small(CsvSource):
        max_row = 1 << 14

    path = tmp_path / "data.csv"
    line = b"1,some words that fill the line up a little\n"
    path.write_bytes(b'id,text\n2,"open\n' + line * 200_000)
    source = Small(str(path))
    tracemalloc.start(1)
    count = sum(1 for shard in source.plan(1 << 16) for _ in source.read(shard))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 200_001
    assert peak < 4 << 20


def whole(source: CsvSource) -> list[Record]:
    """The records as a reader finds them that reads the file from its start to its end."""
    list(source.plan(1 << 30))
    return list(source.read(Shard(0, 0, source.info.bytes)))


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.sampled_from(["a", ",", '"', '""', "\n", "\r\n", "\r", " ", "é", '\n1,"x\ny"\n', '"b",c\n']), max_size=40
    ),
    st.integers(1, 40),
    st.sampled_from(["utf-8", "cp1252", "utf-16"]),
    st.sampled_from([6, 1 << 20]),
)
def test_shards_are_the_file(
    tmp_path_factory: pytest.TempPathFactory, parts: list[str], size: int, encoding: str, longest: int
) -> None:
    class Small(CsvSource):
        max_row = longest

    path = tmp_path_factory.mktemp("shards") / "data.csv"
    path.write_bytes(("x,y\n" + "".join(parts)).encode(encoding))
    source = Small(str(path))
    expected = whole(source)
    digest = source.info.sha256
    shards = list(source.plan(size))
    assert [record for shard in shards for record in source.read(shard)] == expected
    # Each row can be read by itself, where it begins.
    for shard in shards:
        records = list(source.read(shard))
        assert [record.ordinal for record in records] == list(range(shard.ordinal, shard.ordinal + len(records)))
        ends = [record.offset for record in records[1:]] + [shard.end] * bool(records)
        for record, end in zip(records, ends, strict=True):
            row = Shard(0, record.offset, end, record.ordinal, record.line or 1, rows=(record.row or 1) - 1)
            assert list(source.read(row)) == [record]
    ends = [0, *(shard.end for shard in shards)]
    assert [shard.start for shard in shards] == ends[:-1]
    assert ends[-1] == source.info.bytes == path.stat().st_size
    assert source.info.sha256 == digest == hashlib.sha256(path.read_bytes()).hexdigest()


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.sampled_from(["a,b\n", "\n", "\r\n", 'a,"b"\r\n', '"x\ny",\n', '"a ""b""",c\n', '"""",""""""\n', " , \n"])
        | st.text(st.sampled_from('ab,"\n\r é'), max_size=9),
        max_size=8,
    ),
    st.integers(1, 60),
    st.sampled_from(["utf-8", "utf-8-sig", "cp1252"]),
)
def test_columns_are_the_rows(
    tmp_path_factory: pytest.TempPathFactory, parts: list[str], size: int, encoding: str
) -> None:
    path = tmp_path_factory.mktemp("columns") / "data.csv"
    path.write_bytes(("x,y\n" + "".join(parts)).encode(encoding, "replace"))
    source = CsvSource(str(path), delimiter=",")
    for shard in source.plan(size):
        table = source.table(shard, ["y", "x"])
        if table is None:
            continue
        records = [record for record in source.read(shard) if not record.blank]
        assert not any(record.faults for record in records)
        cells = table.cells.to_pylist()
        assert [{"x": cell["x"], "y": cell["y"]} for cell in cells] == [record.value for record in records]
        rows = table.rows(range(len(records)))
        assert [list(source.read(row)) for row in rows] == [[record] for record in records]


def test_what_a_csv_writer_writes_is_read_by_columns(tmp_path: Path) -> None:
    text = io.StringIO(newline="")
    rows = [["id", "text"], *([str(i), f'line {i}\nsays "{i}", or so'] for i in range(500))]
    csv.writer(text).writerows(rows)
    source = source_of(tmp_path, text.getvalue())
    shards = list(source.plan(2000))
    assert len(shards) > 5
    tables = [source.table(shard, ["text"]) for shard in shards]
    assert [cell for table in tables if table for cell in table.cells["text"].to_pylist()] == [
        row[1] for row in rows[1:]
    ]


def test_a_return_inside_of_a_cell(tmp_path: Path) -> None:
    source = source_of(tmp_path, "id,text\n1,a\rb\n2,c\n")
    assert values(source) == [{"id": "1", "text": "a\rb"}, {"id": "2", "text": "c"}]


@pytest.mark.parametrize("data", [b"", b"\n", b"a,b\n", b"a,b", b"\xef\xbb\xbf", b"a,b\n\n\n", b"\n\n\n"])
def test_no_rows(tmp_path: Path, data: bytes) -> None:
    source = source_of(tmp_path, data)
    (shard,) = source.plan(1)
    assert "empty-file" in [fault.kind for fault in shard.faults]
    assert all(record.blank for record in source.read(shard))
    assert source.info.bytes == len(data)


def test_what_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        list(CsvSource(str(tmp_path / "none.csv")).plan(1))
    with pytest.raises(InputError, match="zip archive"):
        list(source_of(tmp_path, b"PK\x03\x04\x14\x00\x00\x00\x08\x00" + bytes(200)).plan(1))


# Control characters in numbers make a binary file.
cells = st.text(
    st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\ufdd0") | st.sampled_from("\r\n\t\x85"),
    max_size=12,
)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(cells, cells, cells), min_size=1, max_size=8),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
)
def test_what_a_csv_writer_writes_is_read(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str, str]], end: str, encoding: str
) -> None:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator=end, quoting=csv.QUOTE_ALL)
    writer.writerows([("a", "b", "c"), *rows])
    path = tmp_path_factory.mktemp("tables") / "data.csv"
    data = text.getvalue().encode(encoding)
    path.write_bytes(data)
    records = read(CsvSource(str(path), delimiter=","))
    assert [tuple(record.value.values()) for record in records] == rows
    assert not any(record.faults for record in records)
    assert [record.row for record in records] == list(range(1, len(rows) + 1))
    codec = {"utf-8-sig": "utf-8", "utf-16": "utf-16-le"}.get(encoding, encoding)
    for record in records:
        before = data[: record.offset].decode(codec)
        assert record.line == before.count("\n") + 1


@settings(max_examples=200, deadline=None)
@given(st.text(st.sampled_from('ab,;"\n\r\\'), max_size=60))
def test_no_character_of_a_hostile_table_is_lost(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.mktemp("hostile") / "data.csv"
    path.write_bytes(b"x,y\n" + text.encode())
    source = CsvSource(str(path))
    records = [record for shard in source.plan(1) for record in source.read(shard)]
    joined = b"".join(record.raw for record in records)
    assert joined.replace(b"\n", b"").replace(b"\r", b"") == text.encode().replace(b"\n", b"").replace(b"\r", b"")
    assert all(record.value is not UNDECODED or record.blank for record in records)
