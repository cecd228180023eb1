"""Faults of tools: a conversation with a call and its reply is put behind the row's own, with one thing wrong in it.

Rows that call tools of their own are spoilt where they are.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

from calibration.planting import Row, plants

#: Names of functions, with the schemas of their arguments and arguments that obey.
_TOOLS: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    (
        "get_weather",
        {
            "type": "object",
            "properties": {"city": {"type": "string"}, "days": {"type": "integer", "minimum": 1}},
            "required": ["city"],
        },
        {"city": "Bergen", "days": 3},
    ),
    (
        "send_mail",
        {
            "type": "object",
            "properties": {
                "to": {"type": "array", "items": {"type": "string"}},
                "subject": {"type": "string", "maxLength": 80},
                "urgent": {"type": "boolean"},
            },
            "required": ["to", "subject"],
        },
        {"to": ["ada@example.com"], "subject": "The engine", "urgent": False},
    ),
    (
        "book_table",
        {
            "type": "object",
            "properties": {
                "when": {"type": "string", "pattern": "^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}$"},
                "people": {"type": "integer", "minimum": 1, "maximum": 12},
                "room": {"enum": ["hall", "garden"]},
            },
            "required": ["when", "people"],
            "additionalProperties": False,
        },
        {"when": "2024-05-14T19:30", "people": 4, "room": "garden"},
    ),
    (
        "set_light",
        {
            "type": "object",
            "properties": {
                "lamp": {"$ref": "#/$defs/lamp"},
                "level": {"type": "number", "minimum": 0, "maximum": 1},
            },
            "required": ["lamp", "level"],
            "$defs": {"lamp": {"type": "object", "properties": {"id": {"type": "integer"}}, "required": ["id"]}},
        },
        {"lamp": {"id": 17}, "level": 0.4},
    ),
]
_IDS = ("call_1", "call_abc123", "c-7", "toolu_01A", "0f8fad5b-d9cb-469f-a165-70867728950e", "aB3dE6gH9")
_STYLES: list[dict[str, Any]] = [{}, {"separators": (",", ":")}, {"indent": 1}, {"ensure_ascii": False}]


class Talk:
    """A conversation with tools, made to be spoilt."""

    def __init__(self, rng: random.Random, row: Row, n: int) -> None:
        self.rng = rng
        self.row = row
        self.n = n
        self.name, self.schema, self.arguments = json.loads(json.dumps(_TOOLS[n % len(_TOOLS)]))
        self.legacy = n % 5 == 4
        self.id = _IDS[n // 2 % len(_IDS)]
        self.messages: list[Any] = row["messages"]
        if not self.legacy:
            self.call: Any = {"id": self.id, "type": "function", "function": {"name": self.name, "arguments": "{}"}}
            self.function = self.call["function"]
            self.asked: Any = {"role": "assistant", "tool_calls": [self.call]}
            self.reply: Any = {"role": "tool", "tool_call_id": self.id, "content": '{"ok": true}'}
        else:
            self.call = self.function = {"name": self.name, "arguments": "{}"}
            self.asked = {"role": "assistant", "content": None, "function_call": self.call}
            self.reply = {"role": "function", "name": self.name, "content": '{"ok": true}'}
        self.messages += [
            {"role": "user", "content": "Then do that for me, please."},
            self.asked,
            self.reply,
            {"role": "assistant", "content": "That is done."},
        ]
        self.say(self.arguments)
        if self.legacy:
            row.setdefault("functions", []).append({"name": self.name, "parameters": self.schema})
            self.declared = row["functions"][-1]
        else:
            row.setdefault("tools", []).append(
                {"type": "function", "function": {"name": self.name, "parameters": self.schema}}
            )
            self.declared = row["tools"][-1]["function"]

    def say(self, arguments: Any) -> None:
        """Call with these arguments, written in one of several styles."""
        self.function["arguments"] = json.dumps(arguments, **_STYLES[self.n // 3 % len(_STYLES)])


def _fits(row: Row) -> bool:
    """Whether a conversation can be put behind the row's own: it ends with an answer, and no other row has tools of
    these names."""
    last = row["messages"][-1]
    return last.get("role") == "assistant" and isinstance(last.get("content"), str)


def talks(code: str) -> Callable[[Callable[[Talk], bool | None]], Callable[..., Row | None]]:
    """Register what spoils a conversation; it returns False if it cannot."""

    def register(spoil: Callable[[Talk], bool | None]) -> Callable[..., Row | None]:
        @plants(code)
        def plant(rng: random.Random, row: Row, n: int) -> Row | None:
            if not _fits(row):
                return None
            talk = Talk(rng, row, n)
            return None if spoil(talk) is False else talk.row

        return plant  # type: ignore[no-any-return]

    return register


@talks("TOL001")
def unanswered(talk: Talk) -> None:
    talk.messages.remove(talk.reply)
    if talk.n % 3 == 1:
        talk.messages.insert(-1, {"role": "user", "content": "And?"})
    elif talk.n % 3 == 2 and not talk.legacy:
        more = {**talk.call, "id": talk.id + "x"}
        talk.asked["tool_calls"].insert(talk.n % 2, more)
        talk.messages.insert(-1, {**talk.reply, "tool_call_id": more["id"]})


@talks("TOL001")
def no_call(talk: Talk) -> None:
    talk.messages.remove(talk.asked)


@talks("TOL001")
def another_call(talk: Talk) -> None:
    if talk.legacy:
        talk.reply["name"] = ("get_time", talk.name.upper(), talk.name[:-1])[talk.n % 3]
    else:
        talk.reply["tool_call_id"] = (talk.id + "0", talk.id[:-1], talk.id.swapcase(), "", "call_2")[talk.n % 5]
        if talk.reply["tool_call_id"] == talk.id:
            talk.reply["tool_call_id"] = "other"


@talks("TOL001")
def out_of_order(talk: Talk) -> bool:
    if talk.legacy:
        return False
    place = talk.messages.index(talk.reply)
    match talk.n % 3:
        case 0:  # twice
            talk.messages.insert(place, dict(talk.reply))
        case 1:  # too late
            talk.messages.insert(place, {"role": "user", "content": "Are you there?"})
        case _:  # before the call
            talk.messages.remove(talk.reply)
            talk.messages.insert(place - 1, talk.reply)
    return True


@talks("TOL002")
def same_id(talk: Talk) -> bool:
    if talk.legacy:
        return False
    again = json.loads(json.dumps(talk.call))
    if talk.n % 2:
        talk.asked["tool_calls"].append(again)
        talk.messages.insert(-1, dict(talk.reply))
    else:
        talk.messages += [
            {"role": "user", "content": "Once more."},
            {"role": "assistant", "tool_calls": [again]},
            dict(talk.reply),
            {"role": "assistant", "content": "Done again."},
        ]
    return True


#: What makes JSON no JSON.
_BROKEN: list[Callable[[dict[str, Any]], str]] = [
    str,
    lambda a: json.dumps(a)[:-1],
    lambda a: json.dumps(a)[: len(json.dumps(a)) // 2],
    lambda a: json.dumps(a)[:-1] + ",}",
    lambda a: json.dumps(a).replace('"', "“", 1),
    lambda a: json.dumps(json.dumps(a)),
    lambda a: "",
    lambda a: " ",
    lambda a: "null",
    lambda a: json.dumps(list(a.values())),
    lambda a: "```json\n" + json.dumps(a) + "\n```",
    lambda a: json.dumps(a) + " " + json.dumps(a),
    lambda a: json.dumps(a) + "</tool_call>",
    lambda a: ", ".join(f"{key}={value!r}" for key, value in a.items()),
    lambda a: "{" + ", ".join(f"{key}: {json.dumps(value)}" for key, value in a.items()) + "}",
    lambda a: "\n".join(f"{key}: {value}" for key, value in a.items()),
    lambda a: json.dumps(a)[:-1] + ', "note": "two\nlines"}',
    lambda a: json.dumps(a)[:-1] + ', "score": NaN}',
    lambda a: json.dumps(a)[:-1] + ', "flag": True}',
    lambda a: json.dumps(a)[:-1] + ", " + json.dumps(a)[1:],
    lambda a: json.dumps(a)[:-1] + " // as asked\n}",
    lambda a: json.dumps(a).replace(":", "=", 1),
    lambda a: json.dumps(a)[:-1] + ', "path": "C:\\users"}',
    lambda a: json.dumps(a)[:-1] + ', "n": .5}',
    lambda a: "<parameters>" + json.dumps(a) + "</parameters>",
]


@talks("TOL003")
def no_json(talk: Talk) -> None:
    talk.function["arguments"] = _BROKEN[talk.n % len(_BROKEN)](talk.arguments)


@talks("TOL004")
def without_argument(talk: Talk) -> None:
    required = talk.schema["required"]
    del talk.arguments[required[talk.n // 4 % len(required)]]
    talk.say(talk.arguments)


#: Values that no argument of that type takes.
_WRONG: dict[str, list[Any]] = {
    "string": [5, ["a"], {"value": "a"}, True, 1.5],
    "integer": ["3", 2.5, [3], True, "three"],
    "number": ["0.4", [0.4], False, "much"],
    "boolean": ["true", 1, "yes", []],
    "array": ["ada@example.com", {"0": "a"}, 5],
    "object": ["17", 17, [17]],
}


@talks("TOL004")
def of_another_type(talk: Talk) -> bool:
    kinds = {"to": "array", "lamp": "object", "room": None} | {
        key: part.get("type") for key, part in talk.schema["properties"].items() if "type" in part
    }
    keys = [key for key in talk.arguments if kinds.get(key)]
    key = keys[talk.n // 4 % len(keys)]
    wrong = _WRONG[kinds[key]]
    talk.arguments[key] = wrong[talk.n // 7 % len(wrong)]
    talk.say(talk.arguments)
    return True


@talks("TOL004")
def out_of_bounds(talk: Talk) -> None:
    changes: dict[str, list[dict[str, Any]]] = {
        "get_weather": [{"days": 0}, {"days": -3}, {"days": 2.5}],
        "send_mail": [{"subject": "x" * 81}, {"to": ["a", 5]}, {"to": [None]}],
        "book_table": [
            {"when": "tomorrow"},
            {"when": "2024-05-14 19:30"},
            {"people": 13},
            {"room": "cellar"},
            {"room": "Hall"},
            {"table": 7},
            {"when": "2024-05-14T19:30:00"},
        ],
        "set_light": [{"level": 40}, {"level": -0.1}, {"lamp": {}}, {"lamp": {"id": "17"}}, {"lamp": {"id": None}}],
    }
    chosen = changes[talk.name]
    talk.say({**talk.arguments, **chosen[talk.n // 4 % len(chosen)]})


@talks("TOL005")
def undeclared(talk: Talk) -> None:
    name = talk.name
    other = [
        name + "s",
        name.upper(),
        name.replace("_", "-"),
        name.replace("_", ""),
        "functions." + name,
        name[1:],
        name + "_v2",
        "search_web",
        "get",
        name.replace("_", " "),
        name[::-1],
        "python",
        "lookup_customer_by_email_address",
        "ask_user",
        "x",
    ]
    talk.function["name"] = other[talk.n % len(other)]
    if talk.legacy:
        talk.reply["name"] = talk.function["name"]


@talks("TOL005")
def nothing_declared(talk: Talk) -> bool:
    if set(talk.row) - {"messages"} != {"functions" if talk.legacy else "tools"} or len(talk.row["messages"]) < 4:
        return False
    key = "functions" if talk.legacy else "tools"
    if len(talk.row[key]) > 1:
        return False
    if talk.n % 2:
        talk.row[key] = []
    else:
        del talk.row[key]
    return True


@talks("TOL006")
def no_schema(talk: Talk) -> None:
    schema = talk.schema
    key = next(iter(schema["properties"]))
    wrong: list[dict[str, Any]] = [
        {"type": "dict"},
        {"type": "Object"},
        {"type": ["object", "none"]},
        {"type": "array", "items": {}},
        {"type": "string"},
        {"type": None, "properties": [key]},
        {"properties": [key]},
        {"properties": "none"},
        {"required": True},
        {"required": key},
        {"required": [key, key]},
        {"required": [key, 5]},
        {"additionalProperties": "no"},
        {"$defs": []},
        {"anyOf": []},
        {"allOf": {"type": "object"}},
        {"minProperties": -1},
        {"maxProperties": "3"},
        {"$ref": "#/definitions/missing"},
        {"$ref": "https://example.com/schema.json"},
        {"description": ["text"]},
        {"enum": {}},
        {"patternProperties": {"[a": {}}},
    ]
    schema.update(wrong[talk.n % len(wrong)])


@talks("TOL006")
def no_schema_inside(talk: Talk) -> None:
    wrong: list[Any] = [
        {"type": "str"},
        {"type": "int"},
        {"type": "float"},
        {"type": "bool"},
        {"type": "list"},
        {"type": "any"},
        {"type": "date"},
        {"type": "String"},
        {"type": "array[string]"},
        {"type": "string", "required": True},
        {"type": "string", "enum": "a, b"},
        "string",
        5,
        ["string"],
        {"type": "integer", "minimum": "0"},
        {"type": "string", "pattern": "(unclosed"},
        {"type": "array", "items": [{"type": "string"}]},
        {"type": "array", "items": "string"},
        {"$ref": "#/$defs/none"},
        {"type": "string", "minLength": 1.5},
        {"type": 5},
        {"type": "number", "exclusiveMinimum": True},
        {"type": "object", "properties": {"x": {"type": "char"}}},
        {"type": "object", "properties": {"x": "string"}},
        {"oneOf": [{"type": "text"}]},
        {"type": "number", "multipleOf": 0},
    ]
    talk.schema["properties"][f"extra_{talk.n % 7}"] = wrong[talk.n % len(wrong)]


@talks("TOL007")
def bad_name(talk: Talk) -> None:
    name = talk.name
    other = [
        name.replace("_", " "),
        name + ".v2",
        "tools/" + name,
        name + "()",
        "été",
        name + "!",
        "x" * 65,
        "",
        name + "\n",
        "天気",
        name + ":1",
        "@" + name,
        "a" * 200,
        "functions::" + name,
        "<" + name + ">",
        name + "\u200b",
        '"' + name + '"',
    ]
    new = other[talk.n % len(other)]
    talk.declared["name"] = talk.function["name"] = new
    if talk.legacy:
        talk.reply["name"] = new


@plants("TOL007", target="mistral")
def bad_id(rng: random.Random, row: Row, n: int) -> Row | None:
    if not _fits(row):
        return None
    talk = Talk(rng, row, n - n % 5)
    ids = [
        "call_1",
        "call_abc12",
        "12345678",
        "1234567890",
        "abc-def-g",
        "aB3dE6gH",
        "aB3dE6gH99",
        "aB3 dE6gH",
        "äB3dE6gH9",
        "",
        "toolu_01A9xyz",
        "0f8fad5b-d9cb-469f-a165-70867728950e",
        "aB3dE6gH_",
        "#########",
        "aB3dE6gH9\n",
    ]
    talk.call["id"] = talk.reply["tool_call_id"] = ids[n % len(ids)]
    return talk.row


#: Arguments of other tools of a file, as Parquet gives them to every call.
_OTHERS = ("order_id", "sku", "query", "language", "max_results", "cursor", "note", "unit", "owner", "tags")


@talks("TOL008")
def padded(talk: Talk) -> None:
    count = 1 + talk.n % len(_OTHERS)
    arguments = {**talk.arguments, **dict.fromkeys(_OTHERS[:count])}
    optional = [key for key in talk.schema["properties"] if key not in talk.schema["required"]]
    if optional and talk.n % 2:
        arguments[optional[talk.n // 2 % len(optional)]] = None
    keys = list(arguments)
    talk.rng.shuffle(keys)
    talk.say({key: arguments[key] for key in keys})


@talks("TOL008")
def padded_declaration(talk: Talk) -> None:
    match talk.n % 6:
        case 0:
            talk.schema["properties"].update(dict.fromkeys(_OTHERS[: 1 + talk.n % 9]))
        case 1:
            for part in talk.schema["properties"].values():
                part.update({"enum": None, "items": None} if "enum" not in part else {"items": None, "type": None})
        case 2:
            talk.row["tools" if talk.legacy else "functions"] = talk.row.get("tools" if talk.legacy else "functions")
        case 3:
            for message in talk.messages:
                message.setdefault("tool_calls", None)
        case 4:
            for message in talk.messages:
                message.setdefault("tool_call_id", None)
        case _:
            talk.schema["$defs"] = {**talk.schema.get("$defs", {}), "other": None}
            talk.schema["additionalProperties"] = talk.schema.get("additionalProperties")
