"""Normal forms of examples: what makes two of them the same, the same but for spelling, or alike.

Rows are deleted on these keys and the text they are made of is hostile, so they are cryptographic digests (BLAKE2b,
128 bits): nobody can write two examples that differ and share a key.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from dsprep.model.batch import Batch, Feature
from dsprep.model.location import row_key
from dsprep.model.record import Example, Record
from dsprep.text.shingles import chunks

#: Roles whose text is the frame of a conversation, not its matter.
SYSTEM_ROLES = (b"system", b"developer")

_KEY_BYTES = 16

# Members of a record, beside messages, tools and label, that change what is learnt. Others (ids, dates) do not.
_LEARNT = frozenset(
    {
        "functions",
        "function_call",
        "tool_choice",
        "parallel_tool_calls",
        "response_format",
        "input",
        "completion",
        "chosen",
        "rejected",
        "preferred_output",
        "non_preferred_output",
    }
)
# Members of a message that hold what the model says, so that they count as text; other members (ids, weights) do not.
_SPOKEN = ("tool_calls", "function_call")

# What sets pairs apart from conversations.
_PAIR = b"pair"

# Folded text never holds these: they are white space to Unicode, hence spaces. So framed parts cannot be confused.
_FIELD, _PART = b"\x1f", b"\x1e"

_ASCII_FOLD = bytes.maketrans(
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZ\t\n\x0b\x0c\r\x1c\x1d\x1e\x1f", b"abcdefghijklmnopqrstuvwxyz" + b" " * 9
)
# A byte that no UTF-8 holds.
_BETWEEN = b"\xff"
# White space that NFKC leaves alone; all other kinds become U+0020 by it.
_UNICODE_SPACES = ("\u0085", "\u1680", "\u2028", "\u2029")

# Putting a run of combining marks in canonical order takes time that is quadratic in its length, so a long text is
# normalised in pieces. A cut before a space changes nothing; where there is none, a piece ends at the longer limit.
_PIECE, _LONGEST_PIECE = 512, 1024


def fold(text: str) -> bytes:
    """`text` in Unicode NFKC, case-folded, white space collapsed to single spaces and trimmed, as UTF-8.

    Lone surrogates are kept, as the three bytes that UTF-8 would give them. A run of more than 1,024 characters
    without a space is brought to NFKC piece by piece.
    """
    data = _spelled(text).translate(_ASCII_FOLD)
    while b"  " in data:
        data = data.replace(b"  ", b" ")
    return data.strip(b" ")


def fold_all(texts: Sequence[str]) -> list[bytes]:
    """`fold` of each of `texts`, several times as fast."""
    spelled = [_spelled(text) for text in texts]
    out: list[bytes] = []
    for piece in chunks(spelled):
        data = _BETWEEN.join(spelled[piece]).translate(_ASCII_FOLD)
        space = np.frombuffer(data, np.uint8) == 0x20
        again = space[1:] & space[:-1]
        if again.any():
            keep = np.ones(len(data), np.bool_)
            np.logical_not(again, out=keep[1:])
            data = np.frombuffer(data, np.uint8)[keep].tobytes()
        out += [text.strip(b" ") for text in data.split(_BETWEEN)]
    return out


def _spelled(text: str) -> bytes:
    """`text` in NFKC, as UTF-8, with case folded and white space made U+0020 where that is not left to _ASCII_FOLD."""
    if text.isascii():
        # For ASCII, NFKC changes nothing and case folding is lower-casing.
        return text.encode("ascii")
    folded = _compatible(text).casefold()
    for space in _UNICODE_SPACES:
        if space in folded:
            folded = folded.replace(space, " ")
    return folded.encode("utf-8", "surrogatepass")


def _compatible(text: str) -> str:
    if len(text) <= _LONGEST_PIECE:
        return unicodedata.normalize("NFKC", text)
    pieces = []
    start, end = 0, len(text)
    while start < end:
        stop = text.find(" ", start + _PIECE, start + _LONGEST_PIECE)
        if stop < 0:
            stop = start + _LONGEST_PIECE
        pieces.append(unicodedata.normalize("NFKC", text[start:stop]))
        start = stop
    return "".join(pieces)


def canonical(value: Any) -> bytes | None:
    """`value` as compact JSON with sorted keys, or None if it is nested too deeply to write.

    Equal values give equal bytes and different values different ones, save that orjson writes non-finite numbers as
    null. Lone surrogates and integers beyond 64 bits, which orjson refuses, are written by the standard library.
    """
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except TypeError:
        pass
    try:
        return json.dumps(value, sort_keys=True, separators=(",", ":")).encode("ascii")
    except (TypeError, ValueError, RecursionError):
        return None


@dataclass(frozen=True, slots=True)
class Texts:
    """The texts of the examples of a batch that hold any message; every member has one entry per such example.

    `index` are their indexes in the batch (int64). `near` are the folded texts without the system messages, as UTF-8.
    `apart` (uint64) is 0, or stands for the images and other parts that are no text: examples of different `apart` are
    never alike.
    """

    index: NDArray[np.int64]
    near: list[bytes]
    apart: NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class Forms(Texts):
    """The same with keys, uint64 of shape (n, 2): `normal` of the whole example folded; `prompt` of everything before
    its last assistant message, folded; `answer` of that message (the label, if the example has one) folded. `asks`
    (bool) says whether the prompt holds anything but system messages and there is an answer to it. `said` (int64) is
    how many bytes the answer (or the label) has; 0 if it is more than a text, as a tool call is. `opening` is the key
    of all up to the first assistant message, that one included, folded: conversations that begin alike share it."""

    normal: NDArray[np.uint64]
    prompt: NDArray[np.uint64]
    answer: NDArray[np.uint64]
    asks: NDArray[np.bool_]
    said: NDArray[np.int64]
    opening: NDArray[np.uint64]


@dataclass(slots=True)
class _Folded:
    """One example, folded: `pieces` are role and saying of each message by turns, `first` and `answer` the indexes of
    the sayings of its first and its last assistant message (-1: there is none), `asks` whether anything but system
    messages stands before that, `against` the saying of a rejected answer (None: it is no preference record)."""

    index: int
    example: Example
    pieces: list[bytes]
    first: int
    answer: int
    asks: bool
    near: bytes
    apart: int
    against: bytes | None = None


def exchange(example: Example) -> tuple[str, str]:
    """What the example asks and what it answers, unfolded: the text of the last message before the answer that is not a
    system message; the label, or the text of the last assistant message. Empty where there is none."""
    messages = example.messages
    last = next((i for i in range(len(messages) - 1, -1, -1) if _role(messages[i]) == b"assistant"), len(messages))
    asked = ""
    for item in reversed(messages[:last]):
        if _role(item) not in SYSTEM_ROLES and (asked := _plain(item)):
            break
    if example.label is not None and _label(example) is not None:
        return asked, example.label
    return asked, _plain(messages[last]) if last < len(messages) else ""


def _label(example: Example) -> bytes | None:
    """The label, folded; a blank one is none."""
    return None if example.label is None else fold(example.label) or None


def _plain(item: Any) -> str:
    content = item.get("content") if type(item) is dict else None
    if type(content) is list:
        return " ".join(part["text"] for part in content if type(part) is dict and type(part.get("text")) is str)
    return content if type(content) is str else ""


def _role(item: Any) -> bytes:
    role = item.get("role") if type(item) is dict else None
    return fold(role) if type(role) is str else b""


def _written(value: Any) -> bytes:
    """`value` as JSON; what is too deep to write counts as one and the same."""
    return canonical(value) or b"?"


def _message(item: Any, texts_in: Iterator[bytes]) -> tuple[bytes, bytes, bytes]:
    """What a message of any shape says: everything in it but its role; its text; its parts that are no text.

    Takes its folded texts from `texts_in`, as many as `Batch.turns` has for it.
    """
    if type(item) is not dict:
        return _PART + _written(item), b"", b""
    content = item.get("content")
    texts: list[bytes] = []
    others: list[Any] = []
    if type(content) is str:
        texts.append(next(texts_in))
    elif type(content) is list:
        for part in content:
            if type(part) is dict and type(part.get("text")) is str:
                texts.append(next(texts_in))
            else:
                others.append(part)
    elif content is not None:
        others.append(content)
    said = b" ".join(texts)
    attached = _written(others) if others else b""
    rest = {
        name: value
        for name, value in item.items()
        if name != "content" and value is not None and not (name == "role" and type(value) is str)
    }
    spoken = {name: rest[name] for name in _SPOKEN if name in rest}
    if spoken:
        texts.append(fold(_written(spoken).decode("utf-8", "replace")))
    if rest or attached:
        said = _PART.join((said, _written(rest), attached))
    return said, b" ".join(texts), attached


def _beside(example: Example) -> dict[str, Any]:
    """What is learnt from beside the messages and the label."""
    out: dict[str, Any] = {}
    if example.tools is not None:
        out["tools"] = example.tools
    record = example.record
    if len(record) > 1 and not _LEARNT.isdisjoint(record):
        out.update((name, record[name]) for name in record if name in _LEARNT)
    return out


def columns_of(digests: Sequence[bytes]) -> NDArray[np.uint64]:
    """16-byte digests as uint64 of shape (n, 2), the same numbers on every machine."""
    return np.frombuffer(b"".join(digests), "<u8").astype(np.uint64, copy=False).reshape(-1, 2)


def key_of(data: bytes) -> bytes:
    """The 16-byte key of `data`."""
    return blake2b(data, digest_size=_KEY_BYTES).digest()


def _folded(batch: Batch) -> Iterator[_Folded]:
    # Texts come in the order of `Batch.turns`, which is that of the loops below.
    texts = iter(fold_all(batch.turns.text))
    roles: dict[str, tuple[bytes, bool]] = {}
    for i, example in enumerate(batch.examples):
        if example is None or not example.messages:
            continue
        pieces: list[bytes] = []
        near: list[bytes] = []
        attachments: list[bytes] = []
        first = answer = asked = -1
        for item in example.messages:
            name, system, plain = b"", False, False
            if type(item) is dict:
                role = item.get("role")
                if type(role) is str:
                    if role not in roles:
                        folded = fold(role)
                        roles[role] = folded, folded in SYSTEM_ROLES
                    name, system = roles[role]
                    plain = len(item) == 2 and type(item.get("content")) is str
            if plain:
                said = text = next(texts)
            else:
                said, text, attached = _message(item, texts)
                if attached and not system:
                    attachments.append(attached)
            if name == b"assistant":
                answer = len(pieces) + 1
                first = answer if first < 0 else first
            if not system:
                near.append(text)
                if said and asked < 0:
                    asked = len(pieces)
            pieces += (name, said)
        against = None
        if example.rejected is not None:
            against = b""
            # A pair is like other pairs alone: it must never make a conversation superfluous.
            attachments.append(_PAIR)
            for item in example.rejected:
                said, text, attached = _message(item, texts)
                near.append(text)
                against = _PART.join((against, said, attached))
        answered = answer - 1 if answer > 0 else len(pieces) if _label(example) is not None else 0
        yield _Folded(
            i,
            example,
            pieces,
            first,
            answer,
            0 <= asked < answered,
            b" ".join(near),
            int.from_bytes(key_of(_PART.join(attachments))[:8], "little") if attachments else 0,
            against,
        )


def _texts(batch: Batch) -> Texts:
    found = list(_folded(batch))
    return Texts(
        np.array([one.index for one in found], np.int64),
        [one.near for one in found],
        np.array([one.apart for one in found], np.uint64),
    )


def _forms(batch: Batch) -> Forms:
    found: list[_Folded] = []
    normal: list[bytes] = []
    prompt: list[bytes] = []
    answer: list[bytes] = []
    sizes: list[int] = []
    opening: list[bytes] = []
    for one in _folded(batch):
        example, pieces = one.example, one.pieces
        label = _label(example)
        end = one.answer - 1 if one.answer > 0 else len(pieces)
        beside = _beside(example)
        asked = key_of(_FIELD.join([_written(beside) if beside else b"", *pieces[:end]]))
        said = key_of(pieces[one.answer] if one.answer > 0 else b"")
        if one.against is not None:
            said = key_of(said + one.against)
        # Roles, what comes after the answer, and the label; prompt and answer go in as keys of fixed length.
        rest = [asked + said, *pieces[end : end + 1], *pieces[end + 2 :]]
        if label is not None:
            rest.append(_PART + label)
        prompt.append(asked)
        normal.append(key_of(_FIELD.join(rest)))
        answer.append(said if label is None else key_of(label))
        text = label if label is not None else pieces[one.answer] if one.answer > 0 else b""
        sizes.append(0 if _PART in text else len(text))
        first = one.first
        if 0 < first < one.answer:
            begin = key_of(_FIELD.join([_written(beside) if beside else b"", *pieces[: first - 1]]))
            opening.append(key_of(begin + key_of(pieces[first])))
        else:
            opening.append(key_of(asked + said))
        one.pieces = []
        found.append(one)
    return Forms(
        np.array([one.index for one in found], np.int64),
        [one.near for one in found],
        np.array([one.apart for one in found], np.uint64),
        columns_of(normal),
        columns_of(prompt),
        columns_of(answer),
        np.array([one.asks for one in found], np.bool_),
        np.array(sizes, np.int64),
        columns_of(opening),
    )


def beginnings(batch: Batch) -> Iterator[tuple[int, list[bytes], bool]]:
    """For each example of `batch` that holds any message: its index; the keys of its beginnings, folded, each of which
    ends with an assistant message that something was asked before, the shortest first; and whether the last of them is
    all of it. Equal keys are equal beginnings, with equal tools."""
    for one in _folded(batch):
        beside = _beside(one.example)
        digest = blake2b(_written(beside) if beside else b"", digest_size=_KEY_BYTES)
        keys: list[bytes] = []
        asked = ends = False
        for name, said in zip(one.pieces[::2], one.pieces[1::2], strict=True):
            digest.update(b"%d,%d:" % (len(name), len(said)) + name + said)
            ends = asked and name == b"assistant"
            if ends:
                keys.append(digest.digest())
            asked = asked or (bool(said) and name != b"assistant" and name not in SYSTEM_ROLES)
        yield one.index, keys, ends


def _learnt(record: Record, example: Example, unique: int) -> bytes:
    """The bytes of everything that is learnt from an example."""
    value: Mapping[str, Any] = {"messages": example.messages, "label": example.label, **_beside(example)}
    if example.rejected is not None:
        value = {**value, "against": example.rejected}
    # Too deep to write again: its bytes as they stood, or else nothing that another row could share.
    return canonical(value) or record.raw or b"row %d" % unique


def _exact(batch: Batch) -> NDArray[np.uint64]:
    digests = [
        key_of(_learnt(record, example, row_key(batch.source, record.ordinal)))
        for record, example in zip(batch.records, batch.examples, strict=True)
        if example is not None and example.messages
    ]
    return columns_of(digests)


#: The folded texts of the examples of a batch, without keys: for reading again.
TEXTS: Feature[Texts] = Feature("folded-texts", _texts)

#: The normal forms of the examples of a batch.
FORMS: Feature[Forms] = Feature("normal-forms", _forms)

#: The exact keys, uint64 of shape (n, 2), of the examples that `FORMS` speaks of, in the same order.
EXACT_KEYS: Feature[NDArray[np.uint64]] = Feature("exact-keys", _exact)
