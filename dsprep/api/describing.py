"""What a report says beyond the statistics of the fold: overlap of splits, and which targets would take the data."""

from __future__ import annotations

from collections.abc import Mapping

from dsprep.api.session import Session
from dsprep.catalog.packs import target_texts
from dsprep.engine.folding import Folded
from dsprep.folds.overlap import overlap
from dsprep.folds.statistics import StatisticsFold, StatisticsState
from dsprep.model.finding import Severity
from dsprep.model.report import Report
from dsprep.model.target import Target
from dsprep.reports import DECISIVE_GROUPS, DECISIVE_RULES, fixable, judge, prepared, standing
from dsprep.targets.loading import all_targets
from dsprep.targets.outlook import Checked, Standing, outlook
from dsprep.text.sensitive.showing import concealed, masked_text

#: What the target rejects is no part of the shape that is asked of `prepare`, so leaving it out is conversion.
CONVERSION = ("SCH008",)
#: Of so many bytes on, only a sample of the examples is asked for its language where no rule asks all of them.
_SAMPLED_FROM = 2_000_000
#: A sample is one example in a power of two, of at most so many.
_MOST_SAMPLED = 4096


def statistics_of(session: Session) -> StatisticsFold:
    """The fold for a run. Tokens are counted if a rule counts them anyway, or if nothing but the statistics is asked
    for; so are languages of all examples. Where tokens are counted and no rule asks for languages, they are told of a
    sample: about as many examples as 2 MB hold."""
    codes = [rule.meta.code for rule in session.rules]
    tokens = not codes or any(code.startswith("TOK") for code in codes)
    if not tokens and "LNG001" not in codes:
        return StatisticsFold(session.context, tokens=False, languages=0)
    one_in = 1
    if codes and "LNG001" not in codes:
        while one_in < _MOST_SAMPLED and session.bytes > one_in * _SAMPLED_FROM:
            one_in *= 2
    return StatisticsFold(session.context, tokens=tokens, languages=one_in)


def described(report: Report, session: Session, folded: Folded, statistics: StatisticsFold) -> Report:
    """`report`, whose `stats` are those of `statistics`, with `overlap` and `targets` among them: see
    docs/json-report.md. `session` and `folded` are those of the run over the data that the statistics describe."""
    state: StatisticsState = folded.states["statistics"]
    stats = report.stats
    stats["overlap"] = overlap(folded.tallies, stats["splits"]) if folded.tallies else []
    targets = all_targets(target_texts())
    checked = _checked(report, session.target)
    # Reasons quote names of members.
    stats["targets"] = concealed(
        outlook(stats, lambda limit: statistics.beyond(state, limit), targets, checked), masked_text
    )
    return report


def _checked(report: Report, target: Target) -> Checked:
    of_code = {summary.meta.code: summary for summary in report.summaries}
    found: Mapping[str, int] = {
        **{code: n for code, n in standing(report, Severity.WARNING).items() if code in DECISIVE_RULES},
        **{code: n for code, n in standing(report, Severity.ERROR).items() if code[:3] in DECISIVE_GROUPS},
    }
    left = {}
    for code, n in found.items():
        safe, unsafe = fixable(report, of_code[code])
        mended = safe + (unsafe if code in CONVERSION else 0)
        left[code] = Standing(of_code[code].meta.name, n, max(n - mended, 0))
    return Checked(
        target,
        judge(report).accepted,
        left,
        ["jsonl"] if prepared(report) else [info.format for info in report.inputs],
        report.rules_run,
    )
