"""A target: the fine-tuning backend or trainer that will read the data, as limits with their sources."""

from __future__ import annotations

from datetime import date
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class Limit(BaseModel):
    """A number that a backend enforces, with where and when it was read. An unverified one only ever warns."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    value: int
    source: str = ""
    as_of: date | None = None
    unverified: bool = False


class Model(BaseModel):
    """What differs between the models of one backend."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_tokens: Limit
    encoding: str


class Target(BaseModel):
    """A backend with one of its models chosen. `name` is as the user writes it, such as
    `openai:gpt-3.5-turbo-0125`.

    `record_keys` and `message_keys` are those that the backend takes; `*` among them means that it ignores others.
    A `max_file_bytes` or `max_rows` of None means that no such limit is known.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    title: str
    format: Literal["chat"] = "chat"
    encoding: str = "cl100k_base"
    max_tokens: Limit
    min_examples: Limit
    recommended_examples: Limit
    max_file_bytes: Limit | None = None
    max_rows: Limit | None = None
    record_keys: tuple[str, ...]
    message_keys: tuple[str, ...]
    roles: tuple[str, ...]
    weighted_roles: tuple[str, ...] = ("assistant",)
    must_alternate: bool = False
    default_epochs: Literal["cookbook"] | int = "cookbook"
    notes: tuple[str, ...] = Field(default=())
