"""Reports: one module per output format. What several formats need stands here: siblings never import each other."""

from __future__ import annotations

import os
import re
import shlex
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from hashlib import blake2b
from json import dumps
from typing import Any

import orjson

from dsprep.model.finding import Finding, Severity, fingerprint, numbered
from dsprep.model.fix import Applicability, Fix
from dsprep.model.meta import RuleMeta
from dsprep.model.report import Comparison, EngineError, FunnelStep, Report, RuleSummary, render_message
from dsprep.opening import is_url

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

#: The version of the JSON format, not of dsprep. It changes only when a key changes its meaning or goes away.
VERSION = "1"

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


def quoted(text: str) -> str:
    """`text` as a word that bash reads, in one line and with nothing hidden in it."""
    shown = visible(text.replace("\\", "\\\\"))
    return shlex.quote(text) if visible(text) == text else "$'" + shown.replace("'", r"\'") + "'"


def as_toml(value: Any) -> str:
    """A value as TOML in one line. JSON is TOML but for objects, and for what is nothing."""
    if isinstance(value, Mapping):
        pairs = (f"{dumps(str(key))} = {as_toml(inner)}" for key, inner in value.items() if inner is not None)
        return "{" + ", ".join(pairs) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(as_toml, value)) + "]"
    return dumps(value, default=str)


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
    # `prepare` has made files for the upload; what is checked here may still have to become one.
    made = prepared(report) or all(info.format == "jsonl" for info in report.inputs)
    headline = f"Would be accepted {by}" if made else f"Would be accepted {by} once it is converted"
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


def as_json(report: Report) -> dict[str, Any]:
    """`report` as plain JSON data, exactly what parsing the output of `dumps` gives back."""
    return {
        "version": VERSION,
        "tool": plain(report.tool),
        "inputs": plain(_inputs_as_dicts(report)),
        "settings": plain(decisive_settings(report), sort=True),
        "summary": plain(_summary_as_dict(report)),
        "stats": plain(report.stats),
        "funnel": plain(
            {
                "rows_in": report.funnel.rows_in,
                "rows_out": report.funnel.rows_out,
                "rows_rejected": report.funnel.rows_rejected,
                "reconciles": report.funnel.reconciles,
                "out": [_step_as_dict(step) for step in report.funnel.out],
                "rejected": [_step_as_dict(step) for step in report.funnel.rejected],
            }
        ),
        "findings": [
            finding_as_dict(finding, summary.meta, content) for summary, finding, content in listed_findings(report)
        ],
    }


def _inputs_as_dicts(report: Report) -> list[dict[str, Any]]:
    return [
        {
            "path": info.path,
            "format": info.format,
            "bytes": info.bytes,
            "sha256": info.sha256,
            "split": info.split,
            "encoding": info.encoding,
            "notes": list(info.notes),
        }
        for info in report.inputs
    ]


def _summary_as_dict(report: Report) -> dict[str, Any]:
    return {
        "verdict": judge(report).as_dict(),
        "counts": {str(severity): report.count(severity) for severity in Severity},
        "fixable": {str(kind): report.fixable(kind) for kind in Applicability},
        "fixed": sum(summary.fixed for summary in report.summaries),
        "rules": [_rule_as_dict(summary) for summary in report.summaries],
        "hidden": {
            "baseline": dict(sorted(report.hidden.baseline.items())),
            "suppressed": dict(sorted(report.hidden.suppressed.items())),
            "errors": report.hidden.errors.total(),
            "stale": report.hidden.stale,
            "unused": report.hidden.unused,
        },
        "rules_run": list(report.rules_run),
        "notes": list(report.notes),
        "errors": [{"code": e.code, "path": e.path, "message": e.message} for e in report.errors],
        **({} if report.comparison is None else {"comparison": _comparison(report.comparison)}),
    }


def _comparison(comparison: Comparison) -> dict[str, Any]:
    """Pairs are before, now."""
    return {
        "path": comparison.path,
        "tool": comparison.tool,
        "verdict": list(comparison.verdict),
        "accepted": list(comparison.accepted),
        "rows": list(comparison.rows),
        "rows_out": list(comparison.rows_out),
        "counts": {name: list(pair) for name, pair in comparison.counts.items()},
        "new": comparison.new,
        "gone": comparison.gone,
        "exact": comparison.exact,
        "rules": [
            {
                "code": change.code,
                "name": change.name,
                "severity": str(change.severity),
                "before": change.before,
                "now": change.now,
                "new": change.new,
                "gone": change.gone,
                "exact": change.exact,
            }
            for change in comparison.rules
        ],
        "unchanged": comparison.unchanged,
        "not_run": list(comparison.not_run),
        "not_run_before": list(comparison.not_run_before),
        "settings": {name: list(pair) for name, pair in comparison.settings.items()},
        "inputs": comparison.inputs,
        "tokens": comparison.tokens,
        "labels": comparison.labels,
        "languages": comparison.languages,
        "notes": comparison.notes,
    }


def _rule_as_dict(summary: RuleSummary) -> dict[str, Any]:
    tally = summary.tally
    return {
        "code": summary.meta.code,
        "name": summary.meta.name,
        "severity": str(summary.severity),
        "summary": summary.meta.summary,
        "count": tally.total,
        "listed": len(tally.sorted()),
        "fixable": {str(kind): tally.fixable(kind) for kind in Applicability},
        "fixed": summary.fixed,
    }


def _step_as_dict(step: FunnelStep) -> dict[str, Any]:
    out: dict[str, Any] = {"name": step.name, "rows": step.rows}
    if step.reason:
        out["reason"] = step.reason
    return out


def listed_findings(report: Report) -> Iterator[tuple[RuleSummary, Finding, bytes | None]]:
    """All listed findings in the order of the report, each with what its row is known by, as far as that is known."""
    # `prepare` looks at its output, too, whose rows have keys of their own.
    inputs = {info.path for info in report.inputs}
    for summary in report.summaries:
        for finding in summary.tally.sorted():
            known = finding.key is not None and finding.location.path in inputs
            yield summary, finding, report.contents.get(finding.key) if known and finding.key is not None else None


def known_as(report: Report) -> list[tuple[RuleSummary, Finding, str]]:
    """All listed findings in the order of the report, each with 32 hexadecimal digits and a number by which another run
    knows it again, wherever its row stands then: those of its code, of what its row says, and of the field; of findings
    of which these are the same, which one it is (`1` for the first).

    Where `Report.contents` does not say what the row says, it is what the finding says (see `model.finding`).
    """
    listed = []
    digests = []
    for summary, finding, content in listed_findings(report):
        listed.append((summary, finding))
        if content is None:
            digests.append(fingerprint(finding, summary.meta.about))
            continue
        said = f"{finding.code}\0{finding.location.field or ''}\0".encode("utf-8", "backslashreplace")
        digests.append(blake2b(said + content, digest_size=16, person=b"dsprep row").hexdigest())
    return [(*pair, known) for pair, known in zip(listed, numbered(digests), strict=True)]


def told(summary: RuleSummary, finding: Finding) -> tuple[str, str | None]:
    """What a finding says, for formats that show its file and line apart: the sentence with the row of a file without
    lines, and with the field; and the excerpt, if it is not in there. Both are made visible, the first is cut short."""
    location = finding.location
    message = render_message(summary.meta, finding.args)
    excerpt = excerpt_of(finding, message)
    row = f"row {location.row}: " if location.line is None and location.row is not None else ""
    field = f" (at {shortened(visible(location.field), 160)})" if location.field else ""
    return f"{row}{shortened(visible(message), 400)}{field}", None if excerpt is None else visible(excerpt)


def shortened(text: str, most: int) -> str:
    """`text`, or its beginning with an ellipsis behind it: no more than `most` characters."""
    return text if len(text) <= most else text[: most - 1] + "…"


def unlisted(report: Report) -> list[str]:
    """A sentence on each rule of which not all findings are listed."""
    return [
        f"{summary.meta.code} {summary.meta.name}: {summary.tally.total:,} findings, of which the first {listed:,} are "
        "listed; the setting max-findings says how many"
        for summary in report.summaries
        if summary.tally.total > (listed := len(summary.tally.sorted()))
    ]


def path_below(path: str, root: str | None) -> str:
    """The path of an input as seen from the folder `root`, the root of a repository (None: the working directory),
    with slashes; that of one elsewhere, a URL or `-` as it is."""
    if path == "-" or is_url(path):
        return path
    try:
        below = os.path.relpath(path, root)
    except ValueError:  # on another drive
        return path
    outside = below == os.pardir or below.startswith(os.pardir + os.sep)
    return (path if outside else below).replace(os.sep, "/")


def finding_as_dict(finding: Finding, meta: RuleMeta, content: bytes | None = None) -> dict[str, Any]:
    """The JSON form of a finding (docs/json-report.md); what it returns survives a JSON round trip unchanged. `content`
    is what its row is known by, if that is known (see `Report.contents`)."""
    out: dict[str, Any] = {
        "code": finding.code,
        "name": meta.name,
        "severity": str(finding.severity),
        "message": render_message(meta, finding.args),
        "location": finding.location.as_dict(),
        "related": [location.as_dict() for location in finding.related],
        "args": plain(dict(finding.args), sort=True),
        "fix": _fix(finding.fix) if finding.fix else None,
    }
    if finding.rows != 1:
        out["rows"] = finding.rows
    out["fingerprint"] = fingerprint(finding, meta.about)
    if content is not None:
        out["content"] = content.hex()
    cleaned: dict[str, Any] = plain(out)
    return cleaned


def _fix(fix: Fix) -> dict[str, Any]:
    """The JSON form of a fix. What it would write may hold what is nobody's business; then it is shown masked, and
    marked so: written like that, it would spoil the row."""
    # Most reports show no fix, and what is remembered of an earlier run is to be there at once.
    from dsprep.text.sensitive.showing import concealed, masked_text

    out = fix.as_dict()
    edits = concealed(out["edits"], masked_text)
    return out if edits is out["edits"] else {**out, "edits": edits, "masked": True}


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
