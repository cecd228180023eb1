"""Numbers of payment cards."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from dsprep.text.sensitive.spots import Kind, Spot, near, words

#: Shapes (see `spots.SHAPES`) of which every number holds one.
SHAPES_OF: Final = [b"0000-0000-0000", b"0000-000000-0", b"0000000000000"]

_NUMBER: Final = re.compile(
    r"(?<![0-9])(?:[0-9]{4}([ -])[0-9]{4}\1[0-9]{4}\1[0-9]{2,7}|[0-9]{4}([ -])[0-9]{6}\2[0-9]{4,5}|[0-9]{13,19})"
    r"(?![0-9])"
)
#: Issuer's prefix and length (ISO/IEC 7812; Wikipedia, "Payment card number", for the networks' own tables).
_NETWORKS: Final = (
    ("Visa", re.compile(r"4(?:[0-9]{12}|[0-9]{15}|[0-9]{18})\Z")),
    ("Mastercard", re.compile(r"(?:5[1-5][0-9]{2}|222[1-9]|22[3-9][0-9]|2[3-6][0-9]{2}|27[01][0-9]|2720)[0-9]{12}\Z")),
    ("American Express", re.compile(r"3[47][0-9]{13}\Z")),
    ("Discover", re.compile(r"(?:6011|64[4-9][0-9]|65[0-9]{2})[0-9]{12,15}\Z")),
    ("JCB", re.compile(r"35(?:2[89]|[3-8][0-9])[0-9]{12,15}\Z")),
    ("Diners Club", re.compile(r"3(?:0[0-5]|[68][0-9]|9[0-9])[0-9]{11,13}\Z")),
    ("UnionPay", re.compile(r"62[0-9]{14,17}\Z")),
    ("Maestro", re.compile(r"(?:5018|5020|5038|5893|6304|6759|676[1-3])[0-9]{12,15}\Z")),
)
#: Numbers that networks and payment services publish for tests (Stripe, Adyen, Braintree, PayPal, Worldpay).
TEST_NUMBERS: Final = words(
    "4242424242424242 4000056655665556 4111111111111111 4012888888881881 4222222222222 4000000000000002 "
    "4000000000009995 "
    "4000002500003155 4000002760003184 4000000000003220 4000000000000077 4000000000000341 4000000000000069 "
    "4000000000000119 4000000000000127 4000000000009987 4000000000009979 4005519200000004 4009348888881881 "
    "4012000033330026 4012000077777777 4217651111111119 4500600000000061 4444333322221111 4917610000000000 "
    "4917300800000000 4462030000000000 4484070000000000 4911830000000 4988438843884305 4166676667666746 "
    "4646464646464644 "
    "4000180000000002 4977949494949497 4000620000000007 4000060000000006 4293189100000008 4988080000000000 "
    "4111111145551142 4400000000000008 4607000000000009 4508750015741019 "
    "5555555555554444 5105105105105100 5200828282828210 2223003122003222 2223000048400011 5425233430109903 "
    "2222420000001113 2223000048410010 5454545454545454 5136333333333335 5585558555855583 5555444433331111 "
    "2222410740360010 5555341244441115 2222400010000008 2222400030000004 2222400050000009 2222400060000007 "
    "5100060000000002 5500000000000004 5424000000000015 5431111111111111 5105105105105100 378282246310005 "
    "371449635398431 378734493671000 370000000000002 374245455400126 343434343434343 371144371144376 341134113411347 "
    "374500000262057 6011111111111117 6011000990139424 6011000000000004 6011981111111113 6011601160116611 "
    "6445644564456445 6510000000000018 6011000400000000 30569309025904 38520000023237 36227206271667 3056930009020004 "
    "36006666333344 36070500001020 36700102000000 36148900647913 36438936438936 3566002020360505 3530111333300000 "
    "3569990010095841 3569990000000009 3566111111111113 3528000700000000 3088000000000009 6200000000000005 "
    "6200000000000047 6205500000000000004 6243030000000001 6250946000000016 6240008631401148 6304000000000000 "
    "6759649826438453 6771798021000008 6761000000000006 5018000000000009"
)
_CARD_WORDS: Final = re.compile(
    r"card|visa|mastercard|amex|american express|discover|diners|\bjcb\b|maestro|\bcc\b|\bpan\b|cvv|cvc|karte|carte"
    r"|tarjeta"
    r"|cart[ãa]o|carta\b|kaart|karta|карт|卡|カード|카드|بطاقة|expir|\bexp\b|payment",
    re.IGNORECASE,
)
_OTHER_WORDS: Final = re.compile(
    r"order|track|invoice|ticket|serial|\bisbn|\bean\b|\bupc\b|\bgtin|imei|\biccid|\bsku\b|\bref(?:erence)?\b"
    r"|transaction"
    r"|\bbarcode|shipment|parcel|timestamp|case (?:no|number)|\b(?:tweet|post|user|object|message|video|status)["
    r" _-]?id\b"
    r"|\bid\b|status/|bestell|rechnung|sendung|commande|pedido|订单|注文",
    re.IGNORECASE,
)
_OPERATOR: Final = re.compile(r"[=*/+^×÷<>~-]\s?\Z|[0-9][.,]\Z")
_OPERATOR_BEHIND: Final = re.compile(r"\s?[=*/+^×÷<>%]|[.,][0-9]|\s?[-]\s?[0-9]|[ ][0-9]")


def card_spots(text: str) -> Iterator[Spot]:
    """The payment card numbers of `text`, in order: of a known network by prefix and length, with a right check digit,
    and published by nobody for tests.

    Not where a word near by says that it is the number of something else, and not a run of digits in a sum, or of 13
    or 14 digits, unless a word says that it is a card.
    """
    for match in _NUMBER.finditer(text):
        start, end = match.span()
        if start and (re.match(r"[A-Za-z_.,$€£#]", text[start - 1])):
            continue
        if end < len(text) and (re.match(r"[A-Za-z_]", text[end])):
            continue
        digits = re.sub(r"[ -]", "", match.group())
        network = _network(digits)
        if network is None:
            continue
        grouped = len(digits) < end - start
        said = near(text, start, end, _CARD_WORDS)
        if not said and (
            near(text, start, end, _OTHER_WORDS, after=0)
            or (not grouped and len(digits) < 15)
            or re.search(r"[0-9][ -]\Z", text[max(0, start - 2) : start])
            or _OPERATOR.search(text, max(0, start - 2), start)
            or _OPERATOR_BEHIND.match(text, end)
        ):
            continue
        yield Spot(start, end, Kind.CARD, network, digits)


def _network(digits: str) -> str | None:
    """Whose card has this number; None if none can have it."""
    if digits in TEST_NUMBERS or len(set(digits)) < 4 or not luhn(digits):
        return None
    return next((name for name, pattern in _NETWORKS if pattern.match(digits)), None)


def luhn(digits: str) -> bool:
    """Whether the check digit is right (ISO/IEC 7812-1, annex B)."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0
