"""Too many tokens, answers beyond the limit, odd lengths, quotas."""

from __future__ import annotations

import math
import random
from statistics import quantiles

from calibration.planting import Row, plants
from dsprep.model.batch import Batch
from dsprep.model.record import Example, Record
from dsprep.text.tokens import token_counts

#: The limit that the planters work with: small enough to plant by the hundred.
LIMIT = 3000
_ENCODING = "cl100k_base"
_MORE = (
    "The river was high that year, and nobody crossed it after dark. ",
    "x = x + 1\n",
    "12 apples, 7 pears and 31 plums; ",
    "Это было давно, и никто уже не помнит, когда именно. ",
    "桥梁在雨季之后重新开放。",
    "- another item of the list\n",
    "<p>paragraph</p>\n",
    "ok ",
    "🙂 ",
    "SELECT name FROM customers WHERE city = 'Graz';\n",
    "لا أحد يعرف متى كان ذلك. ",
    "Lieferung am Dienstag, Zahlung binnen dreißig Tagen. ",
    '{"key": [1, 2, 3], "more": null}, ',
    "a-b-c-d-e-f ",
    "hahahaha ",
    "| cell | cell | cell |\n",
)


def tokens(example: Row) -> int:
    """The tokens of a record, as they are billed."""
    batch = Batch(
        source=0,
        path="",
        records=[Record(0, 1, 0, b"", example)],
        examples=[Example(example, example["messages"], example.get("tools"))],
    )
    return int(batch.get(token_counts(_ENCODING))[0])


def _longer(example: Row, role: str, text: str, first: bool) -> Row | None:
    """The record with `text` put before or behind what one of its messages says."""
    messages = [dict(message) for message in example["messages"]]
    for message in messages if role == "user" else messages[::-1]:
        if message["role"] == role and isinstance(message.get("content"), str):
            message["content"] = text + message["content"] if first else message["content"] + "\n" + text
            return {**example, "messages": messages}
    return None


def _grown(example: Row, more: str, role: str, first: bool, least: int) -> Row | None:
    """The record with so many repeats of `more` that it has `least` tokens."""
    made: Row | None = example
    times = 0
    while made is not None and (have := tokens(made)) < least:
        one = _longer(example, role, more, first)
        each = max(0.2, (tokens(one) - tokens(example)) if one else 1)
        times += max(1, int((least - have) / each))
        made = _longer(example, role, more * times, first)
    return made


@plants("TOK001", options={"limit": LIMIT})
def beyond_the_limit(rng: random.Random, example: Row, n: int) -> Row | None:
    """Something is pasted into a message until the record has more tokens than the limit, by a little or by much."""
    least = LIMIT + rng.choice((1, 3, 40, 500, 5000))
    return _grown(example, _MORE[n % len(_MORE)], rng.choice(("user", "assistant")), rng.random() < 0.5, least)


@plants("TOK002", options={"limit": LIMIT})
def answer_beyond_the_limit(rng: random.Random, example: Row, n: int) -> Row | None:
    """The prompt alone reaches the limit, or the answer begins before it and ends behind it."""
    if n % 2:
        return _grown(example, _MORE[n % len(_MORE)], "user", rng.random() < 0.5, LIMIT + rng.choice((30, 900)))
    return _grown(example, _MORE[n % len(_MORE)], "assistant", rng.random() < 0.5, LIMIT + rng.choice((30, 900)))


@plants("TOK003", options={"limit": LIMIT})
def just_below_the_limit(rng: random.Random, example: Row, n: int) -> Row | None:
    """As many tokens as leave one to five per cent, or none at all."""
    least = int(LIMIT * rng.choice((0.951, 0.96, 0.98, 0.99)))
    made = _grown(example, _MORE[n % len(_MORE)], rng.choice(("user", "assistant")), rng.random() < 0.5, least)
    return made if made is not None and tokens(made) <= LIMIT else None


@plants("TOK005", scope="dataset")
def one_of_another_length(rng: random.Random, examples: list[Row], n: int) -> list[Row] | None:
    """A whole file pasted into one field, rows run together, or a record cut off after its first word; one or two of
    three hundred."""
    sizes = [tokens(example) for example in examples]
    if len(sizes) < 200:
        return None
    low, _, high = quantiles(sizes, n=4)
    reach = max((high / low) ** 3, 4.0) * 1.3
    for _ in range(1 + n % 2):
        place = rng.randrange(len(examples))
        if n % 3 < 2:
            if high * reach > 200_000:
                return None
            made = _grown(
                examples[place], _MORE[n % len(_MORE)], ("user", "assistant")[n % 2], False, int(high * reach)
            )
        else:
            made = {"messages": [{"role": "user", "content": "A"}, {"role": "assistant", "content": "B"}]}
            if tokens(made) > low / reach:
                return None
        if made is None:
            return None
        examples[place] = made
    return examples


@plants("TOK006", scope="dataset", options={"quota": 500_000, "epochs": 3})
def more_than_the_quota(rng: random.Random, examples: list[Row], n: int) -> list[Row] | None:
    """The data three times over, and long texts, until the quota is passed by a little or by much."""
    wanted = 500_000 / 3 * rng.choice((1.001, 1.1, 2.0))
    have = sum(map(tokens, examples))
    while have < wanted:
        place = rng.randrange(len(examples))
        before = tokens(examples[place])
        made = _grown(
            examples[place], _MORE[n % len(_MORE)], "user", False, before + math.ceil(min(20_000, wanted - have))
        )
        if made is None:
            continue
        examples[place] = made
        have += tokens(made) - before
    return examples
