"""Keys, tokens and passwords."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any, Final

from dsprep.text.sensitive.spots import Kind, Spot

#: Every key that is looked for has a run of at least so many letters, digits, hyphens and underscores.
RUN: Final = 20

#: Formats that say whose key it is: the documentation of the providers, as far as they publish it, and what secret
#: scanners (GitHub's, gitleaks, trufflehog, detect-secrets) take them for.
_KEYS: Final = tuple(
    (name, anchor, rf"(?<![A-Za-z0-9_-]){pattern}(?![A-Za-z0-9_-])")
    for name, anchor, pattern in (
        ("AWS access key", "A", r"(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}"),
        ("GitHub token", "gh", r"gh[pousr]_[A-Za-z0-9]{36,251}"),
        ("GitHub token", "github_pat_", r"github_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59}"),
        ("GitLab token", "gl", r"gl(?:pat|[df]t|rt|cbt|ptt|imt|agent|soat|oas)-[\w-]{20,128}(?:\.\w{2}\.\w{7,9})?"),
        ("Anthropic key", "sk-ant-", r"sk-ant-(?:[a-z]{2,8}[0-9]{2}-)?[A-Za-z0-9_-]{32,160}"),
        ("OpenRouter key", "sk-or-", r"sk-or-v[0-9]-[0-9a-f]{64}"),
        ("OpenAI key", "sk-", r"sk-(?:proj|svcacct|admin|None)-[A-Za-z0-9_-]{40,200}"),
        ("OpenAI key", "sk-", r"sk-[A-Za-z0-9]{32,64}"),
        ("Google API key", "AIza", r"AIza[0-9A-Za-z_-]{35}"),
        ("Google OAuth secret", "GOCSPX-", r"GOCSPX-[0-9A-Za-z_-]{28}"),
        ("Google OAuth token", "ya29.", r"ya29\.[0-9A-Za-z_-]{30,1000}"),
        ("Slack token", "xox", r"xox[abeoprs]-(?:[0-9]{8,14}-){1,3}[A-Za-z0-9-]{16,64}"),
        ("Slack token", "xapp-", r"xapp-[0-9]-[A-Z0-9]{8,14}-[0-9]{10,14}-[0-9a-f]{64}"),
        ("Stripe key", "_", r"(?:sk|rk)_(?:live|test)_[0-9A-Za-z]{24,250}"),
        ("Stripe webhook secret", "whsec_", r"whsec_[0-9A-Za-z+/=]{32,64}"),
        ("Twilio key", "SK", r"SK[0-9a-f]{32}"),
        ("SendGrid key", "SG.", r"SG\.[0-9A-Za-z_-]{22}\.[0-9A-Za-z_-]{43}"),
        ("Mailgun key", "key-", r"key-[0-9a-f]{32}"),
        ("npm token", "npm_", r"npm_[0-9A-Za-z]{36}"),
        ("PyPI token", "pypi-", r"pypi-AgE[0-9A-Za-z_-]{50,1000}"),
        ("RubyGems key", "rubygems_", r"rubygems_[0-9a-f]{48}"),
        ("Hugging Face token", "hf_", r"(?:hf|api_org)_[A-Za-z0-9]{34,40}"),
        ("Replicate token", "r8_", r"r8_[0-9A-Za-z]{37,40}"),
        ("Groq key", "gsk_", r"gsk_[0-9A-Za-z]{48,56}"),
        ("xAI key", "xai-", r"xai-[0-9A-Za-z]{70,90}"),
        ("Perplexity key", "pplx-", r"pplx-[0-9A-Za-z]{32,64}"),
        ("DigitalOcean token", "do", r"do[oprt]_v1_[0-9a-f]{64}"),
        ("Databricks token", "dapi", r"dapi[0-9a-f]{32}(?:-[0-9])?"),
        ("Shopify token", "shp", r"shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}"),
        ("Square token", "sq0", r"sq0(?:atp|csp|idp)-[0-9A-Za-z_-]{22,43}"),
        ("Linear key", "lin_api_", r"lin_(?:api|oauth)_[0-9A-Za-z]{40,64}"),
        ("Notion token", "ntn_", r"ntn_[0-9A-Za-z]{40,50}"),
        ("Postman key", "PMAK-", r"PMAK-[0-9a-f]{24}-[0-9a-f]{34}"),
        ("New Relic key", "NRAK-", r"NRAK-[0-9A-Z]{27}"),
        ("Grafana token", "gl", r"gl(?:sa|c)_[0-9A-Za-z_+/=]{32,400}"),
        ("Vault token", "hv", r"hv[sbr]\.[0-9A-Za-z_-]{24,300}"),
        ("Docker Hub token", "dckr_", r"dckr_(?:pat|oat)_[0-9A-Za-z_-]{27,36}"),
        ("Doppler token", "dp.", r"dp\.(?:pt|st|ct|sa|scim|audit)\.(?:[a-z0-9_-]{2,35}\.)?[0-9A-Za-z]{40,44}"),
        ("Supabase key", "sbp_", r"sbp_[0-9a-f]{40}"),
        ("Fly.io token", "fo1_", r"fo1_[0-9A-Za-z_-]{43}"),
        ("Telegram bot token", ":AA", r"[0-9]{8,10}:AA[0-9A-Za-z_-]{32,33}"),
        ("age key", "AGE-SECRET-KEY-", r"AGE-SECRET-KEY-1[QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L]{58}"),
    )
)  # fmt: skip
_WEBHOOK: Final = re.compile(
    r"https://(?:hooks\.slack\.com/services/(T[A-Z0-9]{6,14}/B[A-Z0-9]{6,14}/[A-Za-z0-9]{20,32})"
    r"|(?:\w{1,10}\.)?discord(?:app)?\.com/api/webhooks/([0-9]{17,20}/[A-Za-z0-9_-]{60,72}))"
)
_JWT: Final = re.compile(
    r"(?<![A-Za-z0-9_.-])eyJ[A-Za-z0-9_-]{8,1000}\.[A-Za-z0-9_-]{2,8000}(?:\.[A-Za-z0-9_-]{16,2000})?(?![A-Za-z0-9_-])"
)
_AZURE: Final = re.compile(
    r"(?i:AccountKey|SharedAccessKey|account_?key)[\"']?\s{0,2}[=:]\s{0,2}[\"']?([A-Za-z0-9+/]{86}==)"
)

#: What may be a secret, wherever it stands, and what stands before it if somebody says that it is one: a name that ends
#: in an assignment, or the words of a header.
_VALUE: Final = re.compile(r"[A-Za-z0-9_+/.~!@#$%^&*-]{16,500}={0,2}")
_ASSIGNED: Final = re.compile(
    r"(?i:api[_-]?key|secret|token|passw(?:or)?d|pwd|passphrase|credential"
    r"|(?:auth|access|private|encryption|signing|account|consumer|master)[_-]?key)[A-Za-z0-9_.-]{0,30}"
    r"[\"'`\]]{0,2}\s{0,3}(?::=|=>|[=:])\s{0,3}(?P<quote>[\"'`]?)\Z"
)
_HEADER: Final = re.compile(r"(?i:\bBearer|\bAuthorization: (?:Token|Basic)|\bX-Api-Key:)\s{1,3}\Z")
#: How far before a value its name is looked for.
_NAME_SPAN: Final = 110
#: The name may say that a value is public all the same, or that it counts tokens.
_NO_SECRET_NAME: Final = re.compile(
    r"(?i:public|publishable|max_?tokens|tokeni[sz]er|_id\b|_name\b|_path\b|_file\b|_url\b|_uri\b|_type\b|csrf"
    r"|example|sample|dummy|fake|next_?page|page_?token|sync_?token|continuation)"
)

_PLACEHOLDER: Final = re.compile(
    r"(?i:x{4,}|\*{3,}|\.{3}|…|y{6,}|z{6,}|0{8,}|1{8,}|a{8,}|your[_-]|your(?:own|api|key|token|secret|access"
    r"|private)|my[_-]?(?:api|secret|key|token|super)|example|sample|dummy|fake|placeholder"
    r"|changeme|change[_-]?me|replace|insert|redacted|secret[_-]?(?:key|token|here)|api[_-]?key|_here|goes[_-]?here"
    r"|foobar|deadbeef|abcdef(?:gh|0|1)|1234567|0123456|987654|qwerty|lorem|test[_-]?(?:key|token|secret)"
    r"|token[_-]?here|supersecret|super[_-]secret"
    r"|<[\w -]+>|\{[\w.]*\}|\$\{?\w+|%\w+%)"
)
_UUID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
_WORDY: Final = re.compile(r"[A-Z]?[a-z]+(?:[-_.][A-Za-z]?[a-z]+)*[0-9]{0,4}\Z|[A-Z]+(?:[-_.][A-Z]+)*[0-9]{0,4}\Z")
_CAMEL: Final = re.compile(r"(?:[A-Z]?[a-z]{3,}[0-9]{0,2}[_.-]?){2,}\Z")
_WORDS: Final = re.compile(r"[A-Z]?[a-z]{4,}|[A-Z]{5,}")
#: A string of which more than this looks like words is a name.
_WORDS_SHARE: Final = 0.5
#: From how many bits a character a string counts as drawn by lot: the limits of detect-secrets are 4.5 for base64 and
#: 3.0 for hexadecimal digits, made for long strings; a drawn string of 24 characters of 64 has 4.1 on average.
_BITS: Final = 3.7
_HEX_BITS: Final = 3.0
#: Of a key with a known prefix, what follows has this much at least.
_KEY_BITS: Final = 2.8

#: Of these every text with a private key holds one.
PRIVATE_KEY_MARKS: Final = [b"PRIVATE KEY", b"PuTTY-User-Key-File"]
#: Line ends as they are, or as a program spells them, with marks of quotation and indentation around them.
_LINE_END: Final = r"(?:\\[rn]|[\s>\"'+,;#|]){1,24}"
_PEM: Final = re.compile(
    r"-----BEGIN (?P<type>[A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?)-----"
    rf"(?P<body>(?:{_LINE_END}(?:[A-Za-z-]{{3,20}}: [A-Za-z0-9+/=,. ()-]{{1,100}}|[A-Za-z0-9+/=]{{16,4000}})){{1,400}})"
    rf"(?:(?:{_LINE_END}[A-Za-z0-9+/=]{{1,16}})?(?:{_LINE_END}=[A-Za-z0-9+/]{{4}})?{_LINE_END}-----END (?P=type)-----)?"
)
_BODY: Final = re.compile(r"[A-Za-z0-9+/]{40,}")
_PUTTY: Final = re.compile(
    r"PuTTY-User-Key-File-[23]:[^\n]{1,80}\n(?:[^\n]{0,120}\n){1,120}?Private-MAC: ?[0-9a-f]{40,64}"
)

URL_BYTES: Final = re.compile(rb"://[^\s/@\"'<>`]{0,256}:[^\s/@\"'<>`]{0,256}@")
_URL: Final = re.compile(
    r"(?<![A-Za-z0-9+.-])([A-Za-z][A-Za-z0-9+.-]{1,20}://)([^\s/@:\"'<>`|\\]{0,128}):([^\s/@\"'<>`|\\]{1,256})@"
    r"([^\s/@:\"'<>`|\\?#,;)\]}]{1,253})"
)
_URL_PLACEHOLDER: Final = re.compile(
    r"(?i:pass(?:word|wd|w|phrase)?\d{0,3}|my_?pass(?:word)?|your\w*|pwd|pw|secret|token|x{2,}|\*+|\.{2,}|…"
    r"|test\w{0,4}|example|changeme|user(?:name)?"
    r"|root|admin|guest|postgres|mysql|mongo|rabbitmq|redis|minioadmin|hunter2|api_?key|key|credentials?|contraseña"
    r"|passwort|foo|bar|baz|abc\d{0,3}|1234\d{0,6}|\[?redacted\]?|mot_?de_?passe|senha|12345|s3cr3t|p4ssw0rd"
    r"|p@ssw0rd|port|name|db|db_?pass\w*|some_?pass\w*|\w*[_-]password|password[_-]?\w*|the_?pass\w*)"
)
_TEMPLATE: Final = re.compile(r"[{}<>$\[\]()]|%(?:[sd]\b|\w+%)|\*{2,}|#\{|…|\.\.\.|^[A-Z][A-Z_]+$")
_LOCAL_HOST: Final = re.compile(
    r"(?i:localhost|127\.\d+\.\d+\.\d+|0\.0\.0\.0|\[::1\]|host(?:name)?(?:\.\w+)?|.*\.local(?:host|domain)?|.*\.test"
    r"|.*\.example|.*\.invalid|(?:.*\.)?example\.(?:com|org|net|edu)"
    r"|server|proxy|db|database|postgres|mysql|mongo|mongodb|redis|rabbitmq|(?:my|your)[\w.-]*|proxyserver"
    r"|domain\.\w+|site\.\w+|website\.\w+|url|address|ip|cluster\d?\.mongodb\.net|proxy\.(?:com|server|host)"
    r"(?:\.\w+)?|host\.docker\.internal)"
)


def private_key_spots(text: str) -> Iterator[Spot]:
    """The private keys of `text`: PEM blocks with a body that looks drawn by lot, cut off or not, and PuTTY's files."""
    if "PRIVATE KEY" in text:
        place = 0
        while (begin := text.find("-----BEGIN ", place)) >= 0:
            match = _PEM.match(text, begin)
            place = begin + 11
            if match is None:
                continue
            if any(_drawn(line, _BITS) for line in _BODY.findall(match["body"])):
                yield Spot(*match.span(), Kind.PRIVATE_KEY, match["type"].lower(), "")
                place = match.end()
    if "PuTTY-User-Key-File" in text:
        for match in _PUTTY.finditer(text):
            yield Spot(*match.span(), Kind.PRIVATE_KEY, "PuTTY private key", "")


def url_credential_spots(text: str) -> Iterator[Spot]:
    """The user and password in the URLs of `text`, with the `@` behind them.

    Not names that stand for them (`username:password@`, `$USER:$PASS@`, `{user}:{password}@`), and not on hosts that
    everybody has (`localhost`) or nobody (`example.com`).
    """
    if "://" not in text:
        return
    for match in _URL.finditer(text):
        scheme, user, password, host = match.groups()
        if (
            _TEMPLATE.search(password)
            or _TEMPLATE.search(user)
            or _URL_PLACEHOLDER.fullmatch(password)
            or _LOCAL_HOST.fullmatch(host)
            or password.lower() == user.lower()
            or (password.isdigit() and len(password) <= 5 and "." in user)
        ):
            continue
        start, end = match.start(2), match.end(3) + 1
        yield Spot(start, end, Kind.URL_CREDENTIALS, f"password for {scheme}", "")


def api_key_spots(text: str) -> Iterator[Spot]:
    """The keys and tokens of `text`: by the format of a provider, by a signature (JSON Web Tokens), or as a string that
    looks drawn by lot and is assigned to a name such as `api_key`. Placeholders are none."""
    for name, anchor, pattern in _KEYS:
        if anchor in text:
            for match in _key(pattern).finditer(text):
                if _is_key(match.group()):
                    yield Spot(*match.span(), Kind.API_KEY, name, "")
    if "eyJ" in text:
        for match in _JWT.finditer(text):
            if _is_jwt(match.group()):
                yield Spot(*match.span(), Kind.API_KEY, "JSON Web Token", "")
    if "https://" in text:
        for match in _WEBHOOK.finditer(text):
            group = 1 if match[1] else 2
            if not _PLACEHOLDER.search(match[group]):
                yield Spot(*match.span(group), Kind.API_KEY, "webhook", "")
    if "==" in text:
        for match in _AZURE.finditer(text):
            if _drawn(match[1], _BITS):
                yield Spot(*match.span(1), Kind.API_KEY, "Azure key", "")
    yield from _assigned(text)


@cache
def _key(pattern: str) -> re.Pattern[str]:
    """Compiled when it is first needed, as most runs need none of them."""
    return re.compile(pattern)


def _assigned(text: str) -> Iterator[Spot]:
    for match in _VALUE.finditer(text):
        start = match.start()
        value = match.group().rstrip(".!*,")
        if not any(char.isdigit() for char in value):
            continue
        before = text[max(0, start - _NAME_SPAN) : start]
        if _HEADER.search(before):
            name = "bearer token"
        elif (said := _ASSIGNED.search(before)) is not None:
            name = "secret"
            quote = said["quote"]
            behind = text[start + len(value) : start + len(value) + 1]
            if behind != quote if quote else behind in ("(", "[") or len(value) < RUN:
                continue
            if _NO_SECRET_NAME.search(before, before.rfind("\n", 0, said.start()) + 1):
                continue
        else:
            continue
        if _looks_drawn(value):
            yield Spot(start, start + len(value), Kind.API_KEY, name, "")


def _is_key(key: str) -> bool:
    """Whether a string of a key's format is one, and no placeholder."""
    tail = re.split(r"[-_.]", key.rstrip("-_"))[-1] if key[:2] != "AI" else key[4:]
    tail = tail if len(tail) >= 16 else key[4:]
    if _PLACEHOLDER.search(key.removeprefix("sk_test").removeprefix("rk_test")):
        return False
    return _bits(tail) >= _KEY_BITS and not (tail.isalpha() and tail.islower())


def _is_jwt(token: str) -> bool:
    from detect_secrets.plugins.jwt import JwtTokenDetector

    # Checks that header and payload are base64 of JSON.
    return bool(JwtTokenDetector.is_formally_valid(token)) and "alg" in _header(token)


def _header(token: str) -> dict[str, Any]:
    import base64
    import json

    part = token.partition(".")[0]
    try:
        value = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _looks_drawn(value: str) -> bool:
    """Whether an assigned value is a secret: letters and digits without a pattern, no words, no placeholder, nothing
    that is looked up elsewhere."""
    if _PLACEHOLDER.search(value) or _WORDY.match(value) or _CAMEL.match(value) or _UUID.search(value):
        return False
    if not any(char.isdigit() for char in value) or not any(char.isalpha() for char in value):
        return False
    if value.count(".") > 2 or value.startswith(("./", "../", "http", "@", "#")) or value[0] in "$%":
        return False
    if sum(map(len, _WORDS.findall(value))) > _WORDS_SHARE * len(value):
        return False
    return _drawn(value, _BITS) and not _sequential(value)


def _drawn(value: str, bits: float) -> bool:
    if re.fullmatch(r"[0-9a-f]+|[0-9A-F]+", value):
        return len(value) >= 32 and _bits(value) >= _HEX_BITS
    return _bits(value) >= bits and any(char.isdigit() for char in value)


def _sequential(value: str) -> bool:
    from detect_secrets.filters.heuristic import is_sequential_string

    return bool(is_sequential_string(value))


@cache
def _entropy() -> Any:
    from detect_secrets.plugins.high_entropy_strings import Base64HighEntropyString

    return Base64HighEntropyString().calculate_shannon_entropy


def _bits(value: str) -> float:
    """Shannon's entropy of the characters of `value`, in bits a character."""
    return float(_entropy()(value))
