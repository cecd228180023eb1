"""What messages of the chat form hold, as other formats want it: texts, images, and the arguments of tool calls."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Final

from dsprep.model.chat import role_group

_DATA_URL: Final = re.compile(r"data:([\w.+-]{1,40}/[\w.+-]{1,80});base64,")
#: Kinds of images by the ending of a file's name.
IMAGE_KINDS: Final = {
    "png": "png", "jpg": "jpeg", "jpeg": "jpeg", "gif": "gif", "webp": "webp", "bmp": "bmp", "heic": "heic",
    "heif": "heif", "avif": "avif",
}  # fmt: skip


def group_of(message: dict[str, Any]) -> str:
    """Who speaks: `system`, `user`, `assistant`, `tool` or `other` (see `model.chat.role_group`)."""
    role = message.get("role")
    return role_group(role) if type(role) is str else "other"


def text_of(content: Any) -> str:
    """The text of a message's content: itself, or its text parts line by line."""
    if type(content) is str:
        return content
    if type(content) is list:
        return "\n".join(part["text"] for part in content if type(part) is dict and type(part.get("text")) is str)
    return ""


def any_text_has(marks: tuple[str, ...], messages: list[Any]) -> bool:
    """Whether one of the marks stands in a text of the messages."""
    texts = [text_of(message.get("content")) for message in messages if type(message) is dict]
    return any(mark in text for text in texts for mark in marks)


def contents_of(content: Any) -> Iterator[tuple[str, str]]:
    """The texts (`text`, the text) and images (`image`, the URL) of a message's content, in order. What is neither is
    left out."""
    if type(content) is str:
        yield "text", content
    elif type(content) is list:
        for part in content:
            if type(part) is not dict:
                continue
            if type(part.get("text")) is str:
                yield "text", part["text"]
            elif part.get("type") == "image_url":
                image = part.get("image_url")
                url = image.get("url") if type(image) is dict else image
                if type(url) is str:
                    yield "image", url


def image_part(url: str) -> dict[str, Any]:
    """The part of a message's content that shows the image at `url`."""
    return {"type": "image_url", "image_url": {"url": url}}


def data_url(kind: str, data: str) -> str:
    """The URL that holds an image itself; `kind` is what comes behind `image/`, `data` is in base64."""
    return f"data:image/{kind};base64,{data}"


def image_in(url: str) -> tuple[str, str] | None:
    """MIME type and base64 of the image that `url` holds itself; None if it leads somewhere else."""
    found = _DATA_URL.match(url)
    return (found[1], url[found.end() :]) if found else None


def image_kind(url: str) -> str | None:
    """What comes behind `image/` in the MIME type of the file at `url`, as far as its name tells."""
    return IMAGE_KINDS.get(url.partition("?")[0].rpartition(".")[2].lower())


def functions_of(message: dict[str, Any]) -> Iterator[tuple[Any, str, dict[str, Any]]]:
    """The calls of a message: id, name of the function and arguments. Arguments that are no JSON object are empty."""
    calls = message.get("tool_calls")
    for call in calls if type(calls) is list else ():
        function = call.get("function") if type(call) is dict else None
        if type(function) is dict and type(function.get("name")) is str:
            yield call.get("id"), function["name"], json_object(function.get("arguments")) or {}


def json_object(text: Any) -> dict[str, Any] | None:
    """The JSON object that `text` is, or None. NaN and infinity are none of JSON."""
    try:
        value = json.loads(text, parse_constant=_refused) if type(text) is str else text
    except (ValueError, RecursionError):
        return None
    return value if type(value) is dict else None


def as_json(value: Any) -> Any:
    """`value` as JSON, as the arguments of a call are written; itself if it is nested too deeply to be written."""
    try:
        return json.dumps(value, ensure_ascii=False)
    except RecursionError:
        return value


def tool_call(identifier: Any, name: Any, arguments: Any) -> dict[str, Any]:
    """A call as the chat form has it."""
    written = arguments if type(arguments) is str else as_json(arguments)
    return {"id": identifier, "type": "function", "function": {"name": name, "arguments": written}}


def bare_functions(tools: Any) -> list[dict[str, Any]]:
    """The declarations of functions among the `tools` of a chat record, out of their wrappers."""
    if type(tools) is not list:
        return []
    wrapped = [tool["function"] for tool in tools if type(tool) is dict and type(tool.get("function")) is dict]
    return [function for function in wrapped if type(function.get("name")) is str]


def _refused(constant: str) -> Any:
    raise ValueError(f"{constant} is no JSON")
