"""Contexts that examples share: a passage that several questions are asked about, a form that is filled in.

Two examples on one passage are alike in nearly all words and still ask for different things. What tells them apart from
a copy with a changed word is that other examples have the passage, too, and then the rest is what counts: what is asked
about it, and what is answered.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from dsprep.model.batch import Batch, Feature
from dsprep.model.record import Example
from dsprep.text.clusters import Units, similarities
from dsprep.text.labels import LABEL_CHARS
from dsprep.text.normal import FORMS, SYSTEM_ROLES, canonical, fold
from dsprep.text.shingles import Shingles, distinct, shingles

#: A context has at least so many characters, and at least this share of the bytes of its example.
FEWEST_CHARS, LEAST_SHARE = 100, 1 / 3
#: So many examples, equal ones counted once, must have a context for it to be a shared one.
FEWEST_SHARING = 3

_SEGMENT = re.compile(r"\n+|(?<=[.!?…。！？؟।])\s+")


def context_of(text: str) -> str:
    """The longest line of `text`, or of a text of one line the longest part before a full stop; empty if it is short or
    all there is."""
    if len(text) < FEWEST_CHARS:
        return ""
    lines = text.split("\n")
    if len(lines) == 1:
        lines = text.split(". ")
    longest = max(lines, key=len)
    return longest if len(lines) > 1 and len(longest) >= FEWEST_CHARS else ""


def _contexts(batch: Batch) -> NDArray[np.uint64]:
    turns = batch.turns
    found: dict[int, str] = {}
    for row, role, text in zip(turns.row, turns.role, turns.text, strict=True):
        if role == "user" and len(text) >= FEWEST_CHARS:
            context = context_of(text)
            if len(context) > len(found.get(row, "")):
                found[row] = context
    forms = batch.get(FORMS)
    out = np.zeros(len(forms.index), np.uint64)
    for i, row in enumerate(forms.index.tolist()):
        if row in found:
            data = found[row].encode("utf-8", "surrogatepass")
            if len(data) >= LEAST_SHARE * len(forms.near[i]):
                out[i] = int.from_bytes(blake2b(data, digest_size=8).digest(), "little")
    return out


#: For each example that `FORMS` speaks of a number that stands for its context, uint64; 0: it has none.
CONTEXTS: Feature[NDArray[np.uint64]] = Feature("contexts", _contexts)


@dataclass(frozen=True, slots=True)
class Said:
    """What the user says in an example, in lines and sentences, and what anybody else but the system does, folded."""

    asked: tuple[bytes, ...]
    answered: bytes


def said_in(example: Example | None) -> Said:
    """What is said in an example of any shape."""
    asked: list[bytes] = []
    answered: list[str] = []
    for message in example.messages if example is not None else ():
        if type(message) is not dict:
            continue
        role, content = message.get("role"), message.get("content")
        name = fold(role) if type(role) is str else b""
        if name in SYSTEM_ROLES:
            continue
        parts = content if type(content) is list else [{"text": content}]
        texts = [part["text"] for part in parts if type(part) is dict and type(part.get("text")) is str]
        if name == b"user":
            asked += (folded for text in texts for piece in _SEGMENT.split(text) if (folded := fold(piece)))
            continue
        answered += texts
        calls = message.get("tool_calls") or message.get("function_call")
        if calls:
            answered.append((canonical(calls) or b"").decode("utf-8", "replace"))
    return Said(tuple(asked), fold("\n".join(answered)))


def rest_similarities(pairs: Sequence[tuple[Said, Said]]) -> NDArray[np.float64]:
    """For each pair how alike its examples are apart from the context that they share, 0 to 1.

    What both begin with and end with, in whole lines and sentences, is left out of what is asked; it is alike where one
    of the rests is empty. Of both, question and answer, the less alike one counts. But an answer that is longer than a
    label and nearly the same makes the same example of it, however it was asked for.
    """
    texts: list[bytes] = []
    for one, two in pairs:
        start = _shared(one.asked, two.asked)
        left, right = one.asked[start:], two.asked[start:]
        end = _shared(left[::-1], right[::-1])
        texts += [b" ".join(left[: len(left) - end]), b" ".join(right[: len(right) - end]), one.answered, two.answered]

    def load(units: Units) -> Shingles:
        return distinct(shingles([texts[i] for i in units.tolist()]))

    at = np.arange(0, len(texts), 2)
    alike = similarities(at, at + 1, load)
    same = np.fromiter((texts[i] == texts[i + 1] for i in at.tolist()), np.bool_, len(at))
    empty = np.fromiter((not texts[i] or not texts[i + 1] for i in at.tolist()), np.bool_, len(at))
    alike[same] = 1.0
    asked, answered = np.where(empty[::2], 1.0, alike[::2]), alike[1::2]
    long = np.fromiter(
        (min(len(one.answered), len(two.answered)) > LABEL_CHARS for one, two in pairs), np.bool_, len(pairs)
    )
    return np.where(long, answered, np.minimum(asked, answered))


def _shared(one: Sequence[bytes], two: Sequence[bytes]) -> int:
    """How many items both begin with."""
    n = 0
    for a, b in zip(one, two, strict=False):
        if a != b:
            break
        n += 1
    return n
