"""What a label is, whether a data set has classes, and the statistics behind the rules about them."""

from __future__ import annotations

import pickle
import random
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsprep.folds.chisquare import chance, compare
from dsprep.folds.labels import (
    MOST_LABELS,
    LabelFold,
    LabelState,
    LabelTable,
    canonical_spellings,
    label_table,
    listed_labels,
)
from dsprep.folds.sizes import margin_of_error
from dsprep.model.batch import Batch
from dsprep.model.record import UNDECODED, Example, Fault, Record
from dsprep.rules.balance.label_spelling_variants import variants
from dsprep.text.labels import folded_label, label_of, label_pointer, quoted, relabelled, short_answer

FOLD = LabelFold()


def chat(answer: Any, *, label: str | None = None, split: str | None = None, **message: Any) -> Example:
    messages = [{"role": "user", "content": "?"}, {"role": "assistant", "content": answer, **message}]
    record: dict[str, Any] = {"messages": messages}
    if label is not None:
        record["label"] = label
    pointer = None if label is None else "/label"
    return Example(record, messages, label=label, split=split, label_pointer=pointer)


def batch_of(examples: Sequence[Example | None], start: int = 0, split: str | None = None) -> Batch:
    records = [Record(start + i, start + i + 1, 0, b"{}", {}) for i in range(len(examples))]
    return Batch(source=0, path="data.jsonl", records=records, examples=examples, split=split)


def table_of(examples: Sequence[Example | None]) -> LabelTable:
    return label_table(FOLD.map(batch_of(examples)))


def merged(states: list[LabelState], seed: int) -> LabelState:
    drawn = random.Random(seed)
    drawn.shuffle(states)
    while len(states) > 1:
        i = drawn.randrange(len(states) - 1)
        states[i : i + 2] = [FOLD.merge(states[i], states[i + 1])]
    return states[0] if states else FOLD.empty()


# What a label is


@pytest.mark.parametrize(
    ("answer", "label"),
    [
        ("positive", "positive"),
        (" positive\n", " positive\n"),
        ("x" * 40, "x" * 40),
        ("x" * 41, None),
        ("two\nlines", None),
        ("two\rlines", None),
        ("", None),
        (" \n ", None),
        (None, None),
        (7, None),
        ([{"type": "text", "text": "positive"}], None),
    ],
)
def test_a_short_answer(answer: Any, label: str | None) -> None:
    assert short_answer(chat(answer)) == label


def test_a_call_is_no_answer() -> None:
    assert short_answer(chat("yes", tool_calls=[{"id": "1"}])) is None
    assert short_answer(chat("yes", function_call={"name": "f"})) is None
    assert short_answer(chat("yes", tool_calls=[])) == "yes"


def test_the_last_assistant_message_counts() -> None:
    messages: list[Any] = [
        {"role": "assistant", "content": "no"},
        {"role": "assistant", "content": "yes"},
        {"role": "user", "content": "thanks"},
        "nonsense",
        None,
    ]
    example = Example({"messages": messages}, messages)
    assert short_answer(example) == "yes"
    assert label_pointer(example, "answer") == "/messages/1/content"
    assert short_answer(Example({"messages": []}, [])) is None


def test_where_a_label_is_from() -> None:
    example = chat("yes", label="no")
    assert [label_of(example, source) for source in ("field", "answer", None)] == ["no", "yes", None]  # type: ignore[arg-type]
    assert label_pointer(example, "field") == "/label"
    assert label_of(chat("yes", label=" "), "field") is None


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Positive", "positive"),
        ("positive ", "positive"),
        ("very positive", "very_positive"),
        ("very-positive", "verypositive"),
        ("“positive”", "positive."),
        ("ｐｏｓｉｔｉｖｅ", "positive"),
        ("posi\u200btive", "positive"),
        ("STRASSE", "straße"),
        ("1", "1.0"),
        ("+1", " 1"),
        ("class 1", "Class  1"),
        ("n/a", "N/A"),
        ("don´t", "don't"),
        ("\u0065\u0301te", "\u00e9te"),
    ],
)
def test_spellings_of_one_label(one: str, other: str) -> None:
    assert folded_label(one) == folded_label(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1", "10"),
        ("1", "-1"),
        ("1", "01"),
        ("2.1", "21"),
        ("2.10", "2.01"),
        ("class 1", "class 2"),
        ("1-2", "12"),
        ("+", "-"),
        (":)", ":("),
        ("C", "C++"),
        ("C", "C#"),
        ("yes", "no"),
        ("👍", "👎"),
    ],
)
def test_different_labels(one: str, other: str) -> None:
    assert folded_label(one) != folded_label(other)


@given(st.text())
def test_folding_twice_is_folding_once(label: str) -> None:
    assert folded_label(folded_label(label)) == folded_label(label)


def test_quoting_escapes_and_cuts() -> None:
    assert quoted('a"b\n\x1b[31m') == '"a\\"b\\n\\u001b[31m"'
    assert quoted("no\u200b\u00a0\ud800\U000e0041é語") == '"no\\u200b\\u00a0\\ud800\\udb40\\udc41é語"'
    assert quoted("x" * 500) == '"' + "x" * 39 + '…"'


# Relabelling


def test_the_field_and_the_answer_that_is_the_label_change_together() -> None:
    example = chat("pos", label="pos")
    new = relabelled(example, {"pos": "positive"})
    assert new == {
        "messages": [{"role": "user", "content": "?"}, {"role": "assistant", "content": "positive"}],
        "label": "positive",
    }
    assert example.record["label"] == "pos", "the example itself does not change"


def test_an_answer_of_another_text_stays() -> None:
    new = relabelled(chat("It is pos.", label="pos"), {"pos": "positive"})
    assert new is not None
    assert new["messages"][1]["content"] == "It is pos."
    assert new["label"] == "positive"


def test_answers_are_relabelled_without_a_field() -> None:
    new = relabelled(chat("pos"), {"pos": "positive"})
    assert new is not None
    assert new["messages"][1]["content"] == "positive"
    assert "label" not in new


@pytest.mark.parametrize(
    ("example", "spellings"),
    [
        (chat("pos"), {}),
        (chat("pos"), {"Pos": "positive"}),
        (chat("pos"), {"pos": "pos"}),
        (chat("pos " * 20), {"pos": "positive"}),
        (Example({"messages": "x"}, []), {"pos": "positive"}),
    ],
)
def test_nothing_to_relabel(example: Example, spellings: dict[str, str]) -> None:
    assert relabelled(example, spellings) is None


# Whether there are classes


@pytest.mark.parametrize(
    ("answers", "source"),
    [
        (["a"] * 4 + ["b"] * 3 + ["c"] * 3, "answer"),  # ten examples, three labels
        (["yes"] * 8 + ["no"], "answer"),
        (["yes", "no"] * 3, "answer"),
        (["yes"] * 12, "answer"),
        ([f"City {i}" for i in range(12)], None),  # a dozen questions with answers of their own
        ([f"City {i % 6}" for i in range(12)], None),
        ([f"City {i}" for i in range(1000)], None),
        ([f"City {i % 100}" for i in range(1000)], None),  # more than fifty
        ([f"intent {i % 40}" for i in range(400)], "answer"),
        (["yes"] * 10 + [f"City {i}" for i in range(5)], None),  # a third of them occurs once
        (["yes", "no"] * 19 + ["a long answer " * 10] * 2, "answer"),  # one in twenty may be long
        (["yes", "no"] * 15 + ["a long answer " * 10] * 3, None),
        (["Yes", "yes", "YES ", "no", "No", "no."] * 2, "answer"),  # two classes in six spellings
        (["yes", "no"] * 2, None),  # too few to tell
        ([], None),
    ],
)
def test_classification_shaped_chat(answers: list[str], source: str | None) -> None:
    assert table_of([chat(answer) for answer in answers]).source == source


@pytest.mark.parametrize(
    ("labels", "source"),
    [
        (["a", "b", "c", "a"], "field"),
        ([f"{i}" for i in range(12)], "field"),  # the caller has said that these are labels
        ([f"0.{i}" for i in range(200)], None),  # a number to predict, not a class
        ([f"{i}" for i in range(MOST_LABELS + 1)] * 3, None),
        ([f"{i}" for i in range(MOST_LABELS)] * 3, "field"),
        (["a", "b", None], "field"),
        (["a", None, None], None),
    ],
)
def test_label_fields(labels: list[str | None], source: str | None) -> None:
    examples = [chat("An answer that is much too long to be a label.", label=label) for label in labels]
    assert table_of(examples).source == source


def test_the_field_goes_before_the_answer() -> None:
    table = table_of([chat("yes", label="spam")] * 6 + [chat("no")] * 3)
    assert table.source == "field"
    assert table.total == {"spam": 6}
    assert table.unlabelled == {"train": 3}


def test_counts_by_split_and_class() -> None:
    rows = [("no", None), ("yes", None), ("Yes", "test"), ("yes", "validation"), ("yes", "train"), ("yes", "dev")]
    table = table_of([chat(answer, split=split) for answer, split in rows] * 2)
    assert list(table.counts) == ["train", "validation", "test", "dev"]
    assert table.counts["train"] == {"yes": 4, "no": 2}
    assert list(table.total.items()) == [("yes", 8), ("Yes", 2), ("no", 2)]
    assert table.training == {"yes": 4, "no": 2}
    assert table.classes() == {"yes": 10, "no": 2}
    assert table.classes("test") == {"yes": 2}
    assert table.classes("nowhere") == {}
    assert table.first["Yes"][0] == 2
    assert str(table.first["Yes"][1]) == "data.jsonl:3 /messages/1/content"


def test_what_is_no_example_does_not_count() -> None:
    records = [
        Record(0, 1, 0, b"", UNDECODED, faults=(Fault("blank-line"),)),
        Record(1, 2, 0, b"{", UNDECODED, faults=(Fault("invalid-json"),)),
        Record(2, 3, 0, b"1", 1),
    ]
    batch = Batch(source=0, path="x", records=records, examples=[None, None, None])
    assert FOLD.map(batch) == FOLD.empty()


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["yes", "no", "Yes", "x" * 50, None]),
            st.sampled_from(["a", "b", None]),
            st.sampled_from([None, "train", "validation"]),
        ),
        max_size=30,
    ),
    st.integers(0, 100),
)
def test_any_partition_merged_in_any_order_is_the_same(rows: list[tuple[Any, Any, Any]], seed: int) -> None:
    examples = [chat(answer, label=label, split=split) for answer, label, split in rows]
    whole = FOLD.map(batch_of(examples))
    pieces = [FOLD.map(batch_of([example], i)) for i, example in enumerate(examples)]
    assert merged(pieces, seed) == whole
    assert label_table(merged(pieces, seed)) == label_table(whole)
    assert pickle.loads(pickle.dumps(whole)) == whole


@pytest.mark.parametrize("distinct", [MOST_LABELS, MOST_LABELS + 1])
def test_the_overflow_depends_on_the_union_alone(distinct: int) -> None:
    examples = [chat(f"answer {i % distinct}") for i in range(2 * distinct)]
    whole = FOLD.map(batch_of(examples))
    assert whole.answers.overflow is (distinct > MOST_LABELS)
    for seed in range(5):
        size = 97 + seed
        pieces = [FOLD.map(batch_of(examples[i : i + size], i)) for i in range(0, len(examples), size)]
        kept = pickle.dumps(pieces)
        assert merged(list(pieces), seed) == whole
        assert pickle.dumps(pieces) == kept, "merging changes none of its operands"


def test_a_batch_is_counted_once() -> None:
    batch = batch_of([chat("yes")])
    assert LabelFold().map(batch) is LabelFold().map(batch)


# Spellings


def test_the_commonest_spelling_wins() -> None:
    assert canonical_spellings({"Yes": 5, "yes": 7, "no": 1}) == {"Yes": "yes", "yes": "yes", "no": "no"}


def test_of_equally_common_ones_the_tidy_one_wins() -> None:
    assert canonical_spellings({" yes": 2, "yes ": 2, "yes": 2, "Yes": 2})["yes "] == "Yes"
    assert canonical_spellings({" yes": 2, "yes": 2}) == {" yes": "yes", "yes": "yes"}


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ({"positive": 50, "pos": 5, "POS": 5}, {"pos": "positive", "POS": "positive"}),
        ({"positive": 49, "pos": 10}, {}),
        ({"positive": 50, "po": 1}, {}),
        ({"positive": 50, "possible": 50, "pos": 1}, {}),
        ({"Positive": 30, "positive": 30, "pos": 12}, {"positive": "Positive", "pos": "Positive"}),
        ({"positive": 500, "posit": 50, "pos": 2}, {"posit": "positive"}),
        ({"100": 50, "1000": 500}, {}),
        ({"new york": 50, "new": 5}, {}),
        ({"very negative": 50, "Very neg.": 5}, {"Very neg.": "very negative"}),
        ({}, {}),
    ],
)
def test_variants(counts: dict[str, int], expected: dict[str, str]) -> None:
    assert variants(counts) == expected


@given(st.dictionaries(st.text("aAbB -1.", max_size=6), st.integers(1, 100), max_size=12))
def test_unifying_goes_straight_to_spellings_that_stay(counts: dict[str, int]) -> None:
    found = variants(counts)
    assert not set(found.values()) & set(found)
    assert set(found.values()) <= set(counts)


def test_lists_of_labels_are_cut() -> None:
    assert listed_labels({"a": 3, "b": 1}, shares=True) == '"a" 3 (75.0 %), "b" 1 (25.0 %)'
    assert listed_labels({str(i): 1 for i in range(25)}, 2) == '"0" 1, "1" 1 and 23 more'
    assert listed_labels({}) == ""


# The test behind label-drift, against tables of the chi-square distribution


@pytest.mark.parametrize(
    ("statistic", "freedom", "p"),
    [
        (3.841459, 1, 0.05),
        (6.634897, 1, 0.01),
        (0.003932, 1, 0.95),
        (5.991465, 2, 0.05),
        (18.307038, 10, 0.05),
        (3.940299, 10, 0.95),
        (124.342113, 100, 0.05),
        (149.449253, 100, 0.001),
        (10.827566, 1, 0.001),
    ],
)
def test_the_chi_square_distribution(statistic: float, freedom: int, p: float) -> None:
    assert chance(statistic, freedom) == pytest.approx(p, rel=1e-4)


@given(st.floats(0, 2000), st.integers(1, 200))
def test_a_chance_is_a_chance(statistic: float, freedom: int) -> None:
    assert 0 <= chance(statistic, freedom) <= 1
    assert chance(statistic + 1, freedom) <= chance(statistic, freedom) + 1e-12


def test_two_degrees_of_freedom_are_an_exponential() -> None:
    from math import exp

    for x in (0.1, 1.0, 5.0, 50.0, 700.0):
        assert chance(x, 2) == pytest.approx(exp(-x / 2), rel=1e-9)


def test_a_comparison_by_hand() -> None:
    # Expected 19 and 11 in both rows: statistic = 2 * (8^2/19 + 8^2/11) ...
    result = compare([27, 3], [11, 19])
    assert result is not None
    assert result.statistic == pytest.approx(2 * (64 / 19 + 64 / 11))
    assert result.freedom == 1
    assert result.distance == pytest.approx(16 / 30)


def test_rare_classes_are_pooled_until_the_test_holds() -> None:
    result = compare([50, 50, 1, 1, 1], [50, 50, 1, 1, 1])
    assert result is not None
    assert (result.freedom, result.statistic, result.distance) == (1, 0.0, 0.0)
    assert result.p == 1.0


@pytest.mark.parametrize(("a", "b"), [([], []), ([5], [5]), ([0, 0], [5, 5]), ([9, 9], [1, 1]), ([100, 0], [100, 0])])
def test_nothing_to_compare(a: list[int], b: list[int]) -> None:
    assert compare(a, b) is None


@given(st.lists(st.tuples(st.integers(0, 300), st.integers(0, 300)), max_size=12), st.randoms())
def test_the_order_of_classes_does_not_matter(pairs: list[tuple[int, int]], drawn: random.Random) -> None:
    shuffled = list(pairs)
    drawn.shuffle(shuffled)
    one = compare([a for a, _ in pairs], [b for _, b in pairs])
    other = compare([a for a, _ in shuffled], [b for _, b in shuffled])
    assert one == other


@pytest.mark.parametrize(
    ("examples", "margin"), [(1, 0.4454), (12, 0.2462), (30, 0.1685), (100, 0.0962), (1000, 0.0309)]
)
def test_the_margin_of_error(examples: int, margin: float) -> None:
    assert margin_of_error(examples) == pytest.approx(margin, abs=1e-4)
