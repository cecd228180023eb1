"""Other people's formats: their shapes read and written, told apart, and the exports of annotation tools."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from dsprep import api
from dsprep.cli.main import app
from dsprep.formats import EXPORTS, FORMATS, PREFERENCES, ChatNormaliser, keeps, loses, recognised, render
from dsprep.formats.table import Mapping, MappingError
from dsprep.model.record import Example, Record
from dsprep.text.round_trip import lost_between

NORMALISER = ChatNormaliser()
PIXEL = "iVBORw0KGgo="


def parsed(value: Any) -> Example:
    example = NORMALISER.example(Record(0, 1, 0, b"", value))
    assert example is not None
    return example


def user(content: Any) -> dict[str, Any]:
    return {"role": "user", "content": content}


def assistant(content: Any, **more: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": content, **more}


def system(content: Any) -> dict[str, Any]:
    return {"role": "system", "content": content}


def call(identifier: str, name: str, arguments: str) -> dict[str, Any]:
    return {"id": identifier, "type": "function", "function": {"name": name, "arguments": arguments}}


TALK = [system("Be brief."), user("Hi"), assistant("Hello."), user("Bye"), assistant("So long.")]
#: Each shape as its owner documents it, with what it says in chat.
SHAPES: dict[str, dict[str, Any]] = {
    "mistral": {
        "system_prompt": "Be brief.",
        "interactions": [
            {"role": "user", "text": "Hi"},
            {"role": "assistant", "text": "Hello."},
            {"role": "user", "content": "Bye"},
            {"role": "assistant", "content": "So long."},
        ],
    },
    "vertex": {
        "systemInstruction": {"role": "system", "parts": [{"text": "Be brief."}]},
        "contents": [
            {"role": "user", "parts": [{"text": "Hi"}]},
            {"role": "model", "parts": [{"text": "Hello."}]},
            {"role": "user", "parts": [{"text": "Bye"}]},
            {"role": "model", "parts": [{"text": "So long."}]},
        ],
    },
    "bedrock-converse": {
        "schemaVersion": "bedrock-conversation-2024",
        "system": [{"text": "Be brief."}],
        "messages": [
            {"role": "user", "content": [{"text": "Hi"}]},
            {"role": "assistant", "content": [{"text": "Hello."}]},
            {"role": "user", "content": [{"text": "Bye"}]},
            {"role": "assistant", "content": [{"text": "So long."}]},
        ],
    },
    "bedrock-claude": {"system": "Be brief.", "messages": TALK[1:]},
    "chatml": {
        "text": "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n"
        "Hello.<|im_end|>\n<|im_start|>user\nBye<|im_end|>\n<|im_start|>assistant\nSo long.<|im_end|>\n"
    },
    "llama3": {
        "text": "<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\nBe brief.<|eot_id|>"
        "<|start_header_id|>user<|end_header_id|>\n\nHi<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n"
        "Hello.<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nBye<|eot_id|>"
        "<|start_header_id|>assistant<|end_header_id|>\n\nSo long.<|eot_id|>"
    },
    "llama2": {
        "text": "<s>[INST] <<SYS>>\nBe brief.\n<</SYS>>\n\nHi [/INST] Hello. </s><s>[INST] Bye [/INST] So long. </s>"
    },
}


@pytest.mark.parametrize("name", SHAPES)
def test_each_shape_says_the_same_in_chat(name: str) -> None:
    value = SHAPES[name]
    before = copy.deepcopy(value)
    example = parsed(value)
    assert (example.format, example.messages, example.meta) == (name, TALK, {})
    assert value == before
    assert loses(example, name) == []
    again = render(parsed({"messages": TALK}), name)
    if name != "mistral":  # which has two names for everything
        assert again == value
    assert parsed(again).messages == TALK


@pytest.mark.parametrize("name", SHAPES)
def test_findings_point_into_the_record(name: str) -> None:
    origins = parsed(SHAPES[name]).origins
    assert origins is not None
    where = {
        "mistral": ("/system_prompt", "/interactions/1/text"),
        "vertex": ("/systemInstruction/parts/0/text", "/contents/1/parts/0/text"),
        "bedrock-converse": ("/system/0/text", "/messages/1/content/0/text"),
        "bedrock-claude": ("/system", "/messages/1/content"),
    }.get(name, ("/text", "/text"))
    assert (origins["/messages/0/content"], origins["/messages/2/content"]) == where
    # What is below or beside is found by what it is part of.
    assert origins["/messages/2/name"].startswith(where[1][:10])


def test_other_spellings() -> None:
    assert parsed(
        {
            "system_instruction": {"parts": [{"text": "S"}]},
            "contents": [{"parts": [{"text": "a"}, {"inline_data": {"mime_type": "image/png", "data": PIXEL}}]}],
        }
    ).messages == [
        system("S"),
        user(
            [
                {"type": "text", "text": "a"},
                {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}"}},
            ]
        ),
    ]
    assert parsed({"messages": [{"role": "user", "text": "a"}, {"role": "assistant", "text": "b"}]}).messages == [
        user("a"),
        assistant("b"),
    ]
    assert parsed({"messages": [user("a")], "available_tools": [{"type": "function"}]}).tools == [{"type": "function"}]
    asked = {"text": "<s><|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n"}
    assert parsed(asked).messages == [user("Hi")]
    assert parsed({"text": "<s>[INST] Hi [/INST]Hello.</s>[INST] Bye [/INST]So.</s>"}).messages == [
        user("Hi"),
        assistant("Hello."),
        user("Bye"),
        assistant("So."),
    ]
    cut = {"text": "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\nHel"}
    assert parsed(cut).messages == [user("Hi"), assistant("Hel")]


@pytest.mark.parametrize(
    "value",
    [
        {"text": "What does <|im_start|> mean in ChatML?"},
        {"text": "<|im_start|>user\nHi<|im_end|>\nand more"},
        {"text": "<|im_start|>user\nHi<|im_start|>assistant\nHo<|im_end|>"},
        {"text": "[INST] is a mark"},
        {"text": "<|start_header_id|>user"},
        {"contents": "text"},
        {"contents": [{"title": "Whales"}]},
        {"interactions": {"a": 1}},
        {"data": {"text": "a"}, "annotations": []},
        {"transcript": [{"speaker": "Ann", "text": "Hi"}]},
    ],
)
def test_what_only_looks_like_one(value: dict[str, Any]) -> None:
    assert recognised(value) is None


def test_rows_with_messages_stay_chat() -> None:
    for more in ({}, {"system": None}, {"system": [{"type": "text"}]}, {"schemaVersion": 3}, {"reference_answer": "4"}):
        assert recognised({"messages": [user("a")], **more}) == "chat"
    # What graders of reinforcement fine-tuning look at stays where they look.
    value = {"messages": [user("2 + 2?")], "reference_answer": "4", "level": 1}
    assert render(parsed(value), "chat") == value
    assert render(parsed(value), "prompt-completion")["reference_answer"] == "4"
    assert keeps(parsed(value), "alpaca") == ["`reference_answer`", "`level`"]
    assert "`level`" in loses(parsed(value), "vertex")


TOOLS = [{"type": "function", "function": {"name": "f", "description": "d", "parameters": {"type": "object"}}}]
WITH_TOOLS = {
    "messages": [
        user("Both?"),
        assistant("One moment.", tool_calls=[call("call_1", "f", '{"a": 1}'), call("call_2", "g", "{}")]),
        {"role": "tool", "content": "one", "tool_call_id": "call_1"},
        {"role": "tool", "content": "two", "tool_call_id": "call_2"},
        assistant("One and two."),
    ],
    "tools": TOOLS,
}


@pytest.mark.parametrize("name", ["vertex", "bedrock-converse"])
def test_tool_calls_are_carried(name: str) -> None:
    example = parsed(WITH_TOOLS)
    assert loses(example, name) == []
    written = render(example, name)
    assert parsed(json.loads(json.dumps(written))).record == WITH_TOOLS
    # Answers to calls of one message stand together.
    assert len(written["contents" if name == "vertex" else "messages"]) == 4


def test_ids_of_calls() -> None:
    value = copy.deepcopy(WITH_TOOLS)
    value["messages"][1]["tool_calls"][0]["id"] = value["messages"][2]["tool_call_id"] = "abc"  # type: ignore[index]
    assert loses(parsed(value), "bedrock-converse") == []
    assert loses(parsed(value), "vertex") == loses(parsed(value), "mistral") == ["ids of tool calls"]
    written = render(parsed(value), "mistral")["interactions"]
    ids = [one["id"] for one in written[1]["tool_calls"]]
    assert ids == [written[2]["tool_call_id"], written[3]["tool_call_id"]] == ["call00001", "call00002"]


@pytest.mark.parametrize(
    ("url", "vertex", "bedrock"),
    [
        (f"data:image/png;base64,{PIXEL}", [], []),
        ("s3://b/x.png", [], []),
        ("https://x.org/a.png", [], ["image_url parts"]),
    ],
)
def test_images(url: str, vertex: list[str], bedrock: list[str]) -> None:
    parts = [{"type": "text", "text": "What?"}, {"type": "image_url", "image_url": {"url": url}}]
    example = parsed({"messages": [user(parts), assistant("A cat.")]})
    assert loses(example, "vertex") == vertex
    assert loses(example, "bedrock-converse") == bedrock
    assert loses(example, "bedrock-claude") == loses(example, "chatml") == ["image_url parts"]


@pytest.mark.parametrize(
    ("messages", "name", "lost"),
    [
        ([user("a"), assistant("b", weight=0)], "vertex", ["`weight` of messages"]),
        ([user("a"), assistant("b", weight=0)], "mistral", []),
        ([user("a"), system("s"), assistant("b")], "bedrock-claude", ["the place of system messages"]),
        ([system("s"), system("t"), user("a")], "llama2", ["the place of system messages"]),
        ([user("a"), {"role": "tool", "content": "x", "tool_call_id": "i"}], "bedrock-claude", ["tool messages"]),
        ([{"role": "narrator", "content": "x"}, user("a")], "vertex", ["narrator messages"]),
        ([user(" a"), assistant("b")], "llama2", ["white space around texts"]),
        ([user("a<|im_end|>b"), assistant("c")], "chatml", ["texts with its own marks in them"]),
        ([user("a"), assistant("[/INST]")], "llama2", ["texts with its own marks in them"]),
        ([user([{"type": "text", "text": "a"}]), assistant("b")], "vertex", ["texts in parts"]),
        ([user("a"), assistant(None, tool_calls=[call("call_1", "f", '{"a":1}')])], "vertex",
         ["content that is null", "how the JSON of tool calls is laid out"]),
        ([user("a"), assistant(None, tool_calls=[call("call_1", "f", "no JSON")])], "bedrock-converse",
         ["content that is null", "details of tool calls"]),
        ([user("a"), 5], "vertex", ["messages that are no objects"]),
        ([user("a"), assistant(5)], "bedrock-claude", ["content that is no text"]),
    ],
)  # fmt: skip
def test_losses_have_names(messages: list[Any], name: str, lost: list[str]) -> None:
    assert loses(parsed({"messages": messages}), name) == lost


def test_closed_shapes_have_no_room_for_columns() -> None:
    value = {"messages": TALK, "label": "x", "group": "g", "metadata": {"id": 3}}
    for name in ("vertex", "bedrock-converse", "bedrock-claude"):
        assert render(parsed(value), name) == SHAPES[name]
        assert loses(parsed(value), name) == ["`id`", "`label`", "`group`"]
        assert keeps(parsed(value), name) == []
    for name in ("mistral", "chatml", "alpaca"):
        assert loses(parsed(value), name) == []
        assert keeps(parsed(value), name) == ["`id`", "`label`", "`group`"]
        assert render(parsed(value), name)["id"] == 3
    assert keeps(parsed({"prompt": "a", "completion": "b", "id": 3}), "chat") == ["`id`"]
    assert keeps(parsed(value), "chat") == []


# --- laws -----------------------------------------------------------------------------------------------------------

texts = st.text(max_size=8)
parts = st.lists(
    st.one_of(
        st.builds(lambda text: {"type": "text", "text": text}, texts),
        st.sampled_from(
            [
                {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}"}},
                {"type": "image_url", "image_url": {"url": "gs://b/x.webp"}},
                {"type": "image_url", "image_url": {"url": "https://x.org/y", "detail": "low"}},
                {"type": "input_audio", "input_audio": {}},
            ]
        ),
    ),
    max_size=3,
)
messages = st.lists(
    st.one_of(
        st.builds(user, st.one_of(texts, parts)),
        st.builds(assistant, st.one_of(texts, st.none(), parts)),
        st.builds(system, texts),
        st.builds(lambda text, name: {"role": "tool", "content": text, "tool_call_id": name}, texts, texts),
        st.builds(
            lambda pairs, weight: {
                "role": "assistant",
                "tool_calls": [call(f"call_{i + 1}", *pair) for i, pair in enumerate(pairs)],
                **weight,
            },
            st.lists(
                st.tuples(st.sampled_from(["f", "g"]), st.sampled_from(["{}", '{"a":1}', "x", "NaN"])), max_size=2
            ),
            st.sampled_from([{}, {"weight": 0}, {"content": None}, {"name": "ann"}]),
        ),
        st.builds(lambda text: {"role": "developer", "content": text}, texts),
    ),
    min_size=1,
    max_size=6,
)
tools = st.sampled_from([{}, {"tools": []}, {"tools": TOOLS}, {"tools": [{"type": "retrieval"}]}, {"functions": []}])
OTHERS = [name for name in FORMATS if name != "chat" and name not in PREFERENCES]


@pytest.mark.parametrize("name", SHAPES)
@settings(deadline=None)
@given(messages=messages, rest=tools)
def test_there_and_back_or_named_as_lost(name: str, messages: list[Any], rest: dict[str, Any]) -> None:
    value = {"messages": messages, **rest}
    before = copy.deepcopy(value)
    written = json.loads(json.dumps(render(parsed(value), name)))
    assert value == before, "rendering changes the example"
    known = recognised(written)
    if not loses(parsed(value), name):
        assert known is not None
        again = parsed(written)
        assert (again.messages, again.record.get("tools")) == (messages, value.get("tools"))
        assert render(again, "chat") == value
    else:
        assert all(loses(parsed(value), name))
    # What says nothing in the other shape may be none of it; nothing is ever taken for a third one.
    plain = name == "bedrock-claude" and "system" not in written
    assert known in (name, None) or (plain and known == "chat")


@pytest.mark.parametrize("name", OTHERS)
@settings(deadline=None)
@given(turns=st.lists(st.tuples(st.text(min_size=1), st.text(min_size=1)), min_size=1, max_size=4))
def test_no_shape_is_taken_for_another(name: str, turns: list[tuple[str, str]]) -> None:
    example = parsed({"messages": [system("Be kind."), *(m for q, a in turns for m in (user(q), assistant(a)))]})
    written = render(example, name)
    if name != "llama2" or loses(example, name) == []:  # blank texts are no turns there
        assert recognised(written) == name
    assert sum(known.recognises(written) for key, known in FORMATS.items() if key not in ("chat", name)) == 0
    assert not any(export.recognises(written) for export in EXPORTS.values())


INNER = sorted(
    {
        "role",
        "content",
        "parts",
        "text",
        "functionCall",
        "functionResponse",
        "function_call",
        "name",
        "args",
        "response",
    }
    | {"inlineData", "fileData", "mimeType", "data", "fileUri", "toolUse", "toolResult", "toolUseId", "input", "image"}
    | {"source", "bytes", "s3Location", "uri", "format", "json", "tool_calls", "function", "id", "value", "result"}
    | {"type", "from_name", "choices", "annotations", "responses", "values", "status", "rank"}
)
hostile = st.recursive(
    st.none() | st.booleans() | st.integers(-1, 3) | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(INNER),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)
TOP = sorted(
    {"systemInstruction", "contents", "schemaVersion", "system", "messages", "toolConfig", "interactions", "data"}
    | {"available_tools", "system_prompt", "tools", "text", "annotations", "fields", "responses", "suggestions", "id"}
    | {"annotation_id", "annotator", "lead_time", "_server_id", "q.responses", "q.suggestion", "metadata", "transcript"}
)


@settings(deadline=None, max_examples=300)
@given(st.dictionaries(st.sampled_from(TOP), st.lists(hostile, max_size=3) | hostile, max_size=6))
def test_hostile_records_raise_nothing(value: dict[str, Any]) -> None:
    before = copy.deepcopy(value)
    example = NORMALISER.example(Record(0, 1, 0, b"", value))
    for export in EXPORTS.values():
        flat = export.flattened(value)
        assert (flat is not None) == export.recognises(value)
    if example is not None:
        for place in example.origins or ():
            assert isinstance(example.origins[place], str)  # type: ignore[index]
        for name in FORMATS:
            json.dumps([loses(example, name), keeps(example, name), render(example, name)])
    assert value == before


def test_deep_records_raise_nothing() -> None:
    deep: Any = "x"
    for _ in range(5_000):
        deep = [deep]
    calls = {"functionCall": {"name": "f", "args": {"a": deep}}}
    assert parsed({"contents": [{"role": "model", "parts": [calls]}]}).messages[0]["role"] == "assistant"
    used = {"toolUse": {"toolUseId": "i", "name": "f", "input": {"a": deep}}}
    assert parsed({"schemaVersion": "x", "messages": [{"role": "assistant", "content": [used]}]}).messages


@settings(deadline=None)
@given(messages=messages, others=messages)
def test_a_difference_is_never_without_a_name(messages: list[Any], others: list[Any]) -> None:
    lost = lost_between({"messages": messages}, {"messages": others})
    assert bool(lost) == (messages != others)
    assert len(lost) == len(set(lost))


# --- the report of a conversion -------------------------------------------------------------------------------------


def run(*arguments: Any) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["convert", *map(str, arguments)])
    return done.exit_code, done.stderr


def test_the_report_says_where_everything_went(tmp_path: Path) -> None:
    rows = [
        {"messages": [user("a"), assistant("b", weight=1)], "label": "x", "metadata": {"id": i, "source": "web"}}
        for i in range(3)
    ]
    file = tmp_path / "rows.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in [*rows, {"messages": [user("a"), assistant("b")]}]))
    code, said = run(file, "--to", "chatml", "-o", tmp_path / "a.jsonl")
    assert (code, said.splitlines()) == (
        0,
        [
            "chatml has no place of its own for `id`, `source`, `label`: kept as columns in 3 rows",
            "chatml cannot carry `weight` of messages: left out of 3 rows",
            f"4 rows in, 4 written to {tmp_path / 'a.jsonl'}",
        ],
    )
    code, said = run(file, "--to", "vertex", "-o", tmp_path / "b.jsonl")
    assert "vertex cannot carry `source`: left out of 3 rows" in said
    code, said = run(tmp_path / "a.jsonl", "-o", tmp_path / "c.jsonl")
    assert "chat has no place of its own for `id`, `source`: kept as metadata in 3 rows" in said
    back = [json.loads(line) for line in (tmp_path / "c.jsonl").read_text().splitlines()]
    assert back[0] == {"messages": [user("a"), assistant("b")], "metadata": {"id": 0, "source": "web"}, "label": "x"}
    result = api.convert([tmp_path / "a.jsonl"], tmp_path / "d.jsonl", to="llama3")
    assert (result.kept, result.lost) == ({"`id`": 3, "`source`": 3, "`label`": 3}, {})


def test_lint_reports_foreign_records_and_mends_them(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_text("".join(json.dumps(SHAPES[name]) + "\n" for name in SHAPES))
    report = api.lint([file], select=("SCH013", "SCH011"))
    counts = {summary.meta.code: summary.tally.total for summary in report.summaries}
    assert counts == {"SCH013": len(SHAPES), "SCH011": 1}
    done = CliRunner().invoke(app, ["lint", "--isolated", "--select", "SCH013", "--fix", str(file)])
    assert done.exit_code == 0
    assert [json.loads(line) for line in file.read_text().splitlines()] == [{"messages": TALK}] * len(SHAPES)


# --- annotation tools -----------------------------------------------------------------------------------------------


def choice(label: str, **more: Any) -> dict[str, Any]:
    result = {"from_name": "sentiment", "to_name": "text", "type": "choices", "value": {"choices": [label]}}
    return {"was_cancelled": False, "result": [result], **more}


def task(number: int, *annotations: Any, **data: Any) -> dict[str, Any]:
    text = f"Review number {number} says what there is to say about a lamp."
    return {"id": number, "data": {"text": text, **data}, "annotations": list(annotations), "predictions": []}


def converted(tmp_path: Path, rows: Any, **how: Any) -> tuple[Any, list[dict[str, Any]]]:
    file = tmp_path / "export.json"
    file.write_text(json.dumps(rows))
    result = api.convert([file], tmp_path / "out.jsonl", **how)
    assert result.reconciles
    return result, [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]


def test_label_studio(tmp_path: Path) -> None:
    rows = [
        task(1, choice("good"), choice("bad"), choice("good")),
        task(2, choice("bad"), choice("good", was_cancelled=True)),
        task(3, choice("good", was_cancelled=True)),
        task(4),
    ]
    result, out = converted(tmp_path, rows)
    assert (result.rows_in, result.rows_out, result.rejected) == (4, 2, {"missing-value": 2})
    assert [row["messages"][2]["content"] for row in out] == ["good", "bad"]
    assert out[0]["messages"][0]["content"] == "Classify the text. Answer with one of: bad, good."
    assert [row["metadata"] for row in out] == [
        {"sentiment_agreement": 0.667, "annotators": 3, "cancelled": 0, "task": 1},
        {"sentiment_agreement": 1.0, "annotators": 1, "cancelled": 1, "task": 2},
    ]
    report = api.lint([tmp_path / "export.json"], select=("TAB002",))
    places = [finding.location.as_dict() for summary in report.summaries for finding in summary.tally.findings]
    assert [(place["row"], place["column"]) for place in places] == [(3, "sentiment"), (4, "sentiment")]


def test_findings_point_into_the_export(tmp_path: Path) -> None:
    file = tmp_path / "export.json"
    broken = task(2, choice("bad"), text="The cafÃ© is naÃ¯ve about its crÃ¨me.")
    file.write_text(json.dumps([task(1, choice("good")), broken]))
    report = api.lint([file], select=("TXT002",))
    places = [finding.location for summary in report.summaries for finding in summary.tally.findings]
    assert {place.pointer for place in places} == {"/1/data/text"}


def test_label_studio_texts_ratings_and_taxonomies(tmp_path: Path) -> None:
    def result(name: str, kind: str, **value: Any) -> dict[str, Any]:
        return {"from_name": name, "to_name": "text", "type": kind, "value": value}

    both = [result("answer", "textarea", text=["One.", "Two."]), result("span", "labels", start=1, end=3, labels=["X"])]
    _, out = converted(tmp_path, [task(i, {"result": both}) for i in range(3)])
    assert out[0]["messages"] == [user(task(0)["data"]["text"]), assistant("One.\nTwo.")]
    topics = [result("topic", "taxonomy", taxonomy=[["Light", "Lamp"], ["Home"]]), result("stars", "rating", rating=4)]
    _, out = converted(tmp_path, [task(i, {"result": topics}) for i in range(3)], mapping=None)
    assert out[0]["messages"][-1] == assistant("Light > Lamp, Home")
    _, out = converted(tmp_path, [task(1, {"result": topics})], mapping=Mapping(label="stars"))
    assert out[0]["messages"][-1] == assistant("4")
    with pytest.raises(MappingError, match="no text has an answer"):
        converted(tmp_path, [task(1, {"result": both[1:]})])


def test_small_exports_of_label_studio(tmp_path: Path) -> None:
    rows = [
        {
            "text": f"Text number {n} of the export, long enough.",
            "id": n,
            "sentiment": label,
            "tags": {"choices": ["a", "b"]},
        }
        | {"annotator": who, "annotation_id": n * 10 + who, "created_at": "", "updated_at": "", "lead_time": 1.0}
        for n, who, label in [(1, 1, "good"), (1, 2, "bad"), (2, 1, "good"), (3, 1, "bad")]
    ]
    _, out = converted(tmp_path, rows, mapping=Mapping(label="sentiment", group="task"))
    assert [(row["messages"][2]["content"], row["group"]) for row in out] == [
        ("good", "1"),
        ("bad", "1"),
        ("good", "2"),
        ("bad", "3"),
    ]


@pytest.mark.parametrize("shape", ["nested", "flat", "lists"])
def test_argilla(shape: str, tmp_path: Path) -> None:
    def records() -> Iterator[dict[str, Any]]:
        said = [["good", "good", "bad"], ["bad"], []]
        for i, answers in enumerate(said):
            text = f"Review number {i}, which is long enough to be one."
            if shape == "nested":
                responses = {"label": [{"value": answer, "user_id": "u"} for answer in answers]}
                suggestions = {"label": {"value": "good", "score": 0.9, "agent": "m"}}
                yield {
                    "id": f"r{i}",
                    "_server_id": "s",
                    "status": "completed",
                    "fields": {"text": text},
                    "metadata": {"source": "mail"},
                    "vectors": {},
                    "responses": responses,
                    "suggestions": suggestions,
                }
            elif shape == "flat":
                yield {
                    "id": f"r{i}",
                    "_server_id": "s",
                    "status": "completed",
                    "text": text,
                    "label.responses": answers,
                    "label.responses.users": ["u"] * len(answers),
                    "label.responses.status": ["submitted"] * len(answers),
                    "label.suggestion": "good",
                    "label.suggestion.score": 0.9,
                    "label.suggestion.agent": None,
                }
            else:
                values = [{"status": "submitted", "values": {"label": {"value": answer}}} for answer in answers]
                yield {"external_id": f"r{i}", "fields": {"text": text}, "metadata": {"source": "mail"}} | {
                    "responses": [*values, {"status": "discarded", "values": {"label": {"value": "odd"}}}],
                    "suggestions": [{"question_name": "label", "value": "good"}],
                }  # fmt: skip

    _, out = converted(tmp_path, list(records()))
    assert [row["messages"][2]["content"] for row in out] == ["good", "bad", "good"]
    meta = [row["metadata"] for row in out]
    assert [item["annotators"] for item in meta] == [3, 1, 0]
    assert [item["record"] for item in meta] == ["r0", "r1", "r2"]
    assert meta[0]["label_agreement"] == 0.667
    assert meta[0]["cancelled"] == (shape == "lists")
    assert meta[0].get("source") == (None if shape == "flat" else "mail")
