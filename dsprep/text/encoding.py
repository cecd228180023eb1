"""From bytes to text and JSON values: what a file's bytes are, and a JSON decoder that says all that is wrong.

Everything here is a function of bytes alone: no file is opened.
"""

from __future__ import annotations

import codecs
import json
import math
import re
import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal, NamedTuple

import numpy as np
import orjson

from dsprep.model import pointer as pointers
from dsprep.model.record import UNDECODED, Fault

#: As much of the beginning of a file as is looked at to say what it is.
HEAD_BYTES: Final = 1 << 16

#: Objects and arrays nested deeper than this are not decoded. The writers stop at 254 levels; a few are theirs.
MAX_DEPTH: Final = 250

#: Longer integers are not decoded: the time to convert one grows with the square of its length.
MAX_DIGITS: Final = 4300

#: The longest excerpt in a fault, in characters.
EXCERPT_CHARS: Final = 80

# --- what the bytes are -----------------------------------------------------------------------------------------------

_MARKS: Final = (
    # The mark of UTF-32 begins with the mark of UTF-16.
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)

#: The first bytes of files that are no text: what they are, and what to do about it (`{path}` is the file).
_MAGIC: Final = (
    (b"\x1f\x8b", "gzip-compressed", "unpack it first: gunzip -c {path} > unpacked.jsonl"),
    (b"PK\x03\x04", "a zip archive (.xlsx files are such, too)", "unpack it first, or export the sheet as CSV"),
    (b"PK\x05\x06", "an empty zip archive", "name a file with data in it"),
    (b"PAR1", "a Parquet file", "write it as JSON lines first: pandas.read_parquet(...).to_json(..., lines=True)"),
    (b"ARROW1", "an Arrow file", "write it as JSON lines first"),
    (b"\x28\xb5\x2f\xfd", "zstd-compressed", "unpack it first: zstd -dc {path} > unpacked.jsonl"),
    (b"BZh", "bzip2-compressed", "unpack it first: bunzip2 -c {path} > unpacked.jsonl"),
    (b"\xfd7zXZ\x00", "xz-compressed", "unpack it first: xz -dc {path} > unpacked.jsonl"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", "unpack it first"),
    (b"\x04\x22\x4d\x18", "lz4-compressed", "unpack it first"),
    (b"%PDF-", "a PDF document", "extract its text into JSON lines or CSV first"),
    (b"SQLite format 3\x00", "an SQLite database", "export the table as CSV first"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Office document (.xls, .doc)", "export the sheet as CSV first"),
    (b"\x89PNG", "a PNG image", "name a file with data in it"),
    (b"\xff\xd8\xff", "a JPEG image", "name a file with data in it"),
    (b"\x7fELF", "a program", "name a file with data in it"),
)

# Control characters that text files do hold: tab, line feed, vertical tab, form feed, return, escape.
_NOT_TEXT: Final = bytes(c for c in range(32) if c not in (9, 10, 11, 12, 13, 27)) + b"\x7f"


@dataclass(frozen=True, slots=True)
class Sniffed:
    """What a file seems to be.

    For `text`: `encoding` is Python's name of a Unicode encoding (utf-8 also stands for bytes that are not quite
    that), `mark` the length of the byte order mark in bytes. For `binary`: `what` completes "it is …", and `advice`
    says what to do; `{path}` in it stands for the file's name.
    """

    kind: Literal["text", "binary", "empty"]
    encoding: str = "utf-8"
    mark: int = 0
    what: str = ""
    advice: str = ""

    def sentence(self, path: str) -> str:
        """What a binary file is and what to do about it, for the user who named it as `path`."""
        return f"{path} is {self.what}, not text: {self.advice.format(path=shlex.quote(path))}"


def sniff(head: bytes) -> Sniffed:
    """What a file is that begins with `head` (HEAD_BYTES of it, or all there is)."""
    if not head:
        return Sniffed("empty")
    for magic, what, advice in _MAGIC:
        # A text may begin with the letters of a magic number; the next bytes of a real one are no text.
        if head.startswith(magic) and (not magic.isascii() or not _printable(head[:64])):
            return Sniffed("binary", what=what, advice=advice)
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return Sniffed("text", encoding, len(mark))
    if b"\x00" in head:
        wide = _wide_encoding(head)
        if wide:
            return Sniffed("text", wide)
    odd = len(head) - len(head.translate(None, _NOT_TEXT))
    # One NUL in a text is a fault of its line; a tenth of control characters is no text at all.
    if odd >= 16 and (odd * 10 > len(head) or (odd * 50 > len(head) and utf8_error(head) is not None)):
        return Sniffed("binary", what="a binary file", advice="name a file of JSON lines or CSV")
    return Sniffed("text")


def _printable(data: bytes) -> bool:
    return not data.translate(None, bytes(range(32, 127)) + b"\t\n\r")


def _wide_encoding(head: bytes) -> str | None:
    """The UTF-16 or UTF-32 encoding that the places of the NULs betray, or None."""
    cut = head[: len(head) // 4 * 4]
    zero = [cut[i::4].count(0) for i in range(4)]
    quarter = len(cut) // 4
    if not quarter:
        return None
    if zero[2] > 0.9 * quarter and zero[3] > 0.9 * quarter and not zero[0] > 0.1 * quarter:
        candidates = ["utf-32-le"]
    elif zero[0] > 0.9 * quarter and zero[1] > 0.9 * quarter and not zero[3] > 0.1 * quarter:
        candidates = ["utf-32-be"]
    else:
        even, odd = zero[0] + zero[2], zero[1] + zero[3]
        # Even a text in Chinese has its JSON or CSV punctuation in ASCII.
        if max(even, odd) < 0.05 * 2 * quarter or min(even, odd) > 0.1 * max(even, odd):
            return None
        candidates = ["utf-16-le" if odd > even else "utf-16-be"]
    for encoding in candidates:
        text = cut.decode(encoding, "replace")
        if text.count("\ufffd") + text.count("\x00") <= 2 + len(text) // 100:
            return encoding
    return None


def utf8_error(data: bytes, *, final: bool = False) -> int | None:
    """The offset of the first byte that is not UTF-8, or None. Without `final`, a character cut off at the end is no
    error."""
    try:
        codecs.utf_8_decode(data, "strict", final)
    except UnicodeDecodeError as error:
        return error.start
    return None


# Letters and signs of western languages in cp1252. Signs that other code pages have as letters count only where they
# stand beside no letter.
_WESTERN_LETTERS: Final = frozenset("àâäáãåæçèéêëìíîïñòóôöõøœùúûüÿßÀÂÄÁÃÅÆÇÈÉÊËÌÍÎÏÑÒÓÔÖÕØŒÙÚÛÜŸŠšŽž".encode("cp1252"))
_WESTERN_SIGNS: Final = frozenset("‘’‚“”„–—…€£§©®°·•«»¿¡\xa0´¨²³½¼¾×™ªº".encode("cp1252"))
_HIGH_RUN: Final = re.compile(rb"[\x80-\xff]+")


def detect_legacy(data: bytes) -> str:
    """The name of an encoding, not UTF-8, in which `data` can be decoded whole: the likeliest one.

    cp1252, by far the most frequent, is recognised here; other guesses are charset-normalizer's, made on the
    first 64 KiB of the lines that are not ASCII.
    """
    sample = _not_ascii(data, 1 << 16)
    if _decodes(data, "cp1252") and _looks_western(sample):
        return "cp1252"
    from charset_normalizer import from_bytes  # 40 ms, and needed for few files

    best = from_bytes(sample).best()
    name = best.encoding if best is not None else ""
    for candidate in (name, "cp1252", "latin-1"):
        if candidate and candidate not in ("utf_8", "ascii") and _decodes(data, candidate):
            return _codec_name(candidate)
    return "latin-1"


def _not_ascii(data: bytes, limit: int) -> bytes:
    if len(data) <= limit:
        return data
    parts: list[bytes] = []
    size = 0
    for line in data.split(b"\n"):
        if not line.isascii():
            parts.append(line[:4096])
            size += len(parts[-1])
            if size >= limit:
                break
    return b"\n".join(parts)


def _decodes(data: bytes, encoding: str) -> bool:
    try:
        data.decode(encoding)
    except (UnicodeDecodeError, LookupError):
        return False
    return True


def _codec_name(name: str) -> str:
    return codecs.lookup(name).name if not name.startswith("cp") else name


def _looks_western(data: bytes) -> bool:
    runs = good = 0
    for match in _HIGH_RUN.finditer(data):
        runs += 1
        run = match.group()
        if len(run) > 2:
            continue  # Cyrillic, Greek and Asian words are runs of high bytes
        before, after = data[match.start() - 1 : match.start()], data[match.end() : match.end() + 1]
        inside = before.isalpha() and after.isalpha()
        quote = run in (b"\x92", b"\xb4")
        if all(c in _WESTERN_LETTERS or (c in _WESTERN_SIGNS and (not inside or quote)) for c in run):
            good += 1
    return runs > 0 and good >= 0.9 * runs


def transcoded(blocks: Iterable[bytes], encoding: str) -> Iterator[bytes]:
    """`blocks` of text in a UTF-16 or UTF-32 encoding, as blocks of UTF-8.

    A unit that pairs with none stays as it is (as the three bytes that UTF-8 has not got), so that nothing changes
    unseen; bytes at the end that are no whole unit become U+FFFD.
    """
    decoder = codecs.getincrementaldecoder(encoding)("surrogatepass")
    for block in blocks:
        yield decoder.decode(block).encode("utf-8", "surrogatepass")
    rest, _ = decoder.getstate()
    if rest:
        try:
            yield decoder.decode(b"", True).encode("utf-8", "surrogatepass")
        except UnicodeDecodeError:
            yield "\ufffd".encode()


def encoded_length(data: bytes, encoding: str) -> int:
    """How many bytes the UTF-8 text `data` took in the Unicode encoding that it was transcoded from."""
    if encoding == "utf-8":
        return len(data)
    values = np.frombuffer(data, np.uint8)
    characters = int(np.count_nonzero((values & 0xC0) != 0x80))
    if encoding.startswith("utf-32"):
        return 4 * characters
    return 2 * (characters + int(np.count_nonzero(values >= 0xF0)))


# --- JSON -------------------------------------------------------------------------------------------------------------


class Decoded(NamedTuple):
    """A JSON value, or UNDECODED, and what is wrong with it."""

    value: Any
    faults: tuple[Fault, ...] = ()


# JSON forbids line ends in strings, so a quote that is not closed spoils no more than its own line.
_BRACKETS: Final = re.compile(rb'"(?:[^"\\\n]++|\\.)*+"?|[{}\[\]]', re.DOTALL)
_STRINGS: Final = re.compile(rb'"(?:[^"\\]++|\\.)*+"', re.DOTALL)
#: Nineteen digits may be more than 64 bits hold. Searched after all digits have been made zeros: much quicker than a
#: regular expression.
_LONG_INTEGER: Final = b"0" * 19
_DIGITS_TO_ZERO: Final = bytes(48 if 48 <= c < 58 else 1 for c in range(256))
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_SURROGATE_ESCAPE: Final = re.compile(rb"\\u[dD][89a-fA-F]")
_QUOTE_ESCAPE: Final = b"\\u0022"
_CUT_ESCAPES: Final = re.compile(r"\\?(?:u[0-9a-fA-F]{0,4})?(?:\\(?:u[0-9a-fA-F]{0,4})?)?")
_CUT_LITERALS: Final = frozenset(
    literal[:n] for literal in ("true", "false", "null", "NaN", "Infinity", "-Infinity") for n in range(1, len(literal))
)


def all_plain(text: bytes, values: list[Any]) -> bool:
    """Whether orjson's `values` of the documents in `text` are what the documents say, for all of them at once.

    orjson keeps the last of duplicate keys and makes floats of integers beyond 64 bits. A document with a duplicate
    key has more quotation marks than its value written anew (unless some are escapes, which are looked for); a long
    integer is a run of digits, in which three places, six apart, are digits. False means: look at each document.
    """
    array = np.frombuffer(text, np.uint8)
    # Most texts have no escape of that kind at all, which is quicker to see.
    if np.count_nonzero((array[:-1] == 92) & (array[1:] == 117)) and text.find(_QUOTE_ESCAPE) >= 0:
        return False
    digits = (array[::6] - 48) < 10
    if np.count_nonzero(digits[:-2] & digits[1:-1] & digits[2:]) and _has_long_integer(text):
        return False
    try:
        again = orjson.dumps([[[values]]])  # nested, so that what is too deep by MAX_DEPTH is too deep here
    except (TypeError, orjson.JSONEncodeError):
        return False
    return int(np.count_nonzero(array == 34)) == int(np.count_nonzero(np.frombuffer(again, np.uint8) == 34))


def plain(raw: bytes, value: Any) -> bool:
    """The same as `all_plain` for one document, a shorter text."""
    if raw.find(_QUOTE_ESCAPE) >= 0 or _has_long_integer(raw):
        return False
    try:
        return orjson.dumps([[[[value]]]]).count(b'"') == raw.count(b'"')
    except (TypeError, orjson.JSONEncodeError):
        return False


def _has_long_integer(text: bytes) -> bool:
    if text.translate(_DIGITS_TO_ZERO).find(_LONG_INTEGER) < 0:
        return False
    # Most runs of so many digits are identifiers in strings.
    return _STRINGS.sub(b"", text).translate(_DIGITS_TO_ZERO).find(_LONG_INTEGER) >= 0


def decode_json(
    raw: bytes, *, line: int = 1, offset: int = 0, unterminated: bool = False, encoding: str | None = None
) -> Decoded:
    """The value of the JSON document `raw`, with its faults; see `model.record.Fault` for what they are.

    `line` and `offset` are those of its first byte; `unterminated` says that the file ends with it and without a line
    end; `encoding` is the encoding that bytes which are not UTF-8 are taken to be in, if they can be. Never raises:
    documents nested too deep and numbers too long are faults as well.
    """
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError:
        pass
    else:
        if plain(raw, value):
            return Decoded(value)
    return _Exact(raw, line, offset, unterminated, encoding).decoded()


class _TooLongError(ValueError):
    """An integer of more than MAX_DIGITS digits; the argument is its length."""


class _Exact:
    """One document, decoded by the standard library: slower, exact, and with a reason where it fails."""

    def __init__(self, raw: bytes, line: int, offset: int, unterminated: bool, encoding: str | None) -> None:
        self.raw = raw
        self.line = line
        self.offset = offset
        self.unterminated = unterminated
        self.encoding = encoding
        self.repeated: dict[int, tuple[dict[str, Any], list[str]]] = {}
        self.not_finite = False

    def decoded(self) -> Decoded:
        raw = self.raw
        try:
            text = raw.decode()
        except UnicodeDecodeError as error:
            return self._not_utf8(error)
        if raw.count(b"[") + raw.count(b"{") > MAX_DEPTH:
            depth = nesting_depth(raw)
            if depth > MAX_DEPTH:
                reason = f"nested {depth:,} levels deep; at most {MAX_DEPTH} are read"
                return Decoded(UNDECODED, (self._invalid(reason, text, 0),))
        try:
            value = json.loads(
                text,
                object_pairs_hook=self._object,
                parse_constant=self._constant,
                parse_float=self._float,
                parse_int=self._int,
            )
        except json.JSONDecodeError as error:
            if self.unterminated and _ends_early(error, text):
                return Decoded(UNDECODED, (Fault("truncated-file"),))
            return Decoded(UNDECODED, (self._invalid(error.msg, text, error.pos),))
        except _TooLongError as error:
            reason = f"an integer of {error.args[0]:,} digits; at most {MAX_DIGITS:,} are read"
            return Decoded(UNDECODED, (self._invalid(reason, text, 0),))
        if self.repeated or self.not_finite or _SURROGATE_ESCAPE.search(raw):
            return Decoded(value, tuple(self._flaws(value)))
        return Decoded(value)

    def _not_utf8(self, error: UnicodeDecodeError) -> Decoded:
        raw = self.raw
        if self.unterminated and error.reason == "unexpected end of data":
            return Decoded(UNDECODED, (Fault("truncated-file"),))
        encoding = self.encoding
        if encoding is None or not _decodes(raw, encoding):
            encoding = detect_legacy(raw)
        bad = _HIGH_RUN.match(raw, error.start)
        shown = (bad.group() if bad else raw[error.start : error.end])[:8]
        fault = Fault("invalid-utf8", {"encoding": encoding, "bad": shown.hex()}, offset=self.offset + error.start)
        return Decoded(UNDECODED, (fault,))

    def _invalid(self, reason: str, text: str, position: int) -> Fault:
        begin = text.rfind("\n", 0, position) + 1
        line = self.line + text.count("\n", 0, position)
        args = {"reason": reason, "excerpt": excerpt(text, position)}
        return Fault("invalid-json", args, line=line, column=str(position - begin + 1))

    def _object(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        value = dict(pairs)
        if len(value) != len(pairs):
            seen: set[str] = set()
            twice = [key for key, _ in pairs if key in seen or seen.add(key)]  # type: ignore[func-returns-value]
            self.repeated[id(value)] = (value, list(dict.fromkeys(twice)))
        return value

    def _constant(self, name: str) -> float:
        self.not_finite = True
        return float(name)

    def _float(self, digits: str) -> float:
        value = float(digits)
        if math.isinf(value):
            self.not_finite = True
        return value

    def _int(self, digits: str) -> int:
        if len(digits) > MAX_DIGITS:
            raise _TooLongError(len(digits))
        return int(digits)

    def _flaws(self, value: Any) -> Iterator[Fault]:
        unplaced = dict(self.repeated)
        for path, item in _walk(value):
            kind = type(item)
            if kind is dict:
                again = unplaced.pop(id(item), None)
                if again is not None:
                    keys = again[1]
                    yield Fault("duplicate-json-key", {"keys": keys}, pointer=pointers.join([*path, keys[0]]))
                for key in item:
                    if lone := _SURROGATE.search(key):
                        yield Fault(
                            "lone-surrogate", {"escape": _escape(lone.group())}, pointer=pointers.join(path) or None
                        )
            elif kind is float:
                if not math.isfinite(item):
                    name = "NaN" if item != item else "Infinity" if item > 0 else "-Infinity"
                    yield Fault("non-finite-number", {"value": name}, pointer=pointers.join(path) or None)
            elif kind is str and (lone := _SURROGATE.search(item)):
                yield Fault("lone-surrogate", {"escape": _escape(lone.group())}, pointer=pointers.join(path) or None)
        # Objects that a duplicate key further up took away.
        for _, keys in unplaced.values():
            yield Fault("duplicate-json-key", {"keys": keys})


def excerpt(text: str, position: int = 0) -> str:
    """At most EXCERPT_CHARS characters of `text` around `position`."""
    begin = max(0, min(position - EXCERPT_CHARS // 2, len(text) - EXCERPT_CHARS))
    return text[begin : begin + EXCERPT_CHARS]


def nesting_depth(raw: bytes) -> int:
    """How deep objects and arrays are nested in the JSON document `raw`, which need not be valid."""
    depth = deepest = 0
    for match in _BRACKETS.finditer(raw):
        first = raw[match.start()]
        if first in b"{[":
            depth += 1
            if depth > deepest:
                deepest = depth
        elif first in b"}]":
            depth -= 1
    return deepest


def _walk(value: Any) -> Iterator[tuple[list[str | int], Any]]:
    """All values in `value`, itself included, with their paths, in order of the document."""
    stack: list[tuple[list[str | int], Any]] = [([], value)]
    while stack:
        path, item = stack.pop()
        yield path, item
        if type(item) is dict:
            # Popped from the back, so that the first member comes first.
            stack.extend([([*path, key], member) for key, member in reversed(item.items())])
        elif type(item) is list:
            stack.extend([([*path, i], item[i]) for i in range(len(item) - 1, -1, -1)])


def _escape(character: str) -> str:
    return f"\\u{ord(character):04x}"


def _ends_early(error: json.JSONDecodeError, text: str) -> bool:
    """Whether the document stops being JSON only because it stops."""
    if error.msg.startswith("Unterminated string"):
        return True
    end = len(text.rstrip(" \t\r\n"))
    if not end:
        return False
    if error.pos >= end:
        return True
    rest = text[error.pos : end]
    if rest in _CUT_LITERALS or re.fullmatch(r"-|\.|[eE][+-]?", rest):
        return True
    # An escape, or a pair of them, that is cut or has nothing behind it, not even a quote, is not wrong in itself.
    return error.msg.startswith("Invalid \\") and _CUT_ESCAPES.fullmatch(rest) is not None
