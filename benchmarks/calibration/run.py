"""Recall on planted faults, and alarms on clean text, for every rule.

    python benchmarks/calibration/run.py [--corpora FOLDER] [--rules CODES] [--kinds NAMES] [--show N] [--docs]

Per rule and kind of text it prints the share of planted faults that the rule finds, and how many rows of a thousand
clean ones it reports. Into a data set of `--rows` clean rows `--planted` faults are planted for a rule that looks at
rows; a rule about the data as a whole gets `--sets` faulty data sets. Seeded: the same corpora and code give the same
table. `corpora.py` makes the corpora. `--docs` writes results.json and docs/calibration.md, from a whole run only.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib
import json
import pkgutil
import random
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from calibration import page, planters  # noqa: E402
from calibration.planting import PLANTERS, Planter, Row  # noqa: E402
from dsprep import api  # noqa: E402
from dsprep.catalog.registry import rule_class, rule_references, select_codes  # noqa: E402
from dsprep.config import Settings  # noqa: E402
from dsprep.model.report import Report  # noqa: E402

RESULTS = HERE / "results.json"
#: Rows of the corpora whose finding is true: code to hash of the row to the reason.
VERDICTS = HERE / "true_findings.json"
SEED = 20261121


@dataclass
class Count:
    """Faults planted and found, of one rule in one kind of text."""

    planted: int = 0
    found: int = 0
    missed: list[Any] = field(default_factory=list)


def load(folder: Path, kinds: Sequence[str]) -> dict[str, list[Row]]:
    """The corpora by kind."""
    names = kinds or sorted(path.stem for path in folder.glob("*.jsonl"))
    corpora = {}
    for name in names:
        file = folder / f"{name}.jsonl"
        if not file.is_file():
            raise SystemExit(f"{file} is not there; corpora.py makes it")
        corpora[name] = [json.loads(line) for line in file.read_text("utf-8").split("\n") if line]
    return corpora


def lint(files: Mapping[str, Path], **settings: Any) -> Report:
    """The report on files by split (the split of one is "")."""
    chosen = Settings.model_validate({"workers": 1, "executor": "serial", "max_findings": 100_000, **settings})
    splits = {split: [path] for split, path in files.items() if split}
    return api.lint([path for split, path in files.items() if not split], **splits, settings=chosen)


def rows_found(report: Report, code: str) -> set[int]:
    """The 0-based numbers of rows with a finding of the rule, those that it names besides included."""
    found = set()
    for summary in report.summaries:
        if summary.meta.code == code:
            for finding in summary.tally.sorted():
                for place in (finding.location, *finding.related):
                    number = place.line if place.line is not None else place.row
                    if number is not None:
                        found.add(number - 1)
    return found


def write(rows: Iterable[Row], path: Path) -> Path:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8", "surrogatepass")
    return path


def measure_rows(planter: Planter, clean: list[Row], folder: Path, *, planted: int, rng: random.Random) -> Count:
    """Plant faults into rows of a data set that stays clean otherwise, and see which of them are found."""
    rows: list[Row] = list(clean)
    blocks: list[list[int]] = []
    later: list[tuple[int, Row]] = []
    order = list(range(len(clean)))
    rng.shuffle(order)
    for n, place in enumerate(order):
        if len(blocks) == planted:
            break
        made = planter.plant(rng, json.loads(json.dumps(clean[place])), n)
        if made is None:
            continue
        together = made if isinstance(made, list) else [made]
        rows[place] = together[0]
        blocks.append([place])
        later += [(len(blocks) - 1, row) for row in together[1:]]
    for number, row in later:
        blocks[number].append(len(rows))
        rows.append(row)
    count = Count(len(blocks))
    if not blocks:
        return count
    report = lint({"": write(rows, folder / "planted.jsonl")}, **settings_of(planter))
    found = rows_found(report, planter.code)
    for block in blocks:
        if found.isdisjoint(block):
            count.missed.append(rows[block[0]])
        else:
            count.found += 1
    return count


def measure_sets(planter: Planter, clean: list[Row], folder: Path, *, sets: int, rng: random.Random) -> Count:
    """Make faulty data sets, and see of which the rule says so."""
    count = Count()
    for n in range(sets):
        part = [json.loads(json.dumps(row)) for row in rng.sample(clean, min(len(clean), 300))]
        made = planter.plant(rng, part, n)
        if made is None:
            continue
        if planter.scope == "file":
            name, data = made
            path = folder / Path(name).name
            path.write_bytes(data)
            files = {"": path}
        elif planter.scope == "splits":
            files = {split: write(rows, folder / f"{split}.jsonl") for split, rows in made.items()}
        else:
            files = {"": write(made, folder / "set.jsonl")}
        report = lint(files, **settings_of(planter))
        count.planted += 1
        if any(summary.meta.code == planter.code and summary.tally.total for summary in report.summaries):
            count.found += 1
        else:
            count.missed.append(n)
    return count


def settings_of(planter: Planter) -> dict[str, Any]:
    """The settings that a planter's data are linted with."""
    name = rule_class(planter.code).meta.name
    out: dict[str, Any] = {"select": (planter.code,), **planter.settings}
    if planter.options:
        out["rules"] = {name: planter.options}
    if planter.target:
        out["target"] = planter.target
    return out


def alarms(clean: list[Row], folder: Path, codes: Sequence[str]) -> dict[str, list[int]]:
    """The rows of clean text that each rule reports, by code; [-1] for a finding about the whole."""
    report = lint({"": write(clean, folder / "clean.jsonl")}, select=tuple(codes))
    if report.errors:
        raise SystemExit(f"a rule failed: {report.errors[0]}")
    found: dict[str, list[int]] = {}
    for summary in report.summaries:
        lines = {finding.location.line or 0 for finding in summary.tally.sorted()}
        found[summary.meta.code] = sorted(line - 1 for line in lines)
    return found


def digest(rows: list[Row], line: int) -> str:
    """What names a row in VERDICTS; a finding about the whole is named by all rows."""
    said = rows[line] if line >= 0 else rows
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:16]


def main() -> None:
    """Measure, and print or write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpora", type=Path, default=Path.home() / ".cache" / "dsprep-calibration")
    parser.add_argument("--rules", nargs="*", default=["ALL"])
    parser.add_argument("--kinds", nargs="*", default=[])
    parser.add_argument(
        "--rows", type=int, default=600, help="rows of a data set into which faults of rows are planted"
    )
    parser.add_argument("--planted", type=int, default=60)
    parser.add_argument("--sets", type=int, default=6)
    parser.add_argument("--show", type=int, default=0, help="show so many missed faults and alarms of each rule")
    parser.add_argument("--no-alarms", action="store_true")
    parser.add_argument("--docs", action="store_true")
    parser.add_argument("--render", action="store_true", help="write the page from results.json, and measure nothing")
    given = parser.parse_args()
    if given.render:
        page.write(json.loads(RESULTS.read_text("utf-8")))
        return
    for module in pkgutil.iter_modules(planters.__path__):
        importlib.import_module(f"calibration.planters.{module.name}")
    codes = select_codes(given.rules)
    corpora = load(given.corpora, given.kinds)
    verdicts = json.loads(VERDICTS.read_text("utf-8")) if VERDICTS.is_file() else {}
    recall: dict[str, dict[str, Count]] = {}
    clean: dict[str, dict[str, tuple[int, int]]] = {}
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        for kind, rows in corpora.items():
            if not given.no_alarms:
                found = alarms(rows, folder, [code for code in codes if rule_class(code).meta.default])
                judged = {
                    code: {line for line in lines if digest(rows, line) in verdicts.get(code, {})}
                    for code, lines in found.items()
                }
                clean[kind] = {code: (len(lines), len(judged[code])) for code, lines in found.items()}
                for code, lines in sorted(found.items()) if given.show else ():
                    left = [line for line in lines if line not in judged[code]]
                    print(
                        f"{kind}: {code} reports {len(left)} of {len(rows)} clean rows, and {len(judged[code])} truly"
                    )
                    for line in left[: given.show]:
                        print(f"    {digest(rows, line)}")
                        print(f"    {json.dumps(rows[line], ensure_ascii=False)[:600] if line >= 0 else '(the whole)'}")
            for code in codes:
                for planter in PLANTERS.get(code, ()):
                    if planter.kinds is not None and kind not in planter.kinds:
                        continue
                    rng = random.Random(f"{SEED} {kind} {code} {planter.plant.__name__}")
                    if planter.scope == "row":
                        part = rows if len(rows) <= given.rows else rng.sample(rows, given.rows)
                        count = measure_rows(planter, part, folder, planted=given.planted, rng=rng)
                    else:
                        count = measure_sets(planter, rows, folder, sets=given.sets, rng=rng)
                    whole = recall.setdefault(code, {}).setdefault(kind, Count())
                    whole.planted += count.planted
                    whole.found += count.found
                    for row in count.missed[: given.show]:
                        print(f"{kind}: {code} missed {json.dumps(row, ensure_ascii=False)[:600]}")
    results = page.results(codes, recall, clean, {kind: len(rows) for kind, rows in corpora.items()})
    print(page.table(results))
    if given.docs:
        if set(codes) != set(rule_references()) or given.kinds or given.no_alarms:
            raise SystemExit("--docs is for a run of all rules on all corpora")
        RESULTS.write_text(page.as_lines(results), "utf-8")
        page.write(results)


if __name__ == "__main__":
    main()
