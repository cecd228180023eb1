"""Which of some duplicates stays: by `--keep`, in place and on the way to splits, and that one always does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from dsprep import api
from dsprep.cli.main import app
from dsprep.config import Settings
from dsprep.engine.writing import encoded

QUESTION = (
    "My daughter has to give a talk at school about the sky at night, and she would like to begin with a question that "
    "all can guess at, so we want to know which of the eight planets of our solar system is the largest one of all"
)


def chat(question: str, answer: str, **more: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": question}, {"role": "assistant", "content": answer}], **more}


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_bytes(b"".join(encoded(row) + b"\n" for row in rows))
    return path


def rows_in(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def run(*arguments: str | Path) -> Any:
    return CliRunner().invoke(app, list(map(str, arguments)))


#: Near-duplicates: what each choice keeps of them differs. The second has white space to trim, so has the fourth.
CLUSTER = [
    chat(f"{QUESTION}?", " Saturn"),
    chat(f"{QUESTION}, and please say why?", "Jupiter\n"),
    chat(f"{QUESTION}, please?", "Mars"),
    chat(f"{QUESTION}, kindly?", "Jupiter"),
]
KEPT = {"first": 0, "longest": 1, "majority": 1, "fewest-findings": 2}
FLAGS = ("--isolated", "--no-cache", "--select", "DUP,TXT009", "--fail-on", "never")


@pytest.mark.parametrize(("keep", "stays"), KEPT.items())
def test_fixing_in_place_keeps_what_was_asked_for(keep: str, stays: int, tmp_path: Path) -> None:
    file = write(tmp_path / "data.jsonl", CLUSTER)
    result = run("lint", file, "--fix", "--unsafe-fixes", "--keep", keep, *FLAGS)
    assert result.exit_code == 0, result.output
    kept = [row["messages"][0]["content"] for row in rows_in(file)]
    assert kept == [CLUSTER[stays]["messages"][0]["content"]]


@pytest.mark.parametrize(("keep", "stays"), KEPT.items())
def test_preparing_keeps_what_was_asked_for(keep: str, stays: int, tmp_path: Path) -> None:
    others = [chat(f"What is {n} plus {n}, then?", f"It is {2 * n} of course.") for n in range(12)]
    file = write(tmp_path / "data.jsonl", [*others, *CLUSTER])
    out = tmp_path / "out"
    result = run("prepare", file, "--out", out, "--dedupe", "near", "--keep", keep, *FLAGS)
    assert result.exit_code == 0, result.output
    written = [
        row["messages"][0]["content"] for name in ("train", "validation") for row in rows_in(out / f"{name}.jsonl")
    ]
    asked = [row["messages"][0]["content"] for row in CLUSTER]
    assert [text for text in written if text in asked] == [asked[stays]]


def test_equal_rows_go_with_those_that_are_nearly_equal(tmp_path: Path) -> None:
    spaced = chat(f"{QUESTION}?  ", "Jupiter")
    file = write(tmp_path / "data.jsonl", [spaced, chat(f"{QUESTION}?", "Jupiter"), spaced, CLUSTER[3]])
    settings = Settings.model_validate(
        {
            "select": ("DUP", "TXT009"),
            "unsafe_fixes": True,
            "unfixable": ("TXT009",),
            "rules": {code: {"keep": "fewest-findings"} for code in ("DUP001", "DUP002", "DUP003")},
        }
    )
    report = api.lint([file], settings=settings)
    found = {
        summary.meta.code: [(f.location.line, f.related[0].line) for f in summary.tally.sorted()]
        for summary in report.summaries
        if summary.meta.code.startswith("DUP")
    }
    assert found == {"DUP001": [(3, 1)], "DUP002": [(1, 2)], "DUP003": [(4, 2)]}
    api.fix([file], settings=settings)
    assert rows_in(file) == [chat(f"{QUESTION}?", "Jupiter")]


def test_the_two_flags_for_the_best_do_not_go_together(tmp_path: Path) -> None:
    file = write(tmp_path / "data.jsonl", CLUSTER)
    result = run("prepare", file, "--out", tmp_path / "out", "--keep", "first", "--keep-best")
    assert result.exit_code == 2
    assert "leave out --keep or --keep-best" in " ".join(result.output.split())


def test_two_rules_never_take_out_each_others_rows(tmp_path: Path) -> None:
    long = chat(
        f"{QUESTION}?", "That is Jupiter, by far, and it has been known to be so since the days of Galileo Galilei."
    )
    longer = {"messages": [*long["messages"], {"role": "user", "content": "Thanks."}]}
    # The first is the beginning of the second, and the second is nearly the same as the first.
    file = write(tmp_path / "data.jsonl", [long, longer])
    report = api.lint([file], select=("DUP003", "DUP006"))
    assert {summary.meta.code: summary.tally.total for summary in report.summaries} == {"DUP003": 1, "DUP006": 1}
    api.fix([file], select=("DUP003", "DUP006"), unsafe_fixes=True)
    assert rows_in(file) == [long]


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["", " ", "please", "please do"]),
            st.sampled_from(["Jupiter", "jupiter", "Saturn ", "Mars"]),
        ),
        min_size=1,
        max_size=8,
    ),
    st.sampled_from(["first", "longest", "most-common-answer", "fewest-findings"]),
)
def test_one_of_a_cluster_always_stays(rows: list[tuple[str, str]], keep: str) -> None:
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as folder:
        file = write(Path(folder) / "data.jsonl", [chat(f"{QUESTION} {end}?", answer) for end, answer in rows])
        before = rows_in(file)
        options = {code: {"keep": keep} for code in ("DUP001", "DUP002", "DUP003")}
        api.fix([file], select=("DUP",), unsafe_fixes=True, rules=options, workers=1)
        after = rows_in(file)
        assert len(after) == 1
        assert after[0] in before
