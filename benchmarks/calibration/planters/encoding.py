"""Faults of the file: bytes, lines and JSON."""

from __future__ import annotations

import json
import random

from calibration.planting import Row, plants

File = tuple[str, bytes]

#: Letters that each encoding has, so that its bytes are no UTF-8.
_ENCODINGS = {
    "cp1252": "café – naïve “quoted”",
    "latin-1": "Köln, Århus, señor",
    "cp1251": "Привет, мир",
    "shift_jis": "日本語の文章",
    "gb18030": "中文的句子",
    "cp1253": "Καλημέρα",
    "iso8859-2": "Łódź, žluťoučký",
    "koi8-r": "Добрый день",
    "euc-kr": "한국어 문장",
    "big5": "中文句子",
}


def _lines(rows: list[Row]) -> list[bytes]:
    return [json.dumps(row, ensure_ascii=False).encode("utf-8", "surrogatepass") for row in rows]


def _file(lines: list[bytes]) -> File:
    return "data.jsonl", b"".join(line + b"\n" for line in lines)


def _put(rng: random.Random, lines: list[bytes], line: bytes) -> File:
    """The file with one more line somewhere."""
    lines.insert(rng.randrange(1, len(lines)), line)
    return _file(lines)


def _say(text: str) -> bytes:
    messages = [{"role": "user", "content": "Say it."}, {"role": "assistant", "content": text}]
    return json.dumps({"messages": messages}, ensure_ascii=False).encode("utf-8", "surrogatepass")


@plants("ENC001", scope="file")
def other_encoding(rng: random.Random, rows: list[Row], n: int) -> File:
    encoding, text = list(_ENCODINGS.items())[n % len(_ENCODINGS)]
    return _put(rng, _lines(rows), _say("TEXT").replace(b"TEXT", text.encode(encoding)))


@plants("ENC001", scope="file")
def broken_bytes(rng: random.Random, rows: list[Row], n: int) -> File:
    broken = (b"\xff\xfe", b"\xc3", b"\xe2\x82", b"\xf0\x9f\x98", b"\x80", b"\xc0\xaf", b"\xf5\x80\x80\x80")
    return _put(rng, _lines(rows), _say("TEXT").replace(b"TEXT", b"so " + broken[n % len(broken)] + b" it goes"))


@plants("ENC001", scope="file")
def two_bytes_a_letter(rng: random.Random, rows: list[Row], n: int) -> File:
    name, data = _file(_lines(rows))
    return name, data.decode().encode(("utf-16", "utf-16-le", "utf-16-be", "utf-32")[n % 4])


@plants("ENC002", scope="file")
def marked(rng: random.Random, rows: list[Row], n: int) -> File:
    name, data = _file(_lines(rows))
    return name, b"\xef\xbb\xbf" * (1 + n % 2) + data


@plants("ENC003", scope="file")
def blank(rng: random.Random, rows: list[Row], n: int) -> File:
    return _put(rng, _lines(rows), (b"", b"   ", b"\t", b"\r", b" \t ")[n % 5])


@plants("ENC004", scope="file")
def array(rng: random.Random, rows: list[Row], n: int) -> File:
    return "data.jsonl", json.dumps(rows, indent=(None, 2, 4, "\t")[n % 4], ensure_ascii=bool(n % 2)).encode()


@plants("ENC004", scope="file")
def pretty(rng: random.Random, rows: list[Row], n: int) -> File:
    return "data.jsonl", b"\n".join(json.dumps(row, indent=1 + n % 4).encode() for row in rows) + b"\n"


@plants("ENC005", scope="file")
def twice(rng: random.Random, rows: list[Row], n: int) -> File:
    lines = _lines(rows)
    place = rng.randrange(len(lines))
    line = lines[place]
    if n % 2:
        lines[place] = line.replace(b'{"role":', b'{"role": "user", "role":', 1)
    else:
        lines[place] = b'{"messages": [], ' + line[1:]
    return _file(lines)


@plants("ENC006", scope="file")
def not_finite(rng: random.Random, rows: list[Row], n: int) -> File:
    value = (b"NaN", b"Infinity", b"-Infinity")[n % 3]
    place = (b'{"weight": %s, ', b'{"metadata": {"score": %s}, ', b'{"scores": [1, %s], ')[n // 3 % 3]
    lines = _lines(rows)
    number = rng.randrange(len(lines))
    lines[number] = place % value + lines[number][1:]
    return _file(lines)


@plants("ENC007", scope="file")
def lone_surrogate(rng: random.Random, rows: list[Row], n: int) -> File:
    escape = (rb"\ud83d", rb"\udc00", rb"\ud83d\ud83d\ude00", rb"\uDE00\uD83D", rb"\udfff!")[n % 5]
    return _put(rng, _lines(rows), _say("so TEXT it is").replace(b"TEXT", escape))


@plants("ENC008", scope="file")
def cut_off(rng: random.Random, rows: list[Row], n: int) -> File:
    name, data = _file(_lines(rows))
    last = _lines(rows)[-1]
    return name, data[: len(data) - 1 - rng.randrange(1, len(last) - 1)]


@plants("ENC009", scope="file")
def nothing(rng: random.Random, rows: list[Row], n: int) -> File:
    return "data.jsonl", (b"", b"\n", b"\n\n\n", b"  \n\t\n", b"\xef\xbb\xbf", b"[]")[n % 6]


@plants("ENC010", scope="file")
def not_json(rng: random.Random, rows: list[Row], n: int) -> File:
    lines = _lines(rows)
    good = lines[rng.randrange(len(lines))]
    bad = (
        good.replace(b'"', b"'"),
        good[:-1] + b",}",
        good.replace(b'": ', b'" ', 1),
        good + b" " + good[:40],
        b"{messages: []}",
        b"# a comment",
        good.replace(b"[", b"", 1),
        b'{"messages": undefined}',
        good[:-1] + b"]",
        b"user: hello",
    )
    return _put(rng, lines, bad[n % len(bad)])
