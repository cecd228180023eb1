"""The data dictionary and the shapes of conversations: exact, bounded, the same in any order of merging."""

from __future__ import annotations

import json
import random
from functools import reduce
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsprep.folds.dictionary import DEEPEST, MOST_MEMBERS, Members, members_of, sheltered
from dsprep.folds.turn_shapes import MOST_SHAPES, Shapes, shape_of, shapes_of
from dsprep.model.batch import Batch
from dsprep.model.moving import Place, Shift
from dsprep.model.record import UNDECODED, Record


def batch_of(values: list[Any], start: int = 0, source: int = 0) -> Batch:
    records = [Record(start + i, start + i + 1, 0, b"{}", value) for i, value in enumerate(values)]
    return Batch(source=source, path="data.jsonl", records=records, examples=[None] * len(records))


def described(*values: Any) -> dict[str, dict[str, Any]]:
    return {item["path"]: item for item in members_of(batch_of(list(values))).described()}


SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.sampled_from(["", "a", "b"])
)
NAMES = st.sampled_from(["messages", "role", "content", "id", "weight", ""])
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(NAMES, inner, max_size=4)),
    max_leaves=12,
)


@given(st.lists(VALUES, max_size=12), st.data())
def test_members_merge_in_any_partition(values: list[Any], data: st.DataObject) -> None:
    cuts = data.draw(st.sets(st.integers(0, len(values)), max_size=4))
    edges = sorted({0, len(values), *cuts})
    parts = [members_of(batch_of(values[a:b], a)) for a, b in pairwise(edges)]
    random.Random(len(cuts)).shuffle(parts)
    merged = reduce(Members.merged, parts, Members())
    whole = members_of(batch_of(values))
    assert merged == whole
    assert json.dumps(merged.described()) == json.dumps(whole.described())


@given(st.lists(st.dictionaries(NAMES, VALUES, max_size=4), min_size=1, max_size=8))
def test_members_are_counted_as_by_hand(values: list[dict[str, Any]]) -> None:
    found = {item["path"]: item for item in members_of(batch_of(list(values))).described()}
    for name in {name for value in values for name in value}:
        item = found[name]
        assert item["present"] == sum(name in value for value in values) == sum(item["types"].values())
        assert item["of"] == len(values)


def test_members_of_a_chat() -> None:
    found = described(
        {"messages": [{"role": "user", "content": "hello"}, {"role": "assistant", "content": None}], "id": 1},
        {"messages": [{"role": "user", "content": "again", "weight": 0}], "tags": ["x", 2]},
    )
    assert list(found) == [
        *("messages", "messages[]", "messages[].content", "messages[].role", "messages[].weight", "id"),
        *("tags", "tags[]"),
    ]
    assert found["messages[].content"] == {
        "path": "messages[].content",
        "present": 3,
        "of": 3,
        "types": {"string": 2, "null": 1},
        "example": "hello",
    }
    assert (found["messages[].weight"]["present"], found["messages[].weight"]["of"]) == (1, 3)
    assert (found["id"]["present"], found["id"]["of"]) == (1, 2)
    assert found["tags[]"]["types"] == {"integer": 1, "string": 1}


def test_empty_cells_are_told_from_texts() -> None:
    found = described({"city": "", "note": ""}, {"city": "Oslo", "note": ""})
    assert found["city"]["types"] == {"empty": 1, "string": 1}
    assert found["city"]["example"] == "Oslo"
    assert found["note"]["example"] is None


def test_what_is_no_object_or_no_record() -> None:
    found = members_of(batch_of([UNDECODED, 3, "x", [{"a": 1}]]))
    assert found.described() == []
    assert found.known[()].count == 3


def test_hostile_records_do_not_grow_the_state() -> None:
    wide = {f"key {i:05}": i for i in range(20_000)}
    deep: Any = 1
    for _ in range(50):
        deep = {"x": deep}
    many = [{f"id {i}": {"value": i}} for i in range(6_000)]
    values = [wide, {"deep": deep}, *many]
    found = members_of(batch_of(values))
    assert len(found.known) == MOST_MEMBERS
    assert found.more
    half = len(values) // 2
    merged = members_of(batch_of(values[half:], half)).merged(members_of(batch_of(values[:half])))
    assert merged == found
    assert max(map(len, members_of(batch_of([{"deep": deep}])).known)) == DEEPEST


def test_members_move_with_their_rows() -> None:
    values = [{"a": "first"}, {"a": "second", "b": 1}]
    old, new = Place(0, "data.jsonl", 0, 1, 0), Place(2, "other.jsonl", 40, 41, 900)
    assert members_of(batch_of(values)).moved(Shift(old, new)) == members_of(batch_of(values, 40, source=2))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain text", "plain text"),
        ("write to jane.doe@corp.example today", "write to ja…le today"),
        ("call +49 30 901820 55 now", "call +4…55 now"),
        ("2017-03-30T18:23:45.080Z", "2017-03-30T18:23:45.080Z"),
        ("sk-abcdefghijklmnopqrstuvwxyz0123", "sk…23"),
        ("two\nlines", "two lines"),
        ("x y " * 40, f"{('x y ' * 40)[:39]}…"),
    ],
)
def test_examples_are_sheltered_and_short(text: str, shown: str) -> None:
    assert sheltered(text) == shown


# Shapes

ROLES = st.lists(st.sampled_from(["system", "user", "assistant", "tool"]), max_size=40)


@pytest.mark.parametrize(
    ("roles", "shape"),
    [
        ("", "no messages"),
        ("u", "user"),
        ("sua", "system, user, assistant"),
        ("suaua", "system, (user, assistant) × n"),
        ("ua" * 30, "(user, assistant) × n"),
        ("uu", "user × n"),
        ("uctauct" + "a", "(user, assistant calls, tool, assistant) × n"),
        ("suaus", "system, user, assistant, user, system"),
    ],
)
def test_shapes_fold_what_repeats(roles: str, shape: str) -> None:
    names = {"s": "system", "u": "user", "a": "assistant", "c": "assistant calls", "t": "tool"}
    assert shape_of([names[letter] for letter in roles]) == shape


@given(st.lists(ROLES, max_size=30), st.integers(0, 30))
def test_shapes_merge_in_any_partition(conversations: list[list[str]], cut: int) -> None:
    whole = shapes_of((roles, 1) for roles in conversations)
    one, two = (shapes_of((roles, 1) for roles in part) for part in (conversations[:cut], conversations[cut:]))
    assert one.merged(two) == two.merged(one) == whole
    assert sum(item["examples"] for item in whole.described()) == len(conversations)


def test_very_many_shapes_are_summed_up() -> None:
    drawn = random.Random(0)
    conversations = [[drawn.choice(["user", "assistant", "tool"]) for _ in range(9)] for _ in range(2_000)]
    parts = [shapes_of((roles, 1) for roles in conversations[i::7]) for i in range(7)]
    merged = reduce(Shapes.merged, parts, Shapes())
    assert merged == shapes_of((roles, 1) for roles in conversations)
    assert len(merged.known) == MOST_SHAPES
    told = merged.described()
    assert told[-1]["shape"] == "(other)"
    assert sum(item["examples"] for item in told) == 2_000
    assert len(shape_of(["user", "tool", "assistant", "system", "tool"] * 1_000)) < 500
