"""JSON whose records are nested in others, for commands that take conversations: what is said of it; `--records`."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from dsprep import api
from dsprep.cli.main import app
from dsprep.config import Settings
from dsprep.model.source import InputError


def passages(count: int = 30) -> list[dict[str, Any]]:
    return [
        {
            "passage": f"The station was built in {1800 + i} and has {i + 2} tracks.",
            "id": i,
            "questions": [
                {"question": f"When was station {i} built?", "answer": str(1800 + i)},
                {"question": f"How many tracks has station {i}?", "answer": f"It has {i + 2} of them."},
            ],
        }
        for i in range(count)
    ]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    made = tmp_path / "stations.json"
    made.write_text(json.dumps(passages(), indent=1), "utf-8")
    return made


@pytest.mark.parametrize("command", ["lint", "stats"])
def test_what_would_help_is_said_once(command: str, file: Path) -> None:
    said = (
        f"{file} holds no conversations, but lists of what may be the records, called 'questions'. To read those: "
        f"dsprep lint {file} --records 'questions[]'"
    )
    with pytest.raises(InputError, match=re.escape(said)):
        getattr(api, command)(file)


def test_records_are_linted_as_they_are_converted(file: Path, tmp_path: Path) -> None:
    report = api.lint(file, records="questions[]")
    assert report.funnel.rows_in == 60
    assert "SCH002" not in {summary.meta.code for summary in report.summaries}
    assert any("{{passage}}" in note for note in report.notes)
    for command in (("lint", "--no-cache"), ("stats",), ("split", "--out", str(tmp_path / "split"))):
        done = CliRunner().invoke(app, [command[0], str(file), "--records", "questions[]", "--isolated", *command[1:]])
        assert done.exit_code == 0, done.output
    assert api.stats(file, settings=Settings(records="questions[]")).funnel.rows_in == 60
    rows = [*(tmp_path / "split" / "train.jsonl").read_text("utf-8").splitlines()]
    # Questions of one passage stay in one split.
    assert {json.loads(row)["passage"] for row in rows}.isdisjoint(
        json.loads(row)["passage"] for row in (tmp_path / "split" / "validation.jsonl").read_text("utf-8").splitlines()
    )


def test_the_cache_knows_which_records_were_read(file: Path, tmp_path: Path) -> None:
    settings = {"cache": True, "cache_dir": tmp_path / "cache"}
    other = tmp_path / "other.json"
    other.write_text(json.dumps([{**row, "answers": row["questions"][:1]} for row in passages()]), "utf-8")
    assert api.lint(other, records="questions[]", **settings).funnel.rows_in == 60
    assert api.lint(other, records="answers[]", **settings).funnel.rows_in == 30
    assert api.lint(other, records="questions[]", **settings).funnel.rows_in == 60


@pytest.mark.parametrize(
    "rows",
    [
        [{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}], "tags": [{"x": 1}]}],
        [{"turns": [{"speaker": "a", "text": "b"}]}],
        [{"dialog": [{"content": "b"}]}],
        [{"questions": [{"question": "a"}]}, {"questions": []}],
        [{"questions": ["a", "b"]}],
        [{"note": "none of it"}],
    ],
)
def test_other_json_is_linted(rows: list[Any], tmp_path: Path) -> None:
    (tmp_path / "rows.json").write_text(json.dumps(rows), "utf-8")
    assert api.lint(tmp_path / "rows.json").funnel.rows_in == len(rows)


def test_a_chat_is_linted(tmp_path: Path) -> None:
    lines = [
        f"{i:02d}.03.26, 10:0{k} - {who}: number {i}{k}\n" for i in range(1, 13) for k, who in enumerate(("A", "B"))
    ]
    (tmp_path / "chat.txt").write_text("".join(lines), "utf-8")
    with pytest.raises(InputError, match="other commands: --records 'assistant=NAME'"):
        api.lint(tmp_path / "chat.txt")
    assert api.lint(tmp_path / "chat.txt", records="assistant=B").funnel.rows_in == 12
