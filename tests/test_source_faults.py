"""Every source with every fault: cut off, in another encoding, under another name, empty, a bomb. As the user sees it,
by the command line: exit code 2 and a sentence, or findings with all rows accounted for, or what is right where no harm
is done. Never a traceback, never half a file."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import resource
import sqlite3
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pyarrow as pa
import pyarrow.feather
import pyarrow.ipc
import pyarrow.parquet as pq
import pytest
import zstandard
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from dsprep.cli.failures import reported
from dsprep.cli.main import app
from dsprep.sources import database, packed, workbook

ROWS = [
    {"text": f"Der Kaffee Nr. {i} schmeckt für {i} Gäste im Café sehr gut.", "label": "gut" if i % 2 else "schlecht"}
    for i in range(40)
]
SPEAKERS = ("Kundin", "Laden")
AS_SHOP = ("--assistant-speaker", "Laden")


# --- what is sound ---------------------------------------------------------------------------------------------------


def dumped(value: Any, **how: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, **how).encode()


def chat_lines() -> bytes:
    def row(text: str, label: str) -> dict[str, Any]:
        return {"messages": [{"role": "user", "content": text}, {"role": "assistant", "content": label}]}

    return b"".join(dumped(row(**r)) + b"\n" for r in ROWS)


def nested() -> bytes:
    asked = [{"question": r["text"], "answer": r["label"]} for r in ROWS]
    return dumped([{"passage": f"Text für {i}", "questions": asked[i : i + 4]} for i in range(0, 40, 4)], indent=1)


def table(delimiter: str = ",") -> bytes:
    lines = [f"text{delimiter}label", *(f'"{r["text"]}"{delimiter}{r["label"]}' for r in ROWS)]
    return "".join(f"{line}\n" for line in lines).encode()


def arrow(write: Callable[[Any, Any], None]) -> bytes:
    out = io.BytesIO()
    write(pa.Table.from_pylist(ROWS), out)
    return out.getvalue()


def arrow_file(rows: pa.Table, out: Any) -> None:
    with pa.ipc.new_file(out, rows.schema) as writer:
        writer.write_table(rows, max_chunksize=10)


def arrow_stream(rows: pa.Table, out: Any) -> None:
    with pa.ipc.new_stream(out, rows.schema) as writer:
        writer.write_table(rows, max_chunksize=10)


def xlsx(rows: list[list[Any]] | None = None) -> bytes:
    book = openpyxl.Workbook()
    for row in [["text", "label"], *([r["text"], r["label"]] for r in ROWS)] if rows is None else rows:
        book.active.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def ods(body: str | None = None) -> bytes:
    def cell(text: str) -> str:
        return f'<table:table-cell office:value-type="string"><text:p>{text}</text:p></table:table-cell>'

    if body is None:
        rows = [("text", "label"), *((r["text"], r["label"]) for r in ROWS)]
        body = "".join(f"<table:table-row>{''.join(map(cell, row))}</table:table-row>" for row in rows)
    names = "".join(
        f' xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"' for name in ("office", "table", "text")
    )
    content = (
        f'<?xml version="1.0" encoding="UTF-8"?><office:document-content{names} office:version="1.2"><office:body>'
        f'<office:spreadsheet><table:table table:name="S">{body}</table:table></office:spreadsheet></office:body>'
        "</office:document-content>"
    )
    kind = "application/vnd.oasis.opendocument.spreadsheet"
    about = "urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", kind, zipfile.ZIP_STORED)
        archive.writestr("content.xml", content)
        archive.writestr(
            "META-INF/manifest.xml",
            f'<manifest:manifest xmlns:manifest="{about}"><manifest:file-entry manifest:full-path="/" '
            f'manifest:media-type="{kind}"/></manifest:manifest>',
        )
    return out.getvalue()


def sqlite(script: str = "", cells: Callable[[str], Any] = str) -> bytes:
    made = sqlite3.connect(":memory:")
    made.execute("PRAGMA page_size=1024")
    if script:
        made.executescript(script)
    else:
        made.execute("CREATE TABLE reviews (text TEXT, label TEXT)")
        for row in ROWS:
            made.execute("INSERT INTO reviews VALUES (CAST(? AS TEXT), ?)", (cells(row["text"]), row["label"]))
    made.commit()
    try:
        return bytes(made.serialize())
    finally:
        made.close()


def html(topic: str = "Kaffee", encoding: str = "utf-8") -> bytes:
    parts = "".join(
        f"<h2>{topic} und Gäste, Teil {i}</h2><p>"
        + " ".join(f"{topic} schmeckt dem Gast Nr. {i}{k} für wenig Geld im Café." for k in range(6))
        + "</p>"
        for i in range(6)
    )
    return (
        f"<!DOCTYPE html><html lang='de'><head><meta charset='{encoding}'><title>{topic}</title></head><body><main>"
        f"<article><h1>{topic} für Gäste</h1>{parts}</article></main></body></html>"
    ).encode()


def mhtml() -> bytes:
    saved = MIMEMultipart("related", boundary="edge")
    saved["Snapshot-Content-Location"] = "https://example.com/a"
    saved.attach(MIMEText(html().decode(), "html", "utf-8"))
    return bytes(saved)


def warc(*, packed: bool = False, headers: dict[str, str] | None = None, last: bytes | None = None) -> bytes:
    out = io.BytesIO()
    writer = WARCWriter(out, gzip=packed)
    for i, body in enumerate([html("Tee"), html("Milch"), last if last is not None else html("Saft")]):
        about = {"Content-Type": "text/html; charset=utf-8", **((headers or {}) if i == 2 else {})}
        answer = StatusAndHeaders("200 OK", list(about.items()), protocol="HTTP/1.1")
        writer.write_record(
            writer.create_warc_record(f"https://example.com/{i}", "response", io.BytesIO(body), http_headers=answer)
        )
    return out.getvalue()


def talk() -> Iterator[tuple[str, str, int, int]]:
    """Speaker, text, and the number of the conversation and of the message in it."""
    for i, row in enumerate(ROWS):
        yield SPEAKERS[i % 2], row["text"], i // 4, i % 4


def whatsapp() -> bytes:
    return "".join(f"{day + 1:02d}.03.26, 10:{at:02d} - {who}: {text}\n" for who, text, day, at in talk()).encode()


def discord() -> bytes:
    messages = [
        {
            "id": str(i),
            "type": "Default",
            "timestamp": f"2026-03-{day + 1:02d}T10:{at:02d}:00+00:00",
            "content": text,
            "author": {"id": who, "name": who, "isBot": False},
        }
        for i, (who, text, day, at) in enumerate(talk())
    ]
    channel = {"id": "2", "type": "GuildTextChat", "name": "hilfe"}
    return dumped({"guild": {"id": "1", "name": "G"}, "channel": channel, "messages": messages}, indent=1)


def slack() -> bytes:
    return dumped(
        [
            {
                "type": "message",
                "user": who,
                "user_profile": {"display_name": who},
                "text": text,
                "ts": f"{1_772_000_000 + 86_400 * day + at}.000100",
            }
            for who, text, day, at in talk()
        ]
    )


def captions(form: str, head: str = "") -> bytes:
    cues = (form.format(n=i + 1, minute=i, who=who, text=text) for i, (who, text, _, _) in enumerate(talk()))
    return (head + "".join(cues)).encode()


VTT = "00:{minute:02d}:00.000 --> 00:{minute:02d}:30.000\n<v {who}>{text}\n\n"
SRT = "{n}\n00:{minute:02d}:00,000 --> 00:{minute:02d}:30,000\n{who}: {text}\n\n"


def label_studio() -> bytes:
    def result(label: str) -> list[dict[str, Any]]:
        return [{"from_name": "s", "to_name": "text", "type": "choices", "value": {"choices": [label]}}]

    return dumped(
        [
            {"id": i, "data": {"text": r["text"]}, "annotations": [{"id": i, "result": result(r["label"])}]}
            for i, r in enumerate(ROWS)
        ]
    )


def argilla() -> bytes:
    return dumped(
        [
            {
                "id": str(i),
                "fields": {"text": r["text"]},
                "responses": {"label": [{"value": r["label"], "user_id": "1", "status": "submitted"}]},
                "status": "completed",
            }
            for i, r in enumerate(ROWS)
        ]
    )


@dataclass(frozen=True)
class Sound:
    """A file without a fault: its name, what is in it, the options that it is converted with, how many records come of
    it; what becomes of it when it is cut off: `refused` (exit code 2), `last` (all that is whole is converted, and the
    last record rejected), `said` (all there is is converted, with a note), `unseen` (nothing tells)."""

    name: str
    data: bytes
    rows: int
    cut: str
    options: tuple[str, ...] = ()
    text: bool = field(default=False)


SOUND: dict[str, Sound] = {
    "jsonl": Sound("d.jsonl", chat_lines(), 40, "last", text=True),
    "array": Sound(
        "d.json", dumped([json.loads(line) for line in chat_lines().splitlines()], indent=1), 40, "last", text=True
    ),
    "nested": Sound("d.json", nested(), 40, "last", ("--records", "questions[]"), text=True),
    "csv": Sound("d.csv", table(), 40, "last", text=True),
    "tsv": Sound("d.tsv", table("\t"), 40, "last", text=True),
    "gz": Sound("d.jsonl.gz", gzip.compress(chat_lines(), mtime=0), 40, "refused"),
    "bz2": Sound("d.csv.bz2", bz2.compress(table()), 40, "refused"),
    "xz": Sound("d.jsonl.xz", lzma.compress(chat_lines()), 40, "refused"),
    "zst": Sound("d.csv.zst", zstandard.ZstdCompressor().compress(table()), 40, "refused"),
    "parquet": Sound("d.parquet", arrow(pq.write_table), 40, "refused"),
    "arrow": Sound("d.arrow", arrow(arrow_file), 40, "refused"),
    "stream": Sound("d.arrow", arrow(arrow_stream), 40, "refused"),
    "feather": Sound("d.feather", arrow(pyarrow.feather.write_feather), 40, "refused"),
    "xlsx": Sound("d.xlsx", xlsx(), 40, "refused"),
    "ods": Sound("d.ods", ods(), 40, "refused"),
    "sqlite": Sound("d.sqlite", sqlite(), 40, "refused"),
    "html": Sound("d.html", html(), 6, "said", text=True),
    "mhtml": Sound("d.mhtml", mhtml(), 6, "last"),
    "warc": Sound("d.warc", warc(), 18, "last"),
    "warc.gz": Sound("d.warc.gz", warc(packed=True), 18, "refused"),
    "whatsapp": Sound("chat.txt", whatsapp(), 10, "unseen", AS_SHOP, text=True),
    "discord": Sound("d.json", discord(), 10, "refused", AS_SHOP, text=True),
    "slack": Sound("2026-03-01.json", slack(), 10, "refused", AS_SHOP, text=True),
    "vtt": Sound("d.vtt", captions(VTT, "WEBVTT\n\n"), 1, "unseen", AS_SHOP, text=True),
    "srt": Sound("d.srt", captions(SRT), 1, "unseen", AS_SHOP, text=True),
    "label studio": Sound("d.json", label_studio(), 40, "last", text=True),
    "argilla": Sound("d.json", argilla(), 40, "last", text=True),
}


# --- what is done with it --------------------------------------------------------------------------------------------


@dataclass
class Done:
    """What a command gave: the exit code, what it printed, and what it wrote, by line."""

    code: int
    printed: str
    out: list[Any] | None
    rejected: list[Any]

    @property
    def sentence(self) -> str:
        """The error, which is one line."""
        lines = [line for line in self.printed.splitlines() if line.startswith("error: ")]
        assert len(lines) == 1, self.printed
        return lines[0]


@pytest.fixture
def dsprep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Callable[..., Done]:
    """Runs a command in a folder of its own, in this process."""
    monkeypatch.chdir(tmp_path)

    def run(*words: str) -> Done:
        capfd.readouterr()
        code: Any = 0
        try:
            with reported():
                app([*words, "--workers", "1"])
        except SystemExit as stop:
            code = stop.code
        printed = "".join(capfd.readouterr())
        assert "Traceback" not in printed
        assert "bug in dsprep" not in printed, printed
        out = tmp_path / "out.jsonl"
        rejected = tmp_path / "out.rejected.jsonl"
        assert not list(tmp_path.glob("*.dsprep-tmp"))
        return Done(int(code or 0), printed, lines_of(out) if out.exists() else None, lines_of(rejected))

    return run


def lines_of(file: Path) -> list[Any]:
    return [json.loads(line) for line in file.read_bytes().splitlines()] if file.exists() else []


def converted(dsprep: Callable[..., Done], name: str, data: bytes, options: tuple[str, ...] = ()) -> Done:
    """`data` converted under a name; whatever it is, rows in are rows out and rows rejected."""
    Path(name).write_bytes(data)
    for left in ("out.jsonl", "out.rejected.jsonl"):
        Path(left).unlink(missing_ok=True)
    done = dsprep("convert", name, "-o", "out.jsonl", *options)
    if done.code == 2 and done.out is None:
        assert name in done.sentence
        assert not done.rejected
    else:
        rows_in = int(done.printed.split(" row")[0].rpartition("\n")[2].replace(",", ""))
        assert rows_in == len(done.out or ()) + len(done.rejected)
        assert done.code == (2 if not rows_in else 1 if done.rejected else 0)
    return done


def linted(dsprep: Callable[..., Done], name: str, options: tuple[str, ...] = ()) -> Done:
    """What `lint` says of the file, which reads chats only if it is said who is the assistant."""
    if options == AS_SHOP:
        options = ("--records", "assistant=Laden")
    done = dsprep("lint", name, "--isolated", "--no-cache", "--output-format", "concise", *options)
    if done.code == 2:
        assert name in done.sentence
    return done


SOURCES = pytest.mark.parametrize("kind", SOUND)


@SOURCES
def test_a_sound_file(kind: str, dsprep: Callable[..., Done]) -> None:
    sound = SOUND[kind]
    done = converted(dsprep, sound.name, sound.data, sound.options)
    assert (done.code, len(done.out or ())) == (0, sound.rows), done.printed
    assert linted(dsprep, sound.name, sound.options).code in (0, 1)


@SOURCES
@pytest.mark.parametrize("share", [0.35, 0.7, 0.97])
def test_a_file_that_is_cut_off(kind: str, share: float, dsprep: Callable[..., Done]) -> None:
    sound = SOUND[kind]
    whole = converted(dsprep, sound.name, sound.data, sound.options).out or []
    done = converted(dsprep, sound.name, sound.data[: int(len(sound.data) * share)], sound.options)
    said = linted(dsprep, sound.name, sound.options)
    if sound.cut == "refused":
        assert (done.code, said.code) == (2, 2), done.printed
        assert any(advice in done.sentence for advice in ("again", "export")), done.sentence
        return
    assert done.out is not None, done.printed
    if sound.cut == "last":
        # Of a record of which only the headers are there, there is nothing to reject.
        assert (done.code, len(done.rejected)) == (1, 1) or "cut off in the middle of its last record" in done.printed
        assert done.out == whole[: len(done.out)]
        assert said.code == 1
        assert any(code in said.printed for code in ("ENC008", "TAB001")), said.printed
    elif sound.cut == "said":
        assert "without </html>" in done.printed
        assert "without </html>" in said.printed
    else:
        # The last conversation is shorter; those before it are what they were.
        assert done.out[:-1] == whole[: len(done.out) - 1]


@pytest.mark.parametrize("kind", [kind for kind, sound in SOUND.items() if sound.text])
@pytest.mark.parametrize("encoding", ["cp1252", "utf-16", "utf-16-be"])
def test_a_text_in_another_encoding(kind: str, encoding: str, dsprep: Callable[..., Done]) -> None:
    sound = SOUND[kind]
    whole = converted(dsprep, sound.name, sound.data, sound.options).out
    done = converted(dsprep, sound.name, sound.data.decode().encode(encoding), sound.options)
    said = linted(dsprep, sound.name, sound.options)
    if done.rejected:
        # JSON has to be UTF-8: a line that is not is kept as it is.
        assert encoding == "cp1252"
        assert {line["reason"]["name"] for line in done.rejected} == {"invalid-utf8"}
        assert "ENC001" in said.printed
    else:
        assert done.out == whole
        assert "ENC001" in said.printed or encoding.upper()[:6] in said.printed or encoding in said.printed


def test_a_letter_cut_in_half_spoils_no_others(dsprep: Callable[..., Done]) -> None:
    data = whatsapp()
    at = data.rindex("ä".encode()) + 1
    done = converted(dsprep, "chat.txt", data[:at], AS_SHOP)
    assert (len(done.out or ()), len(done.rejected)) == (9, 1)
    assert "für" in done.out[0]["messages"][0]["content"]  # type: ignore[index]


@pytest.mark.parametrize("declared", ["utf-8", "windows-1252", "no-such-thing"])
def test_a_page_that_is_not_what_it_says(declared: str, dsprep: Callable[..., Done]) -> None:
    whole = converted(dsprep, "d.html", html()).out
    page = html(encoding=declared)
    done = converted(dsprep, "d.html", page.decode().encode("cp1252"))
    assert done.out == whole
    assert ("likeliest encoding" in done.printed) is (declared != "windows-1252")
    # Who saves a page anew as UTF-8 seldom changes what it says of itself.
    assert converted(dsprep, "d.html", page).out == whole


def half_bad(text: str) -> bytes:
    """The bytes of a text; every other one is none of UTF-8."""
    return text.encode("cp1252" if int(text.split()[3]) % 2 else "utf-8")


BAD = [half_bad(row["text"]) for row in ROWS]
NOT_TEXT: dict[str, tuple[str, Callable[[], bytes]]] = {
    "parquet": ("d.parquet", lambda: _arrow_of(BAD, pq.write_table)),
    "arrow": ("d.arrow", lambda: _arrow_of(BAD, arrow_file)),
    "stream": ("d.arrow", lambda: _arrow_of(BAD, arrow_stream)),
    "feather": ("d.feather", lambda: _arrow_of(BAD, pyarrow.feather.write_feather)),
    "sqlite": ("d.sqlite", lambda: sqlite(cells=half_bad)),
}


def _arrow_of(texts: list[bytes], write: Callable[[Any, Any], None]) -> bytes:
    out = io.BytesIO()
    write(pa.table({"text": pa.array(texts, pa.binary()).view(pa.string()), "label": [r["label"] for r in ROWS]}), out)
    return out.getvalue()


@pytest.mark.parametrize("kind", NOT_TEXT)
def test_texts_of_typed_tables_that_are_not_utf8(kind: str, dsprep: Callable[..., Done]) -> None:
    name, make = NOT_TEXT[kind]
    done = converted(dsprep, name, make())
    assert (len(done.out or ()), len(done.rejected)) == (20, 20)
    assert done.rejected[0]["reason"]["name"] == "invalid-utf8"
    assert "f\\xfcr" in done.rejected[0]["raw"]
    assert "ENC001 not UTF-8; it reads as cp1252" in linted(dsprep, name).printed
    assert dsprep("prepare", name, "--out", "ready", "--unsafe-fixes", "--isolated").code in (0, 1)
    written = Path("ready/train.jsonl").read_text("utf-8") + Path("ready/validation.jsonl").read_text("utf-8")
    assert written.count("schmeckt für") == 40


def test_a_workbook_whose_xml_is_no_utf8(dsprep: Callable[..., Done]) -> None:
    data = changed(xlsx(), {SHEET: lambda xml: xml.replace(b"Der Kaffee", b"Der Kaff\xe9e")})
    assert converted(dsprep, "d.xlsx", data).code == 2
    assert converted(dsprep, "d.ods", changed(ods(), {"content.xml": lambda xml: xml.replace(b"\xc3", b"")})).code == 2


@SOURCES
@pytest.mark.parametrize("ending", [".jsonl", ".csv", ".txt", ".parquet", ".html", ".xlsx", ""])
def test_a_file_under_another_name(kind: str, ending: str, dsprep: Callable[..., Done]) -> None:
    sound = SOUND[kind]
    whole = converted(dsprep, sound.name, sound.data, sound.options).out
    done = converted(dsprep, f"data{ending}", sound.data, sound.options)
    assert done.out == whole, done.printed


@SOURCES
def test_a_file_of_nothing(kind: str, dsprep: Callable[..., Done]) -> None:
    sound = SOUND[kind]
    for data in (b"", b"\n \n") if kind not in ("csv", "tsv", "bz2", "zst", "nested") else (b"",):
        done = converted(dsprep, sound.name, data, sound.options)
        assert done.code == 2, done.printed
        assert any(word in done.printed for word in ("no record to convert", "is empty"))
        said = linted(dsprep, sound.name, sound.options)
        assert said.code == (2 if sound.options == AS_SHOP else 1)
        assert ("is empty" if said.code == 2 else "ENC009") in said.printed


def hollow() -> dict[str, tuple[str, bytes]]:
    """Files that are whole, and have no record in them."""
    none = pa.table({"text": pa.array([], pa.string()), "label": pa.array([], pa.string())})

    def written(write: Callable[[Any, Any], None]) -> bytes:
        out = io.BytesIO()
        write(none, out)
        return out.getvalue()

    return {
        "array": ("d.json", b"[]"),
        "csv": ("d.csv", b"text,label\n"),
        "gz": ("d.jsonl.gz", gzip.compress(b"")),
        "parquet": ("d.parquet", written(pq.write_table)),
        "arrow": ("d.arrow", written(arrow_file)),
        "stream": ("d.arrow", written(arrow_stream)),
        "feather": ("d.feather", written(pyarrow.feather.write_feather)),
        "xlsx": ("d.xlsx", xlsx([["text", "label"]])),
        "an empty sheet": ("d.xlsx", xlsx([])),
        "ods": ("d.ods", ods("")),
        "sqlite": ("d.sqlite", sqlite("CREATE TABLE reviews (text TEXT, label TEXT)")),
    }


@pytest.mark.parametrize("kind", hollow())
def test_a_file_of_no_records(kind: str, dsprep: Callable[..., Done]) -> None:
    name, data = hollow()[kind]
    done = converted(dsprep, name, data)
    assert (done.code, "no record to convert" in done.printed) == (2, True), done.printed
    assert "ENC009" in linted(dsprep, name).printed


# --- bombs -----------------------------------------------------------------------------------------------------------

SHEET = "xl/worksheets/sheet1.xml"


def changed(data: bytes, parts: dict[str, Callable[[bytes], bytes]]) -> bytes:
    """A zip archive with some of its parts changed."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for item in old.infolist():
            new.writestr(item.filename, parts.get(item.filename, bytes)(old.read(item.filename)))
    return out.getvalue()


def in_sheet(row: bytes, head: bytes = b"") -> bytes:
    def put(xml: bytes) -> bytes:
        at = xml.index(b"<worksheet")
        return xml[:at] + head + xml[at:].replace(b"</sheetData>", row + b"</sheetData>")

    return changed(xlsx(), {SHEET: put})


def laughs() -> bytes:
    """Entities of entities: a billion letters."""
    more = b"".join(b'<!ENTITY %c "%s">' % (c + 1, b"&%c;" % c * 10) for c in range(97, 107))
    return b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">' + more + b"]>"


def repeated(text: str, rows: int, write: Callable[[Any, Any], None]) -> bytes:
    """One text that all rows share."""
    out = io.BytesIO()
    shared = pa.DictionaryArray.from_arrays(pa.array(np.zeros(rows, "int8")), [text])
    write(pa.table({"text": shared, "label": shared}), out)
    return out.getvalue()


def parquet_of_one_text(rows: pa.Table, out: Any) -> None:
    pq.write_table(rows, out, compression="zstd", dictionary_pagesize_limit=1 << 30, write_statistics=False)


def feather_of_one_text(rows: pa.Table, out: Any) -> None:
    pyarrow.feather.write_feather(rows, out, compression="zstd")


def nulls() -> bytes:
    out = io.BytesIO()
    batch = pa.RecordBatch.from_arrays([pa.nulls(2**31 - 1), pa.nulls(2**31 - 1)], ["text", "label"])
    with pa.ipc.new_file(out, batch.schema) as writer:
        writer.write_batch(batch)
    return out.getvalue()


def endless(where: str = "") -> bytes:
    return sqlite(
        "CREATE VIEW reviews AS WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT "
        f"printf('%020000d and so it goes', x) AS text, iif(x % 2, 'gut', 'schlecht') AS label FROM n {where}"
    )


def deep(opening: bytes, closing: bytes, inside: bytes = b"") -> bytes:
    return opening * 100_000 + inside + closing * 100_000


def many_cells() -> bytes:
    """A row and a cell that are said to be there very often."""
    return ods(
        '<table:table-row><table:table-cell office:value-type="string"><text:p>text</text:p></table:table-cell>'
        '</table:table-row><table:table-row table:number-rows-repeated="1000000000"><table:table-cell '
        'office:value-type="string" table:number-columns-repeated="16000"><text:p>a</text:p></table:table-cell>'
        "</table:table-row>"
    )


def too_deep_mail() -> bytes:
    parts = b"".join(b'Content-Type: multipart/related; boundary="b%d"\r\n\r\n--b%d\r\n' % (i, i) for i in range(3000))
    return b"MIME-Version: 1.0\r\n" + parts + b"Content-Type: text/html\r\n\r\n<html><body>hello</body></html>"


TAIL = b"<p>Und so weiter.</p></body></html>"
#: By name: the file, what is in it, options, and what is said of it.
BOMBS: dict[str, tuple[str, Callable[[], bytes], tuple[str, ...], str]] = {
    "gz": ("d.jsonl.gz", lambda: gzip.compress(bytes(270 << 20)), (), "unpacks to more than 250 times its size"),
    "bz2": ("d.csv.bz2", lambda: bz2.compress(bytes(270 << 20)), (), "unpacks to more than 250 times its size"),
    "xz": ("d.jsonl.xz", lambda: lzma.compress(bytes(270 << 20), preset=0), (), "unpacks to more than 250 times its"),
    "zst": ("d.jsonl.zst", lambda: zstandard.compress(bytes(270 << 20)), (), "unpacks to more than 250 times its size"),
    "gz in gz": ("d.jsonl.gz", lambda: gzip.compress(gzip.compress(chat_lines())), (), "compressed twice"),
    "xlsx, packed": ("d.xlsx", lambda: in_sheet(b" " * (300 << 20)), (), "unpacks to 314,5"),
    "xlsx, far corner": (
        "d.xlsx",
        lambda: in_sheet(b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'),
        (),
        "takes more memory",
    ),
    "xlsx, entities": (
        "d.xlsx",
        lambda: in_sheet(b'<row r="50"><c r="A50" t="inlineStr"><is><t>&k;</t></is></c></row>', laughs()),
        (),
        "unrecognized entity",
    ),
    "ods, repeated": ("d.ods", many_cells, (), "cannot be read"),
    "parquet, rows": (
        "d.parquet",
        lambda: repeated("so it is", 20_000_000, pq.write_table),
        (),
        "has 20,000,000 rows in",
    ),
    "parquet, a shared text": (
        "d.parquet",
        lambda: repeated("a" * 10_000_000, 5000, parquet_of_one_text),
        (),
        "unpacks to more than 250 times its size",
    ),
    "feather, a shared text": (
        "d.feather",
        lambda: repeated("a" * 10_000_000, 5000, feather_of_one_text),
        (),
        "unpacks to more than 250 times its size",
    ),
    "arrow, rows of nothing": ("d.arrow", nulls, (), "has 2,147,483,647 rows in"),
    "sqlite, endless rows": ("d.sqlite", endless, (), "gives more than 250 times its size"),
    "sqlite, no row ever": ("d.sqlite", lambda: endless("WHERE x < 0"), (), "gives no row within 1 seconds"),
    "sqlite, a cell": (
        "d.sqlite",
        lambda: sqlite("CREATE VIEW v AS SELECT hex(zeroblob(90000000)) AS text, 'b' AS label"),
        (),
        "a cell has more than",
    ),
    "sqlite, a view of itself": (
        "d.sqlite",
        lambda: sqlite("CREATE TABLE t (a); CREATE VIEW v AS SELECT * FROM t; DROP TABLE t"),
        (),
        "no such table",
    ),
    "sqlite, a broken page": ("d.sqlite", lambda: sqlite()[:2048] + b"\xff" * 1024 + sqlite()[3072:], (), "malformed"),
    "mhtml, deep": ("d.mhtml", too_deep_mail, (), "nested too deep"),
    "warc, a header": (
        "d.warc",
        lambda: b"WARC/1.0\r\nX: " + b"a" * (64 << 20),
        (),
        "the headers of a record have more than",
    ),
    "warc, a length below nothing": (
        "d.warc",
        lambda: warc().replace(b"Content-Length: ", b"Content-Length: -", 1),
        (),
        "no WARC archive that can be read",
    ),
    "discord, deep": ("d.json", lambda: discord()[:-3] + b"," + deep(b"[", b"]") + b"]}", AS_SHOP, "recursion"),
    "chat of one size": ("chat.txt", lambda: whatsapp() + b"\n" * (300 << 20), AS_SHOP, "is larger than 256 MB"),
}


def limited() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (3 << 30, 3 << 30))


@pytest.mark.parametrize("kind", BOMBS)
def test_a_bomb_is_refused_in_bounded_memory(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name, make, options, says = BOMBS[kind]
    (tmp_path / name).write_bytes(make())
    code = (
        "import sys; from dsprep.sources import database; database.PATIENCE = 1.0; "
        f"sys.argv = ['dsprep', 'convert', {name!r}, '-o', 'out.jsonl', '--workers', '1', *{options!r}]; "
        "from dsprep.cli import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=300, preexec_fn=limited
    )
    said = done.stderr.splitlines()[-1]
    assert (done.returncode, said.startswith("error: "), says in said) == (2, True, True), done.stderr[-3000:]
    assert name in said
    assert "Traceback" not in done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == [name]


def test_rows_that_are_bombs_are_rejected_alone(dsprep: Callable[..., Done]) -> None:
    tail = b',{"passage":"p","questions":' + deep(b"[", b"]") + b"}]"
    done = converted(dsprep, "d.json", nested()[:-2] + tail, ("--records", "questions[]"))
    assert (len(done.out or ()), len(done.rejected)) == (40, 1)
    assert done.rejected[0]["reason"]["name"] == "invalid-json"


PAGES: dict[str, tuple[bytes, int]] = {
    # What is nested deeper than any page has no text that is found, but is a row.
    "deep": (b"<!doctype html><html><body>" + deep(b"<div>", b"</div>", b"Text") + TAIL, 0),
    "deep lists": (b"<!doctype html><html><body>" + b"<ul><li>a" * 20_000 + TAIL, 0),
    "entities": (laughs().replace(b"DOCTYPE x", b"DOCTYPE html") + b"<html><body><p>&k;</p>" + TAIL, 0),
    "tags": (b"<!doctype html><html><body>" + b"<p>a</p>" * 200_000 + TAIL, 0),
    "bytes": (b"<!doctype html><html><body>" + b"a" * (33 << 20) + TAIL, 0),
    "linked data": (
        html().replace(b"<main>", b'<script type="application/ld+json">' + deep(b"[", b"]") + b"</script><main>"),
        6,
    ),
}


@pytest.mark.parametrize("kind", PAGES)
def test_pages_that_are_bombs(kind: str, dsprep: Callable[..., Done]) -> None:
    page, rows = PAGES[kind]
    done = converted(dsprep, "d.html", page)
    assert len(done.out or ()) == rows, done.printed
    assert len(done.rejected) == (not rows)
    both = converted(dsprep, "d.warc", warc(last=page))
    assert (len(both.out or ()), len(both.rejected)) == (12 + rows, not rows)


def test_pages_of_a_crawl_that_are_bombs(dsprep: Callable[..., Done]) -> None:
    many = gzip.compress(b"<html><body>" + b"<p>a b c</p>" * (8 << 20))
    done = converted(dsprep, "d.warc", warc(headers={"Content-Encoding": "gzip"}, last=many))
    assert (len(done.out or ()), done.rejected[0]["reason"]["name"]) == (12, "missing-value")
    assert "more than 33,554,432 bytes" in done.rejected[0]["reason"]["message"]
    # A record that is longer than the file is cut off.
    data = warc()
    at = data.rindex(b"Content-Length: ", 0, data.rindex(b"HTTP/1.1"))
    done = converted(dsprep, "d.warc", data[:at] + b"Content-Length: 9999999" + data[at + 16 :])
    assert (len(done.out or ()), done.rejected[0]["reason"]["name"]) == (12, "truncated-file")
    # What cannot be unpacked is no page.
    done = converted(dsprep, "d.warc", warc(headers={"Content-Encoding": "br"}, last=b"\x0b\x02\x80" * 99))
    assert "it is packed with br" in done.rejected[0]["reason"]["message"]


# --- folders ---------------------------------------------------------------------------------------------------------


def test_a_folder_with_a_file_that_has_a_fault(dsprep: Callable[..., Done], tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "a.jsonl").write_bytes(chat_lines())
    (folder / "b.jsonl").write_bytes(chat_lines()[:-40])
    (folder / "c.jsonl").touch()
    done = dsprep("convert", "folder", "-o", "out.jsonl")
    assert (done.code, len(done.out or ()), len(done.rejected)) == (1, 79, 1)
    said = dsprep("lint", "folder", "--isolated", "--no-cache", "--output-format", "concise").printed
    assert "folder/b.jsonl:40 ENC008" in said
    assert "folder/c.jsonl ENC009" in said
    (folder / "d.parquet").write_bytes(arrow(pq.write_table)[:900])
    done = dsprep("convert", "folder", "-o", "out.jsonl", "--force")
    assert (done.code, "folder/d.parquet" in done.sentence) == (2, True)
    # What was there before is there still.
    assert len(done.out or ()) == 79


def test_a_folder_of_slacks(dsprep: Callable[..., Done], tmp_path: Path) -> None:
    folder = tmp_path / "hilfe"
    folder.mkdir()
    (folder / "2026-03-01.json").write_bytes(slack())
    done = dsprep("convert", "hilfe", "-o", "out.jsonl", *AS_SHOP)
    assert (done.code, len(done.out or ())) == (0, 10), done.printed
    (folder / "2026-03-02.json").write_bytes(slack()[:-60])
    done = dsprep("convert", "hilfe", "-o", "out.jsonl", "--force", *AS_SHOP)
    assert (done.code, "hilfe/2026-03-02.json is no JSON" in done.sentence) == (2, True)
    (folder / "2026-03-02.json").write_bytes(slack().decode().encode("cp1252"))
    done = dsprep("convert", "hilfe", "-o", "out.jsonl", "--force", *AS_SHOP)
    assert (done.code, "hilfe/2026-03-02.json is no JSON" in done.sentence) == (2, True)
    (folder / "2026-03-02.json").write_bytes(b"")
    done = dsprep("convert", "hilfe", "-o", "out.jsonl", "--force", *AS_SHOP)
    assert (done.code, "hilfe/2026-03-02.json is no JSON" in done.sentence) == (2, True)
    packed_up = io.BytesIO()
    with zipfile.ZipFile(packed_up, "w") as archive:
        archive.write(folder / "2026-03-01.json", "hilfe/2026-03-01.json")
    done = converted(dsprep, "export.zip", packed_up.getvalue(), AS_SHOP)
    assert "is a zip archive, not text: unpack it first" in done.sentence


def test_limits_are_what_the_pages_say() -> None:
    assert (packed.BOMB_RATIO, packed.BOMB_BYTES) == (250, 256 << 20)
    assert workbook.MAX_MEMORY == 6 << 30
    assert database.PATIENCE == 600
