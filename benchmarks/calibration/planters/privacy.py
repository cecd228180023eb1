"""Personal data, made up: none of it is anybody's but by chance."""

from __future__ import annotations

import ipaddress
import random
import string
from collections.abc import Callable
from importlib import import_module

from calibration.planting import Row, plants


def put(rng: random.Random, row: Row, words: str) -> Row | None:
    """The row with `words` in one of its texts, at the beginning, at the end or between two lines or sentences."""
    texts = [
        message
        for message in row["messages"]
        if message.get("role") != "system" and isinstance(message.get("content"), str) and message["content"]
    ]
    if not texts:
        return None
    message = rng.choice(texts)
    text = message["content"]
    breaks = [0, len(text)]
    breaks += [
        i + 1 for i, char in enumerate(text) if char == "\n" or (char == " " and text[i - 1 : i] in (".", "!", "?"))
    ]
    at = rng.choice(breaks)
    before = "" if at == 0 or text[at - 1].isspace() else rng.choice((" ", "\n", "\n\n"))
    after = "" if at == len(text) else rng.choice((" ", "\n"))
    message["content"] = f"{text[:at]}{before}{words}{after}{text[at:]}"
    return row


_FIRST = (
    "lena",
    "Tomasz",
    "priya",
    "o.brien",
    "Mei-Ling",
    "jose_luis",
    "k",
    "amina",
    "björn",
    "Dmitri",
    "c.dubois",
    "yuki",
)
_LAST = (
    "hartmann",
    "Kowalczyk",
    "raman",
    "castillo",
    "wong88",
    "lindqvist",
    "1975",
    "okafor",
    "morel",
    "sato",
    "x",
    "de.vries",
)
_HOSTS = (
    "gmail.com",
    "gmx.de",
    "yahoo.co.jp",
    "outlook.com",
    "web.de",
    "uni-mainz.de",
    "hotmail.fr",
    "mail.ru",
    "qq.com",
    "163.com",
    "icloud.com",
    "proton.me",
    "btinternet.com",
    "cs.cornell.edu",
    "naver.com",
    "terra.com.br",
    "bbc.co.uk",
    "orange.fr",
    "seznam.cz",
    "kpnmail.nl",
    "nhs.net",
    "state.gov",
    "libero.it",
    "telia.se",
    "startup.io",
    "münchen-post.de",
)


@plants("PII001")
def email(rng: random.Random, row: Row, n: int) -> Row | None:
    joint = rng.choice((".", "_", "", "-", "+"))
    address = f"{rng.choice(_FIRST)}{joint}{rng.choice(_LAST)}@{_HOSTS[n % len(_HOSTS)]}"
    frames = (
        "You can reach me at {}.",
        "{}",
        "Kontakt: {}",
        "<{}>",
        "(e-mail: {})",
        "From: Lena <{}>\nTo: all",
        "mailto:{}",
        "Escríbeme a {}, gracias.",
        "邮箱：{}。",
        "メールは{}まで",
        "Write to {}; I answer on Mondays.",
        '"email": "{}",',
        "email={}&plan=free",
        "| Lena | {} |",
        "Ping {}!",
        "{}, please.",
        "Bitte an {} schicken?",
        "- {}\n- phone below",
        "**{}**",
        "Почта: {}",
        "البريد: {}",
        "user,{},active",
        "cc:{}",
        "'{}'",
        "{}\nsent from my phone",
        "[{}]",
    )
    return put(rng, row, rng.choice(frames).format(address))


def _phone(rng: random.Random, region: str) -> str:
    import phonenumbers

    example = phonenumbers.example_number_for_type(
        region, rng.choice((phonenumbers.PhoneNumberType.MOBILE, phonenumbers.PhoneNumberType.FIXED_LINE))
    ) or phonenumbers.example_number(region)
    assert example is not None
    national = str(example.national_number)
    for _ in range(2_000):
        digits = national[:3] + "".join(rng.choice(string.digits) for _ in national[3:])
        number = phonenumbers.PhoneNumber(example.country_code, int(digits))
        counting = any(run in digits for run in ("123456", "234567", "345678", "987654"))
        if phonenumbers.is_valid_number(number) and not counting and "55501" not in digits and len(set(digits[3:])) > 3:
            break
    form = rng.choice((phonenumbers.PhoneNumberFormat.INTERNATIONAL, phonenumbers.PhoneNumberFormat.E164))
    return phonenumbers.format_number(number, form)


@plants("PII002")
def phone(rng: random.Random, row: Row, n: int) -> Row | None:
    regions = (
        "DE",
        "GB",
        "FR",
        "US",
        "CA",
        "ES",
        "PT",
        "IN",
        "BR",
        "JP",
        "CN",
        "PL",
        "NL",
        "SE",
        "MX",
        "ZA",
        "KR",
        "EG",
        "TR",
        "CH",
    )
    number = _phone(rng, regions[n % len(regions)])
    if n % 3 == 0:
        american = "".join(char for char in _phone(rng, "US")[2:] if char.isdigit())
        a, b, c = american[:3], american[3:6], american[6:]
        number = rng.choice(
            (f"({a}) {b}-{c}", f"{a}-{b}-{c}", f"{a}.{b}.{c}", f"1-{a}-{b}-{c}", f"({a}){b}-{c}", f"+1 ({a}) {b}-{c}")
        )
    elif n % 5 == 1:
        number = number.replace(" ", rng.choice(("-", ".", "\u00a0", " ")))
    frames = (
        "Call me on {}.",
        "{}",
        "Tel.: {}",
        "Handy {} (abends)",
        "My number is {}, ask for Jo.",
        "tel:{}",
        "WhatsApp {}!",
        "(ph. {})",
        "电话：{}",
        "{} or ring the bell",
        "Fax: {}\n",
        "Phone = {};",
        '"phone": "{}"',
        "| Jo | {} |",
        "☎ {}",
        "Mobil: {}, Büro folgt",
        "телефон {}",
        "電話は{}です",
        "Text {}?",
        "contact - {}",
    )
    return put(rng, row, rng.choice(frames).format(number))


def luhn_digit(digits: str) -> str:
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 - place % 2)
        total += value - 9 if value > 9 else value
    return str(-total % 10)


@plants("PII003")
def card(rng: random.Random, row: Row, n: int) -> Row | None:
    prefix, size = (
        ("4", 16),
        ("51", 16),
        ("55", 16),
        ("2345", 16),
        ("37", 15),
        ("34", 15),
        ("6011", 16),
        ("65", 16),
        ("3541", 16),
        ("36", 14),
        ("6221", 16),
    )[n % 11]
    digits = prefix + "".join(rng.choice(string.digits) for _ in range(size - 1 - len(prefix)))
    digits += luhn_digit(digits)
    grouped = [digits[:4], digits[4:10], digits[10:]] if size < 16 else [digits[i : i + 4] for i in range(0, size, 4)]
    frames = (
        "My card number is {}.",
        "Charge {} please, thanks.",
        "Visa {} exp 09/27",
        "card={}&cvv=812",
        "Kreditkarte: {}",
        "pay with {}",
        "{}",
        '"card_number": "{}",',
        "Tarjeta {} a mi nombre",
        "| Jo Hart | {} | 11/28 |",
        "CC: {}",
        "信用卡号：{}",
        "payment card no. {} was declined",
        "I used {} at the shop",
        "Mastercard/Visa no {}, code 331",
    )
    shape = rng.choice((digits, " ".join(grouped), "-".join(grouped)))
    frame = rng.choice(frames)
    said = any(word in frame.lower() for word in ("card", "visa", "karte", "tarjeta", "cc", "信用卡"))
    if size == 14 and shape == digits and not said:
        shape = " ".join(grouped)  # fourteen digits alone may be anything
    return put(rng, row, frame.format(shape))


_IBANS = {
    "DE": "99999999" + "9" * 10,
    "FR": "9999999999AAAAAAAAAAA99",
    "GB": "XXXX" + "9" * 14,
    "NL": "XXXX" + "9" * 10,
    "AT": "9" * 16,
    "CH": "9" * 17,
    "PL": "9" * 24,
    "SE": "9" * 20,
    "IE": "XXXX" + "9" * 14,
    "DK": "9" * 14,
    "LU": "9" * 16,
}


def _filled(rng: random.Random, form: str) -> str:
    kinds = {"9": string.digits, "X": string.ascii_uppercase, "A": string.digits + string.ascii_uppercase}
    return "".join(rng.choice(kinds[char]) if char in kinds else char for char in form)


def iban(rng: random.Random) -> str:
    from stdnum import iban as module

    while True:
        country = rng.choice(sorted(_IBANS))
        body = _filled(rng, _IBANS[country])
        made = f"{country}{module.calc_check_digits(country + '00' + body)}{body}"
        if module.is_valid(made):
            return made if rng.random() < 0.4 else " ".join(made[i : i + 4] for i in range(0, len(made), 4))


def _any_valid(module: str, make: Callable[[random.Random], str]) -> Callable[[random.Random], str]:
    def draw(rng: random.Random) -> str:
        test = import_module(f"stdnum.{module}").is_valid
        while True:
            made = make(rng)
            if test(made) and "12345678" not in made:
                return made

    return draw


def _day(rng: random.Random, *order: str) -> str:
    parts = {"y": f"{rng.randrange(40, 99):02}", "m": f"{rng.randrange(1, 13):02}", "d": f"{rng.randrange(1, 29):02}"}
    return "".join(parts.get(item, item) for item in order)


_NUMBERS: tuple[tuple[tuple[str, ...], Callable[[random.Random], str]], ...] = (
    (("IBAN {}", "{}", "Konto: {}", "Please transfer it to {}.", "virement sur {}"), iban),
    (
        ("SSN {}", "Her social security number is {}.", "{}", "ssn: {}"),
        _any_valid("us.ssn", lambda r: f"{r.randrange(1, 899):03}-{r.randrange(1, 99):02}-{r.randrange(1, 9999):04}"),
    ),
    (("CPF {}", "{}", "meu CPF é {}"), _any_valid("br.cpf", lambda r: _filled(r, "999.999.999-99"))),
    (
        ("rijksregister {}", "{}"),
        _any_valid(
            "be.nn", lambda r: f"{_day(r, 'y', '.', 'm', '.', 'd')}-{r.randrange(1, 998):03}.{r.randrange(1, 97):02}"
        ),
    ),
    (("DNI {}", "mi DNI es {}", "NIF: {}"), _any_valid("es.dni", lambda r: _filled(r, "99999999X"))),
    (
        ("codice fiscale {}", "{}", "C.F. {}"),
        _any_valid(
            "it.codicefiscale",
            lambda r: (
                _filled(r, "XXXXXX99") + r.choice("ABCDEHLMPRST") + f"{r.randrange(1, 28):02}" + _filled(r, "X999X")
            ),
        ),
    ),
    (
        ("CURP: {}", "{}"),
        _any_valid(
            "mx.curp",
            lambda r: (
                r.choice("GLMR")
                + r.choice("AEIO")
                + _filled(r, "XX")
                + _day(r, "y", "m", "d")
                + r.choice("HM")
                + r.choice(("DF", "JC", "NL"))
                + "".join(r.choice("BCDFGLMNPRST") for _ in range(3))
                + _filled(r, "99")
            ),
        ),
    ),
    (
        ("身份证号{}", "{}"),
        _any_valid(
            "cn.ric",
            lambda r: (
                r.choice(("110105", "310112", "440301", "510104"))
                + "19"
                + _day(r, "y", "m", "d")
                + f"{r.randrange(999):03}"
                + r.choice("0123456789X")
            ),
        ),
    ),
    (
        ("주민등록번호 {}", "{}"),
        _any_valid("kr.rrn", lambda r: _day(r, "y", "m", "d") + "-" + r.choice("12") + _filled(r, "999999")),
    ),
    (
        ("numéro de sécu {}", "{}"),
        _any_valid(
            "fr.nir",
            lambda r: (
                f"{r.choice('12')} {r.randrange(40, 99)} {r.randrange(1, 13):02} {r.randrange(10, 95)}"
                f" {r.randrange(1, 990):03} {r.randrange(1, 990):03} {r.randrange(1, 98):02}"
            ),
        ),
    ),
    (
        ("PESEL {}", "Mój numer PESEL to {}"),
        _any_valid("pl.pesel", lambda r: _day(r, "y", "m", "d") + _filled(r, "99999")),
    ),
    (
        ("Steuer-ID {}", "steuerliche Identifikationsnummer: Steuer-ID {}"),
        _any_valid("de.idnr", lambda r: _filled(r, "99999999999")),
    ),
    (("NHS number {}", "NHS no: {}"), _any_valid("gb.nhs", lambda r: _filled(r, "999 999 9999"))),
    (("Aadhaar {}", "my aadhar number is {}"), _any_valid("in_.aadhaar", lambda r: _filled(r, "9999 9999 9999"))),
    (("BSN {}", "burgerservicenummer: {}"), _any_valid("nl.bsn", lambda r: _filled(r, "999999999"))),
    (("personnummer {}",), _any_valid("se.personnummer", lambda r: _day(r, "y", "m", "d") + "-" + _filled(r, "9999"))),
    (
        ("hetu {}", "henkilötunnus on {}"),
        _any_valid(
            "fi.hetu",
            lambda r: (
                _day(r, "d", "m", "y") + "-" + f"{r.randrange(2, 899):03}" + r.choice("0123456789ABCDEFHJKLMNPRSTUVWXY")
            ),
        ),
    ),
    (("my SIN is {}", "Social Insurance Number: {}"), _any_valid("ca.sin", lambda r: _filled(r, "999-999-999"))),
    (("T.C. kimlik no {}", "TCKN: {}"), _any_valid("tr.tckimlik", lambda r: _filled(r, "99999999999"))),
    (("AHV {}", "{}"), _any_valid("ch.ssn", lambda r: _filled(r, "756.9999.9999.99"))),
)


@plants("PII004")
def number(rng: random.Random, row: Row, n: int) -> Row | None:
    frames, make = _NUMBERS[n % len(_NUMBERS)] if n % 2 else _NUMBERS[n // 2 % 3]
    return put(rng, row, rng.choice(frames).format(make(rng)))


@plants("PII005")
def address(rng: random.Random, row: Row, n: int) -> Row | None:
    while True:
        if n % 4 == 3:
            made: ipaddress.IPv4Address | ipaddress.IPv6Address = ipaddress.IPv6Address(
                (rng.choice((0x2A02, 0x2003, 0x2607, 0x2400)) << 112)
                | (rng.getrandbits(32) << 80)
                | rng.getrandbits(rng.choice((16, 64)))
            )
        else:
            made = ipaddress.IPv4Address(rng.getrandbits(32))
        last = str(made).rpartition(".")[2]
        if made.is_global and not made.is_multicast and last not in ("0", "255"):
            break
    frames = (
        "Failed password for root from {} port 52114 ssh2",
        '{} - - [10/Oct/2025:13:55:36 +0000] "GET / HTTP/1.1" 200',
        "My IP is {}.",
        "ping {}",
        "The server at {} does not answer.",
        "IP-Adresse: {}",
        "blocked {} for an hour",
        "X-Forwarded-For: {}",
        "{}",
        "client={}, status=403",
        "Connect to {}, then log in.",
        "host {} is down",
        '"ip": "{}",',
        "traceroute to {} (30 hops max)",
        "从 {} 登录",
    )
    return put(rng, row, rng.choice(frames).format(made))
