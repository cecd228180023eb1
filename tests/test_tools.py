"""Rules about tools and targets: schemas as jsonschema sees them, hostile ones, one rule for one fault, what targets
say, and hazards that pyarrow confirms."""

from __future__ import annotations

import io
import json
import re
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from dsprep import api
from dsprep.catalog.registry import rule_class
from dsprep.config import Settings
from dsprep.model.batch import Batch
from dsprep.model.finding import Finding, Severity
from dsprep.model.record import Example, Record
from dsprep.model.rule import RuleContext
from dsprep.model.target import Form, ImageLimits, Target
from dsprep.targets.loading import load_target, target_names
from dsprep.text.tool_schemas import argument_padding, schema_padding, tool_schema, without

ROOT = Path(__file__).parent.parent
TEXTS = {path.stem: path.read_text("utf-8") for path in (ROOT / "rules" / "targets").glob("*.yaml")}

DRAFTS = {
    "http://json-schema.org/draft-04/schema#": jsonschema.Draft4Validator,
    "http://json-schema.org/draft-06/schema#": jsonschema.Draft6Validator,
    "http://json-schema.org/draft-07/schema#": jsonschema.Draft7Validator,
    "https://json-schema.org/draft/2019-09/schema": jsonschema.Draft201909Validator,
    "https://json-schema.org/draft/2020-12/schema": jsonschema.Draft202012Validator,
}

scalars = (
    st.none() | st.booleans() | st.integers(-3, 9) | st.sampled_from([0.5, 2.0, -1.0]) | st.sampled_from(["a", "b", ""])
)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3)
)
types = st.sampled_from(["array", "boolean", "integer", "null", "number", "object", "string", "str", "any"])
names = st.lists(st.sampled_from("abc"), max_size=3)
#: Keywords that take what `values` gives, or refuse it.
OTHERS = ["additionalItems", "const", "contentSchema", "default", "deprecated", "$comment", "unknown", "maxLength"]


def objects(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    by_name = st.dictionaries(st.sampled_from("abc"), inner, max_size=2)
    sound = {
        **dict.fromkeys(("properties", "patternProperties", "$defs", "definitions", "dependentSchemas"), by_name),
        **dict.fromkeys(("allOf", "anyOf", "oneOf", "prefixItems"), st.lists(inner, max_size=2)),
        **dict.fromkeys(("not", "if", "then", "else", "contains", "propertyNames", "additionalProperties"), inner),
        "items": inner | st.lists(inner, max_size=2),
        "dependencies": st.dictionaries(st.sampled_from("abc"), inner | names, max_size=2),
        "dependentRequired": st.dictionaries(st.sampled_from("abc"), names, max_size=2),
        "type": types | st.lists(types, max_size=3),
        "required": names,
        "enum": st.lists(scalars, max_size=3),
        "examples": st.lists(scalars, max_size=2),
        **dict.fromkeys(("minimum", "maximum", "exclusiveMinimum", "multipleOf"), st.integers(-2, 5) | st.booleans()),
        **dict.fromkeys(("minLength", "maxItems", "minProperties"), st.integers(-1, 4) | st.just(2.0)),
        **dict.fromkeys(("uniqueItems", "readOnly"), st.booleans()),
        **dict.fromkeys(("title", "description", "format", "pattern"), st.sampled_from(["a", "x+"])),
    }
    member = st.sampled_from([*sound, *OTHERS]).flatmap(
        lambda key: st.tuples(st.just(key), st.one_of(sound.get(key, values), sound.get(key, values), values))
    )
    return st.lists(member, max_size=4).map(dict)


schemas = st.recursive(st.booleans() | st.just({}), objects, max_leaves=8)


def has_null(schema: Any) -> bool:
    return bool(schema_padding(schema))


@pytest.mark.parametrize("dialect", list(DRAFTS))
@given(members=objects(schemas))
@settings(max_examples=150, deadline=None)
@example(members={"items": []})
@example(members={"additionalProperties": True, "not": True})
@example(members={"$ref": "#", "type": 5})
@example(members={"exclusiveMinimum": True, "minimum": 1})
@example(members={"exclusiveMinimum": False})
@example(members={"minLength": 2.0})
@example(members={"type": ["string", "string"]})
@example(members={"enum": []})
@example(members={"enum": [None, None]})
@example(members={"enum": [1, True, 1.0]})
@example(members={"enum": [{"a": 1}, {"a": 1.0}]})
def test_a_schema_is_valid_if_its_meta_schema_says_so(dialect: str, members: dict[str, Any]) -> None:
    schema = {**members, "type": members.get("type", "object"), "$schema": dialect}
    if has_null(schema):
        return  # those are padding to us
    kind = DRAFTS[dialect]
    valid = not list(kind(kind.META_SCHEMA).iter_errors(schema))
    flaws = [flaw for flaw in tool_schema(schema).flaws if "always an object" not in flaw.says]
    assert (not flaws) == valid, (flaws, [error.message for error in kind(kind.META_SCHEMA).iter_errors(schema)])


@given(members=objects(schemas), value=st.dictionaries(st.sampled_from("abc"), values, max_size=3))
@settings(max_examples=400, deadline=None)
@example(members={"properties": {"a": {"enum": [1, False]}}}, value={"a": 1.0})
@example(members={"properties": {"a": {"enum": [1]}}}, value={"a": True})
@example(members={"properties": {"a": {"uniqueItems": True}}}, value={"a": [1, 1.0]})
@example(members={"properties": {"a": {"uniqueItems": True}}}, value={"a": [1, True, {"b": 1}, {"b": True}]})
@example(members={"patternProperties": {"a": False}, "additionalProperties": {"type": "null"}}, value={"a": 1, "b": 2})
def test_arguments_obey_if_jsonschema_says_so(members: dict[str, Any], value: dict[str, Any]) -> None:
    schema = {**members, "type": "object"}
    checked = tool_schema(schema)
    if checked.flaws or checked.padding or '"default": null' in json.dumps(schema):
        return
    errors = list(jsonschema.Draft202012Validator(schema).iter_errors(value))
    violations = checked.violations(value)
    assert violations is not None
    assert bool(violations) == bool(errors), (violations, [error.message for error in errors])


@given(members=objects(schemas), value=st.dictionaries(st.sampled_from("abcd"), values, max_size=4))
@settings(max_examples=300, deadline=None)
def test_taking_padding_out_breaks_nothing_and_leaves_none(members: dict[str, Any], value: dict[str, Any]) -> None:
    schema = {**members, "type": "object"}
    checked = tool_schema(schema)
    assert schema_padding(without(schema, tuple(schema_padding(schema)))) == []
    if checked.value is None:
        return
    padding = tuple(argument_padding(checked.value, value))
    less = without(value, padding)
    assert list(argument_padding(checked.value, less)) == []
    before, after = checked.violations(value), checked.violations(less)
    assert before is not None
    assert after is not None
    kept = {(flaw.path, flaw.says) for flaw in after if "fewer than" not in flaw.says}
    # What is left was wrong before, if the schema does not count or compare what it is given as a whole.
    if not {"allOf", "anyOf", "oneOf", "not", "enum", "const", "uniqueItems", "if", "items"} & set(
        KEYS.findall(str(schema))
    ):
        assert kept <= {(flaw.path, flaw.says) for flaw in before}


KEYS = re.compile(r"'(\w+)':")


HOSTILE: dict[str, tuple[Any, Any]] = {
    "a pattern that backtracks": ({"properties": {"a": {"pattern": "^(a+)+$"}}}, {"a": "a" * 60 + "!"}),
    "names that backtrack": ({"patternProperties": {"^(a|a)+$": False}}, {"a" * 60 + "!": 1}),
    "names beside patterns": (
        {"patternProperties": {"^(a|aa)+$": True}, "additionalProperties": False},
        {"a" * 60 + "!": 1},
    ),
    "a pattern of a million states": ({"properties": {"a": {"pattern": "((a{1,99}){1,99}){1,99}"}}}, {"a": "a" * 2000}),
    "a circle": ({"$ref": "#"}, {}),
    "a circle by way of another": (
        {"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}},
        {},
    ),
    "two of two of two": (
        {
            "$ref": "#/$defs/0",
            "$defs": {str(i): {"allOf": [{"$ref": f"#/$defs/{i + 1}"}] * 2} for i in range(60)} | {"60": {}},
        },
        {},
    ),
    "many choices of many": (
        {"properties": {"a": {"items": {"enum": [{"a": [1] * 50}] * 200}}}},
        {"a": [{"a": [1] * 50, "b": i} for i in range(2000)]},
    ),
    "many unequal objects": (
        {"properties": {"a": {"items": {"uniqueItems": True}, "uniqueItems": True}}},
        {"a": [[{"a": i}, {"b": i}] for i in range(20_000)]},
    ),
    "a dialect inside": (
        {"properties": {"a": {"$schema": "http://json-schema.org/draft-07/schema#", "pattern": "^(a+)+$"}}},
        {"a": "a" * 60 + "!"},
    ),
    "back through the meta-schema": (
        {"$dynamicAnchor": "meta", "properties": {"a": {"$ref": "https://json-schema.org/draft/2020-12/schema"}}},
        {"a": {"not": {"not": {}}}},
    ),
    "a huge number": ({"properties": {"a": {"multipleOf": 0.1}}}, {"a": 10**4000}),
}


@pytest.mark.parametrize("name", list(HOSTILE))
def test_no_schema_makes_it_hang(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("something is fetched")

    monkeypatch.setattr(socket, "create_connection", refuse)
    schema, arguments = HOSTILE[name]
    checked = tool_schema({"type": "object", **schema})
    again = checked.violations(arguments)
    assert again is None or len(again) <= 20
    assert checked.violations(arguments) == again


def test_a_declaration_that_is_too_large_or_too_deep_is_not_looked_into() -> None:
    deep: dict[str, Any] = {}
    for _ in range(100):
        deep = {"properties": {"a": deep}}
    for schema in (deep, {"description": "x" * 300_000}):
        checked = tool_schema(schema)
        assert checked.value is None
        assert len(checked.flaws) == 1
        assert checked.violations({"a": 1}) == []


# One fault, one rule -------------------------------------------------------------------------------------------------

CALL = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a": "x"}'}}
TOOL = {
    "type": "function",
    "function": {
        "name": "f",
        "parameters": {
            "type": "object",
            "properties": {"a": {"type": "string"}, "b": {"type": "string"}},
            "required": ["a"],
        },
    },
}


def conversation(*, call: Any = CALL, tool: Any = TOOL, reply: Any = None, **more: Any) -> dict[str, Any]:
    """A record with a call and its reply."""
    messages = [
        {"role": "user", "content": "Please do."},
        {"role": "assistant", "tool_calls": [call]},
        reply or {"role": "tool", "tool_call_id": "c1", "content": "done"},
        {"role": "assistant", "content": "It is done."},
    ]
    return {"messages": messages, "tools": [tool], **more}


def calling(**function: Any) -> dict[str, Any]:
    return {**CALL, "function": {"name": "f", "arguments": '{"a": "x"}', **function}}


def declaring(**function: Any) -> dict[str, Any]:
    return {"type": "function", "function": {**TOOL["function"], **function}}  # type: ignore[dict-item]


FAULTS: dict[str, tuple[dict[str, Any], set[str]]] = {
    "none": (conversation(), set()),
    "another id": (conversation(reply={"role": "tool", "tool_call_id": "c2", "content": "done"}), {"TOL001"}),
    "no JSON": (conversation(call=calling(arguments="{'a': 'x'}")), {"TOL003"}),
    "an object": (conversation(call=calling(arguments={"a": "x"})), {"SCH006"}),
    "no arguments": (conversation(call={**CALL, "function": {"name": "f"}}), {"SCH006"}),
    "a list": (conversation(call=calling(arguments="[1]")), {"TOL003"}),
    "a wrong type": (conversation(call=calling(arguments='{"a": 5}')), {"TOL004"}),
    "a missing argument": (conversation(call=calling(arguments="{}")), {"TOL004"}),
    "another tool": (conversation(call=calling(name="g")), {"TOL005"}),
    "a wrong schema": (conversation(tool=declaring(parameters={"type": "dict"})), {"TOL006"}),
    "parameters of a wrong type": (conversation(tool=declaring(parameters=[])), {"SCH006"}),
    "no wrapper": (conversation(tool=TOOL["function"]), {"TOL006"}),
    "a null that is padding": (conversation(call=calling(arguments='{"a": "x", "b": null}')), {"TOL008"}),
    "a null that is none": (conversation(call=calling(arguments='{"a": null}')), {"TOL004"}),
    "a null in the schema": (
        conversation(tool=declaring(parameters={"type": "object", "properties": {"a": {"type": "string"}, "z": None}})),
        {"TOL008"},
    ),
    "no functions": (conversation(functions=None), {"TOL008"}),
    "no id": (conversation(call={**CALL, "id": None}, reply={"role": "tool", "content": "done"}), {"TOL008"}),
    "an id of a wrong type": (
        conversation(call={**CALL, "id": 5}, reply={"role": "tool", "content": "done"}),
        {"SCH006"},
    ),
    "a name with a space": (
        conversation(call=calling(name="f g"), tool=declaring(name="f g")),
        {"TOL007"},
    ),
}


def codes_of(record: dict[str, Any], folder: Path, **more: Any) -> set[str]:
    file = folder / "data.jsonl"
    file.write_text(json.dumps(record) + "\n", "utf-8")
    chosen = Settings.model_validate({"select": ("TOL", "SCH", "ENC", "CNV"), "workers": 1, **more})
    return {summary.meta.code for summary in api.lint([file], settings=chosen).summaries if summary.tally.total}


@pytest.mark.parametrize("name", list(FAULTS))
def test_one_fault_is_reported_by_one_rule(name: str, tmp_path: Path) -> None:
    record, codes = FAULTS[name]
    assert codes_of(record, tmp_path) == codes


def test_nulls_are_gone_after_safe_fixes_and_the_record_is_accepted(tmp_path: Path) -> None:
    record = conversation(
        call={**calling(arguments='{"a": "x", "b": null, "z": null}'), "index": None},
        tool=declaring(strict=None, parameters={**TOOL["function"]["parameters"], "required": None}),  # type: ignore[index]
        functions=None,
    )
    for message in record["messages"]:
        message.setdefault("tool_calls", None)
        message.setdefault("tool_call_id", None)
    file = tmp_path / "data.jsonl"
    file.write_text(json.dumps(record) + "\n", "utf-8")
    chosen = Settings.model_validate({"select": ("TOL", "SCH"), "workers": 1})
    api.fix([file], settings=chosen)
    assert all(summary.tally.total == 0 for summary in api.lint([file], settings=chosen).summaries)
    assert json.loads(json.loads(file.read_text("utf-8"))["messages"][1]["tool_calls"][0]["function"]["arguments"]) == {
        "a": "x"
    }


def test_the_sample_of_tools_is_what_it_says() -> None:
    chosen = Settings.model_validate({"select": ("TOL", "SCH", "ENC", "CNV"), "workers": 1})
    report = api.lint([ROOT / "samples" / "tools.jsonl"], settings=chosen)
    assert all(summary.tally.total == 0 for summary in report.summaries)


def test_data_without_tools_needs_no_jsonschema(tmp_path: Path) -> None:
    file = tmp_path / "data.jsonl"
    rows = [{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    code = (
        "import sys; from dsprep import api; from dsprep.config import Settings; "
        "api.lint([sys.argv[1]], settings=Settings(select=('TOL',), workers=1)); "
        "print('jsonschema' in sys.modules, 'referencing' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(file)], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]


# Targets -------------------------------------------------------------------------------------------------------------

OWN = """
title: One of a user's own
encoding: cl100k_base
max_tokens: {value: 100, unverified: true}
min_examples: {value: 1, unverified: true}
recommended_examples: {value: 5, unverified: true}
record_keys: [messages, tools]
message_keys: [role, content, name, tool_calls, tool_call_id]
roles: [user, assistant, tool]
calls_need_replies: true
reserved: ["User:", "Bot:", "[EOS]"]
message_name: {pattern: "[a-z]+", says: small letters, unverified: true}
function_name: {pattern: "[a-z]+", says: small letters, source: a test, as_of: 2026-11-01}
tool_id: {pattern: "[0-9]+", says: digits, source: a test, as_of: 2026-11-01}
images:
  types: [image/png]
  max_bytes: {value: 20, source: a test, as_of: 2026-11-01}
  max_count: {value: 1, unverified: true}
"""


def found(code: str, record: dict[str, Any], target: Target, **severities: Severity) -> list[Finding]:
    rule = rule_class(code)(RuleContext(target, target.encoding, severities=severities))
    line = json.dumps(record).encode()
    records = [Record(0, 1, 0, line, record)]
    batch = Batch(source=0, path="data.jsonl", records=records, examples=[Example(record, record["messages"])])
    return list(rule.map(batch).sorted())


def test_a_target_of_ones_own_says_what_is_reserved() -> None:
    own = load_target("own", {"own": OWN})
    record = {
        "messages": [{"role": "user", "content": "Bot: hi. User: hi [eos]"}, {"role": "assistant", "content": "bot"}]
    }
    [finding] = found("SCH016", record, own)
    assert dict(finding.args) == {"word": "Bot:", "count": 2, "target": "own", "excerpt": "Bot: hi. User: hi [eos]"}
    assert finding.location.pointer == "/messages/0/content"
    assert found("SCH016", record, load_target("openai", TEXTS)) == []


def test_a_target_may_demand_replies_at_the_end() -> None:
    own = load_target("own", {"own": OWN})
    record = {"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "tool_calls": [CALL]}]}
    assert [finding.location.pointer for finding in found("TOL001", record, own)] == ["/messages/1/tool_calls/0"]
    assert found("TOL001", record, load_target("openai", TEXTS)) == []


def test_what_is_not_verified_warns_unless_the_user_says_otherwise() -> None:
    own = load_target("own", {"own": OWN})
    record = {"messages": [{"role": "user", "name": "A", "content": "a"}]}
    assert [finding.severity for finding in found("SCH010", record, own)] == [Severity.WARNING]
    assert [finding.severity for finding in found("SCH010", record, own, SCH010=Severity.ERROR)] == [Severity.ERROR]
    assert [finding.severity for finding in found("SCH010", record, own, SCH010=Severity.INFO)] == [Severity.INFO]
    assert [finding.severity for finding in found("TOL007", conversation(), own)] == [Severity.ERROR]


def test_images_by_number_type_and_size() -> None:
    own = load_target("own", {"own": OWN})
    small = "data:image/png;base64,iVBORw0KGgoAAAAAAAAAAAAA"
    parts = [
        {"type": "image_url", "image_url": {"url": url}}
        for url in (small, small + "AAAAAAAA", "data:image/jpeg;base64,/9j/4AAQ", "whatever")
    ]
    record = {"messages": [{"role": "user", "content": parts}]}
    said = {
        finding.location.pointer: (finding.args["problem"], finding.severity)
        for finding in found("SCH012", record, own)
    }
    assert said == {
        "/messages/0/content/1/image_url/url": ("the image has 24 bytes; own takes 20", Severity.ERROR),
        "/messages/0/content/2/image_url/url": ("the image is of type image/jpeg; own takes png", Severity.ERROR),
        "/messages": ("4 images; own takes 1 a record", Severity.WARNING),
    }


@pytest.mark.parametrize("name", target_names(TEXTS))
def test_forms_and_images_of_targets_say_where_they_are_from(name: str) -> None:
    target = load_target(name, TEXTS)
    said: list[Any] = [getattr(target, field) for field in Target.model_fields]
    if target.images is not None:
        said += [target.images.max_count, target.images.max_bytes]
    for limit in said:
        if isinstance(limit, Form | ImageLimits):
            assert limit.unverified or (limit.source and limit.as_of), limit


def test_a_form_is_a_regular_expression_for_all_of_the_text() -> None:
    form = Form(pattern="[a-z]{1,3}", says="up to three small letters")
    assert [text for text in ("abc", "abcd", "abc\n", "", " abc") if form.fits(text)] == ["abc"]
    with pytest.raises(ValidationError, match="no regular expression"):
        Form(pattern="[a", says="")


# Hazards, as pyarrow sees them ---------------------------------------------------------------------------------------

fields = st.dictionaries(
    st.sampled_from("xyz"),
    st.recursive(
        st.none() | st.booleans() | st.integers(-5, 5) | st.sampled_from([0.5, 2**53, 2**63, "a", "2024-05-14"]),
        lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("pq"), inner, max_size=2),
        max_leaves=4,
    ),
    max_size=3,
)


@given(rows=st.lists(fields, min_size=1, max_size=4))
@settings(max_examples=150, deadline=None)
def test_pyarrow_agrees_about_types_and_empty_objects(rows: list[dict[str, Any]]) -> None:
    import pyarrow as pa
    import pyarrow.json
    import pyarrow.parquet

    records = [
        {"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}], "row": row, "n": 1}
        for row in rows
    ]
    target = load_target("trl", TEXTS)
    rule = rule_class("ENC011")(RuleContext(target, target.encoding))
    lines = [json.dumps(record).encode() for record in records]
    batch = Batch(
        source=0,
        path="data.jsonl",
        records=[
            Record(i, i + 1, 0, line, record) for i, (line, record) in enumerate(zip(lines, records, strict=True))
        ],
        examples=[Example(record, record["messages"]) for record in records],
    )
    kinds = {finding.args["kind"] for finding in rule.finish(rule.map(batch), None)}
    try:
        table = pyarrow.json.read_json(
            io.BytesIO(b"\n".join(lines)), read_options=pyarrow.json.ReadOptions(use_threads=False)
        )
    except pa.ArrowInvalid:
        assert "mixed-types" in kinds
        return
    assert "mixed-types" not in kinds
    try:
        pyarrow.parquet.write_table(table, io.BytesIO())
    except pa.ArrowNotImplementedError:
        assert "empty-objects" in kinds
    except pa.ArrowInvalid:
        pass  # a list of nothing but null in an object: pyarrow 26 reads what it cannot write
    else:
        assert "empty-objects" not in kinds
