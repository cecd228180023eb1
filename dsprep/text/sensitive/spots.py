"""A place in a text that somebody may not want to publish, and how such places are searched for quickly."""

from __future__ import annotations

import re
import string
from bisect import bisect_right
from enum import IntEnum
from functools import cache
from typing import Final, NamedTuple

from dsprep.model.batch import Batch, Feature
from dsprep.text.turn_bytes import TURN_BYTES, TurnBytes


class Kind(IntEnum):
    """What a spot is. Where two overlap, the one of the lower number is it: a password that looks like an address is
    part of the URL, digits of an account number are no telephone number."""

    PRIVATE_KEY = 1
    URL_CREDENTIALS = 2
    API_KEY = 3
    CARD = 4
    NATIONAL_ID = 5
    EMAIL = 6
    IP = 7
    PHONE = 8


class Spot(NamedTuple):
    """`text[start:end]` is of this kind. `name` says more closely of which (`github-token`, `iban`); `canonical` is the
    same for all spellings of the same thing. A `weak` one is nobody's own, such as the address of an office."""

    start: int
    end: int
    kind: Kind
    name: str
    canonical: str
    weak: bool = False


def apart(spots: list[Spot]) -> list[Spot]:
    """`spots` without overlap, in order of place: of two that overlap the one of the stronger kind, then the longer."""
    kept: list[Spot] = []
    taken: list[tuple[int, int]] = []
    for spot in sorted(spots, key=lambda spot: (spot.kind, spot.start - spot.end, spot.start)):
        if not any(spot.start < end and start < spot.end for start, end in taken):
            kept.append(spot)
            taken.append((spot.start, spot.end))
    return sorted(kept)


def words(text: str) -> frozenset[str]:
    """The words of a list."""
    return frozenset(text.split())


def near(text: str, start: int, end: int, said: re.Pattern[str], *, before: int = 40, after: int = 16) -> bool:
    """Whether `said` stands shortly before or behind `text[start:end]`."""
    return bool(said.search(text, max(0, start - before), start) or said.search(text, end, end + after))


_SHAPE: Final = bytes(
    48
    if chr(byte) in string.digits
    else 65
    if chr(byte) in string.ascii_uppercase
    else 97
    if chr(byte) in string.ascii_lowercase
    else 45
    if chr(byte) in "-. /"
    else byte
    for byte in range(256)
)
_TOKEN: Final = bytes(97 if chr(byte) in string.ascii_letters + string.digits + "-_" else 32 for byte in range(256))


def shapes_of(data: bytes) -> bytes:
    """`data` as shapes: every digit a 0, letters A and a, hyphen, point, space and slash a hyphen; line feeds stay."""
    return data.translate(_SHAPE)


#: The texts of a batch as shapes. Offsets are those of TURN_BYTES.
SHAPES: Final[Feature[bytes]] = Feature("turn-shapes", lambda batch: shapes_of(batch.get(TURN_BYTES).data))


def long_tokens(batch: Batch, size: int) -> list[int]:
    """The texts that hold a run of `size` letters, digits, hyphens and underscores that is no long word or name: it has
    a digit, or is half as long again and has letters of both kinds."""
    joined = batch.get(TURN_BYTES)
    token = _long(size)
    ends = [*joined.starts[1:].tolist(), len(joined.data)]
    found: list[int] = []
    for turn in holding(joined, joined.data.translate(_TOKEN), [b"a" * size]):
        for match in token.finditer(joined.data, int(joined.starts[turn]), ends[turn]):
            if _is_no_word(match.group(), size):
                found.append(turn)
                break
    return found


def has_long_token(data: bytes, size: int) -> bool:
    """As `long_tokens`, of one text."""
    # Searching for a literal is many times as fast.
    if b"a" * size not in data.translate(_TOKEN):
        return False
    return any(_is_no_word(match.group(), size) for match in _long(size).finditer(data))


@cache
def _long(size: int) -> re.Pattern[bytes]:
    return re.compile(rb"[A-Za-z0-9_-]{%d,}" % size)


def _is_no_word(run: bytes, size: int) -> bool:
    mixed = run.lower() != run != run.upper()
    return run.translate(None, b"0123456789") != run or (mixed and len(run) >= 1.5 * size)


def holding(joined: TurnBytes, data: bytes, literals: list[bytes]) -> list[int]:
    """The texts in which one of `literals` stands, ascending; `data` are the bytes of `joined`, or made of them byte by
    byte. Searching for a literal is some twenty times as fast as for a class of characters."""
    found: set[int] = set()
    starts: list[int] = []
    for literal in literals:
        at = data.find(literal)
        if at < 0:
            continue
        starts = starts or joined.starts.tolist()
        while at >= 0:
            turn = bisect_right(starts, at)
            found.add(turn - 1)
            # Whatever else the text holds, it is a suspect already.
            at = data.find(literal, starts[turn]) if turn < len(starts) else -1
    return sorted(found)
