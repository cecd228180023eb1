"""Rows that are there again: as they were, spelled otherwise, with a word changed, longer, or answered otherwise."""

from __future__ import annotations

import random
import re
import unicodedata
from collections.abc import Callable
from copy import deepcopy
from typing import Any

from calibration.planting import Row, plants


def texts_of(example: Row) -> list[dict[str, Any]]:
    """The messages of a record that say something in text, but for the system's."""
    return [
        m for m in example["messages"] if m["role"] != "system" and isinstance(m.get("content"), str) and m["content"]
    ]


def _turned(message: dict[str, Any]) -> dict[str, Any]:
    return dict(reversed(message.items()))


_SAME: tuple[Callable[[Row, int], Row], ...] = (
    lambda row, n: row,
    lambda row, n: dict(reversed(row.items())),
    lambda row, n: {**row, "messages": [_turned(m) for m in row["messages"]]},
    lambda row, n: {"id": n, **row},
    lambda row, n: {**row, "metadata": {"source": f"page {n}"}},
    lambda row, n: {**row, "created_at": f"2026-01-{n % 28 + 1:02}"},
)


@plants("DUP001")
def the_same_again(rng: random.Random, example: Row, n: int) -> list[Row]:
    """Once or several times, members in another order, with another id or date."""
    copies = [_SAME[(n + i) % len(_SAME)](deepcopy(example), n + i) for i in range(1 + n % 3)]
    return [example, *copies]


def _plain(text: str) -> bool:
    """Whether case can be changed and changed back."""
    return text.upper().casefold() == text.casefold() and text.lower().casefold() == text.casefold()


_SPELLED: tuple[Callable[[str], str], ...] = (
    str.upper,
    str.lower,
    str.title,
    str.swapcase,
    lambda text: text.replace(" ", "  "),
    lambda text: text.replace(" ", "\u00a0"),
    lambda text: text.replace(" ", "\n", 3),
    lambda text: text.replace(" ", "\t", 2),
    lambda text: f"  {text}\n\n",
    lambda text: f"{text} ",
    lambda text: f"\n{text}",
    lambda text: text.replace("\n", " \n ") + "\t",
    lambda text: unicodedata.normalize("NFD", text) + " ",
    lambda text: text.replace(" ", "\u3000", 1) + "\r\n",
    lambda text: text.replace(" ", "\u2009") + "\u00a0",
    lambda text: "".join(chr(ord(c) + 0xFEE0) if "a" <= c <= "z" or "0" <= c <= "9" else c for c in text) + " ",
)


@plants("DUP002")
def spelled_otherwise(rng: random.Random, example: Row, n: int) -> list[Row] | None:
    """Other case, other white space, other forms of the same characters."""
    other = deepcopy(example)
    messages = texts_of(other)
    if not messages:
        return None
    spell = _SPELLED[n % len(_SPELLED)]
    for message in messages if n % 3 else messages[:1]:
        if not _plain(message["content"]):
            return None
        message["content"] = spell(message["content"])
    return [example, other] if other != example else None


def _word(rng: random.Random, words: list[str]) -> int:
    return rng.choice([i for i, word in enumerate(words) if word[:1].isalpha()] or [0])


def _swapped(rng: random.Random, words: list[str], to: str) -> None:
    words[_word(rng, words)] = to


def _typo(rng: random.Random, words: list[str]) -> None:
    i = _word(rng, words)
    words[i] = words[i][:1] + words[i][2:] + "q" if len(words[i]) > 2 else words[i] + "q"


_CHANGES: tuple[Callable[[random.Random, list[str]], None], ...] = (
    lambda rng, words: _swapped(rng, words, "something"),
    lambda rng, words: _swapped(rng, words, "42"),
    lambda rng, words: _swapped(rng, words, "Maria"),
    lambda rng, words: words.insert(_word(rng, words), "really"),
    lambda rng, words: words.insert(0, "Please:"),
    lambda rng, words: words.insert(0, "Hello,"),
    lambda rng, words: words.append("Thanks!"),
    lambda rng, words: words.append("(edited)"),
    lambda rng, words: words.append("- sent from my phone"),
    lambda rng, words: words.pop(_word(rng, words)) and None,
    lambda rng, words: words.pop() and None,
    lambda rng, words: words.pop(0) and None,
    _typo,
    lambda rng, words: words.insert(len(words) // 2, words[len(words) // 2]),
    lambda rng, words: words.__setitem__(0, words[0] + "s"),
    lambda rng, words: words.__setitem__(-1, words[-1] + "!!! ok"),
)


def nearly(rng: random.Random, example: Row, n: int) -> Row | None:
    """The record with a word changed, put in or left out; None if it has too few words for that to be little."""
    other = deepcopy(example)
    messages = texts_of(other)
    words = [len(re.findall(r"\w+", message["content"])) for message in messages]
    # A change of m words touches m + 4 runs of five on either side; a tenth of them may differ.
    if sum(words) < 100:
        return None
    message = messages[max(range(len(words)), key=words.__getitem__)] if n % 2 else messages[0]
    pieces = re.split(r"( +)", message["content"])
    said, gaps = pieces[::2], pieces[1::2]
    if len(said) < 5:
        return None
    _CHANGES[n % len(_CHANGES)](rng, said)
    gaps += [" "] * len(said)
    message["content"] = "".join(part for pair in zip(said, gaps, strict=False) for part in pair).rstrip(" ")
    return other if other != example else None


@plants("DUP003")
def with_a_word_changed(rng: random.Random, example: Row, n: int) -> list[Row] | None:
    """One or two near-copies, each with a word of its own changed."""
    others = [nearly(rng, example, n + i) for i in range(1 + (n % 5 == 0))]
    return None if None in others else [example, *(other for other in others if other is not None)]


ANSWERS = (
    "No.",
    "I do not know.",
    "It is the other way round: what you say first comes last.",
    "42",
    "Nein, das stimmt so nicht.",
    "unknown",
    "other",
    "Ask again tomorrow, when the shop is open and somebody who knows is there.",
    "yes",
    "The answer is seventeen, since three and fourteen make seventeen.",
    "def f():\n    return None",
    "无",
    "لا",
    "See above.",
    "That depends on whom you ask.",
    "-1",
)


def answered(example: Row, text: str) -> Row | None:
    """The record with another last answer; None if it has none in text."""
    other = deepcopy(example)
    last = other["messages"][-1]
    if last["role"] != "assistant" or not isinstance(last.get("content"), str):
        return None
    last["content"] = text
    return None if other == example else other


@plants("DUP004")
def answered_otherwise(rng: random.Random, example: Row, n: int) -> list[Row] | None:
    """The same prompt with one or two other answers."""
    others = [answered(example, ANSWERS[(n + 5 * i) % len(ANSWERS)]) for i in range(1 + n % 2)]
    return None if None in others else [example, *(other for other in others if other is not None)]


_CANNED = (
    "Thank you for contacting our support team. We will get back to you within two working days.",
    "I'm sorry, but I am not able to help with this request. Please consult a professional instead, "
    "or ask me something else.",
    "Vielen Dank für Ihre Anfrage. Wir werden uns innerhalb von zwei Werktagen bei Ihnen melden, spätestens am Montag.",
    "Great question! There are many aspects to consider here, and it is important to keep an open "
    "mind about all of them.",
    "Error: the upstream service did not respond in time. Please try again later, or contact the "
    "administrator of this site.",
    "感谢您的咨询。我们的客服人员将在两个工作日内与您联系。如需帮助，请拨打我们的服务热线，或在网站上留言，谢谢您的耐心等待。",
)


@plants("DUP005", scope="dataset")
def one_answer_for_all(rng: random.Random, examples: list[Row], n: int) -> list[Row] | None:
    """Ten prompts or many more are given one answer, in this case or that."""
    text = _CANNED[n % len(_CANNED)] + (
        " We are glad to help wherever we can." if n % 2 else " Have a nice day, and take care!"
    )
    places = rng.sample(range(len(examples)), min(len(examples), rng.choice((14, 30, 120))))
    for i, place in enumerate(places):
        made = answered(examples[place], (text, text.upper(), f" {text}\n")[i % 3 if n % 3 == 0 else 0])
        examples[place] = made or examples[place]
    return examples if sum(text.casefold()[:40] in str(row).casefold() for row in examples) >= 14 else None


_FOLLOW_UPS = (
    ("Thanks!", "You are welcome."),
    ("Are you sure?", "Yes, I am."),
    ("And what else?", "Nothing that I know of."),
    ("Can you say that in one sentence?", "That is as short as it gets."),
    ("Warum?", "Weil es so ist."),
    ("为什么？", "因为就是这样。"),
    ("Give an example.", "Here is one: it depends."),
    ("I do not understand.", "Then let us go through it again, step by step."),
)


@plants("DUP006")
def saved_after_each_turn(rng: random.Random, example: Row, n: int) -> list[Row] | None:
    """A conversation goes on for one turn or several; some of its beginnings are rows, too."""
    if example["messages"][-1]["role"] != "assistant":
        return None
    rows = [example]
    for i in range(1 + n % 4):
        asked, said = _FOLLOW_UPS[(n + i) % len(_FOLLOW_UPS)]
        more = [{"role": "user", "content": asked}, {"role": "assistant", "content": said}]
        rows.append({**deepcopy(rows[-1]), "messages": [*deepcopy(rows[-1]["messages"]), *more]})
    if n % 5 == 4:
        rows[-1]["messages"].pop()
    # The longest, and one or all of its beginnings, in one order or the other.
    kept = rows if n % 2 else [rows[0], rows[-1]]
    return kept if n % 3 else kept[::-1]
