"""ShareGPT: `{"conversations": [{"from": "human", "value": …}, …]}`, with LLaMA-Factory's `system` and `tools`."""

from __future__ import annotations

import json
from typing import Any, Final

from dsprep.model.record import Example

NAME: Final = "sharegpt"

KEYS: Final = frozenset({"conversations", "conversation", "system", "tools"})

#: Who says something, by the names that such files give them. Others stay as they are, for a rule to report.
ROLES: Final = {
    "human": "user",
    "user": "user",
    "prompter": "user",
    "gpt": "assistant",
    "chatgpt": "assistant",
    "assistant": "assistant",
    "bot": "assistant",
    "model": "assistant",
    "bard": "assistant",
    "bing": "assistant",
    "claude": "assistant",
    "system": "system",
    "observation": "tool",
    "tool": "tool",
    "function_response": "tool",
}
_NAMES: Final = {"user": "human", "assistant": "gpt", "tool": "observation"}

_CALL: Final = "function_call"


def recognises(value: dict[str, Any]) -> bool:
    """Whether `value` has a list of conversation turns."""
    return type(_turns(value)) is list


def parse(value: dict[str, Any]) -> Example:
    """The example of a record. Calls of functions get ids in their order, which this format has not got."""
    key = "conversations" if "conversations" in value else "conversation"
    messages: list[Any] = []
    origins: dict[str, str] = {"/messages": f"/{key}"}
    system = value.get("system")
    if type(system) is str and system:
        messages.append({"role": "system", "content": system})
        origins["/messages/0"] = origins["/messages/0/content"] = "/system"
    calls = 0
    waiting: list[str] = []
    for i, turn in enumerate(_turns(value)):
        place, origin = f"/messages/{len(messages)}", f"/{key}/{i}"
        origins[place] = origin
        if type(turn) is not dict or ("from" not in turn and "value" not in turn):
            messages.append(turn)  # a message already, or nothing that could be one
            if type(turn) is dict:
                origins.update({f"{place}/{name}": f"{origin}/{name}" for name in turn})
            continue
        sender, said = turn.get("from"), turn.get("value")
        origins[f"{place}/role"], origins[f"{place}/content"] = f"{origin}/from", f"{origin}/value"
        message: dict[str, Any] = {name: item for name, item in turn.items() if name not in ("from", "value")}
        origins.update({f"{place}/{name}": f"{origin}/{name}" for name in message})
        functions = _functions(said) if sender == _CALL else None
        if functions is not None:
            waiting = [f"call_{calls + n + 1}" for n in range(len(functions))]
            calls += len(functions)
            origins[f"{place}/tool_calls"] = f"{origin}/value"
            message = {
                "role": "assistant",
                "tool_calls": [
                    {"id": name, "type": "function", "function": function}
                    for name, function in zip(waiting, functions, strict=True)
                ],
                **message,
            }
        else:
            role = ROLES.get(sender, sender) if type(sender) is str else sender
            message = {"role": "assistant" if sender == _CALL else role, "content": said, **message}
            if role == "tool" and waiting:
                message["tool_call_id"] = waiting.pop(0)
        messages.append(message)
    record: dict[str, Any] = {"messages": messages}
    tools = _parsed_tools(value.get("tools"))
    if tools is not None:
        record["tools"] = tools
        origins["/tools"] = "/tools"
    return Example(record, messages, tools, format=NAME, origins=origins)


def render(example: Example) -> dict[str, Any]:
    """The record. What `loses` names is left out."""
    turns: list[dict[str, Any]] = []
    for message in example.messages:
        if type(message) is not dict:
            continue
        role, content = message.get("role"), message.get("content")
        others = {
            key: item
            for key, item in message.items()
            if key not in ("role", "content", "tool_calls", "tool_call_id", _CALL)
        }
        if content is not None or not message.get("tool_calls"):
            sender = _NAMES.get(role, role) if type(role) is str else role
            turns.append({"from": sender, "value": _text(content), **others})
            others = {}
        if type(message.get("tool_calls")) is list and message["tool_calls"]:
            turns.append({"from": _CALL, "value": _written_calls(message["tool_calls"]), **others})
    out: dict[str, Any] = {"conversations": turns}
    if example.tools is not None:
        out["tools"] = json.dumps(_bare_tools(example.tools), ensure_ascii=False)
    return out


def loses(example: Example) -> list[str]:
    """What ShareGPT cannot carry: ids of calls, content that is no text, text beside a call."""
    lost: dict[str, None] = {}
    expected = 0
    waiting: list[str] = []
    for message in example.messages:
        if type(message) is not dict:
            lost["messages that are no objects"] = None
            continue
        content, calls = message.get("content"), message.get("tool_calls")
        if content is not None and type(content) is not str:
            lost["content that is no text"] = None
        if message.get("function_call") is not None:
            lost["`function_call`"] = None
        if message.get("role") not in ("system", "user", "assistant", "tool"):
            lost[f"{message.get('role')} messages"] = None
        if "from" in message or "value" in message:
            lost["`from` and `value` of messages"] = None
        if calls is None:
            if content is None:
                lost["messages without content"] = None
            if "tool_call_id" in message or message.get("role") == "tool":
                wanted = waiting.pop(0) if waiting else None
                if message.get("tool_call_id") != wanted or message.get("role") != "tool":
                    lost["ids of tool calls"] = None
            continue
        if content is not None or "content" in message:
            lost["text beside a tool call"] = None
        if not _plain_calls(calls) or message.get("role") != "assistant":
            lost["details of tool calls"] = None
            continue
        waiting = [f"call_{expected + n + 1}" for n in range(len(calls))]
        expected += len(calls)
        if [call.get("id") for call in calls] != waiting:
            lost["ids of tool calls"] = None
    if "tools" in example.record and _parsed_tools(_bare_tools(example.tools)) != example.tools:
        lost["details of tools"] = None
    lost.update({f"`{key}`": None for key in ("parallel_tool_calls", "functions") if key in example.record})
    return list(lost)


def _turns(value: dict[str, Any]) -> Any:
    return value.get("conversations", value.get("conversation"))


def _functions(said: Any) -> list[dict[str, Any]] | None:
    """The functions called in the text of a `function_call` turn, or None if it says nothing of the kind."""
    try:
        calls = json.loads(said) if type(said) is str else said
    except (ValueError, RecursionError):
        return None
    calls = calls if type(calls) is list else [calls]
    if not calls or not all(type(call) is dict and type(call.get("name")) is str for call in calls):
        return None
    return [{"name": call["name"], "arguments": _as_json(call.get("arguments", {}))} for call in calls]


def _as_json(value: Any) -> str:
    return value if type(value) is str else json.dumps(value, ensure_ascii=False)


def _written_calls(calls: list[Any]) -> str:
    functions = [call["function"] for call in calls if type(call) is dict and type(call.get("function")) is dict]
    written = [{"name": f.get("name"), "arguments": f.get("arguments")} for f in functions]
    return json.dumps(written[0] if len(written) == 1 else written, ensure_ascii=False)


def _plain_calls(calls: Any) -> bool:
    return (
        type(calls) is list
        and bool(calls)
        and all(
            type(call) is dict
            and call.keys() == {"id", "type", "function"}
            and call["type"] == "function"
            and type(call["function"]) is dict
            and call["function"].keys() == {"name", "arguments"}
            and type(call["function"]["name"]) is str
            and type(call["function"]["arguments"]) is str
            for call in calls
        )
    )


def _parsed_tools(tools: Any) -> Any:
    """Declarations of tools as chat has them: a list, each function in its wrapper. What is none stays as it is."""
    if type(tools) is str:
        if not tools.strip():
            return None
        try:
            tools = json.loads(tools)
        except (ValueError, RecursionError):
            return tools
    if type(tools) is not list:
        return tools
    return [
        {"type": "function", "function": tool} if type(tool) is dict and "name" in tool and "type" not in tool else tool
        for tool in tools
    ]


def _bare_tools(tools: Any) -> Any:
    """Declarations of tools without their wrappers, as LLaMA-Factory has them."""
    if type(tools) is not list:
        return tools
    return [
        tool["function"]
        if type(tool) is dict
        and tool.keys() == {"type", "function"}
        and tool["type"] == "function"
        and type(tool["function"]) is dict
        else tool
        for tool in tools
    ]


def _text(content: Any) -> Any:
    if type(content) is list:
        return "\n".join(part["text"] for part in content if type(part) is dict and type(part.get("text")) is str)
    return "" if content is None else content
