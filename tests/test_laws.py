"""The law of folds, for every rule: any partition into shards, merged in any order, gives the same findings."""

from __future__ import annotations

import itertools
import json
import random
from pathlib import Path
from typing import Any

import pytest

from dsprep.api.session import Input, open_session
from dsprep.catalog.registry import rule_references
from dsprep.config import Settings
from dsprep.engine.folding import fold
from dsprep.engine.rows import RowPiece, RowTable
from dsprep.engine.writing import encoded
from dsprep.executors.processes import ProcessExecutor
from dsprep.model.batch import Batch
from dsprep.model.finding import Tally
from dsprep.model.rule import ExampleRule
from dsprep.testing import ShuffledExecutor, merged_anyhow

CODES = list(rule_references())


def _rows(seed: int) -> list[bytes]:
    """Lines in which every rule finds something, and many that are like each other."""
    drawn = random.Random(seed)
    words = "the red fox jumps over a lazy dog while seven quick sailors mend old nets near the harbour wall"
    lines: list[bytes] = []
    for number in range(160):
        text = " ".join(drawn.choice(words.split()) for _ in range(drawn.choice([3, 12, 40])))
        kind = drawn.random()
        label = drawn.choice(["positive", "negative", "Positive ", "neutral"])
        answer = label if kind < 0.6 else f" {text}\r\n\x07<br> &amp;"
        messages: list[Any] = [{"role": "user", "content": text}, {"role": "assistant", "content": answer}]
        if kind > 0.85:
            messages.insert(1, {"role": "system", "content": "be brief <|im_end|>"})
        record: dict[str, Any] = {"messages": messages}
        if number % 7 == 0:
            record["split"] = drawn.choice(["train", "validation"])
        if number % 11 == 0:
            record["group"] = drawn.choice("ab")
        lines.append(encoded(record))
        if number % 4 == 0 and lines:
            lines.append(drawn.choice(lines))
    lines += [
        b"",
        b"{",
        b"[1]",
        b"null",
        b'{"messages": []}',
        b'{"messages": 3}',
        b'{"text": "x"}',
        b'{"messages": [{"role": "User", "content": "a"}, {"role": "gpt", "content": "b", "weight": 2}]}',
        b'{"prompt": "a", "completion": "b"}',
        b'{"messages": [{"role": "user", "content": "a"}], "messages": []}',
        b'{"messages": [{"role": "user", "content": "\\ud800"}, {"role": "assistant", "content": NaN}]}',
        b'{"messages": [{"role": "assistant", "content": "caf\xe9"}]}',
        b'{"messages": [{"role": "assistant", "content": "x", "weight": 0}, {"role": "user", "content": ""}]}',
    ]
    drawn.shuffle(lines)
    return [*lines, b'{"messages": [{"role": "us']


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("law") / "data.jsonl"
    file.write_bytes(b"\n".join(_rows(1)))
    return file


def _settings(codes: list[str]) -> Settings:
    return Settings.model_validate({"select": tuple(codes), "workers": 1, "max_findings": 50})


def _said(tally: Tally) -> str:
    found = [
        (
            f.code,
            f.location.as_dict(),
            dict(f.args),
            [r.as_dict() for r in f.related],
            f.fix and f.fix.as_dict(),
            f.rows,
        )
        for f in tally.sorted()
    ]
    return json.dumps([tally.total, sorted(map(str, tally.counts.items())), found], default=str)


@pytest.mark.parametrize("code", CODES)
def test_any_partition_and_any_order_of_merging_finds_the_same(code: str, data: Path) -> None:
    session = open_session([Input(str(data))], _settings([code]))
    rule = session.rules[0]
    whole = [batch for shard in session.pipeline.sources[0].plan(1 << 30) for batch in session.pipeline.read(shard)]
    table = RowTable(
        [RowPiece.of(batch) for batch in whole], list(session.pipeline.sources[0].plan(1 << 30)), session.pipeline
    )

    def outcome(state: Any) -> str:
        tally = state if isinstance(rule, ExampleRule) else Tally(50).extend(rule.finish(state, table))
        return _said(tally)

    expected = outcome(merged_anyhow(rule, [rule.map(batch) for batch in whole], 0))
    for seed in range(4):
        drawn = random.Random(seed)
        states = []
        for batch in whole:
            cuts = sorted({0, len(batch), *(drawn.randrange(len(batch) + 1) for _ in range(drawn.randrange(12)))})
            for start, end in itertools.pairwise(cuts):
                piece = Batch(
                    source=batch.source,
                    path=batch.path,
                    records=batch.records[start:end],
                    examples=batch.examples[start:end],
                    faults=batch.faults if start == 0 else (),
                    split=batch.split,
                )
                states.append(rule.map(piece))
        states.append(rule.empty())
        assert outcome(merged_anyhow(rule, states, seed)) == expected


def test_all_rules_on_every_executor_find_the_same(data: Path) -> None:
    outcomes = []
    for executor, shard_bytes in (
        (None, 1 << 30),
        (ShuffledExecutor(1), 1),
        (ShuffledExecutor(2), 700),
        (ProcessExecutor(2), 2000),
    ):
        session = open_session([Input(str(data))], _settings(CODES))
        folded = fold(session.pipeline, session.rules, executor or session.executor, shard_bytes=shard_bytes)
        assert not folded.errors
        outcomes.append({code: _said(tally) for code, tally in folded.tallies.items()})
    assert outcomes[0] == outcomes[1] == outcomes[2] == outcomes[3]
    # A law that holds because nothing is found says little.
    quiet = {"ENC001", "ENC002", "ENC004", "ENC009"}
    silent = {code for code in CODES if json.loads(outcomes[0][code])[0] == 0} - quiet
    assert len(silent) < len(CODES) / 2, sorted(silent)
