"""TAB001 ragged-row."""

from __future__ import annotations

from dsprep.folds.faults import SourceFaultRule
from dsprep.model.finding import Severity
from dsprep.model.rule import RuleMeta


class RaggedRow(SourceFaultRule):
    """A row of a table has more or fewer cells than the header.

    ## What it does
    Reports rows of a CSV file whose number of cells differs from that of the header. The row is kept: cells that are
    missing are empty, cells too many are kept beside the others.

    ## Why it matters
    Mostly an unquoted comma or line break has cut a text in two, so that texts stand in the wrong columns: the model
    learns the wrong answer, or half of it.

    ## Example
    ```
    text,label
    Well, I liked it,positive
    ```

    ## Fix
    None: where the text was cut cannot be known. Export the table again with texts in quotes.

    ## Source
    RFC 4180, section 2.4: each line should contain the same number of fields throughout the file.
    """

    meta = RuleMeta(
        code="TAB001",
        name="ragged-row",
        severity=Severity.ERROR,
        message="{found} cells, but the header has {expected}",
        summary="a table's row with too few or too many cells",
    )
