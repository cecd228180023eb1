"""Expectations of Great Expectations on the rows of tables: those that look at one row, run on pandas frames.

What an expectation says of a row must not depend on the rows that happen to be in the same batch. So cells are brought
into the form that the expectation compares, one by one, before a frame is made of them: pandas would give a whole
column one type. Great Expectations is imported when rows are looked at, and not before.
"""

from __future__ import annotations

import math
import os
import re
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from difflib import get_close_matches
from functools import cache
from typing import Any, Final

import orjson
from pydantic import BaseModel, ConfigDict

from dsprep.folds.places import as_read, as_text, is_table_row
from dsprep.folds.templates import EXCERPT
from dsprep.model import pointer as pointers
from dsprep.model.batch import Batch
from dsprep.model.location import Location
from dsprep.text.sensitive.showing import masked_text


class ExpectationError(ValueError):
    """An expectation that cannot be used. The message names it and says why, and what to use instead."""


class Expected(BaseModel):
    """One expectation: its name and its arguments, as Great Expectations has them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    arguments: dict[str, Any]

    @property
    def columns(self) -> list[str]:
        """The columns that it looks at."""
        given = self.arguments
        return [*(given[key] for key in ("column", "column_A", "column_B") if key in given)] or list(
            given.get("column_list", ())
        )

    def __str__(self) -> str:
        said = ", ".join(f"{key}={_shown(value)}" for key, value in self.arguments.items())
        return f"{self.name}({said})"


@dataclass(frozen=True, slots=True)
class Unexpected:
    """A row that an expectation does not take: its index in the batch, which one, the columns looked at, and why if
    the expectation itself could not be asked."""

    row: int
    expected: Expected
    columns: tuple[str, ...]
    values: tuple[Any, ...]
    reason: str = ""

    def args(self) -> dict[str, Any]:
        """What a finding says of it."""
        shown = [None if text is None else masked_text(text) for text in map(_text, self.values)]
        said = " and ".join("null" if value is None else repr(value[:EXCERPT]) for value in shown) or "missing"
        return {
            "expectation": str(self.expected),
            "column": ", ".join(self.columns),
            "value": said,
            "reason": self.reason or f"{'they are' if len(shown) > 1 else 'it is'} {said}",
            "excerpt": next((value for value in shown if value is not None), "")[:EXCERPT],
        }

    def location(self, batch: Batch) -> Location:
        """The cell; of several the first."""
        whole = batch.location(self.row)
        if is_table_row(batch, self.row):
            return replace(whole, column=self.columns[0])
        return replace(whole, pointer=(whole.pointer or "") + pointers.join([self.columns[0]]))


# --- which there are --------------------------------------------------------------------------------------------------

#: How the cells of a row are brought into the form that an expectation compares: the cells, with None for null, and the
#: arguments; None for cells that cannot be, with the reason.
Prepared = tuple[list[Any] | None, str]


def _as_they_are(cells: list[Any], arguments: Mapping[str, Any]) -> Prepared:
    return cells, ""


def _texts(cells: list[Any], arguments: Mapping[str, Any]) -> Prepared:
    return [_text(cell) for cell in cells], ""


def _only_texts(cells: list[Any], arguments: Mapping[str, Any]) -> Prepared:
    if all(cell is None or isinstance(cell, str) for cell in cells):
        return cells, ""
    return None, "it is no text"


def _members(cells: list[Any], arguments: Mapping[str, Any]) -> Prepared:
    given = arguments.get("value_set", arguments.get("value_pairs_set", ()))
    members = [item for entry in given for item in (entry if isinstance(entry, list | tuple) else [entry])]
    numbers = any(_number(member) is not None and not isinstance(member, str) for member in members)
    if not numbers:
        return cells, ""
    texts = {member for member in members if isinstance(member, str)}
    return [cell if cell in texts or (n := _number(cell)) is None else n for cell in cells], ""


def _numbers(cells: list[Any], arguments: Mapping[str, Any]) -> Prepared:
    found = [None if cell is None else _number(cell) for cell in cells]
    if any(a is None and b is not None for a, b in zip(found, cells, strict=True)):
        return None, "it is no number" if len(cells) == 1 else "they are no numbers"
    return found, ""


def _within(cells: list[Any], arguments: Mapping[str, Any]) -> Prepared:
    if any(_date(arguments.get(key)) is not None for key in ("min_value", "max_value")):
        dates = [None if cell is None else _date(cell) for cell in cells]
        if any(a is None and b is not None for a, b in zip(dates, cells, strict=True)):
            return None, "it is no date"
        return dates, ""
    return _numbers(cells, arguments)


def _comparable(cells: list[Any], arguments: Mapping[str, Any]) -> Prepared:
    found, _ = _numbers(cells, arguments)
    if found is None:
        found = [None if cell is None else _date(cell) for cell in cells]
        if any(a is None and b is not None for a, b in zip(found, cells, strict=True)):
            return None, "they are neither numbers nor dates"
    return found, ""


Prepare = Callable[[list[Any], Mapping[str, Any]], Prepared]

#: Those that look at one row, with the form that they take cells in.
ROW_WISE: Final[Mapping[str, Prepare]] = {
    "expect_column_values_to_be_null": _as_they_are,
    "expect_column_values_to_not_be_null": _as_they_are,
    "expect_column_values_to_be_in_set": _members,
    "expect_column_values_to_not_be_in_set": _members,
    "expect_column_values_to_be_between": _within,
    "expect_column_value_lengths_to_be_between": _texts,
    "expect_column_value_lengths_to_equal": _texts,
    "expect_column_values_to_match_regex": _texts,
    "expect_column_values_to_not_match_regex": _texts,
    "expect_column_values_to_match_regex_list": _texts,
    "expect_column_values_to_not_match_regex_list": _texts,
    "expect_column_values_to_match_strftime_format": _only_texts,
    "expect_column_values_to_be_dateutil_parseable": _only_texts,
    "expect_column_values_to_be_json_parseable": _only_texts,
    "expect_column_pair_values_to_be_equal": _as_they_are,
    "expect_column_pair_values_a_to_be_greater_than_b": _comparable,
    "expect_column_pair_values_to_be_in_set": _members,
    "expect_multicolumn_sum_to_equal": _numbers,
    "expect_select_column_values_to_be_unique_within_record": _as_they_are,
}
#: What to use instead of those that look at more than a row.
_INSTEAD: Final = (
    (r"unique", "which compares rows; the rules exact-duplicate and near-duplicate do"),
    (r"increasing|decreasing", "which compares rows with the ones before them; dsprep has no rule for order"),
    (r"row_count|column_count|columns_to_match|column_to_exist", "which is about the table; set rules and the "
     "template required-field look at that"),
    (r"proportion_of_non_null", "which is a share of all rows; use the template ratio with `field`"),
    (r"json_schema", "which may fetch schemas; use the template json-schema"),
    (r"type", "which depends on how pandas stores a column; use the template json-schema with `in: record`"),
    (r"like_pattern", "which pandas has not; use expect_column_values_to_match_regex"),
)  # fmt: skip
_AGGREGATE: Final = "which is about all rows together; use the template ratio, or `dsprep stats`"
#: Arguments that make what is said of a row depend on others, or that are not the user's to give.
_NOT_TAKEN: Final[Mapping[str, str]] = {
    "mostly": "how many rows may fail is no matter of one row; use the template ratio",
    "row_condition": "it is code; use several packs, or a rule in Python",
    "condition_parser": "it is code; use several packs, or a rule in Python",
    "result_format": "dsprep sets it",
    "catch_exceptions": "dsprep sets it",
    "batch_id": "dsprep sets it",
    "windows": "dsprep sets it",
}


def expected_from(value: Any) -> tuple[Expected, ...]:
    """The expectations that a pack gives: a mapping from name to arguments (or to a list of such), or a list of such
    mappings. Raises ExpectationError."""
    if isinstance(value, Expected):
        return (value,)
    if isinstance(value, list | tuple):
        return tuple(expected for item in value for expected in expected_from(item))
    if not isinstance(value, Mapping):
        raise ExpectationError(f"an expectation is written as NAME: {{column: …}}, not as {value!r}")
    found: list[Expected] = []
    for name, given in value.items():
        for arguments in given if isinstance(given, list | tuple) else [given]:
            if not isinstance(arguments, Mapping):
                raise ExpectationError(f"{name}: its arguments are written as {{column: …}}, not as {arguments!r}")
            found.append(_checked(str(name), {str(key): item for key, item in arguments.items()}))
    return tuple(found)


def _checked(name: str, arguments: dict[str, Any]) -> Expected:
    if name not in ROW_WISE:
        why = next((why for pattern, why in _INSTEAD if re.search(pattern, name)), None)
        near = get_close_matches(name, list(ROW_WISE), 1, 0.9)
        if why is None and near:
            raise ExpectationError(f"there is no expectation {name!r} that looks at single rows; is {near[0]!r} meant?")
        if not name.startswith("expect_"):
            raise ExpectationError(f"there is no expectation {name!r}; there are {', '.join(ROW_WISE)}")
        raise ExpectationError(f"{name} is not one that looks at single rows, {why or _AGGREGATE}")
    for key, why in _NOT_TAKEN.items():
        if key in arguments:
            raise ExpectationError(f"{name}: {key!r} is not taken: {why}")
    if any(isinstance(value, Mapping) for value in arguments.values()):
        raise ExpectationError(f"{name}: an argument is a value or a list, not a mapping")
    expected = Expected(name=name, arguments=arguments)
    if not expected.columns or not all(isinstance(column, str) for column in expected.columns):
        raise ExpectationError(f"{name}: it does not say at which column it looks")
    bounds = [arguments[key] for key in ("min_value", "max_value") if arguments.get(key) is not None]
    if name == "expect_column_values_to_be_between" and not (
        all(_number(bound) is not None for bound in bounds) or all(_date(bound) is not None for bound in bounds)
    ):
        raise ExpectationError(f"{name}: min_value and max_value are numbers, or dates such as 2026-01-31")
    for key in ("regex", "regex_list"):
        given = arguments.get(key, [])
        for pattern in given if isinstance(given, list | tuple) else [given]:
            try:
                re.compile(pattern)
            except (re.error, TypeError) as error:
                raise ExpectationError(f"{name}: {pattern!r} is no regular expression: {error}") from error
    return expected


# --- running them -----------------------------------------------------------------------------------------------------


@dataclass
class Checker:
    """Asks expectations about the rows of a batch. Make one with `checker`, which keeps it for the process."""

    expected: Sequence[Expected]
    _suite: Any = None
    _definition: Any = field(default=None, repr=False)

    def __post_init__(self) -> None:
        gx, module = _great_expectations()
        made = []
        for number, expected in enumerate(self.expected):
            kind = getattr(module, _class_name(expected.name), None)
            if kind is None:
                raise ExpectationError(f"this version of Great Expectations, {gx.__version__}, has no {expected.name}")
            try:
                made.append(kind(**self._arguments(number, expected), meta={"number": number}))
            except Exception as error:
                raise ExpectationError(f"{expected.name}: {_reason(error)}") from error
        self._suite = gx.ExpectationSuite(name="dsprep", expectations=made)
        context = gx.get_context(mode="ephemeral")
        context.variables.progress_bars = {"globally": False, "metric_calculations": False}
        asset = context.data_sources.add_pandas("rows").add_dataframe_asset("rows")
        self._definition = asset.add_batch_definition_whole_dataframe("rows")

    def __call__(self, batch: Batch) -> Iterator[Unexpected]:
        """The rows of `batch` that one of the expectations does not take, by expectation."""
        rows = [row for row in range(len(batch)) if _tabular(batch, row)]
        if not rows:
            return
        columns: dict[str, list[Any]] = {}
        # What the expectation itself is not asked: it gets nulls there, and what it says of them is not used.
        unasked: list[dict[int, Unexpected]] = []
        for number, expected in enumerate(self.expected):
            unasked.append({})
            names = expected.columns
            filled: list[list[Any]] = [[] for _ in names]
            for position, row in enumerate(rows):
                cells, found = self._row(batch, row, expected)
                if found is not None:
                    unasked[number][position] = found
                for column, cell in zip(filled, cells, strict=True):
                    column.append(cell)
            columns.update({_name(number, place): column for place, column in enumerate(filled)})
        refused = self._unexpected(columns)
        for number, expected in enumerate(self.expected):
            names = expected.columns
            for position in sorted({*unasked[number], *refused[number]}):
                known = unasked[number].get(position)
                if known is None:
                    record = as_read(batch, rows[position])
                    values = tuple(_cell(record[name]) for name in names)
                    known = Unexpected(rows[position], expected, tuple(names), values)
                yield known

    def _row(self, batch: Batch, row: int, expected: Expected) -> tuple[list[Any], Unexpected | None]:
        """The cells of a row in the form that the expectation compares, or nulls and why there is no such form."""
        record, names = as_read(batch, row), expected.columns
        nulls: list[Any] = [None] * len(names)
        missing = tuple(name for name in names if name not in record)
        if missing:
            return nulls, Unexpected(row, expected, missing, (), f"there is no column {missing[0]!r}")
        cells = [_cell(record[name]) for name in names]
        prepared, reason = ROW_WISE[expected.name](cells, expected.arguments)
        if prepared is None:
            return nulls, Unexpected(row, expected, tuple(names), tuple(cells), reason)
        return prepared, None

    def _unexpected(self, columns: Mapping[str, list[Any]]) -> dict[int, list[int]]:
        """The positions of the rows that each expectation, by number, does not take."""
        import pandas as pd

        frame = pd.DataFrame({name: pd.Series(cells, dtype=object) for name, cells in columns.items()})
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of pandas, about groups in patterns
            outcome = self._definition.get_batch({"dataframe": frame}).validate(self._suite, result_format="COMPLETE")
        out: dict[int, list[int]] = {}
        for result in outcome.results:
            number = result.expectation_config.meta["number"]
            raised = result.exception_info or {}
            inner = [raised] if "raised_exception" in raised else list(raised.values())
            said = next((info.get("exception_message") for info in inner if info.get("raised_exception")), None)
            if said is not None:
                raise ExpectationError(f"{self.expected[number]}: {str(said).strip().splitlines()[-1]}")
            out[number] = list(result.result.get("unexpected_index_list") or [])
        return out

    def _arguments(self, number: int, expected: Expected) -> dict[str, Any]:
        """The arguments, with the columns under the names that they have in the frame, and dates as numbers."""
        names = iter(_name(number, k) for k in range(len(expected.columns)))
        out: dict[str, Any] = {}
        for key in ("column", "column_A", "column_B", "column_list"):
            if key in expected.arguments:
                out[key] = [next(names) for _ in expected.columns] if key == "column_list" else next(names)
        for key, value in expected.arguments.items():
            if key not in out:
                moment = _date(value) if ROW_WISE[expected.name] is _within else None
                out[key] = value if moment is None else moment
        return out


def checker(expected: Sequence[Expected]) -> Checker:
    """What asks these expectations. Raises ExpectationError."""
    return _checker(orjson.dumps([[item.name, item.arguments] for item in expected]))


@cache
def _checker(expected: bytes) -> Checker:
    return Checker([Expected(name=name, arguments=arguments) for name, arguments in orjson.loads(expected)])


@cache
def _great_expectations() -> tuple[Any, Any]:
    # Neither asked for nor wanted: it would tell its makers of every use.
    os.environ["GX_ANALYTICS_ENABLED"] = "False"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import great_expectations as gx
        from great_expectations import expectations
    return gx, expectations


def _class_name(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))


def _name(number: int, place: int) -> str:
    return f"e{number}_{place}"


def _reason(error: Exception) -> str:
    """What a validation error of pydantic (of either version) says first, or any other error."""
    errors = getattr(error, "errors", None)
    if errors is None:
        return str(error)
    first = errors()[0]
    place = ".".join(str(part) for part in first["loc"] if part != "__root__")
    return f"{place}: {first['msg']}" if place else str(first["msg"])


# --- cells ------------------------------------------------------------------------------------------------------------

_NUMBER: Final = re.compile(r"\s*[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?\s*", re.ASCII)
_LONGEST_NUMBER: Final = 400


def _tabular(batch: Batch, row: int) -> bool:
    """Whether a record is a row: not a conversation in a format of its own."""
    example = batch.examples[row]
    return (example is None or example.format == "table") and type(as_read(batch, row)) is dict


def _cell(value: Any) -> Any:
    """A cell as it is compared: None for an empty one, JSON for lists and objects, no lone surrogates."""
    if value is None or value == "" or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, str):
        return value if value.isascii() else value.encode("utf-8", "replace").decode("utf-8", "replace")
    if isinstance(value, list | dict):
        return orjson.dumps(value, default=str).decode()
    return value


def _text(value: Any) -> str | None:
    return None if value is None else as_text(value)


def _number(value: Any) -> int | float | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return value
    if isinstance(value, str) and len(value) <= _LONGEST_NUMBER and _NUMBER.fullmatch(value):
        stripped = value.strip()
        return int(stripped) if stripped.lstrip("+-").isdecimal() else float(stripped)
    return None


def _date(value: Any) -> float | None:
    """Seconds since the epoch of a date, or a date with a time, as ISO 8601 writes it; without a zone in UTC."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value.strip())
        except ValueError:
            return None
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day, tzinfo=UTC)
    if not isinstance(value, datetime):
        return None
    return (value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp()


def _shown(value: Any) -> str:
    text = str(value) if isinstance(value, date) else repr(value)
    return text if len(text) <= EXCERPT else f"{text[: EXCERPT - 1]}…"
