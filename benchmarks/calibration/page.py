"""docs/calibration.md from results.json."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dsprep.catalog.registry import rule_class

PAGE = Path(__file__).resolve().parents[2] / "docs" / "calibration.md"

#: The goals of a rule: of planted faults it finds such a share, and of a thousand clean rows it reports no more than so
#: many, unless its severity is info.
RECALL, PER_THOUSAND = 0.98, 1.0

_INTRODUCTION = """# Calibration

How many faults each rule finds, and how often it is wrong, by `benchmarks/calibration/run.py`. This page is written
from `benchmarks/calibration/results.json`, misses included.

```sh
python benchmarks/calibration/corpora.py --clones FOLDER       # the clean text, from clones of public repositories
python benchmarks/calibration/run.py --docs                    # the whole table, and this page
python benchmarks/calibration/run.py --rules TXT001 --show 10  # one rule, with what it missed and what it reported
```

**Recall.** For each rule there are planters (`benchmarks/calibration/planters/`), which put its fault into clean text
in many variants, seeded. Faults of rows are planted into data sets of 600 rows of each kind of text that they make
sense in; faults of whole data sets are whole data sets. A rule's own test cases are not among them. `found` is the
share of planted faults that the rule reports; the goal is 0.98. Whoever wrote a rule wrote its planters and read what
it missed, so faults that nobody thought of are missed more often than this says.

**Alarms.** Each rule that is on by default reads the clean rows: how many of a thousand it reports. The goal is at most
1 for errors and warnings. Rules were mended on these very texts. Text from the world is not wholly clean: rows that
were reported were read, and those where the finding is true are in `benchmarks/calibration/true_findings.json`, by
hash. They do not count; their rate stands in brackets.

The kinds of text: {kinds}.
"""

_KINDS: Mapping[str, str] = {
    "maths": "word problems with `<<48/2=24>>`",
    "code": "programs without fences",
    "chat": "answers of three models in Markdown, with fences, tables, tags and lists",
    "multilingual": "paragraphs and questions in 16 languages, Persian with its ZWNJ among them",
    "tweets": "tweets with a feeling as label",
    "pages": "articles of the web",
    "tools": "declared functions and calls of them",
}


def family(kind: str) -> str:
    """`chat-b` is chat, too."""
    return kind.partition("-")[0]


def results(
    codes: Sequence[str],
    recall: Mapping[str, Mapping[str, Any]],
    clean: Mapping[str, Mapping[str, tuple[int, int]]],
    rows: Mapping[str, int],
) -> dict[str, Any]:
    """What was measured, as JSON. `clean` has, by kind and code, how many rows were reported and how many of them
    truly; `recall`, by code and kind, counts of planted and found faults."""
    kinds: dict[str, int] = {}
    for kind, count in rows.items():
        kinds[family(kind)] = kinds.get(family(kind), 0) + count
    rules: dict[str, Any] = {}
    for code in codes:
        meta = rule_class(code).meta
        found: dict[str, list[int]] = {}
        for kind, count in recall.get(code, {}).items():
            whole = found.setdefault(family(kind), [0, 0])
            whole[0] += count.planted
            whole[1] += count.found
        alarms: dict[str, list[int]] = {}
        for kind, by_code in clean.items():
            if meta.default:
                reported, true = by_code.get(code, (0, 0))
                whole = alarms.setdefault(family(kind), [0, 0])
                whole[0] += reported
                whole[1] += true
        rules[code] = {"name": meta.name, "severity": str(meta.severity), "recall": found, "alarms": alarms}
    return {"rows": kinds, "rules": rules}


def as_lines(measured: Mapping[str, Any]) -> str:
    """The results as JSON with a line for each rule, so that a change of one is a change of one line."""
    rules = ",\n".join(f" {json.dumps(code)}: {json.dumps(rule)}" for code, rule in measured["rules"].items())
    return f'{{"rows": {json.dumps(measured["rows"])},\n"rules": {{\n{rules}\n}}}}\n'


def table(measured: Mapping[str, Any]) -> str:
    """The table in Markdown."""
    kinds = list(measured["rows"])
    lines = [
        f"| rule | severity | planted | found | {' | '.join(f'alarms: {kind}' for kind in kinds)} | met |",
        f"|---|---|--:|--:|{'--:|' * len(kinds)}---|",
    ]
    for code, rule in measured["rules"].items():
        planted = sum(count[0] for count in rule["recall"].values())
        found = sum(count[1] for count in rule["recall"].values())
        share = f"{found / planted:.3f}" if planted else "–"
        cells, worst = [], 0.0
        for kind in kinds:
            if kind not in rule["alarms"]:
                cells.append("–")
                continue
            reported, true = rule["alarms"][kind]
            rate = 1000 * (reported - true) / measured["rows"][kind]
            worst = max(worst, rate)
            cells.append(_rate(rate) + (f" ({_rate(1000 * true / measured['rows'][kind])})" if true else ""))
        quiet = worst <= PER_THOUSAND or rule["severity"] == "info"
        met = "yes" if quiet and (not planted or found / planted >= RECALL) else "**no**"
        lines.append(
            f"| {code} {rule['name']} | {rule['severity']} | {planted or '–'} | {share} | {' | '.join(cells)} "
            f"| {met if planted else 'not planted' if quiet else '**no**'} |"
        )
    return "\n".join(lines) + "\n"


def _rate(value: float) -> str:
    return "0" if not value else f"{value:.2f}"


def rendered(measured: Mapping[str, Any]) -> str:
    """The whole page."""
    kinds = "; ".join(f"{kind} ({_KINDS[kind]}, {rows:,} rows)" for kind, rows in measured["rows"].items())
    return _INTRODUCTION.format(kinds=kinds) + "\n" + table(measured)


def write(measured: Mapping[str, Any]) -> None:
    """Write docs/calibration.md."""
    PAGE.write_text(rendered(measured), "utf-8")
