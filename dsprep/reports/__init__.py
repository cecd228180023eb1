"""Reports: one module per output format. What several formats need stands here: siblings never import each other."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import orjson

from dsprep.model.finding import Finding, Severity
from dsprep.model.fix import Applicability
from dsprep.model.meta import RuleMeta
from dsprep.model.report import EngineError, Report, RuleSummary, render_message

# Characters that a reader cannot see, or that change how the text around them is shown: controls, surrogates, line and
# paragraph separators, formatting characters (bidi, zero width, tags), fillers that are letters by name only, the
# variation selectors that can carry hidden bytes, and noncharacters. C0 is kept apart because JSON escapes it itself.
_C0 = "\x00-\x1f"
_UNSEEN = (
    "\x7f-\x9f\xad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u115f\u1160\u17b4\u17b5\u180b-\u180f"
    "\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ud800-\udfff\ufdd0-\ufdef\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff"
    "\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
_HIDDEN = re.compile(f"[{_C0}{_UNSEEN}]")
_HIDDEN_IN_JSON = re.compile(f"[{_UNSEEN}]")
_HIDDEN_OR_NOT_ASCII = re.compile(r"[^\x20-\x7e]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_HOW_NOT_WHAT = frozenset({"workers", "executor", "output-format", "output_format"})
# orjson writes 254 levels; a finding stands a few levels deep in the report.
_DEEPEST = 200
_SHORT = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}

#: The groups of rules whose errors a backend acts upon when it reads the file. An error of another group (an overlap of
#: splits, say) harms the result, but the upload goes through.
DECISIVE_GROUPS = frozenset({"ENC", "SCH", "CNV", "TOL", "SET", "TAB"})
#: Rules that only warn, since a fix mends what they find without loss, but until then the upload is refused.
DECISIVE_RULES = frozenset({"SCH013"})


def visible(text: str, *, ascii_only: bool = False) -> str:
    r"""`text` in one line with every hidden character escaped (`\n`, `\x1b`, `\u202e`, `\U000e0041`).

    Dataset text is hostile: shown as it is, it could colour or clear a terminal, turn the reading order around, or
    hide words. With `ascii_only`, everything beyond ASCII is escaped, for outputs that cannot encode it.
    """
    return (_HIDDEN_OR_NOT_ASCII if ascii_only else _HIDDEN).sub(_escape, text)


def _escape(match: re.Match[str]) -> str:
    character = match[0]
    short = _SHORT.get(character)
    if short is not None:
        return short
    code = ord(character)
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def segments(text: str) -> Iterator[tuple[str, bool]]:
    """The pieces of `text`, each made visible, and whether the piece is the escape of one hidden character.

    Unlike searching the output of `visible` for escapes, it tells a newline from a backslash with an n behind it.
    """
    start = 0
    for match in _HIDDEN.finditer(text):
        if match.start() > start:
            yield text[start : match.start()], False
        yield _escape(match), True
        start = match.end()
    if start < len(text):
        yield text[start:], False


def counted(n: int, word: str, plural: str | None = None) -> str:
    """`n` with its noun: `1 row`, `31,014 rows`. `info` has no plural."""
    if n != 1 and word != "info":
        word = plural or f"{word}s"
    return f"{n:,} {word}"


def listed_words(words: Iterable[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    items = list(words)
    return " and ".join(filter(None, [", ".join(items[:-1]), *items[-1:]]))


def excerpt_of(finding: Finding, message: str) -> str | None:
    """The offending text, or None where there is none or the message quotes it whole already."""
    excerpt = finding.args.get("excerpt")
    if not isinstance(excerpt, str) or not excerpt or excerpt in message:
        return None
    return excerpt


class Status(StrEnum):
    """The verdict in one word."""

    PASS = "pass"  # noqa: S105
    WARN = "warn"
    FAIL = "fail"
    INCOMPLETE = "incomplete"


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the target would take the data, and why, in one sentence.

    `accepted` is None when a rule failed, because then nothing is known. `headline` is the sentence's first half,
    short enough for a title.
    """

    status: Status
    accepted: bool | None
    target: str | None
    headline: str
    reason: str

    @property
    def sentence(self) -> str:
        return f"{self.headline}: {self.reason}"

    def as_dict(self) -> dict[str, Any]:
        return {
            "status": str(self.status),
            "accepted": self.accepted,
            "target": self.target,
            "sentence": self.sentence,
        }


def judge(report: Report) -> Verdict:
    """The verdict on `report`.

    Errors of the decisive groups make the upload fail; other errors do not, but they are reasons not to train on the
    data as it is. What `prepare` has mended or put aside is no longer part of the data, and does not count.
    """
    target = target_name(report)
    by = f"by {target}" if target else "as it is"
    if report.errors:
        codes = listed_words(dict.fromkeys(error.code for error in report.errors))
        reason = f"{codes} stopped with an error, so what it would have found is unknown."
        return Verdict(Status.INCOMPLETE, None, target, "The check is incomplete", reason)

    errors = standing(report, Severity.ERROR)
    # What somebody has accepted does not count here either, but a backend may see it otherwise.
    known = report.hidden.errors.total()
    aside = f"{counted(known, 'error')} not counted (see the notes); " if known else ""
    if prepared(report) and report.funnel.rows_rejected:
        aside += f"{report.funnel.rows_rejected:,} of {counted(report.funnel.rows_in, 'row')} are put aside; "
    total = sum(errors.values())
    decisive = {code: n for code, n in errors.items() if code[:3] in DECISIVE_GROUPS}
    if decisive:
        stopping = sum(decisive.values())
        some = f"{stopping:,} of {total:,} errors" if stopping < total else counted(total, "error")
        reason = f"{aside}{some} would stop the upload, {_commonest(report, decisive)}."
        return Verdict(Status.FAIL, False, target, f"Would not be accepted {by}", reason)
    foreign = {code: n for code, n in standing(report, Severity.WARNING).items() if code in DECISIVE_RULES}
    if foreign:
        n = counted(sum(foreign.values()), "record")
        reason = f"{aside}{n} in another format would stop the upload, {_commonest(report, foreign)}."
        return Verdict(Status.FAIL, False, target, f"Would not be accepted {by}", reason)
    headline = f"Would be accepted {by}"
    if errors:
        reason = f"{aside}{counted(total, 'error')} would spoil the result, {_commonest(report, errors)}."
        return Verdict(Status.FAIL, True, target, f"{headline}, but would not train well", reason)
    warnings = standing(report, Severity.WARNING)
    if warnings:
        n = counted(sum(warnings.values()), "warning")
        return Verdict(Status.WARN, True, target, headline, f"{aside}no errors, {n}, {_commonest(report, warnings)}.")
    infos = sum(standing(report, Severity.INFO).values())
    reason = f"no errors, no warnings, {counted(infos, 'info')}." if infos else "no rule found anything."
    if prepared(report) and any(summary.tally.total for summary in report.summaries):
        reason = "no errors and no warnings are left."
    return Verdict(Status.PASS, True, target, headline, aside + reason)


def standing(report: Report, severity: Severity) -> dict[str, int]:
    """How many findings of `severity` still hold for the data that the run leaves behind: by code, worst rule first,
    rules without any left out."""
    out = {summary.meta.code: _standing(report, summary, severity) for summary in report.summaries}
    return {code: n for code, n in out.items() if n > 0}


def _standing(report: Report, summary: RuleSummary, severity: Severity) -> int:
    n = summary.tally.of_severity(severity)
    if not n or not prepared(report):
        return n
    # `prepare` reports what it found in its input: what it mended is counted among it …
    n -= summary.fixed
    # … and rows with errors that it could not mend are put aside, for the first error of each alone.
    reasons = {step.reason.split(" ")[0] for step in report.funnel.rejected}
    if summary.meta.code in reasons:
        return 0
    return 0 if reasons and severity is Severity.ERROR and _about_single_rows(summary) else n


def _about_single_rows(summary: RuleSummary) -> bool:
    """Whether a rule speaks of rows one by one, so that putting the row aside settles the matter."""
    findings = summary.tally.sorted()
    alone = summary.meta.code[:3] not in {"DUP", "LEK", "BAL", "SET"}
    return alone and all(finding.key is not None for finding in findings)


def _commonest(report: Report, counts: Mapping[str, int]) -> str:
    """The commonest rule of several, so that a sentence says what to open first."""
    code, n = min(counts.items(), key=lambda item: (-item[1], item[0]))
    name = f"{code} {report.meta(code).name}"
    if len(counts) > 1:
        return f"most often {name} ({n:,})"
    return f"{name}" if n == 1 else f"all of them {name}"


def fixable(report: Report, summary: RuleSummary) -> tuple[int, int]:
    """How many findings of the rule could still be fixed: safely, unsafely."""
    safe, unsafe = (summary.tally.fixable(kind) for kind in Applicability)
    if not prepared(report):
        return safe, unsafe
    # What is safe `prepare` has done by itself; what else it has done was unsafe.
    return 0, max(min(unsafe, safe + unsafe - summary.fixed), 0)


def in_place(report: Report) -> bool:
    """Whether `lint --fix` can rewrite the inputs; others are mended on the way to a new data set, by `prepare`."""
    return not prepared(report) and all(info.format == "jsonl" and info.path != "-" for info in report.inputs)


def failures(report: Report) -> list[tuple[EngineError, int]]:
    """The rules that failed: the first error of each, and how many more there were. A broken rule may fail on every
    row, and one line of it says as much as thousands."""
    counts = Counter(error.code for error in report.errors)
    first = {error.code: error for error in reversed(report.errors)}
    return [(first[code], n - 1) for code, n in counts.items()]


def prepared(report: Report) -> bool:
    """Whether the report is that of `prepare`: of what was found on the way from its input to what it wrote."""
    return command_of(report) == "prepare"


def command_of(report: Report) -> str:
    """The command that made the report: as the settings say, or `prepare` if rows went anywhere, or `lint`."""
    command = report.settings.get("command")
    if isinstance(command, str) and command:
        return command
    moved = report.funnel.rejected or any(step.name != "checked" for step in report.funnel.out)
    return "prepare" if moved else "lint"


def decisive_settings(report: Report) -> dict[str, Any]:
    """The settings without those that say only how the run was executed or shown: two runs that found the same must
    give the same report."""
    return {str(name): value for name, value in report.settings.items() if name not in _HOW_NOT_WHAT}


def target_name(report: Report) -> str | None:
    """The target's name as the user writes it, or None if the settings name none."""
    target = report.settings.get("target")
    if isinstance(target, Mapping):
        target = target.get("name")
    return target if isinstance(target, str) and target else None


def finding_as_dict(finding: Finding, meta: RuleMeta) -> dict[str, Any]:
    """The JSON form of a finding (docs/json-report.md); what it returns survives a JSON round trip unchanged."""
    out: dict[str, Any] = {
        "code": finding.code,
        "name": meta.name,
        "severity": str(finding.severity),
        "message": render_message(meta, finding.args),
        "location": finding.location.as_dict(),
        "related": [location.as_dict() for location in finding.related],
        "args": plain(dict(finding.args), sort=True),
        "fix": finding.fix.as_dict() if finding.fix else None,
    }
    if finding.rows != 1:
        out["rows"] = finding.rows
    cleaned: dict[str, Any] = plain(out)
    return cleaned


def plain(value: Any, *, sort: bool = False) -> Any:
    r"""`value` as any JSON parser would give it back; with `sort`, the keys of every object in order.

    What JSON, or common parsers of it, cannot hold is written so that it can be read: a lone surrogate as the six
    characters `\ud800`, an integer beyond 64 bits as a string of its digits, NaN and infinities as null, what is
    nested more than 200 deep as `…`.
    """
    option = orjson.OPT_SORT_KEYS if sort else 0
    try:
        return orjson.loads(orjson.dumps(value, option=option))
    except (TypeError, ValueError):
        return orjson.loads(orjson.dumps(_writable(value), option=option))


def _writable(value: Any, depth: int = 0) -> Any:
    if isinstance(value, str):
        return _SURROGATE.sub(_escape, str(value))
    if value is None or isinstance(value, bool | float):
        return value
    if isinstance(value, int):
        if -(2**63) <= value < 2**64:
            return int(value)
        # Python refuses decimal digits beyond a limit that users may lower to 640; hexadecimal has none.
        return str(int(value)) if value.bit_length() < 2000 else hex(value)
    if depth > _DEEPEST:
        return "…"
    if isinstance(value, Mapping):
        return {_writable(str(key)): _writable(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_writable(item, depth + 1) for item in value]
    return _writable(str(value))


def encoded(value: Any, option: int = 0) -> bytes:
    """Plain `value` as JSON in UTF-8, hidden characters escaped, so that even `cat report.json` is harmless."""
    text = orjson.dumps(value, option=option).decode()
    # Outside strings JSON is ASCII, so that replacing these characters anywhere is safe.
    return _HIDDEN_IN_JSON.sub(_json_escape, text).encode()


def _json_escape(match: re.Match[str]) -> str:
    """JSON has escapes of four digits alone: beyond them, a character is written as its two UTF-16 surrogates."""
    units = match[0].encode("utf-16-be").hex()
    return "".join(f"\\u{units[i : i + 4]}" for i in range(0, len(units), 4))
