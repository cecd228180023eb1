"""Numbers by which states and banks know a person: validated by python-stdnum."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from functools import cache
from importlib import import_module
from typing import Final, NamedTuple

from dsprep.text.sensitive.spots import Kind, Spot, near, words

#: Shapes (see `spots.SHAPES`) of which every number that is looked for holds one.
SHAPES_OF: Final = [
    b"AA00", b"000-00-0000", b"000-000-0", b"00-000-00", b"000000-000", b"000000000", b"0000-0000-0", b"000000A",
    b"000000-A", b"AAAAA0000A", b"00A00A000A", b"A-00-00-00-A", b"00-00000000-0",
]  # fmt: skip


class _Form(NamedTuple):
    """A way in which a kind of number is written. `words` must stand near it if a number of that shape may pass the
    test by chance; `module` is the module of stdnum that tests it."""

    name: str
    label: str
    module: str
    pattern: str
    words: str | None = None


def _form(name: str, label: str, module: str, pattern: str, words: str | None = None) -> _Form:
    return _Form(name, label, module, rf"(?<![\w.+#/-])(?:{pattern})(?![\w]|[-/.][0-9])", words)


@cache
def _number(pattern: str) -> re.Pattern[str]:
    """Compiled when it is first needed, as most runs need none of them."""
    return re.compile(pattern, re.ASCII)


@cache
def _said(words: str) -> re.Pattern[str]:
    return re.compile(words, re.IGNORECASE)


_ID: Final = "NATIONAL_ID"
#: By the usual formatting where the number has checks enough to tell it from others, else by a word near it.
_FORMS: Final = (
    # ISO 13616: check digits modulo 97, and the length of each country.
    _form("iban", "IBAN", "iban", r"[A-Z]{2}[0-9]{2}(?:[A-Z0-9]{11,30}|(?: [A-Z0-9]{4}){2,7}(?: [A-Z0-9]{1,4})?)"),
    # No check digit; areas that were never given out are left out by stdnum. The hyphens are the format.
    _form("us-ssn", "SSN", "us.ssn", r"[0-9]{3}-[0-9]{2}-[0-9]{4}"),
    _form("us-ssn", "SSN", "us.ssn", r"[0-9]{3} ?[0-9]{2} ?[0-9]{4}", r"\bssn\b|social security"),
    _form("us-itin", _ID, "us.itin", r"9[0-9]{2}-[0-9]{2}-[0-9]{4}", r"\bitin\b|taxpayer"),
    _form("br-cpf", _ID, "br.cpf", r"[0-9]{3}\.[0-9]{3}\.[0-9]{3}-[0-9]{2}"),
    _form("br-cpf", _ID, "br.cpf", r"[0-9]{11}", r"\bcpf\b"),
    _form("be-nn", _ID, "be.nn", r"[0-9]{2}\.[0-9]{2}\.[0-9]{2}-[0-9]{3}\.[0-9]{2}"),
    _form("fi-hetu", _ID, "fi.hetu", r"[0-9]{6}[-+A-FU-Y][0-9]{3}[0-9A-FHJ-NPR-Y]", r"hetu|henkil|personbeteckning"),
    _form("kr-rrn", _ID, "kr.rrn", r"[0-9]{6}-[1-8][0-9]{6}"),
    _form("cn-ric", _ID, "cn.ric", r"[1-8][0-9]{5}(?:19|20)[0-9]{9}[0-9X]"),
    _form("it-codice-fiscale", _ID, "it.codicefiscale", r"[A-Z]{6}[0-9]{2}[A-EHLMPRST][0-9]{2}[A-Z][0-9]{3}[A-Z]"),
    _form("mx-curp", _ID, "mx.curp", r"[A-Z]{4}[0-9]{6}[HMX][A-Z]{5}[A-Z0-9][0-9]"),
    _form("fr-nir", _ID, "fr.nir", r"[12] ?[0-9]{2} ?[0-9]{2} ?[0-9][0-9AB] ?[0-9]{3} ?[0-9]{3} ?[0-9]{2}"),
    _form("ch-ahv", _ID, "ch.ssn", r"756\.[0-9]{4}\.[0-9]{4}\.[0-9]{2}"),
    _form("cz-rc", _ID, "cz.rc", r"[0-9]{6}/[0-9]{4}", r"rodn|\br\.?č|\brc\b|birth"),
    _form("no-fnr", _ID, "no.fodselsnummer", r"[0-9]{6} ?[0-9]{5}", r"f[øo]dsels|personn|\bfnr\b|national id"),
    _form("se-personnummer", _ID, "se.personnummer", r"(?:19|20)?[0-9]{6}[-+]?[0-9]{4}", r"personn|\bpnr\b"),
    _form("dk-cpr", _ID, "dk.cpr", r"[0-9]{6}-?[0-9]{4}", r"\bcpr\b|personnummer"),
    _form("gb-nino", _ID, "", r"[ABCEGHJ-PRSTW-Z][ABCEGHJ-NPRSTW-Z] ?[0-9]{2} ?[0-9]{2} ?[0-9]{2} ?[A-D]",
          r"\bnino?\b|national insurance|\bN\.I\."),
    _form("gb-nhs", _ID, "gb.nhs", r"[0-9]{3}[ -]?[0-9]{3}[ -]?[0-9]{4}", r"\bnhs\b"),
    _form("ie-pps", _ID, "ie.pps", r"[0-9]{7}[A-W][A-IW]?", r"\bpps"),
    _form("de-steuer-id", _ID, "de.idnr", r"[1-9][0-9](?: ?[0-9]{3}){3}",
          r"steuer-?\s?(?:id|identifikation)|\bid-?nr|\btin\b|tax id"),
    _form("at-svnr", _ID, "at.vnr", r"[1-9][0-9]{3} ?[0-9]{6}", r"sozialversich|\bsvn|\bsv-?nr|versicherungsnummer"),
    _form("nl-bsn", _ID, "nl.bsn", r"[0-9]{9}|[0-9]{4}\.[0-9]{2}\.[0-9]{3}", r"\bbsn\b|burgerservice|sofinummer"),
    _form("es-dni", _ID, "es.dni", r"[0-9]{8}-?[A-Z]", r"\bdni\b|\bnif\b|documento"),
    _form("es-nie", _ID, "es.nie", r"[XYZ]-?[0-9]{7}-?[A-Z]", r"\bnie\b|\bnif\b|extranjero"),
    _form("pt-nif", _ID, "pt.nif", r"[1-3][0-9]{2} ?[0-9]{3} ?[0-9]{3}", r"\bnif\b|contribuinte"),
    _form("pl-pesel", _ID, "pl.pesel", r"[0-9]{11}", r"pesel"),
    _form("ro-cnp", _ID, "ro.cnp", r"[1-9][0-9]{12}", r"\bcnp\b|cod numeric"),
    _form("bg-egn", _ID, "bg.egn", r"[0-9]{10}", r"\begn\b|егн"),
    _form("hr-oib", _ID, "hr.oib", r"[0-9]{11}", r"\boib\b"),
    _form("ee-ik", _ID, "ee.ik", r"[1-6][0-9]{10}", r"isikukood|personal (?:code|id)"),
    _form("lt-asmens", _ID, "lt.asmens", r"[1-6][0-9]{10}", r"asmens kod|personal (?:code|id)"),
    _form("gr-amka", _ID, "gr.amka", r"[0-9]{11}", r"amka|αμκα"),
    _form("tr-tckimlik", _ID, "tr.tckimlik", r"[1-9][0-9]{10}", r"kimlik|\btckn?\b|\bt\.?c\."),
    _form("ua-rntrc", _ID, "ua.rntrc", r"[0-9]{10}", r"рнокпп|\bіпн\b|rntrc"),
    _form("in-aadhaar", _ID, "in_.aadhaar", r"[2-9][0-9]{3}[ -]?[0-9]{4}[ -]?[0-9]{4}", r"aadha?ar|uidai|आधार"),
    _form("in-pan", _ID, "in_.pan", r"[A-Z]{3}P[A-Z][0-9]{4}[A-Z]", r"\bpan\b|permanent account"),
    _form("il-id", _ID, "il.idnr", r"[0-9]{9}", r"teudat|תעודת זהות|ת\.ז|israeli id"),
    _form("za-id", _ID, "za.idnr", r"[0-9]{13}", r"\bid\b|identity|said\b"),
    _form("ca-sin", _ID, "ca.sin", r"[0-9]{3}[- ]?[0-9]{3}[- ]?[0-9]{3}", r"\bsin\b|social insurance"),
    _form("au-tfn", _ID, "au.tfn", r"[0-9]{3} ?[0-9]{3} ?[0-9]{3}", r"\btfn\b|tax file"),
    _form("jp-my-number", _ID, "jp.in_", r"[0-9]{4}[- ]?[0-9]{4}[- ]?[0-9]{4}", r"マイナンバー|個人番号|my number"),
    _form("cl-rut", _ID, "cl.rut", r"[0-9]{1,2}\.[0-9]{3}\.[0-9]{3}-[0-9K]", r"\brut\b|\brun\b|cédula"),
    _form("ar-cuil", _ID, "ar.cuit", r"2[0347]-?[0-9]{8}-?[0-9]", r"\bcui[lt]\b"),
    _form("th-pin", _ID, "th.pin", r"[1-8](?:-?[0-9]{4})-?[0-9]{5}-?[0-9]{2}-?[0-9]", r"บัตรประชาชน|เลขประจำตัว|thai id"),
    _form("my-nric", _ID, "my.nric", r"[0-9]{6}-[0-9]{2}-[0-9]{4}", r"mykad|nric|\bic\b|kad pengenalan"),
    _form("id-nik", _ID, "id.nik", r"[1-9][0-9]{15}", r"\bnik\b|\bktp\b"),
)  # fmt: skip

#: Where a number may be: digits and capital letters, with one mark at most between two of them. Numbers of persons have
#: six digits at least.
_RUN: Final = re.compile(r"[A-Z0-9](?:[ ./+-]?[A-Z0-9]){7,63}")
_FEWEST: Final = 6

#: What the option `kinds` may name.
KINDS: Final = tuple(sorted({form.name for form in _FORMS}))

#: Numbers that are printed in documentation and on specimens.
_SAMPLES: Final = words(
    "123456789 987654321 111111111 078051120 219099999 457555462 DE89370400440532013000 GB29NWBK60161331926819 "
    "GB82WEST12345698765432 GB33BUKB20201555555555 FR1420041010050500013M02606 FR7630006000011234567890189 "
    "DE91100000000123456789 NL91ABNA0417164300 ES9121000418450200051332 IT60X0542811101000000123456 BE68539007547034 "
    "CH9300762011623852957 AT611904300234573201 PL61109010140000071219812874 SE4550000000058398257466 "
    "NO9386011117947 DK5000400440116243 FI2112345600000785 IE29AIBK93115212345678 PT50000201231234567890154 "
    "LU280019400644750000 12345678909 11144477735 RSSMRA85T10A562S RSSMRA80A01H501U 12345678Z X1234567L"
)


def national_id_spots(text: str, kinds: Collection[str] = KINDS) -> Iterator[Spot]:
    """The numbers of `kinds` in `text` whose checks hold, by kind and place. Numbers from documentation are none."""
    for window in _RUN.finditer(text):
        if sum(map(str.isdigit, window.group())) < _FEWEST:
            continue
        first, last = window.span()
        for form in _FORMS:
            if form.name not in kinds:
                continue
            # A few characters more, to see that the number ends.
            for match in _number(form.pattern).finditer(text, first, last + 2):
                start, end = match.span()
                if form.words is not None and not near(text, start, end, _said(form.words), before=60):
                    continue
                if form.name == "iban":
                    end = _end_of_iban(text, start, end)
                canonical = re.sub(r"[\s./-]", "", text[start:end])
                if canonical in _SAMPLES or _counts_up(canonical) or not is_valid(form.module, text[start:end]):
                    continue
                yield Spot(start, end, Kind.NATIONAL_ID, form.name, canonical)


def label_of(name: str) -> str:
    """What is written in place of a number of this kind, without its brackets."""
    return next(form.label for form in _FORMS if form.name == name)


def is_valid(module: str, text: str) -> bool:
    """Whether the checks of `stdnum.<module>` hold for `text`; without a module there are none."""
    return not module or bool(import_module(f"stdnum.{module}").is_valid(text))


def is_some_number(text: str) -> bool:
    """Whether `text` is a number of any kind, as far as its checks go."""
    return any(_number(form.pattern).fullmatch(text) and is_valid(form.module, text) for form in _FORMS)


def _end_of_iban(text: str, start: int, end: int) -> int:
    """Where an IBAN ends: words in capital letters may follow it."""
    shorter = end
    while shorter > start:
        if is_valid("iban", text[start:shorter]):
            return shorter
        shorter = text.rfind(" ", start, shorter)
    return end


def _counts_up(number: str) -> bool:
    return "12345678" in number or "87654321" in number or len(set(number)) < 3
