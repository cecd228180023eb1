"""The HTML report without a browser: well formed, self-contained, inert, small."""

from __future__ import annotations

import base64
import hashlib
import re
from collections import Counter
from collections.abc import Callable
from html.parser import HTMLParser
from itertools import pairwise

import pytest
from handmade import at, hostile_report, tally, with_text

from dsprep.model.finding import Finding, Severity
from dsprep.model.report import EngineError, Funnel, FunnelStep, Report, RuleSummary
from dsprep.model.rule import RuleMeta
from dsprep.reports import html, judge
from dsprep.reports.html import charts, view

Snapshot = Callable[[str, str | bytes], None]

VOID = {"meta", "br", "link", "img", "input", "hr"}


#: Elements that run or fetch something.
LOADING = {"script", "img", "iframe", "object", "embed", "link", "base", "form", "audio", "video"}


class Page(HTMLParser):
    """The elements of a page, their attributes, the text; checks that every tag is closed where it should be."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: Counter[str] = Counter()
        self.attributes: list[tuple[str, str, str]] = []
        self.text: list[str] = []
        self.style = ""
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert not self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] == "style":
            self.style += data
        else:
            self.text.append(data)

    @property
    def words(self) -> str:
        return re.sub(r"\s+", " ", "".join(self.text))


def test_html(report: Report, snapshot: Snapshot) -> None:
    snapshot("report.html", html.dumps(report))


def test_html_with_hostile_text(hostile: Report, snapshot: Snapshot) -> None:
    snapshot("report-hostile.html", html.dumps(hostile))


@pytest.mark.parametrize("name", ["report", "clean", "hostile"])
def test_the_page_is_well_formed_and_asks_for_nothing(name: str, request: pytest.FixtureRequest) -> None:
    text = html.render(request.getfixturevalue(name))
    page = Page(text)
    assert not page.tags.keys() & LOADING
    for tag, attribute, value in page.attributes:
        assert not attribute.startswith("on"), (tag, attribute)
        assert attribute not in ("src", "srcset", "style", "action", "xlink:href"), (tag, attribute)
        if attribute == "href":
            assert value.startswith("#")
    assert "url(" not in page.style
    assert "@import" not in page.style
    ids = [value for _, attribute, value in page.attributes if attribute == "id"]
    assert len(ids) == len(set(ids))
    linked = {value[1:] for _, attribute, value in page.attributes if attribute == "href"} - {"findings"}
    described = {word for _, name, value in page.attributes if name == "aria-labelledby" for word in value.split()}
    assert linked | described <= set(ids)


def test_the_policy_allows_this_style_and_nothing_else(report: Report) -> None:
    page = Page(html.render(report))
    digest = base64.b64encode(hashlib.sha256(page.style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    assert ("meta", "content", policy) in page.attributes


def test_hostile_text_is_inert(hostile: Report) -> None:
    text = html.render(hostile)
    page = Page(text)
    safe = Page(html.render(hostile_report("x" * 40 + " y" * 80)))
    # The same elements as with harmless text, but for the spans that mark escapes and cuts.
    assert {t: n for t, n in page.tags.items() if t not in ("span", "bdi")} == {
        t: n for t, n in safe.tags.items() if t not in ("span", "bdi")
    }
    assert not re.search(
        "[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]", text
    )
    assert "<script><script>alert(1)" not in text
    assert "{{7*7}}" in page.words
    assert "49" not in re.sub(r"[\d,.]{3,}", "", page.words)


def test_the_first_screen_says_what_matters(report: Report) -> None:
    words = Page(html.render(report)).words
    head = words[: words.index("Findings by rule")]
    for expected in (
        "Would not be accepted by openai:gpt-3.5-turbo-0125",
        "5 of 6 errors would stop the upload, most often SCH005 unknown-role (4).",
        "1 example of more than 16,385 tokens would be cut or refused.",
        "Apply the 2 safe fixes",
        "Decide on exact-duplicate: 1,237 places",
        "dsprep lint --train train.jsonl --validation validation.jsonl reviews.csv --select SCH005",
    ):
        assert expected in head


def test_sections_without_data_are_left_out(clean: Report) -> None:
    page = Page(html.render(clean))
    headings = re.findall(r"<h2[^>]*>([^<]*)", html.render(clean))
    assert headings == ["Inputs and settings"]
    assert "Would be accepted by openai:gpt-3.5-turbo-0125" in page.words


@pytest.mark.parametrize("stats", [{"all": 3, "histogram": []}, {"all": {"tokens": {"total": 5, "max": 3}}}])
def test_statistics_of_another_shape_are_no_error(report: Report, stats: dict[str, object]) -> None:
    report.stats = stats
    Page(html.render(report))


def test_statistics_hostile_in_every_string(report: Report) -> None:
    report.stats = with_text(report.stats)
    Page(html.render(report))


def test_size_stays_small_however_much_was_found(report: Report) -> None:
    report.summaries[:] = [
        RuleSummary(
            RuleMeta(f"TXT{i:03d}", "html-residue", Severity.WARNING, "tag {excerpt}", "Tags."),
            tally(
                *(Finding(f"TXT{i:03d}", Severity.WARNING, at(n), n, {"excerpt": "<b>" * 400}) for n in range(1, 200)),
                total=1_000_000,
                limit=10_000,
            ),
        )
        for i in range(77)
    ]
    page = html.dumps(report)
    assert len(page) < 2_000_000
    assert page.count(b'<code class="at">') <= view.EXAMPLES_IN_ALL + 77 * view.LEAST_EXAMPLES


def test_the_same_report_gives_the_same_page(report: Report) -> None:
    first = html.dumps(report)
    report.settings = {**report.settings, "workers": 1}
    assert html.dumps(report) == first


def test_contrast_of_text_on_its_background() -> None:
    """WCAG 2.1, 1.4.3: 4.5 to 1, in both schemes; 1.4.11: 3 to 1 for the bars."""
    css = html._environment().get_template("style.css").render()
    blocks = re.findall(r":root \{(.*?)\}", css, re.S)
    light = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", blocks[0]))
    dark = light | dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", blocks[1]))
    for scheme in (light, dark):
        for ink in ("ink", "soft", "accent", "error", "warning", "info", "ok"):
            for ground in ("paper", "panel", *(["sunk"] if ink in ("ink", "soft") else [])):
                assert _contrast(scheme[ink], scheme[ground]) >= 4.5, (ink, ground)
        for tone in ("error", "warning", "info", "ok", "escape"):
            assert _contrast(scheme[tone], scheme[f"{tone}-wash"]) >= 4.5, tone
            assert _contrast(scheme["ink"], scheme[f"{tone}-wash"]) >= 4.5, tone
        for bar in ("bar", "bar-2", "bar-3"):
            assert _contrast(scheme[bar], scheme["panel"]) >= 3, bar


def _contrast(a: str, b: str) -> float:
    def luminance(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        r, g, b = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
        return 0.2126 * r + 0.7152 * g + 0.0722 * b

    high, low = sorted((luminance(a), luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("log", [False, True])
@pytest.mark.parametrize("limit", [None, 1, 50, 90, 120, 16_385])
@pytest.mark.parametrize("edges", [[0, 1], [0, 10, 20, 100], [1, 2, 3, 4, 6, 8], [16, 24, 10_000_000]])
def test_histograms_stay_on_their_canvas(edges: list[int], limit: int | None, log: bool) -> None:
    bins = [charts.Bin(a, b, (i, 7)) for i, (a, b) in enumerate(pairwise(edges))]
    svg = charts.histogram(
        bins,
        charts.Marker(limit, f"limit {limit}") if limit else None,
        log=log,
        series=["train", "test"],
        colours=["bar", "bar-2"],
        title="Tokens",
        unit="tokens",
        items="examples",
    )
    for name, value in re.findall(r' (x|x1|x2|y|y1|y2|width|height)="([^"]+)"', svg):
        assert -0.01 <= float(value) <= (860 if name in ("x", "x1", "x2", "width") else 250), (name, value)


@pytest.mark.parametrize(
    ("share", "text"),
    [(0, "0 %"), (1, "100 %"), (0.0001, "< 0.1 %"), (0.99999, "> 99.9 %"), (0.5, "50.0 %")],
)
def test_percent(share: float, text: str) -> None:
    assert view.percent(share) == text


def test_rejected_rows_do_not_count_against_what_prepare_wrote(report: Report) -> None:
    report.settings = {"command": "prepare", "target": "openai:gpt-4o-mini"}
    report.summaries[:] = [s for s in report.summaries if s.meta.code in ("SCH005", "DUP001")]
    report.funnel = Funnel(100, [FunnelStep("train", 90)], [FunnelStep("rejected", 10, "DUP001 exact-duplicate")])
    verdict = judge(report)
    assert verdict.accepted is True
    assert verdict.sentence == (
        "Would be accepted by openai:gpt-4o-mini: 10 of 100 rows are put aside; no errors and no warnings are left."
    )


def test_a_failed_rule_leaves_the_verdict_open(clean: Report) -> None:
    clean.errors.append(EngineError("TXT009", "clean.jsonl", "ValueError: boom"))
    verdict = judge(clean)
    assert (verdict.accepted, verdict.status.value) == (None, "incomplete")
