"""Templates: what each finds and where, on data of any shape, in any partition, and what hostile data does to them."""

from __future__ import annotations

import json
import pickle
import random
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

import dsprep
from dsprep.api.session import Input, open_session
from dsprep.catalog.packs import load_pack
from dsprep.config import Settings
from dsprep.engine.fingerprints import Fingerprint
from dsprep.engine.writing import encoded
from dsprep.testing import ShuffledExecutor, check_moving, findings_of
from dsprep.text.json_schemas import SchemaError, check_schema, fault_finder
from dsprep.text.linear_patterns import PatternError, linear

CODE = "XYZ001"


def _pack(folder: Path, template: str, options: dict[str, Any], **more: Any) -> str:
    definition = {"name": "some-fault", "template": template, "summary": "a fault", "options": options, **more}
    file = folder / "pack.yaml"
    file.write_text(yaml.safe_dump({"define": {CODE: definition}}, allow_unicode=True), "utf-8")
    return str(file)


def _chat(*messages: tuple[str, Any], **more: Any) -> dict[str, Any]:
    return {"messages": [{"role": role, "content": content} for role, content in messages], **more}


def _found(
    folder: Path, template: str, options: dict[str, Any], rows: list[Any] | str, **more: Any
) -> list[tuple[Any, ...]]:
    """(line, field, message) of what is found: whole, and in any partition."""
    pack = _pack(folder, template, options, **more)
    data = folder / ("data.csv" if isinstance(rows, str) else "data.jsonl")
    data.write_bytes(rows.encode() if isinstance(rows, str) else b"".join(encoded(row) + b"\n" for row in rows))
    settings = Settings.model_validate({"pack": pack, "workers": 1})
    session = open_session([Input(str(data))], settings)
    (rule,) = session.rules
    whole = findings_of(session, CODE)
    again = open_session([Input(str(data))], settings)
    again.executor = ShuffledExecutor(1)
    assert findings_of(again, CODE, shard_bytes=1) == whole
    check_moving(Input(str(data)), settings, folder)
    copy = pickle.loads(pickle.dumps(rule))
    assert (copy.meta, copy.options, type(copy)) == (rule.meta, rule.options, type(rule))
    assert Fingerprint().of(copy) == Fingerprint().of(rule)
    return [(f.location.line, f.location.field, rule.meta.message.format(**f.args)) for f in whole]


#: What a record may be that is no conversation, or not a good one.
ODD: list[Any] = [
    [],
    7,
    None,
    "text",
    {},
    {"messages": 3},
    {"messages": [3, {"role": 7, "content": {}}, {"role": "assistant"}]},
    {"messages": [{"role": "assistant", "content": "\ud800"}], "metadata": 3},
    {"messages": [{"role": "assistant", "content": [{"type": "text", "text": "x"}, {"type": "image"}, 3]}]},
]

ROWS: list[Any] = [
    _chat(("system", "be brief"), ("user", "one"), ("assistant", "two"), ("user", "three"), ("assistant", "four")),
    _chat(("user", "one"), ("assistant", "two"), label="good", metadata={"topic": "sea", "tags": ["a", "b"], "n": 3}),
    _chat(("user", "one"), ("tool", "two"), ("assistant", [{"type": "text", "text": "four"}])),
]


@pytest.mark.parametrize(
    ("place", "wanted"),
    [
        ("any", [(1, i) for i in range(5)] + [(2, 0), (2, 1), (3, 0), (3, 1), (3, 2)]),
        ("system", [(1, 0)]),
        ("user", [(1, 1), (1, 3), (2, 0), (3, 0)]),
        ("assistant", [(1, 2), (1, 4), (2, 1), (3, 2)]),
        ("tool", [(3, 1)]),
        ("answer", [(1, 4), (2, 1), (3, 2)]),
        ("prompt", [(1, 0), (1, 1), (1, 2), (1, 3), (2, 0), (3, 0), (3, 1)]),
        (["system", "tool"], [(1, 0), (3, 1)]),
        (["assistant", "answer"], [(1, 2), (1, 4), (2, 1), (3, 2)]),
    ],
)
def test_places_are_roles_and_parts_of_a_conversation(
    place: Any, wanted: list[tuple[int, int]], tmp_path: Path
) -> None:
    found = _found(tmp_path, "pattern", {"in": place, "must-not-match": "."}, ROWS)
    assert [(line, int(field.split("/")[2])) for line, field, _ in found] == wanted


@pytest.mark.parametrize(
    ("place", "wanted"),
    [
        ("label", [(1, "/messages/4/content"), (2, "/label")]),
        ("/label", [(2, "/label")]),
        ("/metadata/topic", [(2, "/metadata/topic")]),
        ("metadata/topic", [(2, "/metadata/topic")]),
        ("metadata/tags", [(2, "/metadata/tags/0"), (2, "/metadata/tags/1")]),
        ("metadata/n", [(2, "/metadata/n")]),
        ("metadata/none", []),
        ("/messages/0/content", [(1, "/messages/0/content"), (2, "/messages/0/content"), (3, "/messages/0/content")]),
        ("/messages", []),
    ],
)
def test_places_are_labels_and_fields(place: str, wanted: list[tuple[int, str]], tmp_path: Path) -> None:
    found = _found(tmp_path, "pattern", {"in": place, "must-not-match": "."}, ROWS)
    assert [(line, field) for line, field, _ in found] == wanted


TABLE = (
    "text,label,source\n"
    "I liked it a lot and would buy it again,good,shop\n"
    "It broke after a day or two of use,bad,forum\n"
    "It works as it should and looks fine,fine,\n"
    "It came late and in a broken box,bad,shop\n"
)


def test_fields_of_a_table_are_its_columns(tmp_path: Path) -> None:
    options = {"in": "/source", "values": ["shop"]}
    assert _found(tmp_path, "allowed-values", options, TABLE) == [
        (3, "source", "'forum' is not one of shop"),
        (4, "source", "'' is not one of shop"),
    ]
    assert _found(tmp_path, "required-field", {"field": ["/source", "/stars"]}, TABLE)[:2] == [
        (2, None, "/stars is missing"),
        (3, None, "/stars is missing"),
    ]
    assert _found(tmp_path, "pattern", {"in": "user", "must-not-match": "broke"}, TABLE, message="{match}") == [
        (3, "text", "broke"),
        (5, "text", "broke"),
    ]


@pytest.mark.parametrize(
    ("template", "options"),
    [
        ("pattern", {"in": ["any", "label", "/a/b", "metadata/x"], "must-not-match": "x"}),
        ("pattern", {"in": ["any", "label", "/a/b", "metadata/x"], "must-match": "x", "replace": None}),
        ("length", {"in": ["any", "/messages"], "unit": "tokens", "max": 0, "per": "example"}),
        ("allowed-values", {"in": ["label", "/0", "/messages/1/role"], "values": [1, True, "a"]}),
        ("required-field", {"field": ["label", "/messages/0/content", "metadata/x"]}),
        ("json-schema", {"in": ["answer", "record", "/messages"], "schema": {"type": "object"}}),
        ("ratio", {"in": "any", "match": "x", "max": 0.1}),
        ("ratio", {"field": "/messages/0", "min": 0.9}),
        ("expectation", {"expectation": "expect_column_values_to_be_null", "arguments": {"column": "a"}}),
    ],
)
def test_no_record_is_too_odd(template: str, options: dict[str, Any], tmp_path: Path) -> None:
    given_options = {key: value for key, value in options.items() if value is not None}
    assert _found(tmp_path, template, given_options, [*ODD, *ROWS, *ODD]) is not None


# --- one by one -------------------------------------------------------------------------------------------------------


def test_pattern_says_what_matches_how_often_and_where(tmp_path: Path) -> None:
    rows = [_chat(("assistant", "größer: ACME, acme"))]
    message = "{match} {count} {pattern} {excerpt}"
    options = {"must-not-match": "(?i)acme"}
    assert _found(tmp_path, "pattern", options, rows, message=message) == [
        (1, "/messages/0/content", "ACME 2 (?i)acme größer: ACME, acme")
    ]
    assert _found(tmp_path, "pattern", {"must-match": "^gr"}, [_chat(("user", "a"), ("user", "gr"))]) == [
        (1, "/messages/0/content", "does not match ^gr")
    ]


@pytest.mark.parametrize("pattern", ["^one$", r"\Aone\z", "o[^x]e", "(?m)^one", "e$", r"\bone\b", "one"])
def test_patterns_are_of_one_text_and_of_none_beside_it(pattern: str, tmp_path: Path) -> None:
    rows = [_chat(("user", "one"), ("assistant", "none at\nall")), _chat(("user", "a"), ("assistant", "b"))]
    found = _found(tmp_path, "pattern", {"must-not-match": pattern}, rows)
    assert (1, "/messages/0/content") in [(line, field) for line, field, _ in found]


@given(st.text(max_size=30), st.sampled_from(["a", "aa", r"\1", "", "b\\0", "ab"]))
def test_replacing_ends_and_leaves_no_match(text: str, replacement: str) -> None:
    pattern = linear("(a)+b?")
    out = pattern.replaced(text, replacement)
    assert out is None or not pattern.found_in(out)
    if not pattern.found_in(text):
        assert out == text or out is not None


@pytest.mark.parametrize("fix", ["safe", "unsafe"])
def test_replacements_are_safe_or_unsafe_as_the_pack_says_and_converge(fix: str, tmp_path: Path) -> None:
    options = {"in": "assistant", "must-not-match": r"(\w+) \1x|colou?r(s?)", "replace": r"hue\1"}
    pack = _pack(tmp_path, "pattern", {**options, "must-not-match": r"colou?r(s?)", "fix": fix})
    data = tmp_path / "data.jsonl"
    data.write_bytes(encoded(_chat(("user", "colour"), ("assistant", "color, colours"))) + b"\n")
    assert dsprep.fix(data, pack=pack, workers=1).fixed == ({CODE: 1} if fix == "safe" else {})
    dsprep.fix(data, pack=pack, workers=1, unsafe_fixes=True)
    once = data.read_bytes()
    assert json.loads(once)["messages"][1]["content"] == "hue, hues"
    dsprep.fix(data, pack=pack, workers=1, unsafe_fixes=True)
    assert data.read_bytes() == once


def test_a_field_is_mended_where_it_stands(tmp_path: Path) -> None:
    pack = _pack(tmp_path, "pattern", {"in": "/metadata/lang", "must-not-match": "_", "replace": "-", "fix": "safe"})
    data = tmp_path / "data.jsonl"
    data.write_bytes(encoded(_chat(("user", "a_b"), metadata={"lang": "en_GB", "n": 1})) + b"\n")
    assert dsprep.fix(data, pack=pack, workers=1).fixed == {CODE: 1}
    assert json.loads(data.read_bytes())["metadata"] == {"lang": "en-GB", "n": 1}


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        ({"max": 4}, ["5 characters, more than 4"]),
        ({"min": 6}, ["5 characters, fewer than 6"]),
        ({"min": 5, "max": 5}, []),
        ({"unit": "words", "max": 1}, ["2 words, more than 1"]),
        ({"unit": "tokens", "min": 9}, ["2 tokens, fewer than 9"]),
        ({"in": ["user", "assistant"], "per": "example", "max": 7}, ["8 characters, more than 7"]),
    ],
)
def test_length_counts_what_it_is_told_to(options: dict[str, Any], wanted: list[str], tmp_path: Path) -> None:
    rows = [_chat(("user", "abc"), ("assistant", "de fg"))]
    assert [message for _, _, message in _found(tmp_path, "length", options, rows)] == wanted


def test_allowed_values_say_which_may_be_meant(tmp_path: Path) -> None:
    rows = [_chat(("user", "a"), ("assistant", answer)) for answer in ("good", "Good", "goood", "x", "7", "true")]
    options = {"values": ["good", "bad", 7, True]}
    assert [message for _, _, message in _found(tmp_path, "allowed-values", options, rows)] == [
        "'Good' is not one of good, bad, 7, true; 'good' may be meant",
        "'goood' is not one of good, bad, 7, true; 'good' may be meant",
        "'x' is not one of good, bad, 7, true",
    ]
    found = _found(tmp_path, "allowed-values", {**options, "ignore-case": True}, rows)
    assert [line for line, _, _ in found] == [3, 4]


def test_required_fields_are_there_and_hold_something(tmp_path: Path) -> None:
    rows = [_chat(("user", "a"), **more) for more in ({}, {"x": None}, {"x": " "}, {"x": []}, {"x": 0}, {"x": False})]
    assert _found(tmp_path, "required-field", {"field": "/x"}, rows) == [
        (1, None, "/x is missing"),
        (2, "/x", "/x is empty"),
        (3, "/x", "/x is empty"),
        (4, "/x", "/x is empty"),
    ]
    assert len(_found(tmp_path, "required-field", {"field": "/x", "allow-empty": True}, rows)) == 1


def test_json_schema_of_answers_fields_and_records(tmp_path: Path) -> None:
    schema = {
        "type": "object",
        "required": ["a"],
        "properties": {"a": {"type": "integer"}},
        "additionalProperties": False,
    }
    answers = ['{"a": 1}', "a", '{"a": "x"}', "{}", '{"a": 1, "b": 2}', '{"a": 1} and more', "[" * 5000]
    rows = [_chat(("user", "q"), ("assistant", answer)) for answer in answers]
    found = _found(tmp_path, "json-schema", {"schema": schema}, rows)
    assert [line for line, _, _ in found] == [2, 3, 4, 5, 6, 7]
    assert [message for _, _, message in found[1:4]] == [
        "/a: 'x' is not of type 'integer'",
        "'a' is a required property",
        "it has members that the schema does not name: 'b'",
    ]
    assert all(message.startswith("not JSON: ") for _, _, message in (found[0], *found[4:]))
    record = {"type": "object", "properties": {"label": {"enum": ["x", "y"]}}, "required": ["label"]}
    rows = [_chat(("user", "q"), label=label) for label in ("x", "z")]
    assert _found(tmp_path, "json-schema", {"in": "record", "schema": record}, rows) == [
        (2, "/label", "/label: 'z' is not one of ['x', 'y']")
    ]


@pytest.mark.parametrize(
    ("schema", "says"),
    [
        ({"type": "objct"}, "'objct' is not valid"),
        ({"properties": {"a": {"pattern": "(?=x)"}}}, "is no pattern of RE2"),
        ({"patternProperties": {"(a)\\1": {}}}, "is no pattern of RE2"),
        ({"$ref": "https://example.com/schema.json"}, "nothing is fetched"),
        ({"items": [{"$ref": "other.json#/a"}]}, "nothing is fetched"),
    ],
)
def test_a_schema_that_cannot_be_used_is_said(schema: Any, says: str) -> None:
    with pytest.raises(SchemaError, match=r"is not valid|RE2|fetched") as error:
        check_schema({"$schema": "http://json-schema.org/draft-07/schema#", **schema})
    assert says in str(error.value)


def test_patterns_of_schemas_are_re2s() -> None:
    schema = {
        "properties": {"a": {"type": "string", "pattern": "^(a+)+$"}},
        "patternProperties": {"^x-": {"type": "integer"}},
        "additionalProperties": {"type": "boolean"},
    }
    check_schema(schema)
    fault = fault_finder(schema)
    assert fault({"a": "aaa", "x-b": 1, "c": True}) is None
    assert fault({"a": "b"}) == ("/a", "'b' does not match '^(a+)+$'")
    assert fault({"x-b": "1"}) == ("/x-b", "'1' is not of type 'integer'")
    assert fault({"c": 1}) == ("/c", "1 is not of type 'boolean'")
    # Python's `re` would not be done with this in our lives.
    assert fault({"a": "a" * 100_000 + "b"}) is not None


def test_ratio_is_of_all_examples(tmp_path: Path) -> None:
    rows = [_chat(("user", "q"), ("assistant", "hi" if i % 4 else "no")) for i in range(40)]
    found = _found(tmp_path, "ratio", {"in": "answer", "match": "^hi", "max": 0.5}, rows)
    assert found == [(None, None, "30 of 40 examples (75.0%), more than 50.0%")]
    assert _found(tmp_path, "ratio", {"in": "answer", "match": "^hi", "min": 0.75, "max": 0.75}, rows) == []
    assert _found(tmp_path, "ratio", {"in": "answer", "match": "^hi", "max": 0.1, "min-examples": 41}, rows) == []
    assert _found(tmp_path, "ratio", {"field": "/label", "min": 0.1}, rows, message="{share:.2%} {bound} {limit}") == [
        (None, None, "0.00% fewer than 0.1")
    ]


def test_ratio_names_the_first_examples_in_order(tmp_path: Path) -> None:
    rows = [_chat(("assistant", "hi" if i in (5, 9, 11, 30) else "no")) for i in range(40)]
    random.Random(1).shuffle(rows)
    pack = _pack(tmp_path, "ratio", {"in": "answer", "match": "hi", "max": 0})
    data = tmp_path / "data.jsonl"
    data.write_bytes(b"".join(encoded(row) + b"\n" for row in rows))
    (finding,) = dsprep.lint(data, pack=pack, workers=1).findings
    wanted = [i for i, row in enumerate(rows, 1) if row["messages"][0]["content"] == "hi"][:3]
    assert [place.line for place in finding.related] == wanted
    assert finding.rows == 4


def test_expectation_has_a_name_and_a_message_of_its_own(tmp_path: Path) -> None:
    options = {
        "expectation": "expect_column_values_to_be_in_set",
        "arguments": {"column": "source", "value_set": ["shop"]},
    }
    assert _found(tmp_path, "expectation", options, TABLE, message="{column}: {value}") == [
        (3, "source", "source: 'forum'")
    ]


# --- hostile data and packs -------------------------------------------------------------------------------------------


def test_a_row_that_another_fix_has_made_a_conversation_lacks_none_of_its_columns(tmp_path: Path) -> None:
    definitions = {
        CODE: ("required-field", {"field": "/source"}),
        "XYZ002": ("json-schema", {"in": "record", "schema": {"required": ["source"]}}),
        "XYZ003": (
            "expectation",
            {"expectation": "expect_column_values_to_not_be_null", "arguments": {"column": "source"}},
        ),
    }
    define = {
        code: {"name": f"fault-{code[-1]}", "template": name, "summary": "s", "severity": "error", "options": options}
        for code, (name, options) in definitions.items()
    }
    pack = tmp_path / "pack.yaml"
    pack.write_text(yaml.safe_dump({"select": ["TXT003"], "define": define}), "utf-8")
    words = [
        "river",
        "stone",
        "lamp",
        "paper",
        "cloud",
        "train",
        "garden",
        "window",
        "market",
        "coffee",
        "violin",
        "harbour",
        "pepper",
        "ladder",
        "mirror",
    ]
    lines = [f"{' '.join(random.Random(n).sample(words, 9))},{'good' if n % 2 else 'bad'},shop" for n in range(40)]
    lines[7] = "bell\x07 " + lines[7]
    data = tmp_path / "data.csv"
    data.write_text("\n".join(["text,label,source", *lines]) + "\n", "utf-8")
    made = dsprep.prepare(data, tmp_path / "out", pack=str(pack), workers=1)
    assert made.rows["rejected"] == 0
    assert {summary.meta.code: summary.fixed for summary in made.report.summaries} == {"TXT003": 1}


def test_data_in_messages_is_never_evaluated(tmp_path: Path) -> None:
    hostile = "{0.__class__} {match.__class__} {count:>99999999} %s {excerpt}"
    rows = [_chat(("assistant", hostile))]
    found = _found(tmp_path, "pattern", {"must-not-match": r"\{0.*"}, rows, message="found {match}")
    assert found == [(1, "/messages/0/content", f"found {hostile[:80]}")]


@pytest.mark.parametrize("pattern", ["(a+)+$", "(a|aa)*c", "(.*)*x", "a{1,500}b"])
def test_no_pattern_takes_more_than_linear_time(pattern: str, tmp_path: Path) -> None:
    rows = [_chat(("user", "a" * 1_000_000 + "!"))]
    assert isinstance(_found(tmp_path, "pattern", {"must-not-match": pattern}, rows), list)


@pytest.mark.parametrize("pattern", ["(?<=a)b", "(?!a)", r"(a)\1", "(", "x{1001}", "[z-a]", "*"])
def test_what_is_no_pattern_is_said(pattern: str) -> None:
    with pytest.raises(PatternError, match="is no pattern of RE2"):
        linear(pattern)


def test_a_pack_does_not_reach_into_objects(tmp_path: Path) -> None:
    pack = load_pack(_pack(tmp_path, "pattern", {"must-match": "a"}, message="{{match.__class__}} {match!r}"))
    assert pack.book.kind(CODE).meta.message.format(match="x") == "{match.__class__} 'x'"
