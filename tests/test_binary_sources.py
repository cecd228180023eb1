"""Sources that are no text: compressed files, Parquet, Arrow, workbooks, databases; folders and patterns of files."""

from __future__ import annotations

import bz2
import datetime
import decimal
import gzip
import io
import json
import lzma
import sqlite3
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pyarrow.feather
import pyarrow.ipc
import pyarrow.parquet as pq
import pytest
import zstandard

from dsprep import api
from dsprep.model.record import Record
from dsprep.model.source import InputError, Source
from dsprep.sources import files_of, open_source, packed

CHAT = [
    {"messages": [{"role": "user", "content": f"What is {i}?"}, {"role": "assistant", "content": f"{i} – so it is."}]}
    for i in range(40)
]
LINES = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in CHAT).encode()
PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zst": zstandard.ZstdCompressor().compress,
}


def read(source: Source) -> list[Record]:
    return [record for shard in source.plan(1 << 20) for record in source.read(shard)]


def values(path: Path, **how: Any) -> list[Any]:
    return [record.value for record in read(open_source(str(path), **how))]


# --- compressed ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ending", PACKERS)
def test_compressed_files_are_read_as_what_is_in_them(ending: str, tmp_path: Path) -> None:
    pack = PACKERS[ending]
    (tmp_path / f"data.jsonl.{ending}").write_bytes(pack(LINES))
    (tmp_path / f"table.csv.{ending}").write_bytes(pack(b"text,label\nso,a\nno,b\n"))
    # Parts that are packed one by one and put behind each other are one file; the ending is no matter.
    (tmp_path / "parts").write_bytes(pack(LINES) + pack(LINES))
    assert values(tmp_path / f"data.jsonl.{ending}") == CHAT
    assert values(tmp_path / f"table.csv.{ending}") == [{"text": "so", "label": "a"}, {"text": "no", "label": "b"}]
    assert values(tmp_path / "parts") == CHAT + CHAT
    report = api.lint([tmp_path / f"data.jsonl.{ending}"])
    assert report.inputs[0].path == str(tmp_path / f"data.jsonl.{ending}")


@pytest.mark.parametrize("ending", PACKERS)
@pytest.mark.parametrize("fault", ["cut", "broken"])
def test_a_damaged_compressed_file_is_a_sentence(ending: str, fault: str, tmp_path: Path) -> None:
    data = PACKERS[ending](bytes(i * i % 251 for i in range(50_000)))
    middle = len(data) // 2
    cut = data[:middle] if fault == "cut" else data[:middle] + bytes(b ^ 0xFF for b in data[middle:])
    file = tmp_path / f"data.jsonl.{ending}"
    file.write_bytes(cut)
    with pytest.raises(InputError, match=r"(is cut off|is damaged).*fetch it again"):
        open_source(str(file))


@pytest.mark.parametrize("ending", PACKERS)
def test_a_bomb_is_not_unpacked(ending: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packed, "BOMB_BYTES", 1 << 20)
    file = tmp_path / f"data.jsonl.{ending}"
    file.write_bytes(PACKERS[ending](bytes(8 << 20)))
    with pytest.raises(InputError, match="unpacks to more than 250 times its size"):
        open_source(str(file))


def test_what_is_compressed_twice_is_named(tmp_path: Path) -> None:
    file = tmp_path / "data.jsonl.gz"
    file.write_bytes(gzip.compress(gzip.compress(LINES)))
    with pytest.raises(InputError, match="is gzip-compressed twice"):
        open_source(str(file))


def test_the_name_of_what_is_written_has_nothing_of_the_packing(tmp_path: Path) -> None:
    (tmp_path / "reviews.csv.gz").write_bytes(gzip.compress(b"text,label\nso,a\nno,b\n" * 20))
    words = [sys.executable, "-m", "dsprep", "convert", "reviews.csv.gz", "--user", "text", "--assistant", "label"]
    subprocess.run(words, cwd=tmp_path, check=False, capture_output=True)
    assert (tmp_path / "reviews.chat.jsonl").is_file()


def test_compressed_files_are_not_fixed_in_place(tmp_path: Path) -> None:
    file = tmp_path / "data.jsonl.gz"
    file.write_bytes(gzip.compress(LINES))
    with pytest.raises(InputError, match="is compressed, and not fixed in place"):
        api.fix([file])


# --- Parquet and Arrow -----------------------------------------------------------------------------------------------

TYPED = {
    "text": ["so", None, "é"],
    "number": [1, 2, None],
    "share": [0.5, float("nan"), 2.0],
    "at": [datetime.datetime(2026, 11, 21, 7, 30), None, datetime.datetime(2026, 11, 22)],
    "price": [decimal.Decimal("1.20"), None, decimal.Decimal("3.00")],
    "raw": [b"abc", b"\xff\x00", None],
}
PLAIN = [
    {"text": "so", "number": 1, "share": 0.5, "at": "2026-11-21T07:30:00", "price": "1.20", "raw": "abc"},
    {"text": None, "number": 2, "share": None, "at": None, "price": None, "raw": "ff00"},
    {"text": "é", "number": None, "share": 2.0, "at": "2026-11-22", "price": "3.00", "raw": None},
]


def stream(table: pa.Table, file: Path) -> None:
    with pyarrow.ipc.new_stream(file, table.schema) as out:
        out.write_table(table)


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("data.parquet", pq.write_table),
        ("data.feather", pyarrow.feather.write_feather),
        ("data.arrow", stream),
    ],
)
def test_typed_columns_become_json_values(name: str, write: Callable[[Any, Any], None], tmp_path: Path) -> None:
    file = tmp_path / name
    write(pa.table(TYPED), file)
    records = read(open_source(str(file)))
    assert [record.value for record in records] == PLAIN
    assert [record.row for record in records] == [1, 2, 3]
    nested = pa.Table.from_pylist([*CHAT, {"messages": [{"role": "user", "content": "a", "name": "Al"}], "n": 1}])
    write(nested, file)
    # What the columns of another row have is no part of this one.
    assert [record.value for record in read(open_source(str(file)))][:40] == CHAT


def test_row_groups_are_shards(tmp_path: Path) -> None:
    file = tmp_path / "data.parquet"
    pq.write_table(pa.table({"text": [f"text {i}" for i in range(1000)], "label": ["a", "b"] * 500}), file, 300)
    source = open_source(str(file))
    shards = list(source.plan(1 << 20))
    assert [shard.ordinal for shard in shards] == [0, 300, 600, 900]
    assert (shards[0].start, shards[-1].end) == (0, file.stat().st_size)
    assert [record.value["text"] for record in source.read(shards[2])] == [f"text {i}" for i in range(600, 900)]
    serial = api.lint([file], executor="serial")
    parallel = api.lint([file], workers=2)
    assert [summary.tally.total for summary in serial.summaries] == [s.tally.total for s in parallel.summaries]
    out = tmp_path / "out.jsonl"
    assert api.convert([file], out).rows_out == 1000


def test_conversations_in_columns_are_conversations(tmp_path: Path) -> None:
    file = tmp_path / "chat.parquet"
    pq.write_table(pa.Table.from_pylist(CHAT), file)
    report = api.lint([file])
    assert report.exit_code(None) == 0
    assert {summary.meta.code[:3] for summary in report.summaries} <= {"SET"}


@pytest.mark.parametrize("name", ["data.parquet", "data.feather", "data.arrow"])
def test_a_cut_off_table_is_a_sentence(name: str, tmp_path: Path) -> None:
    file = tmp_path / name
    table = pa.table({"text": [f"text {i}" for i in range(1000)]})
    {".parquet": pq.write_table, ".feather": pyarrow.feather.write_feather, ".arrow": stream}[file.suffix](table, file)
    file.write_bytes(file.read_bytes()[:2000])
    with pytest.raises(InputError, match="can be read"):
        read(open_source(str(file)))


# --- workbooks -------------------------------------------------------------------------------------------------------


def workbook(file: Path, sheets: dict[str, list[list[Any]]]) -> Path:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    book.save(file)
    return file


def test_a_sheet_is_a_table(tmp_path: Path) -> None:
    file = workbook(
        tmp_path / "data.xlsx",
        {
            "empty": [],
            "reviews": [["text", "stars", "on"], ["good", 5, datetime.date(2026, 1, 2)], [], ["bad", 1.5, None]],
            "others": [["a"], ["b"]],
        },
    )
    source = open_source(str(file))
    assert [record.value for record in read(source)] == [
        {"text": "good", "stars": 5, "on": "2026-01-02"},
        {"text": "bad", "stars": 1.5, "on": None},
    ]
    assert source.info.notes == ["the sheet 'reviews' was read; there is 'others', too: --records names another"]
    assert values(file, records="others") == [{"a": "b"}]
    with pytest.raises(InputError, match="has no sheet 'review'; it has 'empty', 'reviews', 'others'"):
        read(open_source(str(file), records="review"))


def test_columns_of_a_sheet_get_names(tmp_path: Path) -> None:
    file = workbook(tmp_path / "data.xlsx", {"s": [["text", "text", None], ["a", "b", "c"]]})
    source = open_source(str(file))
    (shard,) = source.plan(1)
    assert [record.value for record in source.read(shard)] == [{"text": "a", "text_2": "b", "column_3": "c"}]
    assert [fault.kind for fault in shard.faults] == ["ambiguous-header"] * 2


def test_damaged_workbooks_and_bombs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = workbook(tmp_path / "data.xlsx", {"s": [["text"], ["a" * 1000]]})
    (tmp_path / "cut.xlsx").write_bytes(file.read_bytes()[:3000])
    with pytest.raises(InputError, match="may be cut off"):
        open_source(str(tmp_path / "cut.xlsx"))
    monkeypatch.setattr("dsprep.sources.workbook.MAX_UNPACKED", 1000)
    with pytest.raises(InputError, match="unpacks to"):
        read(open_source(str(file)))
    other = io.BytesIO()
    with zipfile.ZipFile(other, "w") as archive:
        archive.writestr("data.jsonl", LINES)
    (tmp_path / "data.zip").write_bytes(other.getvalue())
    with pytest.raises(InputError, match="is a zip archive"):
        open_source(str(tmp_path / "data.zip"))


# --- databases -------------------------------------------------------------------------------------------------------


def database(file: Path, script: str) -> Path:
    with sqlite3.connect(file) as made:
        made.executescript(script)
    made.close()
    return file


def test_tables_and_queries(tmp_path: Path) -> None:
    file = database(
        tmp_path / "data.db",
        """CREATE TABLE reviews (text TEXT, stars INTEGER); INSERT INTO reviews VALUES ('good', 5), (NULL, 1);
        CREATE TABLE "odd ""name" (a); INSERT INTO "odd ""name" VALUES (x'ff00'), (1.5);""",
    )
    before = file.read_bytes()
    assert values(file, records="reviews") == [{"text": "good", "stars": 5}, {"text": None, "stars": 1}]
    assert values(file, records='odd "name') == [{"a": "ff00"}, {"a": 1.5}]
    query = "SELECT text AS t, text FROM reviews WHERE stars > 1"
    assert values(file, records=query) == [{"t": "good", "text": "good"}]
    with pytest.raises(InputError, match=r"has several tables; --records names one of them.*odd"):
        values(file)
    with pytest.raises(InputError, match="has no table 'review'"):
        values(file, records="review")
    with pytest.raises(InputError, match="cannot be read as 'SELECT other FROM reviews' says: no such column"):
        values(file, records="SELECT other FROM reviews")
    # A statement that would change something is no query; what is hidden in one cannot either.
    for statement in ("DELETE FROM reviews", "WITH x AS (SELECT 1) DELETE FROM reviews"):
        with pytest.raises(InputError):
            values(file, records=statement)
    assert file.read_bytes() == before


def test_databases_that_cannot_be_read(tmp_path: Path) -> None:
    file = database(tmp_path / "data.db", "CREATE TABLE t (a); INSERT INTO t VALUES (1);")
    assert values(file) == [{"a": 1}]
    (tmp_path / "cut.db").write_bytes(file.read_bytes()[:5000])
    with pytest.raises(InputError, match="is cut off"):
        values(tmp_path / "cut.db")
    with pytest.raises(InputError, match="is a database without a table"):
        values(database(tmp_path / "empty.db", "CREATE TABLE t (a); DROP TABLE t;"))


# --- folders and patterns --------------------------------------------------------------------------------------------


def test_a_folder_stands_for_its_files_of_data(tmp_path: Path) -> None:
    for name in ("b.jsonl", "a.csv", "c.jsonl.gz", "notes.txt", ".hidden.jsonl", "b.rejected.jsonl", "deep/d.parquet"):
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.touch()
    (tmp_path / ".cache").mkdir()
    (tmp_path / ".cache" / "e.jsonl").touch()
    names = ["a.csv", "b.jsonl", "c.jsonl.gz", "deep/d.parquet"]
    assert files_of(str(tmp_path)) == [str(tmp_path / name) for name in names]
    assert files_of(str(tmp_path / "*.jsonl")) == [str(tmp_path / "b.jsonl"), str(tmp_path / "b.rejected.jsonl")]
    assert files_of(str(tmp_path / "**" / "*.parquet")) == [str(tmp_path / "deep/d.parquet")]
    odd = tmp_path / "odd[1].jsonl"
    odd.touch()
    assert files_of(str(odd)) == [str(odd)]
    with pytest.raises(InputError, match="nothing matches"):
        files_of(str(tmp_path / "*.nothing"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="a folder without files of data"):
        files_of(str(tmp_path / "empty"))


def test_a_folder_of_splits(tmp_path: Path) -> None:
    (tmp_path / "train.jsonl").write_bytes(LINES)
    (tmp_path / "validation.jsonl").write_bytes(LINES[: LINES.index(b"\n") + 1])
    report = api.lint([tmp_path])
    assert [(Path(info.path).name, info.split) for info in report.inputs] == [
        ("train.jsonl", "train"),
        ("validation.jsonl", "validation"),
    ]
    assert "LEK001" in {summary.meta.code for summary in report.summaries}
