"""Preference data: read in every shape, judged as pairs, mended in place, and never written by halves."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dsprep import api
from dsprep.catalog.packs import target_texts
from dsprep.formats import PREFERENCES, ChatNormaliser, loses, recognised, render
from dsprep.model.batch import REJECTED, Batch
from dsprep.model.fix import Applicability
from dsprep.model.record import Example, Record
from dsprep.model.source import InputError
from dsprep.rules.preference.preference_length_bias import at_least
from dsprep.targets.loading import load_target

SAMPLE = Path(__file__).parent.parent / "samples" / "preferences.jsonl"


def user(content: Any) -> dict[str, Any]:
    return {"role": "user", "content": content}


def assistant(content: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": content}


def in_openai(asked: Any, chosen: Any, rejected: Any) -> dict[str, Any]:
    return {
        "input": {"messages": [user(asked)]},
        "preferred_output": [assistant(chosen)],
        "non_preferred_output": [assistant(rejected)],
    }


def in_texts(asked: Any, chosen: Any, rejected: Any) -> dict[str, Any]:
    return {"prompt": asked, "chosen": chosen, "rejected": rejected}


def in_messages(asked: Any, chosen: Any, rejected: Any) -> dict[str, Any]:
    return {"prompt": [user(asked)], "chosen": [assistant(chosen)], "rejected": [assistant(rejected)]}


def implicit(asked: Any, chosen: Any, rejected: Any) -> dict[str, Any]:
    return {"chosen": [user(asked), assistant(chosen)], "rejected": [user(asked), assistant(rejected)]}


def twofold(asked: Any, chosen: Any, rejected: Any) -> dict[str, Any]:
    """The prompt as a text, and in the lists of messages once more, as some published data sets have it."""
    return {"prompt": asked, **implicit(asked, chosen, rejected)}


SHAPES = [in_openai, in_texts, in_messages, implicit, twofold]
TARGETS = {in_openai: "openai-dpo"}


def target_of(shape: Any) -> str:
    return TARGETS.get(shape, "trl")


def parsed(value: Any) -> Example:
    example = ChatNormaliser().example(Record(0, 1, 0, b"", value))
    assert example is not None
    return example


def written(folder: Path, *rows: Any, name: str = "pairs.jsonl") -> Path:
    file = folder / name
    file.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
    return file


def rows_of(file: Path) -> list[Any]:
    return [json.loads(line) for line in file.read_bytes().split(b"\n") if line]


def found(report: api.Report, *codes: str) -> list[tuple[str, str | None]]:
    return [(f.code, f.location.pointer) for f in report.findings if not codes or f.code.startswith(codes)]


# --- reading --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_is_the_same_pair(shape: Any) -> None:
    example = parsed(shape("Who?", "Ann", "Bob"))
    assert example.messages == [user("Who?"), assistant("Ann")]
    assert example.prompt_size == 1
    assert example.rejected == [assistant("Bob")]
    assert render(example, "chat") == {"messages": [user("Who?"), assistant("Ann")]}
    assert loses(example, "chat") == ["the rejected answer"]


@pytest.mark.parametrize("name", list(PREFERENCES))
@pytest.mark.parametrize("shape", SHAPES)
def test_one_shape_becomes_the_other_and_nothing_is_lost(shape: Any, name: str) -> None:
    example = parsed({**shape("Who?", "Ann", "Bob"), "score": 3})
    out = render(example, name)
    assert recognised(out) == name
    assert loses(example, name) == []
    again = parsed(json.loads(json.dumps(out)))
    assert (again.messages, again.rejected, again.prompt_size) == (example.messages, example.rejected, 1)
    assert again.meta == {"score": 3}


@pytest.mark.parametrize("shape", [in_openai, in_texts, in_messages])
def test_what_is_in_a_shape_already_stays_as_it_is(shape: Any) -> None:
    value = shape("Who?", "Ann", "Bob")
    assert render(parsed(value), parsed(value).format) == value


def test_tools_go_with_the_prompt() -> None:
    tools = [{"type": "function", "function": {"name": "f"}}]
    value = in_openai("a", "b", "c")
    value["input"] |= {"tools": tools, "parallel_tool_calls": False}
    example = parsed(value)
    assert example.tools == tools
    in_trl = render(example, "preference-trl")
    assert in_trl["tools"] == tools
    assert render(parsed(in_trl), "preference") == value


def test_texts_of_the_rejected_answer_are_seen_with_a_role_of_their_own() -> None:
    value = in_openai("a", "b", [{"type": "text", "text": "c"}, {"type": "text", "text": "d"}])
    batch = Batch(source=0, path="x", records=[Record(0, 1, 0, b"", value)], examples=[parsed(value)])
    turns = batch.turns
    assert turns.text == ["a", "b", "c", "d"]
    assert turns.role == ["user", "assistant", REJECTED, REJECTED]
    assert batch.location(0, turns.pointer(2)).pointer == "/non_preferred_output/0/content/0/text"
    assert batch.location(0, turns.pointer(1)).pointer == "/preferred_output/0/content"


junk = st.recursive(
    st.none() | st.booleans() | st.integers(0, 3) | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["role", "content", "messages", "type", "text"]), inner, max_size=3)
    ),
    max_leaves=8,
)
KEYS = sorted(frozenset().union(*(known.KEYS for known in PREFERENCES.values())) | {"messages", "label", "id"})


@given(values=st.lists(st.dictionaries(st.sampled_from(KEYS), junk, max_size=6), max_size=4))
@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@pytest.mark.parametrize("target", ["openai", "openai-dpo", "trl"])
def test_nothing_malformed_makes_a_rule_raise(target: str, values: list[Any], tmp_path: Path) -> None:
    file = written(tmp_path, in_openai("a", "b", "c"), *values)
    report = api.lint(file, target=target, select=("SCH", "CNV", "DUP", "PRF", "TXT"), workers=1, cache=False)
    assert report.errors == []
    api.convert(file, tmp_path / "out.jsonl", to="preference", workers=1)
    for row in rows_of(tmp_path / "out.jsonl"):
        assert row["preferred_output"]
        assert row["non_preferred_output"]


# --- judging --------------------------------------------------------------------------------------------------------


def test_the_sample_is_clean() -> None:
    report = api.lint(SAMPLE, target="openai-dpo", workers=1)
    assert [f.code for f in report.findings if f.severity != "info"] == []
    assert report.stats["formats"] == {"preference": report.stats["rows"]}


def test_preference_data_under_a_chat_target_is_one_finding_that_says_what_to_do() -> None:
    report = api.lint(SAMPLE, target="openai", workers=1)
    errors = [f for f in report.findings if f.severity == "error"]
    assert [f.code for f in errors] == ["SCH011"]
    assert "--target openai-dpo" in errors[0].args["problem"]


def test_conversations_are_no_preference_data(tmp_path: Path) -> None:
    file = written(tmp_path, {"messages": [user("a"), assistant("b")]}, in_openai("a", "b", "c"))
    report = api.lint(file, target="openai-dpo", select="SCH014", workers=1)
    assert [f.location.line for f in report.findings] == [1]


@pytest.mark.parametrize("name", ["openai-dpo", "trl", "together"])
def test_targets_say_which_shape_they_take(name: str) -> None:
    assert load_target(name, target_texts()).preferences in PREFERENCES


@pytest.mark.parametrize("shape", SHAPES)
def test_rules_about_texts_reach_both_answers_and_point_into_the_record(shape: Any, tmp_path: Path) -> None:
    file = written(tmp_path, shape("fine", "one\x07", "two\x07"))
    pointers = [pointer for _, pointer in found(api.lint(file, select="TXT003", workers=1))]
    value = shape("fine", "chosen", "rejected")
    texts = []
    for pointer in pointers:
        assert pointer is not None
        at = value
        for step in pointer.split("/")[1:]:
            at = at[int(step)] if isinstance(at, list) else at[step]
        texts.append(at)
    assert sorted(texts) == ["chosen", "rejected"]


def test_messages_of_a_pair_are_judged_where_pairs_are_taken(tmp_path: Path) -> None:
    value = in_openai("a", "b", "c")
    value["input"]["messages"][0]["role"] = "narrator"
    value["preferred_output"][0]["score"] = value["non_preferred_output"][0]["mood"] = 1
    file = written(tmp_path, {**value, "id": 7})
    report = api.lint(file, target="openai-dpo", select="SCH", workers=1)
    assert sorted(found(report), key=str) == [
        ("SCH005", "/input/messages/0/role"),
        ("SCH008", "/id"),
        ("SCH008", "/non_preferred_output/0/mood"),
        ("SCH008", "/preferred_output/0/score"),
    ]


def test_what_is_wrong_with_an_answer_is_said_once(tmp_path: Path) -> None:
    value = in_openai("a", "b", "c")
    value["preferred_output"] = [{"role": "user", "content": ""}]
    file = written(tmp_path, value)
    report = api.lint(file, target="openai-dpo", select=("SCH", "CNV"), workers=1)
    assert found(report) == [("SCH014", "/preferred_output/0/content"), ("SCH014", "/preferred_output/0/role")]


# --- equal, alike, contradictory ------------------------------------------------------------------------------------

LONG = "The answer that is given to this question is a long one, with a number of words that nobody else uses here"


def test_rankings_are_no_duplicates_and_no_conflict(tmp_path: Path) -> None:
    file = written(
        tmp_path,
        in_openai("Who?", f"{LONG}, says Ann.", "Not at all a matter for us, and we will not be asked again."),
        in_openai("Who?", f"{LONG}, says Ann.", "Something else entirely, told by a stranger at the end of the day."),
        in_openai("Who?", "A third thing, which has hardly a word in common with either.", f"{LONG}, says Ann."),
    )
    report = api.lint(file, target="openai-dpo", select=("DUP001", "DUP002", "DUP003", "DUP004", "PRF"), workers=1)
    assert found(report) == []


def test_equal_pairs_are_duplicates(tmp_path: Path) -> None:
    pair = in_openai("Who?", "Ann", "Bob")
    file = written(tmp_path, pair, pair, in_openai("who? ", "ANN", "bob"))
    report = api.lint(file, target="openai-dpo", select=("DUP001", "DUP002", "DUP004"), workers=1)
    assert [(f.code, f.location.line) for f in report.findings] == [("DUP001", 2), ("DUP002", 3)]


def test_a_conversation_is_no_duplicate_of_a_pair(tmp_path: Path) -> None:
    asked = f"{LONG}; what do you make of it, and would you say so to a friend?"
    file = written(tmp_path, in_messages(asked, LONG, "No."), {"messages": [user(asked), assistant(LONG)]})
    report = api.lint(file, target="trl", select=("DUP001", "DUP002", "DUP003", "DUP004"), workers=1)
    assert found(report) == []


def test_a_prompt_in_two_splits_is_found(tmp_path: Path) -> None:
    train = written(tmp_path, in_openai("Who?", "Ann", "Bob"), name="a.jsonl")
    validation = written(tmp_path, in_openai("Who?", "Ann", "Cy"), name="b.jsonl")
    report = api.lint(train=train, validation=validation, target="openai-dpo", select="LEK", workers=1)
    assert [code for code, _ in found(report)] == ["LEK003"]


def test_short_answers_of_pairs_are_no_classes(tmp_path: Path) -> None:
    rows = [in_openai(f"Question {i}?", "yes" if i % 9 else "Yes", "no") for i in range(60)]
    file = written(tmp_path, *rows)
    report = api.fix(file, target="openai-dpo", select="BAL", unsafe_fixes=True, workers=1).report
    assert found(report) == []
    assert rows_of(file) == rows


@given(heads=st.integers(0, 1000))
def test_the_sign_test_is_the_binomial_tail(heads: int) -> None:
    exact = at_least(heads, 1000)
    assert 0 <= exact <= 1
    assert exact + at_least(1000 - heads + 1, 1000) == pytest.approx(1)
    assert at_least(2 * heads, 2000) <= exact + 1e-3 if heads >= 500 else True


# --- mending --------------------------------------------------------------------------------------------------------

marks = st.sampled_from(["ok.", "word", " ", "\r\n", "\x07", "\x92", "é", "<br>", "&amp;", "<|im_end|>", "\n\n\n\n"])
# A text of nothing but such marks is left alone.
dirty = st.tuples(st.lists(marks, max_size=3), st.just(["word"]), st.lists(marks, max_size=3)).map(
    lambda parts: "".join(mark for part in parts for mark in part)
)


@pytest.mark.parametrize("unsafe", [False, True])
@given(pairs=st.lists(st.tuples(st.sampled_from(SHAPES), dirty, dirty, dirty), min_size=1, max_size=5))
@settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_pairs_are_mended_in_place_and_stay_pairs(unsafe: bool, pairs: list[Any], tmp_path: Path) -> None:
    # White space at the ends of texts that are put together stays: see below.
    pairs = [(shape, *(f"!{text}!" if shape is in_texts else text for text in texts)) for shape, *texts in pairs]
    before = [shape(*texts) for shape, *texts in pairs]
    file = written(tmp_path, *before)
    codes = ("TXT001", "TXT003", "TXT009", "TOK004")
    fixed = api.fix(file, select=codes, unsafe_fixes=unsafe, workers=1)
    assert fixed.report.errors == []
    assert fixed.report.fixable(Applicability.SAFE) == 0
    after = rows_of(file)
    for (shape, *_), old, new in zip(pairs, before, after, strict=True):
        was, now = parsed(old), parsed(new)
        assert now.format == was.format
        assert now.rejected is not None
        texts = [m["content"] for m in (*now.messages, *now.rejected)]
        if len(texts) == 3 and was.prompt_size == 1:
            # The very same record, but for these texts.
            assert new == shape(*texts)
        assert "\x07" not in "".join(texts)
    once = file.read_bytes()
    api.fix(file, select=codes, unsafe_fixes=unsafe, workers=1)
    assert file.read_bytes() == once


def test_texts_that_are_put_together_keep_their_ends(tmp_path: Path) -> None:
    rows = [in_texts("The sky is", " blue.", " green."), in_texts("Say so:\n", "ok", "no\n")]
    file = written(tmp_path, *rows)
    api.fix(file, select="TXT", workers=1)
    assert rows_of(file) == rows


def test_pairs_whose_texts_hold_the_prompt_are_no_strange_conversations(tmp_path: Path) -> None:
    file = written(tmp_path, {"chosen": "Q: Who? A: Ann.", "rejected": "Q: Who? A: Bob."})
    assert found(api.lint(file, target="trl", select=("SCH", "CNV"), workers=1)) == []


def test_a_fix_that_would_break_the_pair_is_not_made(tmp_path: Path) -> None:
    # The tail after the last answer of the assistant would go, and with it the answer's place.
    value = in_openai("a", "b", "c")
    value["preferred_output"] = [user("b")]
    other = {**twofold("a", "b", "c"), "prompt": "something else\x07"}
    other["chosen"][0] = other["rejected"][0] = user("a\x07")
    file = written(tmp_path, value, other)
    api.fix(file, unsafe_fixes=True, select=("CNV", "TXT003"), workers=1)
    assert rows_of(file) == [value, other]


def test_a_key_that_the_target_rejects_goes_and_the_pair_stays(tmp_path: Path) -> None:
    value = in_openai("a", "b", "c")
    file = written(tmp_path, {**value, "id": 7, "input": {**value["input"], "mood": "x"}})
    api.fix(file, target="openai-dpo", select="SCH", unsafe_fixes=True, workers=1)
    assert rows_of(file) == [value]


# --- writing --------------------------------------------------------------------------------------------------------


def test_prepare_writes_pairs_as_they_were(tmp_path: Path) -> None:
    result = api.prepare(SAMPLE, tmp_path / "out", target="openai-dpo", workers=1)
    lines = [line for name in ("train", "validation") for line in (tmp_path / "out" / f"{name}.jsonl").open("rb")]
    assert sorted(lines) == sorted(SAMPLE.open("rb"))
    assert result.rows["rejected"] == 0
    assert result.remaining == 0


def test_prepare_mends_pairs_and_rejects_what_is_none(tmp_path: Path) -> None:
    good = [in_openai(f"Question {i}, in so many words?", f"Answer {i}.", f"Reply {i}!") for i in range(12)]
    file = written(
        tmp_path,
        *good,
        in_openai("dirty\x07", "b\x07", "c\x07"),
        in_texts("in TRL's shape", "b", "c"),
        in_openai("the same twice", "b", "b"),
        {"input": {"messages": [user("half")]}, "preferred_output": [assistant("b")]},
        {"messages": [user("a conversation"), assistant("b")]},
        {"prompt": "two", "completion": "b"},
        {"text": "nothing"},
    )
    result = api.prepare(file, tmp_path / "out", target="openai-dpo", workers=1)
    out = [*rows_of(tmp_path / "out" / "train.jsonl"), *rows_of(tmp_path / "out" / "validation.jsonl")]
    rejected = rows_of(tmp_path / "out" / "rejected.jsonl")
    wanted = [*good, in_openai("dirty", "b", "c"), in_openai("in TRL's shape", "b", "c")]
    assert sorted(map(json.dumps, out)) == sorted(map(json.dumps, wanted))
    assert [row["reason"]["code"] for row in rejected] == ["PRF001", "SCH014", "SCH014", "SCH014", "SCH014"]
    assert rejected[1]["record"] == {"input": {"messages": [user("half")]}, "preferred_output": [assistant("b")]}
    assert result.report.funnel.rows_in == len(out) + len(rejected) == 19
    assert result.remaining == 0


def test_prepare_keeps_pairs_of_a_prompt_together(tmp_path: Path) -> None:
    rows = [in_openai(f"Question number {i // 5}?", f"Answer {i}.", f"Reply {i}.") for i in range(100)]
    api.prepare(written(tmp_path, *rows), tmp_path / "out", target="openai-dpo", split="0.5/0.5", workers=1)
    sides = [
        {row["input"]["messages"][0]["content"] for row in rows_of(tmp_path / "out" / f"{name}.jsonl")}
        for name in ("train", "validation")
    ]
    assert sides[0]
    assert sides[1]
    assert not sides[0] & sides[1]


@pytest.mark.parametrize("shape", SHAPES)
def test_prepare_refuses_pairs_where_conversations_are_wanted(shape: Any, tmp_path: Path) -> None:
    file = written(tmp_path, *(shape(f"Question {i}?", f"Yes {i}.", f"No {i}.") for i in range(3)))
    with pytest.raises(InputError, match=r"preference records are all there is to prepare.* use --target openai-dpo"):
        api.prepare(file, tmp_path / "out", target="openai", workers=1)
    assert list((tmp_path / "out").iterdir()) == []


def test_prepare_never_writes_half_of_a_pair_among_conversations(tmp_path: Path) -> None:
    talks = [{"messages": [user(f"Question {i}?"), assistant(f"Answer {i}.")]} for i in range(12)]
    pairs = [in_openai("a", "b", "c"), in_texts("a", "b", "c"), in_openai("Question 1?", "Answer 1.", "c")]
    file = written(tmp_path, *talks[:6], *pairs, *talks[6:])
    result = api.prepare(file, tmp_path / "out", target="openai", workers=1)
    out = [*rows_of(tmp_path / "out" / "train.jsonl"), *rows_of(tmp_path / "out" / "validation.jsonl")]
    rejected = rows_of(tmp_path / "out" / "rejected.jsonl")
    assert sorted(map(json.dumps, out)) == sorted(map(json.dumps, talks))
    assert [row["record"] for row in rejected] == pairs
    assert {row["reason"]["code"] for row in rejected} == {"SCH011"}
    assert result.report.funnel.reconciles


def test_split_leaves_pairs_alone(tmp_path: Path) -> None:
    result = api.split(SAMPLE, tmp_path / "out", target="openai-dpo", workers=1)
    lines = [line for name in ("train", "validation") for line in (tmp_path / "out" / f"{name}.jsonl").open("rb")]
    assert sorted(lines) == sorted(SAMPLE.open("rb"))
    assert result.rows["rejected"] == 0


def test_convert_says_what_is_lost(tmp_path: Path) -> None:
    result = api.convert(SAMPLE, tmp_path / "chat.jsonl", to="chat", workers=1)
    assert result.lost == {"the rejected answer": result.rows_in}
    assert result.rows_out == result.rows_in
    assert all(set(row) == {"messages"} for row in rows_of(tmp_path / "chat.jsonl"))


def test_convert_there_and_back(tmp_path: Path) -> None:
    api.convert(SAMPLE, tmp_path / "trl.jsonl", to="preference-trl", workers=1)
    back = api.convert(tmp_path / "trl.jsonl", tmp_path / "back.jsonl", to="preference", workers=1)
    assert back.lost == {}
    assert rows_of(tmp_path / "back.jsonl") == rows_of(SAMPLE)


def test_convert_makes_no_pair_of_what_is_none(tmp_path: Path) -> None:
    half = {"prompt": "a", "chosen": "b"}
    file = written(tmp_path, in_texts("a", "b", "c"), {"messages": [user("a"), assistant("b")]}, half)
    result = api.convert(file, tmp_path / "out.jsonl", to="preference", workers=1)
    assert (result.rows_in, result.rows_out, result.rejected) == (3, 1, {"invalid-preference-record": 2})
    reasons = [row["reason"]["message"] for row in rows_of(tmp_path / "out.rejected.jsonl")]
    assert reasons == [
        "a conversation has one answer, and none that it is preferred to",
        "the rejected answer is missing or empty",
    ]


def test_a_table_of_pairs_is_preference_data(tmp_path: Path) -> None:
    file = tmp_path / "pairs.csv"
    with file.open("w", newline="", encoding="utf-8") as out:
        csv.writer(out).writerows([("prompt", "chosen", "rejected"), ("Who?", "Ann", "Bob"), ("Where?", "Rome", "")])
    report = api.lint(file, target="trl", select=("SCH", "PRF"), workers=1)
    assert found(report) == [("SCH014", "/rejected")]
    result = api.convert(file, tmp_path / "out.jsonl", to="preference", workers=1)
    assert rows_of(tmp_path / "out.jsonl") == [in_openai("Who?", "Ann", "Bob")]
    assert result.rejected == {"invalid-preference-record": 1}
    api.prepare(file, tmp_path / "out", target="openai-dpo", workers=1)
    out = [row for name in ("train", "validation") for row in rows_of(tmp_path / "out" / f"{name}.jsonl")]
    assert out == [in_openai("Who?", "Ann", "Bob")]
    with pytest.raises(InputError, match="preference records"):
        api.prepare(file, tmp_path / "again", target="openai", workers=1)


def test_the_pack_checks_preference_data() -> None:
    report = api.lint(SAMPLE, pack="preference", workers=1)
    assert {"PRF001", "PRF002", "PRF003", "SCH014"} <= set(report.rules_run)
    assert not any(code.startswith("BAL") for code in report.rules_run)
    assert report.settings["target"].startswith("openai-dpo")
