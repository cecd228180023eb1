"""From bytes to text: what the bytes of a file are, and in which encoding.

Everything here is a function of bytes alone: no file is opened.
"""

from __future__ import annotations

import codecs
import re
import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

#: As much of the beginning of a file as is looked at to say what it is.
HEAD_BYTES: Final = 1 << 16

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
    # What is compressed once is unpacked before anybody looks here.
    (b"\x1f\x8b", "gzip-compressed twice", "unpack it first: gunzip -c {path} > unpacked.gz"),
    (b"PK\x03\x04", "a zip archive", "unpack it first, and name the file that is in it"),
    (b"PK\x05\x06", "an empty zip archive", "name a file with data in it"),
    (b"\x28\xb5\x2f\xfd", "zstd-compressed twice", "unpack it first: zstd -dc {path} > unpacked.zst"),
    (b"BZh", "bzip2-compressed twice", "unpack it first: bunzip2 -c {path} > unpacked.bz2"),
    (b"\xfd7zXZ\x00", "xz-compressed twice", "unpack it first: xz -dc {path} > unpacked.xz"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", "unpack it first"),
    (b"\x04\x22\x4d\x18", "lz4-compressed", "unpack it first"),
    (b"%PDF-", "a PDF document", "extract its text into JSON lines or CSV first"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Office document", "export what is in it as CSV or text first"),
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
#: A run of bytes beyond ASCII.
HIGH_RUN: Final = re.compile(rb"[\x80-\xff]+")


def detect_legacy(data: bytes) -> str:
    """The name of an encoding, not UTF-8, in which `data` can be decoded whole: the likeliest one.

    cp1252, by far the most frequent, is recognised here; other guesses are charset-normalizer's, made on the
    first 64 KiB of the lines that are not ASCII.
    """
    sample = _not_ascii(data, 1 << 16)
    if decodes(data, "cp1252") and _looks_western(sample):
        return "cp1252"
    from charset_normalizer import from_bytes  # 40 ms, and needed for few files

    best = from_bytes(sample).best()
    name = best.encoding if best is not None else ""
    for candidate in (name, "cp1252", "latin-1"):
        if candidate and candidate not in ("utf_8", "ascii") and decodes(data, candidate):
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


def decodes(data: bytes, encoding: str) -> bool:
    """Whether `data` is text in `encoding`."""
    try:
        data.decode(encoding)
    except (UnicodeDecodeError, LookupError):
        return False
    return True


def _codec_name(name: str) -> str:
    return codecs.lookup(name).name if not name.startswith("cp") else name


def _looks_western(data: bytes) -> bool:
    runs = good = 0
    for match in HIGH_RUN.finditer(data):
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
