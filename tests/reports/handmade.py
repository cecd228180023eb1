"""Reports made by hand: one that has everything, one that is clean, one that is out to get whoever shows it."""

from __future__ import annotations

from typing import Any

from dsprep.model.finding import Finding, Severity, Tally
from dsprep.model.fix import Applicability, DropRow, Fix, Relabel, Remove, Replace
from dsprep.model.location import Location, row_key
from dsprep.model.report import EngineError, Funnel, FunnelStep, Report, RuleSummary
from dsprep.model.rule import RuleMeta
from dsprep.model.source import InputInfo

#: Everything that has ever broken out of a report, in one string.
HOSTILE = (
    "</script><script>alert(1)</script><img src=x onerror=alert(2)>'\"&<!--]]>{{7*7}}{% raw %}"
    "\x1b[31mred\x1b]8;;http://evil.example\x07link\x1b]8;;\x07\x9b2J\r\x08"
    "\u202eevil\u202c\u2066\u200b\U000e0041\x00\ud800[red]rich[/red][/] :smile: \u2028javascript:alert(3)"
)


def tally(*findings: Finding, total: int | None = None, limit: int = 100) -> Tally:
    """The tally of `findings`; with `total`, as if the first had come that often and the list had been cut."""
    out = Tally(limit).extend(findings)
    if total is not None:
        first = findings[0]
        more = total - out.total
        out.total = total
        out.counts[first.severity, first.fix.applicability if first.fix else None] += more
    return out


def at(line: int, field: str | None = None, path: str = "train.jsonl") -> Location:
    """A place in a JSONL file, with a made-up byte offset."""
    return Location(path, line, None, (line - 1) * 210, field)


UNKNOWN_ROLE = RuleMeta(
    "SCH005",
    "unknown-role",
    Severity.ERROR,
    "role `{role}` is not one of {allowed}",
    "A message has a role that the target does not know.",
)
TOO_MANY = RuleMeta(
    "TOK001",
    "too-many-tokens",
    Severity.ERROR,
    "{tokens:,} tokens, {over:,} above the limit of {limit:,}",
    "An example has more tokens than the model takes.",
)
TOO_FEW = RuleMeta(
    "SET001",
    "too-few-examples",
    Severity.ERROR,
    "{examples} examples, {target} wants at least {minimum}",
    "The data set is smaller than the target's minimum.",
)
DUPLICATE = RuleMeta(
    "DUP001",
    "exact-duplicate",
    Severity.WARNING,
    "the same example as {kept}",
    "The same example occurs more than once.",
)
CONTROL = RuleMeta(
    "TXT003",
    "control-character",
    Severity.WARNING,
    "{count} control characters, first {first}",
    "A text holds control characters other than newline and tab.",
)
VARIANTS = RuleMeta(
    "BAL004",
    "label-spelling-variants",
    Severity.WARNING,
    "label `{label}` ({rows} rows) is a spelling of `{canonical}`",
    "Labels differ in spelling alone.",
)
NO_VALIDATION = RuleMeta(
    "SET004", "no-validation-split", Severity.INFO, "no validation data named", "No validation data is named."
)
BLANK = RuleMeta("ENC003", "blank-line", Severity.WARNING, "blank line", "An empty line inside a JSON lines file.")


STATS: dict[str, Any] = {
    "rows": 30_007,
    "examples": 30_004,
    "undecodable": 2,
    "not_conversations": 1,
    "blank_lines": 3,
    "target": "openai:gpt-3.5-turbo-0125",
    "encoding": "cl100k_base",
    "limit": {
        "tokens": 16_385,
        "source": "https://platform.openai.com/docs/guides/fine-tuning",
        "as_of": "2026-11-01",
        "unverified": False,
    },
    "formats": {"chat": 30_004},
    "roles": {"system": 30_004, "user": 31_001, "assistant": 31_000, "(other)": 4},
    "all": {
        "rows": 30_007,
        "examples": 30_004,
        "turns": {"min": 3, "mean": 3.067, "median": 3, "p5": 3, "p95": 3, "max": 9, "total": 92_009},
        "tokens": {"min": 14, "mean": 90.394, "median": 81, "p5": 39, "p95": 170, "max": 20_113, "total": 2_712_274},
        "trained_tokens": {"min": 1, "mean": 9.2, "median": 5, "p5": 1, "p95": 31, "max": 812, "total": 276_100},
        "over_limit": 1,
    },
    "splits": {
        "train": {
            "rows": 27_004,
            "examples": 27_001,
            "turns": {"min": 3, "mean": 3.067, "median": 3, "p5": 3, "p95": 3, "max": 9, "total": 82_799},
            "tokens": {"min": 14, "mean": 90.37, "median": 81, "p5": 39, "p95": 169, "max": 20_113, "total": 2_440_163},
            "trained_tokens": {"min": 1, "mean": 9.2, "median": 5, "p5": 1, "p95": 31, "max": 812, "total": 248_490},
            "over_limit": 1,
        },
        "validation": {
            "rows": 3_003,
            "examples": 3_003,
            "turns": {"min": 3, "mean": 3.067, "median": 3, "p5": 3, "p95": 3, "max": 7, "total": 9_210},
            "tokens": {"min": 17, "mean": 90.613, "median": 82, "p5": 39, "p95": 170.9, "max": 370, "total": 272_111},
            "trained_tokens": {"min": 1, "mean": 9.2, "median": 5, "p5": 1, "p95": 30, "max": 402, "total": 27_610},
            "over_limit": 0,
        },
    },
    "histogram": {
        "scale": "log",
        "edges": [
            *(12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 1536, 2048, 3072, 4096, 6144, 8192),
            *(12_288, 16_384, 24_576),
        ],
        "counts": {
            "train": [5, 97, 410, 2640, 4828, 9331, 5426, 3515, 613, 128, 7, *[0] * 10, 1],
            "validation": [0, 7, 51, 288, 514, 1017, 646, 394, 64, 22, *[0] * 12],
        },
    },
    "training": {
        "examples": 27_001,
        "epochs": 1,
        "tokens_per_epoch": 2_436_435,
        "billed_tokens": 2_436_435,
    },
    "labels": {
        "source": "field",
        "classes": 4,
        "splits": {
            "train": {"neutral": 10_901, "positive": 8_409, "negative": 7_660, "Positive ": 31},
            "validation": {"neutral": 1_211, "positive": 934, "negative": 858},
        },
        "unlabelled": {"train": 0, "validation": 0},
    },
}


def full_report(stats: dict[str, Any] | None = None) -> Report:
    """A report in which every part has something to show."""
    roles = [
        Finding(
            "SCH005",
            Severity.ERROR,
            at(line, f"/messages/{i}/role"),
            row_key(0, line - 1),
            {"role": role, "allowed": "system, user, assistant, tool", "excerpt": f'"role": "{role}"'},
            fix=Fix(kind, (Replace(f"/messages/{i}/role", new),)),
        )
        for line, i, role, new, kind in [
            (3, 0, "human", "user", Applicability.UNSAFE),
            (3, 1, "gpt", "assistant", Applicability.UNSAFE),
            (17, 0, "User", "user", Applicability.SAFE),
            (1042, 4, "narrator", "user", Applicability.UNSAFE),
        ]
    ]
    long = Finding(
        "TOK001",
        Severity.ERROR,
        at(88),
        row_key(0, 87),
        {"tokens": 20_113, "limit": 16_385, "over": 3_728, "excerpt": "Summarise the following minutes of the meet"},
        fix=Fix(Applicability.UNSAFE, (DropRow(),)),
    )
    few = Finding(
        "SET001",
        Severity.ERROR,
        Location("validation.jsonl"),
        None,
        {"examples": 4, "target": "openai:gpt-3.5-turbo-0125", "minimum": 10},
    )
    twins = [
        Finding(
            "DUP001",
            Severity.WARNING,
            at(line),
            row_key(0, line - 1),
            {"kept": "train.jsonl:4", "excerpt": "What are your opening hours on public holidays?"},
            (at(4),),
            Fix(Applicability.UNSAFE, (DropRow(),)),
        )
        for line in (9, 12, 40, 41, 77)
    ]
    control = Finding(
        "TXT003",
        Severity.WARNING,
        at(6, "/messages/1/content"),
        row_key(0, 5),
        {"count": 2, "first": "U+0008", "excerpt": "Press \x08 to go back,\x1b[0m then\ttry again"},
        fix=Fix(Applicability.SAFE, (Replace("/messages/1/content", "Press  to go back,[0m then\ttry again"),)),
    )
    label = Finding(
        "BAL004",
        Severity.WARNING,
        Location("reviews.csv", 5, 4, 611, None, "sentiment"),
        row_key(1, 3),
        {"label": "Positive ", "canonical": "positive", "rows": 31},
        fix=Fix(Applicability.UNSAFE, (Relabel("Positive ", "positive"),)),
        rows=31,
    )
    moved = Finding(
        "SET004",
        Severity.INFO,
        Location("train.jsonl"),
        fix=Fix(Applicability.UNSAFE, (DropRow(), Remove("/split"))),
    )
    return Report(
        tool="dsprep 0.1.0",
        inputs=[
            InputInfo("train.jsonl", "jsonl", 8_812_044, "9f" * 32, "train", "utf-8", ["recognised as chat"]),
            InputInfo("validation.jsonl", "jsonl", 91_007, "0a" * 32, "validation", "utf-8-sig"),
            InputInfo("reviews.csv", "csv", 120_400, "c3" * 32, None, "windows-1252"),
        ],
        settings={
            "command": "lint",
            "target": "openai:gpt-3.5-turbo-0125",
            "encoding": "cl100k_base",
            "seed": 0,
            "workers": 8,
            "select": ["default"],
            "options": {"too-many-tokens": {"limit": 16_385}, "class-imbalance": {"max_ratio": 10}},
        },
        summaries=[
            RuleSummary(UNKNOWN_ROLE, tally(*roles)),
            RuleSummary(TOO_FEW, tally(few)),
            RuleSummary(TOO_MANY, tally(long)),
            RuleSummary(DUPLICATE, tally(*twins, total=1_237, limit=5)),
            RuleSummary(CONTROL, tally(control), fixed=12),
            RuleSummary(VARIANTS, tally(label)),
            RuleSummary(NO_VALIDATION, tally(moved)),
            RuleSummary(BLANK, Tally(100), fixed=3),
        ],
        stats=STATS if stats is None else stats,
        funnel=Funnel(
            31_014,
            [FunnelStep("train", 27_001), FunnelStep("validation", 3_003)],
            [
                FunnelStep("rejected", 1_003, "DUP001 exact-duplicate"),
                FunnelStep("rejected", 7, "SCH005 unknown-role"),
            ],
        ),
        notes=[
            "reviews.csv: took `text` for the prompt, `sentiment` for the label; say otherwise by --user and --label.",
            "labels come from the assistant's answers: 3 distinct short answers in 31,014 examples.",
        ],
        errors=[],
        rules_run=(
            *("BAL004", "DUP001", "DUP002", "DUP003", "ENC003", "LEK001"),
            *("LEK002", "SCH005", "SET001", "SET004", "TOK001", "TXT003"),
        ),
    )


def clean_report() -> Report:
    """Sixty rows without a finding."""
    return Report(
        tool="dsprep 0.1.0",
        inputs=[InputInfo("clean.jsonl", "jsonl", 12_044, "1b" * 32)],
        settings={"command": "lint", "target": "openai:gpt-3.5-turbo-0125", "seed": 0},
        summaries=[],
        stats={},
        funnel=Funnel(60, [FunnelStep("checked", 60)]),
        rules_run=("SCH005", "TOK001"),
    )


def hostile_report(text: str = HOSTILE) -> Report:
    """The same string everywhere that data, file names or exceptions can bring it."""
    meta = RuleMeta("TXT001", "html-residue", Severity.WARNING, "found {excerpt}", "Tags left in prose.")
    other = RuleMeta("TXT004", "invisible-character", Severity.WARNING, "at {place}: {none:,}", "Invisible.")
    place = Location(text, 1, 1, 0, None, text)
    found = Finding(
        "TXT001",
        Severity.WARNING,
        place,
        row_key(0, 0),
        {"excerpt": text, "huge": 10**600, "big": 2**70, "nan": float("nan"), text: [text, {"a": ()}]},
        (Location(text, 2, pointer=f"/{text}"),),
        Fix(Applicability.SAFE, (Replace(f"/{text}", text), Relabel(text, text))),
    )
    quoted = Finding(
        "TXT004", Severity.WARNING, Location(text), None, {"place": text, "none": None, "excerpt": text * 50}
    )
    return Report(
        tool="dsprep 0.1.0",
        inputs=[InputInfo(text, text, 1, text, text, text, [text])],
        settings={"command": "lint", "target": text, text: {text: text}},
        summaries=[RuleSummary(meta, tally(found), fixed=1), RuleSummary(other, tally(quoted))],
        stats=with_text(STATS, text) | {"labels": {"source": text, "splits": {text: {text: 3, "": 1}}}},
        funnel=Funnel(2, [FunnelStep(text, 1)], [FunnelStep(text, 1, text)]),
        notes=[text],
        errors=[EngineError("TXT009", text, text)],
    )


def with_text(value: Any, text: str = HOSTILE) -> Any:
    """`value` with `text` in place of every string."""
    if isinstance(value, dict):
        return {key: with_text(item, text) for key, item in value.items()}
    if isinstance(value, list):
        return [with_text(item, text) for item in value]
    return text if isinstance(value, str) else value
