"""Every case of every rule: whole, in pieces, in other orders, and fixed."""

from pathlib import Path

import pytest

from dsprep.testing import check_case, load_cases

CASES = [
    pytest.param(rule, case, id=f"{rule}-{case['name']}")
    for file in sorted((Path(__file__).parent.parent / "cases").glob("*.yaml"))
    for rule, cases in [load_cases(file)]
    for case in cases
]


@pytest.mark.parametrize(("rule", "case"), CASES)
def test_case(rule, case, tmp_path):
    check_case(rule, case, tmp_path)
