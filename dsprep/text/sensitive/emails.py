"""E-mail addresses."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from dsprep.text.sensitive.spots import Kind, Spot, words

#: The byte test for texts that may hold an address.
AT_BYTES: Final = re.compile(rb"@[0-9A-Za-z\xc3-\xc9][^\s@]{0,252}?\.[A-Za-z]")

#: Latin letters with signs are part of names; letters of other scripts are the sentence around it.
_LOCAL: Final = re.compile(r"[A-Za-z0-9\u00c0-\u024f._%+'-]{1,64}\Z")
_DOMAIN: Final = re.compile(r"[A-Za-z0-9\u00c0-\u024f.-]{1,253}")
_LABEL: Final = re.compile(r"[A-Za-z0-9\u00c0-\u024f](?:[A-Za-z0-9\u00c0-\u024f-]{0,61}[A-Za-z0-9\u00c0-\u024f])?\Z")

#: Country codes (ISO 3166-1, with uk, eu, su).
_COUNTRIES: Final = words(
    "ac ad ae af ag ai al am ao aq ar as at au aw ax az ba bb bd be bf bg bh bi bj bm bn bo br bs bt bw by bz ca cc cd "
    "cf cg ch ci ck cl cm cn co cr cu cv cw cx cy cz de dj dk dm do dz ec ee eg er es et eu fi fj fk fm fo fr ga gd ge "
    "gf gg gh gi gl gm gn gp gq gr gs gt gu gw gy hk hm hn hr ht hu id ie il im in io iq ir is it je jm jo jp ke kg kh "
    "ki km kn kp kr kw ky kz la lb lc li lk lr ls lt lu lv ly ma mc md me mg mh mk ml mm mn mo mp mq mr ms mt mu mv mw "
    "mx my mz na nc ne nf ng ni nl no np nr nu nz om pa pe pf pg ph pk pl pm pn pr ps pt pw py qa re ro rs ru rw sa sb "
    "sc sd se sg sh si sk sl sm sn so sr ss st su sv sx sy sz tc td tf tg th tj tk tl tm tn to tr tt tv tw tz ua ug uk "
    "us uy uz va vc ve vg vi vn vu wf ws ye yt za zm zw"
)
#: Generic domains under which people have addresses. The root zone has a thousand more; under them hardly anybody has.
_GENERIC: Final = words(
    "com org net edu gov mil int info biz name pro aero coop museum jobs mobi travel tel cat asia post app dev page "
    "xyz "
    "online site website tech store shop cloud club live life world email mail digital agency blog news media space "
    "fun "
    "top vip work works team group company solutions services systems network software consulting design studio health "
    "care clinic hospital dental doctor legal law lawyer attorney tax finance financial bank capital fund money "
    "insurance "
    "realty estate homes house properties community foundation charity church school college university academy "
    "education "
    "training institute science engineering energy eco green farm garden food restaurant cafe bar pub beer wine coffee "
    "pizza hotel travel tours holiday flights auto cars bike taxi express delivery art gallery photo photography "
    "photos "
    "film video music band theater events party wedding dance fit fitness yoga run football golf ski games game play "
    "guru "
    "expert coach mentor ceo ink wiki social chat link click today zone city town berlin hamburg koeln cologne wien "
    "paris "
    "london nyc tokyo amsterdam brussels bayern ruhr swiss scot wales irish eus gal bzh quebec africa kiwi moe gmbh "
    "ltd "
    "llc inc limited ventures partners holdings international global center centre directory guide support help tools "
    "codes computer data ai bot cyou icu wang ren rocks ninja pink blue red black gold love cool best one plus"
)

#: RFC 2606 and RFC 6761: nobody has these.
_RESERVED: Final = frozenset({"example", "test", "invalid", "localhost", "local"})
#: Names that stand for a domain in examples of others than the IETF.
_PLACEHOLDERS: Final = words(
    "example examples domain yourdomain mydomain somedomain anydomain company yourcompany mycompany companyname "
    "companydomain email youremail test testing foo bar baz foobar abc abcd xyz xxx website yourwebsite mywebsite "
    "mysite yoursite site sample samplecompany somewhere somecompany hostname yourhost acme provider organization "
    "yourorganization yourbusiness business placeholder emailprovider mailprovider fake fakemail "
    "beispiel musterfirma mustermann ejemplo exemple exemplo esempio"
)
_PLACEHOLDER_LOCAL: Final = re.compile(
    r"(?:your|my|some|any|the)?[._-]?(?:e-?mail(?:[._-]?(?:address|id))?|user[._-]?name|name|address)"
    r"|you|your[._-]?\w{0,20}"
    r"|user\d?|username\d?|example\d?|(?:john|jane|joe)[._-]?(?:doe|smith)\d{0,4}|first(?:name)?[._-]?last(?:name)?"
    r"|x{2,}|a{3,}|foo|bar"
    r"|test(?:er|ing|user|email|mail|account)?\d{0,4}|abc\d{0,4}|someone|somebody|(?:max|erika)[._-]?mustermann",
    re.IGNORECASE,
)
#: Nobody reads these.
_MACHINE: Final = re.compile(
    r"(?:no|do-?not|dont|not)[._-]?reply\S{0,20}|mailer-daemon|bounces?|git|hg|svn|(?:un)?subscribe", re.IGNORECASE
)
#: RFC 2142, and what offices use besides.
_ROLES: Final = words(
    "abuse accounts admin administration administrator billing booking bookings careers complaints compliance contact "
    "contactus customercare customerservice customersupport dpo editor editorial enquiries enquiry events feedback "
    "finance general hello help helpdesk hostmaster hr info information inquiries inquiry investors it jobs kontakt "
    "legal mail marketing media membership news newsletter office orders postmaster pr press presse privacy public "
    "publicity recruiting recruitment redaktion reception registrar reservations root sales security service services "
    "shop staff subscriptions support team tech webmaster welcome datenschutz contacto contato contatti ventas soporte "
    "atendimento"
)
_LOGIN: Final = re.compile(r"(?:\b(?:ssh|scp|sftp|rsync|mosh|ssh-copy-id)\b[^\n@]{0,60}|://|[$#]\s?)\Z")
_PATH: Final = re.compile(r":\s?[~/]|:[\w.-]{1,64}/|[#$]\s|/")


def email_spots(text: str) -> Iterator[Spot]:
    """The e-mail addresses of `text`, in order.

    Not those that nobody has: documentation domains, placeholders such as `you@yourdomain.com`, and senders that take
    no answers; nor logins (`git@github.com:`, `ssh deploy@host`) and code (`x@w.to(y)`). Those of an office (`info@`,
    `acme@acme.org`) are weak.
    """
    at = text.find("@")
    while at >= 0:
        spot = _address(text, at)
        if spot is not None:
            yield spot
        at = text.find("@", at + 1 if spot is None else spot.end)


def _address(text: str, at: int) -> Spot | None:
    behind = _DOMAIN.match(text, at + 1)
    before = _LOCAL.search(text, max(0, at - 64), at) if behind is not None else None
    if before is None or behind is None:
        return None
    start = before.start()
    while start < at and text[start] in ".%'-+":
        start += 1
    local = text[start:at]
    if not local or local[-1] in ".'" or ".." in local:
        return None
    domain = _domain(behind.group())
    if domain is None:
        return None
    end = at + 1 + len(domain)
    if text[end : end + 1] in ("@", "(", "_") or (start and text[start - 1] in "@\\"):
        return None
    labels = domain.lower().split(".")
    lowered = local.lower()
    if (
        labels[-1] in _RESERVED
        or not _PLACEHOLDERS.isdisjoint(label.rstrip("0123456789") for label in labels[:-1])
        or _MACHINE.fullmatch(local)
        or _PLACEHOLDER_LOCAL.fullmatch(local)
        or _LOGIN.search(text, max(0, start - 80), start)
        or (_PATH.match(text, end) and not text.startswith("mailto:", max(0, start - 7)))
    ):
        return None
    return Spot(
        start, end, Kind.EMAIL, "e-mail address", f"{lowered}@{domain.lower()}", lowered in _ROLES or lowered in labels
    )


def _domain(text: str) -> str | None:
    """The longest beginning of `text` that is the name of a host below a domain that there is."""
    labels = text.split(".")
    while len(labels) > 1:
        last = labels[-1].lower()
        if (last in _COUNTRIES or last in _GENERIC or last in _RESERVED or last.startswith("xn--")) and all(
            _LABEL.match(label) for label in labels
        ):
            return ".".join(labels)
        labels.pop()
    return None
