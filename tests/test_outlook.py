"""Which targets would take a data set; what splits have in common."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from dsprep import api
from dsprep.catalog.packs import target_texts
from dsprep.model.report import Report
from dsprep.reports import judge
from dsprep.targets.loading import all_targets, load_target, target_names

Row = dict[str, Any]


def chat(i: int, answer: str = "It is a fine day, and the sun shines on all of us.", **more: Any) -> Row:
    question = f"What do you say about question number {i} of the long list that I have here?"
    return {"messages": [{"role": "user", "content": question}, {"role": "assistant", "content": answer}], **more}


def written(folder: Path, rows: list[Any], name: str = "data.jsonl") -> Path:
    path = folder / name
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


def entries(report: Report) -> dict[str, Row]:
    return {entry["target"]: entry for entry in report.stats["targets"]}


def test_all_targets_are_those_that_can_be_named() -> None:
    texts = target_texts()
    every = all_targets(texts)
    names = [target.name for target in every]
    assert names == [name for name in target_names(texts) if name in names]
    assert set(target_names(texts)) - set(names) == {name.partition(":")[0] for name in names if ":" in name}
    assert [load_target(target.name, texts) for target in every] == every


def test_prices_have_a_source_and_a_day() -> None:
    """A target either has a price or says why not."""
    for target in all_targets(target_texts()):
        assert (target.price is None) == bool(target.price_note), target.name
        if target.price is not None:
            assert target.price.source
            assert target.price.as_of


def test_good_chat_is_taken_by_all_that_train_on_chat(tmp_path: Path) -> None:
    report = api.lint(written(tmp_path, [chat(i) for i in range(20)]))
    found = entries(report)
    assert next(iter(found)) == "openai:gpt-3.5-turbo-0125"
    assert [entry["checked"] for entry in found.values()].count(True) == 1
    answers = {name.partition(":")[0]: entry["accepted"] for name, entry in found.items()}
    assert answers.pop("openai-dpo") == "no"
    assert set(answers.values()) == {"yes"}
    assert json.loads(json.dumps(report.stats["targets"])) == report.stats["targets"]


def test_too_few_examples_are_refused_where_that_is_certain(tmp_path: Path) -> None:
    found = entries(api.lint(written(tmp_path, [chat(i) for i in range(5)])))
    assert found["openai:gpt-4o"]["accepted"] == "no"
    assert found["openai:gpt-4o"]["reasons"] == ["5 training examples, and it takes no fewer than 10"]
    assert found["fireworks"]["accepted"] == "yes", "three are enough"
    assert found["azure:gpt-4o"]["accepted"] == "yes", "the minimum is not confirmed"


@pytest.mark.parametrize("target", ["openai:gpt-4o", "trl", "mistral", "openai-dpo"])
def test_the_own_target_is_what_the_verdict_says(target: str, tmp_path: Path) -> None:
    for name, rows in (
        ("good", [chat(i) for i in range(20)]),
        ("bad", [*(chat(i) for i in range(20)), {"messages": []}]),
        ("few", [chat(i) for i in range(3)]),
    ):
        report = api.lint(written(tmp_path, rows, f"{name}.jsonl"), target=target)
        entry = report.stats["targets"][0]
        assert entry["checked"]
        assert (entry["accepted"] == "yes") == (judge(report).accepted is True), (name, entry)


def test_what_prepare_mends(tmp_path: Path) -> None:
    """Foreign members, and rows that are put aside, stand in the way until then."""
    rows: list[Any] = [chat(i, source="web") for i in range(30)] + [{"text": "no conversation"}]
    report = api.lint(written(tmp_path, rows))
    found = entries(report)
    assert found["openai:gpt-4o"]["accepted"] == "after-prepare"
    made = api.prepare(tmp_path / "data.jsonl", tmp_path / "out", target="openai:gpt-4o")
    assert made.remaining == 0
    assert made.report.stats["targets"][0]["accepted"] == "yes"
    several = [chat(i, source="web", id=i, license="none") for i in range(20)]
    own = api.lint(written(tmp_path, several)).stats["targets"][0]
    assert own["accepted"] == "after-prepare", "more findings than rows, and none of them costs a row"
    assert own["reasons"] == ["SCH008 unknown-key: 60"]
    legacy = [{"prompt": f"Say {i}.", "completion": f"Here it is: {i}."} for i in range(30)]
    assert entries(api.lint(written(tmp_path, legacy)))["mistral"]["accepted"] == "after-prepare"
    named = entries(api.lint(written(tmp_path, [chat(i, source="web") for i in range(30)])))
    assert named["together"]["reasons"] == ["source would not be taken"]
    assert named["trl"]["accepted"] == "yes", "trl ignores other members"


def test_after_prepare_is_not_promised_where_too_little_may_be_left(tmp_path: Path) -> None:
    rows: list[Any] = [chat(i) for i in range(10)] + [{"messages": [{"role": "user", "content": "?"}]}] * 8
    found = entries(api.lint(written(tmp_path, rows)))
    assert found["openai:gpt-4o"]["accepted"] == "unknown"


def test_a_table_is_uploaded_as_json_lines(tmp_path: Path) -> None:
    table = tmp_path / "data.csv"
    table.write_text("text,label\n" + "".join(f"A fine day number {i},good\nA bad day {i},bad\n" for i in range(20)))
    found = entries(api.lint(table))
    assert found["mistral"]["accepted"] == "after-prepare"
    assert found["mistral"]["reasons"] == ["the data is csv, and is uploaded as JSON lines"]


def test_what_is_too_long_is_counted_for_each_limit(tmp_path: Path) -> None:
    rows = [chat(i, "word " * (2_000 if i < 3 else 600 if i < 8 else 50)) for i in range(20)]
    found = entries(api.lint(written(tmp_path, rows)))
    assert found["openai:gpt-3.5-turbo-0613"]["beyond"]["examples"] == 0
    llama, axolotl, trl = (found[name]["beyond"] for name in ("llama-factory", "axolotl", "trl"))
    assert (axolotl["examples"], axolotl["becomes"]) == (8, "dropped")
    assert (trl["examples"], trl["becomes"], trl["estimated"]) == (3, "truncated", True)
    assert llama["examples"] == 0 < trl["tokens"] < axolotl["tokens"]
    short = entries(api.lint(written(tmp_path, rows), target="openai:gpt-3.5-turbo-0613"))
    assert not short["openai:gpt-3.5-turbo-0125"]["beyond"]["estimated"], "the encoding is the same"
    assert short["openai:gpt-4o"]["beyond"]["estimated"]


def test_a_trainer_may_not_mind_what_a_backend_refuses(tmp_path: Path) -> None:
    rows: list[Any] = [chat(i) for i in range(20)]
    rows[3]["messages"][1]["content"] = 7
    found = entries(api.lint(written(tmp_path, rows)))
    assert found["fireworks"]["accepted"] == "after-prepare"
    assert found["trl"]["accepted"] == "unknown"
    other = entries(api.lint(written(tmp_path, [chat(i) for i in range(20)]), target="trl"))
    assert other["openai:gpt-4o"]["accepted"] == "unknown", "this run has checked less than that needs"


def test_statistics_alone_promise_nothing(tmp_path: Path) -> None:
    found = entries(api.stats(written(tmp_path, [chat(i) for i in range(20)])))
    assert {entry["accepted"] for name, entry in found.items() if not entry["checked"]} == {"unknown", "no"}


# Overlap

POEM = (
    "The river runs below the hill and carries leaves of every tree that stands beside the water, some of them are "
    "yellow, some are red, and all of them go down to the sea where nobody will find them again, number "
)


def test_overlap_is_counted_by_pair_and_kind(tmp_path: Path) -> None:
    train = [chat(i, f"{POEM}{i}. {'so ' * i}") for i in range(12)]
    shouted = json.loads(json.dumps(train[4]))
    shouted["messages"][1]["content"] = shouted["messages"][1]["content"].upper()
    parts = {
        "train": train,
        "validation": [train[0], train[1], {"messages": [train[2]["messages"][0], chat(0, "No.")["messages"][1]]}],
        "test": [train[3], shouted, chat(99, "Something else altogether, which nobody has said before.")],
    }
    paths = {name: written(tmp_path, rows, f"{name}.jsonl") for name, rows in parts.items()}
    report = api.lint(**paths, max_findings=1)
    pairs = {(pair["split"], pair["other"]): pair for pair in report.stats["overlap"]}
    assert list(pairs) == [("train", "validation"), ("train", "test"), ("validation", "test")]
    assert pairs["train", "validation"]["exact"] == 2, "all are counted, whatever is listed"
    assert pairs["train", "validation"]["prompt"] == 1
    assert pairs["train", "test"]["exact"] == pairs["train", "test"]["normalized"] == 1
    assert pairs["validation", "test"]["exact"] == pairs["validation", "test"]["group"] == 0
    for kind, code in (("exact", "LEK001"), ("prompt", "LEK003")):
        total = sum(summary.tally.total for summary in report.summaries if summary.meta.code == code)
        assert sum(pair[kind] for pair in pairs.values()) == total
    some = api.lint(**paths, select=("LEK001",)).stats["overlap"][0]
    assert (some["exact"], some["near"], some["group"]) == (2, None, None)


def test_one_split_overlaps_with_nothing(tmp_path: Path) -> None:
    assert api.lint(written(tmp_path, [chat(i) for i in range(12)])).stats["overlap"] == []
