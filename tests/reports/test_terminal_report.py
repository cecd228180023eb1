"""What the terminal shows: as people read it, as a pipe gets it, and as hostile text would like to have it."""

from __future__ import annotations

import io
import re
from collections.abc import Callable

import pytest
from handmade import at, tally
from rich.console import Console

from dsprep.model.finding import Finding, Severity
from dsprep.model.report import EngineError, Report, RuleSummary
from dsprep.model.rule import RuleMeta
from dsprep.reports import terminal

Snapshot = Callable[[str, str | bytes], None]
Renderer = Callable[[Report, Console], None]

#: Control characters other than the newline, and everything else that could act instead of being shown.
ACTIVE = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff\U000e0000-\U000e007f]"
)
STYLES = re.compile(r"\x1b\[[0-9;]*m")


def shown(render: Renderer, report: Report, *, width: int = 100, colour: bool = False, encoding: str = "utf-8") -> str:
    """What `render` writes, as text."""
    raw = io.BytesIO()
    file = io.TextIOWrapper(raw, encoding=encoding, errors="strict", newline="\n")
    options = {"force_terminal": True, "color_system": "standard"} if colour else {"no_color": True}
    render(report, Console(file=file, width=width, **options))  # type: ignore[arg-type]
    file.flush()
    return raw.getvalue().decode(encoding)


def test_full(report: Report, snapshot: Snapshot) -> None:
    snapshot("full.txt", shown(lambda r, c: terminal.render_full(r, c, show_fixes=True), report))


def test_concise(report: Report, snapshot: Snapshot) -> None:
    snapshot("concise.txt", shown(terminal.render_concise, report))


def test_statistics(report: Report, snapshot: Snapshot) -> None:
    snapshot("statistics.txt", shown(terminal.render_statistics, report))


def test_full_with_hostile_text(hostile: Report, snapshot: Snapshot) -> None:
    snapshot("full-hostile.txt", shown(lambda r, c: terminal.render_full(r, c, show_fixes=True), hostile))


def test_a_clean_run_says_so_in_one_line(clean: Report) -> None:
    for render in (terminal.render_full, terminal.render_concise, terminal.render_statistics):
        assert shown(render, clean) == "All checks passed: 60 rows, 0 findings.\n"


def test_the_summary_counts_by_severity_and_fix(report: Report) -> None:
    text = shown(terminal.render_full, report)
    assert "Found 6 errors, 1,239 warnings, 1 info in 31,014 rows (3 files). 15 more were fixed.\n" in text
    # A table among the inputs cannot be fixed in place; `prepare` takes out equal rows by default.
    assert text.endswith(
        "[*] 1,239 fixable with `dsprep prepare`.\n"
        "[-] 6 more fixable with `dsprep prepare --unsafe-fixes`: look at them first.\n"
    )
    report.inputs.pop()
    text = shown(terminal.render_full, report)
    assert text.endswith(
        "[*] 2 fixable with `--fix`.\n[-] 1,243 more fixable with `--fix --unsafe-fixes`: look at them first.\n"
    )


def test_the_first_line_is_the_verdict(report: Report) -> None:
    first = shown(terminal.render_full, report).splitlines()[0]
    assert first.startswith("Would not be accepted by openai:gpt-3.5-turbo-0125: 5 of 6 errors would stop the upload")


@pytest.mark.parametrize("examples", [0, 1, 3, 5])
def test_examples_are_capped_and_the_rest_counted(report: Report, examples: int) -> None:
    text = shown(lambda r, c: terminal.render_full(r, c, examples=examples), report)
    assert text.count("the same example as") == examples
    rest = f"… and {1237 - examples:,} more" if examples else "1,237 findings"
    assert rest in text


def test_concise_lists_every_listed_finding_on_a_line_of_its_own(report: Report) -> None:
    lines = shown(terminal.render_concise, report, width=40).splitlines()
    assert sum(bool(re.match(r"\S+( \S+)? [A-Z]{3}\d{3} ", line)) for line in lines) == len(report.findings)
    assert "train.jsonl:3:/messages/0/role SCH005 role `human` is not one of system, user, assistant, tool" in lines
    assert "reviews.csv:5:sentiment BAL004 label `Positive ` (31 rows) is a spelling of `positive`" in lines
    assert "… and 1,232 more, counted but not listed" in lines


@pytest.mark.parametrize("render", [terminal.render_full, terminal.render_concise, terminal.render_statistics])
def test_colour_is_style_alone(report: Report, render: Renderer) -> None:
    plain = shown(render, report, width=200)
    coloured = shown(render, report, width=200, colour=True)
    assert "\x1b" not in plain
    assert coloured != plain
    assert STYLES.sub("", coloured) == plain


@pytest.mark.parametrize("colour", [False, True])
@pytest.mark.parametrize("width", [20, 80, 200])
@pytest.mark.parametrize(
    "render", [terminal.render_full, terminal.render_concise, terminal.render_statistics, terminal.render_fixes]
)
def test_hostile_text_is_inert(hostile: Report, render: Renderer, width: int, colour: bool) -> None:
    text = STYLES.sub("", shown(render, hostile, width=width, colour=colour))
    # Whatever styles the text itself asked for are escaped, so that only our own have been taken out.
    assert not ACTIVE.search(text)


def test_rich_markup_and_emoji_codes_are_shown_as_they_are(hostile: Report) -> None:
    text = shown(terminal.render_concise, hostile)
    assert r"\x1b[31mred\x1b]8;;http://evil.example\x07" in text
    assert r"\ud800[red]rich[/red][/] :smile: \u2028" in text


@pytest.mark.parametrize("render", [terminal.render_full, terminal.render_concise])
def test_an_output_that_cannot_hold_a_character_gets_its_escape(hostile: Report, render: Renderer) -> None:
    finding = Finding("TXT002", Severity.WARNING, at(1), 0, {"excerpt": "naïve 数据 🙂"})
    meta = RuleMeta("TXT002", "mojibake", Severity.WARNING, "mended: naïve", "Text decoded wrongly.")
    hostile.summaries.append(RuleSummary(meta, tally(finding)))
    text = shown(render, hostile, encoding="ascii")
    assert r"mended: na\xefve" in text


def test_an_excerpt_is_cut_to_the_width(report: Report) -> None:
    finding = Finding("TXT005", Severity.WARNING, at(1), 0, {"excerpt": "数" * 80})
    meta = RuleMeta("TXT005", "repetition", Severity.WARNING, "repeats itself", "Text repeats itself.")
    report.summaries[:] = [RuleSummary(meta, tally(finding))]
    line = next(line for line in shown(terminal.render_full, report, width=50).splitlines() if "数" in line)
    assert line.endswith("…")
    assert line.count("数") * 2 + 8 <= 50


def test_long_messages_wrap_on_a_terminal_and_stay_whole_in_a_pipe(report: Report) -> None:
    message = "role `human` is not one of system, user, assistant, tool"
    assert message in shown(terminal.render_full, report, width=40)
    wrapped = STYLES.sub("", shown(terminal.render_full, report, width=60, colour=True))
    assert message not in wrapped
    assert all(len(line) <= 60 for line in wrapped.splitlines() if "role `" in line)


def test_a_failed_rule_never_passes_for_a_clean_run(clean: Report) -> None:
    clean.errors.append(EngineError("TXT009", "clean.jsonl", "ValueError: boom"))
    for render in (terminal.render_full, terminal.render_concise, terminal.render_statistics):
        text = shown(render, clean)
        assert "All checks passed" not in text
        assert "1 rule failed" in text
    assert "TXT009 failed on clean.jsonl: ValueError: boom" in shown(terminal.render_full, clean)


def test_a_rule_that_fails_on_every_row_gets_one_line(clean: Report) -> None:
    clean.errors += [EngineError("TXT009", f"clean.jsonl:{n}", "ValueError: boom") for n in range(1, 61)]
    text = shown(terminal.render_full, clean)
    assert "TXT009 failed on clean.jsonl:1 and 59 more places: ValueError: boom\n" in text
    assert text.count("boom") == 1
