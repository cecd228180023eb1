"""Rows that a report shows: which are taken, what is shown of them before and after fixes, clusters of duplicates, and
how words that differ are told."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsprep import api
from dsprep.folds.samples import CHARACTERS, MOST_SPLITS, PER_REASON, Drawing, SamplesFold, samples_of
from dsprep.model.batch import Batch
from dsprep.model.moving import Place, Shift
from dsprep.model.record import Example, Record
from dsprep.model.sample import Part, Piece, Said, Talk, Why
from dsprep.reports import html
from dsprep.reports.html.talks import changed_bubbles
from dsprep.text.talks import talk_of_value
from dsprep.text.word_diffs import Op, cropped, word_diff

texts = st.text(alphabet=st.sampled_from(list("ab ,.\nüß語🙂\u200b")), max_size=60)


@given(texts, texts)
def test_a_diff_holds_both_texts(old: str, new: str) -> None:
    changes = word_diff(old, new)
    assert "".join(text for op, text in changes if op in (Op.SAME, Op.GONE)) == old
    assert "".join(text for op, text in changes if op in (Op.SAME, Op.COME)) == new
    assert all(text for _, text in changes)


def test_a_diff_is_of_words() -> None:
    assert word_diff("the cat sat on the mat", "the cow sat on the mat") == [
        (Op.SAME, "the "),
        (Op.GONE, "cat"),
        (Op.COME, "cow"),
        (Op.SAME, " sat on the mat"),
    ]
    assert word_diff("same", "same") == [(Op.SAME, "same")]
    long = " ".join(map(str, range(2_000)))
    assert [op for op, _ in word_diff(f"a {long} b", f"c {long[::-1]} d")].count(Op.GONE) <= 2


def test_what_is_the_same_is_cut_at_words() -> None:
    changes = cropped(word_diff("one two three four five six seven eight", "one two three four five six seven nine"), 9)
    assert changes == [(Op.CUT, ""), (Op.SAME, "six seven "), (Op.GONE, "eight"), (Op.COME, "nine")] or changes == [
        (Op.CUT, ""),
        (Op.SAME, " seven "),
        (Op.GONE, "eight"),
        (Op.COME, "nine"),
    ]


def batch_of(start: int, rows: list[tuple[str, str | None]], noted: bool = False) -> Batch:
    records, examples = [], []
    for i, (text, split) in enumerate(rows, start):
        value = {"messages": [{"role": "user", "content": text}, {"role": "assistant", "content": "ok"}]}
        records.append(Record(i, i + 1, 100 * i, json.dumps(value).encode(), value))
        examples.append(Example(record=value, messages=value["messages"], split=split))
    batch = Batch(source=0, path="a.jsonl", records=records, examples=examples)
    if noted:
        import numpy as np

        batch.noted = np.array([i % 2 for i in range(len(rows))], np.uint8)
    return batch


splits = st.sampled_from(["train", "validation", "test", "z1", "z2", "z3", None])
rows = st.lists(st.tuples(st.text(max_size=5), splits), max_size=60)


@given(rows, st.data())
def test_any_partition_in_any_order_draws_the_same(found: list[tuple[str, str | None]], data: st.DataObject) -> None:
    fold = SamplesFold()
    whole = fold.merge(fold.empty(), fold.map(batch_of(0, found)))
    cut = data.draw(st.integers(0, len(found)))
    one, two = fold.map(batch_of(0, found[:cut])), fold.map(batch_of(cut, found[cut:]))
    assert fold.merge(one, two) == fold.merge(two, one)
    assert samples_of(fold.merge(two, one)) == samples_of(whole)
    assert len(samples_of(whole)) <= PER_REASON * MOST_SPLITS * len(Why)
    keys = [sample.key for sample in samples_of(whole)]
    assert len(set(keys)) == len(keys)


def test_a_sample_moves_with_its_shard() -> None:
    fold = SamplesFold()
    found: list[tuple[str, str | None]] = [(str(i), None) for i in range(5)]
    old, new = Place(0, "a.jsonl", 0, 1, 0), Place(0, "a.jsonl", 7, 8, 700)
    moved = fold.moved(fold.map(batch_of(0, found)), Shift(old, new))
    assert isinstance(moved, Drawing)
    assert samples_of(moved) == samples_of(fold.map(batch_of(7, found)))


def test_rows_with_findings_are_others_than_those_drawn_by_lot() -> None:
    state = SamplesFold().map(batch_of(0, [(str(i), None) for i in range(200)], noted=True))
    why = [sample.why for sample in samples_of(state)]
    assert why.count(Why.FOUND) == PER_REASON
    assert why.count(Why.LOT) >= PER_REASON - 2


def test_what_is_shown_of_a_conversation() -> None:
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    function = {"name": "f", "arguments": "{}"}
    value = {
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "look"}, image]},
            {"role": "assistant", "content": "<think>hm</think>it is " + "x" * 5_000},
            {"role": "assistant", "reasoning_content": "so", "content": None, "tool_calls": [{"function": function}]},
            "no message",
        ],
        "tools": [{"type": "function", "function": {"name": "f"}}],
    }
    talk = talk_of_value(value, messages=3, characters=CHARACTERS)
    assert [[piece.part for piece in said.pieces] for said in talk.said] == [
        [Part.TEXT, Part.IMAGE],
        [Part.REASONING, Part.TEXT],
        [Part.REASONING, Part.CALL],
    ]
    assert talk.said[0].pieces[1].text == "data:image/png;base64"
    assert talk.said[1].pieces[1].left_out == 5_006 - CHARACTERS
    assert (talk.tools, talk.left_out) == (("f",), 1)
    for odd in ([1], "text", None, {"messages": [None, {"role": 1, "content": 2}]}):
        assert talk_of_value(odd, messages=3, characters=10).said


def chat(asked: str, answer: str) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": asked}, {"role": "assistant", "content": answer}]}


LONG = (
    "The committee met on Tuesday to discuss the new proposal for the harbour. Members agreed that the costs were too "
    "high, and asked for a second opinion from an engineer who knows the coast well. A decision is expected within {} "
    "weeks, once the survey is done."
)


def written(path: Path, *values: dict[str, Any]) -> str:
    path.write_text("".join(json.dumps(value) + "\n" for value in values), "utf-8")
    return str(path)


def test_clusters_of_near_duplicates(tmp_path: Path) -> None:
    values = [chat("What was decided on the harbour?", LONG.format(n)) for n in ("three", "four", "five")]
    others = [chat(f"Say number {n}", f"It is the number {n * 7919} of all there are.") for n in range(8)]
    report = api.lint(written(tmp_path / "a.jsonl", *values, *others), workers=1, cache=False)
    [cluster] = [one for one in report.clusters if one.code == "DUP003"]
    assert cluster.size == 3
    assert [member.location.line for member in cluster.members] == [1, 2, 3]
    page = html.render(report)
    assert "<del>three</del><ins>four</ins>" in page
    assert "<del>three</del><ins>five</ins>" in page


def test_before_and_after_fixes(tmp_path: Path) -> None:
    file = written(tmp_path / "a.jsonl", chat("  Hello <b>you</b>", "Good day to you."), chat("Bye", "See you, then."))
    result = api.fix(file, select=("TXT009",), workers=1)
    [changed] = [sample for sample in result.report.samples if sample.why is Why.CHANGED]
    assert changed.before is not None
    assert changed.after is not None
    assert changed.before.said[0].pieces[0].text == "  Hello <b>you</b>"
    assert changed.after.said[0].pieces[0].text == "Hello <b>you</b>"
    assert changed.rules == ("TXT009",)
    page = html.render(result.report)
    assert "<del>  </del>Hello &lt;b&gt;you&lt;/b&gt;" in page


def test_prepare_shows_what_it_changed(tmp_path: Path) -> None:
    table = tmp_path / "a.csv"
    table.write_text("text,label\n" + "".join(f'"  row {n} is here",{"ab"[n % 2]}\n' for n in range(40)), "utf-8")
    report = api.prepare(str(table), tmp_path / "out", workers=1).report
    changed = [sample for sample in report.samples if sample.why is Why.CHANGED]
    assert changed
    assert {sample.split for sample in report.samples} <= {"train", "validation"}
    before, after = changed[0].before, changed[0].after
    assert before is not None
    assert after is not None
    assert [said.role for said in before.said] == [said.role for said in after.said]


def test_the_samples_do_not_depend_on_workers(tmp_path: Path) -> None:
    file = written(tmp_path / "a.jsonl", *(chat(f"Question {n}?", f"Answer {n} is here.") for n in range(300)))
    one, two = (api.lint(file, workers=n, cache=False) for n in (1, 2))
    assert (one.samples, one.clusters) == (two.samples, two.clusters)


HOSTILE = "</div><script>alert(1)</script>\u202e\x1b[31m{{7*7}}<img src=x onerror=alert(2)>"


def test_hostile_rows_are_inert_in_the_page(tmp_path: Path) -> None:
    values = [chat(f"{HOSTILE} {n}", f"{HOSTILE} {LONG.format(n)}") for n in range(3)]
    values[0]["messages"][0]["role"] = HOSTILE
    page = html.render(api.lint(written(tmp_path / "a.jsonl", *values), workers=1, cache=False))
    body = page[page.index('id="examples"') :]
    body = body[: body.index("</section>")]
    assert "&lt;script&gt;" in body
    assert "<script>alert" not in page
    assert "<img" not in page
    assert "\u202e" not in page
    assert "\x1b" not in page


@pytest.mark.skipif(os.name != "posix", reason="other systems have no such modes")
def test_ledgers_and_rejected_rows_are_as_private_as_the_data(tmp_path: Path) -> None:
    file = Path(written(tmp_path / "a.jsonl", chat("  Hello you", "Good day to you."), {"messages": []}))
    file.chmod(0o600)
    before = os.umask(0o022)
    try:
        api.prepare(str(file), tmp_path / "out", workers=1)
        api.fix(str(file), select=("TXT009",), workers=1)
    finally:
        os.umask(before)
    made = [tmp_path / "out" / name for name in ("rejected.jsonl", "changes.jsonl", "train.jsonl")]
    for path in (*made, file, Path(f"{file}.changes")):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
    assert stat.S_IMODE((tmp_path / "out" / "report.html").stat().st_mode) == 0o644


def test_prepare_says_that_rejected_rows_hold_what_they_held(tmp_path: Path) -> None:
    secret = chat("Write to berta.kessler@web.de", "I will do that at once.")
    file = written(tmp_path / "a.jsonl", secret, {"messages": []}, *(chat(f"{n}?", f"{n} it is.") for n in range(12)))
    notes = api.prepare(file, tmp_path / "out", workers=1).report.notes
    assert any(note.startswith("rejected.jsonl holds its rows as they were") for note in notes)


def test_the_section_on_private_data(tmp_path: Path) -> None:
    file = written(tmp_path / "a.jsonl", *(chat(f"Write to berta.kessler{n}@web.de", f"Done {n}.") for n in range(3)))
    page = html.render(api.lint(file, workers=1, cache=False))
    body = page[page.index('id="private"') :]
    body = body[: body.index("</section>")]
    assert "E-mail addresses" in body
    assert "bert…de" in body
    assert "--select PII001 --fix --unsafe-fixes --redact label" in body.replace("<span>", "").replace("</span>", "")
    clean = written(tmp_path / "b.jsonl", chat("Hello", "Good day."))
    assert "and found none" in html.render(api.lint(clean, workers=1, cache=False))


def test_where_texts_are_cut_is_no_difference() -> None:
    had = Talk((Said("user", (Piece(Part.TEXT, "one\r\ntwo three", left_out=9),)),))
    said = Talk((Said("user", (Piece(Part.TEXT, "one\ntwo three four", left_out=5),)),))
    (bubble,) = changed_bubbles(had, said) or []
    assert "four" not in bubble.pieces[0].text
    assert "<del>" in bubble.pieces[0].text
