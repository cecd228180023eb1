"""Bedrock's Converse shape (Nova, Llama 3.2): `{"schemaVersion": "bedrock-conversation-2024", "system": [{"text": …}],
"messages": [{"role": "user", "content": [{"text": …}]}]}`.

Shape: AWS, "Preparing data for fine-tuning Understanding models" (Nova), and the Converse API's ContentBlock.
"""

from __future__ import annotations

from typing import Any, Final

from dsprep.model import pointer as pointers
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

NAME: Final = "bedrock-converse"

KEYS: Final = frozenset({"schemaVersion", "system", "messages", "toolConfig"})

#: What is written. AWS takes any text there, and its own examples have this one.
_VERSION: Final = "bedrock-conversation-2024"


def recognises(value: dict[str, Any]) -> bool:
    """Whether `value` has messages beside a version of the schema, or beside system texts in blocks."""
    if type(value.get("messages")) is not list:
        return False
    if type(value.get("schemaVersion")) is str:
        return True
    system = value.get("system")
    return type(system) is list and bool(system) and all(_is_text(block) for block in system)


def parse(value: dict[str, Any]) -> Example:
    """The example of a record. Results of tools, which users say here, are messages of their own."""
    made = _Made()
    system = value.get("system")
    if type(system) is list and system:
        made.said("system", {"content": system}, "", "/system")
    elif type(system) is str and system:
        made.add({"role": "system", "content": system}, "/system", {"/content": "/system"})
    for i, message in enumerate(value["messages"]):
        if type(message) is dict and type(message.get("content")) is list:
            made.said(message.get("role"), message, f"/messages/{i}", f"/messages/{i}/content")
        else:
            made.add(message, f"/messages/{i}", {})
    record: dict[str, Any] = {"messages": made.messages}
    example = Example(record, made.messages, None, format=NAME, origins=Places({}, exact=made.origins))
    config = value.get("toolConfig")
    if type(config) is dict and "tools" in config:
        example.tools = record["tools"] = _tools(config["tools"])
        made.origins["/tools"] = "/toolConfig/tools"
        config = {key: item for key, item in config.items() if key != "tools"}
    if config:
        example.meta["toolConfig"] = config
    return example


def render(example: Example) -> dict[str, Any]:
    """The record. What `loses` names is left out; all system texts stand in front, as this format has it."""
    system: list[dict[str, Any]] = []
    messages: list[dict[str, Any]] = []
    answering = False
    for message in example.messages:
        if type(message) is not dict:
            continue
        group = group_of(message)
        if group == "system":
            system += [{"text": said} for kind, said in contents_of(message.get("content")) if kind == "text"]
            continue
        if group == "tool":
            result = {"toolUseId": _text(message.get("tool_call_id")), "content": [{"text": _said(message)}]}
            if answering:
                messages[-1]["content"].append({"toolResult": result})
            else:
                messages.append({"role": "user", "content": [{"toolResult": result}]})
            answering = True
            continue
        answering = False
        if group not in ("user", "assistant"):
            continue
        blocks = [block for kind, said in contents_of(message.get("content")) if (block := _block(kind, said))]
        blocks += [
            {"toolUse": {"toolUseId": _text(identifier), "name": name, "input": arguments}}
            for identifier, name, arguments in functions_of(message)
        ]
        messages.append({"role": group, "content": blocks})
    out: dict[str, Any] = {"schemaVersion": _VERSION}
    if system:
        out["system"] = system
    out["messages"] = messages
    if "tools" in example.record:
        out["toolConfig"] = {"tools": [{"toolSpec": _specified(tool)} for tool in bare_functions(example.tools)]}
    return out


def loses(example: Example) -> list[str]:
    """What a record of this format, read again, lacks."""
    return lost_between(example.record, parse(render(example)).record)


class _Made:
    """The messages made so far, and where they come from."""

    def __init__(self) -> None:
        self.messages: list[Any] = []
        self.origins: dict[str, str] = {}

    def add(self, message: Any, origin: str, inside: dict[str, str]) -> None:
        """A message from `origin`; `inside` says of parts of it where they come from."""
        place = f"/messages/{len(self.messages)}"
        self.origins[place] = origin
        if type(message) is dict:
            self.origins.update({place + (end := pointers.join([key])): origin + end for key in message if not inside})
        self.origins.update({place + part: where for part, where in inside.items()})
        self.messages.append(message)

    def said(self, role: Any, message: dict[str, Any], origin: str, content: str) -> None:
        """The messages of one: results of tools are a message each, the rest is one."""
        others = {key: item for key, item in message.items() if key not in ("role", "content")}
        inside = {(end := pointers.join([key])): origin + end for key in others}
        kept: list[Any] = []
        calls: list[dict[str, Any]] = []
        answered = False
        for i, block in enumerate(message["content"]):
            place = f"{content}/{i}"
            if type(block) is dict and type(result := block.get("toolResult")) is dict:
                answered = True
                said, spared = _result(result)
                inner = f"{place}/toolResult/content" if "content" in result else place
                self.add({"role": "tool", "content": said, **spared}, place, {"/content": inner})
            elif type(block) is dict and type(use := block.get("toolUse")) is dict:
                inside[f"/tool_calls/{len(calls)}"] = place
                calls.append(tool_call(use.get("toolUseId", ""), use.get("name", ""), use.get("input", {})))
            else:
                inside[f"/content/{len(kept)}"] = place
                if _is_text(block):
                    inside[f"/content/{len(kept)}/text"] = f"{place}/text"
                kept.append(_part(block))
        if answered and not kept and not calls and not others:
            return
        out: dict[str, Any] = {"role": role}
        if len(kept) == 1 and kept[0].keys() == {"type", "text"}:
            out["content"] = kept[0]["text"]
            inside["/content"] = inside.pop("/content/0/text", origin)
            del inside["/content/0"]
        elif kept or not calls:
            out["content"] = kept or ""
        if calls:
            out["tool_calls"] = calls
        self.add({**out, **{key: item for key, item in others.items() if key not in out}}, origin or content, inside)


def _is_text(block: Any) -> bool:
    return type(block) is dict and block.keys() == {"text"} and type(block["text"]) is str


def _part(block: Any) -> dict[str, Any]:
    """A block as chat has it; what chat has no word for stays as it is."""
    if type(block) is not dict:
        return {"type": "unknown", "value": block}
    if _is_text(block):
        return {"type": "text", "text": block["text"]}
    image = block.get("image")
    source = image.get("source") if type(image) is dict and len(block) == 1 else None
    if type(source) is dict and type(image) is dict:
        held, stored = source.get("bytes"), source.get("s3Location")
        if type(held) is str and type(image.get("format")) is str:
            return image_part(data_url(image["format"], held))
        if type(stored) is dict and stored.keys() == {"uri"} and type(stored["uri"]) is str:
            return image_part(stored["uri"])
    return block


def _block(kind: str, said: str) -> dict[str, Any] | None:
    """A text or an image as a block; None for an image that lies where Bedrock does not look."""
    if kind == "text":
        return {"text": said}
    held = image_in(said)
    if held is not None and held[0].startswith("image/"):
        return {"image": {"format": held[0][6:], "source": {"bytes": held[1]}}}
    if not said.startswith("s3://"):
        return None
    return {"image": {"format": image_kind(said) or "jpeg", "source": {"s3Location": {"uri": said}}}}


def _result(result: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """What a tool answered, as a text, and what else its block says."""
    blocks = result.get("content")
    said: list[Any] = []
    for block in blocks if type(blocks) is list else [blocks]:
        if type(block) is dict and type(block.get("text")) is str:
            said.append(block["text"])
        elif type(block) is dict and block.keys() == {"json"}:
            said.append(as_json(block["json"]))
        elif block is not None:
            said.append(as_json(block))
    spared = {key: item for key, item in result.items() if key not in ("content", "toolUseId", "role")}
    if "toolUseId" in result:
        spared["tool_call_id"] = result["toolUseId"]
    texts = [part for part in said if type(part) is str]
    return "\n".join(texts) if len(texts) == len(said) else blocks, spared


def _said(message: dict[str, Any]) -> str:
    return text_of(message.get("content"))


def _text(value: Any) -> str:
    return value if type(value) is str else ""


def _tools(tools: Any) -> Any:
    """Declarations as chat has them. What is none stays as it is."""
    if type(tools) is not list:
        return tools
    out: list[Any] = []
    for tool in tools:
        spec = tool.get("toolSpec") if type(tool) is dict and len(tool) == 1 else None
        if type(spec) is not dict:
            out.append(tool)
            continue
        function = {key: item for key, item in spec.items() if key != "inputSchema"}
        schema = spec.get("inputSchema")
        if "inputSchema" in spec:
            function["parameters"] = schema["json"] if type(schema) is dict and schema.keys() == {"json"} else schema
        out.append({"type": "function", "function": function})
    return out


def _specified(function: dict[str, Any]) -> dict[str, Any]:
    spec = {key: item for key, item in function.items() if key != "parameters"}
    return {**spec, "inputSchema": {"json": function["parameters"]}} if "parameters" in function else spec
