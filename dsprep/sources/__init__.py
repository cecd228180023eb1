"""Sources: the formats that records are read from, one file each, and the choice between them.

Those of tables and of JSON that is not in lines are imported when a file turns out to be such.
"""

from __future__ import annotations

import difflib
import os
import re
import stat
import sys
import zipfile
from contextlib import suppress
from typing import IO, TYPE_CHECKING, Any, Final

import orjson

from dsprep.model.source import InputError, Source, unreadable
from dsprep.opening import is_url, opened, ranged, shown, size, temporary_file, without_packing
from dsprep.sources.jsonl import JsonLinesSource
from dsprep.sources.listing import files_of, is_slack_channel
from dsprep.sources.packed import packing, unpack
from dsprep.text.encoding import HEAD_BYTES, sniff

if TYPE_CHECKING:
    from dsprep.sources.json_array import Shape
    from dsprep.text.transcripts import Kind

__all__ = ["JsonLinesSource", "files_of", "open_source"]

STDIN: Final = "-"

_TABLE_EXTENSIONS: Final = frozenset({".csv", ".tsv", ".tab", ".psv"})
_WORKBOOK_EXTENSIONS: Final = frozenset({".xlsx", ".xlsm", ".xlsb", ".ods"})
_PAGE_EXTENSIONS: Final = frozenset({".html", ".htm", ".xhtml"})
_SAVED_EXTENSIONS: Final = frozenset({".mhtml", ".mht"})
_HTML: Final = re.compile(r"(?:<\?xml[^>]*>\s*|<!--.*?-->\s*){0,9}<(?:!doctype\s+html|html|head|body)\b", re.I | re.S)
#: What stands at the head of a page that was saved with all that it is made of (RFC 2557).
_SAVED: Final = re.compile(r"^content-type:\s*multipart/related\b", re.I | re.M)
#: How `records` begins where it says how a chat is cut into conversations.
_OF_CHATS: Final = ("assistant=", "silence=")
_OLD_OFFICE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


def open_source(
    path: str | os.PathLike[str],
    *,
    index: int = 0,
    split: str | None = None,
    display: str | None = None,
    records: str | None = None,
    stdin: IO[bytes] | None = None,
) -> Source:
    """The source for `path`: its content decides on the format, its extension where the content leaves it open.

    `-` is the standard input (or `stdin`), which is copied to a temporary file first, as is anything else that cannot
    be read twice, such as a pipe, and what is compressed, unpacked; a URL is read by fsspec. `records` is the path to
    nested records, as in `questions[]`, the sheet of a workbook, a table or query of a database, or how a chat is cut
    into conversations. Raises InputError for what is missing, no file, not readable, or nothing that dsprep reads.
    """
    path = os.fspath(path)
    if path == STDIN:
        path, display = _spooled(stdin or sys.stdin.buffer, STDIN), display or STDIN
    display = display or shown(path)
    try:
        # To ask how large it is finds out what is missing, or no file, of every kind of URL.
        mode = stat.S_IFREG if is_url(path) and size(path) >= 0 else os.stat(path).st_mode
        if stat.S_ISDIR(mode) and is_slack_channel(path):
            from dsprep.sources.transcripts import TranscriptSource, gathered

            with temporary_file() as file:
                file.write(gathered(path, display))
            return TranscriptSource(file.name, "slack", cut=records, index=index, display=display, split=split)
        if stat.S_ISDIR(mode):
            raise InputError(f"{display} is a directory; name the files in it, such as {os.path.join(path, '*.jsonl')}")
        if not stat.S_ISREG(mode):
            with open(path, "rb") as stream:
                path = _spooled(stream, display)
        # Workers may have another working directory.
        path = path if is_url(path) else os.path.abspath(path)
        with ranged(path, 0, HEAD_BYTES) as file:
            head = file.read(HEAD_BYTES)
    except FileNotFoundError as error:
        raise InputError(f"{display}: there is no such file{_similar(path)}") from error
    except OSError as error:
        raise unreadable(display, error) from error
    kind = packing(head)
    if kind is not None:
        path = _unpacked(path, kind, display)
        with ranged(path, 0, HEAD_BYTES) as file:
            head = file.read(HEAD_BYTES)
    extension = os.path.splitext(without_packing(display))[1].lower()
    source = _opened(path, head, extension, display, records, {"index": index, "display": display, "split": split})
    source.packing = kind
    return source


def _opened(path: str, head: bytes, extension: str, display: str, records: str | None, known: dict[str, Any]) -> Source:
    """The source for the file at `path` that begins with `head`."""
    binary = _binary_source(path, head, extension, records, known)
    if binary is not None:
        return binary
    sniffed = sniff(head)
    if sniffed.kind == "binary":
        raise InputError(sniffed.sentence(display))
    # A character cut off at the end of the head is none of the text.
    text = head[sniffed.mark :].decode(sniffed.encoding, "replace").rstrip("\ufffd")
    if (page := _page_kind(text, extension)) is not None:
        from dsprep.sources import pages

        made: dict[str, type[pages.PageSource]] = {
            "html": pages.PageSource,
            "mhtml": pages.SavedPageSource,
            "warc": pages.ArchiveSource,
        }
        return made[page](path, cut=records, **known)
    of_chat = records is not None and records.lstrip().startswith(_OF_CHATS)
    if (of_chat or records is None) and (chat := _chat_kind(text, extension, said=of_chat)) is not None:
        from dsprep.sources.transcripts import TranscriptSource

        return TranscriptSource(path, chat, cut=records, **known)
    if of_chat and not text.strip():
        raise InputError(f"{display} is empty: there is nobody in it who could be the assistant; export it again")
    if of_chat:
        raise InputError(
            f"{display} is no chat and no transcript, so that nobody in it is the assistant: leave out who that is, "
            "and how long a silence is (--assistant-speaker, --silence)"
        )
    if _is_table(text, extension):
        if records is not None:
            raise InputError(f"{display} is a table; only JSON has records nested in others, as {records!r} says")
        from dsprep.sources.csv import CsvSource

        return CsvSource(path, **known)
    shape = _json_shape(text, whole=len(head) < HEAD_BYTES)
    if shape == "lines" and records is None:
        return JsonLinesSource(path, **known)
    from dsprep.sources.json_array import JsonArraySource, MisplacedJsonSource

    kind = JsonArraySource if extension == ".json" or records is not None else MisplacedJsonSource
    return kind(path, records=records, shape=shape, **known)


def _binary_source(path: str, head: bytes, extension: str, records: str | None, known: dict[str, Any]) -> Source | None:
    """The source for tables that are no text; None if the file is none of those."""
    display = known["display"]
    if head.startswith(b"SQLite format 3\x00"):
        from dsprep.sources.database import DatabaseSource

        return DatabaseSource(path, records=records, **known)
    if (head.startswith(b"PK") and _is_workbook(path)) or (head.startswith(_OLD_OFFICE) and extension != ".doc"):
        from dsprep.sources.workbook import WorkbookSource

        return WorkbookSource(path, sheet=records, **known)
    if head.startswith(b"PK") and extension in _WORKBOOK_EXTENSIONS:
        raise InputError(f"{display} is no workbook that can be read; it may be cut off: fetch it again")
    parquet = head.startswith(b"PAR1") and (extension == ".parquet" or not head[:64].isascii())
    arrow = head.startswith(b"ARROW1\x00\x00")
    # A stream begins with the mark of a message and the length of its schema.
    stream = head.startswith(b"\xff\xff\xff\xff") and 0 < int.from_bytes(head[4:8], "little") < 1 << 24
    if not (parquet or arrow or stream):
        return None
    if records is not None:
        raise InputError(f"{display} is a table; only JSON has records nested in others, as {records!r} says")
    from dsprep.sources.columnar import ArrowSource, ParquetSource

    return ParquetSource(path, **known) if parquet else ArrowSource(path, stream=stream, **known)


def _is_workbook(path: str) -> bool:
    """Whether the zip archive at `path` is a workbook of Excel or OpenDocument."""
    with (
        suppress(OSError, zipfile.BadZipFile, EOFError, ValueError),
        opened(path) as file,
        zipfile.ZipFile(file) as archive,
    ):
        names = set(archive.namelist())
        if "xl/workbook.xml" in names or "xl/workbook.bin" in names:
            return True
        return "mimetype" in names and b"spreadsheet" in archive.open("mimetype").read(200)
    return False


def _unpacked(path: str, kind: str, display: str) -> str:
    """A temporary file with what `path` holds, unpacked, gone when this process ends."""
    with temporary_file() as file:
        unpack(path, kind, display, file, os.path.dirname(file.name))
        return file.name


def _page_kind(text: str, extension: str) -> str | None:
    """Whether a file that begins with `text` holds pages of the web: html, mhtml, warc, or None."""
    start = text.lstrip("\ufeff \t\r\n")
    if start.startswith("WARC/"):
        return "warc"
    if re.match(r"[A-Za-z-]+: ", start) and (
        extension in _SAVED_EXTENSIONS or _SAVED.search(start[:8192].replace("\r", "").partition("\n\n")[0])
    ):
        return "mhtml"
    if _HTML.match(start) or (extension in _PAGE_EXTENSIONS and start.startswith("<")):
        return "html"
    return None


def _chat_kind(text: str, extension: str, *, said: bool) -> Kind | None:
    """What a file that begins with `text` is as a chat or transcript; None if it is neither."""
    start = text.lstrip("\ufeff \t\r\n")
    # What most files are needs no close look, for which there is much to load.
    if (extension in _TABLE_EXTENSIONS and not said) or (start.startswith("{") and '"guild"' not in start[:100]):
        return None
    if start.startswith("[") and '"ts"' not in start and _begins_json(start.partition("\n")[0]) is not False:
        return None
    from dsprep.text.transcripts import kind_of

    return kind_of(start, extension, said=said)


def _is_table(text: str, extension: str) -> bool:
    start = text.lstrip()
    if not start:
        return extension in _TABLE_EXTENSIONS
    first = start.split("\n", 1)[0]
    if start[0] in "{[":
        # A header may begin with a bracket, but then its line is no JSON.
        return extension in _TABLE_EXTENSIONS and _begins_json(first) is False
    if extension in _TABLE_EXTENSIONS:
        return True
    with suppress(orjson.JSONDecodeError):
        orjson.loads(first.encode("utf-8", "surrogatepass"))
        return False  # a number or a string: strange JSON lines, but a stranger table
    from dsprep.sources.csv import sniff_dialect

    # No line of JSON lines is anything like a row of a table with several columns.
    return sniff_dialect(text) is not None and not any(line.startswith("{") for line in start.split("\n")[:100])


def _begins_json(line: str) -> bool | None:
    """Whether `line` is JSON (True), may be the beginning of some (None), or neither."""
    try:
        orjson.loads(line.encode("utf-8", "surrogatepass"))
    except orjson.JSONDecodeError:
        return None if re.match(r'[{\[]\s*(?:$|["{\[])', line) else False
    return True


def _json_shape(text: str, *, whole: bool) -> Shape:
    """How the records of a JSON file that begins with `text` are written down."""
    start = text.lstrip()
    if not start or start[0] not in "{[":
        return "lines"
    first, _, rest = start.partition("\n")
    try:
        value = orjson.loads(first.encode("utf-8", "surrogatepass"))
    except orjson.JSONDecodeError:
        value = None
    else:
        # One line that is an array is an array of records; several such lines are JSON lines of a strange kind.
        return "array" if isinstance(value, list) and not rest.strip() else "lines"
    if start[0] == "[":
        # The line goes on beyond what was read, or the array goes on over lines.
        return "array" if re.match(r'\[\s*(?:[{\["\]]|$)', start) else "lines"
    if not rest and not whole:
        return "lines"
    return "pretty-printed" if _spread(first, rest) else "lines"


def _spread(first: str, rest: str) -> bool:
    """Whether the object that `first` begins goes on in the lines of `rest`, rather than being broken."""
    if first.strip() == "{":
        return True
    second = rest.lstrip("\r\n").split("\n", 1)[0]
    # The next line of a pretty-printed object is indented or continues a list of members.
    return first.rstrip().endswith(("{", "[", ",")) and not second.startswith("{")


def _spooled(stream: IO[bytes], display: str) -> str:
    """A temporary file with all of `stream`, gone when this process ends."""
    try:
        with temporary_file() as file:
            while block := stream.read(1 << 20):
                file.write(block)
            return file.name
    except OSError as error:
        raise unreadable(display, error) from error


def _similar(path: str) -> str:
    """A question about a file with nearly this name, if there is one."""
    if is_url(path):
        return ""
    folder, name = os.path.split(path)
    with suppress(OSError):
        close = difflib.get_close_matches(name, os.listdir(folder or "."), 1, 0.75)
        if close:
            return f"; did you mean {os.path.join(folder, close[0])}?"
    return ""
