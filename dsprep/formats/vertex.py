"""Vertex AI (Gemini): `{"systemInstruction": {"parts": [{"text": …}]}, "contents": [{"role": "user", "parts": […]}]}`.

Shape: Google Cloud's "Prepare supervised fine-tuning data for Gemini models", and the API's Content and Part, whose
members are written in camel case or with underscores.
"""

from __future__ import annotations

from collections import deque
from typing import Any, Final

from dsprep.model.record import Example
from dsprep.text.chat_parts import (
    as_json,
    bare_functions,
    contents_of,
    data_url,
    functions_of,
    group_of,
    image_in,
    image_kind,
    image_part,
    text_of,
    tool_call,
)
from dsprep.text.origins import Places
from dsprep.text.round_trip import lost_between

NAME: Final = "vertex"

KEYS: Final = frozenset({"systemInstruction", "system_instruction", "contents", "tools"})

_ROLES: Final = {"model": "assistant", "function": "tool"}
#: Members under which a function's answer is mostly a text alone; the first is what the API's reference names.
_ANSWERS: Final = ("output", "content", "result")


def recognises(value: dict[str, Any]) -> bool:
    """Whether `value` has contents made of parts."""
    contents = value.get("contents")
    if type(contents) is not list:
        return False
    first = contents[0] if contents else None
    return (type(first) is dict and "parts" in first) or (not contents and _key(value, "systemInstruction") in value)


def parse(value: dict[str, Any]) -> Example:
    """The example of a record. Calls get ids in their order, which this format has not got."""
    made = _Made()
    key = _key(value, "systemInstruction")
    system = value.get(key)
    if type(system) is dict and system.get("parts"):
        made.said("system", system, f"/{key}")
    elif type(system) is str and system:
        made.add({"role": "system", "content": system}, f"/{key}", {"/content": f"/{key}"})
    for i, content in enumerate(value["contents"]):
        place = f"/contents/{i}"
        if type(content) is not dict:
            made.add(content, place, {})
            continue
        role = content.get("role", "user")
        made.said(_ROLES.get(role, role) if type(role) is str else role, content, place)
    record: dict[str, Any] = {"messages": made.messages}
    if "tools" in value:
        record["tools"] = _tools(value["tools"])
        made.origins["/tools"] = "/tools"
    return Example(record, made.messages, record.get("tools"), format=NAME, origins=Places({}, exact=made.origins))


def render(example: Example) -> dict[str, Any]:
    """The record. What `loses` names is left out; all system texts stand in front, as this format has it."""
    system: list[dict[str, Any]] = []
    contents: list[dict[str, Any]] = []
    names: dict[Any, str] = {}
    answering = False
    for message in example.messages:
        if type(message) is not dict:
            continue
        group = group_of(message)
        if group == "system":
            system += [{"text": said} for kind, said in contents_of(message.get("content")) if kind == "text"]
            continue
        if group == "tool":
            part = {"functionResponse": _response(message, names)}
            if answering:
                contents[-1]["parts"].append(part)
            else:
                contents.append({"role": "user", "parts": [part]})
            answering = True
            continue
        answering = False
        if group not in ("user", "assistant"):
            continue
        parts = [_part(kind, said) for kind, said in contents_of(message.get("content"))]
        for identifier, name, arguments in functions_of(message):
            if type(identifier) is str:
                names[identifier] = name
            parts.append({"functionCall": {"name": name, "args": arguments}})
        contents.append({"role": "model" if group == "assistant" else "user", "parts": parts})
    out: dict[str, Any] = {}
    if system:
        out["systemInstruction"] = {"role": "system", "parts": system}
    out["contents"] = contents
    if "tools" in example.record:
        functions = bare_functions(example.tools)
        out["tools"] = [{"functionDeclarations": functions}] if functions else []
    return out


def loses(example: Example) -> list[str]:
    """What a record of this format, read again, lacks."""
    return lost_between(example.record, parse(render(example)).record)


class _Made:
    """The messages made so far, and where they come from."""

    def __init__(self) -> None:
        self.messages: list[Any] = []
        self.origins: dict[str, str] = {}
        self.calls = 0
        #: The ids of calls that no answer has come to, by the name of the function.
        self.waiting: dict[str, deque[str]] = {}

    def add(self, message: Any, origin: str, inside: dict[str, str]) -> None:
        """A message from `origin`; `inside` says of parts of it where they come from."""
        place = f"/messages/{len(self.messages)}"
        self.origins[place] = origin
        self.origins.update({place + part: where for part, where in inside.items()})
        self.messages.append(message)

    def said(self, role: Any, content: dict[str, Any], origin: str) -> None:
        """The messages of what one side says: answers of functions are a message each, the rest is one."""
        parts = content.get("parts")
        others = {key: item for key, item in content.items() if key not in ("role", "parts")}
        inside = {f"/{key}": f"{origin}/{_escaped(key)}" for key in others}
        if type(parts) is not list:
            self.add({"role": role, "content": parts, **others}, origin, {"/content": f"{origin}/parts", **inside})
            return
        kept: list[Any] = []
        calls: list[dict[str, Any]] = []
        answered = False
        for i, part in enumerate(parts):
            place = f"{origin}/parts/{i}"
            if type(part) is dict and type(response := part.get(_key(part, "functionResponse"))) is dict:
                answered = True
                self._answer(response, place, f"{place}/{_key(part, 'functionResponse')}")
            elif type(part) is dict and type(call := part.get(_key(part, "functionCall"))) is dict:
                inside[f"/tool_calls/{len(calls)}"] = place
                self.calls += 1
                name = call.get("name")
                calls.append(tool_call(f"call_{self.calls}", name, call.get("args", {})))
                self.waiting.setdefault(str(name), deque()).append(f"call_{self.calls}")
            else:
                inside[f"/content/{len(kept)}"] = place
                if type(part) is dict and type(part.get("text")) is str and len(part) == 1:
                    inside[f"/content/{len(kept)}/text"] = f"{place}/text"
                kept.append(_chat_part(part))
        if answered and not kept and not calls and not others:
            return
        message: dict[str, Any] = {"role": role}
        if len(kept) == 1 and kept[0].keys() == {"type", "text"}:
            message["content"] = kept[0]["text"]
            inside["/content"] = inside.pop("/content/0/text", origin)
            del inside["/content/0"]
        elif kept or not calls:
            message["content"] = kept or ""
        if calls:
            message["tool_calls"] = calls
        self.add({**message, **{key: item for key, item in others.items() if key not in message}}, origin, inside)

    def _answer(self, response: dict[str, Any], place: str, inside: str) -> None:
        message: dict[str, Any] = {"role": "tool", "content": _answer(response.get("response"))}
        name = response.get("name")
        if waiting := self.waiting.get(str(name)):
            message["tool_call_id"] = waiting.popleft()
        elif type(name) is str and name:
            message["name"] = name
        self.add(message, place, {"/content": f"{inside}/response" if "response" in response else place})


def _key(value: dict[str, Any], name: str) -> str:
    """The member that is called `name`, in camel case or with underscores."""
    if name in value:
        return name
    spelled = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)
    return spelled if spelled in value else name


def _escaped(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")


def _chat_part(part: Any) -> dict[str, Any]:
    """A part as chat has it; what chat has no word for stays as it is."""
    if type(part) is not dict:
        return {"type": "unknown", "value": part}
    if type(part.get("text")) is str and len(part) == 1:
        return {"type": "text", "text": part["text"]}
    for name, data in (("inlineData", "data"), ("fileData", "fileUri")):
        held = part.get(_key(part, name))
        if type(held) is not dict or len(part) != 1:
            continue
        kind, said = held.get(_key(held, "mimeType")), held.get(_key(held, data))
        if type(kind) is str and kind.startswith("image/") and type(said) is str:
            return image_part(data_url(kind[6:], said) if name == "inlineData" else said)
    return part


def _part(kind: str, said: str) -> dict[str, Any]:
    if kind == "text":
        return {"text": said}
    held = image_in(said)
    if held is not None:
        return {"inlineData": {"mimeType": held[0], "data": held[1]}}
    known = image_kind(said)
    # The type has to be known, and of a name that does not tell the commonest is the likeliest.
    return {"fileData": {"mimeType": f"image/{known or 'jpeg'}", "fileUri": said}}


def _answer(response: Any) -> Any:
    """What a function answered, as a text."""
    if type(response) is dict and len(response) == 1:
        (key, said), *_ = response.items()
        if key in _ANSWERS and type(said) is str:
            return said
    return response if type(response) is str else as_json(response)


def _response(message: dict[str, Any], names: dict[Any, str]) -> dict[str, Any]:
    identifier, own = message.get("tool_call_id"), message.get("name")
    name = names.get(identifier) if type(identifier) is str else None
    name = name or (own if type(own) is str else "")
    return {"name": name, "response": {_ANSWERS[0]: text_of(message.get("content"))}}


def _tools(tools: Any) -> Any:
    """Declarations as chat has them. What is none of functions stays as it is."""
    if type(tools) is not list:
        return tools
    out: list[Any] = []
    for tool in tools:
        functions = tool.get(_key(tool, "functionDeclarations")) if type(tool) is dict else None
        if type(functions) is list and len(tool) == 1:
            out += [{"type": "function", "function": function} for function in functions]
        else:
            out.append(tool)
    return out
