"""Which system prompts the conversations have: the distinct ones with their counts and first places."""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, Final

from dsprep.model.batch import Batch
from dsprep.model.location import Location
from dsprep.model.moving import Shift
from dsprep.model.rule import FoldRule
from dsprep.text.schema import ROLE_PATTERNS

#: More different prompts than this are made for each example, and are not told apart any further.
MOST_PROMPTS: Final = 1_000
#: So many places are kept of the examples with, and of those without a system prompt.
PLACES: Final = 5

#: A row key and where that row is.
Seen = tuple[int, Location]


@dataclass(slots=True)
class Presence:
    """How many examples there are of one kind, and the first PLACES of them, in order."""

    count: int = 0
    first: list[Seen] = field(default_factory=list)

    def merged(self, other: Presence) -> Presence:
        """Both; neither operand is changed."""
        return Presence(self.count + other.count, _smallest((*self.first, *other.first)))

    def moved(self, shift: Shift) -> Presence:
        """The same at another place."""
        return Presence(self.count, [(shift.key(key), shift.location(place)) for key, place in self.first])


@dataclass(slots=True)
class SystemPromptState:
    """What the fold carries. `prompts` maps the digest of a prompt to how many examples have it and to the first of
    them. It is bounded: `overflow` is set, and `prompts` dropped, as soon as more than MOST_PROMPTS different ones have
    been seen, which depends on the union of all of them alone, so on no order of merging."""

    having: Presence = field(default_factory=Presence)
    lacking: Presence = field(default_factory=Presence)
    prompts: dict[bytes, tuple[int, Seen]] = field(default_factory=dict)
    overflow: bool = False

    def settled(self) -> SystemPromptState:
        """This state, or the overflow if there are too many prompts."""
        if self.overflow or len(self.prompts) > MOST_PROMPTS:
            return SystemPromptState(self.having, self.lacking, {}, True)
        return self


class SystemPromptsRule(FoldRule[SystemPromptState]):
    """Base of rules about the system prompts of the data as a whole: write `finish`."""

    fold = "system-prompts"

    def empty(self) -> SystemPromptState:
        return SystemPromptState()

    def map(self, batch: Batch) -> SystemPromptState:
        having: list[int] = []
        lacking: list[int] = []
        for pattern, rows in batch.get(ROLE_PATTERNS).items():
            if "assistant" in pattern or "user" in pattern:
                (having if pattern[0] == "system" else lacking).extend(rows)
        texts: dict[str, list[int]] = {}
        for i in sorted(having):
            example = batch.examples[i]
            text = None if example is None else prompt_text(example.messages[0])
            if text is not None:
                texts.setdefault(text, []).append(i)
        prompts = {
            blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest(): (len(rows), _seen(batch, rows[0]))
            for text, rows in texts.items()
        }
        return SystemPromptState(_presence(batch, having), _presence(batch, lacking), prompts).settled()

    def merge(self, a: SystemPromptState, b: SystemPromptState) -> SystemPromptState:
        having, lacking = a.having.merged(b.having), a.lacking.merged(b.lacking)
        if a.overflow or b.overflow:
            return SystemPromptState(having, lacking, {}, True)
        prompts = dict(a.prompts)
        for digest, (count, seen) in b.prompts.items():
            known = prompts.get(digest)
            prompts[digest] = (count, seen) if known is None else (known[0] + count, min(known[1], seen, key=_key))
        return SystemPromptState(having, lacking, prompts).settled()

    def moved(self, state: SystemPromptState, shift: Shift) -> SystemPromptState | None:
        prompts = {
            digest: (count, (shift.key(key), shift.location(place)))
            for digest, (count, (key, place)) in state.prompts.items()
        }
        return SystemPromptState(state.having.moved(shift), state.lacking.moved(shift), prompts, state.overflow)


def prompt_text(message: Any) -> str | None:
    """The text of a system message; None if it has none. Parts of text are joined by line ends."""
    content = message.get("content") if type(message) is dict else None
    if type(content) is str:
        return content
    if type(content) is list:
        texts = [part["text"] for part in content if type(part) is dict and type(part.get("text")) is str]
        return "\n".join(texts) if texts else None
    return None


def _seen(batch: Batch, i: int) -> Seen:
    return batch.key(i), batch.location(i)


def _presence(batch: Batch, rows: list[int]) -> Presence:
    return Presence(len(rows), [_seen(batch, i) for i in heapq.nsmallest(PLACES, rows)])


def _key(seen: Seen) -> int:
    return seen[0]


def _smallest(seen: Iterable[Seen]) -> list[Seen]:
    return heapq.nsmallest(PLACES, seen, key=_key)
