"""Llama 2's marks, which Mistral's first models have as well: `{"text": "<s>[INST] Hi [/INST] Hello. </s>"}`, with a
system text in `<<SYS>>`.

Shape: Meta's llama repository, llama/generation.py (`B_INST`, `B_SYS` …).
"""

from __future__ import annotations

import re
from typing import Any, Final

from dsprep.model.record import Example
from dsprep.text.chat_parts import text_of
from dsprep.text.marked_text import example_of, lost_in

NAME: Final = "llama2"

KEYS: Final = frozenset({"text"})

_ASKED, _ANSWERED = "[INST]", "[/INST]"
_BEFORE: Final = re.compile(r"\s*(?:</s>\s*)?(?:<s>\s*)?")
_SYSTEM, _SYSTEM_END = "<<SYS>>", "<</SYS>>"
_STOP: Final = re.compile(r"</s>|<s>|\[INST\]")
#: What no text may hold.
_MARKS: Final = (_ASKED, _ANSWERED, _SYSTEM, _SYSTEM_END, "<s>", "</s>")


def recognises(value: dict[str, Any]) -> bool:
    """Whether `value` has a text that begins with a question in such marks, and has nothing beside such turns."""
    text = value.get("text")
    return type(text) is str and _ASKED in text[:64] and _turns(text) is not None


def parse(value: dict[str, Any]) -> Example:
    """The example of a record. White space around texts is none of them."""
    return example_of(_turns(value["text"]) or (), NAME)


def render(example: Example) -> dict[str, Any]:
    """The record: questions and answers by turns, the system text in the first question. What `loses` names is left
    out."""
    system: list[str] = []
    turns: list[tuple[list[str], list[str]]] = []
    for message in example.messages:
        role = message.get("role") if type(message) is dict else None
        said = text_of(message.get("content")) if role in ("system", "user", "assistant") else ""
        if role == "system":
            system.append(said)
        elif role == "user":
            if not turns or turns[-1][1]:
                turns.append(([], []))
            turns[-1][0].append(said)
        elif role == "assistant":
            if not turns:
                turns.append(([], []))
            turns[-1][1].append(said)
    out = ""
    for number, (asked, answered) in enumerate(turns or ([([], [])] if system else [])):
        before = f"{_SYSTEM}\n{_joined(system)}\n{_SYSTEM_END}\n\n" if system and not number else ""
        out += f"<s>{_ASKED} {before}{_joined(asked)} {_ANSWERED}"
        out += f" {_joined(answered)} </s>" if answered else ""
    return {"text": out}


def loses(example: Example) -> list[str]:
    """What a record of this format, read again, lacks. A text with marks in it reads as several turns."""
    return lost_in(example, _MARKS, render, recognises, parse)


def _joined(texts: list[str]) -> str:
    return "\n\n".join(texts).strip()


def _turns(text: str) -> list[tuple[str, str]] | None:
    """Role and content of each turn; None if there is anything beside turns."""
    turns: list[tuple[str, str]] = []
    at = 0
    while True:
        before = _BEFORE.match(text, at)
        at = before.end() if before else at
        if at >= len(text):
            return turns or None
        if not text.startswith(_ASKED, at):
            return None
        at += len(_ASKED)
        end = text.find(_ANSWERED, at)
        if end < 0:
            return None
        asked = text[at:end].strip()
        system, mark, rest = asked.partition(_SYSTEM_END)
        if not turns and mark and system.startswith(_SYSTEM):
            turns.append(("system", system[len(_SYSTEM) :].strip()))
            asked = rest.strip()
        turns.append(("user", asked))
        at = end + len(_ANSWERED)
        stop = _STOP.search(text, at)
        said = text[at : stop.start() if stop else len(text)].strip()
        if said:
            turns.append(("assistant", said))
        at = stop.start() if stop else len(text)
