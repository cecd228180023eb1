"""`prepare` from a raw file to splits: nothing lost, nothing leaks, the same bytes every time."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from dsprep import api
from dsprep.reports import judge

SAMPLES = Path(__file__).parent.parent / "samples"
OUTPUTS = (
    *("train.jsonl", "validation.jsonl", "rejected.jsonl", "changes.jsonl"),
    *("report.json", "report.html", "manifest.json", "README.md", "croissant.json"),
)


def _lines(file: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in file.read_bytes().split(b"\n") if line]


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("prepared")
    api.prepare([SAMPLES / "reviews.csv"], folder, workers=1)
    return folder


def test_all_outputs_are_there(prepared: Path) -> None:
    assert sorted(path.name for path in prepared.iterdir()) == sorted(OUTPUTS)


def test_rows_in_are_rows_out_and_rejected(prepared: Path) -> None:
    with (SAMPLES / "reviews.csv").open(newline="", encoding="utf-8") as file:
        rows = sum(1 for _ in csv.DictReader(file))
    counts = {name: len(_lines(prepared / f"{name}.jsonl")) for name in ("train", "validation", "rejected")}
    assert sum(counts.values()) == rows
    funnel = json.loads((prepared / "manifest.json").read_bytes())["funnel"]
    assert funnel["reconciles"] is True
    assert funnel["rows_in"] == rows


def test_the_output_has_no_error_and_no_overlap(prepared: Path) -> None:
    report = api.lint(train=[prepared / "train.jsonl"], validation=[prepared / "validation.jsonl"], workers=1)
    assert [f.code for f in report.findings if f.severity == "error"] == []
    assert not any(f.code.startswith("LEK") for f in report.findings)
    found = json.loads((prepared / "manifest.json").read_bytes())["certificate"]["found"]
    assert set(found.values()) == {0}


def test_rejected_rows_are_whole_with_place_and_reason(prepared: Path) -> None:
    rejected = _lines(prepared / "rejected.jsonl")
    assert rejected
    for row in rejected:
        assert row["location"]["row"] >= 1  # type: ignore[index]
        assert row["reason"]["message"]  # type: ignore[index]
        assert set(row["record"]) >= {"review"}  # type: ignore[arg-type, call-overload]


def test_the_manifest_says_what_it_was_made_from(prepared: Path) -> None:
    manifest = json.loads((prepared / "manifest.json").read_bytes())
    digest = hashlib.sha256((SAMPLES / "reviews.csv").read_bytes()).hexdigest()
    assert [item["sha256"] for item in manifest["inputs"]] == [digest]
    assert manifest["seed"] == 0


@pytest.mark.parametrize("source", ["reviews.csv", "chat_broken.jsonl"])
def test_the_same_bytes_whatever_the_workers_and_the_hash_seed(source: str, tmp_path: Path) -> None:
    made = []
    for number, (workers, seed) in enumerate((("1", "0"), ("2", "1"), ("2", "77"))):
        folder = tmp_path / str(number)
        subprocess.run(
            [sys.executable, "-m", "dsprep", "prepare", source, "--out", folder, "--isolated", "-j", workers, "-q"],
            env={**os.environ, "PYTHONHASHSEED": seed, "LC_ALL": "C" if seed == "1" else "C.UTF-8"},
            cwd=SAMPLES,
            timeout=300,
            check=False,
        )
        made.append({name: (folder / name).read_bytes() for name in OUTPUTS})
    assert made[0] == made[1] == made[2]


def test_columns_that_the_target_rejects_are_left_out_and_still_used(tmp_path: Path) -> None:
    rows = [
        {
            "id": i,
            "label": ["a", "b"][i % 2],
            "group": f"g{i // 10}",
            "messages": [
                {"role": "user", "content": f"number {i} of many"},
                {"role": "assistant", "content": f"so {i}"},
            ],
        }
        for i in range(200)
    ]
    (tmp_path / "in.jsonl").write_text("\n".join(map(json.dumps, rows)))
    result = api.prepare([tmp_path / "in.jsonl"], tmp_path / "out", dedupe="none", workers=1)
    assert result.rows["rejected"] == 0
    train, validation = _lines(tmp_path / "out/train.jsonl"), _lines(tmp_path / "out/validation.jsonl")
    assert all(set(row) == {"messages"} for row in train + validation)
    groups = [{int(row["messages"][0]["content"].split()[1]) // 10 for row in part} for part in (train, validation)]  # type: ignore[index]
    assert not groups[0] & groups[1]
    assert any(s.meta.code == "SCH008" and s.fixed for s in result.report.summaries)


def test_dedupe_near_takes_out_near_duplicates(tmp_path: Path) -> None:
    base = " ".join(f"word{i}" for i in range(80))
    rows = [f"{base} {i}" for i in range(3)] + [f"quite another text number {i} with {i * i} in it" for i in range(40)]
    (tmp_path / "in.jsonl").write_text(
        "\n".join(
            json.dumps({"messages": [{"role": "user", "content": t}, {"role": "assistant", "content": f"ok {t[-9:]}"}]})
            for t in rows
        )
    )
    near = api.prepare([tmp_path / "in.jsonl"], tmp_path / "near", dedupe="near", workers=1)
    assert near.rows["rejected"] == 2
    none = api.prepare([tmp_path / "in.jsonl"], tmp_path / "none", dedupe="none", workers=1)
    assert none.rows["rejected"] == 0


def test_a_row_that_stays_wrong_after_a_fix_is_rejected(tmp_path: Path) -> None:
    good = '{"messages":[{"role":"user","content":"hello %d"},{"role":"assistant","content":"hi %d"}]}'
    lines = [good % (i, i) for i in range(20)]
    # The white space at the end is fixed; the number is no JSON and stays.
    lines.append(
        '{"messages":[{"role":"user","content":"trim me  "},{"role":"assistant","content":"ok","weight":NaN}]}'
    )
    (tmp_path / "in.jsonl").write_text("\n".join(lines))
    result = api.prepare([tmp_path / "in.jsonl"], tmp_path / "out", workers=1)
    assert result.rows["rejected"] == 1
    assert _lines(tmp_path / "out/rejected.jsonl")[0]["location"]["line"] == 21  # type: ignore[index]


def test_records_in_another_format_are_mended_once_and_do_not_stand_in_the_way(tmp_path: Path) -> None:
    chats = [
        {
            "messages": [
                {"role": "user", "content": f"What is {i} plus {3 * i}?"},
                {"role": "assistant", "content": f"{4 * i}, of course."},
            ]
        }
        for i in range(30)
    ]
    others = [{"prompt": f"Name river number {7 * i}, please.", "completion": f"It is called R{i}."} for i in range(10)]
    (tmp_path / "mixed.jsonl").write_text("".join(json.dumps(row) + "\n" for row in [*chats, *others]))
    report = api.prepare([tmp_path / "mixed.jsonl"], tmp_path / "out").report
    (summary,) = [summary for summary in report.summaries if summary.meta.code == "SCH013"]
    assert (summary.tally.total, summary.fixed) == (10, 10)
    assert judge(report).accepted
    assert report.funnel.rows_out == 40
