"""TAB004 ambiguous-header."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, ClassVar

from dsprep.folds.faults import SourceFaultRule
from dsprep.model.batch import Batch
from dsprep.model.finding import Finding, Severity
from dsprep.model.record import Fault
from dsprep.model.rule import RuleMeta


class AmbiguousHeader(SourceFaultRule):
    """A column of a table has no name, or the name of another one.

    ## What it does
    Reports columns of a CSV or TSV file whose cell in the header is empty, or the same as that of a column before it;
    white space at the ends does not count, capital letters do. No cell is lost: the column goes by another name, which
    the finding says and which mappings and packs may use. A first column without a name is mostly the index that pandas
    writes, and only worth an info.

    ## Why it matters
    Which of two columns called `text` is meant nobody can say. pandas calls the second one `text.1`, Python's `csv`
    keeps the last one alone, a database refuses the file: the same file trains different models.

    ## Example
    ```
    text,label,text
    I liked it,positive,Me gustó
    ```

    ## Fix
    None: give the column a name, or leave it out. An index of pandas is left out by `to_csv(…, index=False)`.

    ## Source
    W3C, Model for Tabular Data and Metadata on the Web, 2015: column names are required and unique within a table.
    """

    meta: ClassVar[RuleMeta] = RuleMeta(
        code="TAB004",
        name="ambiguous-header",
        severity=Severity.ERROR,
        message="column {number} {fault}; it goes by {name!r}",
        summary="a table's column without a name, or with the name of another one",
    )

    def find(self, batch: Batch) -> Iterator[Finding]:
        for finding in super().find(batch):
            index = finding.args["number"] == 1 and not finding.args["header"]
            if index and self.meta.code not in self.context.severities:
                yield replace(finding, severity=Severity.INFO)
            else:
                yield finding

    @staticmethod
    def arguments(fault: Fault) -> Mapping[str, Any]:
        header, first = fault.args["header"], fault.args["first"]
        said = f"is called {header[:80]!r}, like column {first}" if header else "has no name"
        return {**fault.args, "header": header[:80], "name": fault.args["name"][:80], "fault": said}
