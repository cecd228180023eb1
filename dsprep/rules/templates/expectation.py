"""The template `expectation`: rows of a table that an expectation of Great Expectations does not take."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar, Self

from pydantic import Field, model_validator

from dsprep.folds.expectations import checker, expected_from
from dsprep.folds.templates import Template
from dsprep.model.batch import Batch
from dsprep.model.finding import Finding
from dsprep.model.rule import ExampleRule, RuleContext, RuleOptions


class ExpectationOptions(RuleOptions):
    expectation: str = Field(
        description="the name of a column expectation of Great Expectations that looks at one row, such as "
        "expect_column_values_to_be_in_set"
    )
    arguments: dict[str, Any] = Field(description="its arguments, such as {column: stars, value_set: [1, 2, 3, 4, 5]}")

    @model_validator(mode="after")
    def _known(self) -> Self:
        expected_from({self.expectation: self.arguments})
        return self


class ExpectationTemplate(Template, ExampleRule):
    """A row of a table is not as an expectation says."""

    Options = ExpectationOptions
    message = "{expectation} fails: {reason}"
    placeholders: ClassVar[dict[str, type]] = {
        "expectation": str,
        "column": str,
        "value": str,
        "reason": str,
        "excerpt": str,
    }

    @classmethod
    def does(cls, options: Any) -> str:
        (expected,) = expected_from({options.expectation: options.arguments})
        return f"Reports rows of tables for which `{expected}` of Great Expectations fails."

    def __init__(self, context: RuleContext, options: RuleOptions | None = None) -> None:
        super().__init__(context, options)
        self._expected = expected_from({self.options.expectation: self.options.arguments})
        checker(self._expected)  # says now what is wrong with it

    def find(self, batch: Batch) -> Iterator[Finding]:
        for found in checker(self._expected)(batch):
            yield self.finding(found.location(batch), key=batch.key(found.row), args=found.args())
