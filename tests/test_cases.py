"""Every YAML case of every rule, as one generated test."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dsprep.testing import check_case, load_cases

CASES = Path(__file__).parent / "cases"


def _all() -> list[Any]:
    found = []
    for file in sorted(CASES.glob("*.yaml")):
        rule, cases = load_cases(file)
        found += [pytest.param(rule, case, id=f"{rule}-{case['name']}") for case in cases]
    return found


@pytest.mark.parametrize(("rule", "case"), _all())
def test_case(rule: str, case: dict[str, Any], tmp_path: Path) -> None:
    check_case(rule, case, tmp_path)
