"""Statistics: exact against the standard library and numpy, the same in any order of merging, plain JSON."""

from __future__ import annotations

import json
import pickle
import random
from collections import Counter
from itertools import pairwise
from pathlib import Path
from statistics import fmean, median
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsprep import api
from dsprep.folds.statistics import LINEAR_BINS, MOST_SPLITS, StatisticsFold, default_epochs, histogram, summary
from dsprep.model.batch import Batch
from dsprep.model.record import UNDECODED, Example, Fault, Record
from dsprep.model.rule import RuleContext
from dsprep.model.target import Limit, Target
from dsprep.targets.loading import load_target
from dsprep.text.tokens import token_counts, trained_tokens

FOLDER = Path(__file__).parent.parent / "rules" / "targets"
TARGET = load_target("openai", {path.stem: path.read_text("utf-8") for path in FOLDER.glob("*.yaml")})
ENCODING = "cl100k_base"
assert TARGET.price is not None
PRICE = TARGET.price


def fold_for(target: Target = TARGET) -> StatisticsFold:
    return StatisticsFold(RuleContext(target, ENCODING))


def limited(tokens: int) -> Target:
    return TARGET.model_copy(update={"max_tokens": Limit(value=tokens, unverified=True)})


def chat(*texts: str, split: str | None = None, shape: str = "chat") -> Example:
    roles = ("user", "assistant")
    messages: list[Any] = [{"role": roles[i % 2], "content": text} for i, text in enumerate(texts)]
    return Example({"messages": messages}, messages, split=split, format=shape)


def batch_of(examples: list[Example | None], start: int = 0) -> Batch:
    records = [Record(start + i, start + i + 1, 0, b"{}", {}) for i in range(len(examples))]
    return Batch(source=0, path="data.jsonl", records=records, examples=examples)


def drawn_examples(n: int, seed: int) -> list[Example | None]:
    drawn = random.Random(seed)
    return [
        None
        if drawn.random() < 0.05
        else chat(
            *(
                " ".join(drawn.choices(["red", "green", "blue", "naïve", "語"], k=drawn.randrange(1, 60)))
                for _ in "1234"[: drawn.randrange(1, 5)]
            ),
            split=drawn.choice(["train", "train", None, "validation", "test"]),
            shape=drawn.choice(["chat", "alpaca"]),
        )
        for _ in range(n)
    ]


# Summaries


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=200))
def test_a_summary_is_that_of_the_values(values: list[int]) -> None:
    found = summary(Counter(values))
    assert found["min"] == min(values)
    assert found["max"] == max(values)
    assert found["total"] == sum(values)
    assert found["mean"] == pytest.approx(fmean(values), abs=1e-3)
    assert found["median"] == pytest.approx(median(values), abs=1e-3)
    for percent in (5, 95):
        assert found[f"p{percent}"] == pytest.approx(float(np.percentile(values, percent)), abs=1e-3)


def test_a_summary_of_nothing() -> None:
    found = summary({})
    assert found.pop("total") == 0
    assert set(found.values()) == {None}


def test_whole_numbers_are_whole() -> None:
    assert json.dumps(summary(Counter([2, 4]))) == (
        '{"min": 2, "mean": 3, "median": 3, "p5": 2.1, "p95": 3.9, "max": 4, "total": 6}'
    )


# Epochs


@pytest.mark.parametrize(
    ("examples", "epochs"),
    [
        (0, 0),
        (1, 25),
        (3, 25),
        (4, 25),
        (5, 20),
        (10, 10),
        (33, 3),
        (34, 3),
        (8_333, 3),
        (8_334, 2),
        (25_000, 1),
        (10**6, 1),
    ],
)
def test_the_cookbooks_epochs(examples: int, epochs: int) -> None:
    assert default_epochs(examples) == epochs


def test_a_target_may_have_its_own_epochs() -> None:
    assert default_epochs(10, 4) == 4
    assert default_epochs(0, 4) == 0


# Histograms


@given(st.dictionaries(st.sampled_from(["train", "test"]), st.lists(st.integers(0, 10**7), min_size=1, max_size=50)))
def test_every_value_is_in_its_bin(values: dict[str, list[int]]) -> None:
    found = histogram({split: Counter(part) for split, part in values.items()})
    edges = found["edges"]
    assert edges == sorted(set(edges))
    for split, part in values.items():
        wanted, _ = np.histogram(part, edges)
        # numpy's last bin is closed; ours are all half-open and the last edge lies beyond the maximum.
        assert found["counts"][split] == wanted.tolist()
        assert max(part) < edges[-1]
        assert min(part) >= edges[0]
    if values:
        together = [value for part in values.values() for value in part]
        assert edges[1] > min(together), "no empty bin at the beginning"
        assert edges[-2] <= max(together), "no empty bin at the end"


def test_scales() -> None:
    linear = histogram({"train": Counter(range(100, 900))})
    assert linear["scale"] == "linear"
    assert len(linear["edges"]) - 1 <= LINEAR_BINS
    assert {b - a for a, b in pairwise(linear["edges"])} == {50}
    log = histogram({"train": Counter([5, 6, 7, 10_000])})
    assert log["scale"] == "log"
    assert log["edges"][:4] == [4, 6, 8, 12]
    assert histogram({"train": Counter([0, 0, 0, 50])})["edges"][:4] == [0, 1, 2, 3]
    assert histogram({}) == {"scale": "linear", "edges": [], "counts": {}}


# The fold


def test_numbers_against_a_plain_count() -> None:
    examples = drawn_examples(400, 1)
    batch = batch_of(examples)
    limit = 120
    found = fold_for(limited(limit))
    stats = found.finish(found.map(batch))
    tokens = batch.get(token_counts(ENCODING)).tolist()
    trained = batch.get(trained_tokens(ENCODING)).tolist()
    present = [i for i, example in enumerate(examples) if example is not None]
    assert stats["rows"] == len(examples)
    assert stats["examples"] == len(present)
    assert stats["not_conversations"] == len(examples) - len(present)
    assert list(stats["splits"]) == ["train", "validation", "test"]
    for split in stats["splits"]:
        rows = [i for i in present if (examples[i].split or "train") == split]  # type: ignore[union-attr]
        part = stats["splits"][split]
        assert part["examples"] == len(rows)
        assert part["tokens"] == summary(Counter(tokens[i] for i in rows))
        assert part["trained_tokens"] == summary(Counter(trained[i] for i in rows))
        assert part["turns"] == summary(Counter(len(examples[i].messages) for i in rows))  # type: ignore[union-attr]
        assert part["over_limit"] == sum(tokens[i] > limit for i in rows)
        assert part["cut_tokens"] == sum(max(tokens[i] - limit, 0) for i in rows)
        assert 0 <= part["cut_trained_tokens"] <= min(part["cut_tokens"], part["trained_tokens"]["total"])
        assert sum(part["token_parts"].values()) == part["tokens"]["total"]
        assert part["token_parts"]["trained"] == part["trained_tokens"]["total"]
        assert sum(stats["histogram"]["counts"][split]) == len(rows)
    assert stats["all"]["tokens"]["total"] == sum(tokens[i] for i in present)
    assert sum(part["over_limit"] for part in stats["splits"].values()) == stats["all"]["over_limit"] > 0
    training = [i for i in present if (examples[i].split or "train") == "train"]  # type: ignore[union-attr]
    per_epoch = sum(min(tokens[i], limit) for i in training)
    epochs = default_epochs(len(training))
    assert stats["training"] == {
        "examples": len(training),
        "epochs": epochs,
        "tokens_per_epoch": per_epoch,
        "billed_tokens": per_epoch * epochs,
        "price": {
            "usd_per_million_tokens": 8.0,
            "source": PRICE.source,
            "as_of": PRICE.as_of.isoformat(),
            "unverified": True,
        },
        "cost": round(per_epoch * epochs * 8.0 / 1e6, 2),
        "price_note": "",
    }
    assert stats["limit"] == {"tokens": limit, "source": "", "as_of": None, "unverified": True}
    assert sum(stats["formats"].values()) == len(present)
    assert set(stats["roles"]) == {"user", "assistant"}


@pytest.mark.parametrize("seed", range(4))
def test_any_partition_merged_in_any_order_is_the_same(seed: int) -> None:
    fold = fold_for()
    examples = drawn_examples(120, seed)
    whole = fold.map(batch_of(examples))
    drawn = random.Random(seed)
    edges = sorted({0, len(examples), *drawn.sample(range(len(examples)), 20)})
    states = [fold.map(batch_of(examples[a:b], a)) for a, b in pairwise(edges)]
    kept = pickle.dumps(states)
    left = [fold.empty(), *states]
    drawn.shuffle(left)
    while len(left) > 1:
        i = drawn.randrange(len(left) - 1)
        left[i : i + 2] = [fold.merge(left[i], left[i + 1])]
    assert left[0] == whole
    assert json.dumps(fold.finish(left[0])) == json.dumps(fold.finish(whole)), "the order of keys is the same, too"
    assert pickle.dumps(states) == kept, "merging changes none of its operands"
    assert json.dumps(fold.finish(pickle.loads(pickle.dumps(whole)))) == json.dumps(fold.finish(whole))


def test_what_is_cut_is_what_the_rule_says_is_lost(tmp_path: Path) -> None:
    data = tmp_path / "data.jsonl"
    answers = [{"role": "assistant", "content": "word " * n} for n in (10, 60, 200)]
    rows = [
        {"messages": [{"role": "user", "content": "word " * 40}, *answers[: i + 1]]} for i in range(3) for _ in range(4)
    ]
    rows += [{"messages": [answers[0], {"role": "user", "content": "word " * 400}]}]
    data.write_text("".join(json.dumps(row) + "\n" for row in rows))
    report = api.lint(data, select=("TOK001", "TOK002"), target="trl", rules={"TOK001": {"limit": 1024}})
    fold = StatisticsFold(RuleContext(limited(100), ENCODING))
    examples: list[Example | None] = [Example(row, row["messages"]) for row in rows]
    stats = fold.finish(fold.map(batch_of(examples)))
    lost = api.lint(data, select=("TOK002",), rules={"TOK002": {"limit": 100}}).findings
    assert stats["all"]["cut_trained_tokens"] == sum(finding.args["lost"] for finding in lost) > 0
    assert stats["all"]["over_limit"] == 9
    assert report.stats["all"]["cut_trained_tokens"] == 0


def test_weight_zero_is_masked() -> None:
    messages: list[Any] = [
        {"role": "user", "content": "one two"},
        {"role": "assistant", "content": "three four five", "weight": 0},
        {"role": "user", "content": "six"},
        {"role": "assistant", "content": "seven eight"},
    ]
    fold = fold_for()
    stats = fold.finish(fold.map(batch_of([Example({"messages": messages}, messages)])))
    parts = stats["all"]["token_parts"]
    assert (parts["trained"], parts["weight_zero"], parts["user"]) == (2, 3, 3)
    assert stats["turn_tokens"]["assistant"]["total"] == 5
    assert "system" not in stats["turn_tokens"]


def test_a_target_without_a_price_has_no_cost() -> None:
    fold = fold_for(TARGET.model_copy(update={"price": None, "price_note": "nobody knows"}))
    training = fold.finish(fold.map(batch_of([chat("a", "b")])))["training"]
    assert (training["price"], training["cost"], training["price_note"]) == (None, None, "nobody knows")


def test_very_many_splits_are_summed_up() -> None:
    fold = fold_for()
    names = [f"part {i:03}" for i in range(60)]
    states = [fold.map(batch_of([chat("a", "b", split=name)], i)) for i, name in enumerate([*names, "train"])]
    random.Random(0).shuffle(states)
    merged = fold.empty()
    for state in states:
        merged = fold.merge(merged, state)
    splits = fold.finish(merged)["splits"]
    assert list(splits) == ["train", *names[: MOST_SPLITS - 1], "(other)"]
    assert splits["(other)"]["examples"] == 60 - (MOST_SPLITS - 1)


def test_languages_of_all_or_of_a_sample() -> None:
    english = "The weather was fine and we walked along the river until it was dark and cold outside."
    german = "Das Wetter war gut, und wir gingen am Fluss entlang, bis es dunkel und kalt wurde."
    examples = [chat(f"{english} {i}", english) for i in range(300)] + [
        chat(f"{german} {i}", german) for i in range(100)
    ]
    batch = batch_of(list(examples))
    fold = fold_for()
    found = fold.finish(fold.map(batch))["languages"]
    assert found == {
        "examples": 400,
        "one_in": 1,
        "names": {"de": "German", "en": "English"},
        "splits": {"train": {"en": 300, "de": 100}},
        "unknown": {"train": 0},
    }
    sampling = StatisticsFold(RuleContext(TARGET, ENCODING), languages=4)
    halves = [sampling.map(batch_of(list(examples[a:b]), a)) for a, b in ((0, 150), (150, 400))]
    sample = sampling.finish(sampling.merge(*halves))["languages"]
    assert sample == sampling.finish(sampling.map(batch))["languages"]
    assert sample["one_in"] == 4
    assert 50 < sample["examples"] < 150
    none = StatisticsFold(RuleContext(TARGET, ENCODING), languages=0)
    assert "languages" not in none.finish(none.map(batch))


def test_what_is_no_example() -> None:
    records = [
        Record(0, 1, 0, b"", UNDECODED, faults=(Fault("blank-line"),)),
        Record(1, 2, 1, b"{", UNDECODED, faults=(Fault("invalid-json"),)),
        Record(2, 3, 3, b"17", 17),
        Record(3, 4, 6, b"{}", {}),
    ]
    example = chat("hello", "hi")
    fold = fold_for()
    stats = fold.finish(fold.map(Batch(source=0, path="x", records=records, examples=[None, None, None, example])))
    assert {key: stats[key] for key in ("rows", "examples", "undecodable", "not_conversations", "blank_lines")} == {
        "rows": 3,
        "examples": 1,
        "undecodable": 1,
        "not_conversations": 1,
        "blank_lines": 1,
    }


def test_malformed_messages_do_no_harm() -> None:
    messages: list[Any] = [None, 3, "x", {}, {"role": 7}, {"role": "wizard", "content": ["a"]}, {"role": "user"}]
    fold = fold_for()
    stats = fold.finish(fold.map(batch_of([Example({"messages": messages}, messages)])))
    assert stats["roles"] == {"user": 1, "(other)": 1, "(none)": 5}
    assert stats["all"]["turns"]["max"] == 7


def test_roles_of_their_own_do_not_grow_the_state() -> None:
    messages: list[Any] = [{"role": f"role {i}", "content": "x"} for i in range(500)]
    assert fold_for().map(batch_of([Example({"messages": messages}, messages)])).roles == {"(other)": 500}


def test_labels_are_said_with_their_source() -> None:
    fold = fold_for()
    stats = fold.finish(fold.map(batch_of([chat("?", "yes")] * 8 + [chat("?", "no", split="validation")] * 4)))
    assert stats["labels"] == {
        "source": "answer",
        "classes": 2,
        "splits": {"train": {"yes": 8}, "validation": {"no": 4}},
        "unlabelled": {"train": 0, "validation": 0},
        "drift": {"validation": {"distance": 1.0, "statistic": None, "freedom": None, "p": None}},
    }
    none = fold.finish(fold.map(batch_of([chat("?", "a long answer " * 9)] * 8)))
    assert none["labels"] == {"source": None, "classes": 0, "splits": {}, "unlabelled": {}, "drift": {}}


def test_nothing_at_all_is_plain_json() -> None:
    fold = fold_for()
    stats = fold.finish(fold.empty())
    assert json.loads(json.dumps(stats, allow_nan=False)) == stats
    assert stats["rows"] == 0
    assert stats["training"]["billed_tokens"] == stats["training"]["cost"] == 0


def test_tokens_are_not_counted_for_rules_that_do_not_ask(tmp_path: Path) -> None:
    data = tmp_path / "data.jsonl"
    data.write_text('{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}\n')
    without = api.lint(data, select=("DUP",)).stats
    assert not without.keys() & {"histogram", "training"}
    assert without["all"].keys() == {"rows", "examples", "bytes", "turns"}
    assert api.lint(data, select=("TOK001",)).stats["all"]["tokens"]["total"] > 0
    assert api.stats(data).stats["all"]["tokens"]["total"] > 0


def test_the_price_of_a_contract_takes_the_place_of_the_known_one(tmp_path: Path) -> None:
    file = tmp_path / "data.jsonl"
    chat = {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello."}]}
    file.write_text(json.dumps(chat) + "\n")
    price = {"usd_per_million_tokens": 1e6, "source": "our contract", "as_of": "2026-10-01"}
    training = api.lint([file], price=price).stats["training"]
    assert training["cost"] == training["billed_tokens"]
    assert training["price"] == {**price, "unverified": False}
