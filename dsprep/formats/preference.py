"""Preference data (DPO): a prompt with an answer that is preferred and one that is not, in OpenAI's shape and in TRL's.

The messages of an example are the prompt and the chosen answer, so that whatever looks at conversations looks at these;
the rejected answer stands beside them, in `Example.rejected`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, Final

from dsprep.model import pointer as pointers
from dsprep.model.record import Example
from dsprep.text.origins import Places
from dsprep.text.preference import MEMBERS, OLD_NAMES, OPENAI, SHAPES, TRL, shared_prompt

_CARRIED: Final = ("tools", "parallel_tool_calls", "functions")
_ANSWERS: Final = ("preferred_output", "preferred_completion"), ("non_preferred_output", "non_preferred_completion")


class PreferenceFormat(ABC):
    """What the two shapes have in common; see `formats.Format`."""

    NAME: str
    KEYS: frozenset[str]

    @abstractmethod
    def recognises(self, value: dict[str, Any]) -> bool:
        """Whether `value` is, or was clearly meant to be, such a record."""

    @abstractmethod
    def parse(self, value: dict[str, Any]) -> Example:
        """The example of a record that is recognised, however malformed."""

    def render(self, example: Example) -> dict[str, Any]:
        """The record. Of an example without a rejected answer it has an empty one, which makes no pair: `loses` says
        so, and no command writes it."""
        return SHAPES[self.NAME](example)

    def loses(self, example: Example) -> list[str]:
        """Nothing of a preference record; what is none has nothing to reject."""
        return [] if example.rejected is not None else ["that there is no rejected answer"]


class OpenAIPreference(PreferenceFormat):
    """`{"input": {"messages": […]}, "preferred_output": […], "non_preferred_output": […]}`."""

    NAME = OPENAI
    KEYS = frozenset({*MEMBERS[OPENAI], *OLD_NAMES})

    def recognises(self, value: dict[str, Any]) -> bool:
        return any(name in value for names in _ANSWERS for name in names)

    def parse(self, value: dict[str, Any]) -> Example:
        given = value.get("input")
        begins: dict[str, str] = {}
        rest: dict[str, Any] = {}
        messages: list[Any] = []
        if type(given) is dict:
            rest = {key: item for key, item in given.items() if key != "messages"}
            begins.update({(place := pointers.join([key])): f"/input{place}" for key in rest})
            if "messages" in given:
                messages = _messages(given["messages"], "user", "/messages", 0, "/input/messages", begins)
        elif "input" in value:
            messages = _messages(given, "user", "/messages", 0, "/input", begins)
        size = len(messages)
        beside: dict[str, str] = {}
        chosen, rejected = (next((name for name in names if name in value), names[0]) for names in _ANSWERS)
        messages = messages + _messages(value.get(chosen), "assistant", "/messages", size, f"/{chosen}", begins)
        answer = _messages(value.get(rejected), "assistant", "/rejected", 0, f"/{rejected}", beside)
        return _example(self, value, messages, size, answer, rest, begins, beside)


class TrlPreference(PreferenceFormat):
    """`{"prompt": …, "chosen": …, "rejected": …}`, as texts or lists of messages. Without a prompt, or where it is a
    text beside lists of messages, it is what both lists begin with, as TRL has it."""

    NAME = TRL
    KEYS = frozenset({*MEMBERS[TRL], *_CARRIED})

    def recognises(self, value: dict[str, Any]) -> bool:
        chosen, rejected = value.get("chosen"), value.get("rejected")
        if type(chosen) not in (str, list, dict) and type(rejected) not in (str, list, dict):
            return False  # such as a tick in a column of that name
        if "chosen" in value and "rejected" in value:
            return True
        return "prompt" in value and "completion" not in value

    def parse(self, value: dict[str, Any]) -> Example:
        prompt, chosen, rejected = (value.get(key) for key in MEMBERS[TRL])
        begins: dict[str, str] = {}
        beside: dict[str, str] = {}
        shared = 0
        if type(chosen) is list and type(rejected) is list and type(prompt) is not list:
            shared = shared_prompt(chosen, rejected)
        messages: list[Any] = []
        if "prompt" in value and not shared:
            messages = _messages(prompt, "user", "/messages", 0, "/prompt", begins)
        size = len(messages) + shared
        messages = messages + _messages(chosen, "assistant", "/messages", len(messages), "/chosen", begins)
        answer = _messages(rejected, "assistant", "/rejected", 0, "/rejected", beside, skip=shared)
        rest: dict[str, Any] = {key: value[key] for key in _CARRIED if key in value}
        begins.update({f"/{key}": f"/{key}" for key in rest})
        return _example(self, value, messages, size, answer, rest, begins, beside)


def _messages(
    said: Any, role: str, place: str, start: int, origin: str, places: dict[str, str], *, skip: int = 0
) -> list[Any]:
    """The messages that `said`, which stands at `origin` of the record, comes to in the chat form, where the first of
    them is number `start` of `place`: a list of messages as it is but for the first `skip`, one message alone, or a
    text as one of `role`. Nothing else is one. `places` gets where they come from."""
    if type(said) is list:
        places.update({f"{place}/{start + i - skip}": f"{origin}/{i}" for i in range(skip, len(said))})
        return said[skip:] if skip else said
    if type(said) is dict:
        places[f"{place}/{start}"] = origin
        return [said]
    if type(said) is str:
        places[f"{place}/{start}"] = places[f"{place}/{start}/content"] = origin
        return [{"role": role, "content": said}]
    return []


def _example(
    of: PreferenceFormat,
    value: dict[str, Any],
    messages: list[Any],
    size: int,
    rejected: list[Any],
    rest: dict[str, Any],
    begins: dict[str, str],
    beside: dict[str, str],
) -> Example:
    # What rules say of the record itself is said by its own pointers.
    for key in value:
        place = pointers.join([key])
        if place not in begins:
            beside.setdefault(place, place)
    return Example(
        {"messages": messages, **rest},
        messages,
        rest.get("tools"),
        format=of.NAME,
        origins=Places(begins, beside),
        rejected=rejected,
        prompt_size=size,
    )


#: The two formats, by name.
PREFERENCES: Final[Mapping[str, PreferenceFormat]] = {of.NAME: of for of in (OpenAIPreference(), TrlPreference())}
