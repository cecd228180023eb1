"""Telephone numbers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from dsprep.text.sensitive.spots import Kind, Spot, near

if TYPE_CHECKING:
    from phonenumbers import PhoneNumber

#: Shapes (see `spots.SHAPES`) of which every number that is looked for by default holds one.
SHAPES_OF: Final = [b"000-0000", b"+0", b"+(0"]
#: Shapes of numbers as people of one country write them to each other.
NATIONAL_SHAPES: Final = [b"000000", b"00-00", b"000-00", b"00-000", b"000-000"]

_WORDS: Final = re.compile(
    r"phone|\btel\b|\btel[.:]|telef|\bcall|\bfax|mobil|\bcell|handy|whatsapp|\bsms\b|\bdial|\bcontact|\btext me|hotline"
    r"|\bring\b|móvil|teléf|celular|тел|电话|電話|手机|전화|هاتف|تلفن|โทร|फ़ोन|फोन|☎|📞|📱",
    re.IGNORECASE,
)
_INTERNATIONAL: Final = re.compile(r"\+\(?[0-9](?:[ ().\-/\u00a0\u2011\u2010\u202f]{0,3}[0-9]){6,14}")
_BRACKETED: Final = re.compile(r"\([0-9]{3}\)[ -]?[0-9]{3}[-. ][0-9]{4}")
_DASHED: Final = re.compile(r"(?:1([-. ]))?[0-9]{3}([-. ])[0-9]{3}\2[0-9]{4}")
_NOT_BEHIND: Final = re.compile(r"(?:[A-Za-z0-9_+#$€£@=*/^<>%-]|[0-9][.,: ])\Z")

#: Numbers set aside for films and documents: NANPA (555-0100 to 555-0199; 555-1212 is for inquiries, and 555-1234 and
#: 555-5555 are everybody's example), Ofcom, ACMA, Arcep. Country code and digits.
_FICTIONAL: Final = re.compile(
    r"1[0-9]{3}555(?:01[0-9]{2}|1212|1234|5555)|44(?:1632960|7700900|2079460|11[3-8]4960|1[2-6]14960|1914980|28960180)[0-9]{3}"
    r"|61(?:491570[0-9]{3}|[2378]5550[0-9]{4}|[2378]7010[0-9]{4})|33(?:19900|26191|35301|46571|53649|63998)[0-9]{4}"
)
_RISING: Final = re.compile(r"0?123456|234567|345678|987654|(\d)\1{5}|(\d\d)\2{3}|(\d{3})\3{2}")


def phone_spots(text: str, regions: Sequence[str] = ()) -> Iterator[Spot]:
    """The telephone numbers of `text` that phonenumbers holds for valid, in order of kind and place.

    International ones with a plus sign, North American ones with their usual hyphens, points or brackets, and those
    of `regions` (ISO 3166 codes) as they are written there. With spaces alone, a North American number needs a word
    such as `phone` near it. Fictional numbers, and those that only count up, are none.
    """
    for match in _INTERNATIONAL.finditer(text):
        spot = _international(text, *match.span())
        if spot is not None:
            yield spot
    for pattern in (_BRACKETED, _DASHED):
        for match in pattern.finditer(text):
            spot = _american(text, match)
            if spot is not None:
                yield spot
    for region in regions:
        yield from _national(text, region)


def _international(text: str, start: int, end: int) -> Spot | None:
    if (
        start
        and (_is_word(text[start - 1]) or text[start - 1] in "+-*/=^_.)]<>")
        and not text.startswith("tel:", start - 4)
    ):
        # Sums and exponents; behind an equals sign there may be a parameter of a URL, or the result of a sum.
        return None
    while end - start >= 8:
        behind = text[end : end + 1]
        number = None if behind and (_is_word(behind) or behind in "*/^%=") else _parsed(text[start:end], None)
        if number is not None:
            return _spot(number, start, end)
        # What comes behind a number may be another one.
        cut = max(text.rfind(mark, start, end) for mark in " -/.(")
        end = cut if cut > start else start
        while end > start and not text[end - 1].isdigit():
            end -= 1
    return None


def _american(text: str, match: re.Match[str]) -> Spot | None:
    start, end = match.span()
    if start and (_NOT_BEHIND.search(text, max(0, start - 2), start) and not _country_code(text, start)):
        return None
    if end < len(text) and (_is_word(text[end]) or re.match(r"[-*/^%=@+]|[.,:]?[0-9]| [0-9]", text[end : end + 2])):
        return None
    spaces = match.group().count(" ") - (match.group()[0] == "(")
    if spaces > 0 and not near(text, start, end, _WORDS):
        return None
    number = _parsed(match.group(), "US")
    return None if number is None else _spot(number, start, end)


def _is_word(char: str) -> bool:
    """Whether a number cannot end before `char`: Chinese and Japanese have no space there."""
    return char == "_" or (char.isascii() and char.isalnum())


def _country_code(text: str, start: int) -> bool:
    """Whether what stands before is `1-` or `1 `, as in `1 (415) …`."""
    return bool(re.search(r"(?:^|[\s:(])\+?1[-. ]\Z", text[max(0, start - 4) : start]))


def _national(text: str, region: str) -> Iterator[Spot]:
    import phonenumbers

    # `max_tries` bounds the work on a text of nothing but digits.
    for found in phonenumbers.PhoneNumberMatcher(text, region, phonenumbers.Leniency.VALID, max_tries=2_000):
        raw, number = found.raw_string, found.number
        grouped = any(not char.isdigit() for char in raw.strip("+()"))
        if not (grouped or near(text, found.start, found.end, _WORDS)) or _is_nobodys(number):
            continue
        yield _spot(number, found.start, found.end)


def _parsed(text: str, region: str | None) -> PhoneNumber | None:
    """The number that `text` spells, if there may be such a one."""
    import phonenumbers

    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None
    return number if phonenumbers.is_valid_number(number) and not _is_nobodys(number) else None


def _is_nobodys(number: PhoneNumber) -> bool:
    national = str(number.national_number)
    return bool(_FICTIONAL.fullmatch(f"{number.country_code}{national}") or _RISING.search(national))


def _spot(number: PhoneNumber, start: int, end: int) -> Spot:
    return Spot(start, end, Kind.PHONE, "telephone number", f"+{number.country_code}{number.national_number}")


def known_regions() -> frozenset[str]:
    """The codes that `regions` may have."""
    from phonenumbers import SUPPORTED_REGIONS

    return frozenset(SUPPORTED_REGIONS)
