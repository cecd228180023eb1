"""The spots of all kinds, so that every place is of one kind."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Final

from dsprep.text.sensitive import addresses, cards, identifiers, phones
from dsprep.text.sensitive.addresses import ip_spots
from dsprep.text.sensitive.cards import card_spots
from dsprep.text.sensitive.credentials import RUN, URL_BYTES, api_key_spots, private_key_spots, url_credential_spots
from dsprep.text.sensitive.emails import AT_BYTES, email_spots
from dsprep.text.sensitive.identifiers import national_id_spots
from dsprep.text.sensitive.phones import phone_spots
from dsprep.text.sensitive.spots import Kind, Spot, apart, has_long_token, shapes_of

#: How spots of each kind are found, with the options that a run begins with.
FINDERS: Final[Mapping[Kind, Callable[[str], Iterable[Spot]]]] = {
    Kind.PRIVATE_KEY: private_key_spots,
    Kind.URL_CREDENTIALS: url_credential_spots,
    Kind.API_KEY: api_key_spots,
    Kind.CARD: card_spots,
    Kind.NATIONAL_ID: national_id_spots,
    Kind.EMAIL: email_spots,
    Kind.IP: ip_spots,
    Kind.PHONE: phone_spots,
}
#: See `spots.SHAPES`.
_SHAPES: Final = [
    (kind, re.compile(b"|".join(map(re.escape, shapes))))
    for kind, shapes in (
        (Kind.CARD, cards.SHAPES_OF),
        (Kind.NATIONAL_ID, identifiers.SHAPES_OF),
        (Kind.PHONE, phones.SHAPES_OF),
    )
]
#: No number that is looked for has fewer digits; an Indian PAN has four, and so has 1.1.1.1.
_FEWEST_DIGITS: Final = 4


@lru_cache(maxsize=256)
def all_spots(text: str) -> tuple[Spot, ...]:
    """The spots of all kinds in `text`, without overlap, in order. The rules, and whatever shows the text, ask one
    after the other for the texts of one batch, of which few have any."""
    return tuple(apart([spot for kind in suspected(text) for spot in FINDERS[kind](text)]))


def suspected(text: str) -> list[Kind]:
    """The kinds of which `text` may hold something: the tests that the rules make of a whole batch."""
    data = text.encode("utf-8", "surrogatepass")
    shapes = shapes_of(data)
    out: list[Kind] = []
    if b"PRIVATE KEY" in data or b"PuTTY-User" in data:
        out.append(Kind.PRIVATE_KEY)
    if b"://" in data and URL_BYTES.search(data):
        out.append(Kind.URL_CREDENTIALS)
    if has_long_token(data, RUN):
        out.append(Kind.API_KEY)
    if shapes.count(b"0") >= _FEWEST_DIGITS:
        out += [kind for kind, known in _SHAPES if known.search(shapes)]
        if addresses.V4_BYTES.search(data):
            out.append(Kind.IP)
    if b"@" in data and AT_BYTES.search(data):
        out.append(Kind.EMAIL)
    if b":" in data and Kind.IP not in out and addresses.V6_BYTES.search(data):
        out.append(Kind.IP)
    return out


def unclaimed(text: str, spots: Iterable[Spot]) -> list[Spot]:
    """Those of `spots` that are no part of something of a stronger kind, in order and without overlap."""
    own = apart(list(spots))
    if not own:
        return []
    stronger = [spot for spot in all_spots(text) if spot.kind < max(mine.kind for mine in own)]
    return [
        mine
        for mine in own
        if not any(spot.kind < mine.kind and spot.start < mine.end and mine.start < spot.end for spot in stronger)
    ]
