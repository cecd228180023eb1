"""What is shown of a spot, and what is written in its place: a label, or a pseudonym that is nobody's.

Pseudonyms are made from a secret: equal ones have equal pseudonyms wherever the secret is the same, and without it
nobody can try out which telephone number gave which. They lie in ranges that are set aside: example.com, .net and .org
(RFC 2606), 555-0100 to 555-0199 (NANPA), 192.0.2.0/24, 198.51.100.0/24 and 203.0.113.0/24 (RFC 5737), 2001:db8::/32
(RFC 3849), test numbers of payment cards; numbers of persons and accounts get a form that no check lets through.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from hashlib import blake2b
from typing import Final

from dsprep.text.sensitive.cards import TEST_NUMBERS, luhn
from dsprep.text.sensitive.identifiers import is_some_number, label_of
from dsprep.text.sensitive.spots import Kind, Spot

_LABELS: Final = {
    Kind.EMAIL: "[EMAIL]",
    Kind.PHONE: "[PHONE]",
    Kind.CARD: "[CARD]",
    Kind.IP: "[IP]",
    Kind.API_KEY: "[API_KEY]",
    Kind.PRIVATE_KEY: "[PRIVATE_KEY]",
    Kind.URL_CREDENTIALS: "",
}
#: More than this of a secret is never shown, at its beginning and end.
_HEAD, _TAIL = 4, 2
_AROUND: Final = 24
#: Of what stands beside a spot, all that may be one, too, or a piece of one.
_SUSPICIOUS: Final = re.compile(
    r"\S{0,64}@\S{0,64}|\+?[0-9](?:[ ().:/-]{0,2}[0-9]){4,}|[A-Za-z0-9+/=_-]{16,}|\b[0-9A-Fa-f]{0,4}:[0-9A-Fa-f:]{4,}"
    r"|[0-9]{1,3}\.[0-9]{1,3}\.[0-9.]{1,7}|\S{25,}"
)


def masked(text: str) -> str:
    """`text` as it may be shown: of a long one the first four and the last two characters, of a short one fewer."""
    flat = re.sub(r"\s+", " ", text)
    head, tail = min(_HEAD, len(flat) // 4), min(_TAIL, len(flat) // 8)
    return f"{flat[:head]}…{flat[len(flat) - tail :]}" if tail else f"{flat[:head]}…"


def shown(text: str, spot: Spot) -> str:
    """What a message may say of a spot. Of passwords in URLs nothing is shown, as they are short."""
    return "…:…@" if spot.kind is Kind.URL_CREDENTIALS else masked(text[spot.start : spot.end])


def excerpt(text: str, spot: Spot) -> str:
    """The spot, masked, between a few words."""
    return framed(text, spot.start, spot.end, shown(text, spot))


def framed(text: str, start: int, end: int, middle: str) -> str:
    """`middle`, which stands for `text[start:end]`, between the words around it, of which those are masked that may be
    sensitive, too."""
    left = text[max(0, start - _AROUND) : start]
    if start > _AROUND and not text[start - _AROUND - 1].isspace():
        left = re.sub(r"\A[\w+@.:/=-]+", "…", left, flags=re.ASCII)
    right = text[end : end + _AROUND]
    if end + _AROUND < len(text) and not text[end + _AROUND].isspace():
        right = re.sub(r"[\w+@.:/=-]+\Z", "…", right, flags=re.ASCII)
    return f"{_SUSPICIOUS.sub('…', left)}{middle}{_SUSPICIOUS.sub('…', right)}".strip()


def cuts(text: str, spots: Sequence[Spot], key: str | None) -> tuple[tuple[int, int, str], ...]:
    """What to write in place of each spot: pseudonyms if there is a `key`, else labels."""
    return tuple((spot.start, spot.end, instead_of(text[spot.start : spot.end], spot, key)) for spot in spots)


def instead_of(text: str, spot: Spot, key: str | None) -> str:
    """What is written in place of `text`, which is `spot`. Keys and passwords get labels whatever the key is: nobody
    learns anything from a made-up one."""
    if spot.kind is Kind.NATIONAL_ID:
        return f"[{label_of(spot.name)}]" if key is None else _number(text, spot, key)
    if key is None or spot.kind in (Kind.API_KEY, Kind.PRIVATE_KEY, Kind.URL_CREDENTIALS):
        return _LABELS[spot.kind]
    draw = _drawn(key, spot.kind.name, spot.canonical)
    match spot.kind:
        case Kind.EMAIL:
            first, draw = _name(draw, 3)
            last, draw = _name(draw, 3)
            return f"{first}.{last}@example.{('com', 'net', 'org')[draw % 3]}"
        case Kind.PHONE:
            area, line = divmod(draw % 80_000, 100)
            return f"+1 {200 + area}-555-01{line:02}"
        case Kind.CARD:
            known = _CARDS.get((text.strip()[0], len(spot.canonical))) or _CARDS["4", 16]
            digits = known[draw % len(known)]
            return " ".join(digits[i : i + 4] for i in range(0, len(digits), 4)) if " " in text else digits
        case _:
            return _address(draw, ipaddress.ip_address(spot.canonical).version)


#: Test numbers that are right in themselves, by first digit and length.
_CARDS: Final[dict[tuple[str, int], list[str]]] = {}
for _test in sorted(TEST_NUMBERS):
    if luhn(_test):
        _CARDS.setdefault((_test[0], len(_test)), []).append(_test)

#: Far more than it takes: the weakest check refuses one number in six.
_ATTEMPTS: Final = 1_000

_CONSONANTS: Final = "bdfgklmnprstvz"
_VOWELS: Final = "aeiou"


def _drawn(key: str, *about: str) -> int:
    """A number of 512 bits, drawn by the key for this."""
    # A key of any length: blake2b takes no more than 64 bytes.
    secret = blake2b(key.encode("utf-8", "surrogatepass"), person=b"dsprep redact").digest()
    data = "\0".join(about).encode("utf-8", "surrogatepass")
    return int.from_bytes(blake2b(data, key=secret).digest(), "little")


def _name(draw: int, syllables: int) -> tuple[str, int]:
    """A made-up name of so many syllables, and what is left of the number it was drawn by."""
    out = ""
    for _ in range(syllables):
        draw, consonant = divmod(draw, len(_CONSONANTS))
        draw, vowel = divmod(draw, len(_VOWELS))
        out += _CONSONANTS[consonant] + _VOWELS[vowel]
    return out, draw


def _address(draw: int, version: int) -> str:
    if version == 4:
        network, host = divmod(draw % 762, 254)
        return f"{('192.0.2', '198.51.100', '203.0.113')[network]}.{host + 1}"
    return str(ipaddress.IPv6Address((0x20010DB8 << 96) | draw % (1 << 96)))


def _number(text: str, spot: Spot, key: str) -> str:
    """A number in the form of `text` that no check lets through. Areas of a social security number that begin with 000
    are not given out; of an IBAN the check digits are 00; of others the digits are drawn until none holds."""
    for attempt in range(_ATTEMPTS):
        draw = _drawn(key, spot.name, spot.canonical, str(attempt))
        out: list[str] = []
        for place, char in enumerate(text):
            if spot.name == "iban" and place < 4:
                out.append(char if place < 2 else "0")
            elif spot.name == "us-ssn" and place < 3:
                out.append("0")
            elif char.isdigit():
                draw, digit = divmod(draw, 10)
                out.append(str(digit))
            elif char.isalpha():
                draw, letter = divmod(draw, 26)
                out.append(chr(65 + letter))
            else:
                out.append(char)
        made = "".join(out)
        if not is_some_number(made):
            return made
    return f"[{label_of(spot.name)}]"
