"""Columns into conversations: templates in their sandbox, mappings, and what is inferred without one."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsprep.formats import ChatNormaliser, Mapping, MappingError, TableNormaliser, infer_mapping, normaliser_for
from dsprep.formats.table import load_mapping, mapping_yaml
from dsprep.formats.table.inference import class_names
from dsprep.formats.table.template import MissingColumn, Template, TemplateError
from dsprep.model.batch import Batch
from dsprep.model.record import UNDECODED, Record
from dsprep.model.source import InputError
from dsprep.sources import open_source

COLUMNS = ("text", "label", "Review Text", "my-col", "class", "n")
ROW = {"text": "Hello", "label": "hi", "Review Text": "Nice", "my-col": "x", "class": "c", "n": 3}


def record(value: Any) -> Record:
    return Record(0, 2, 10, b"", value, 1)


# --- templates ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("template", "rendered"),
    [
        ("text", "Hello"),
        ("Review Text", "Nice"),
        ("{{text}}", "Hello"),
        ("{{ text }}!", "Hello!"),
        ("{{text}}/{{label}}/{{n}}", "Hello/hi/3"),
        ("{{Review Text}}", "Nice"),
        ("{{ my-col }}{{class}}", "xc"),
        ("{{ text | upper }} {{Review Text}}", "HELLO Nice"),
        ('{{ row["Review Text"] | lower }}', "nice"),
        ("{{ row.text }}", "Hello"),
        ("{% if n > 2 %}many{% else %}few{% endif %}", "many"),
        ("{% for c in text %}{{ c }}.{% endfor %}", "H.e.l.l.o."),
        ("{{ n * 2 }}", "6"),
        ("{{text}}\\n\\t{{label}}", "Hello\n\thi"),
        ("{{text}}\n", "Hello\n"),
        ("plain", "plain"),
        ("", ""),
        ("{ {text} }", "{ {text} }"),
        ("{{ text[:2] }}", "He"),
        ("{{ text if n > 5 else label }}", "hi"),
        ("{{ text.upper() }}", "HELLO"),
    ],
)
def test_templates(template: str, rendered: str) -> None:
    made = Template(template, COLUMNS)
    assert made.render(ROW) == rendered
    assert pickle.loads(pickle.dumps(made)).render(ROW) == rendered


def test_a_template_knows_its_columns() -> None:
    assert Template("{{label}} {{text}} {{label}}", COLUMNS).used == ("label", "text")
    assert Template("{{ label | upper }}{{ row['text'] }}", COLUMNS).used == ("label", "text")
    assert Template("label", COLUMNS).column == Template("{{ label }}", COLUMNS).column == "label"
    assert Template("{{label}}!", COLUMNS).column is None
    assert Template("hello", COLUMNS).constant == "hello"
    assert Template("{{label}}").used == ("label",)


@pytest.mark.parametrize(
    ("value", "rendered"),
    [(None, ""), (True, "true"), (1.5, "1.5"), ([1, "é"], '[1, "é"]'), ({"a": None}, '{"a": null}'), ("N/A", "N/A")],
)
@pytest.mark.parametrize("template", ["{{ x }}", "{% if true %}{{ x }}{% endif %}"])
def test_cells_as_text(value: Any, rendered: str, template: str) -> None:
    assert Template(template, ["x"]).render({"x": value}) == rendered


def test_options_are_lettered() -> None:
    made = Template("{{ q }}\\n{{ options | lettered }}", ["q", "options"])
    assert made.render({"q": "Which?", "options": ["one", "two"]}) == "Which?\nA. one\nB. two"
    with pytest.raises(TemplateError, match="wants a list"):
        made.render({"q": "Which?", "options": "one"})


@pytest.mark.parametrize(
    "template",
    [
        "{{ ''.__class__.__mro__ }}",
        "{{ text.__class__ }}",
        "{{ text['__class__'] }}",
        "{{ row.__class__ }}",
        "{{ text | attr('__class__') }}",
        "{{ [text] | map(attribute='__class__') | list }}",
        "{{ self._TemplateReference__context }}",
        "{{ cycler.__init__.__globals__ }}",
        "{{ lipsum() }}",
        "{% include '/etc/passwd' %}",
        "{% import 'os' as os %}",
        "{% extends 'x' %}",
        "{{ text.format(text) }}",
        "{{ ('{0.__class__}').format(text) }}",
        "{{ (text | string).format_map(row) }}",
        "{{ row.update({'a': 1}) }}",
        "{{ row.clear() }}",
        "{{ 'a' * 1000000000 }}",
        "{{ '%1000000000d' % 1 }}",
        "{{ 10 ** 100000000 }}",
        "{{ 'a'.ljust(1000000000) }}",
        "{{ 'a' | center(1000000000) }}",
        "{% for i in range(100000000) %}{% endfor %}",
        "{% for i in range(1000) %}{% for j in range(1000) %}{{ text }}{{ text }}{% endfor %}{% endfor %}",
        "{{ [1][5] }}",
        "{{ 1 // 0 }}",
        "{{ text + 1 }}",
        "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
    ],
)
def test_the_sandbox_refuses(template: str) -> None:
    began = time.monotonic()
    with pytest.raises(TemplateError):
        Template(template, COLUMNS).render(ROW)
    assert time.monotonic() - began < 10
    assert ROW["text"] == "Hello"


def test_dataset_text_is_never_a_template() -> None:
    cell = "{{ 7 * 7 }} {% for i in range(9) %}{{ i }}{% endfor %} {{ text }}"
    assert Template("{{ text | trim }}!", ["text"]).render({"text": cell}) == f"{cell}!"


@pytest.mark.parametrize(
    ("template", "says"),
    [
        ("{{ txt }}", "there is no column 'txt'; did you mean 'text'?; the columns are: text, label"),
        ("{{ text | upper }}{{ lable }}", "did you mean 'label'?"),
        ("{% if txt %}{% endif %}", "did you mean 'text'?"),
        ("{{ row['nothing'] }}", "there is no column 'nothing'; the columns are"),
        ("{{ text", "the columns are"),
        ("{{ Review Txt }}", "the columns are"),
        ("{{ text | no_filter }}", "there is no filter 'no_filter'; there are: abs, "),
    ],
)
def test_errors_say_what_there_is(template: str, says: str) -> None:
    with pytest.raises(TemplateError) as error:
        Template(template, COLUMNS)
    assert says in str(error.value)


def test_a_row_without_the_column() -> None:
    for template in ("{{a}}", "{{ a | upper }}"):
        with pytest.raises(MissingColumn, match=r"^a$"):
            Template(template).render({"b": 1})


@settings(deadline=None)
@given(st.text(max_size=40), st.dictionaries(st.text(max_size=3), st.none() | st.integers() | st.text(max_size=4)))
def test_any_template_renders_or_says_why_not(text: str, row: dict[str, Any]) -> None:
    with suppress(TemplateError):
        assert isinstance(Template(text, list(row)).render(row), str)


# --- the normaliser -------------------------------------------------------------------------------------------------

MAPPING = Mapping(
    system="Answer with one word.", user="{{text}}", assistant="{{label}}", label="label", group="doc", keep=("id",)
)


def test_a_row_becomes_a_conversation() -> None:
    normaliser = pickle.loads(pickle.dumps(TableNormaliser(MAPPING, ("text", "label", "doc", "id"))))
    row = record({"text": " Nice! ", "label": "N/A", "doc": 4, "id": "r1"})
    example = normaliser.example(row)
    assert example is not None
    assert example.record == {
        "messages": [
            {"role": "system", "content": "Answer with one word."},
            {"role": "user", "content": " Nice! "},
            {"role": "assistant", "content": "N/A"},
        ]
    }
    assert (example.label, example.label_pointer, example.group, example.meta, example.format) == (
        "N/A",
        "/messages/2/content",
        "4",
        {"id": "r1"},
        "table",
    )
    batch = Batch(source=0, path="f.csv", records=[row], examples=[example])
    where = batch.location(0, "/messages/1/content")
    assert (where.line, where.row, where.offset, where.column, where.pointer) == (2, 1, 10, "text", None)
    assert batch.location(0, "/messages/0/content").column is None


def test_the_label_may_stand_elsewhere_and_the_split_in_a_column() -> None:
    normaliser = TableNormaliser(Mapping(user="q", assistant="{{a}}.", label="l", split="s"), ("q", "a", "l", "s"))
    example = normaliser.example(record({"q": "Q", "a": "A", "l": " ", "s": "Dev"}))
    assert example is not None
    assert (example.label, example.label_pointer, example.split) == (None, None, "validation")
    assert [message["role"] for message in example.messages] == ["user", "assistant"]


@pytest.mark.parametrize(
    ("row", "column"),
    [
        ({"text": "", "label": "x"}, "text"),
        ({"text": " \n", "label": "x"}, "text"),
        ({"text": None, "label": "x"}, "text"),
        ({"text": "x", "label": ""}, "label"),
        ({"label": "x"}, "text"),
    ],
)
def test_an_empty_text_is_no_example(row: dict[str, Any], column: str) -> None:
    normaliser = TableNormaliser(Mapping(user="{{text}}", assistant="{{label}}"))
    made = record(row)
    assert normaliser.example(made) is None
    (fault,) = made.faults
    assert (fault.kind, fault.args["column"]) == ("missing-value", column)
    assert fault.args["reason"] == ("the cell is empty" if column in row else "the row has no such column")


def test_a_template_that_fails_on_a_row_says_why() -> None:
    normaliser = TableNormaliser(Mapping(user="{{ n + 1 }}", assistant="{{ n }}"), ("n",))
    made = record({"n": "three"})
    assert normaliser.example(made) is None
    assert made.faults[0].args["reason"].startswith("TypeError")


@pytest.mark.parametrize("value", [UNDECODED, None, 5, "text", [1]])
def test_what_is_no_row(value: Any) -> None:
    assert TableNormaliser(Mapping(user="{{a}}", assistant="{{b}}")).example(record(value)) is None


@pytest.mark.parametrize(
    ("mapping", "says"),
    [
        ({"user": "{{txt}}", "assistant": "label"}, "--user '{{txt}}': there is no column 'txt'; did you mean 'text'?"),
        ({"user": "txt", "assistant": "label"}, "--user 'txt' is neither a column nor a template"),
        ({"user": "text"}, "--assistant is missing"),
        ({"user": "text", "assistant": "label", "label": "lable"}, "--label: there is no column 'lable'; did you mean"),
        ({"user": "text", "assistant": "label", "keep": ("id",)}, "--keep: there is no column 'id'"),
        ({"user": "{{ ''.__class__.__mro__ }}", "assistant": "label"}, "'__mro__' is not for templates"),
    ],
)
def test_mappings_that_do_not_fit(mapping: dict[str, Any], says: str) -> None:
    with pytest.raises(MappingError) as error:
        TableNormaliser(Mapping(**mapping), ("text", "label"))
    assert says in str(error.value)
    assert isinstance(error.value, InputError)


# --- inference ------------------------------------------------------------------------------------------------------


def rows_of(*names: str, n: int = 40) -> list[dict[str, Any]]:
    """Rows of believable cells, by what the columns are called."""
    made: dict[str, Any] = {
        "id": lambda i: f"r{i:05}",
        "url": lambda i: f"https://example.com/{i}",
        "date": lambda i: f"2026-01-{i % 28 + 1:02}",
        "text": lambda i: f"The {i}th thing that I bought here was better than the one before it",
        "kind": lambda i: ("good", "bad", "so so")[i % 3],
        "yes": lambda i: ("yes", "no")[i % 2],
        "price": lambda i: f"{i * 1.37:.2f}",
        "list": lambda i: [f"a{i}", "b"],
    }
    cells = dict(name.split("=") if "=" in name else (name, name) for name in names)
    return [{column: made[kind](i) for column, kind in cells.items()} for i in range(n)]


def inferred(rows: list[dict[str, Any]], **given: Any) -> Mapping:
    return infer_mapping(None, rows, given=Mapping(**given) if given else None).mapping


@pytest.mark.parametrize(
    ("rows", "user", "assistant", "label"),
    [
        (rows_of("id", "text", "label=kind"), "{{text}}", "{{label}}", "label"),
        (rows_of("textID=id", "text", "sentiment=kind"), "{{text}}", "{{sentiment}}", "sentiment"),
        (rows_of("id", "Review Text=text", "Rating=kind", "date", "url"), "{{Review Text}}", "{{Rating}}", "Rating"),
        (
            rows_of("date", "opinion=text", "verdict_overall=kind"),
            "{{opinion}}",
            "{{verdict_overall}}",
            "verdict_overall",
        ),
        (rows_of("id", "remark=text", "ok=yes"), "{{remark}}", "{{ok}}", "ok"),
        (rows_of("question=text", "answer=text"), "{{question}}", "{{answer}}", None),
        (rows_of("id", "Prompt=text", "Response=text"), "{{Prompt}}", "{{Response}}", None),
        (rows_of("context=text", "question=text", "answer=yes"), "{{context}}\n\n{{question}}", "{{answer}}", None),
        (
            rows_of("question=text", "choices=list", "answer=yes"),
            "{{question}}\n\n{{ choices | lettered }}",
            "{{answer}}",
            None,
        ),
        (rows_of("title_of_it=text", "pros=text", "rating=kind"), None, "{{rating}}", "rating"),
    ],
)
def test_inferred(rows: list[dict[str, Any]], user: str | None, assistant: str, label: str | None) -> None:
    mapping = inferred(rows)
    if user is None:
        user = "Title of it: {{title_of_it}}\n\nPros: {{pros}}"
    assert (mapping.user, mapping.assistant, mapping.label) == (user, assistant, label)
    example = TableNormaliser(mapping, rows[0]).example(record(rows[1]))
    assert example is not None


def test_the_group_is_the_shortest_name_of_the_passage() -> None:
    rows = [
        {"passage": f"A text of some length, number {i // 3}", **extra, "question": f"Which is {i}?", "answer": "B"}
        for i, extra in enumerate({"part": f"p{i // 6}", "doc": f"d{i // 3}", "id": f"q{i}"} for i in range(30))
    ]
    assert inferred(rows).group == "doc"
    assert inferred([{**row, "doc": "x"} for row in rows]).group == "passage"
    assert inferred(rows, group="part").group == "part"


def test_two_rows_are_enough_for_names() -> None:
    rows = [{"text": "Great phone", "label": "positive"}, {"text": "Bad battery", "label": "negative"}]
    mapping = inferred(rows)
    assert mapping.system == "Classify the text. Answer with one of: negative, positive."
    assert (mapping.user, mapping.assistant, mapping.label) == ("{{text}}", "{{label}}", "label")


def test_instruction_with_and_without_input() -> None:
    rows = [
        {"instruction": "Do it.", "input": "x", "response": "y"},
        {"instruction": "Do.", "input": "", "response": "z"},
    ]
    normaliser = TableNormaliser(inferred(rows), rows[0])
    said = [normaliser.example(record(row)).messages[0]["content"] for row in rows]  # type: ignore[union-attr]
    assert said == ["Do it.\n\nx", "Do."]


def test_what_is_given_stays() -> None:
    rows = rows_of("text", "sentiment=kind", "fine=yes", "remark=text")
    mapping = inferred(rows, label="fine", user="{{remark}}", keep=("text",))
    assert (mapping.user, mapping.assistant, mapping.label, mapping.keep) == (
        "{{remark}}",
        "{{fine}}",
        "fine",
        ("text",),
    )
    assert mapping.system == "Classify the text. Answer with one of: no, yes."
    assert inferred(rows, system="Judge.").system == "Judge."


def test_the_split_is_taken_from_a_column_of_that_name() -> None:
    rows = [{**row, "split": ("train", "test")[i % 2]} for i, row in enumerate(rows_of("text", "label=kind"))]
    assert inferred(rows).split == "split"
    rows = [{**row, "split": f"part {i}"} for i, row in enumerate(rows_of("text", "label=kind"))]
    assert inferred(rows).split is None


def test_all_rows_are_searched_for_labels() -> None:
    rows = rows_of("text", "label=kind", n=3000)
    rows[2999]["label"] = "rare"
    assert infer_mapping(None, iter(rows)).mapping.system == (
        "Classify the text. Answer with one of: bad, good, rare, so so."
    )


def test_it_says_what_it_did_and_how_to_do_otherwise() -> None:
    found = infer_mapping(None, rows_of("text", "sentiment=kind", "stars=yes"), path="my file.csv")
    said = "\n".join(found.explanation)
    assert "text for the text, sentiment for its label (3 classes: bad 32%, good 35%, so so 32%)" in said
    assert "Classify the text. Answer with one of: bad, good, so so." in said
    assert "--user '{{text}}' --assistant '{{sentiment}}' --label sentiment" in said
    assert found.alternatives == ("dsprep convert 'my file.csv' --label stars",)


@pytest.mark.parametrize(
    "rows",
    [
        rows_of("id", "url", "date"),
        rows_of("text"),
        rows_of("a=text", "b=kind", "c=yes"),
        rows_of("x=price", "y=price"),
        [{"a": None}],
        [{}],
    ],
)
def test_what_cannot_be_inferred_is_asked_for(rows: list[dict[str, Any]]) -> None:
    with pytest.raises(MappingError) as error:
        infer_mapping(None, rows, path="data.csv")
    said = str(error.value)
    assert said.startswith("data.csv: ")
    assert all(column in said for column in rows[0])
    assert "dsprep convert data.csv --user " in said


def test_records_inside_of_records_are_pointed_at() -> None:
    rows = [
        {"passage": f"A text of some length, number {i}", "items": rows_of("question=text", "answer=yes", n=3)}
        for i in range(5)
    ]
    with pytest.raises(MappingError) as error:
        infer_mapping(None, rows, path="data.json")
    assert (
        "dsprep convert data.json --records 'items[]' --user '{{passage}}\\n\\n{{question}}' --assistant '{{answer}}' "
        "--group passage"
    ) in str(error.value)


@pytest.mark.parametrize(
    ("counts", "names"),
    [
        ({"b": 1, "a": 2}, ["a", "b"]),
        (
            {"Positive": 3, "positive ": 2, "positive": 9, "pos": 1, "negative": 5, "neg": 4},
            ["neg", "negative", "positive"],
        ),
        ({"10": 1, "9": 1, "1.0": 1, "1": 2}, ["1", "9", "10"]),
        ({"": 4, "N/A": 2, "null": 1, "yes": 3, "no": 3}, ["no", "yes"]),
        ({}, []),
    ],
)
def test_class_names(counts: dict[str, int], names: list[str]) -> None:
    assert list(class_names(Counter(counts))) == names


def test_inference_does_not_depend_on_the_hash_seed(tmp_path: Path) -> None:
    file = tmp_path / "data.json"
    file.write_text(json.dumps(rows_of("text", "sentiment=kind", "stars=yes", "remark=text")))
    code = (
        "import json, sys; from dsprep.formats import infer_mapping; "
        "print(infer_mapping(None, json.load(open(sys.argv[1]))))"
    )
    said = {
        subprocess.run(
            [sys.executable, "-c", code, str(file)], env={"PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in ("0", "1", "2")
    }
    assert len(said) == 1


# --- which normaliser -----------------------------------------------------------------------------------------------


def test_sources_get_the_normaliser_that_fits(tmp_path: Path) -> None:
    table = tmp_path / "t.csv"
    table.write_text("text,label\nvery nice indeed,good\nnot so nice,bad\n")
    lines = tmp_path / "t.jsonl"
    lines.write_text('{"text": "very nice indeed", "label": "good"}\n{"text": "not so nice", "label": "bad"}\n')
    chat = tmp_path / "c.jsonl"
    chat.write_text('{"messages": []}\n')
    empty = tmp_path / "e.csv"
    empty.write_text("")

    normaliser, said = normaliser_for(open_source(table))
    assert isinstance(normaliser, TableNormaliser)
    assert said
    assert isinstance(normaliser_for(open_source(lines))[0], ChatNormaliser)
    assert isinstance(normaliser_for(open_source(lines), infer=True)[0], TableNormaliser)
    assert isinstance(normaliser_for(open_source(lines), Mapping(user="text", assistant="label"))[0], TableNormaliser)
    assert isinstance(normaliser_for(open_source(chat), infer=True)[0], ChatNormaliser)
    assert isinstance(normaliser_for(open_source(empty))[0], ChatNormaliser)
    with pytest.raises(MappingError, match="no column 'txt'"):
        normaliser_for(open_source(table), Mapping(user="{{txt}}", assistant="label"))


# --- filters, labels, mappings in files ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("template", "row", "text"),
    [
        ("{{ a | strip_html }}", {"a": "<p>Tom &amp; <b>Anna</b></p><ul><li>one</li></ul>"}, "Tom & Anna\n\n- one"),
        ("{{ a | strip_html }}", {"a": "1 < 2, no tag"}, "1 < 2, no tag"),
        ("{{ a | truncate_tokens(3) }}", {"a": "one two three four"}, "one two three"),
        ("{{ a | truncate_tokens(0) }}", {"a": "one"}, ""),
        ("{{ a | map_labels({'1-2': 'bad', 'N/A': 'none', '4.5-5': 'good'}) }}", {"a": "2"}, "bad"),
        ("{{ a | map_labels({'1-2': 'bad', 'N/A': 'none', '4.5-5': 'good'}) }}", {"a": 4.75}, "good"),
        ("{{ a | map_labels({'1-2': 'bad', 'N/A': 'none', '4.5-5': 'good'}) }}", {"a": " n/a"}, "none"),
        ("{{ a | map_labels({'1-2': 'bad'}) }}", {"a": "3"}, "3"),
        ("{{ a | map_labels({'1-2': 'bad'}, 'other') }}", {"a": "3"}, "other"),
        ("{{ (a | from_json).b[0] }}", {"a": '{"b": [7]}'}, "7"),
        ("{{ a | default('none', true) }}", {"a": ""}, "none"),
        ("{% for x in a %}{{ loop.index }}/{{ loop.length }} {% endfor %}", {"a": [1, 2]}, "1/2 2/2 "),
    ],
)
def test_filters(template: str, row: dict[str, Any], text: str) -> None:
    assert Template(template).render(row) == text


def test_one_of_some_texts_is_the_same_one_for_a_row() -> None:
    template = Template("{{ id | one_of('Classify:', 'Which class is this?', 'Label it.') }}")
    first = [template.render({"id": i}) for i in range(60)]
    assert set(first) == {"Classify:", "Which class is this?", "Label it."}
    assert first == [pickle.loads(pickle.dumps(template)).render({"id": i}) for i in range(60)]


def test_a_template_that_takes_for_ever_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dsprep.formats.table.template.MAX_SECONDS", 0.05)
    loops = "{% for a in range(1000) %}" * 5 + "{% endfor %}" * 5
    with pytest.raises(TemplateError, match="takes longer than"):
        Template(loops).render({})


def test_labels_are_written_as_the_mapping_says() -> None:
    labels = {"1-2": "negative", "3": "neutral", "4-5": "positive"}
    mapping = Mapping(user="text", assistant="stars", label="stars", labels=labels)
    normaliser = TableNormaliser(mapping, ("text", "stars"))
    said = []
    for stars in ("1", "3", "4.5", "unknown"):
        example = normaliser.example(record({"text": "so", "stars": stars}))
        assert example is not None
        said.append((example.label, example.messages[-1]["content"]))
    assert said == [(label, label) for label in ("negative", "neutral", "positive", "unknown")]
    rows = [{"text": f"a text number {i} of some words", "stars": str(1 + i % 5)} for i in range(50)]
    made = infer_mapping(None, rows, given=Mapping(labels=labels)).mapping
    assert made.system == "Classify the text. Answer with one of: negative, neutral, positive."


def test_a_mapping_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "mapping.yaml"
    mapping = Mapping(
        user="{{a}}\n\nand: {{ b | trim }}", assistant="é\u00a0", label="b", keep=("c",), labels={"1": "no", "2": "yes"}
    )
    file.write_text(mapping_yaml(mapping, ["two\nlines"]))
    assert load_mapping(file) == mapping
    assert file.read_text().startswith("# two lines\nuser: |-\n  {{a}}\n")
    file.write_text("labels: {1-2: negative, 3: 0, 4.5: good}")
    assert load_mapping(file).labels == {"1-2": "negative", "3": "0", "4.5": "good"}
    for text, says in (
        ("usr: a", "a mapping has no 'usr'; did you mean 'user'"),
        ("- a", "valid dictionary"),
        ("{", "is no YAML"),
        ("keep: 7", "keep: "),
    ):
        file.write_text(text)
        with pytest.raises(MappingError, match=says):
            load_mapping(file)
    with pytest.raises(MappingError, match="cannot be read"):
        load_mapping(tmp_path / "none.yaml")
