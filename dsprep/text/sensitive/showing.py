"""What reports may show of texts that hold personal data or secrets, whichever rule it is that quotes them.

An excerpt is cut out of a text without regard to what stands there, so it may begin or end in the middle of a key.
Where the whole text is at hand, spots are looked for in it and masked wherever a piece of one is shown (`part`,
`hidden_in`). Where only the excerpt is, what it holds whole is masked, and so is a word that is cut off and may be a
piece of something (`masked_piece`).
"""

from __future__ import annotations

import json
import os.path
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

from dsprep.model.batch import Batch
from dsprep.text.sensitive.redaction import masked, shown
from dsprep.text.sensitive.spots import Kind, Spot
from dsprep.text.sensitive.together import all_spots, suspected

#: What is secret in a text, and what may be shown of it.
Secret = tuple[str, str]

#: How far around what is shown the text is looked at: spots are known by words before them, too.
_AROUND: Final = 400
#: How far what tells that something may be there stands from any of its characters: the @ of an address, say.
_NEAR: Final = 66
#: A private key is known by its first line.
_LONGEST_KEY: Final = 20_000
_BEGIN: Final = "-----BEGIN "
#: Of a secret, no more than this is shown at its beginning and end by masks, so a piece as short as that gives nothing
#: away.
_HEAD, _TAIL = 4, 2
#: As long as this is what rules have cut; what ends in dots is cut, too.
_CUT: Final = 80
_SHORT: Final = 250
#: Of what is short, a quicker test: whatever is looked for has a digit, an @, or is a long run or part of a URL.
_ANYTHING: Final = re.compile(r"[0-9@]|://|KEY|PuTTY|[A-Za-z_-]{20}")
#: From so many characters on a piece of a secret is known wherever it stands.
_FOOTHOLD: Final = 8
_ELLIPSES: Final = ("…", "...")
_DOTS: Final = "….\u2026"
#: Nothing that is looked for is shorter than 7.7.7.7.
_SHORTEST: Final = 7
#: A word that may be a piece of something: of an address, of a number, of a key.
_FRAGMENT: Final = re.compile(
    r"\S*@\S*|\+?[0-9(](?:[^A-Za-z\s]*[0-9]){5,}[^A-Za-z\s]*"
    r"|(?=\S*[0-9])(?=\S*[A-Za-z])[\"'`(=:,]?[A-Za-z0-9+/_=-]{16,}\S*"
)
#: A long run of letters and digits in which small ones, capitals and digits come all through each other: what a key is
#: made of.
_DRAWN: Final = re.compile(
    r"(?<![A-Za-z0-9+/_=-])(?=[A-Za-z0-9+/_-]*[0-9])(?=[A-Za-z0-9+/_-]*[a-z])(?=[A-Za-z0-9+/_-]*[A-Z])"
    r"[A-Za-z0-9+/_-]{40,}={0,2}"
)
_KEY_LINE: Final = re.compile(r"[A-Za-z0-9+/=]{12,}")
#: A private key of which there is too little to be known for one: whatever stands behind its first line.
_BEGUN: Final = re.compile(
    r"(-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----)(?:\\[nr]|[\s>\"'+,;#|])*[A-Za-z0-9+/=]{4,}…?"
)


def may_hold(text: str) -> bool:
    """Whether `text` may hold anything at all that is looked for: a quick test."""
    if len(text) < _SHORTEST or (len(text) <= _SHORT and not _ANYTHING.search(text)):
        return False
    return bool(suspected(text))


def masked_text(text: str) -> str:
    """`text`, which is whole, with what is sensitive in it masked."""
    return _with_masks(text, all_spots(text), 0, len(text)) if may_hold(text) else text


def part(text: str, start: int, end: int) -> str:
    """`text[start:end]` with what is sensitive in it masked, also where only a piece of it is shown."""
    start, end = max(0, start), min(len(text), end)
    left, right = max(0, start - _AROUND), min(len(text), end + _AROUND)
    if (begin := text.rfind(_BEGIN, max(0, start - _LONGEST_KEY), start)) >= 0:
        left = min(left, begin)
    if left == max(0, start - _AROUND) and not may_hold(text[max(0, start - _NEAR) : end + _NEAR]):
        return text[start:end]
    window = text[left:right]
    return _with_masks(window, all_spots(window), start - left, end - left)


def beginning(text: str, size: int) -> str:
    """As `part`, the first `size` characters."""
    return part(text, 0, size)


def _with_masks(text: str, spots: Iterable[Spot], start: int, end: int) -> str:
    pieces: list[str] = []
    place = start
    for spot in spots:
        if spot.end <= start or spot.start >= end:
            continue
        pieces += (text[place : max(place, spot.start)], shown(text, spot))
        place = min(spot.end, end)
    pieces.append(text[place:end])
    return "".join(pieces)


@lru_cache(maxsize=4096)
def masked_piece(text: str) -> str:
    """`text`, which may be a piece of a longer one, with what is sensitive in it masked."""
    if may_hold(text):
        text = _BEGUN.sub(r"\1…", masked_text(text))
        text = _DRAWN.sub(lambda match: masked(match.group()), text)
    long = len(text) == _CUT
    if long or text.startswith(_ELLIPSES):
        first = re.search(r"[^\s.…]\S*", text)
        if first is not None and _is_fragment(first.group()):
            text = f"…{text[first.end() :]}"
    if long or text.endswith(_ELLIPSES):
        last = re.search(r"\S+\Z", text.rstrip(_DOTS))
        if last is not None and _is_fragment(last.group()):
            text = f"{text[: last.start()]}…"
    return text


def _is_fragment(word: str) -> bool:
    # What is masked already has a gap in its middle.
    return "…" not in word and _FRAGMENT.fullmatch(word) is not None


def secrets_in(batch: Batch) -> dict[int, list[Secret]]:
    """What is sensitive in the texts of `batch`, by the index of the row; rows without any are left out."""
    # What reads the arguments is not loaded by those who only show a report.
    from dsprep.text.sensitive.arguments import ARGUMENTS

    out: dict[int, dict[Secret, None]] = {}
    for texts in (batch, batch.get(ARGUMENTS)):
        if texts is None:
            continue
        turns = texts.turns
        for row, text in zip(turns.row, turns.text, strict=True):
            for spot in all_spots(text):
                secret = text[spot.start : spot.end]
                own = out.setdefault(row, {})
                own[secret, shown(text, spot)] = None
                if spot.kind is Kind.PRIVATE_KEY:
                    # However its lines are laid out where they are quoted.
                    own.update(((line, "…"), None) for line in _KEY_LINE.findall(secret))
    return {row: sorted(secrets, key=lambda secret: (-len(secret[0]), secret)) for row, secrets in out.items()}


def hidden_in(text: str, secrets: Sequence[Secret]) -> str:
    """`text`, which quotes one that holds the `secrets` (the longest first), without them, whole or in part."""
    for secret, instead in secrets:
        # What quotes a text may have its white space on one line, or spell it as JSON does.
        for form in dict.fromkeys((secret, " ".join(secret.split()), json.dumps(secret, ensure_ascii=False)[1:-1])):
            text = _without(text, form, instead)
    return text


def _without(text: str, secret: str, instead: str) -> str:
    bare = text.strip(_DOTS)
    if _HEAD < len(bare) < len(secret) and bare in secret:
        return instead
    text = text.replace(secret, instead)
    size = min(len(secret) - 1, _FOOTHOLD)
    if size > _HEAD:
        text = _without_head(text, secret, size, instead)
        text = _without_head(text[::-1], secret[::-1], size, instead[::-1])[::-1]
    # At the edges, less of it is enough.
    text = _without_edge(text, secret, _HEAD, instead)
    return _without_edge(text[::-1], secret[::-1], _TAIL + 2, instead[::-1])[::-1]


def _without_head(text: str, secret: str, size: int, instead: str) -> str:
    """`text` without whatever begins as `secret` does for `size` characters, as far as it goes on like it."""
    at = text.find(secret[:size])
    while at >= 0:
        alike = os.path.commonprefix([text[at : at + len(secret)], secret])  # noqa: RUF071 - of texts, not of paths
        end = at + len(alike)
        text = f"{text[:at]}{instead}{text[end:]}"
        at = text.find(secret[:size], at + len(instead))
    return text


def _without_edge(text: str, secret: str, least: int, instead: str) -> str:
    """`text` without the beginning of `secret` at its end, if it is more than `least` characters."""
    bare = text.rstrip(_DOTS)
    for size in range(min(len(secret) - 1, len(bare)), least, -1):
        if bare.endswith(secret[:size]):
            return f"{bare[: len(bare) - size]}{instead}"
    return text


def concealed(value: Any, mask: Callable[[str], str]) -> Any:
    """A JSON value with `mask` over all its texts, the names of members among them; itself if nothing changes."""
    if isinstance(value, str):
        new = mask(value)
        return value if new == value else new
    if isinstance(value, Mapping):
        out: dict[Any, Any] = {}
        for name, item in value.items():
            known = concealed(name, mask)
            number = 2
            # Two that look the same when they are masked are two all the same.
            while known in out:
                known = f"{concealed(name, mask)} ({number})"
                number += 1
            out[known] = concealed(item, mask)
        return value if list(out.items()) == list(value.items()) else out
    if isinstance(value, list | tuple):
        items = [concealed(item, mask) for item in value]
        return value if all(a is b for a, b in zip(items, value, strict=True)) else type(value)(items)
    return value
