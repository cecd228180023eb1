"""The JSON report and the JSON lines: their shape, their bytes, and what they do with what JSON cannot hold."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import orjson
import pytest

from dsprep.model.report import Report
from dsprep.reports import json as json_report
from dsprep.reports import jsonl, plain

Snapshot = Callable[[str, str | bytes], None]


def strict(schema: Any) -> Any:
    """`schema` with every object closed, so that a key that it does not document is an error."""
    if isinstance(schema, list):
        return [strict(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    out = {key: strict(value) for key, value in schema.items()}
    if isinstance(out.get("properties"), dict):
        out.setdefault("additionalProperties", False)
    return out


@pytest.fixture(scope="module")
def validator() -> jsonschema.Draft202012Validator:
    schema = json_report.schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(strict(schema))


def test_json(report: Report, snapshot: Snapshot) -> None:
    snapshot("report.json", json_report.dumps(report))


def test_jsonl(report: Report, snapshot: Snapshot) -> None:
    snapshot("findings.jsonl", jsonl.dumps(report))


def test_json_with_hostile_text(hostile: Report, snapshot: Snapshot) -> None:
    snapshot("report-hostile.json", json_report.dumps(hostile))


@pytest.mark.parametrize("name", ["report", "clean", "hostile"])
def test_reports_fit_the_schema(name: str, request: pytest.FixtureRequest, validator: Any) -> None:
    data = orjson.loads(json_report.dumps(request.getfixturevalue(name)))
    if name == "hostile":  # what is no hash and no scale the schema rightly refuses
        data["inputs"][0]["sha256"] = ""
        data["stats"]["histogram"]["scale"] = "log"
    validator.validate(data)


def test_the_report_of_a_real_run_fits_the_schema(tmp_path: Path, validator: Any) -> None:
    from dsprep import api

    file = tmp_path / "broken.jsonl"
    rows = [
        '{"messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "hello"}]}',
        '{"messages": [{"role": "human", "content": "hi"}, {"role": "assistant", "content": "hello"}]}',
        '{"messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "hello"}]}',
        "",
        '{"messages": [',
        '{"messages": [{"role": "user", "content": "\\ud800"}], "big": 123456789012345678901234567890, "x": NaN}',
        "null",
    ]
    file.write_text("\n".join(rows) + "\n", "utf-8")
    report = api.lint([file], workers=1)
    data = orjson.loads(json_report.dumps(report))
    validator.validate(data)
    assert data["findings"]
    assert data == json_report.as_json(report)


def test_top_keys_and_their_order(report: Report) -> None:
    keys = ["version", "tool", "inputs", "settings", "summary", "stats", "funnel", "findings"]
    assert list(json_report.as_json(report)) == keys
    assert list(orjson.loads(json_report.dumps(report))) == keys


@pytest.mark.parametrize("name", ["report", "clean", "hostile"])
def test_any_parser_reads_back_the_same_data(name: str, request: pytest.FixtureRequest) -> None:
    report = request.getfixturevalue(name)
    data = json_report.as_json(report)
    raw = json_report.dumps(report)
    assert orjson.loads(raw) == json.loads(raw) == data
    assert [orjson.loads(line) for line in jsonl.dumps(report).splitlines()] == data["findings"]


def test_one_finding_a_line(report: Report) -> None:
    lines = json_report.dumps(report).decode().splitlines()
    assert sum(line.startswith('    {"code":') for line in lines) == len(report.findings)


def test_bytes_depend_on_the_result_alone(report: Report) -> None:
    other = copy.deepcopy(report)
    settings = dict(reversed(list(report.settings.items()))) | {"workers": 1}
    other.settings = settings | {"options": dict(reversed(list(settings["options"].items())))}
    for summary in other.summaries:
        summary.tally.findings.reverse()
    assert json_report.dumps(other) == json_report.dumps(report)
    assert b"workers" not in json_report.dumps(report)


def test_a_count_above_what_is_listed(report: Report) -> None:
    rule = next(rule for rule in json_report.as_json(report)["summary"]["rules"] if rule["code"] == "DUP001")
    assert (rule["count"], rule["listed"], rule["fixable"]) == (1237, 5, {"safe": 0, "unsafe": 1237})


@pytest.mark.parametrize("render", [json_report.dumps, jsonl.dumps])
def test_hostile_text_is_inert_even_for_cat(hostile: Report, render: Callable[[Report], bytes]) -> None:
    text = render(hostile).decode()
    unseen = "[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\U000e0000-\U000e007f]"
    assert not re.search(unseen, text)


def test_what_json_cannot_hold() -> None:
    deep: Any = "end"
    for _ in range(5000):
        deep = [deep]
    value = {"a": "x\ud800y", "b": 2**70, "c": float("inf"), "d": -(2**63), "e": 10**5000, "f": (1, Path("p")), 3: "k"}
    assert plain(value) == {
        "a": r"x\ud800y",
        "b": str(2**70),
        "c": None,
        "d": -(2**63),
        "e": hex(10**5000),
        "f": [1, "p"],
        "3": "k",
    }
    assert "…" in json.dumps(plain(deep), ensure_ascii=False)


def test_a_file_name_that_is_not_utf8(report: Report) -> None:
    report.inputs[0].path = b"caf\xe9.jsonl".decode("utf-8", "surrogateescape")
    assert json_report.as_json(report)["inputs"][0]["path"] == r"caf\udce9.jsonl"


def test_the_documentation_names_every_key() -> None:
    text = (Path(__file__).parents[2] / "docs" / "json-report.md").read_text("utf-8")

    def names(schema: Any) -> set[str]:
        if isinstance(schema, list):
            return set().union(*map(names, schema))
        if not isinstance(schema, dict):
            return set()
        own = set(schema.get("properties", ()))
        return own.union(*(names(value) for value in schema.values()))

    # A key may stand as `edges[i]`, where its items are explained.
    assert {name for name in names(json_report.schema()) if not re.search(rf"`[^`]*\b{name}\b", text)} == set()
