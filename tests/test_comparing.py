"""`dsprep diff`: every row is counted once, what is the same is called the same, and what is shown does no harm."""

from __future__ import annotations

import csv
import json
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from typer.testing import CliRunner

from dsprep import api
from dsprep.cli.main import app
from dsprep.config import Settings
from dsprep.engine.folding import fold
from dsprep.executors.serial import SerialExecutor
from dsprep.folds.row_identities import RowIdentitiesFold
from dsprep.folds.row_matching import Sign, match
from dsprep.model.changes import DataComparison
from dsprep.model.source import InputError
from dsprep.reports import comparison
from dsprep.testing import ShuffledExecutor, check_moving

PLAIN = {"findings": False, "settings": Settings(workers=1)}


def _chat(user: str, assistant: str, **more: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": user}, {"role": "assistant", "content": assistant}], **more}


def _write(file: Path, rows: Sequence[Any]) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    lines = (row if isinstance(row, str) else json.dumps(row) for row in rows)
    file.write_text("".join(f"{line}\n" for line in lines), "utf-8")
    return file


def _compare(folder: Path, old: Sequence[Any], new: Sequence[Any], **more: Any) -> DataComparison:
    return api.compare_data(_write(folder / "old.jsonl", old), _write(folder / "new.jsonl", new), **{**PLAIN, **more})


def _counts(result: DataComparison) -> tuple[int, int, int, int]:
    return result.unchanged, result.changed, result.removed, result.added


ROWS = [_chat(f"What is the capital of country number {i}?", f"It is the city number {i * 7}.") for i in range(20)]


def test_equal_versions_do_not_differ(tmp_path: Path) -> None:
    result = _compare(tmp_path, ROWS, ROWS)
    assert _counts(result) == (20, 0, 0, 0)
    assert not result.differs
    assert not result.reordered


def test_order_and_layout_do_not_count(tmp_path: Path) -> None:
    moved = [json.dumps(row, indent=None, separators=(" ,", ": "), sort_keys=True) for row in reversed(ROWS)]
    result = _compare(tmp_path, ROWS, ["", *moved, "", ""])
    assert _counts(result) == (20, 0, 0, 0)
    assert result.reordered
    assert not result.differs


def test_equal_rows_are_counted_one_by_one(tmp_path: Path) -> None:
    result = _compare(tmp_path, [ROWS[0]] * 5 + [ROWS[1]], [ROWS[0]] * 3 + [ROWS[1]] * 2)
    assert (result.unchanged, result.removed + result.changed, result.added + result.changed) == (4, 2, 1)


@pytest.mark.parametrize(
    ("old", "new", "sign"),
    [
        (_chat("Where is it?", "There."), _chat("Where is it?", "There.", note="checked"), "learnt"),
        (_chat("Where is it?", "There."), _chat(" where IS  it? ", "there."), "spelling"),
        (_chat("Where is it?", "There."), _chat("Where is it?", "Over here."), "prompt"),
        (
            _chat("Where is it?", "There."),
            {
                "messages": [
                    {"role": "system", "content": "Be kind."},
                    *_chat("Where is it?", "Here, dear.")["messages"],
                ]
            },
            "question",
        ),
        (_chat("Where is it?", "There.", id=7), _chat("Who was that?", "Nobody at all.", id=7), "id"),
        (
            _chat("Where is it?", "It is behind the green door."),
            _chat("Say where I find it", "It is behind the green door."),
            "answer",
        ),
        (_chat("Where is my red hat?", "In the box."), _chat("Where is my red cap?", "In a box."), "place"),
    ],
)
def test_a_changed_row_is_known_again(tmp_path: Path, old: Any, new: Any, sign: str) -> None:
    before = [*ROWS[:5], old, *ROWS[5:]]
    after = [*ROWS[:5], new, *ROWS[5:]]
    if "id" in old:
        before = [{**row, "id": 100 + i} if "id" not in row else row for i, row in enumerate(before)]
        after = [{**row, "id": 100 + i} if "id" not in row else row for i, row in enumerate(after)]
    result = _compare(tmp_path, before, after)
    assert _counts(result) == (20, 1, 0, 0)
    assert result.signs == {sign: 1}
    assert (result.changes[0].old.line, result.changes[0].new.line) == (6, 6)


def test_another_row_in_its_place_is_no_version_of_it(tmp_path: Path) -> None:
    after = [*ROWS[:5], _chat("Tell me a joke about owls", "Owl be back"), *ROWS[6:]]
    assert _counts(_compare(tmp_path, ROWS, after)) == (19, 0, 1, 1)


def test_a_changed_row_is_known_elsewhere(tmp_path: Path) -> None:
    old = [*ROWS, _chat("Where did you put the small red hat?", "Into the wooden box below the stairs.")]
    new = [_chat("Where have you put the small red cap?", "Into that wooden box below the stairs."), *reversed(ROWS)]
    result = _compare(tmp_path, old, new)
    assert _counts(result) == (20, 1, 0, 0)
    assert result.signs == {"words": 1}


def test_a_common_system_message_makes_no_rows_alike(tmp_path: Path) -> None:
    system = {
        "role": "system",
        "content": "Answer as a patient clerk of a shop that sells lamps of all kinds, in one line.",
    }

    def under(row: dict[str, Any]) -> dict[str, Any]:
        return {"messages": [system, *row["messages"]]}

    old = [*map(under, ROWS[:5]), under(_chat("Any owls?", "None.")), *map(under, ROWS[5:])]
    new = [*map(under, ROWS[:5]), under(_chat("Got jokes", "Knock knock")), *map(under, ROWS[5:])]
    assert _counts(_compare(tmp_path, old, new)) == (20, 0, 1, 1)


def test_ids_that_are_numbers_of_rows_do_not_mislead(tmp_path: Path) -> None:
    old = [{**row, "id": i} for i, row in enumerate(ROWS)]
    new = [{**row, "id": i} for i, row in enumerate(ROWS[1:])]
    result = _compare(tmp_path, old, new)
    assert result.signs == {"learnt": 19}
    assert _counts(result) == (0, 19, 1, 0)


def test_a_named_key_decides(tmp_path: Path) -> None:
    old = [_chat("a question", "an answer", ref="x"), _chat("b question", "b answer", ref="y")]
    new = [_chat("b question", "b answer", ref="x"), _chat("a question", "an answer", ref="y")]
    result = _compare(tmp_path, old, new, key="ref")
    assert result.signs == {"id": 2}
    assert [(row.before["ref"], row.now["ref"]) for row in result.changes] == [("x", "x"), ("y", "y")]
    with pytest.raises(InputError, match="no row has a member 'nowhere'"):
        _compare(tmp_path, old, new, key="nowhere")


def test_rows_that_go_to_another_split_are_counted(tmp_path: Path) -> None:
    for name, train, validation in (("old", ROWS[:15], ROWS[15:]), ("new", ROWS[5:], [*ROWS[:4], ROWS[4]])):
        _write(tmp_path / name / "train.jsonl", train)
        _write(tmp_path / name / "validation.jsonl", validation)
        _write(tmp_path / name / "rejected.jsonl", [{"anything": name}])
    result = api.compare_data(tmp_path / "old", tmp_path / "new", **PLAIN)
    assert _counts(result) == (20, 0, 0, 0)
    assert result.moved == {("train", "validation"): 5, ("validation", "train"): 5}
    assert result.differs
    assert result.old.splits == {"train": 15, "validation": 5}


def test_a_table_and_what_prepare_makes_of_it(tmp_path: Path) -> None:
    file = tmp_path / "reviews.csv"
    with file.open("w", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(["review_id", "text", "sentiment"])
        for i in range(40):
            said = f"{' ' if i < 3 else ''}The lamp number {i} shines {'well' if i % 2 else 'badly'} at night, I find."
            writer.writerow([f"r{i}", said, ("negative", "positive")[i % 2]])
    api.prepare(file, tmp_path / "out", settings=Settings(workers=1))
    result = api.compare_data(file, tmp_path / "out", **PLAIN)
    assert _counts(result) == (37, 3, 0, 0)
    assert result.signs == {"spelling": 3}
    assert set(result.changes[0].now) == {"messages"}


def test_lines_that_are_no_json_are_rows(tmp_path: Path) -> None:
    result = _compare(tmp_path, [*ROWS, '{"messages": [', "[1, 2]"], [*ROWS, '{"messages": [', "[1, 3, 4]"])
    assert result.unchanged == 21
    assert result.reconciles


def test_an_empty_version(tmp_path: Path) -> None:
    result = _compare(tmp_path, [], ROWS)
    assert _counts(result) == (0, 0, 0, 20)
    assert result.tokens == {}


def test_findings_are_told_apart_by_what_their_rows_say(tmp_path: Path) -> None:
    dirty, other = _chat("Hi there you", "  spaced out"), _chat("Hello you there", "  far out")
    old, new = [*ROWS, dirty], [other, *reversed(ROWS)]
    result = _compare(tmp_path, old, new, findings=True, select=("TXT009",))
    rule = result.findings[0].rule
    assert (rule.code, rule.before, rule.now, rule.new, rule.gone) == ("TXT009", 1, 1, 1, 1)
    assert [place.line for place in result.findings[0].places] == [1]
    same = _compare(tmp_path, old, [dirty, *reversed(ROWS)], findings=True, select=("TXT009",))
    assert same.findings == []
    assert same.rules_run == ("TXT009",)


def test_a_finding_stays_the_same_while_its_row_changes(tmp_path: Path) -> None:
    old = [*ROWS, _chat("Hi there you", "  spaced out")]
    new = [*ROWS, _chat("Hi there you", "  spaced out and edited")]
    result = _compare(tmp_path, old, new, findings=True, select=("TXT009",))
    assert result.changed == 1
    assert result.findings == []


def test_labels_and_lengths_drift(tmp_path: Path) -> None:
    def labelled(words: int, odd: str) -> list[Any]:
        return [_chat(f"text {i} " + "word " * words, odd if i % 2 else "no") for i in range(60)]

    result = _compare(tmp_path, labelled(3, "yes"), labelled(30, "maybe"))
    assert result.tokens["beyond_chance"] is True
    assert result.tokens["ks"] == 1.0
    assert result.labels["distance"] == 0.5
    assert result.labels["changes"][0]["name"] in ("maybe", "yes")


def test_secrets_are_masked(tmp_path: Path) -> None:
    key = "AKIA" + "QYLPMN5HFIQR7XYA"
    old = [*ROWS, _chat("mail anna.berg@lumo-lamps.de", f"my key is {key}")]
    new = [*ROWS, _chat("mail anna.berg@lumo-lamps.de", f"the key was {key}"), _chat(f"or {key}", "yes it was")]
    result = _compare(tmp_path, old, new)
    shown = comparison.dumps(result).decode() + repr(result)
    assert result.changed == 1
    assert key not in shown
    assert "anna.berg" not in shown


# --- laws ---

_CONTENT = st.integers(0, 6)
_VERSION = st.lists(
    st.tuples(_CONTENT, st.integers(0, 1), st.integers(0, 3), st.integers(0, 4), st.integers(0, 3)), max_size=12
)


def _columns(rows: Sequence[tuple[int, int, int, int, int]]) -> dict[str, NDArray[Any]]:
    """Columns of rows of (content, split, prompt, answer, id); 0 of the last three is none."""

    def keys(values: Sequence[int]) -> NDArray[np.uint64]:
        return np.array([(value, value) for value in values], np.uint64).reshape(-1, 2)

    content, split, prompt, answer, own = ([row[i] for row in rows] for i in range(5))
    return {
        "row": np.arange(len(rows), dtype=np.uint64),
        "split": np.array(split, np.int64),
        "content": keys([value + 1 for value in content]),
        "learnt": keys([value // 2 + 1 for value in content]),
        "prompt": keys(prompt),
        "question": keys(prompt),
        "answer": keys(answer),
        "telling": keys(answer),
        "id": keys(own),
    }


@given(_VERSION, _VERSION, st.booleans(), st.integers(0, 99))
@settings(max_examples=300, deadline=None)
def test_every_row_is_in_one_pair_at_most(old: Any, new: Any, trusted: bool, seed: int) -> None:
    drawn = random.Random(seed)

    def alike(i: NDArray[np.int64], j: NDArray[np.int64]) -> NDArray[np.bool_]:
        return np.array([drawn.random() < 0.5 for _ in i], np.bool_)

    def likest(i: NDArray[np.int64], j: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        n = drawn.randint(0, min(len(i), len(j)))
        return i[:n], j[-n:] if n else j[:0]

    found = match(_columns(old), _columns(new), alike, likest, trusted=trusted)
    assert sorted([*found.old.tolist(), *found.gone.tolist()]) == list(range(len(old)))
    assert sorted([*found.new.tolist(), *found.come.tolist()]) == list(range(len(new)))
    before, now = (Counter(row[0] for row in rows) for rows in (old, new))
    assert int(found.of(Sign.CONTENT).sum()) == (before & now).total()
    for i, j, sign in zip(found.old.tolist(), found.new.tolist(), found.sign.tolist(), strict=True):
        assert (old[i][0] == new[j][0]) == (sign == Sign.CONTENT)
    # As few rows as can be are said to have moved.
    stay = (Counter(row[:2] for row in old) & Counter(row[:2] for row in new)).total()
    same = zip(found.old[found.of(Sign.CONTENT)].tolist(), found.new[found.of(Sign.CONTENT)].tolist(), strict=True)
    assert sum(old[i][1] == new[j][1] for i, j in same) == stay


_LINES = st.lists(
    st.sampled_from(
        [
            *(json.dumps(_chat(f"q {i % 4}", f"answer {i % 3} and more words")) for i in range(8)),
            json.dumps(_chat("q 1", "answer 1", id=3)),
            "{broken",
            "[]",
            "",
        ]
    ),
    max_size=10,
)


@given(_LINES, _LINES)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_counts_add_up(tmp_path: Path, old: list[str], new: list[str]) -> None:
    # The first line says what kind of file it is.
    old, new = ([json.dumps(ROWS[0]), *lines] for lines in (old, new))
    result = _compare(tmp_path, old, new)
    before, now = (Counter(line for line in lines if line) for lines in (old, new))
    assert result.reconciles
    assert (result.old.rows, result.new.rows) == (before.total(), now.total())
    assert result.unchanged == (before & now).total()
    back = _compare(tmp_path, new, old)
    assert (back.unchanged, back.differs) == (result.unchanged, result.differs)


def test_identities_are_the_same_however_the_rows_are_cut(tmp_path: Path) -> None:
    from dsprep.api.session import Input, open_session

    file = _write(tmp_path / "a.jsonl", [*ROWS, "{broken", _chat("Hm?", "", id="x")])
    session = open_session([Input(str(file))], Settings(workers=1), codes=lambda code: False)

    def columns(executor: Any, shard_bytes: int) -> Mapping[str, NDArray[Any]]:
        from dsprep.model.rule import gathered

        folded = fold(session.pipeline, [], executor, folds={"ids": RowIdentitiesFold()}, shard_bytes=shard_bytes)
        return gathered(folded.states["ids"])

    whole, cut = columns(SerialExecutor(), 1 << 20), columns(ShuffledExecutor(3), 1)
    assert whole.keys() == cut.keys()
    for name in whole:
        assert np.array_equal(whole[name], cut[name])
    check_moving(Input(str(file)), Settings(workers=1), tmp_path, {"ids": RowIdentitiesFold()})


# --- the command ---


def _run(*args: str) -> Any:
    return CliRunner().invoke(app, ["diff", *args, "--isolated", "--no-cache", "--workers", "1"])


@pytest.fixture
def versions(tmp_path: Path) -> tuple[str, str]:
    hostile = "\x1b[31mred\u202e ``` </details> | <script>"
    old = _write(tmp_path / "old.jsonl", [*ROWS, _chat(f"say {hostile} please", "no")])
    new = _write(
        tmp_path / "new.jsonl", [*ROWS[1:], _chat(f"say {hostile} please", f"  yes {hostile}"), _chat("x", "y")]
    )
    return str(old), str(new)


@pytest.mark.parametrize("output", ["text", "markdown", "json"])
def test_what_is_printed_does_nothing(versions: tuple[str, str], output: str) -> None:
    result = _run(*versions, "--output-format", output)
    assert result.exit_code == 0, result.output
    assert "\x1b" not in result.output
    assert "\u202e" not in result.output
    if output == "markdown":
        fence = max(line for line in result.output.splitlines() if set(line) == {"`"})
        assert len(fence) > 3
        outside = result.output.split(fence + "text")[0]
        assert "<script>" not in outside


def test_text_says_what_has_changed(versions: tuple[str, str]) -> None:
    lines = _run(*versions, "--select", "TXT009").output.splitlines()
    assert any(line.strip() == "19 unchanged" for line in lines)
    assert any(line.strip().startswith("1 changed: 1 same prompt, another answer") for line in lines)
    assert any(line.strip() == "1 removed" for line in lines)
    assert any(line.strip() == "1 added" for line in lines)
    assert "Findings: 1 new, 0 gone" in lines
    assert any("+1" in line and "TXT009" in line and "new.jsonl:20" in line for line in lines)


def test_json_holds_the_counts(versions: tuple[str, str]) -> None:
    data = json.loads(_run(*versions, "--output-format", "json").output)
    rows = data["rows"]
    assert rows["reconciles"]
    assert (rows["unchanged"], rows["changed"], rows["removed"], rows["added"]) == (19, 1, 1, 1)
    assert data["changed"][0]["fields"] == ["/messages/1/content"]
    assert data["version"] == "1"


def test_the_same_bytes_whatever_runs_it(versions: tuple[str, str]) -> None:
    one = _run(*versions, "--output-format", "json").output
    two = CliRunner().invoke(
        app, ["diff", *versions, "--output-format", "json", "--isolated", "--no-cache", "--workers", "2"]
    )
    assert one == two.output


def test_exit_codes(versions: tuple[str, str], tmp_path: Path) -> None:
    old, new = versions
    assert _run(old, new).exit_code == 0
    assert _run(old, new, "--exit-code").exit_code == 1
    assert _run(old, old, "--exit-code").exit_code == 0
    quiet = _run(old, new, "--quiet")
    assert (quiet.exit_code, quiet.output) == (1, "")
    assert _run(old, new, "--fail-on", "info", "--select", "TXT009").exit_code == 1
    assert _run(old, new, "--fail-on", "error", "--select", "TXT009").exit_code == 0
    assert _run(new, old, "--fail-on", "info", "--select", "TXT009").exit_code == 0
    assert _run(old).exit_code == 2
    assert _run("--old", old, "--old", str(_write(tmp_path / "more.jsonl", ["[]"])), "--new", new).exit_code == 0


def test_a_missing_file_is_one_sentence(versions: tuple[str, str], tmp_path: Path) -> None:
    result = _run(versions[0], str(tmp_path / "nowhere.jsonl"))
    assert isinstance(result.exception, InputError)
    assert "there is no such file" in str(result.exception)


def test_a_report_goes_to_a_file(versions: tuple[str, str], tmp_path: Path) -> None:
    file = tmp_path / "diff.md"
    result = _run(*versions, "--output-format", "markdown", "--output-file", str(file))
    assert result.output == ""
    assert file.read_text("utf-8").startswith("### Data: 1 changed, 1 removed and 1 added")
