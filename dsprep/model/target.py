"""A target: the fine-tuning backend or trainer that will read the data, as limits with their sources."""

from __future__ import annotations

import re
from datetime import date
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator


class Limit(BaseModel):
    """A number that a backend enforces, with where and when it was read. An unverified one only ever warns."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    value: int
    source: str = ""
    as_of: date | None = None
    unverified: bool = False


class Form(BaseModel):
    """What a name or an id must look like: all of it must match `pattern`, a regular expression. `says` puts that in
    words, for messages. An unverified one only ever warns."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    pattern: str
    says: str
    source: str = ""
    as_of: date | None = None
    unverified: bool = False

    @field_validator("pattern")
    @classmethod
    def _compiles(cls, pattern: str) -> str:
        try:
            re.compile(pattern)
        except re.error as error:
            raise ValueError(f"{pattern!r} is no regular expression: {error}") from error
        return pattern

    def fits(self, text: str) -> bool:
        """Whether `text` has this form."""
        return re.fullmatch(self.pattern, text) is not None


class ImageLimits(BaseModel):
    """Which images a backend takes. What is not said is not limited.

    `schemes` are those of URLs (`https`, `http`; `data` for an image in the record itself), `types` the MIME types,
    `max_count` how many a record may have, `max_bytes` how large each may be, before it is written as base64. `source`
    and `as_of` are those of `schemes` and `types`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    schemes: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    max_count: Limit | None = None
    max_bytes: Limit | None = None
    source: str = ""
    as_of: date | None = None
    unverified: bool = False


class Price(BaseModel):
    """What a backend takes for training, in US dollars for a million tokens, an epoch each; with where and when it was
    read. An unverified one was not read where the backend publishes it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    usd_per_million_tokens: float = Field(ge=0)
    source: str
    as_of: date
    unverified: bool = False


class Model(BaseModel):
    """What differs between the models of one backend."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_tokens: Limit
    encoding: str
    price: Price | None = None


class Target(BaseModel):
    """A backend with one of its models chosen. `name` is as the user writes it, such as
    `openai:gpt-3.5-turbo-0125`.

    `record_keys` and `message_keys` are those that the backend takes; `*` among them means that it ignores others.
    `max_job_tokens` is how many tokens times epochs one job may have. A `max_file_bytes`, `max_rows` or
    `max_job_tokens` of None means that no such limit is known.

    `estimated` says that `encoding` stands for tokenizers that are not known here, so that counts are estimates.
    `price` is what training costs, as far as it is known; `price_note` says why it is not, or what else to know.
    `beyond_limit` is what becomes of an example above `max_tokens`, None if that is not known.

    `format` is what it trains on. `preferences` is the format in which it takes preference records (None: it takes
    none); where that is all it takes, `record_keys` are those of `input`, with `messages` for the prompt.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    title: str
    format: Literal["chat", "preference"] = "chat"
    preferences: Literal["preference", "preference-trl"] | None = None
    encoding: str = "cl100k_base"
    estimated: bool = False
    max_tokens: Limit
    min_examples: Limit
    recommended_examples: Limit
    max_file_bytes: Limit | None = None
    max_rows: Limit | None = None
    max_job_tokens: Limit | None = None
    record_keys: tuple[str, ...]
    message_keys: tuple[str, ...]
    roles: tuple[str, ...]
    weighted_roles: tuple[str, ...] = ("assistant",)
    must_alternate: bool = False
    message_name: Form | None = None
    function_name: Form | None = None
    tool_id: Form | None = None
    images: ImageLimits | None = None
    reserved: tuple[str, ...] = ()
    calls_need_replies: bool = False
    default_epochs: Literal["cookbook"] | int = "cookbook"
    beyond_limit: Literal["truncated", "dropped"] | None = None
    price: Price | None = None
    price_note: str = ""
    notes: tuple[str, ...] = Field(default=())

    @property
    def strict(self) -> bool:
        """Whether the backend refuses keys of messages that it does not know. One that does not hands messages to a
        chat template, which takes more shapes than an API."""
        return "*" not in self.message_keys
