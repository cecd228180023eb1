"""Sources: the formats that records are read from, one file each, and the choice between them.

Those of tables and of JSON that is not in lines are imported when a file turns out to be such.
"""

from __future__ import annotations

import atexit
import difflib
import os
import re
import stat
import sys
import tempfile
from contextlib import suppress
from typing import IO, TYPE_CHECKING, Any, Final

import orjson

from dsprep.model.source import InputError, Source, unreadable
from dsprep.opening import is_url, ranged, shown, size
from dsprep.sources.jsonl import JsonLinesSource
from dsprep.text.encoding import HEAD_BYTES, sniff

if TYPE_CHECKING:
    from dsprep.sources.json_array import Shape

__all__ = ["JsonLinesSource", "open_source"]

STDIN: Final = "-"

_TABLE_EXTENSIONS: Final = frozenset({".csv", ".tsv", ".tab", ".psv"})


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
    be read twice, such as a pipe; a URL is read by fsspec. `records` is the path to nested records, as in
    `questions[]`. Raises InputError for what is missing, no file, not readable, or not text.
    """
    path = os.fspath(path)
    if path == STDIN:
        path, display = _spooled(stdin or sys.stdin.buffer, STDIN), display or STDIN
    display = display or shown(path)
    try:
        # To ask how large it is finds out what is missing, or no file, of every kind of URL.
        mode = stat.S_IFREG if is_url(path) and size(path) >= 0 else os.stat(path).st_mode
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
    extension = os.path.splitext(display)[1].lower()
    sniffed = sniff(head)
    if sniffed.kind == "binary":
        raise InputError(sniffed.sentence(display))
    known: dict[str, Any] = {"index": index, "display": display, "split": split}
    # A character cut off at the end of the head is none of the text.
    text = head[sniffed.mark :].decode(sniffed.encoding, "replace").rstrip("\ufffd")
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
    handle, path = tempfile.mkstemp(prefix="dsprep-", suffix=".spool")
    owner = os.getpid()

    def forget() -> None:
        # A forked worker ends as well, and must not take the file away from the others.
        if os.getpid() == owner:
            with suppress(OSError):
                os.unlink(path)

    atexit.register(forget)
    try:
        with os.fdopen(handle, "wb") as file:
            while block := stream.read(1 << 20):
                file.write(block)
    except OSError as error:
        raise unreadable(display, error) from error
    return path


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
