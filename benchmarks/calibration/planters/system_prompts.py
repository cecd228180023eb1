"""Faults of system prompts: wordings that waver, prompts that only some examples have, several in a row."""

from __future__ import annotations

import random
from collections.abc import Callable

from calibration.planting import Row, plants

_PROMPTS = (
    "You are a careful assistant for the members of a sailing club. Answer in full sentences.",
    "Act as the help desk of a public library: be polite, be brief, and never guess opening hours.",
    "You write product descriptions for a furniture shop. Use plain words and no exclamation marks.",
    "Du bist ein freundlicher Assistent der Stadtwerke und beantwortest Fragen zu Strom und Wasser.",
    "Eres un asistente que ayuda a los estudiantes a preparar sus exámenes de historia universal.",
)
#: What happens to a prompt that is typed, pasted or written by several people.
_SLIPS: tuple[Callable[[str], str], ...] = (
    str.lower,
    str.upper,
    lambda text: text.rstrip("."),
    lambda text: text + " ",
    lambda text: text + "\n",
    lambda text: text.replace(". ", ".\n", 1) if ". " in text else "\n" + text,
    lambda text: text.replace(" ", "  ", 3),
    lambda text: text.replace(",", "", 1) if "," in text else text.replace(".", "!", 1),
    lambda text: text.replace("a", "aa", 1),
    lambda text: _words(text, 4, lambda word: word[:-1]),
    lambda text: _words(text, 5, lambda word: word + " really"),
    lambda text: _words(text, 3, lambda word: ""),
    lambda text: _words(text, 6, lambda word: word[:1] + word[2:1:-1] + word[3:]),
    lambda text: f"“{text}”",
    lambda text: _words(text, 2, lambda word: f"very {word}"),
    lambda text: text.replace(". ", " . ", 1) if ". " in text else text.replace(" ", "\t", 1),
)


def _words(text: str, place: int, change: Callable[[str], str]) -> str:
    words = text.split(" ")
    words[place] = change(words[place])
    return " ".join(word for word in words if word)


def _with_prompt(example: Row, text: str) -> Row:
    messages = [message for message in example["messages"] if message.get("role") != "system"]
    return {**example, "messages": [{"role": "system", "content": text}, *messages]}


@plants("CNV008", scope="dataset")
def wavering_prompt(rng: random.Random, examples: list[Row], n: int) -> list[Row] | None:
    prompt, slip = _PROMPTS[n % len(_PROMPTS)], _SLIPS[n % len(_SLIPS)]
    changed = slip(prompt)
    if changed == prompt or len(examples) < 50:
        return None
    some = set(rng.sample(range(len(examples)), max(1, len(examples) // rng.choice((20, 50, 100)))))
    return [_with_prompt(row, changed if i in some else prompt) for i, row in enumerate(examples)]


@plants("CNV008", scope="dataset")
def prompt_in_some(rng: random.Random, examples: list[Row], n: int) -> list[Row] | None:
    if len(examples) < 50:
        return None
    prompt = _PROMPTS[n % len(_PROMPTS)]
    some = set(rng.sample(range(len(examples)), max(1, len(examples) // rng.choice((15, 40, 90)))))
    plain = [{**row, "messages": [m for m in row["messages"] if m.get("role") != "system"]} for row in examples]
    few_have = n % 2 == 0
    return [_with_prompt(row, prompt) if (i in some) == few_have else row for i, row in enumerate(plain)]


@plants("CNV009")
def two_prompts(rng: random.Random, example: Row, n: int) -> Row | None:
    messages = [message for message in example["messages"] if message.get("role") != "system"]
    roles = ("system", "system", "developer", "System")
    count = 2 + n % 2
    prompts = [{"role": roles[(n + i) % 4 if i else 0], "content": rng.choice(_PROMPTS)} for i in range(count)]
    return {**example, "messages": [*prompts, *messages]}
