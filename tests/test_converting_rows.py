"""Rows that become several records, or one of several: conversations, packs, examples, shots; and normalising."""

from __future__ import annotations

import csv
import io
import json
import time
import unicodedata
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from dsprep import api
from dsprep.catalog.registry import UnknownNameError
from dsprep.cli.main import app
from dsprep.formats import Mapping, MappingError, load_mapping, mapping_yaml
from dsprep.formats.table import grouping, rows_normaliser
from dsprep.formats.table.order_keys import OrderError, order_key
from dsprep.model.patch import patched
from dsprep.model.source import InputError
from dsprep.sources import open_source
from dsprep.text.normalising import NORMALISATIONS, normalised

THREADS = Mapping.model_validate(
    {
        "system": "You help with the {{product}}.",
        "conversation": {
            "by": "thread",
            "order": "when",
            "role": "who",
            "text": "message",
            "roles": {"agent": "assistant", "customer": "user"},
        },
        "keep": ["product"],
    }
)


def table(path: Path, rows: list[dict[str, Any]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def turns(*rows: tuple[str, Any, str, str], product: str = "lamp") -> list[dict[str, Any]]:
    return [dict(zip(("thread", "when", "who", "message"), row, strict=True)) | {"product": product} for row in rows]


def lines(path: Path | str) -> list[Any]:
    return [json.loads(line) for line in Path(path).read_text("utf-8").split("\n") if line]


def with_conversation(**parts: Any) -> Mapping:
    known = THREADS.model_dump(exclude_defaults=True)
    known["conversation"] = {**known["conversation"], **parts}
    return Mapping.model_validate(known)


def said(record: Any) -> list[str]:
    return [f"{message['role']}: {message['content']}" for message in record["messages"]]


# --- conversations --------------------------------------------------------------------------------------------------


def test_rows_of_one_conversation_may_stand_anywhere(tmp_path: Path) -> None:
    path = table(
        tmp_path / "threads.csv",
        turns(
            ("t1", "2024-01-01 10:05", "agent", "Have you tried the switch?"),
            ("t2", "10", "customer", "Where is it?"),
            ("t1", "2024-01-01T09:00", "customer", "It is broken."),
            ("t2", "9", "agent", "Hello!"),
            ("t1", "2024-01-01 10:07", "customer", "Yes."),
        ),
    )
    result = api.convert(path, tmp_path / "out.jsonl", mapping=THREADS)
    assert (result.rows_in, result.rows_out, result.units_out, result.made) == (5, 2, 5, "conversations")
    assert result.reconciles
    first, second = lines(tmp_path / "out.jsonl")
    assert said(first) == [
        "system: You help with the lamp.",
        "user: It is broken.",
        "assistant: Have you tried the switch?",
        "user: Yes.",
    ]
    # 10 is behind 9, though not as a text.
    assert said(second)[1:] == ["assistant: Hello!", "user: Where is it?"]
    assert first["metadata"] == {"product": "lamp"}
    assert not (tmp_path / "out.rejected.jsonl").exists()


FAULTY = (
    ("t1", "1", "customer", "Hi"),
    ("t2", "1", "bot", "Ann joined"),
    ("t1", "2", "agent", "Hello"),
    ("t2", "2", "customer", "Hello?"),
    ("t3", "1", "customer", " "),
    ("t3", "2", "agent", "Fine"),
    ("", "1", "customer", "Nobody's"),
    ("t4", "", "customer", "When?"),
    ("t5", "1", "", "Who?"),
    ("t6", "3/4/2024", "customer", "April or March?"),
)


def test_a_row_that_cannot_be_used_takes_its_conversation_with_it(tmp_path: Path) -> None:
    path = table(tmp_path / "threads.csv", turns(*FAULTY))
    result = api.convert(path, tmp_path / "out.jsonl", mapping=THREADS)
    assert (result.rows_in, result.rows_out, result.units_out) == (10, 1, 2)
    assert result.rejected == {
        "unknown role": 1,
        "empty text": 1,
        "part of an unusable conversation": 2,
        "no conversation": 1,
        "no place in the order": 2,
        "no role": 1,
    }
    refused = lines(tmp_path / "out.rejected.jsonl")
    # Each rejected row is there as it was, with its own place.
    assert [(line["location"]["row"], line["record"]) for line in refused] == [
        (number, {"thread": row[0], "when": row[1], "who": row[2], "message": row[3], "product": "lamp"})
        for number, row in sorted(enumerate(FAULTY, 1), key=lambda item: (_first(item[1][0]), item[0]))
        if row[0] != "t1"
    ]
    assert {line["reason"]["name"] for line in refused} == {"missing-value"}
    reasons = [line["reason"]["message"] for line in refused]
    assert reasons[0] == "`roles` does not know 'bot', so the row makes no conversation"
    assert reasons[1].startswith("another row of its conversation cannot be used (`roles` does not know 'bot')")
    assert "day or month first" in reasons[-1]
    assert [line["location"].get("column") for line in refused] == [
        "who", None, "message", None, "thread", "when", "who", "when",
    ]  # fmt: skip


def _first(thread: str) -> int:
    return next(i for i, row in enumerate(FAULTY) if row[0] == thread)


def test_or_only_itself(tmp_path: Path) -> None:
    path = table(tmp_path / "threads.csv", turns(*FAULTY))
    result = api.convert(path, tmp_path / "out.jsonl", mapping=with_conversation(unusable="row"))
    assert (result.rows_in, result.rows_out, result.units_out) == (10, 3, 4)
    assert [said(record)[1:] for record in lines(tmp_path / "out.jsonl")] == [
        ["user: Hi", "assistant: Hello"],
        ["user: Hello?"],
        ["assistant: Fine"],
    ]
    assert result.rejected.total() == 6


def test_rows_of_a_conversation_cannot_differ_in_what_it_is(tmp_path: Path) -> None:
    rows = [
        {**row, "part": part, "topic": topic}
        for row, part, topic in zip(
            turns(
                ("a", 1, "user", "1"),
                ("a", 2, "assistant", "2"),
                ("b", 1, "user", "3"),
                ("b", "2024-01-01", "assistant", "4"),
                ("c", 1, "user", "5"),
                ("c", 2, "assistant", "6"),
            ),
            ("train", "test", "", "", "dev", ""),
            ("", "", "", "", "x", "x"),
            strict=True,
        )
    ]
    path = table(tmp_path / "threads.csv", rows)
    mapping = with_conversation().model_copy(update={"split": "part", "label": "topic", "group": "product"})
    result = api.convert(path, tmp_path / "out.jsonl", mapping=mapping)
    assert result.rejected == {"more than one split": 2, "no place in the order": 2}
    (record,) = lines(tmp_path / "out.jsonl")
    assert (record["split"], record["label"], record["group"]) == ("validation", "x", "lamp")
    reasons = {line["reason"]["message"] for line in lines(tmp_path / "out.rejected.jsonl")}
    assert any("when has dates and numbers in one conversation" in reason for reason in reasons)


def test_turns_of_one_speaker_can_be_joined_and_others_named(tmp_path: Path) -> None:
    path = table(
        tmp_path / "chat.csv",
        turns(
            ("c", 1, "Ann", "Hi."), ("c", 2, "Ann", "Are you there?"), ("c", 3, "Helper", "Yes."), ("c", 4, "Bo", "!")
        ),
    )
    mapping = with_conversation(roles={"helper": "assistant", "*": "user"}, join="\n")
    api.convert(path, tmp_path / "out.jsonl", mapping=mapping)
    assert [said(record)[1:] for record in lines(tmp_path / "out.jsonl")] == [
        ["user: Hi.\nAre you there?", "assistant: Yes.", "user: !"]
    ]
    api.convert(path, tmp_path / "apart.jsonl", mapping=with_conversation(roles={"helper": "assistant", "*": "user"}))
    assert len(lines(tmp_path / "apart.jsonl")[0]["messages"]) == 5


def test_a_role_may_be_a_template_and_the_key_several_columns(tmp_path: Path) -> None:
    path = tmp_path / "chat.jsonl"
    rows = [
        {"channel": "x", "day": 1, "mine": False, "body": "Hi"},
        {"channel": "x", "day": 2, "mine": False, "body": "Other day"},
        {"channel": "x", "day": 1, "mine": True, "body": "Hello"},
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    how = {"by": ["channel", "day"], "role": "{{ 'assistant' if mine else 'user' }}", "text": "{{body}}"}
    api.convert(path, tmp_path / "out.jsonl", mapping=Mapping.model_validate({"conversation": how}))
    assert [said(record) for record in lines(tmp_path / "out.jsonl")] == [
        ["user: Hi", "assistant: Hello"],
        ["user: Other day"],
    ]


def test_a_conversation_longer_than_any_is_a_wrong_column(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grouping, "MAX_ROWS", 3)
    rows = [("a", i, "user", str(i)) for i in range(5)] + [("b", i, "user", str(i)) for i in range(3)]
    path = table(tmp_path / "threads.csv", turns(*rows))
    result = api.convert(path, tmp_path / "out.jsonl", mapping=THREADS, workers=1)
    assert (result.rows_out, result.units_out) == (1, 3)
    assert result.rejected == {"too many rows in one conversation": 5}
    monkeypatch.setattr(grouping, "MAX_BYTES", 1)
    result = api.convert(path, tmp_path / "bytes.jsonl", mapping=THREADS, workers=1)
    assert result.rejected == {"too many rows in one conversation": 8}


def test_shots_and_system_messages_of_conversations(tmp_path: Path) -> None:
    rows = turns(
        ("a", 1, "user", "Hi"), ("a", 2, "assistant", "Hello"), ("b", 1, "system", "Own."), ("b", 2, "user", "Hey")
    )
    path = table(tmp_path / "threads.csv", rows)
    known = with_conversation().model_dump(exclude_defaults=True)
    mapping = Mapping.model_validate({**known, "shots": [{"user": "u", "assistant": "v"}]})
    api.convert(path, tmp_path / "out.jsonl", mapping=mapping)
    assert [said(record) for record in lines(tmp_path / "out.jsonl")] == [
        ["system: You help with the lamp.", "user: u", "assistant: v", "user: Hi", "assistant: Hello"],
        ["system: Own.", "user: u", "assistant: v", "user: Hey"],
    ]


def test_a_conversation_without_its_system_message_is_rejected_whole(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    rows = [{"t": "a", "r": "user", "m": "Hi"}, {"t": "a", "r": "assistant", "m": "Yes"}]
    path.write_text("".join(json.dumps(row) + "\n" for row in [*rows, {"t": "b", "r": "user", "m": "Hi", "p": "x"}]))
    mapping = Mapping.model_validate({"system": "{{p}}", "conversation": {"by": "t", "role": "r", "text": "m"}})
    result = api.convert(path, tmp_path / "out.jsonl", mapping=mapping)
    assert (result.rows_in, result.rows_out, result.rejected) == (3, 1, {"no system": 2})
    (refused,) = lines(tmp_path / "out.rejected.jsonl")
    assert refused["record"] == {"rows": rows}


def test_what_is_no_row_is_rejected_beside(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"t": "a", "r": "user", "m": "Hi"}\nno json\n\n[1]\n{"t": "a", "r": "assistant", "m": "Yes"}\n')
    mapping = Mapping.model_validate({"conversation": {"by": "t", "role": "r", "text": "m"}})
    result = api.convert(path, tmp_path / "out.jsonl", mapping=mapping)
    assert (result.rows_in, result.rows_out, result.units_out, result.rejected.total()) == (4, 1, 2, 2)
    assert [line["location"]["line"] for line in lines(tmp_path / "out.rejected.jsonl")] == [2, 4]
    assert lines(tmp_path / "out.rejected.jsonl")[0]["raw"] == "no json"


ROWS = st.lists(
    st.tuples(
        st.sampled_from(["a", "b", "c", "d", ""]),
        st.integers(-3, 12) | st.sampled_from(["", "x"]),
        st.sampled_from(["user", "assistant", "Customer", "nobody", ""]),
        st.text("ab \n", max_size=3),
    ),
    min_size=1,
    max_size=30,
)


@settings(deadline=None, max_examples=40)
@given(ROWS, st.booleans(), st.integers(1, 400))
def test_no_row_is_lost_however_the_file_is_cut(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[tuple[str, Any, str, str]],
    whole: bool,
    shard_bytes: int,
) -> None:
    folder = tmp_path_factory.mktemp("rows")
    path = table(folder / "rows.csv", turns(*rows))
    mapping = with_conversation(unusable="conversation" if whole else "row", roles={"customer": "user"})
    result = api.convert(path, folder / "out.jsonl", mapping=mapping, workers=1)
    written = lines(folder / "out.jsonl")
    refused = lines(result.rejected_file) if result.rejected_file else []
    texts = Counter(message["content"] for record in written for message in record["messages"][1:])
    texts += Counter(line["record"]["message"] or "" for line in refused)
    assert texts == Counter(row[3] for row in rows)
    assert len({line["location"]["row"] for line in refused}) == len(refused) == result.rejected.total()
    # In pieces of any size, the source has the same records.
    source = open_source(str(path))
    normaliser = rows_normaliser(mapping, ("thread", "when", "who", "message", "product"))
    pieces, at_once = (normaliser.arranged(source) for _ in range(2))
    found = [[record for shard in piece.plan(size) for record in piece.read(shard)]
             for piece, size in ((pieces, shard_bytes), (at_once, 1 << 30))]  # fmt: skip
    assert found[0] == found[1]
    ordinals = [record.ordinal for record in found[0]]
    assert ordinals == sorted(set(ordinals))
    assert [shard.ordinal for shard in pieces.plan(shard_bytes)] == sorted(
        {s.ordinal for s in pieces.plan(shard_bytes)}
    )


def test_workers_and_order_of_rows_do_not_matter_for_content(tmp_path: Path) -> None:
    rows = turns(*((f"t{i % 50}", i, ("user", "assistant")[i // 50 % 2], f"turn {i}") for i in range(400)))
    one = table(tmp_path / "one.csv", rows)
    other = table(tmp_path / "other.csv", rows[::-1])
    for name, path, workers in (("a", one, 1), ("b", one, 2), ("c", other, 2)):
        api.convert(path, tmp_path / f"{name}.jsonl", mapping=THREADS, workers=workers)
    assert (tmp_path / "a.jsonl").read_bytes() == (tmp_path / "b.jsonl").read_bytes()
    assert sorted(map(str, lines(tmp_path / "a.jsonl"))) == sorted(map(str, lines(tmp_path / "c.jsonl")))
    # By first place in the file.
    assert said(lines(tmp_path / "a.jsonl")[1])[1] == "user: turn 1"


def test_prepare_takes_conversations_too(tmp_path: Path) -> None:
    rows: list[tuple[str, Any, str, str]] = []
    for i in range(30):
        rows.insert(0, (f"t{i}", 2, "agent", f"The answer to question {i} is {i * i}, as you can work out."))
        rows.append((f"t{i}", 1, "customer", f"What is {i} times {i}?"))
    path = table(tmp_path / "threads.csv", turns(*rows, ("t30", 1, "robot", "beep")))
    made = api.prepare(path, tmp_path / "out", mapping=THREADS, split="0.8/0.2")
    assert made.rows["train"] + made.rows["validation"] == 30
    assert made.rows["rejected"] == 1
    assert f"61 rows of {path} make up 31 conversations; each of them is counted as a row" in made.report.notes
    record = lines(tmp_path / "out" / "train.jsonl")[0]
    assert [message["role"] for message in record["messages"]] == ["system", "user", "assistant"]


# --- what turns are sorted by ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        ((-2, "1.5", 2, " 10 ", "1e3", str(10**30), str(10**30 + 1)), "numbers"),
        (("2024-01-02", "2024-01-02T03:00:00Z", "2024/01/02 04:00", "2024-01-02T04:30:00+00:00"), "dates"),
        (("2024-01-01T10:00:00+02:00", "2024-01-01T09:00:00Z"), "dates"),
        (("Tue Oct 31 22:10:47 +0000 2017", "Tue, 31 Oct 2017 22:10:48 +0000", "2017-11-01"), "dates"),
        (("12:10 am", "9:05", "09:06", "10:00", "12:30 p.m.", "9:05 PM"), "times"),
        (("01ARZ3", "01ARZ4", "b"), "texts"),
    ],
)
def test_what_compares(cells: tuple[Any, ...], kind: str) -> None:
    keys = [order_key(cell) for cell in cells]
    assert {key[0] for key in keys} == {kind}
    assert [key[1] for key in keys] == sorted(key[1] for key in keys)
    assert len({key[1] for key in keys}) == len(cells)


@pytest.mark.parametrize("cell", [None, "", " ", "1/2/2024", "01.02.2024 10:00", "1-2-24", "5 January 2021", "May 1"])
def test_what_might_be_sorted_wrongly_is_refused(cell: Any) -> None:
    with pytest.raises(OrderError):
        order_key(cell)


def test_dates_can_be_explained() -> None:
    assert order_key("2/1/2024", "%d/%m/%Y") < order_key("1/2/2024", "%d/%m/%Y")
    assert order_key("2/1/2024", "%m/%d/%Y") > order_key("1/2/2024", "%m/%d/%Y")
    with pytest.raises(OrderError, match="written as '%d/%m/%Y'"):
        order_key("1/13/2024", "%d/%m/%Y")


def test_the_zone_of_the_machine_does_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    found = []
    for zone in ("UTC", "Asia/Tokyo"):
        monkeypatch.setenv("TZ", zone)
        time.tzset()
        found.append([order_key(cell) for cell in ("Jan 5, 2021 10:00", "2021-01-05 10:00")])
    monkeypatch.delenv("TZ")
    time.tzset()
    assert found[0] == found[1]
    assert found[0][0] == found[0][1]


# --- several examples of a row --------------------------------------------------------------------------------------

SEVERAL = Mapping.model_validate(
    {
        "system": "Be brief.",
        "examples": [
            {"user": "Title this: {{text}}", "assistant": "title"},
            {"user": "{{text}}", "assistant": "stars", "label": "stars", "system": "Rate it."},
        ],
        "labels": {"1-2": "bad", "4-5": "good"},
        "split": "part",
    }
)


def test_one_row_gives_several_records(tmp_path: Path) -> None:
    rows = [
        {"title": "A", "text": "Nice lamp", "stars": "5", "part": "train"},
        {"title": "", "text": "Bad", "stars": "1", "part": "dev"},
        {"title": "C", "text": "", "stars": "3", "part": "test"},
    ]
    path = table(tmp_path / "reviews.csv", rows)
    result = api.convert(path, tmp_path / "out.jsonl", mapping=SEVERAL)
    assert (result.rows_in, result.units_in, result.rows_out, result.made) == (3, 6, 4, "examples")
    assert result.rejected == {"missing-value": 2}
    assert result.reconciles
    assert [said(record) for record in lines(tmp_path / "out.jsonl")] == [
        ["system: Be brief.", "user: Title this: Nice lamp", "assistant: A"],
        ["system: Rate it.", "user: Nice lamp", "assistant: good"],
        ["system: Rate it.", "user: Bad", "assistant: bad"],
        ["system: Be brief.", "user: Title this: ", "assistant: C"],
    ]
    splits = [record["split"] for record in lines(tmp_path / "out.jsonl")]
    assert splits == ["train", "train", "validation", "test"]
    refused = lines(tmp_path / "out.rejected.jsonl")
    assert [(line["location"]["row"], line["location"]["column"]) for line in refused] == [(2, "title"), (3, "text")]
    assert refused[0]["record"] == rows[1]


def test_several_records_have_the_same_order_whatever_the_workers(tmp_path: Path) -> None:
    rows = [{"title": f"T{i}", "text": f"Text {i} " + "word " * 300, "stars": i % 6, "part": ""} for i in range(6000)]
    path = table(tmp_path / "reviews.csv", rows)
    for workers in (1, 2):
        result = api.convert(path, tmp_path / f"{workers}.jsonl", mapping=SEVERAL, workers=workers)
        assert (result.rows_in, result.rows_out) == (6000, 12000)
    assert (tmp_path / "1.jsonl").read_bytes() == (tmp_path / "2.jsonl").read_bytes()
    assert said(lines(tmp_path / "1.jsonl")[9])[2] == "assistant: good"


def test_what_is_wrong_with_a_row_is_said_once(tmp_path: Path) -> None:
    path = tmp_path / "reviews.csv"
    path.write_text("title,text,stars,part\nA,Nice lamp,5,train,too,many\nB,Bad lamp,1,train\n")
    source = open_source(str(path))
    arranged = rows_normaliser(SEVERAL, ("title", "text", "stars", "part")).arranged(source)
    records = [record for shard in arranged.plan(1 << 20) for record in arranged.read(shard)]
    assert [(record.ordinal, [fault.kind for fault in record.faults]) for record in records] == [
        (0, ["ragged-row"]),
        (1, []),
        (2, []),
        (3, []),
    ]


# --- shots and packs ------------------------------------------------------------------------------------------------


def test_shots_stand_before_each_example_as_they_are(tmp_path: Path) -> None:
    path = table(tmp_path / "reviews.csv", [{"text": "Good", "label": "4"}, {"text": "Poor", "label": "1"}])
    mapping = Mapping.model_validate(
        {
            "system": "Rate.",
            "user": "{{text}}",
            "assistant": "{{label}}",
            "label": "label",
            "labels": {"4": "positive"},
            "shots": [{"user": "{{no template}}", "assistant": "neutral"}, {"user": "Bad!", "assistant": "negative"}],
        }
    )
    api.convert(path, tmp_path / "out.jsonl", mapping=mapping)
    before = ["system: Rate.", "user: {{no template}}", "assistant: neutral", "user: Bad!", "assistant: negative"]
    assert [said(record) for record in lines(tmp_path / "out.jsonl")] == [
        [*before, "user: Good", "assistant: positive"],
        [*before, "user: Poor", "assistant: 1"],
    ]
    normaliser = rows_normaliser(mapping, ("text", "label"))
    source = open_source(str(path))
    (record, _) = [record for shard in source.plan(1 << 20) for record in source.read(shard)]
    example = normaliser.example(record)
    assert example is not None
    assert example.label_pointer == "/messages/6/content"
    assert example.origins is not None
    assert example.origins["/messages/5/content"] == "text"
    assert "/messages/1/content" not in example.origins


def test_rows_are_packed_by_system_message_group_and_split(tmp_path: Path) -> None:
    rows = [
        {"q": f"q{i}", "a": f"a{i}" if i != 4 else "", "doc": "xy"[i % 2], "part": "train" if i < 8 else "test"}
        for i in range(12)
    ]
    path = table(tmp_path / "qa.csv", rows)
    mapping = Mapping(system="Read.", user="q", assistant="a", group="doc", split="part", pack=3, keep=("q",))
    result = api.convert(path, tmp_path / "out.jsonl", mapping=mapping)
    assert (result.rows_in, result.rows_out, result.units_out, result.made) == (12, 5, 11, "conversations")
    assert result.rejected == {"missing-value": 1}
    found = lines(tmp_path / "out.jsonl")
    questions = [[m["content"] for m in record["messages"] if m["role"] == "user"] for record in found]
    assert questions == [["q0", "q2", "q6"], ["q1", "q3", "q5"], ["q7"], ["q8", "q10"], ["q9", "q11"]]
    assert said(found[0])[:3] == ["system: Read.", "user: q0", "assistant: a0"]
    assert [message["role"] for message in found[0]["messages"]].count("system") == 1
    assert [(record["group"], record["split"]) for record in found] == [
        ("x", "train"),
        ("y", "train"),
        ("y", "train"),
        ("x", "test"),
        ("y", "test"),
    ]
    assert found[0]["metadata"] == {"q": ["q0", "q2", "q6"]}
    (refused,) = lines(tmp_path / "out.rejected.jsonl")
    assert (refused["location"]["row"], refused["record"]["q"]) == (5, "q4")


@settings(deadline=None, max_examples=25)
@given(
    st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from(["x", "y", ""])), min_size=1, max_size=25),
    st.integers(2, 5),
)
def test_a_pack_has_what_it_should(
    tmp_path_factory: pytest.TempPathFactory, cells: list[tuple[str, str]], n: int
) -> None:
    folder = tmp_path_factory.mktemp("packs")
    path = table(folder / "qa.csv", [{"q": f"q{i}", "a": a, "s": s} for i, (s, a) in enumerate(cells)])
    mapping = Mapping(system="{{s}}", user="q", assistant="a", pack=n, shots=[{"user": "u", "assistant": "v"}])  # type: ignore[list-item]
    result = api.convert(path, folder / "out.jsonl", mapping=mapping, workers=1)
    usable = Counter(s for s, a in cells if a)
    assert result.rows_out == sum(-(-count // n) for count in usable.values())
    for record in lines(folder / "out.jsonl"):
        system, *shot = said(record)[:3]
        assert shot == ["user: u", "assistant: v"]
        asked = [m["content"] for m in record["messages"][3:] if m["role"] == "user"]
        assert len(asked) <= n
        assert {cells[int(q[1:])][0] for q in asked} == {system.removeprefix("system: ")}
        assert asked == sorted(asked, key=lambda q: int(q[1:]))


def test_packs_know_where_their_texts_are_from(tmp_path: Path) -> None:
    path = table(tmp_path / "qa.csv", [{"q": f"q{i}", "a": f"a{i}", "s": "S"} for i in range(2)])
    normaliser = rows_normaliser(Mapping(system="s", user="q", assistant="a", pack=2), ("q", "a", "s"))
    source = normaliser.arranged(open_source(str(path)))
    (record,) = [record for shard in source.plan(1 << 20) for record in source.read(shard)]
    assert source.rows_of(record) == 2
    example = normaliser.example(record)
    assert example is not None
    assert example.origins is not None
    assert {place: origin for place, origin in example.origins.items() if place.endswith("content")} == {
        "/messages/0/content": "/rows/0/s",
        "/messages/1/content": "/rows/0/q",
        "/messages/2/content": "/rows/0/a",
        "/messages/3/content": "/rows/1/q",
        "/messages/4/content": "/rows/1/a",
    }


# --- mappings that do not go together --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("conversation: {by: t, role: r, text: m}\nuser: x", "conversation and user cannot both be given"),
        ("conversation: {by: t, role: r, text: m}\npack: 3", "conversation and pack cannot both be given"),
        ("examples: [{user: a, assistant: b}]\nassistant: x", "examples and assistant cannot both be given"),
        ("conversation: {by: t, role: r, text: m, roles: {x: bot}}", "x is mapped to 'bot'; the roles are system, "),
        ("conversation: {by: t, role: r}", "conversation.text: "),
        ("conversation: {by: t, role: r, text: m, sort: x}", "conversation.sort"),
        ("pack: 1", "pack: "),
        ("normalise: [nfk]", "normalise.0: "),
        ("shots: [{user: x}]", "shots.0.assistant: "),
    ],
)
def test_mappings_that_cannot_be_meant(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "map.yaml").write_text(text)
    with pytest.raises(MappingError) as error:
        load_mapping(tmp_path / "map.yaml")
    assert says in str(error.value)


@pytest.mark.parametrize("mapping", [THREADS, SEVERAL, Mapping(user="q", assistant="a", pack=2, normalise=("nfc",))])
def test_mappings_are_written_and_read(tmp_path: Path, mapping: Mapping) -> None:
    (tmp_path / "map.yaml").write_text(mapping_yaml(mapping, ["a note"]))
    assert load_mapping(tmp_path / "map.yaml") == mapping


@pytest.mark.parametrize(
    ("mapping", "says"),
    [
        ({"conversation": {"by": "thred", "role": "who", "text": "message"}}, "conversation.by: there is no column"),
        ({"conversation": {"by": "thread", "order": "at", "role": "who", "text": "message"}}, "conversation.order"),
        ({"conversation": {"by": "thread", "role": "who", "text": "{{said}}"}}, "conversation.text '{{said}}'"),
        ({"examples": [{"user": "{{said}}", "assistant": "who"}]}, "there is no column 'said'"),
    ],
)
def test_columns_that_are_not_there(tmp_path: Path, mapping: dict[str, Any], says: str) -> None:
    path = table(tmp_path / "threads.csv", turns(("t", 1, "user", "Hi")))
    with pytest.raises(MappingError) as error:
        api.convert(path, tmp_path / "out.jsonl", mapping=Mapping.model_validate(mapping))
    assert says in str(error.value)


def test_where_rows_cannot_be_put_together_it_is_said(tmp_path: Path) -> None:
    path = table(tmp_path / "threads.csv", turns(("t", 1, "user", "Hi"), ("t", 2, "assistant", "Hello")))
    chat = tmp_path / "chat.jsonl"
    api.convert(path, chat, mapping=with_conversation(roles={}))
    with pytest.raises(InputError, match=r"chat\.jsonl holds conversations"):
        api.convert(chat, tmp_path / "out.jsonl", mapping=Mapping(pack=3))
    with pytest.raises(InputError, match="split writes rows as they are"):
        api.split(path, tmp_path / "split", mapping=THREADS)
    with pytest.raises(InputError, match="`normalise` is for `dsprep convert`"):
        api.prepare(chat, tmp_path / "prepared", mapping=Mapping(normalise=("nfc",)))
    rejects = tmp_path / "x.rejected.jsonl"
    rejects.write_bytes(chat.read_bytes())
    with pytest.raises(InputError, match="is an input"):
        api.convert(rejects, tmp_path / "x.jsonl")
    assert rejects.read_bytes() == chat.read_bytes()


# --- normalising ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kinds", "text", "after", "by"),
    [
        (["line-ends"], "a\r\nb\rc\n", "a\nb\nc\n", ["line-ends"]),
        (["nfc"], "Cafe\u0301", "Café", ["nfc"]),
        (["nfc"], "ﬁ ①", "ﬁ ①", []),
        (["ftfy"], "donâ€™t\ncafÃ©\nfine", "don’t\ncafé\nfine", ["ftfy"]),
        (["whitespace"], "  a \t\n\n  b\u00a0\n ", "  a\n\n  b", ["whitespace"]),
        (["whitespace"], " \n  a  ", "a", ["whitespace"]),
        (["whitespace"], "a  b", "a  b", []),
        (list(NORMALISATIONS), " CafÃ© \r\nCafe\u0301\r", "Café\nCafé", ["ftfy", "nfc", "line-ends", "whitespace"]),
        ([], "a\r\n ", "a\r\n ", []),
    ],
)
def test_texts_are_normalised_as_asked(kinds: list[str], text: str, after: str, by: list[str]) -> None:
    if text.startswith(" Caf"):
        after = " " + after if "\n" in after else after  # the first line of several keeps its indentation
    assert normalised(text, kinds) == (after, by)


@settings(deadline=None)
@given(st.text("a \t\r\n\u00a0\u0301é\u2028Ã©â€™", max_size=30), st.sets(st.sampled_from(NORMALISATIONS)))
def test_normalising_twice_changes_nothing_more(text: str, kinds: set[str]) -> None:
    once, _ = normalised(text, kinds)
    again = normalised(once, kinds - {"ftfy"})  # what is mended may look broken again, and then is
    assert again == (once, [])
    if "line-ends" in kinds:
        assert "\r" not in once
    if "nfc" in kinds:
        assert unicodedata.is_normalized("NFC", once)


@pytest.mark.parametrize("text", ["e" + "\u0301\u0323" * 200_000, " " * 400_000 + "x", "\r" * 400_000, "Ã©" * 50_000])
def test_hostile_texts_take_no_longer(text: str) -> None:
    began = time.monotonic()
    normalised(text, NORMALISATIONS)
    assert time.monotonic() - began < 20


@pytest.mark.parametrize("to", ["chat", "alpaca", "sharegpt"])
def test_what_was_normalised_can_be_had_again(tmp_path: Path, to: str) -> None:
    rows = [
        {"text": "Nice\r\nlamp", "label": "good "},
        {"text": "plain", "label": "good"},
        {"text": "Cafe\u0301 CafÃ©", "label": "bad"},
    ]
    path = table(tmp_path / "reviews.csv", rows)
    mapping = Mapping(system="Rate.", user="text", assistant="label", label="label")
    plain, out = tmp_path / "plain.jsonl", tmp_path / "out.jsonl"
    assert api.convert(path, plain, to=to, mapping=mapping).changes_file is None
    result = api.convert(path, out, to=to, mapping=mapping, normalise=["whitespace", "nfc", "line-ends", "ftfy"])
    assert result.normalised == {"ftfy": (1, 1), "nfc": (1, 1), "line-ends": (1, 1), "whitespace": (1, 1)}
    assert result.changes_file == str(tmp_path / "out.changes.jsonl")
    *changes, closing = lines(result.changes_file)
    before, after = lines(plain), lines(out)
    assert [change["location"]["row"] for change in changes] == [1, 3]
    assert changes[0]["texts"] == {"/messages/1/content": ["line-ends"], "/messages/2/content": ["whitespace"]}
    data = out.read_bytes()
    for change, number in zip(changes, (0, 2), strict=True):
        offset, size = change["at"]
        assert json.loads(data[offset : offset + size]) == after[number]
        assert patched(after[number], change["inverse"]) == before[number]
        assert patched(before[number], change["patch"]) == after[number]
    assert before[1] == after[1]
    assert closing["changes"] == 2
    (undone,) = api.undo(result.changes_file)
    assert undone.changes == 2
    assert out.read_bytes() == plain.read_bytes()


def test_labels_go_with_their_texts_and_parts_are_texts(tmp_path: Path) -> None:
    path = tmp_path / "chat.jsonl"
    records = [
        {
            "messages": [{"role": "user", "content": [{"type": "text", "text": "a\r\nb"}, {"type": "x"}]}],
            "label": "c\r",
        },
        {"messages": [{"role": "user", "content": "fine"}, {"role": "assistant", "content": None}]},
    ]
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    result = api.convert(path, tmp_path / "out.jsonl", normalise=["line-ends"])
    assert result.normalised == {"line-ends": (2, 1)}
    first, second = lines(tmp_path / "out.jsonl")
    assert first["messages"][0]["content"][0]["text"] == "a\nb"
    assert first["label"] == "c\n"
    assert second == records[1]


def test_pairs_are_normalised_on_both_sides(tmp_path: Path) -> None:
    path = tmp_path / "pairs.jsonl"
    path.write_text(json.dumps({"prompt": "Q\r", "chosen": "A\r", "rejected": "B\r"}) + "\n")
    result = api.convert(path, tmp_path / "out.jsonl", to="preference-trl", normalise=["line-ends"])
    assert result.normalised == {"line-ends": (3, 1)}
    assert "\\r" not in (tmp_path / "out.jsonl").read_text()


@settings(deadline=None, max_examples=25)
@given(st.lists(st.text("a\r\n \u0301é\u2028\x00", min_size=1, max_size=8), min_size=1, max_size=8), st.integers(1, 2))
def test_any_texts_come_back(tmp_path_factory: pytest.TempPathFactory, texts: list[str], n: int) -> None:
    folder = tmp_path_factory.mktemp("texts")
    path = folder / "chat.jsonl"
    records = [{"messages": [{"role": "user", "content": text}] * n} for text in texts]
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    result = api.convert(path, folder / "out.jsonl", normalise=NORMALISATIONS, workers=1)
    if result.changes_file is not None:
        api.undo(result.changes_file)
    assert lines(folder / "out.jsonl") == records


def test_nothing_is_normalised_unless_asked(tmp_path: Path) -> None:
    path = table(tmp_path / "reviews.csv", [{"text": " Nice\r\nlamp ", "label": "good"}])
    result = api.convert(path, tmp_path / "out.jsonl", mapping=Mapping(user="text", assistant="label"))
    assert lines(tmp_path / "out.jsonl")[0]["messages"][0]["content"] == " Nice\r\nlamp "
    assert result.normalised == {}
    with pytest.raises(UnknownNameError, match="did you mean 'nfc'"):
        api.convert(path, tmp_path / "other.jsonl", normalise=["nfk"])
    assert not (tmp_path / "other.jsonl").exists()


def test_the_command_line_says_what_was_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    table(Path("threads.csv"), turns(*FAULTY, ("t1", "3", "customer", "Bye\r\n")))
    Path("map.yaml").write_text(mapping_yaml(THREADS))
    ran = CliRunner().invoke(
        app, ["convert", "threads.csv", "--mapping", "map.yaml", "-o", "out.jsonl", "--normalise", "line-ends,nfc"]
    )
    assert ran.exit_code == 1
    assert "line ends: 1 text in 1 record\n" in ran.stderr
    assert "Unicode NFC: 0 texts in 0 records\n" in ran.stderr
    assert "11 rows in, 1 conversation of 3 rows written to out.jsonl\n" in ran.stderr
    assert "1 row rejected: unknown role; they are in out.rejected.jsonl\n" in ran.stderr
    ran = CliRunner().invoke(app, ["convert", "threads.csv", "--mapping", "map.yaml", "-o", "-", "--normalise", "nfc"])
    assert ran.exit_code == 2
    assert "name one with --output" in ran.stderr
    text = io.StringIO(Path("out.changes.jsonl").read_text())
    assert json.loads(text.readline())["texts"] == {"/messages/3/content": ["line-ends"]}
