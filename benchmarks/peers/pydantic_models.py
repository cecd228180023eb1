"""Validating chat examples with pydantic models, as its documentation has it: to the numbers of the bad lines.

    python benchmarks/peers/pydantic_models.py lines|objects DATA.jsonl REPORT.json

`lines` reads a file and validates its lines as JSON; `objects` has them in memory, decoded. The models say
what dsprep's schema of an OpenAI target says, as far as types can; they say it without a validator written in Python.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from reporting import Stopwatch, report


class Closed(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Text(Closed):
    type: Literal["text"]
    text: str


class Url(Closed):
    url: str
    detail: Literal["auto", "low", "high"] | None = None


class Image(Closed):
    type: Literal["image_url"]
    image_url: Url


class Call(Closed):
    name: str
    arguments: str


class ToolCall(Closed):
    id: str
    type: Literal["function"]
    function: Call


Part = Annotated[Text | Image, Field(discriminator="type")]


class System(Closed):
    role: Literal["system", "developer"]
    content: str | list[Text]
    name: str | None = None


class User(Closed):
    role: Literal["user"]
    content: str | list[Part]
    name: str | None = None


class Assistant(Closed):
    role: Literal["assistant"]
    content: str | list[Text] | None = None
    name: str | None = None
    weight: Literal[0, 1] | None = None
    tool_calls: list[ToolCall] | None = None
    function_call: Call | None = None


class Tool(Closed):
    role: Literal["tool"]
    content: str | list[Text]
    tool_call_id: str


class Function(Closed):
    role: Literal["function"]
    content: str
    name: str


class Declared(Closed):
    name: str
    description: str | None = None
    parameters: dict[str, Any] | None = None


class DeclaredTool(Closed):
    type: Literal["function"]
    function: Declared


class Example(Closed):
    messages: list[Annotated[System | User | Assistant | Tool | Function, Field(discriminator="role")]]
    tools: list[DeclaredTool] | None = None
    functions: list[Declared] | None = None
    parallel_tool_calls: bool | None = None


def decoded(path: Path) -> list[Any]:
    out: list[Any] = []
    for line in path.read_bytes().split(b"\n")[:-1]:
        try:
            out.append(json.loads(line))
        except ValueError:
            out.append(None)
    return out


def main() -> None:
    path = Path(sys.argv[2])
    objects = decoded(path) if sys.argv[1] == "objects" else []
    path.read_bytes()
    watch = Stopwatch()
    bad: list[int] = []
    faults = 0
    if objects:
        for number, value in enumerate(objects, 1):
            try:
                Example.model_validate(value)
            except ValidationError as error:
                bad.append(number)
                faults += error.error_count()
    else:
        with path.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                try:
                    Example.model_validate_json(line)
                except ValidationError as error:
                    bad.append(number)
                    faults += error.error_count()
    report(**watch.read(), bad=bad, faults=faults)


if __name__ == "__main__":
    main()
