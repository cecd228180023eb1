"""The spots of all kinds, so that every place is of one kind."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Final

from dsprep.text.sensitive.addresses import ip_spots
from dsprep.text.sensitive.cards import card_spots
from dsprep.text.sensitive.credentials import api_key_spots, private_key_spots, url_credential_spots
from dsprep.text.sensitive.emails import email_spots
from dsprep.text.sensitive.identifiers import national_id_spots
from dsprep.text.sensitive.phones import phone_spots
from dsprep.text.sensitive.spots import Kind, Spot, apart

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


@lru_cache(maxsize=64)
def all_spots(text: str) -> tuple[Spot, ...]:
    """The spots of all kinds in `text`, without overlap, in order. The rules ask one after the other for the texts of
    one batch, of which few have any."""
    return tuple(apart([spot for find in FINDERS.values() for spot in find(text)]))


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
