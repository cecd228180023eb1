"""Formats: chat into each of them and back, and from each of them with its origins."""

from __future__ import annotations

import copy
import json
import pickle
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsprep.formats import (
    FORMATS,
    PREFERENCES,
    ChatNormaliser,
    alpaca,
    chat,
    loses,
    prompt_completion,
    recognised,
    render,
    sharegpt,
)
from dsprep.model import pointer as pointers
from dsprep.model.record import UNDECODED, Example, Record

NORMALISER = ChatNormaliser()


def record(value: Any) -> Record:
    return Record(0, 1, 0, b"", value)


def parsed(value: Any) -> Example:
    example = NORMALISER.example(record(value))
    assert example is not None
    return example


def user(content: Any, **more: Any) -> dict[str, Any]:
    return {"role": "user", "content": content, **more}


def assistant(content: Any, **more: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": content, **more}


def system(content: Any) -> dict[str, Any]:
    return {"role": "system", "content": content}


# --- what is recognised ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ({"messages": []}, "chat"),
        ({"messages": None, "prompt": "a", "completion": "b"}, "chat"),
        ({"prompt": "a", "completion": "b"}, "prompt-completion"),
        ({"instruction": "a", "output": "b"}, "alpaca"),
        ({"conversations": [{"from": "human", "value": "hi"}]}, "sharegpt"),
        ({"conversation": []}, "sharegpt"),
        ({"conversations": "hi"}, None),
        ({"prompt": "a", "chosen": "b", "rejected": "c"}, "preference-trl"),
        ({"chosen": [], "rejected": []}, "preference-trl"),
        ({"prompt": "a", "chosen": "b"}, "preference-trl"),
        ({"prompt": "a", "completion": "b", "chosen": "c"}, "prompt-completion"),
        ({"chosen": True, "rejected": False}, None),
        ({"messages": [], "chosen": "b", "rejected": "c"}, "chat"),
        ({"input": {}, "preferred_output": []}, "preference"),
        ({"non_preferred_completion": None}, "preference"),
        ({"text": "a", "label": "b"}, None),
        ({}, None),
        ([], None),
        ("messages", None),
        (None, None),
        (UNDECODED, None),
    ],
)
def test_recognised(value: Any, name: str | None) -> None:
    assert recognised(value) == name
    example = NORMALISER.example(record(value))
    assert (None if example is None else example.format) == name


def test_formats_are_named_after_themselves() -> None:
    assert list(FORMATS) == [
        "chat",
        "preference",
        "preference-trl",
        "prompt-completion",
        "alpaca",
        "sharegpt",
        "mistral",
        "vertex",
        "bedrock-converse",
        "bedrock-claude",
        "chatml",
        "llama3",
        "llama2",
    ]


def test_the_normaliser_travels() -> None:
    again = pickle.loads(pickle.dumps(NORMALISER))
    assert again.example(record({"messages": []})) == Example({"messages": []}, [])


# --- chat -----------------------------------------------------------------------------------------------------------


def test_chat_is_left_as_it_is() -> None:
    value = {
        "messages": [user("hi"), assistant("hello")],
        "tools": [],
        "label": "greeting",
        "group": 7,
        "split": "dev",
        "metadata": {"id": 1},
        "other": 2,
    }
    example = parsed(value)
    assert example.record is value
    assert example.messages is value["messages"]
    assert (example.label, example.label_pointer, example.group, example.split) == (
        "greeting",
        "/label",
        "7",
        "validation",
    )
    assert (example.meta, example.tools, example.format, example.origins) == ({"id": 1}, [], "chat", None)
    assert render(example, "chat") == value


@pytest.mark.parametrize("messages", [None, "hi", {}, 5, [], [None, 3, {"role": 1}]])
def test_malformed_chat_is_chat(messages: Any) -> None:
    example = parsed({"messages": messages, "label": [1], "split": 4, "metadata": "x", "group": None})
    assert example.record["messages"] is messages
    assert example.messages == (messages if isinstance(messages, list) else [])
    assert (example.label, example.group, example.split, example.meta) == (None, None, None, {})
    for name in FORMATS:
        loses(example, name)
        json.dumps(render(example, name))


# --- each format, read ----------------------------------------------------------------------------------------------


def test_prompt_and_completion() -> None:
    example = parsed({"prompt": "Capital of France?\n\n###\n\n", "completion": " Paris", "id": 7, "label": "geo"})
    assert example.messages == [user("Capital of France?\n\n###\n\n"), assistant(" Paris")]
    assert example.record == {"messages": example.messages}
    assert (example.meta, example.label, example.label_pointer) == ({"id": 7}, "geo", None)
    assert example.origins is not None
    assert example.origins["/messages/1/content"] == "/completion"


def test_prompt_as_messages() -> None:
    value = {"prompt": [system("Be brief."), user("hi")], "completion": [assistant("hello")], "tools": [{}]}
    example = parsed(value)
    assert example.messages == [system("Be brief."), user("hi"), assistant("hello")]
    assert example.record["tools"] == [{}]
    assert example.origins is not None
    assert example.origins["/messages/1/content"] == "/prompt/1/content"
    assert render(example, "prompt-completion") == value


def test_alpaca() -> None:
    value = {
        "instruction": "Translate.",
        "input": "chat",
        "output": "cat",
        "system": "You translate.",
        "history": [["a", "b"], ["c", "d"]],
    }
    example = parsed(value)
    assert example.messages == [
        system("You translate."),
        user("a"),
        assistant("b"),
        user("c"),
        assistant("d"),
        user("Translate.\n\nchat"),
        assistant("cat"),
    ]
    assert example.origins is not None
    assert [example.origins[f"/messages/{i}/content"] for i in range(7)] == [
        "/system",
        "/history/0/0",
        "/history/0/1",
        "/history/1/0",
        "/history/1/1",
        "/instruction",
        "/output",
    ]


@pytest.mark.parametrize(
    ("instruction", "given", "content"),
    [("Say hi.", "", "Say hi."), ("Say hi.", None, "Say hi."), ("", "text", "text"), (None, "text", "text")],
)
def test_alpaca_without_input_or_instruction(instruction: Any, given: Any, content: str) -> None:
    example = parsed({"instruction": instruction, "input": given, "output": "x"})
    assert example.messages == [user(content), assistant("x")]


def test_sharegpt() -> None:
    example = parsed(
        {
            "conversations": [
                {"from": "human", "value": "Weather in Rome and Oslo?"},
                {
                    "from": "function_call",
                    "value": '[{"name": "w", "arguments": {"c": "Rome"}}, {"name": "w", "arguments": "{}"}]',
                },
                {"from": "observation", "value": "21"},
                {"from": "observation", "value": "4"},
                {"from": "gpt", "value": "21 and 4.", "weight": 1},
                {"from": "Alien", "value": "?"},
            ],
            "system": "You know the weather.",
            "tools": '[{"name": "w", "parameters": {}}]',
            "id": "x",
        }
    )
    assert example.messages == [
        system("You know the weather."),
        user("Weather in Rome and Oslo?"),
        {
            "role": "assistant",
            "tool_calls": [
                {"id": "call_1", "type": "function", "function": {"name": "w", "arguments": '{"c": "Rome"}'}},
                {"id": "call_2", "type": "function", "function": {"name": "w", "arguments": "{}"}},
            ],
        },
        {"role": "tool", "content": "21", "tool_call_id": "call_1"},
        {"role": "tool", "content": "4", "tool_call_id": "call_2"},
        assistant("21 and 4.", weight=1),
        {"role": "Alien", "content": "?"},
    ]
    assert example.tools == [{"type": "function", "function": {"name": "w", "parameters": {}}}]
    assert example.meta == {"id": "x"}
    assert example.origins is not None
    assert example.origins["/messages/5/content"] == "/conversations/4/value"
    assert example.origins["/messages/2/tool_calls"] == "/conversations/1/value"


@pytest.mark.parametrize("said", ["no JSON", "[]", "5", '{"arguments": {}}', "[" * 100_000, 7])
def test_sharegpt_calls_that_are_none(said: Any) -> None:
    example = parsed({"conversations": [{"from": "function_call", "value": said}]})
    assert example.messages == [assistant(said)]


def test_sharegpt_with_messages_in_it() -> None:
    assert parsed({"conversations": [user("a"), assistant("b"), None, 5]}).messages == [
        user("a"),
        assistant("b"),
        None,
        5,
    ]


junk = st.recursive(
    st.none() | st.booleans() | st.integers(0, 3) | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["role", "content", "from", "value", "name", "tool_calls", "function", "id", "text"]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=8,
)
KEYS = sorted(frozenset().union(*(known.KEYS for known in FORMATS.values())) | {"label", "split", "metadata"})


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(KEYS), junk, max_size=6))
def test_nothing_malformed_makes_anything_raise(value: dict[str, Any]) -> None:
    before = copy.deepcopy(value)
    example = NORMALISER.example(record(value))
    assert value == before
    if example is None:
        assert recognised(value) is None
        return
    for name in FORMATS:
        json.dumps([loses(example, name), render(example, name)])
    assert value == before
    for place, origin in (example.origins or {}).items():
        pointers.resolve(example.record, place)
        pointers.resolve(value, origin) if not place.endswith(("/role", "/content")) else None


# --- there and back -------------------------------------------------------------------------------------------------

#: Hypothesis tries texts that stand in the code, such as the marks of templates, which these formats cannot carry.
texts = st.text(min_size=1, max_size=8).filter(lambda text: not re.search(r"<[|<s/]|\[/?INST", text))
calls = st.lists(st.tuples(st.sampled_from(["f", "g"]), st.just('{"a": 1}')), min_size=1, max_size=2)


@st.composite
def conversations(draw: st.DrawFn) -> dict[str, Any]:
    """Chat records as backends take them: system text, turns, tool calls with their replies, weights, names."""
    messages: list[dict[str, Any]] = []
    if draw(st.booleans()):
        messages.append(system(draw(texts)))
    number = 0
    for _ in range(draw(st.integers(1, 3))):
        messages.append(user(draw(texts), **draw(st.sampled_from([{}, {}, {"name": "ann"}]))))
        if draw(st.integers(0, 3)) == 0:
            functions = draw(calls)
            ids = [f"call_{number + i + 1}" for i in range(len(functions))]
            number += len(functions)
            messages.append(
                {
                    "role": "assistant",
                    "tool_calls": [
                        {"id": name, "type": "function", "function": {"name": f, "arguments": arguments}}
                        for name, (f, arguments) in zip(ids, functions, strict=True)
                    ],
                }
            )
            messages += [{"role": "tool", "content": draw(texts), "tool_call_id": name} for name in ids]
        messages.append(assistant(draw(texts), **draw(st.sampled_from([{}, {}, {"weight": 0}]))))
    value: dict[str, Any] = {"messages": messages}
    if number or draw(st.booleans()):
        value["tools"] = [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]
    value |= draw(st.sampled_from([{}, {}, {"parallel_tool_calls": False}]))
    value |= draw(st.sampled_from([{}, {"label": "x"}, {"group": "g", "split": "test"}, {"metadata": {"id": 3}}]))
    return value


@pytest.mark.parametrize("name", list(FORMATS))
@settings(deadline=None)
@given(value=conversations())
def test_what_loses_nothing_comes_back_the_same(name: str, value: dict[str, Any]) -> None:
    before = copy.deepcopy(value)
    example = parsed(value)
    lost = loses(example, name)
    written = render(example, name)
    assert value == before, "rendering changes the example"
    # Without a system text, Bedrock's shape for Claude is chat.
    plain = name == "bedrock-claude" and "system" not in written
    assert recognised(json.loads(json.dumps(written))) == ("chat" if plain else name)
    if lost:
        return
    again = parsed(json.loads(json.dumps(written)))
    assert again.messages == example.messages
    assert render(again, "chat") == render(example, "chat") == value


@pytest.mark.parametrize("name", ["chat", "prompt-completion"])
@settings(deadline=None)
@given(value=conversations())
def test_these_never_lose_anything(name: str, value: dict[str, Any]) -> None:
    assert loses(parsed(value), name) == []


@settings(deadline=None)
@given(st.booleans(), st.lists(st.tuples(texts, texts), min_size=1, max_size=4))
def test_plain_turns_go_everywhere(with_system: bool, turns: list[tuple[str, str]]) -> None:
    messages = [system("Be kind.")] * with_system + [m for q, a in turns for m in (user(q), assistant(a))]
    value = {"messages": messages}
    # Llama 2's marks stand between spaces, so that those around texts are lost.
    padded = any(text != text.strip() for turn in turns for text in turn)
    for name in FORMATS.keys() - PREFERENCES.keys() - ({"llama2"} if padded else set()):
        assert loses(parsed(value), name) == []
        assert parsed(render(parsed(value), name)).record == value


@pytest.mark.parametrize(
    ("messages", "lost"),
    [
        ([user("a"), assistant("b", weight=0)], "`weight` of messages"),
        ([user("a"), user("b"), assistant("c")], "which turns follow which"),
        ([user("a")], "which turns follow which"),
        ([user("a"), system("s"), assistant("b")], "the place of system messages"),
        ([user([{"type": "text", "text": "a"}]), assistant("b")], "content that is no text"),
        ([user("a"), {"role": "assistant", "tool_calls": [{}]}], "tool calls"),
        ([user("a"), {"role": "tool", "content": "x"}, assistant("b")], "tool messages"),
    ],
)
def test_alpaca_says_what_it_loses(messages: list[Any], lost: str) -> None:
    assert lost in loses(parsed({"messages": messages}), "alpaca")


@pytest.mark.parametrize(
    ("messages", "lost"),
    [
        ([user([{"type": "image_url"}]), assistant("b")], "content that is no text"),
        ([{"role": "tool", "content": "x", "tool_call_id": "abc"}], "ids of tool calls"),
        ([{"role": "developer", "content": "x"}], "developer messages"),
    ],
)
def test_sharegpt_says_what_it_loses(messages: list[Any], lost: str) -> None:
    assert lost in loses(parsed({"messages": messages}), "sharegpt")


def test_other_columns_go_along() -> None:
    value = {"instruction": "a", "input": "", "output": "b", "id": 7, "source": "wiki", "label": "x"}
    in_chat = render(parsed(value), "chat")
    assert in_chat == {
        "messages": [user("a"), assistant("b")],
        "metadata": {"id": 7, "source": "wiki"},
        "label": "x",
    }
    assert render(parsed(in_chat), "alpaca") == value


def test_modules_are_formats() -> None:
    for module in (chat, prompt_completion, alpaca, sharegpt):
        assert FORMATS[module.NAME] is module
