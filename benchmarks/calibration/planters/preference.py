"""Faults of preference data. Clean conversations become pairs here, their answers the chosen ones."""

from __future__ import annotations

import copy
import random
import unicodedata
from collections.abc import Callable
from typing import Any

from calibration.planting import Row, plants

_WORSE = (
    "I have no idea.", "No.", "Ask somebody else.", "That depends.", "It is what it is, and nobody knows why.",
    "As everybody knows, there are many answers to this, and each of them has something for it and against it.",
    "Nein.", "是的。", "```python\npass\n```", "42", "Yes, of course, at any time!", "¿Quién sabe?", "…", "Well.",
    "Please read the manual; the answer is somewhere in the second half of it, between the tables and the index.",
    "{\"answer\": null}", "- first\n- second\n- third", "Отвечать не буду.", "لا أعرف.", "One. Two. Three. Four. Five.",
)  # fmt: skip


def _exchange(row: Row) -> tuple[list[Any], str] | None:
    """What is asked, and the text of the answer; None where there is no such answer."""
    *asked, last = row["messages"]
    said = last.get("content")
    if last.get("role") != "assistant" or not isinstance(said, str) or not said.strip() or not asked:
        return None
    return copy.deepcopy(asked), said


def _openai(asked: list[Any], chosen: str, rejected: str) -> Row:
    return {
        "input": {"messages": asked},
        "preferred_output": [{"role": "assistant", "content": chosen}],
        "non_preferred_output": [{"role": "assistant", "content": rejected}],
    }


def _messages(asked: list[Any], chosen: str, rejected: str) -> Row:
    return {
        "prompt": asked,
        "chosen": [{"role": "assistant", "content": chosen}],
        "rejected": [{"role": "assistant", "content": rejected}],
    }


def _implicit(asked: list[Any], chosen: str, rejected: str) -> Row:
    return {
        "chosen": [*asked, {"role": "assistant", "content": chosen}],
        "rejected": [*asked, {"role": "assistant", "content": rejected}],
    }


def _texts(asked: list[Any], chosen: str, rejected: str) -> Row:
    return {"prompt": str(asked[-1].get("content")), "chosen": chosen, "rejected": rejected}


_SHAPES: tuple[Callable[[list[Any], str, str], Row], ...] = (_openai, _messages, _implicit, _texts)


@plants("PRF001")
def same_answer_twice(rng: random.Random, row: Row, n: int) -> Row | None:
    exchange = _exchange(row)
    if exchange is None:
        return None
    asked, said = exchange
    spellings = (
        said,
        said + " ",
        "\n" + said,
        said.upper() if said.isascii() else said,
        said.lower() if said.isascii() else said,
        said.replace(" ", "  "),
        said.replace(" ", "\u00a0"),
        unicodedata.normalize("NFD", said),
        said.replace("\n", "\r\n"),
    )
    again = spellings[n % len(spellings)]
    chosen, rejected = (said, again) if n % 2 else (again, said)
    return _SHAPES[n % len(_SHAPES)](asked, chosen, rejected)


@plants("PRF003")
def swapped_answers(rng: random.Random, row: Row, n: int) -> list[Row] | None:
    exchange = _exchange(row)
    worse = _WORSE[n % len(_WORSE)]
    if exchange is None or exchange[1].strip() == worse:
        return None
    asked, said = exchange
    # Both in one shape, or one in each of two that keep the roles of the prompt.
    first = _SHAPES[n % len(_SHAPES)]
    second = _SHAPES[(n + n // 4) % 3] if first is not _texts else _texts
    again = (said, said + "\n", said.replace(" ", "  "))[n % 3]
    return [first(asked, said, worse), second(asked, worse, again)]


@plants("PRF002", scope="dataset")
def longer_wins(rng: random.Random, rows: list[Row], n: int) -> list[Row] | None:
    """Between 75 and 100 % of the chosen answers are the longer ones, in data of 60 rows and more."""
    exchanges = [exchange for row in rows if (exchange := _exchange(row)) is not None and len(exchange[1]) > 4]
    if len(exchanges) < 60:
        return None
    share = 0.75 + 0.25 * (n % 6) / 5
    longer = round(share * len(exchanges)) + 1
    out = []
    for i, (asked, said) in enumerate(exchanges):
        cut = said[: max(1, len(said) * (1 + n % 4) // 5)].rstrip() or said[:1]
        if len(cut) >= len(said):
            cut = said[:1]
        out.append(_SHAPES[n % len(_SHAPES)](asked, *((said, cut) if i < longer else (cut, said))))
    rng.shuffle(out)
    return out


@plants("SCH011", scope="dataset")
def formats_mixed(rng: random.Random, rows: list[Row], n: int) -> list[Row] | None:
    out = list(rows)
    places = rng.sample(range(len(rows)), min(len(rows), 1 + n % 7))
    changed = False
    for number, place in enumerate(places):
        exchange = _exchange(rows[place])
        if exchange is None:
            continue
        asked, said = exchange
        question = str(asked[-1].get("content"))
        others: tuple[Row, ...] = (
            {"prompt": question, "completion": said},
            {"instruction": question, "input": "", "output": said},
            {"conversations": [{"from": "human", "value": question}, {"from": "gpt", "value": said}]},
            *(shape(asked, said, _WORSE[n % len(_WORSE)]) for shape in _SHAPES),
        )
        out[place] = others[(n + (number if n % 2 else 0)) % len(others)]
        changed = True
    return out if changed else None


@plants("SCH014")
def half_a_pair(rng: random.Random, row: Row, n: int) -> Row | None:
    exchange = _exchange(row)
    if exchange is None:
        return None
    asked, said = exchange
    worse = _WORSE[n % len(_WORSE)]
    pair, listed, texts = _openai(asked, said, worse), _messages(asked, said, worse), _texts(asked, said, worse)
    answer, other = pair["preferred_output"], pair["non_preferred_output"]
    faulty: tuple[Row, ...] = (
        {key: item for key, item in pair.items() if key != "non_preferred_output"},
        {key: item for key, item in pair.items() if key != "preferred_output"},
        {key: item for key, item in pair.items() if key != "input"},
        {"input": pair["input"], "preferred_completion": answer, "non_preferred_completion": other},
        {**pair, "preferred_output": answer * 2},
        {**pair, "non_preferred_output": []},
        {**pair, "preferred_output": said},
        {**pair, "non_preferred_output": other[0]},
        {**pair, "preferred_output": [{"role": "user", "content": said}]},
        {**pair, "non_preferred_output": [{"content": worse}]},
        {**pair, "preferred_output": [{"role": "assistant", "content": " \n"}]},
        {**pair, "non_preferred_output": [{"role": "assistant", "content": None}]},
        {
            **pair,
            "preferred_output": [{"role": "assistant", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}],
        },
        {**pair, "input": asked},
        {**pair, "input": {"message": asked}},
        {**pair, "input": {"messages": []}},
        {key: item for key, item in texts.items() if key != "rejected"},
        {key: item for key, item in listed.items() if key != "chosen"},
        {**texts, "rejected": ""},
        {**texts, "rejected": None},
        {**listed, "chosen": said},
        {**listed, "rejected": [{"role": "user", "content": worse}]},
        {**texts, "prompt": [*asked]},
        {"chosen": listed["chosen"], "rejected": listed["rejected"]},
    )
    return faulty[n % len(faulty)]
