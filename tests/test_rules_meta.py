"""What must hold of every rule: documented, tested, registered under its own name, and its page in step."""

from __future__ import annotations

from pathlib import Path

import pytest

from dsprep.catalog.pages import SECTIONS, rule_page
from dsprep.catalog.registry import rule_class, rule_names, rule_references
from dsprep.model.rule import FixAvailability
from dsprep.testing import load_cases

ROOT = Path(__file__).parent.parent
CODES = list(rule_references())


@pytest.mark.parametrize("code", CODES)
def test_a_rule_is_registered_as_what_it_is(code: str) -> None:
    meta = rule_class(code).meta
    assert meta.code == code
    assert rule_names()[meta.name] == code


@pytest.mark.parametrize("code", CODES)
def test_a_rule_has_its_documentation(code: str) -> None:
    text = rule_class(code).documentation()
    places = [text.find(f"## {section}\n") for section in SECTIONS]
    assert -1 not in places, f"{code} lacks one of {SECTIONS}"
    assert places == sorted(places)
    assert text.partition("\n")[0].endswith("."), "the first line is one sentence"
    for name, field in rule_class(code).Options.model_fields.items():
        assert field.description, f"option {name} has no description"


@pytest.mark.parametrize("code", CODES)
def test_a_rule_has_its_cases(code: str) -> None:
    meta = rule_class(code).meta
    rule, cases = load_cases(ROOT / "tests" / "cases" / f"{meta.name}.yaml")
    assert rule == meta.name
    assert any(case.get("expect") for case in cases), "no failing case"
    assert any(not case.get("expect") for case in cases), "no passing case"
    if meta.fix is not FixAvailability.NEVER:
        assert any("fixed" in case for case in cases), "a rule that fixes needs a case that shows the fix"


@pytest.mark.parametrize("code", CODES)
def test_a_rules_page_is_what_the_code_renders(code: str) -> None:
    page = ROOT / "docs" / "rules" / f"{rule_class(code).meta.name}.md"
    assert page.read_text("utf-8") == rule_page(code), f"run: python docs/build.py ({page})"
