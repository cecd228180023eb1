"""Benchmarks that the user names: read from anywhere, seen by the cache, and said clearly when they are of no use."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from dsprep import api
from dsprep.cli.main import app
from dsprep.engine.writing import encoded
from dsprep.model.source import InputError
from dsprep.text.ngrams import MOST_WORDS, runs, wholes
from dsprep.text.shingles import word_hashes

ITEM = (
    "A ferry leaves the island at nine and meets another one half way across the strait at a quarter to ten that day."
)


def chat(question: str, answer: str = "I cannot say.") -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]}


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_bytes(b"".join(encoded(row) + b"\n" for row in rows))
    return path


def run(*arguments: str | Path) -> Any:
    return CliRunner().invoke(app, list(map(str, arguments)))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    rows = [chat(f"How far is it from pier {n} to the next one?", f"About {n} miles, I think.") for n in range(30)]
    rows.insert(7, chat(f"Work this out. {ITEM} How long does it take?"))
    return write(tmp_path / "data.jsonl", rows)


def test_the_flag_selects_the_rule_and_names_the_item(data: Path, tmp_path: Path) -> None:
    bench = tmp_path / "bench.json"
    bench.write_text(json.dumps([{"question": "Who is it?"}, {"question": ITEM}]), "utf-8")
    result = run("lint", data, "--isolated", "--select", "DUP001", "--benchmark", bench, "--output-format", "concise")
    assert result.exit_code == 1
    assert f"{data}:8 LEK005 100 % of {bench} /1 stands in it" in " ".join(result.output.split())


def test_prepare_puts_such_rows_aside(data: Path, tmp_path: Path) -> None:
    bench = write(tmp_path / "bench.jsonl", [{"question": ITEM}])
    out = tmp_path / "out"
    result = run("prepare", data, "--out", out, "--isolated", "--benchmark", bench)
    assert result.exit_code == 0, result.output
    rejected = [json.loads(line) for line in (out / "rejected.jsonl").read_text("utf-8").splitlines()]
    assert [row["reason"]["code"] for row in rejected] == ["LEK005"]
    assert all(ITEM not in (out / f"{name}.jsonl").read_text("utf-8") for name in ("train", "validation"))


def test_a_benchmark_that_changes_is_compared_anew(data: Path, tmp_path: Path) -> None:
    bench = write(tmp_path / "bench.jsonl", [{"question": "Nothing that stands anywhere in the other file, I hope."}])
    options = {"benchmark-contamination": {"files": [str(bench)]}}
    # Enough for the cache of shards, too.
    with data.open("ab") as file:
        file.writelines(encoded(chat(f"{n} " * 300)) + b"\n" for n in range(2000))

    def found() -> int:
        report = api.lint(
            [data], select=("LEK005",), rules=options, cache=True, cache_dir=tmp_path / "cache", workers=1
        )
        return sum(summary.tally.total for summary in report.summaries)

    assert found() == 0
    write(bench, [{"question": ITEM}])
    assert found() == 1
    assert found() == 1
    write(bench, [{"question": "Nothing again that stands anywhere in the other file."}])
    assert found() == 0


def test_all_workers_know_the_benchmark(data: Path, tmp_path: Path) -> None:
    bench = write(tmp_path / "bench.jsonl", [{"question": ITEM}])
    with data.open("ab") as file:
        file.writelines(encoded(chat(f"{n} " * 3000 + (ITEM if n % 7 == 0 else ""))) + b"\n" for n in range(1000))
    totals = [
        api.lint([data], select=("LEK005",), rules={"LEK005": {"files": [str(bench)]}}, workers=workers).summaries
        for workers in (1, 2)
    ]
    assert [summary.tally.total for summaries in totals for summary in summaries] == [144, 144]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "there is no such file"),
        ('{"question": "Why?"}\n', "there is no text of 5 words or more, so nothing to compare with"),
    ],
)
def test_a_benchmark_of_no_use_is_said(content: str | None, said: str, data: Path, tmp_path: Path) -> None:
    bench = tmp_path / "bench.jsonl"
    if content is not None:
        bench.write_text(content, "utf-8")
    with pytest.raises(InputError) as caught:
        api.lint([data], select=("LEK005",), rules={"LEK005": {"files": [str(bench)]}})
    assert str(caught.value).startswith(f"files of rule benchmark-contamination: {bench}: {said}")


def test_a_file_is_not_compared_with_itself(data: Path) -> None:
    with pytest.raises(InputError, match="is among the files to check"):
        api.lint([data], select=("LEK005",), rules={"LEK005": {"files": [str(data)]}})


WORDS = st.lists(st.sampled_from([b"a", b"bb", b"ccc", b"d1"]), max_size=MOST_WORDS + 8)


@given(st.lists(WORDS, max_size=5), st.integers(1, 20))
def test_runs_and_wholes_are_equal_for_equal_words_alone(texts: list[list[bytes]], n: int) -> None:
    hashes, counts = word_hashes([b" ".join(text) for text in texts])
    found, text = runs(hashes, counts, n)
    said = [(i, tuple(words[at : at + n])) for i, words in enumerate(texts) for at in range(len(words) - n + 1)]
    assert text.tolist() == [i for i, _ in said]
    assert len(set(found.tolist())) == len({run for _, run in said})
    assert len(set(zip(found.tolist(), (run for _, run in said), strict=True))) == len({run for _, run in said})
    whole = wholes(hashes, counts)
    fits = [0 < len(words) <= MOST_WORDS for words in texts]
    assert (whole != 0).tolist() == fits
    kept = [tuple(words) for words, fit in zip(texts, fits, strict=True) if fit]
    assert len(np.unique(whole[whole != 0])) == len(set(kept))
