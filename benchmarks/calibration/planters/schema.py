"""Faults of a record's shape, and of the order of its turns."""

from __future__ import annotations

import random
from typing import Any

from calibration.planting import Row, plants


def _turns(row: Row) -> list[dict[str, Any]]:
    messages = row["messages"]
    assert isinstance(messages, list)
    return messages


@plants("SCH001")
def no_object(rng: random.Random, row: Row, n: int) -> Any:
    # In a list, because a list says that several rows stand for one.
    return [([_turns(row)], "text", 7, None, True, _turns(row), 1.5, [], [[]], "{}")[n % 10]]


@plants("SCH002")
def no_messages(rng: random.Random, row: Row, n: int) -> Row:
    name = ("message", "Messages", "turns", "dialogue", "chat", "msgs", "data", "history", "", "messages ")[n % 10]
    return {name: row["messages"]} if n % 3 else {"id": n, "note": _turns(row)[0]["content"], "score": 1}


@plants("SCH003")
def no_message(rng: random.Random, row: Row, n: int) -> Row:
    return {**row, "messages": []}


@plants("SCH004")
def key_left_out(rng: random.Random, row: Row, n: int) -> Row | None:
    message = rng.choice(_turns(row))
    key = ("role", "content")[n % 2]
    if key == "content" and ("tool_calls" in message or key not in message):
        return None
    del message[key]
    if n % 3 == 0:
        message["text" if key == "content" else "from"] = "user"
    return row


@plants("SCH005")
def other_role(rng: random.Random, row: Row, n: int) -> Row:
    roles = (
        "human", "gpt", "bot", "USER", "Assistant", "model", "ai", "customer", "agent", "System", "chatgpt",
        "instruction", "", " user", "user ", "assistent", "usr", "moderator", "speaker 1", "答え",
    )  # fmt: skip
    rng.choice(_turns(row))["role"] = roles[n % len(roles)]
    return row


@plants("SCH006")
def other_type(rng: random.Random, row: Row, n: int) -> Row:
    values: tuple[Any, ...] = (7, 1.5, True, {"text": "so"}, [7], [["so"]], {}, [{"type": "video", "text": "so"}])
    if n % 5 == 4:
        return {**row, "messages": ({"role": "user"}, "text", 7, None)[n // 5 % 4]}
    message = rng.choice(_turns(row))
    message[("content", "role", "content", "name")[n % 4]] = values[n % 2 if n % 4 in (1, 3) else n % len(values)]
    return row


@plants("SCH007")
def blank_text(rng: random.Random, row: Row, n: int) -> Row | None:
    message = rng.choice(_turns(row))
    if "tool_calls" in message:
        return None
    message["content"] = ("", " ", "\n", "\t\n ", "\u00a0", "\u3000", " \u2003", [])[n % 8]
    return row


@plants("SCH008")
def other_key(rng: random.Random, row: Row, n: int) -> Row:
    name = ("id", "source", "metadata", "label", "score", "timestamp", "lang", "url", "prompt_id", "comment")[n % 10]
    where = row if n % 2 else rng.choice(_turns(row))
    where[name] = ("x", 7, None, {"a": 1}, [])[n % 5]
    return row


@plants("SCH009")
def other_weight(rng: random.Random, row: Row, n: int) -> Row:
    if n % 4 == 3:
        _turns(row)[0]["weight"] = n % 2  # the user's
    else:
        _turns(row)[-1]["weight"] = (2, 0.5, -1, "1", True, 1.0, None, 100, [1], "high")[n % 10]
    return row


@plants("SCH013")
def other_format(rng: random.Random, row: Row, n: int) -> Row | None:
    asked, answered = _turns(row)[0]["content"], _turns(row)[-1].get("content")
    if answered is None:
        return None
    shapes: tuple[Row, ...] = (
        {"prompt": asked, "completion": answered},
        {"instruction": asked, "input": "", "output": answered},
        {"instruction": asked, "output": answered},
        {"conversations": [{"from": "human", "value": asked}, {"from": "gpt", "value": answered}]},
        {"conversations": [{"from": "user", "value": asked}, {"from": "assistant", "value": answered}]},
        {"instruction": asked, "input": "As above.", "output": answered},
        {"prompt": asked, "completion": f" {answered}"},
    )
    return shapes[n % len(shapes)]


@plants("CNV001")
def no_answer(rng: random.Random, row: Row, n: int) -> Row:
    kept = [message for message in _turns(row) if message["role"] != "assistant"]
    more = ([], [{"role": "user", "content": "Anybody?"}], [{"role": "system", "content": "Be brief."}])[n % 3]
    return {**row, "messages": kept + more}


@plants("CNV002")
def last_word(rng: random.Random, row: Row, n: int) -> Row:
    said = ("Thanks!", "And then?", "ok", "Why?", "great, bye", "Merci", "👍", "One more thing: is it true?")[n % 8]
    last = {"role": ("user", "user", "system")[n % 3], "content": said}
    return {**row, "messages": [*_turns(row), last]}


@plants("CNV003")
def twice_in_a_row(rng: random.Random, row: Row, n: int) -> Row | None:
    messages = _turns(row)
    place = rng.randrange(len(messages))
    message = messages[place]
    if message["role"] not in ("user", "assistant") or "tool_calls" in message:
        return None
    more = ("Also this.", "And one thing more.", "Wait.", message["content"])[n % 4]
    return {**row, "messages": [*messages[: place + 1], {**message, "content": more}, *messages[place + 1 :]]}


@plants("CNV004")
def late_system(rng: random.Random, row: Row, n: int) -> Row:
    messages = _turns(row)
    system = {"role": "system", "content": ("Be brief.", "Answer in English.", "You are a pirate.")[n % 3]}
    place = rng.randrange(1, len(messages))
    return {**row, "messages": [*messages[:place], system, *messages[place:]]}


@plants("CNV005")
def speaks_first(rng: random.Random, row: Row, n: int) -> Row:
    greeting = ("Hello, how can I help?", "Hi!", "Good morning.", "Guten Tag!", "Ready when you are.")[n % 5]
    first = [{"role": "assistant", "content": greeting}]
    if n % 3 == 0:
        first.insert(0, {"role": "system", "content": "Be kind."})
    return {**row, "messages": [*first, *(message for message in _turns(row) if message["role"] != "system")]}


@plants("CNV006")
def all_masked(rng: random.Random, row: Row, n: int) -> Row:
    for message in _turns(row):
        if message["role"] == "assistant":
            message["weight"] = 0
    return row
