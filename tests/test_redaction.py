"""Personal data and secrets: what is shown of them, what is written in their place, and that each place is reported
once."""

from __future__ import annotations

import ipaddress
import json
import random
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from dsprep import api
from dsprep.catalog.registry import rule_class
from dsprep.cli.main import app
from dsprep.config import ConfigError, load_settings
from dsprep.engine.repairing import _touches
from dsprep.model.finding import Severity
from dsprep.model.fix import Replace, Substitute, edit_value
from dsprep.reports import html, jsonl
from dsprep.reports import json as as_json
from dsprep.text.sensitive.redaction import cuts, excerpt, instead_of, masked
from dsprep.text.sensitive.spots import Kind, Spot, apart
from dsprep.text.sensitive.together import FINDERS, all_spots, unclaimed

KEY = "a secret of the tests"
SECRETS = {
    "PII001": "anna.keller@gmx.de",
    "PII002": "+49 30 23125123",
    "PII003": "4539 1488 0343 6467",
    "PII004": "DE02 1203 0000 0000 2020 51",
    "PII005": "85.214.132.117",
    "SEC001": "ghp_a8Kd93jFq02LmZx71VbTnYc56RsWe4UiOp1Q",
    "SEC002": "MHcCAQEEIKZ8vT3xQm2VbnLwKp4RtYz1NdHs6GfJc3XeUoA9iWrBoAoGCCqGSM49",
    "SEC004": "billing:Tr4verse-91@",
}
TEXT = (
    f"Write to {SECRETS['PII001']}, ring {SECRETS['PII002']}, pay by card {SECRETS['PII003']} or from "
    f"{SECRETS['PII004']}; seen at {SECRETS['PII005']}. Token {SECRETS['SEC001']}\n"
    f"-----BEGIN EC PRIVATE KEY-----\n{SECRETS['SEC002']}\n-----END EC PRIVATE KEY-----\n"
    f"postgres://{SECRETS['SEC004']}db.acme-shop.net/orders"
)


def chat(*texts: str) -> dict[str, Any]:
    return {"messages": [{"role": ("user", "assistant")[i % 2], "content": text} for i, text in enumerate(texts)]}


def written(path: Path, *rows: dict[str, Any]) -> str:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return str(path)


def texts_of(path: str) -> list[str]:
    rows = [json.loads(line) for line in Path(path).read_text("utf-8").splitlines()]
    return [message["content"] for row in rows for message in row["messages"]]


def fixed(path: Path, *rows: dict[str, Any], **settings: Any) -> list[str]:
    file = written(path, *rows)
    api.fix(file, select=("PII", "SEC"), unsafe_fixes=True, workers=1, **settings)
    return texts_of(file)


def test_every_place_is_reported_by_one_rule(tmp_path: Path) -> None:
    report = api.lint(written(tmp_path / "a.jsonl", chat(TEXT, "ok")), select=("PII", "SEC"), workers=1)
    assert {summary.meta.code: summary.tally.total for summary in report.summaries} == dict.fromkeys(SECRETS, 1)
    places = [
        (cut[0], cut[1])
        for summary in report.summaries
        for finding in summary.tally.sorted()
        if finding.fix is not None
        for edit in finding.fix.edits
        if isinstance(edit, Substitute)
        for cut in edit.cuts
    ]
    assert len(places) == len(SECRETS)
    assert all(a[1] <= b[0] for a, b in pairwise(sorted(places)))


@pytest.mark.parametrize("code", SECRETS)
def test_a_rule_alone_leaves_what_belongs_to_another(tmp_path: Path, code: str) -> None:
    file = written(tmp_path / "a.jsonl", chat(TEXT, "ok"))
    api.fix(file, select=(code,), unsafe_fixes=True, workers=1)
    after = texts_of(file)[0]
    assert {other for other, secret in SECRETS.items() if secret not in after} == {code}


@pytest.mark.parametrize("code", SECRETS)
def test_no_report_shows_more_than_four_and_two_characters(tmp_path: Path, code: str) -> None:
    # All others are in the same text, around it.
    file = written(tmp_path / "a.jsonl", chat(TEXT, "ok"))
    report = api.lint(file, select=("PII", "SEC"), workers=1)
    shown = [as_json.dumps(report).decode(), jsonl.dumps(report).decode(), html.dumps(report).decode()]
    for form in ("full", "concise", "json", "jsonl"):
        arguments = ["lint", file, "--isolated", "--select", "PII,SEC", "--output-format", form, "--no-cache"]
        shown.append(CliRunner().invoke(app, arguments).output)
    secret = SECRETS[code]
    for text in shown:
        assert code in text
        assert not any(secret[i : i + 7] in text for i in range(len(secret) - 6)), (code, text)


@given(st.text(st.characters(exclude_characters="…", exclude_categories=["Z", "Cc", "Cs"]), min_size=1, max_size=60))
def test_a_mask_hides_all_but_the_ends(secret: str) -> None:
    head, _, tail = masked(secret).partition("…")
    assert secret.startswith(head)
    assert secret.endswith(tail)
    assert len(head) <= min(4, len(secret) / 4)
    assert len(tail) <= min(2, len(secret) / 8)


@given(st.text(), st.text(min_size=1, max_size=60), st.text())
def test_an_excerpt_is_as_long_as_reports_show(before: str, secret: str, after: str) -> None:
    spot = Spot(len(before), len(before) + len(secret), Kind.EMAIL, "", "")
    assert len(excerpt(before + secret + after, spot)) <= 80


def test_labels(tmp_path: Path) -> None:
    assert fixed(tmp_path / "a.jsonl", chat(TEXT, "ok"))[0] == (
        "Write to [EMAIL], ring [PHONE], pay by card [CARD] or from [IBAN]; seen at [IP]. Token [API_KEY]\n"
        "[PRIVATE_KEY]\npostgres://db.acme-shop.net/orders"
    )


def test_pseudonyms_are_the_same_wherever_the_secret_is(tmp_path: Path) -> None:
    rows = [chat(f"{i}: {TEXT}", "Anna.Keller@GMX.de and +493023125123") for i in range(40)]
    chosen = {"redact": "pseudonym", "redact_key": KEY}
    once = fixed(tmp_path / "a.jsonl", *rows, **chosen)
    address = once[0].split()[3].rstrip(",")
    assert address.endswith(("@example.com", "@example.net", "@example.org"))
    assert all(address in text for text in once)
    assert "-555-01" in once[0]
    assert once[1].split(" and ")[1] in once[0]
    assert "[API_KEY]\n[PRIVATE_KEY]\npostgres://db.acme-shop.net/orders" in once[0]
    again = written(tmp_path / "b.jsonl", *rows)
    api.fix(again, select=("PII", "SEC"), unsafe_fixes=True, workers=2, executor="processes", **chosen)
    assert texts_of(again) == once
    other = fixed(tmp_path / "c.jsonl", *rows, redact="pseudonym", redact_key="another secret of the tests")
    assert address not in other[0]


def test_pseudonyms_lie_in_ranges_that_are_nobodys() -> None:
    drawn = random.Random(5)
    for _ in range(300):
        v4 = str(ipaddress.IPv4Address(drawn.getrandbits(32)))
        v6 = str(ipaddress.IPv6Address(drawn.getrandbits(128)))
        for text in (v4, v6):
            made = instead_of(text, Spot(0, len(text), Kind.IP, "", text), KEY)
            assert not ipaddress.ip_address(made).is_global, made
        phone = f"+49{drawn.randrange(10**9, 10**10)}"
        made = instead_of(phone, Spot(0, len(phone), Kind.PHONE, "", phone), KEY)
        assert all_spots(f"phone {made}") == ()
        card = f"{drawn.choice('3456')}{drawn.randrange(10**14, 10**15)}"
        made = instead_of(card, Spot(0, len(card), Kind.CARD, "", card), KEY)
        assert all_spots(f"card {made}") == ()
    for name, text in (("iban", SECRETS["PII004"]), ("us-ssn", "536-22-8726"), ("gb-nino", "AB 12 34 56 C")):
        made = instead_of(text, Spot(0, len(text), Kind.NATIONAL_ID, name, text), KEY)
        assert len(made) == len(text)
        assert made != text
        assert all_spots(f"national insurance ssn {made}") == ()


_PIECES = st.lists(
    st.one_of(
        st.sampled_from(
            [*SECRETS.values(), "@", "://", ":", " ", "\n", ".", "-", "+", "/", "(415) 867-5309", "1", "a"]
        ),
        st.sampled_from(
            ["kim@firma.de", "123-45-6780", "card ", "ssn ", "4539148803436467", "http://a:b1c2d3@e.de/", "="]
        ),
        st.text(max_size=5),
    ),
    max_size=10,
)


@given(_PIECES, st.sampled_from([None, KEY]))
def test_redaction_ends_and_finds_nothing_more(pieces: list[str], key: str | None) -> None:
    text = "".join(pieces)
    for _ in range(8):
        spots = list(all_spots(text))
        if not spots:
            break
        edit = Substitute("", cuts(text, spots, key))
        text = edit_value(text, [edit])
    assert all_spots(text) == ()


@given(_PIECES)
def test_spots_do_not_overlap_and_rules_share_them_out(pieces: list[str]) -> None:
    text = "".join(pieces)
    spots = list(all_spots(text))
    assert all(a.end <= b.start for a, b in pairwise(spots))
    assert all(0 <= spot.start < spot.end <= len(text) for spot in spots)
    shared = [spot for find in FINDERS.values() for spot in unclaimed(text, find(text))]
    assert sorted(shared) == sorted(set(shared))
    assert apart(shared) == sorted(shared)


def test_pseudonyms_need_a_secret_that_no_file_gives(tmp_path: Path) -> None:
    file = written(tmp_path / "a.jsonl", chat(TEXT, "ok"))
    with pytest.raises(ConfigError, match="DSPREP_REDACT_KEY"):
        api.lint(file, redact="pseudonym")
    # Whatever makes none needs none.
    assert api.lint(file, select=("SEC",), redact="pseudonym").count(Severity.ERROR)
    with pytest.raises(ConfigError, match="16 characters or more") as caught:
        api.lint(file, redact="pseudonym", redact_key="hunter2")
    assert "hunter2" not in str(caught.value)
    (tmp_path / "dsprep.toml").write_text(f'redact-key = "{KEY}"\n')
    with pytest.raises(ConfigError, match="not taken from a file") as caught:
        load_settings(start=tmp_path)
    assert KEY not in str(caught.value)


def test_the_secret_is_in_no_report_and_tells_kept_reports_apart(tmp_path: Path) -> None:
    file = written(tmp_path / "a.jsonl", chat(TEXT, "ok"))
    made = []
    for key in (KEY, KEY, "another secret of the tests"):
        report = api.lint(file, select=("PII",), redact="pseudonym", redact_key=key, cache=True, workers=1)
        made.append(as_json.dumps(report))
        assert key.encode() not in made[-1]
    assert b'"redact": "pseudonym"' in made[0]
    assert made[0] == made[1] != made[2]


def test_on_the_command_line(tmp_path: Path) -> None:
    file = written(tmp_path / "a.jsonl", chat("Write to anna.keller@gmx.de.", "ok"))
    arguments = ["lint", file, "--isolated", "--fix", "--unsafe-fixes", "--select", "PII", "--redact", "pseudonym"]
    assert CliRunner().invoke(app, arguments).exit_code != 0
    assert texts_of(file)[0] == "Write to anna.keller@gmx.de."
    assert CliRunner().invoke(app, arguments, env={"DSPREP_REDACT_KEY": KEY}).exit_code == 0
    assert "@example." in texts_of(file)[0]


def test_prepare_redacts(tmp_path: Path) -> None:
    rows = [chat(f"Write to person{i}.keller@gmx.de about {i}.", f"answer {i}") for i in range(20)]
    file = written(tmp_path / "a.jsonl", *rows)
    api.prepare(file, tmp_path / "out", unsafe_fixes=True, workers=1)
    after = (tmp_path / "out" / "train.jsonl").read_text("utf-8")
    assert "[EMAIL]" in after
    assert "gmx.de" not in after


def test_two_edits_of_one_text_are_made_together() -> None:
    first, second = Substitute("/a", ((0, 2, "X"),)), Substitute("/a", ((3, 5, ""), (6, 7, "YY")))
    assert not _touches(first, second)
    assert _touches(first, Substitute("/a", ((1, 3, "Z"),)))
    assert _touches(first, Replace("/a", "z"))
    assert not _touches(first, Substitute("/b", ((0, 2, "X"),)))
    assert edit_value({"a": "abcdefgh"}, [second, first]) == {"a": "XcfYYh"}
    assert edit_value({"a": 7}, [first]) == {"a": 7}
    assert edit_value({}, [first]) == {}


def test_clean_text_loads_none_of_the_libraries(tmp_path: Path) -> None:
    file = written(tmp_path / "a.jsonl", chat("Natalia sold 48/2 = <<48/2=24>>24 clips.", "Ignore the noise."))
    code = (
        "import sys; from dsprep import api\n"
        f"api.lint({file!r}, select=('PII', 'SEC'), workers=1)\n"
        "print([name for name in ('phonenumbers', 'stdnum', 'detect_secrets', 'requests') if name in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


@pytest.mark.parametrize(
    "text", ["a" * 40_000, "0" * 40_000, "a@b." * 10_000, "eyJ" * 12_000, "-----BEGIN PRIVATE KEY-----\n" * 900]
)
def test_texts_made_to_be_slow_hold_nothing(text: str) -> None:
    assert all_spots(text) == ()


def test_pages_say_what_shows_the_old_text() -> None:
    for code in SECRETS:
        page = rule_class(code).documentation()
        assert "`--diff`" in page
        assert "show the text as it was" in " ".join(page.split())
