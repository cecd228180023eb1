"""Prompt and completion: `{"prompt": …, "completion": …}`, as texts or, as TRL has it, as lists of messages."""

from __future__ import annotations

from typing import Any, Final

from dsprep.model.record import Example

NAME: Final = "prompt-completion"

_CARRIED: Final = ("tools", "parallel_tool_calls", "functions")

KEYS: Final = frozenset({"prompt", "completion", *_CARRIED})

_PLAIN: Final = frozenset({"role", "content"})


def recognises(value: dict[str, Any]) -> bool:
    """Whether `value` has both a prompt and a completion."""
    return "prompt" in value and "completion" in value


def parse(value: dict[str, Any]) -> Example:
    """The example of a record. The texts stay as they are, with the white space and the stop words that this format is
    often written with."""
    messages: list[Any] = []
    origins: dict[str, str] = {}
    for key, role in (("prompt", "user"), ("completion", "assistant")):
        part = value.get(key)
        if type(part) is list:
            for i, message in enumerate(part):
                place, origin = f"/messages/{len(messages)}", f"/{key}/{i}"
                origins[place] = origin
                if type(message) is dict:
                    origins.update({f"{place}/{name}": f"{origin}/{name}" for name in message})
                messages.append(message)
        else:
            place = f"/messages/{len(messages)}"
            origins[place] = origins[f"{place}/content"] = f"/{key}"
            messages.append({"role": role, "content": part})
    record: dict[str, Any] = {"messages": messages}
    for key in _CARRIED:
        if key in value:
            record[key] = value[key]
            origins[f"/{key}"] = f"/{key}"
    return Example(record, messages, value.get("tools"), format=NAME, origins=origins)


def render(example: Example) -> dict[str, Any]:
    """Texts, if the example is one plain question with its answer; else lists of messages, of which the last turn of
    the assistant is the completion."""
    messages = example.messages
    out: dict[str, Any]
    if _is_plain_pair(messages):
        out = {"prompt": messages[0]["content"], "completion": messages[1]["content"]}
    else:
        ends = bool(messages) and type(messages[-1]) is dict and messages[-1].get("role") == "assistant"
        cut = len(messages) - 1 if ends else len(messages)
        out = {"prompt": messages[:cut], "completion": messages[cut:]}
    for key in _CARRIED:
        if key in example.record:
            out[key] = example.record[key]
    return out


def loses(example: Example) -> list[str]:
    """Nothing; but only TRL reads prompts that are lists of messages."""
    return []


def _is_plain_pair(messages: list[Any]) -> bool:
    return len(messages) == 2 and all(
        type(message) is dict
        and message.keys() == _PLAIN
        and message["role"] == role
        and type(message["content"]) is str
        for message, role in zip(messages, ("user", "assistant"), strict=True)
    )
