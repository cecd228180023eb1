"""IP addresses."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from typing import Final

from dsprep.text.sensitive.spots import Kind, Spot, near, words

#: Byte tests for texts that may hold an address of version 4, and of version 6.
V4_BYTES: Final = re.compile(rb"\.[0-9]{1,3}\.[0-9]{1,3}\.?")
V6_BYTES: Final = re.compile(rb":[0-9A-Fa-f]{0,4}:[0-9A-Fa-f:]")

_V4: Final = re.compile(r"(?<![\w.+-])[0-9]{1,3}(?:\.[0-9]{1,3}){3}(?![\w%]|\.\w|-[0-9])", re.ASCII)
_V6: Final = re.compile(r"(?<![\w:.])[23][0-9A-Fa-f]{3}:[0-9A-Fa-f:]{3,34}(?![\w:]|\.[0-9])", re.ASCII)

_VERSION: Final = re.compile(
    r"(?:\bv(?:er(?:s(?:ion(?:en|s)?)?)?)?\.?|version(?:\s+(?:number|is|to|from))?|release|build|firmware|driver"
    r"|revision"
    r"|\brev|section|chapter|clause|article|paragraph|figure|table|appendix|§+|\boid|[a-z]/|[a-z]-"
    r"|upgrade[sd]?(?: to)?|update[sd]?(?: to)?|kapitel|abschnitt|версия|版本|バージョン)\s?[:=]?\s?\(?['\"]?\Z",
    re.IGNORECASE,
)
_WORDS: Final = re.compile(
    r"\bips?\b|ipv4|address|\bhosts?\b|server|\bping|\bdns\b|\bssh\b|gateway|client|connect|login|logged|network|router"
    r"|subnet|traceroute|whois|visitor|remote|adresse|адрес|地址|アドレス",
    re.IGNORECASE,
)
#: Everybody's: resolvers that anybody may ask (Google, Cloudflare, Quad9, OpenDNS, Level 3, AdGuard, Yandex, AliDNS,
#: DNSPod, 114DNS, Verisign, Comodo, CleanBrowsing), and examples that count up or down.
_WELL_KNOWN: Final = words(
    "8.8.8.8 8.8.4.4 1.1.1.1 1.0.0.1 1.1.1.2 1.0.0.2 1.1.1.3 1.0.0.3 9.9.9.9 149.112.112.112 9.9.9.10 9.9.9.11 "
    "208.67.222.222 208.67.220.220 208.67.222.123 208.67.220.123 4.2.2.1 4.2.2.2 4.2.2.3 4.2.2.4 94.140.14.14 "
    "94.140.15.15 77.88.8.8 77.88.8.1 223.5.5.5 223.6.6.6 119.29.29.29 114.114.114.114 114.114.115.115 64.6.64.6 "
    "64.6.65.6 8.26.56.26 8.20.247.20 185.228.168.9 185.228.169.9 1.2.3.4 4.3.2.1 2.3.4.5 5.6.7.8 1.2.3.5 1.1.1.10 "
    "2001:4860:4860::8888 2001:4860:4860::8844 2606:4700:4700::1111 2606:4700:4700::1001 2620:fe::fe 2620:fe::9 "
    "2620:119:35::35 2620:119:53::53"
)
#: Four numbers as small as these are mostly a version.
_SMALL: Final = 32


def ip_spots(text: str) -> Iterator[Spot]:
    """The public IP addresses of `text`, in order, version 4 before 6.

    Not versions and numbers of sections, by the word before them; not networks (a last number of 0 or 255); not
    resolvers that all the world uses. Four small numbers need a word such as `address` near them.
    """
    for match in _V4.finditer(text):
        parts = match.group().split(".")
        if any(len(part) > 1 and part[0] == "0" for part in parts) or parts[3] in ("0", "255") or parts[0] == "0":
            continue
        if any(int(part) > 255 for part in parts) or _VERSION.search(text, max(0, match.start() - 32), match.start()):
            continue
        if all(int(part) < _SMALL for part in parts) and not near(text, *match.span(), _WORDS):
            continue
        yield from _public(match, ipaddress.IPv4Address(match.group()))
    for match in _V6.finditer(text):
        try:
            address = ipaddress.IPv6Address(
                match.group().removesuffix(":") if match.group()[-2:] != "::" else match.group()
            )
        except ValueError:
            continue
        yield from _public(match, address)


def _public(match: re.Match[str], address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> Iterator[Spot]:
    if address.is_global and not address.is_multicast and str(address) not in _WELL_KNOWN:
        end = match.end() - (match.group()[-1] == ":" and match.group()[-2:] != "::")
        yield Spot(match.start(), end, Kind.IP, f"IPv{address.version}", str(address))
