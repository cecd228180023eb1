"""Alpaca: `{"instruction": …, "input": …, "output": …}`, with LLaMA-Factory's `system` and `history`."""

from __future__ import annotations

from typing import Any, Final

from dsprep.model.record import Example

NAME: Final = "alpaca"

KEYS: Final = frozenset({"instruction", "input", "output", "system", "history", "tools"})

_PLAIN: Final = frozenset({"role", "content"})


def recognises(value: dict[str, Any]) -> bool:
    """Whether `value` has an instruction and an output."""
    return "instruction" in value and "output" in value


def parse(value: dict[str, Any]) -> Example:
    """The example of a record: the system text, the turns of the history, then the instruction with the input below
    it, and the output."""
    messages: list[Any] = []
    origins: dict[str, str] = {}

    def say(role: str, content: Any, origin: str) -> None:
        place = f"/messages/{len(messages)}"
        origins[place] = origins[f"{place}/content"] = origin
        messages.append({"role": role, "content": content})

    system = value.get("system")
    if system is not None and system != "":
        say("system", system, "/system")
    history = value.get("history")
    if type(history) is list:
        for i, turn in enumerate(history):
            if type(turn) is list:
                for j, content in enumerate(turn):
                    say("assistant" if j % 2 else "user", content, f"/history/{i}/{j}")
            else:
                say("user", turn, f"/history/{i}")
    instruction, given = value.get("instruction"), value.get("input")
    if given is None or given == "":
        say("user", instruction, "/instruction")
    elif instruction is None or instruction == "":
        say("user", given, "/input")
    elif type(instruction) is str and type(given) is str:
        say("user", f"{instruction}\n\n{given}", "/instruction")
    else:
        say("user", instruction, "/instruction")
        say("user", given, "/input")
    say("assistant", value.get("output"), "/output")
    record: dict[str, Any] = {"messages": messages}
    if "tools" in value:
        record["tools"] = value["tools"]
        origins["/tools"] = "/tools"
    return Example(record, messages, value.get("tools"), format=NAME, origins=origins)


def render(example: Example) -> dict[str, Any]:
    """The record: the last question and answer, what came before as history. What `loses` names is left out."""
    messages = [message for message in example.messages if type(message) is dict]
    system = [_text(message) for message in messages if message.get("role") == "system"]
    turns: list[list[str]] = []
    for message in messages:
        role = message.get("role")
        if role == "user":
            if turns and not turns[-1][1]:
                turns[-1][0] += f"\n\n{_text(message)}"
            else:
                turns.append([_text(message), ""])
        elif role == "assistant":
            if not turns:
                turns.append(["", ""])
            turns[-1][1] += ("\n\n" if turns[-1][1] else "") + _text(message)
    *history, last = turns or [["", ""]]
    out: dict[str, Any] = {"instruction": last[0], "input": "", "output": last[1]}
    if any(system):
        out["system"] = "\n\n".join(system)
    if history:
        out["history"] = history
    if "tools" in example.record:
        out["tools"] = example.record["tools"]
    return out


def loses(example: Example) -> list[str]:
    """What Alpaca cannot carry: anything but texts that user and assistant say by turns, below one system text."""
    lost: dict[str, None] = {}
    expected = "user"
    for i, message in enumerate(example.messages):
        if type(message) is not dict:
            lost["messages that are no objects"] = None
            continue
        role, content = message.get("role"), message.get("content")
        if message.get("tool_calls") or message.get("function_call"):
            lost["tool calls"] = None
        for key in message:
            if key not in _PLAIN and key not in ("tool_calls", "function_call"):
                lost[f"`{key}` of messages"] = None
        if content is not None and type(content) is not str:
            lost["content that is no text"] = None
        if role == "system":
            if i or content == "":
                lost["the place of system messages"] = None
            continue
        if role not in ("user", "assistant"):
            lost[f"{role} messages"] = None
            continue
        if role != expected or content == "":
            lost["which turns follow which"] = None
        expected = "assistant" if role == "user" else "user"
    if expected == "assistant" or not example.messages:
        lost["which turns follow which"] = None
    lost.update({f"`{key}`": None for key in ("parallel_tool_calls", "functions") if key in example.record})
    return list(lost)


def _text(message: dict[str, Any]) -> str:
    content = message.get("content")
    if type(content) is str:
        return content
    if type(content) is list:
        return "\n".join(part["text"] for part in content if type(part) is dict and type(part.get("text")) is str)
    return ""
