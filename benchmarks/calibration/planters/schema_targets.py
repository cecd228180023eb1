"""Faults of what targets limit, names, images and reserved words, of grader templates, and hazards for loaders."""

from __future__ import annotations

import base64
import json
import random
from typing import Any

from calibration.planting import Row, plants

_NAMES = (
    "Ada Lovelace",
    "ada\tl",
    "ada/lovelace",
    "ada\\l",
    "<ada>",
    "ada|l",
    "ada>",
    " ada",
    "ada ",
    "",
    "a" * 65,
    "ada\n",
    "李 雷",
    "ada\u00a0l",
    "José María",
    "x" * 500,
    "user 1",
    "customer/42",
    "<|user|>",
    "ada l.",
)


def _plain_users(row: Row) -> list[Any]:
    return [m for m in row["messages"] if m.get("role") == "user" and isinstance(m.get("content"), str)]


@plants("SCH010")
def bad_name(rng: random.Random, row: Row, n: int) -> Row | None:
    said = [message for message in row["messages"] if message.get("role") in ("system", "user", "assistant")]
    rng.choice(said)["name"] = _NAMES[n % len(_NAMES)]
    return row


def _png(size: int = 40) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + bytes(size)


def _data(kind: str, data: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


_IMAGES = (
    "/home/ada/cat.jpg",
    "cat.png",
    "./images/1.png",
    "file:///home/ada/cat.jpg",
    "s3://bucket/cat.png",
    "C:\\cats\\1.jpg",
    "gs://bucket/cat.png",
    "https://",
    "https:///cat.png",
    "https://example.com/my cat.png",
    "http://",
    "",
    "<image>",
    "//example.com/cat.png",
    "data:image/png,abc",
    "data:image/png;base64",
    "data:image/png;base64,",
    "data:image/png;base64,%%",
    "ftp://example.com/cat.png",
    "blob:https://example.com/1",
    "iVBORw0KGgoAAAANSUhEUgAA",
    "https://exa mple.com/cat.png",
    _data("image/gif", b"GIF89a" + bytes(30)),
    _data("image/svg+xml", b"<svg xmlns='x'/>"),
    _data("application/pdf", b"%PDF-1.7"),
    _data("image/png", b"GIF89a" + bytes(30)),
    _data("image/jpeg", b"BM" + bytes(40)),
    _data("image/png", b"not an image at all"),
    _data("", _png()),
    _data("text/plain", b"hello"),
    _data("image/tiff", b"II*\0" + bytes(30)),
    _data("image/png", _png())[:-2],
    _data("image/png", _png()) + "\u00e9",
    _data("image/webp", b"RIFF" + bytes(40)),
)


@plants("SCH012")
def bad_image(rng: random.Random, row: Row, n: int) -> Row | None:
    users = _plain_users(row)
    if not users:
        return None
    message = rng.choice(users)
    parts: list[Any] = [{"type": "text", "text": message["content"]}]
    parts.insert(n % 2, {"type": "image_url", "image_url": {"url": _IMAGES[n % len(_IMAGES)]}})
    if n % 3 == 0:
        parts.append({"type": "image_url", "image_url": {"url": "https://example.com/cat.png", "detail": "low"}})
    message["content"] = parts
    return row


@plants("SCH012")
def too_many_images(rng: random.Random, row: Row, n: int) -> Row | None:
    users = _plain_users(row)
    if not users or n % 4:  # a few are enough: the rows are long
        return None
    good = _data("image/png", _png(n % 50)) if n % 8 else f"https://example.com/{n}.png"
    message = rng.choice(users)
    images = [{"type": "image_url", "image_url": {"url": good}} for _ in range(11 + n % 9)]
    message["content"] = [{"type": "text", "text": message["content"]}, *images]
    return row


_FIELDS = ("reference_answer", "solution", "facts", "rubric", "expected")
_TEMPLATES = ("{{item.reference_answer}}", "Is it {{ item.facts.names[1] }}?", "{{ item['final answer'] }}")


@plants("SCH015", options={"templates": list(_TEMPLATES)}, settings={"target": "trl"})
def no_reference(rng: random.Random, row: Row, n: int) -> Row | None:
    row.update({"reference_answer": "a", "facts": {"names": ["b", "c"]}, "final answer": "d"})
    match n % 8:
        case 0:
            del row["reference_answer"]
        case 1:
            row["Reference_answer"] = row.pop("reference_answer")
        case 2:
            row["facts"]["names"].pop()
        case 3:
            row["facts"] = ["b", "c"]
        case 4:
            row["facts"] = None
        case 5:
            row["final_answer"] = row.pop("final answer")
        case 6:
            row["facts"]["names"] = "bc"
        case _:
            row["metadata"] = {"reference_answer": row.pop("reference_answer")}
    return row


_RESERVED = ["\nHuman:", "\nAssistant:", "User:", "Bot:", "[EOS]", "<image>"]


@plants("SCH016", options={"words": _RESERVED})
def reserved(rng: random.Random, row: Row, n: int) -> Row | None:
    said = [message for message in row["messages"] if isinstance(message.get("content"), str)]
    if not said:
        return None
    message = rng.choice(said)
    word, text = _RESERVED[n % len(_RESERVED)], message["content"]
    place = (0, len(text), rng.randrange(len(text) + 1))[n % 3]
    # At the very beginning a line end is one of the text, too.
    message["content"] = text[:place] + word + (" hi" if n % 2 else "") + text[place:]
    return row


@plants("ENC011", scope="file")
def hazard(rng: random.Random, rows: list[Row], n: int) -> tuple[str, bytes]:
    # A run makes but a few sets of each kind of text: all hazards come up over the kinds.
    kind = (rng.randrange(16) + n) % 16
    chosen = rng.randrange(1, len(rows))
    lines: list[Any] = list(rows)
    if kind == 0:
        lines.insert(0, None)
    elif kind in (1, 2, 3, 4, 5):
        pairs = [("a-1", 7), (7, "x"), ({"a": 1}, [1]), (True, "yes"), ([1], "1")]
        usual, odd = pairs[kind - 1]
        for i, row in enumerate(lines):
            row["source"] = odd if i == chosen else usual
    elif kind in (6, 7):
        for i, row in enumerate(lines):
            tags: list[Any] = ["a", "b"]
            row["metadata"] = {"deep": {"tags": [*tags, 5] if i == chosen and kind == 6 else tags}}
            if i == chosen and kind == 7:
                row["metadata"]["deep"] = "none"
    elif kind in (8, 9, 10, 11):
        large = (2**53 + 1, -(2**60) - 1, 2**63, 10**25)[kind - 8]
        if kind % 2:
            lines[chosen]["id"] = large
        else:
            lines[chosen]["metadata"] = {"ids": [1, large]}
    elif kind in (12, 13):
        for row in lines:
            row["metadata"] = {} if kind == 12 else {"scores": {}, "n": 1}
    elif kind == 14:
        deep: Any = 1
        for level in range(70 + n % 90):
            deep = [deep] if level % 2 else {"a": deep}
        lines[chosen]["tree"] = deep
    else:
        lines[chosen]["bad\0key"] = 1
    return "data.jsonl", b"".join(json.dumps(line, ensure_ascii=False).encode() + b"\n" for line in lines)


@plants("ENC011", scope="dataset", kinds=("code", "maths", "chat"))
def parts_beside_texts(rng: random.Random, rows: list[Row], n: int) -> list[Row] | None:
    row = rows[rng.randrange(len(rows))]
    message = rng.choice(row["messages"])
    if not isinstance(message.get("content"), str):
        return None
    message["content"] = [{"type": "text", "text": message["content"]}]
    return rows
