"""Pages of the web as rows: main text, sections, questions, chunks; HTML files, saved pages and crawls."""

from __future__ import annotations

import gzip
import io
import json
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from dsprep import api
from dsprep.model.source import InputError
from dsprep.sources import open_source
from dsprep.text.tokens import token_counter
from dsprep.text.web_pages import CutError, PageCut, chunks, read_page, sections

BREAD = "Bread is made of flour, water, salt and time. The dough rests over night and is baked in the morning. "
PAGE = f"""<!DOCTYPE html>
<html lang="en-GB"><head><title>Baking bread at home</title>
<link rel="canonical" href="https://example.com/bread">
<meta property="article:published_time" content="2024-05-06"></head>
<body><nav><ul><li><a href="/">Home</a></li><li><a href="/shop">Shop</a></li>
<li><a href="/login">Log in</a></li></ul></nav>
<div class="cookie-banner">We use cookies. Accept all</div>
<main><article><h1>Baking bread at home</h1><p>{BREAD * 3}</p>
<h2>The dough</h2><p>{BREAD * 4}</p><ul><li>500 g of flour</li><li>350 g of water</li></ul>
<h2>The oven</h2><p>{BREAD * 4}</p><pre><code># not a heading
bake(220)</code></pre></article></main>
<footer><p>© 2024 Example. All rights reserved. <a href="/privacy">Privacy</a></p></footer></body></html>"""
FAQ = """<html><head><script type="application/ld+json">{"@context": "https://schema.org",
"@graph": [{"@type": "FAQPage", "mainEntity": [{"@type": "Question", "name": "Can I return  it?",
"acceptedAnswer": {"@type": "Answer", "text": "<p>Yes, within <b>30 days</b>.</p><ul><li>Keep the box</li></ul>"}},
{"@type": ["Question"], "name": "Is it blue?", "suggestedAnswer": [{"text": "It is."}]}]}]}</script>
<script type="application/ld+json">{ broken </script></head><body><p>Help</p></body></html>"""


def values(path: Path, **how: Any) -> list[Any]:
    source = open_source(str(path), **how)
    return [record.value for shard in source.plan(1 << 20) for record in source.read(shard)]


def test_the_main_text_without_what_surrounds_it() -> None:
    page = read_page(PAGE)
    assert (page.title, page.url, page.date, page.language) == (
        "Baking bread at home",
        "https://example.com/bread",
        "2024-05-06",
        "en",
    )
    assert "- 500 g of flour" in page.text
    for around in ("cookies", "Log in", "Privacy", "rights reserved"):
        assert around not in page.text
    rows = list(page.rows(PageCut()))
    assert [row["prompt"] for row in rows] == [
        "Baking bread at home",
        "Baking bread at home: The dough",
        "Baking bread at home: The oven",
    ]
    assert "# not a heading" in rows[2]["text"]
    (whole,) = page.rows(PageCut.parse("document"))
    assert whole["text"] == page.text


@pytest.mark.parametrize(
    ("html", "pairs"),
    [
        (FAQ, [("Can I return it?", "Yes, within 30 days.\n\n- Keep the box"), ("Is it blue?", "It is.")]),
        (
            "<html><body><div itemscope itemtype='https://schema.org/Question'><h3 itemprop='name'>Why?</h3>"
            "<div itemprop='acceptedAnswer'><div itemprop='text'>Because.</div></div></div></body></html>",
            [("Why?", "Because.")],
        ),
        (
            "<html><body><details><summary>How long?</summary>An hour.</details>"
            "<details><summary>How hot?</summary><p>220 °C</p></details></body></html>",
            [("How long?", "An hour."), ("How hot?", "220 °C")],
        ),
        (
            "<html><body><dl><dt>Cat</dt><dd>An animal.</dd><dt>Dog</dt><dd>Another.</dd></dl></body></html>",
            [("Cat", "An animal."), ("Dog", "Another.")],
        ),
        (
            f"<html><body><article><h1>Help</h1><p>{BREAD * 3}</p><h2>What is bread?</h2><p>{BREAD * 3}</p>"
            f"<h2>What is dough?</h2><p>{BREAD * 2}</p></article></body></html>",
            [("What is bread?", (BREAD * 3).strip()), ("What is dough?", (BREAD * 2).strip())],
        ),
    ],
)
def test_questions_that_a_page_marks(html: str, pairs: list[tuple[str, str]]) -> None:
    page = read_page(html)
    assert list(page.questions) == pairs
    assert [(row["prompt"], row["text"]) for row in page.rows(PageCut())] == pairs


def test_sections_keep_the_headings_above() -> None:
    text = (
        "Before.\n\n# Use\n\n## Install\n\nRun it.\n\n```sh\n# no heading\n```\n\n## Remove\n\nDrop it.\n\n# End\n\nSo."
    )
    assert list(sections(text)) == [
        ("", "Before."),
        ("Use: Install", "Run it.\n\n```sh\n# no heading\n```"),
        ("Use: Remove", "Drop it."),
        ("End", "So."),
    ]


@given(st.lists(st.sampled_from([" ", ". ", "\n\n", "\n", "! ", "。", ""]), max_size=400), st.integers(16, 200))
def test_chunks_hold_everything_and_are_no_longer_than_asked(ends: list[str], tokens: int) -> None:
    text = "".join(f"<{i}>{end}" for i, end in enumerate(ends))
    found = list(chunks(text, tokens, tokens // 8))
    count = token_counter("cl100k_base")
    # Tokens join across the seams of parts, or come apart there.
    assert all(count(part) <= tokens * 1.1 + 4 for part in found)
    # A run without a space is cut wherever it must be, so it may be cut within a number.
    seen = 0
    for part in found:
        whole = "".join(part.split())
        place = "".join(text.split()).find(whole)
        assert place <= seen
        seen = max(seen, place + len(whole))
    assert seen == len("".join(text.split()))


def test_cuts_that_there_are() -> None:
    assert PageCut.parse("chunks:512/32") == PageCut("chunks", 512, 32)
    for wrong in ("chapters", "chunks:8", "chunks:100/80", "document:7", ""):
        with pytest.raises(CutError):
            PageCut.parse(wrong)


def test_html_files_convert(tmp_path: Path) -> None:
    file = tmp_path / "bread.html"
    file.write_text(PAGE)
    out = tmp_path / "out.jsonl"
    result = api.convert([file], out)
    assert (result.rows_in, result.rows_out) == (3, 3)
    first = json.loads(out.read_text().splitlines()[0])
    assert first["messages"][0] == {"role": "user", "content": "Baking bread at home"}
    with pytest.raises(InputError, match=r"holds pages: a page is cut into auto, document"):
        open_source(str(file), records="chapters")
    assert len(values(file, records="chunks:64")) > 3


def test_a_page_without_a_text_is_a_row_that_is_rejected(tmp_path: Path) -> None:
    for name, html in (("empty.html", "<html><body></body></html>"), ("cut.html", "<html><head><title>Cut o")):
        (tmp_path / name).write_text(html)
    (tmp_path / "nothing.html").write_text("")
    result = api.convert([tmp_path / "empty.html", tmp_path / "cut.html"], tmp_path / "out.jsonl")
    assert (result.rows_in, result.rows_out, result.rejected) == (2, 0, {"missing-value": 2})
    assert "ENC009" in {summary.meta.code for summary in api.lint([tmp_path / "nothing.html"]).summaries}


def test_encodings_of_pages(tmp_path: Path) -> None:
    text = "Über die Brücke gehen die Gänse. " * 12
    html = f"<html><head><meta charset='windows-1252'><title>Gänse</title></head><body><p>{text}</p></body></html>"
    (tmp_path / "a.html").write_bytes(html.encode("cp1252"))
    (tmp_path / "b.html").write_bytes(html.replace("windows-1252", "utf-8").encode())
    for name in ("a.html", "b.html"):
        (row,) = values(tmp_path / name, records="document")
        assert row["title"] == "Gänse"
        assert "Brücke" in row["text"]


def test_pages_that_browsers_saved(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text(
        PAGE.replace("<html", "<!-- saved from url=(0022)https://example.org/x -->\n<html")
    )
    assert {row["url"] for row in values(tmp_path / "a.html")} == {"https://example.org/x"}
    whole = MIMEMultipart("related")
    whole["Snapshot-Content-Location"] = "https://example.org/y"
    whole.attach(MIMEText(PAGE, "html", "utf-8"))
    (tmp_path / "b.mhtml").write_bytes(whole.as_bytes())
    rows = values(tmp_path / "b.mhtml")
    assert [row["url"] for row in rows] == ["https://example.org/y"] * 3
    (tmp_path / "c.mhtml").write_bytes(b"MIME-Version: 1.0\nContent-Type: text/plain\n\nnothing")
    with pytest.raises(InputError, match="without HTML"):
        values(tmp_path / "c.mhtml")


def archive(pages: int) -> bytes:
    out = io.BytesIO()
    writer = WARCWriter(out, gzip=False)
    for i in range(pages):
        url = f"https://example.com/{i}"
        headers = StatusAndHeaders("200 OK", [("Content-Type", "text/html; charset=utf-8")], protocol="HTTP/1.1")
        page = PAGE.replace("Baking bread at home", f"Bread {i}").replace("https://example.com/bread", url)
        for record in (
            writer.create_warc_record(url, "request", http_headers=StatusAndHeaders("GET / HTTP/1.1", [])),
            writer.create_warc_record(url, "response", payload=io.BytesIO(page.encode()), http_headers=headers),
        ):
            writer.write_record(record)
    gone = StatusAndHeaders("404 Not Found", [("Content-Type", "text/html")], protocol="HTTP/1.1")
    writer.write_record(
        writer.create_warc_record("https://example.com/gone", "response", payload=io.BytesIO(b"no"), http_headers=gone)
    )
    return out.getvalue()


@pytest.mark.parametrize("packed", [False, True])
def test_crawls(packed: bool, tmp_path: Path) -> None:
    data = archive(20)
    file = tmp_path / ("crawl.warc.gz" if packed else "crawl.warc")
    file.write_bytes(gzip.compress(data) if packed else data)
    source = open_source(str(file))
    shards = list(source.plan(16_000))
    assert len(shards) > 2
    records = [record for shard in shards for record in source.read(shard)]
    assert [record.value["title"] for record in records] == [f"Bread {i}" for i in range(20) for _ in range(3)]
    assert len({record.ordinal for record in records}) == 60
    assert source.info.notes == ["21 records of the archive are no pages (images, redirects, requests …)"]
    whole = open_source(str(file))
    (shard,) = whole.plan(1 << 30)
    assert [record.value for record in whole.read(shard)] == [record.value for record in records]


def test_a_crawl_that_is_cut_off(tmp_path: Path) -> None:
    data = archive(5)
    (tmp_path / "cut.warc").write_bytes(data[: len(data) - 900])
    assert len(values(tmp_path / "cut.warc")) >= 12
    (tmp_path / "broken.warc").write_bytes(b"WARC/1.0\r\nnothing of the kind")
    source = open_source(str(tmp_path / "broken.warc"))
    (shard,) = source.plan(1 << 20)
    assert [fault.kind for fault in shard.faults] == ["empty-file", "truncated-file"]
