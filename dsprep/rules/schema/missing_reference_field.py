"""SCH015 missing-reference-field."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from pydantic import Field

from dsprep.model.batch import Batch
from dsprep.model.chat import shown
from dsprep.model.finding import Finding, Severity
from dsprep.model.record import UNDECODED
from dsprep.model.rule import ExampleRule, RuleMeta, RuleOptions

_STEP = r"""\s*(?:\.\s*[A-Za-z_][\w-]*|\[\s*(?:\d{1,9}|'[^'\]]{1,200}'|"[^"\]]{1,200}")\s*\])"""
_REFERENCE = re.compile(r"\{\{\s*item((?:" + _STEP + r")+)\s*(?:\|[^{}]*)?\}\}")
_STEPS = re.compile(r"""\.\s*([A-Za-z_][\w-]*)|\[\s*(\d{1,9})\s*\]|\[\s*(?:'([^']*)'|"([^"]*)")\s*\]""")
#: So many fields are told; the others are counted.
_TOLD = 5


class MissingReferenceFieldOptions(RuleOptions):
    """Options of missing-reference-field."""

    templates: tuple[str, ...] = Field(
        (), description="the texts of the grader in which `{{ item.field }}` stands for a field of the record"
    )


class MissingReferenceField(ExampleRule):
    """A grader's template names a field that the record has not got.

    ## What it does
    Takes the references to the record out of `templates`: `{{item.answer}}`, `{{ item.facts.dates[0] }}`,
    `{{ item["final answer"] }}`, and looks each of them up in every record, as it is in the file. A field that is there
    and null is there. References to the model's output (`{{ sample.output_text }}`) are passed over. One finding for
    each record. Without templates nothing is reported, so the rule is off by default.

    ## Why it matters
    Reinforcement fine-tuning grades each answer against fields of the record. Without the field the grader compares
    with nothing: the job fails, or rewards what is wrong.

    ## Example
    With `templates = ["{{ item.reference_answer }}"]`:
    ```json
    {"messages": [{"role": "user", "content": "6 times 7?"}], "reference": "42"}
    ```

    ## Fix
    None: add the field, or correct the template.

    ## Source
    OpenAI's guide to reinforcement fine-tuning and to graders: templates refer to the record as `item`.
    """

    meta = RuleMeta(
        code="SCH015",
        name="missing-reference-field",
        severity=Severity.WARNING,
        message="the grader refers to {fields}, which the record lacks",
        summary="a grader template names an item field that the record lacks",
        default=False,
    )
    Options = MissingReferenceFieldOptions

    def find(self, batch: Batch) -> Iterator[Finding]:
        references = references_in(self.options.templates)
        if not references:
            return
        for i, record in enumerate(batch.records):
            if record.value is UNDECODED or not isinstance(record.value, dict):
                continue
            missing = [name for name, path in references.items() if not _has(record.value, path)]
            if missing:
                told = ", ".join(f"`{shown(name, 60)}`" for name in missing[:_TOLD])
                more = f" and {len(missing) - _TOLD} more" if len(missing) > _TOLD else ""
                yield self.at(batch, i, args={"fields": told + more, "missing": len(missing)})


def references_in(templates: tuple[str, ...]) -> dict[str, list[str | int]]:
    """The references to fields of the record in `templates`, by their names, with the path each leads."""
    found: dict[str, list[str | int]] = {}
    for template in templates:
        for match in _REFERENCE.finditer(template):
            path: list[str | int] = []
            for name, index, quoted, double in _STEPS.findall(match[1]):
                path.append(int(index) if index else name or quoted or double)
            found.setdefault("item" + re.sub(r"\s+(?=[.\[])|(?<=[.\[])\s+", "", match[1].strip()), path)
    return found


def _has(value: Any, path: list[str | int]) -> bool:
    for part in path:
        if isinstance(part, int):
            if not isinstance(value, list) or part >= len(value):
                return False
            value = value[part]
        elif not isinstance(value, dict) or part not in value:
            return False
        else:
            value = value[part]
    return True
