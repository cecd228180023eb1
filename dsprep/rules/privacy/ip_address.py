"""PII005 ip-address."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator
from typing import ClassVar

from pydantic import Field, field_validator

from dsprep.folds.sensitive import SensitiveRule
from dsprep.model.batch import Batch
from dsprep.model.finding import Severity
from dsprep.model.rule import FixAvailability, RuleMeta, RuleOptions
from dsprep.text.sensitive.addresses import V4_BYTES, V6_BYTES, ip_spots
from dsprep.text.sensitive.spots import Spot
from dsprep.text.turn_bytes import TURN_BYTES


class IpAddressOptions(RuleOptions):
    allow: tuple[str, ...] = Field((), description="addresses and networks not to report, such as `93.184.216.0/24`")

    @field_validator("allow")
    @classmethod
    def _networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for item in value:
            ipaddress.ip_network(item, strict=False)
        return value


class IpAddress(SensitiveRule):
    """A text holds a public IP address.

    ## What it does
    Finds public addresses of version 4 and 6, one finding a text. Reports and JSON show only their beginning and end.

    Left alone are private and reserved addresses, those for documentation (`192.0.2.1`, `2001:db8::1`), networks (a
    last number of 0 or 255), resolvers that all the world uses (`8.8.8.8`, `1.1.1.1` …), and what is a version or the
    number of a section: by the word before it, or because all four numbers are below 32 and no word such as `address`
    is near.

    ## Why it matters
    Courts and regulators take the address of a person's connection for personal data. That of a server is at least a
    hint to whose logs were scraped.

    ## Example
    ```json
    {"role": "user", "content": "Failed password for root from 85.214.132.117 port 52114"}
    ```

    ## Fix
    Unsafe. `[IP]` takes the place of each address. With `--redact pseudonym` it is an address for documentation, the
    same one for the same address throughout the data; there are 762 of version 4, so in large data several share one.
    `--diff`, files of rejected rows and the file of changes that `--fix` leaves show the text as it was.

    ## Source
    The special-purpose address registries of IANA (Python's `ipaddress`); RFC 5737 and RFC 3849; Court of Justice of
    the EU, C-582/14 (Breyer).
    """

    meta: ClassVar[RuleMeta] = RuleMeta(
        code="PII005",
        name="ip-address",
        severity=Severity.INFO,
        message="public IP addresses in the text: {what}",
        summary="A text holds a public IP address.",
        fix=FixAvailability.ALWAYS,
    )
    Options = IpAddressOptions

    def suspects(self, batch: Batch) -> Iterable[int]:
        joined = batch.get(TURN_BYTES)
        return sorted({*joined.holding(V4_BYTES), *joined.holding(V6_BYTES)})

    def spots(self, text: str) -> Iterator[Spot]:
        allowed = [ipaddress.ip_network(item, strict=False) for item in self.options.allow]
        for spot in ip_spots(text):
            address = ipaddress.ip_address(spot.canonical)
            if not any(address in network for network in allowed):
                yield spot
