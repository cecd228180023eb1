"""The schema check of one record: which error is whose, all of them in one pass, and two paths that agree."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsprep.model import pointer as pointers
from dsprep.model.batch import Batch
from dsprep.model.chat import ERROR_CODES, ChatSchema, role_group, suggested_role, without_surrogates
from dsprep.model.record import UNDECODED, Example, Fault, Record
from dsprep.model.target import Limit, Target
from dsprep.text.schema import ROLE_PATTERNS, schema_faults

ROLES = ("system", "user", "assistant", "tool", "function")
RECORD_KEYS = ("messages", "tools", "parallel_tool_calls", "functions")
MESSAGE_KEYS = ("role", "content", "name", "weight", "tool_calls", "tool_call_id", "function_call", "refusal")
TARGET = Target(
    name="test",
    title="A target",
    max_tokens=Limit(value=100),
    min_examples=Limit(value=1),
    recommended_examples=Limit(value=1),
    record_keys=RECORD_KEYS,
    message_keys=MESSAGE_KEYS,
    roles=ROLES,
)
SCHEMA = ChatSchema(
    record_keys=RECORD_KEYS, message_keys=MESSAGE_KEYS, roles=ROLES, weighted_roles=TARGET.weighted_roles
)
LOOSE = ChatSchema(
    record_keys=("messages", "*"), message_keys=("role", "content", "tool_calls", "*"), roles=ROLES, weighted_roles=()
)

ASK = {"role": "user", "content": "a"}
ANSWER = {"role": "assistant", "content": "b"}
CALL = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}


def chat(*messages: Any, **more: Any) -> dict[str, Any]:
    return {"messages": list(messages), **more}


def user(**keys: Any) -> dict[str, Any]:
    return chat({**ASK, **keys}, ANSWER)


def assistant(**keys: Any) -> dict[str, Any]:
    return chat(ASK, {"role": "assistant", **keys})


def codes(record: Any, schema: ChatSchema = SCHEMA) -> list[tuple[str, str]]:
    return [(fault.code, fault.pointer) for fault in schema.faults(record)]


FAULTY: list[tuple[Any, list[tuple[str, str]]]] = [
    (None, [("SCH001", "")]),
    ([chat(ASK, ANSWER)], [("SCH001", "")]),
    ({}, [("SCH002", "")]),
    ({"id": 1, "tools": 5}, [("SCH002", "")]),
    (chat(), [("SCH003", "/messages")]),
    (chat(tools=[], id=1), [("SCH003", "/messages"), ("SCH008", "/id")]),
    (chat({}), [("SCH004", "/messages/0"), ("SCH004", "/messages/0")]),
    (assistant(), [("SCH004", "/messages/1")]),
    (assistant(tool_calls=[]), [("SCH004", "/messages/1")]),
    (assistant(function_call=None), [("SCH004", "/messages/1")]),
    (user(role="User"), [("SCH005", "/messages/0/role")]),
    ({"messages": {}}, [("SCH006", "/messages")]),
    ({"messages": None}, [("SCH006", "/messages")]),
    (chat("a", None), [("SCH006", "/messages/0"), ("SCH006", "/messages/1")]),
    (user(role=1), [("SCH006", "/messages/0/role")]),
    (user(role=["user"]), [("SCH006", "/messages/0/role")]),
    (user(content=None), [("SCH006", "/messages/0/content")]),
    (user(content=1), [("SCH006", "/messages/0/content")]),
    (user(name=None), [("SCH006", "/messages/0/name")]),
    (chat(ASK, ANSWER, tools={}), [("SCH006", "/tools")]),
    (chat(ASK, ANSWER, tools=["f"]), [("SCH006", "/tools/0")]),
    (chat(ASK, ANSWER, functions=[{}]), [("SCH006", "/functions/0")]),
    (chat(ASK, ANSWER, parallel_tool_calls=1), [("SCH006", "/parallel_tool_calls")]),
    (assistant(content=1, tool_calls=[CALL]), [("SCH006", "/messages/1/content")]),
    (assistant(tool_calls=CALL), [("SCH006", "/messages/1/tool_calls")]),
    (assistant(tool_calls=[{}]), [("SCH006", "/messages/1/tool_calls/0")]),
    (user(content=[{"type": "audio"}]), [("SCH006", "/messages/0/content/0")]),
    (user(content=["a"]), [("SCH006", "/messages/0/content/0")]),
    (user(content=[{"type": "text"}]), [("SCH006", "/messages/0/content/0")]),
    (assistant(content=[{"type": "image_url", "image_url": {"url": "u"}}]), [("SCH006", "/messages/1/content/0")]),
    (user(content=""), [("SCH007", "/messages/0/content")]),
    (user(content=[]), [("SCH007", "/messages/0/content")]),
    (user(content=[{"type": "text", "text": "\n"}]), [("SCH007", "/messages/0/content/0/text")]),
    (user(weights=1), [("SCH008", "/messages/0/weights")]),
    (chat(ASK, ANSWER, **{"a/b~": 1}), [("SCH008", "/a~1b~0")]),
    (user(weight=1), [("SCH009", "/messages/0/weight")]),
    (assistant(content="b", weight=2), [("SCH009", "/messages/1/weight")]),
    (assistant(content="b", weight=-1), [("SCH009", "/messages/1/weight")]),
    (assistant(content="b", weight=True), [("SCH009", "/messages/1/weight")]),
    (assistant(content="b", weight=10**30), [("SCH009", "/messages/1/weight")]),
]


@pytest.mark.parametrize(("record", "expected"), FAULTY, ids=lambda value: None)
def test_each_error_has_its_code_and_place(record: Any, expected: list[tuple[str, str]]) -> None:
    assert codes(record) == expected
    assert not SCHEMA.accepts(record)


def test_every_line_of_the_table_is_reached_and_no_error_is_outside_it() -> None:
    from dsprep.model.chat import _path, _place

    # A wrong type of an image's parts is reached by an error that is listed for any place.
    seen = set()
    for record, _ in [*FAULTY, (user(content=[{"type": "text", "text": 1}]), [])]:
        for error in SCHEMA._errors(record):
            kind, place = error["type"], _place(_path(error["loc"]))
            key = (kind, place) if (kind, place) in ERROR_CODES else (kind, "")
            assert key in ERROR_CODES, key
            seen.add(key)
    # JSON has no keys but strings; a Python caller may have others.
    assert set(ERROR_CODES) - seen == {("invalid_key", "")}
    assert codes(chat({**ASK, 1: 2}, ANSWER)) == [("SCH008", "/messages/0/1")]
    assert sorted(set(ERROR_CODES.values())) == [f"SCH00{n}" for n in range(1, 10)]


def test_all_errors_of_a_record_in_one_pass() -> None:
    record = chat(
        {"role": "User", "content": 5, "foo": 1, "weight": 2},
        {"role": "assistant", "content": " ", "weight": "1"},
        "x",
        {"content": [{"type": "text", "text": ""}, {"type": "x"}]},
        id=1,
        tools=5,
    )
    assert sorted(codes(record)) == [
        ("SCH004", "/messages/3"),
        ("SCH005", "/messages/0/role"),
        ("SCH006", "/messages/0/content"),
        ("SCH006", "/messages/2"),
        ("SCH006", "/messages/3/content/1"),
        ("SCH006", "/tools"),
        ("SCH007", "/messages/1/content"),
        ("SCH007", "/messages/3/content/0/text"),
        ("SCH008", "/id"),
        ("SCH008", "/messages/0/foo"),
        ("SCH009", "/messages/0/weight"),
        ("SCH009", "/messages/1/weight"),
    ]


@pytest.mark.parametrize(
    "record",
    [
        chat(ASK, ANSWER),
        chat({"role": "system", "content": [{"type": "text", "text": "s"}]}, ASK, {**ANSWER, "weight": 0}),
        user(
            content=[{"type": "text", "text": "a"}, {"type": "image_url", "image_url": {"url": "u", "detail": "low"}}]
        ),
        chat(
            ASK,
            {"role": "assistant", "tool_calls": [CALL, {**CALL, "id": "d"}]},
            {"role": "tool", "tool_call_id": "c", "content": "t"},
            {"role": "tool", "tool_call_id": "d", "content": [{"type": "text", "text": "t"}]},
            {"role": "assistant", "content": None, "tool_calls": [CALL], "refusal": None},
            {"role": "tool", "tool_call_id": "c", "content": "t"},
            {"role": "assistant", "content": "", "function_call": {"name": "f", "arguments": ""}},
            {"role": "function", "name": "f", "content": "t"},
            {**ANSWER, "function_call": None, "name": "bot", "weight": 1},
            tools=[
                {"type": "function", "function": {"name": "f", "description": None, "parameters": {"type": "object"}}}
            ],
            parallel_tool_calls=False,
            functions=[{"name": "f"}],
        ),
    ],
)
def test_what_a_target_takes_is_clean(record: Any) -> None:
    assert SCHEMA.accepts(record)
    assert codes(record) == []


def test_a_target_that_ignores_other_keys() -> None:
    call = {"function": {"name": "f", "arguments": {"a": 1}}}
    record = chat({**ASK, "id": 1}, {"role": "assistant", "tool_calls": [call], "weight": 7}, id=1)
    assert codes(record, LOOSE) == []
    assert codes(chat(user(content=[{"type": "image"}])["messages"][0]), LOOSE) == []
    assert codes(chat(user(content=[{}])["messages"][0]), LOOSE) == [("SCH006", "/messages/0/content/0")]


# --- the two paths, and a third one that shares nothing with them ----------------------------------------------------


def good(record: Any) -> bool:
    """Whether `record` has no fault, said in plain Python."""
    if not isinstance(record, dict) or not set(record) <= set(RECORD_KEYS):
        return False
    messages = record.get("messages")
    if not isinstance(messages, list) or not messages or not all(map(good_message, messages)):
        return False
    if type(record.get("parallel_tool_calls", True)) is not bool:
        return False
    tools = record.get("tools", [])
    return isinstance(tools, list) and all(isinstance(tool, dict) for tool in tools)


def good_message(message: Any) -> bool:
    if not isinstance(message, dict) or not set(message) <= set(MESSAGE_KEYS):
        return False
    role = message.get("role")
    if not isinstance(role, str) or role not in ROLES:
        return False
    if "weight" in message and (role != "assistant" or type(message["weight"]) is not int):
        return False
    if message.get("weight", 0) not in (0, 1) or not isinstance(message.get("name", ""), str):
        return False
    calls = message.get("tool_calls", [])
    if not isinstance(calls, list) or not all(map(good_call, calls)):
        return False
    content = message.get("content")
    if role == "assistant" and calls:
        return content is None or isinstance(content, str) or good_parts(content, images=False, blank=True)
    if isinstance(content, str):
        return not blank(content)
    return content != [] and good_parts(content, images=role == "user", blank=False)


def good_parts(content: Any, *, images: bool, blank: bool) -> bool:
    return isinstance(content, list) and all(good_part(part, images, blank) for part in content)


def good_part(part: Any, images: bool, may_be_blank: bool) -> bool:
    if not isinstance(part, dict):
        return False
    if part.get("type") == "text":
        return isinstance(part.get("text"), str) and (may_be_blank or not blank(part["text"]))
    if part.get("type") == "image_url" and images:
        image = part.get("image_url")
        return isinstance(image, dict) and isinstance(image.get("url"), str)
    return False


def good_call(call: Any) -> bool:
    function = call.get("function") if isinstance(call, dict) else None
    if not isinstance(function, dict) or not isinstance(call.get("id", ""), str):
        return False
    return isinstance(function.get("name"), str) and isinstance(function.get("arguments"), str)


def blank(text: str) -> bool:
    # Python strips four separators of ASCII (U+001C to U+001F) that are no white space to Unicode.
    return not text.replace("\x1c", "x").replace("\x1d", "x").replace("\x1e", "x").replace("\x1f", "x").strip()


def mostly(strategy: st.SearchStrategy[Any], other: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    # If each part were bad half of the time, hardly a record would be good. (one_of takes repeats as one.)
    return st.integers(0, 9).flatmap(lambda drawn: other if drawn == 9 else strategy)


# All of Unicode would cost seconds the first time that it is tabulated, and hold little of interest.
LETTERS = 'ab01 \n\t\x00\x1c\x85\xa0é\u200b\u2028\u3000\ufeff😀/~"\\'
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 2) | st.floats() | st.text(LETTERS, max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(LETTERS, max_size=3), inner, max_size=3),
    max_leaves=6,
)
TEXT = mostly(
    st.text(LETTERS, min_size=1, max_size=5), st.sampled_from(["", " ", "\u3000\n", "\x1c", "\x85", "\u200b"])
)
PART = mostly(
    st.fixed_dictionaries({"type": st.just("text"), "text": TEXT}),
    st.fixed_dictionaries({"type": st.just("image_url"), "image_url": mostly(st.just({"url": "u"}), ANYTHING)})
    | st.fixed_dictionaries({"type": st.just("text") | ANYTHING}, optional={"text": ANYTHING}),
)
CALL_LIKE = mostly(
    st.just(CALL), st.fixed_dictionaries({"id": ANYTHING, "function": st.just(CALL["function"]) | ANYTHING})
)
CONTENT = mostly(TEXT | st.lists(PART, max_size=2), ANYTHING)
ROLE = mostly(st.sampled_from(ROLES), st.sampled_from(["User", "gpt", ""]) | ANYTHING)
PLAIN = st.fixed_dictionaries({"role": ROLE, "content": CONTENT})
ANSWERS = st.fixed_dictionaries(
    {"role": st.just("assistant")},
    optional={
        "content": CONTENT,
        "weight": mostly(st.sampled_from([0, 1]), st.sampled_from([2, -1, True, 1.0, None, "1"])),
        "tool_calls": mostly(st.lists(CALL_LIKE, max_size=2), ANYTHING),
    },
)
ODD = st.fixed_dictionaries(
    {},
    optional={
        "role": ROLE,
        "content": CONTENT,
        "weight": st.sampled_from([0, 1, 2, True]),
        "tool_calls": st.lists(CALL_LIKE, max_size=2),
        "name": mostly(st.just("n"), ANYTHING),
        "0": ANYTHING,
    },
)
RECORD = mostly(
    st.fixed_dictionaries(
        {"messages": mostly(st.lists(mostly(PLAIN | ANSWERS, ODD | ANYTHING), max_size=3), ANYTHING)},
        optional={
            "tools": mostly(st.just([]), ANYTHING),
            "parallel_tool_calls": mostly(st.booleans(), ANYTHING),
        },
    ),
    st.fixed_dictionaries({"messages": st.lists(PLAIN, max_size=2), "id": ANYTHING}) | ANYTHING,
)


@given(RECORD)
def test_both_paths_agree_with_each_other_and_with_plain_python(record: Any) -> None:
    before = copy.deepcopy(record)
    faults = SCHEMA.faults(record)
    assert SCHEMA.accepts(record) == (not faults)
    assert repr(record) == repr(before), "the check changes nothing"
    tools = record.get("tools") if isinstance(record, dict) else None
    if not tools:  # the reference does not look into tools
        assert good(record) == (not faults), faults
    for fault in faults:
        pointers.resolve(record, fault.pointer)
        json.dumps(fault.args, allow_nan=False)
    places = [(fault.code, fault.pointer, fault.args.get("key"), fault.args.get("expected")) for fault in faults]
    assert len(places) == len(set(places)), "one fault for one error"


@given(ANYTHING)
def test_no_json_value_is_too_strange(value: Any) -> None:
    for schema in (SCHEMA, LOOSE):
        assert schema.accepts(value) == (not schema.faults(value))


@given(RECORD, st.sampled_from(["\ud800", "\udfff"]))
def test_a_lone_surrogate_hides_no_other_fault_and_is_none_itself(record: Any, half: str) -> None:
    text = json.dumps(record, ensure_ascii=False)
    for place in (': "', '{"', '"content": "'):
        broken = json.loads(text.replace(place, place + half, 1))
        assert SCHEMA.faults(broken) == SCHEMA.faults(without_surrogates(broken))
        assert not SCHEMA.accepts(broken) or not SCHEMA.faults(broken)


def test_without_surrogates_is_a_copy_of_any_depth() -> None:
    deep: Any = "\ud800"
    for _ in range(5000):
        deep = [deep]
    clean = without_surrogates(deep)
    while isinstance(clean, list):
        deep, clean = deep[0], clean[0]
    assert (deep, clean) == ("\ud800", "\ufffd")
    assert without_surrogates({"\ud83d": ["a\udc00", 1, None, "😀"]}) == {"\ufffd": ["a\ufffd", 1, None, "😀"]}


# --- roles -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("role", "expected"),
    [
        ("User", ("user", True)),
        ("\tASSISTANT ", ("assistant", True)),
        ("human", ("user", False)),
        ("Human:", ("user", False)),
        ("user_message", ("user", False)),
        ("instruction", ("user", False)),
        ("gpt", ("assistant", False)),
        ("Bot", ("assistant", False)),
        ("AI", ("assistant", False)),
        ("chatbot", ("assistant", False)),
        ("model", ("assistant", False)),
        ("assisstant", ("assistant", False)),
        ("developer", ("system", False)),
        ("observation", ("tool", False)),
        ("narrator", (None, False)),
        ("", (None, False)),
        ("user" * 100_000, (None, False)),
    ],
)
def test_which_role_is_meant(role: str, expected: tuple[str | None, bool]) -> None:
    assert suggested_role(role, ROLES) == expected


def test_a_role_is_suggested_in_the_words_of_the_target() -> None:
    assert suggested_role("assistant", ("user", "model")) == ("model", False)
    assert suggested_role("tool", ("user", "assistant")) == (None, False)
    assert suggested_role("SYSTEM", ("developer", "user")) == ("developer", False)
    assert all(role_group(role) == role for role in ("system", "user", "assistant", "tool"))


# --- the features ----------------------------------------------------------------------------------------------------


def batch(*rows: tuple[Any, Example | None]) -> Batch:
    records = [
        Record(i, i + 1, 0, b"", value, faults=(Fault("invalid-json"),) if value is UNDECODED else ())
        for i, (value, _) in enumerate(rows)
    ]
    return Batch(source=0, path="p", records=records, examples=[example for _, example in rows])


def as_chat(value: dict[str, Any], shape: str = "chat", **more: Any) -> tuple[Any, Example]:
    record = more.get("record", value)
    return value, Example(record, record["messages"], format=shape)


def test_what_the_feature_says_of_each_kind_of_row() -> None:
    legacy = {"prompt": "a", "completion": "", "id": 1}
    converted = chat(ASK, {"role": "assistant", "content": "", "foo": 1}, id=1, made=2)
    rows = batch(
        as_chat(chat(ASK, ANSWER)),
        (UNDECODED, None),
        (5, None),
        ({"id": 1}, None),
        ({"messages": 5}, None),
        as_chat(legacy, "prompt-completion", record=converted),
        as_chat(chat(ASK, ANSWER, id=1)),
    )
    found = [(i, fault.code, fault.pointer) for i, fault in rows.get(schema_faults(TARGET))]
    assert found == [
        (2, "SCH001", ""),
        (3, "SCH002", ""),
        (4, "SCH006", "/messages"),
        (5, "SCH007", "/messages/1/content"),
        (5, "SCH008", "/messages/1/foo"),
        (5, "SCH008", "/made"),
        (6, "SCH008", "/id"),
    ]


def test_role_patterns_see_through_aliases_and_count_each_pattern_once() -> None:
    rows = batch(
        as_chat(chat(ASK, ANSWER)),
        as_chat(chat({"role": "human"}, {"role": "GPT"})),
        as_chat(chat({"role": "x"}, {"role": ["user"]}, "user", {}, None, [])),
        as_chat(chat()),
        (UNDECODED, None),
        as_chat(chat(ASK, ANSWER)),
    )
    assert {pattern: sorted(found) for pattern, found in rows.get(ROLE_PATTERNS).items()} == {
        ("user", "assistant"): [0, 1, 5],
        ("other", "", "", "", "", ""): [2],
        (): [3],
    }
