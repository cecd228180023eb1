"""The kinds of CSV that the csv-spectrum suite has (github max-mapper/csv-spectrum: comma in quotes, empty cells,
quotes in quotes, JSON in cells, coordinates, line ends of both kinds in and between rows, UTF-8), with content of our
own: each is read as what was meant, all cells as texts."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from dsprep import api
from dsprep.formats import Mapping
from dsprep.sources import open_source

PLACE = json.dumps({"type": "Point", "coordinates": [13.4125, 52.5219]})

#: By what the suite calls them: the bytes of the file, and the records in it.
SPECTRUM: dict[str, tuple[bytes, list[dict[str, str]]]] = {
    "comma in quotes": (
        b'name,street,place\nMara,"12 Mill Lane, rear house",Leeds\n',
        [{"name": "Mara", "street": "12 Mill Lane, rear house", "place": "Leeds"}],
    ),
    "empty": (
        b'x,y,z\n7,"",""\n,"",8\n9,,\n',
        [{"x": "7", "y": "", "z": ""}, {"x": "", "y": "", "z": "8"}, {"x": "9", "y": "", "z": ""}],
    ),
    "empty_crlf": (
        b'x,y,z\r\n7,"",""\r\n,"",8\r\n9,,\r\n',
        [{"x": "7", "y": "", "z": ""}, {"x": "", "y": "", "z": "8"}, {"x": "9", "y": "", "z": ""}],
    ),
    "escaped quotes": (
        b'n,said\n1,"she said ""no"" twice"\n2,"""quoted"""\n3,""""\n',
        [{"n": "1", "said": 'she said "no" twice'}, {"n": "2", "said": '"quoted"'}, {"n": "3", "said": '"'}],
    ),
    "json": (
        b'id,place\n1,"' + PLACE.replace('"', '""').encode() + b'"\n2,{}\n',
        [{"id": "1", "place": PLACE}, {"id": "2", "place": "{}"}],
    ),
    "location coordinates": (
        'name,where,phone\nStall,"52°31\'18.8""N 13°24\'45.0""E",(030) 555-0100\n'.encode(),
        [{"name": "Stall", "where": "52°31'18.8\"N 13°24'45.0\"E", "phone": "(030) 555-0100"}],
    ),
    "newlines": (
        b'x,y\n1,2\n"Once there\nwas a line",3\n4,"\n"\n',
        [{"x": "1", "y": "2"}, {"x": "Once there\nwas a line", "y": "3"}, {"x": "4", "y": "\n"}],
    ),
    "newlines_crlf": (
        b'x,y\r\n1,2\r\n"Once there\r\nwas a line",3\r\n4,"\r\n"\r\n',
        [{"x": "1", "y": "2"}, {"x": "Once there\r\nwas a line", "y": "3"}, {"x": "4", "y": "\r\n"}],
    ),
    "quotes and newlines": (
        b'x,y\n1,"she said\n""come,\nsit"""\n2,"""\n"""\n',
        [{"x": "1", "y": 'she said\n"come,\nsit"'}, {"x": "2", "y": '"\n"'}],
    ),
    "simple": (b"x,y,z\n1,2,3\n", [{"x": "1", "y": "2", "z": "3"}]),
    "simple_crlf": (b"x,y,z\r\n1,2,3\r\n", [{"x": "1", "y": "2", "z": "3"}]),
    "utf8": (
        "x,y,z\n1,2,3\n4,5,ʤ\n日本,ñandú,😀\n".encode(),
        [{"x": "1", "y": "2", "z": "3"}, {"x": "4", "y": "5", "z": "ʤ"}, {"x": "日本", "y": "ñandú", "z": "😀"}],
    ),
}


def read(file: Path) -> list[Any]:
    source = open_source(str(file))
    return [record.value for shard in source.plan(1 << 20) for record in source.read(shard)]


def test_the_suite_is_whole() -> None:
    assert len(SPECTRUM) == 12
    for data, records in SPECTRUM.values():
        # Python's own reader means the same.
        assert list(csv.DictReader(io.StringIO(data.decode(), newline=""))) == records


@pytest.mark.parametrize("kind", SPECTRUM)
@pytest.mark.parametrize("ended", [True, False])
def test_a_file_of_the_spectrum(kind: str, ended: bool, tmp_path: Path) -> None:
    data, records = SPECTRUM[kind]
    file = tmp_path / "data.csv"
    # The last line may lack its end.
    file.write_bytes(data if ended else data.removesuffix(b"\n").removesuffix(b"\r"))
    assert read(file) == records


@pytest.mark.parametrize("kind", SPECTRUM)
@pytest.mark.parametrize("shard_bytes", [1, 8, 1 << 20])
def test_wherever_it_is_cut_into_shards(kind: str, shard_bytes: int, tmp_path: Path) -> None:
    data, records = SPECTRUM[kind]
    head, line_end, body = data.partition(b"\r\n" if b"\r\n" in data else b"\n")
    file = tmp_path / "data.csv"
    file.write_bytes(head + line_end + body * 300)
    source = open_source(str(file))
    values = [record.value for shard in list(source.plan(shard_bytes)) for record in source.read(shard)]
    assert values == records * 300


@pytest.mark.parametrize("kind", SPECTRUM)
def test_cells_are_converted_as_they_are(kind: str, tmp_path: Path) -> None:
    data, records = SPECTRUM[kind]
    (tmp_path / "data.csv").write_bytes(data)
    first, *_, last = records[0]
    mapping = {"user": f"<{{{{{first}}}}}>", "assistant": f"<{{{{{last}}}}}>"}
    result = api.convert(tmp_path / "data.csv", tmp_path / "out.jsonl", mapping=Mapping.model_validate(mapping))
    assert result.rows_out == len(records)
    written = [json.loads(line) for line in (tmp_path / "out.jsonl").read_bytes().splitlines()]
    assert [[message["content"] for message in row["messages"]] for row in written] == [
        [f"<{row[first]}>", f"<{row[last]}>"] for row in records
    ]
