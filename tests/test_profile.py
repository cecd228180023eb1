"""`dsprep profile`: columns in figures, and expectations that the data they come from meets."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from dsprep import api
from dsprep.formats.table.columns import MOST_VALUES, column_figures, expectations
from dsprep.model.source import InputError

ROWS = [
    {
        "id": f"r{i}",
        "stars": str(1 + i % 5),
        "price": f"{i * 1.5:.1f}",
        "on": f"2024-01-{1 + i % 28:02}",
        "url": f"https://example.com/{i}",
        "class": "N/A" if i % 50 == 7 else ("good", "bad")[i % 2],
        "note": "" if i % 3 else "some words",
        "text": f"A review of many words, number {i}, that goes on for longer than a label would. " * 2,
    }
    for i in range(1200)
]


def test_columns_in_figures() -> None:
    found = column_figures([*ROWS, {"late": "x"}])
    assert {name: column.kind for name, column in found.items()} == {
        "id": "texts",
        "stars": "numbers",
        "price": "numbers",
        "on": "dates",
        "url": "links",
        "class": "texts",
        "note": "texts",
        "text": "texts",
        "late": "texts",
    }
    assert (found["price"].least, found["price"].greatest) == (0, 1798.5)
    assert found["class"].words_for_missing == {"N/A": 24}
    assert (found["id"].more, found["id"].values) == (True, {})
    assert (found["late"].rows, found["late"].missing) == (1201, 1200)
    assert (found["stars"].rows, found["stars"].missing) == (1201, 1)
    assert len(found["stars"].values) <= MOST_VALUES


def test_expectations_that_the_data_meets(tmp_path: Path) -> None:
    file = tmp_path / "reviews.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    made = api.profile(file).expectations()
    assert made["expect_column_values_to_be_in_set"] == [
        {"column": "stars", "value_set": ["1", "2", "3", "4", "5"]},
        {"column": "class", "value_set": ["bad", "good"]},
        {"column": "note", "value_set": ["some words"]},
    ]
    assert made["expect_column_values_to_not_be_in_set"] == [{"column": "class", "value_set": ["N/A"]}]
    assert {"column": "price", "min_value": 0.0, "max_value": 1798.5} in made["expect_column_values_to_be_between"]
    assert {"column": "on", "min_value": "2024-01-01", "max_value": "2024-01-28"} in made[
        "expect_column_values_to_be_between"
    ]
    assert {"column": "note"} not in made["expect_column_values_to_not_be_null"]


def _dsprep(*words: object, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "dsprep", *map(str, words)], capture_output=True, text=True, cwd=folder, check=False
    )


def test_the_suggested_pack_passes_on_the_table_and_fails_on_another(tmp_path: Path) -> None:
    rows = [row for row in ROWS if row["class"] != "N/A"]
    table = "\n".join([",".join(ROWS[0]), *(",".join(f'"{cell}"' for cell in row.values()) for row in rows)])
    (tmp_path / "reviews.csv").write_text(table + "\n")
    done = _dsprep("profile", "reviews.csv", "--suggest-expectations", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    (tmp_path / "pack.yaml").write_text(done.stdout)
    assert set(yaml.safe_load(done.stdout)) == {"extends", "table"}
    lint = ("lint", "--isolated", "--no-cache", "--pack", "pack.yaml", "--select", "TAB003", "--output-format", "json")
    done = _dsprep(*lint, "reviews.csv", folder=tmp_path)
    assert (done.returncode, json.loads(done.stdout)["findings"]) == (0, []), done.stdout[:2000]
    (tmp_path / "reviews.csv").write_text(table + "\nr9,9,1,2024-01-01,https://a.b,good,,text\n")
    done = _dsprep(*lint, "reviews.csv", folder=tmp_path)
    assert [finding["location"]["column"] for finding in json.loads(done.stdout)["findings"]] == ["stars"]


def test_the_table_is_printed_without_what_a_terminal_acts_on(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a\x1b[31m,b\n[bold]x,1\ny\x07,2\n")
    done = _dsprep("profile", "t.csv", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "\x1b" not in done.stdout
    assert "\x07" not in done.stdout
    assert "[bold]x" in done.stdout


@given(st.lists(st.dictionaries(st.sampled_from("abc"), st.one_of(st.text(max_size=12), st.none(), st.integers()))))
def test_figures_never_fail_and_add_up(rows: list[dict[str, Any]]) -> None:
    found = column_figures(rows)
    for column in found.values():
        assert column.rows == len(rows)
        assert 0 <= column.missing <= column.rows
    assert isinstance(expectations(found.values()), dict)


def test_what_is_no_table_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        api.profile(tmp_path / "none.csv")
