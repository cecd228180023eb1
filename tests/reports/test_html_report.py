"""The HTML report without a browser: well formed, self-contained, inert, small."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shlex
from collections import Counter
from collections.abc import Callable
from html import unescape
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from handmade import HOSTILE, at, hostile_report, tally, with_text
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from dsprep.cli.main import app
from dsprep.model.finding import Finding, Severity
from dsprep.model.fix import Applicability, Fix, Replace
from dsprep.model.report import Comparison, EngineError, Funnel, FunnelStep, Report, RuleChange, RuleSummary
from dsprep.model.rule import RuleMeta
from dsprep.reports import as_json, html, judge
from dsprep.reports.html import charts, commands, findings, spans, view

Snapshot = Callable[[str, str | bytes], None]

VOID = {"meta", "br", "link", "img", "input", "hr"}


#: Elements that run or fetch something. The page's own scripts are looked at by themselves.
LOADING = {"img", "iframe", "object", "embed", "link", "base", "form", "audio", "video"}


class Page(HTMLParser):
    """The elements of a page, their attributes, the text; checks that every tag is closed where it should be."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: Counter[str] = Counter()
        self.attributes: list[tuple[str, str, str]] = []
        self.text: list[str] = []
        self.style = ""
        self.scripts: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert not self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag == "script":
            self.scripts.append("")
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
        elif self._open and self._open[-1] == "script":
            self.scripts[-1] += data
        else:
            self.text.append(data)

    @property
    def words(self) -> str:
        return re.sub(r"\s+", " ", "".join(self.text))


def test_html(report: Report, snapshot: Snapshot) -> None:
    snapshot("report.html", _content(html.render(report)))


def test_html_with_hostile_text(hostile: Report, snapshot: Snapshot) -> None:
    snapshot("report-hostile.html", _content(html.render(hostile)))


def _content(text: str) -> str:
    """The page without its style and script, which are files to be read by themselves, and without their hashes."""
    return re.sub(
        r"sha256-[\w+/=]{44}", "sha256-…", re.sub(r"(<style>|<script>).*?(?=</)", r"\1…", text, flags=re.DOTALL)
    )


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
    linked = {value[1:] for _, attribute, value in page.attributes if attribute == "href"}
    described = {word for _, name, value in page.attributes if name == "aria-labelledby" for word in value.split()}
    assert linked | described <= set(ids)


def test_the_policy_allows_this_style_and_this_script_and_nothing_else(report: Report) -> None:
    page = Page(html.render(report))
    data, script = page.scripts
    policy = (
        f"default-src 'none'; style-src '{_hash(page.style)}'; script-src '{_hash(script)}'; base-uri 'none'; "
        "form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
    )
    assert ("meta", "content", policy) in page.attributes
    # What the policy does not speak of: this one is data, and never runs.
    assert ("script", "type", "application/json") in page.attributes
    assert json.loads(data)["version"] == "1"


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


@pytest.mark.parametrize("name", ["report", "clean", "hostile"])
def test_the_json_report_stands_in_the_page(name: str, request: pytest.FixtureRequest) -> None:
    report = request.getfixturevalue(name)
    data, _ = Page(html.render(report)).scripts
    assert json.loads(data) == as_json(report)
    assert not set("<>&") & set(data)


def test_a_json_report_that_is_too_large_lists_fewer_findings_of_each_rule(report: Report) -> None:
    _fill(report, rules=40, findings=2_001, excerpt="<b>some text</b>")
    text = html.render(report)
    assert 1_500_000 < len(text.encode()) <= 2_000_000
    page = Page(text)
    data = json.loads(page.scripts[0])
    listed = [rule["listed"] for rule in data["summary"]["rules"]]
    assert sum(listed) == len(data["findings"]) > 1_000
    assert {rule["count"] for rule in data["summary"]["rules"]} == {1_000_000}
    assert set(listed) == {listed[0]}
    assert f"this copy lists {listed[0]} findings of each rule at most; all are counted" in data["summary"]["notes"]
    assert f"{sum(listed):,} of 80,000, since a page holds at most 2 MB" in page.words


def test_a_json_report_whose_head_is_too_large_is_left_out(report: Report) -> None:
    report.notes.append("x" * 2_000_000)
    page = Page(html.render(report))
    assert len(page.scripts) == 1
    assert "The JSON report is too large to stand in this page" in page.words


def _fill(report: Report, rules: int, findings: int, excerpt: str = "<b>" * 400) -> None:
    """Rules that found something a million times, in long lines."""
    report.summaries[:] = [
        RuleSummary(
            RuleMeta(f"TXT{i:03d}", "html-residue", Severity.WARNING, "tag {excerpt}", "Tags."),
            tally(
                *(Finding(f"TXT{i:03d}", Severity.WARNING, at(n), n, {"excerpt": excerpt}) for n in range(1, findings)),
                total=1_000_000,
                limit=10_000,
            ),
            documentation="## Why it matters\n" + "It does. " * 1_000,
        )
        for i in range(rules)
    ]


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
        "5 rows or more: train.jsonl:9 :12 :40 :41",
        "dsprep lint --train train.jsonl --validation validation.jsonl reviews.csv --select SCH005",
    ):
        assert expected in head


def test_sections_without_data_are_left_out(clean: Report) -> None:
    page = Page(html.render(clean))
    headings = re.findall(r"<h2[^>]*>([^<]*)", html.render(clean))
    assert headings == ["Inputs, versions, settings", "The report as data"]
    assert "Would be accepted by openai:gpt-3.5-turbo-0125" in page.words


@pytest.mark.parametrize("stats", [{"all": 3, "histogram": []}, {"all": {"tokens": {"total": 5, "max": 3}}}])
def test_statistics_of_another_shape_are_no_error(report: Report, stats: dict[str, object]) -> None:
    report.stats = stats
    Page(html.render(report))


def test_statistics_hostile_in_every_string(report: Report) -> None:
    report.stats = with_text(report.stats)
    Page(html.render(report))


def test_size_stays_small_however_much_was_found(report: Report) -> None:
    _fill(report, rules=120, findings=200)
    report.stats = _everything_at_its_cap(report.stats)
    page = html.dumps(report)
    assert len(page) < 2_000_000
    assert page.count(b'class="example"') <= findings.EXAMPLES_IN_ALL + 120 * findings.LEAST_EXAMPLES


def _everything_at_its_cap(stats: dict[str, Any]) -> dict[str, Any]:
    """Statistics with a hundred thousand labels."""
    labels = {f"label {i} {'x' * 60}": i for i in range(100_000, 0, -1)}
    return {**stats, "labels": {**stats["labels"], "classes": 100_000, "splits": {"train": labels}}}


def test_the_same_report_gives_the_same_page(report: Report) -> None:
    first = html.dumps(report)
    report.settings = {**report.settings, "workers": 1}
    assert html.dumps(report) == first


def test_contrast_of_text_on_its_background() -> None:
    """WCAG 2.1, 1.4.3: 4.5 to 1, in both schemes; 1.4.11: 3 to 1 for the bars."""
    css = html._source(html._environment(), "style.css")
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
        assert _contrast(scheme["ink"], scheme["mark"]) >= 4.5
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


@pytest.mark.parametrize(
    ("excerpt", "args", "fix", "expected"),
    [
        # What the message quotes.
        ("your card.<|im_end|>", {"token": "<|im_end|>"}, None, ["<|im_end|>"]),
        ("a &amp; b &amp; <br>c", {"what": "&amp; × 2, <br>"}, None, ["&amp;", "&amp;", "<br>"]),
        # The characters that it names.
        ("each month,\x0b at eight", {"characters": "U+000B VT × 1"}, None, ["\x0b"]),
        # What the fix would change.
        (
            "you can reserve books there, too.<br />Log in with your card",
            {},
            Replace("/messages/1/content", "It is, and you can reserve books there, too.\nLog in with your card."),
            ["<br />"],
        ),
        # Neither a letter that stands anywhere, nor what is not there.
        ("it is an example", {"what": "a", "token": "nothing"}, None, []),
        ("", {"what": ""}, None, []),
    ],
)
def test_the_offending_part_is_marked(
    excerpt: str, args: dict[str, str], fix: Replace | None, expected: list[str]
) -> None:
    finding = Finding(
        "TXT001",
        Severity.WARNING,
        at(1),
        args={**args, "excerpt": excerpt},
        fix=None if fix is None else Fix(Applicability.UNSAFE, (fix,)),
    )
    found = spans.offending(excerpt, finding, "a message")
    assert [excerpt[start:end] for start, end in found] == expected


@given(st.text(max_size=80), st.text(max_size=20), st.text(max_size=100))
def test_marks_change_nothing_of_the_text(excerpt: str, what: str, value: str) -> None:
    fix = Fix(Applicability.SAFE, (Replace("/a", value),))
    finding = Finding("TXT001", Severity.WARNING, at(1), args={"what": what, "excerpt": excerpt}, fix=fix)
    found = spans.offending(excerpt, finding, f"found `{what}`")
    assert all(0 <= start < end <= len(excerpt) for start, end in found)
    assert all(a[1] < b[0] for a, b in pairwise(found))
    assert Page(str(view.marked(excerpt, spans=found))).words == Page(str(view.marked(excerpt))).words


def test_prose_is_paragraphs_lists_and_code() -> None:
    text = 'One `word`\nand more.\n\n- first\n  goes on\n- second <b>\n\n```json\n{"a": 1}\n```'
    assert view.prose(text) == (
        "<p>One <code>word</code> and more.</p><ul><li>first   goes on</li><li>second &lt;b&gt;</li></ul>"
        "<pre>{&#34;a&#34;: 1}</pre>"
    )


def test_the_same_run_again(report: Report) -> None:
    report.settings = {
        "command": "lint",
        "target": "openai:gpt-4o-mini",
        "encoding": "o200k_base",
        "seed": 7,
        "pack": "strict",
        "rules": ["TOK001"],
        "select": ["TOK", "DUP"],
        "options": {"TOK001": {"limit": 100}, "LNG001": {"languages": ["en", "d'oc"]}},
        "severity": {"TOK001": "info"},
        "max_findings": 5,
        "unsafe_fixes": True,
    }
    assert commands.same_run(report) == (
        "dsprep lint --train train.jsonl --validation validation.jsonl reviews.csv --isolated "
        "--target openai:gpt-4o-mini --encoding o200k_base --pack strict --select TOK,DUP "
        "--config seed=7 --config max-findings=5 "
        """--config 'severity.TOK001="info"' --config rules.TOK001.limit=100 """
        """--config 'rules.LNG001.languages=["en", "d'"'"'oc"]' --unsafe-fixes"""
    )


def test_the_same_prepare_again(clean: Report) -> None:
    clean.settings = {
        "command": "prepare",
        "target": "trl",
        "seed": 0,
        "split": "0.8/0.1/0.1",
        "dedupe": "near",
        "keep_best": True,
        "mapping": {"user": "{{a}} b", "label": "c"},
        "records": "rows[]",
    }
    assert commands.same_run(clean) == (
        "dsprep prepare clean.jsonl --isolated --target trl --out prepared --split 0.8/0.1/0.1 --dedupe near "
        "--keep-best --records 'rows[]' --user '{{a}} b' --label c"
    )


@pytest.mark.parametrize(
    "command",
    [
        "lint chat.jsonl --select TXT,TOK --ignore TXT009 --severity TOK001=warning --config rules.TOK001.limit=40",
        "lint --train chat.jsonl --validation more.jsonl --target openai:gpt-4o-mini --extend-select LBL001",
        "prepare reviews.csv --out first --split 0.7/0.3 --dedupe near --seed 5 --user review --assistant sentiment",
    ],
)
def test_the_command_in_the_page_makes_the_same_report(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    samples = Path(__file__).parents[2] / "samples"
    monkeypatch.chdir(tmp_path)
    (tmp_path / "chat.jsonl").write_bytes((samples / "chat_broken.jsonl").read_bytes())
    (tmp_path / "more.jsonl").write_bytes((samples / "chat_clean.jsonl").read_bytes())
    (tmp_path / "reviews.csv").write_bytes((samples / "reviews.csv").read_bytes())

    def page_of(words: list[str]) -> str:
        if words[0] == "lint":
            words = [*words, "--html", "report.html"]
        result = CliRunner().invoke(app, words)
        assert result.exit_code in (0, 1), result.output
        assert isinstance(result.exception, SystemExit | None), result.exception
        folder = words[words.index("--out") + 1] if "--out" in words else "."
        return (tmp_path / folder / "report.html").read_text("utf-8")

    first = page_of(command.split())
    shown = re.search(r"The same run again</h3>.*?<code>(.*?)</code>", first, re.DOTALL)
    assert shown is not None
    words = shlex.split(unescape(re.sub("<[^>]*>", "", shown[1])))
    assert words[0] == "dsprep"
    assert page_of(words[1:]) == first.replace("--out first", "--out prepared")


def test_what_has_changed_since_the_previous_report(report: Report) -> None:
    report.comparison = _comparison("was.json")
    page = Page(html.render(report))
    words = page.words.replace(" ", "")  # there is none between the cells of a table
    for expected in (
        "Since the previous report 3 findings came and 1 went.",
        "Against was.json, by dsprep 0.0.9: 3 findings came, 1 went. 2 rules found as much as before.",
        "Rows 30,000 31,014 +1,014",
        "Errors 7 6 −1",
        "Examples above the limit 0 1 +1",
        "SCH005 unknown-role 2 4 +3 −1 1",
        "train.jsonl: changed",
        "seed 0 1",
        "“Positive ” 0 (0 %) 31 (0.1 %)",
        "TXT009 found something before and did not run now.",
    ):
        assert expected.replace(" ", "") in words
    assert ("a", "href", "#comparison") in page.attributes
    assert ("a", "href", "#sch005") in page.attributes


def test_a_hostile_comparison_is_inert(clean: Report) -> None:
    clean.comparison = _comparison(HOSTILE, HOSTILE)
    page = Page(html.render(clean))
    clean.comparison = _comparison("x", "x")
    safe = Page(html.render(clean))
    assert {t: n for t, n in page.tags.items() if t != "span"} == {t: n for t, n in safe.tags.items() if t != "span"}


def _comparison(path: str, text: str = "") -> Comparison:
    """`text` in place of everything that came out of the earlier report."""
    return Comparison(
        path=path,
        tool=text or "dsprep 0.0.9",
        verdict=(text or "would be accepted", text or "would not be accepted"),
        accepted=(True, False),
        rows=(30_000, 31_014),
        rows_out=(30_000, 30_004),
        counts={"error": (7, 6), "warning": (1_239, 1_239)},
        rules=[RuleChange(text or "SCH005", text or "unknown-role", Severity.ERROR, 2, 4, 3, 1)],
        unchanged=2,
        not_run=(text or "TXT009",),
        settings={text or "seed": (text or 0, text or 1)},
        inputs={text or "train.jsonl": text or "changed"},
        tokens={"total": [2_000, 3_000], "over_limit": [0, 1], text or "mean": [text, text]},
        labels={
            "distance": 0.1,
            "beyond_chance": True,
            "changes": [
                {"name": text or "Positive ", "before": 0, "now": 31, "share_before": 0.0, "share_now": 0.001},
            ],
            "more": 2,
        },
        notes=[text or "a note"],
    )
