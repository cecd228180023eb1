"""TAB003 expectation-failed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator, Field, WithJsonSchema

from dsprep.folds.expectations import Expected, checker, expected_from
from dsprep.model.batch import Batch
from dsprep.model.finding import Finding, Severity
from dsprep.model.rule import ExampleRule, RuleContext, RuleMeta, RuleOptions


class ExpectationFailedOptions(RuleOptions):
    expectations: Annotated[
        tuple[Expected, ...], BeforeValidator(expected_from), WithJsonSchema({"type": ["object", "array"]})
    ] = Field(
        (),
        description="what to expect of rows, in the names and arguments of Great Expectations: "
        "`{expect_column_values_to_not_be_null: {column: text}}`, or a list of such",
    )


class ExpectationFailed(ExampleRule):
    """A row of a table is not as an expectation of yours says.

    ## What it does
    Runs expectations of Great Expectations on rows of tables, as they were read: those of CSV files, and JSON records
    that are no conversations. Give them in the section `table:` of a pack, or as the option `expectations`. Only such
    as look at one row are taken: `expect_column_values_to_…`, `expect_column_value_lengths_…`,
    `expect_column_pair_values_…`, `expect_multicolumn_sum_to_equal` and
    `expect_select_column_values_to_be_unique_within_record`. Those that look at all rows together are refused, with
    what to use instead.

    An empty cell is null. A cell is compared as a number where the arguments are numbers, and as a date where they are
    dates; a cell that is none is unexpected, and so is a row that has no such column.

    ## Why it matters
    You know your tables: that stars go from 1 to 5, that no review is empty. dsprep cannot know.

    ## Example
    ```yaml
    table:
      - expect_column_values_to_be_between: {column: stars, min_value: 1, max_value: 5}
    ```

    ## Fix
    None: what the cell should be only you know.

    ## Source
    Great Expectations, https://greatexpectations.io/expectations; nothing is sent to its makers.
    """

    meta: ClassVar[RuleMeta] = RuleMeta(
        code="TAB003",
        name="expectation-failed",
        severity=Severity.ERROR,
        message="{expectation} fails: {reason}",
        summary="a row of a table that an expectation of a pack does not take",
        default=False,
    )
    Options = ExpectationFailedOptions

    def __init__(self, context: RuleContext, options: RuleOptions | None = None) -> None:
        super().__init__(context, options)
        if self.options.expectations:
            checker(self.options.expectations)  # says now what is wrong with them

    def find(self, batch: Batch) -> Iterator[Finding]:
        if not self.options.expectations:
            return
        for found in checker(self.options.expectations)(batch):
            args: dict[str, Any] = found.args()
            yield self.finding(found.location(batch), key=batch.key(found.row), args=args)
