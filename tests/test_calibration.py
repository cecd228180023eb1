"""The calibration: its page is its results, each rule has faults to be found, and planted ones are counted.

That rules meet their goals is for `python benchmarks/calibration/run.py` to say, which needs the corpora.
"""

from __future__ import annotations

import importlib
import json
import pkgutil
import random
import sys
from pathlib import Path
from typing import Any

import pytest

from dsprep.catalog.registry import rule_references

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def calibration() -> Any:
    """The module that runs it, with all planters in their table."""
    sys.path.insert(0, str(ROOT / "benchmarks"))
    try:
        run = importlib.import_module("calibration.run")
        for module in pkgutil.iter_modules(run.planters.__path__):
            importlib.import_module(f"calibration.planters.{module.name}")
    finally:
        sys.path.remove(str(ROOT / "benchmarks"))
    return run


def test_the_page_is_that_of_the_results(calibration: Any) -> None:
    results = json.loads((ROOT / "benchmarks" / "calibration" / "results.json").read_text("utf-8"))
    page = (ROOT / "docs" / "calibration.md").read_text("utf-8")
    assert page == calibration.page.rendered(results), "run.py --render writes it anew"
    assert set(results["rules"]) == set(rule_references())


def test_every_rule_has_faults_to_be_planted(calibration: Any) -> None:
    assert set(calibration.PLANTERS) == set(rule_references())


def test_planted_faults_are_counted(calibration: Any, tmp_path: Path) -> None:
    rows = [
        {
            "messages": [
                {"role": "user", "content": f"How much is {i}?"},
                {"role": "assistant", "content": f"It is {i}."},
            ]
        }
        for i in range(30)
    ]
    (found,) = calibration.PLANTERS["SCH003"]
    count = calibration.measure_rows(found, rows, tmp_path, planted=5, rng=random.Random(1))
    assert (count.planted, count.found, count.missed) == (5, 5, [])
    planter = calibration.Planter("SCH003", lambda rng, row, n: row)
    count = calibration.measure_rows(planter, rows, tmp_path, planted=5, rng=random.Random(1))
    assert (count.planted, count.found, len(count.missed)) == (5, 0, 5)
    (sets,) = calibration.PLANTERS["ENC009"]
    assert calibration.measure_sets(sets, rows, tmp_path, sets=3, rng=random.Random(1)).found == 3
    assert calibration.alarms([*rows, {"messages": []}], tmp_path, ["SCH003"]) == {"SCH003": [30]}
