"""The benchmark suite: its corpora are what their sidecars say, its truth is true, and its page is its results.

No time is asserted, and no peer is needed: that dsprep is fast is for `python benchmarks/run.py` to say.
"""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
BENCHMARKS = ROOT / "benchmarks"
EXAMPLES = 400


@pytest.fixture(scope="module")
def suite() -> Any:
    """Gives a module of benchmarks/, which is a folder of scripts and no package."""
    sys.path.insert(0, str(BENCHMARKS))
    try:
        yield importlib.import_module
    finally:
        sys.path.remove(str(BENCHMARKS))


@pytest.fixture(scope="module")
def data(suite: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("corpus") / "corpus.jsonl"
    suite("corpus").build(file, EXAMPLES, near=0.3, exact=0.1, seed=7)
    return file


def lines(file: Path) -> list[Any]:
    return [json.loads(line) for line in file.read_text("utf-8").split("\n")[:-1]]


def test_a_corpus_is_chat_json_lines_of_the_size_asked_for(data: Path) -> None:
    records = lines(data)
    assert len(records) == EXAMPLES
    assert all([m["role"] for m in record["messages"]] == ["system", "user", "assistant"] for record in records)
    assert all(message["content"].strip() for record in records for message in record["messages"])
    assert 600 < data.stat().st_size / EXAMPLES < 1400


def test_planted_pairs_have_the_similarity_that_the_sidecar_says(suite: Any, data: Path) -> None:
    grams = suite("grams")
    records, texts, pairs = lines(data), grams.texts(data), lines(data.with_suffix(".pairs.jsonl"))
    near = [pair for pair in pairs if pair["kind"] == "near"]
    assert len(near) > 50
    assert len(pairs) > len(near)
    for pair in pairs:
        of, line = pair["of"], pair["line"]
        assert of < line
        similarity = grams.jaccard(grams.grams(texts[of - 1]), grams.grams(texts[line - 1]))
        assert similarity == pytest.approx(pair["similarity"], abs=1e-6)
        assert (records[of - 1] == records[line - 1]) == (pair["kind"] == "exact")
    assert min(pair["similarity"] for pair in near) >= 0.5
    # From one end to the other, not in one place.
    assert {int(10 * pair["similarity"]) for pair in near} == {5, 6, 7, 8, 9}


def test_nothing_is_alike_but_what_was_planted(suite: Any, data: Path) -> None:
    grams = suite("grams")
    texts = grams.texts(data)
    origin = {pair["line"]: pair["of"] for pair in lines(data.with_suffix(".pairs.jsonl"))}
    for a, b in suite("truth").true_pairs(texts, 0.5):
        assert origin.get(a, a) == origin.get(b, b)


def test_the_truth_is_what_comparing_every_pair_gives(suite: Any, data: Path) -> None:
    grams, truth = suite("grams"), suite("truth")
    texts = ["", "one", "one", "one two three", *grams.texts(data)[:150], "a b c d e", "a b c d e"]
    for words_in in (grams.words_of, grams.text_dedup_words, grams.data_juicer_words):
        found = truth.true_pairs(texts, 0.6, words_in)
        sets = []
        for text in texts:
            words = words_in(text)
            runs = zip(*(words[i:] for i in range(5)), strict=False) if len(words) >= 5 else [tuple(words)]
            sets.append(set(runs) if words else set())
        expected = {
            (i + 1, j + 1): grams.jaccard(a, sets[j])
            for i, a in enumerate(sets)
            for j in range(i + 1, len(sets))
            if grams.jaccard(a, sets[j]) >= 0.6
        }
        assert found == pytest.approx(expected)
    assert (2, 3) in found
    assert (len(texts) - 1, len(texts)) in found


def test_the_same_seed_gives_the_same_bytes(suite: Any, data: Path, tmp_path: Path) -> None:
    again, other = tmp_path / "again.jsonl", tmp_path / "other.jsonl"
    script = [sys.executable, str(BENCHMARKS / "corpus.py")]
    options = ["--examples", str(EXAMPLES), "--near", "0.3", "--exact", "0.1"]
    subprocess.run([*script, str(again), *options, "--seed", "7"], check=True, env={"PYTHONHASHSEED": "99"})
    subprocess.run([*script, str(other), *options, "--seed", "8"], check=True)
    assert again.read_bytes() == data.read_bytes()
    assert again.with_suffix(".pairs.jsonl").read_bytes() == data.with_suffix(".pairs.jsonl").read_bytes()
    assert other.read_bytes() != data.read_bytes()


def test_text_of_ones_own(suite: Any, data: Path, tmp_path: Path) -> None:
    file = tmp_path / "own.jsonl"
    suite("corpus").build(file, 20, text=[data])
    assert len(lines(file)) == 20
    short = tmp_path / "short.txt"
    short.write_text("too short")
    with pytest.raises(SystemExit, match="only 0 passages"):
        suite("corpus").build(file, 20, text=[short])


def run_part(name: str, *arguments: str, report: Path) -> dict[str, Any]:
    command = [sys.executable, str(BENCHMARKS / "parts" / f"{name}.py"), *arguments, str(report)]
    subprocess.run(command, check=True, env={"PYTHONPATH": f"{BENCHMARKS}:{ROOT}"})
    found: dict[str, Any] = json.loads(report.read_text())
    return found


def test_the_kernel_that_is_timed_finds_what_is_true(suite: Any, data: Path, tmp_path: Path) -> None:
    truth = suite("truth")
    found = run_part("near", str(data), report=tmp_path / "report.json")
    pairs = truth.true_pairs(suite("grams").texts(data))
    quality = truth.Quality.of(pairs, set(found["taken_out"]), complete=True)
    assert quality.pairs > 50
    assert (quality.recall, quality.precision) == (1.0, 1.0)


def test_the_validation_that_is_timed_reports_every_bad_line(suite: Any, tmp_path: Path) -> None:
    file = tmp_path / "bad.jsonl"
    suite("corpus").build(file, EXAMPLES, bad=0.2)
    planted = lines(file.with_suffix(".faults.jsonl"))
    assert {fault["fault"] for fault in planted} >= {"broken-json", "unknown-role", "no-messages", "a-list"}
    for what in ("lines", "objects"):
        found = run_part("validation", what, str(file), report=tmp_path / "report.json")
        assert found["bad"] == [fault["line"] for fault in planted]


def test_tokens_and_languages_that_are_timed_are_read(data: Path, tmp_path: Path) -> None:
    counted = run_part("counting", str(data), report=tmp_path / "report.json")
    assert counted["tokens"] > 100 * EXAMPLES
    read = run_part("language", "50", str(data), report=tmp_path / "report.json")
    assert read["examples"] == 50
    assert read["english"] > 40


def test_recall_and_precision(suite: Any) -> None:
    pairs = {(1, 2): 0.9, (3, 4): 0.8}
    quality = suite("truth").Quality.of(pairs, {2, 9}, complete=True)
    assert (quality.recall, quality.precision) == (0.5, 0.5)
    assert suite("truth").Quality.of(pairs, {2, 4}, complete=False).precision is None


def test_the_page_is_what_the_results_render(suite: Any) -> None:
    results = json.loads((BENCHMARKS / "results.json").read_text("utf-8"))
    page = (ROOT / "docs" / "benchmarks.md").read_text("utf-8")
    assert page == suite("page").rendered(results), "python benchmarks/run.py --only none --docs writes it anew"
    assert results["machine"]["cpu"] in page


def test_a_row_says_whether_its_goal_is_met(suite: Any) -> None:
    page, comparisons = suite("page"), suite("comparisons")
    comparison = next(c for c in comparisons.COMPARISONS if c.name == "cookbook")
    entry = {
        "examples": 1000,
        "sides": {
            "dsprep": {"wall": [2.0, 3.0, 2.0], "cpu": [9.0, 9.0, 9.0], "peak": [3e9]},
            "cookbook": {"wall": [4.0, 4.0, 4.0], "cpu": [4.0, 4.0, 4.0], "peak": [1e9]},
        },
    }
    assert page.rows(comparison, entry) == [
        "| cookbook | 1,000 | wall | 2.00 s | cookbook 4.00 s | 0.5 x | ≤ 1 x | yes |",
        "| cookbook | 1,000 | cpu | 9.00 s | cookbook 4.00 s | 2.25 x | ≤ 2 x | **no** |",
    ]
    entry["examples"] = 500_000
    assert page.rows(comparison, entry)[-1].endswith("| peak | 3,000 MB |  |  | ≤ 1,500 MB | **no** |")
    entry["sides"]["cookbook"] = {"why": "pip could not install it"}
    assert "not run: pip could not install it" in page.rows(comparison, entry)[0]
