"""A few rows as conversations: those that fixes have changed, before and after; some with findings, which stand beside
them; and some drawn by lot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from markupsafe import Markup

from dsprep.model.finding import Finding
from dsprep.model.report import Report, RuleSummary, render_message
from dsprep.model.sample import Sample, Talk, Why
from dsprep.reports import counted
from dsprep.reports.html.talks import Bubble, bubbles, changed_bubbles
from dsprep.reports.html.view import place, sentence, short

#: The page has room for so many characters of conversations.
MOST_CHARACTERS = 240_000
#: Rows of a group that show at once.
FIRST = 4
#: Findings that stand beside a row.
MOST_FINDINGS = 6
_TITLES = {
    Why.CHANGED: ("Changed by fixes", "what is gone is struck out, what has come is underlined"),
    Why.FOUND: ("With findings", "what was found stands below"),
    Why.LOT: ("Drawn by lot", "by what the rows say, so the same data gives the same ones"),
}
_LONGEST_TITLE = 90


@dataclass(frozen=True, slots=True)
class Noted:
    """A finding of the row."""

    code: str
    severity: str
    anchor: str
    message: Markup


@dataclass(frozen=True, slots=True)
class ExampleView:
    """A row. `said` is how it is now, with what has changed where that can be shown in place; otherwise `before` is how
    it was. `gone`: it is no longer there."""

    place: str
    split: str
    title: str
    about: str
    said: list[Bubble]
    before: list[Bubble]
    gone: bool
    tools: str
    left_out: str
    rules: str
    noted: list[Noted]
    more: int


@dataclass(frozen=True, slots=True)
class Group:
    """Rows that were taken for the same reason: the `first` ones show, the others are folded away."""

    id: str
    title: str
    note: str
    first: list[ExampleView]
    folded: list[ExampleView]


@dataclass(frozen=True, slots=True)
class Examples:
    """The section."""

    lead: str
    groups: list[Group] = field(default_factory=list)


def examples(report: Report) -> Examples | None:
    """The rows to look at; None if the report has none."""
    noted = _by_row(report)
    metas = {summary.meta.code: summary for summary in report.summaries}
    groups: dict[Why, list[ExampleView]] = {}
    room = MOST_CHARACTERS
    for sample in _in_turn(report.samples):
        room -= _size(sample)
        if room < 0:
            break
        groups.setdefault(sample.why, []).append(_example(sample, noted, metas))
    if not groups:
        return None
    shown = sum(map(len, groups.values()))
    lead = f"{counted(shown, 'row')} as conversations: long texts are cut, secrets and personal data masked."
    return Examples(
        lead,
        [Group(str(why), *_TITLES[why], groups[why][:FIRST], groups[why][FIRST:]) for why in _TITLES if why in groups],
    )


def _in_turn(samples: Sequence[Sample]) -> list[Sample]:
    """The first of each reason and split, then the second, so that a page without room for all has some of each."""
    order: dict[tuple[Why, str], int] = {}
    numbered = []
    for sample in samples:
        number = order[sample.why, sample.split] = order.get((sample.why, sample.split), -1) + 1
        numbered.append((number, sample))
    return [sample for _, sample in sorted(numbered, key=lambda pair: pair[0])]


def _size(sample: Sample) -> int:
    talks = [talk for talk in (sample.after, sample.before) if talk is not None]
    return sum(200 + len(piece.text) for talk in talks for said in talk.said for piece in said.pieces)


def _by_row(report: Report) -> Mapping[int, list[tuple[RuleSummary, Finding, int]]]:
    wanted = {sample.key for sample in report.samples}
    out: dict[int, list[tuple[RuleSummary, Finding, int]]] = {}
    for summary in report.summaries:
        for number, finding in enumerate(summary.tally.sorted(), 1):
            if finding.key is not None and finding.key in wanted:
                out.setdefault(finding.key, []).append((summary, finding, number))
    return out


def _example(
    sample: Sample,
    noted: Mapping[int, list[tuple[RuleSummary, Finding, int]]],
    summaries: Mapping[str, RuleSummary],
) -> ExampleView:
    now, had = sample.after, sample.before
    said: list[Bubble] = []
    before: list[Bubble] = []
    if now is not None and had is not None:
        both = changed_bubbles(had, now)
        said = bubbles(now) if both is None else both
        before = bubbles(had) if both is None else []
    elif now is not None:
        said = bubbles(now)
    elif had is not None:
        before = bubbles(had)
    whole = now or had
    found = noted.get(sample.key, []) if sample.key is not None else []
    names = [f"{code} {summaries[code].meta.name}" if code in summaries else code for code in sample.rules]
    messages = 0 if whole is None else len(whole.said) + whole.left_out
    return ExampleView(
        place=place(sample.location),
        split=short(sample.split, 40),
        title="" if whole is None else _title(whole),
        about=counted(messages, "message"),
        said=said,
        before=before,
        gone=now is None,
        tools=", ".join(short(name, 60) for name in whole.tools) if whole is not None else "",
        left_out=counted(whole.left_out, "more message") if whole is not None and whole.left_out else "",
        rules=", ".join(names),
        noted=[
            Noted(
                summary.meta.code,
                str(finding.severity),
                summary.meta.code.lower(),
                sentence(render_message(summary.meta, finding.args), 240),
            )
            for summary, finding, _ in found[:MOST_FINDINGS]
        ],
        more=max(0, len(found) - MOST_FINDINGS),
    )


def _title(talk: Talk) -> str:
    """How the conversation begins: what the user says first."""
    asked = [said for said in talk.said if said.role == "user"] or list(talk.said)
    text = " ".join(" ".join(piece.text for piece in asked[0].pieces).split()) if asked else ""
    return short(text, _LONGEST_TITLE)
