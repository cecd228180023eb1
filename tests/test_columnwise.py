"""Tables converted by whole columns: the same lines as row by row, whatever is in the cells."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from dsprep import api, formats
from dsprep.formats import Mapping
from dsprep.sources.csv import CsvSource
from dsprep.text.encoding import Sniffed, sniff
from dsprep.text.json_columns import blank, content, escaped

CELLS = st.text(
    st.characters(exclude_categories=("Cs",), exclude_characters="\ufdd0\r")
    | st.sampled_from('"\\\n\t ,\x00\x1f\x7f é'),
    max_size=8,
) | st.sampled_from(["", " ", "\u3000", "null", "1", "2", "dsprep0cell", "dsprep-label", '{"a": 1}', "</script>"])

MAPPINGS: list[dict[str, Any]] = [
    {"user": "a", "assistant": "b"},
    {"user": "a", "assistant": "{{b}}", "system": 'Say "yes" or\tno.', "label": "c"},
    {"user": "{{ a }}\n\n{{c}}", "assistant": "b", "label": "b", "labels": {"1-2": "low", "x": "ten"}},
    {"user": "Question: {{a}}", "assistant": "{{ b }} ", "system": "{{c}}", "group": "c", "keep": ["d", "a"]},
    {"user": "a", "assistant": "b", "label": "c", "labels": {"1": "one"}, "shots": [{"user": "u", "assistant": "v"}]},
    {"user": "{{a}}{{c}}", "assistant": "b", "split": "d"},
    {"user": "{{ a | upper }}", "assistant": "b"},
    {"user": "dsprep0cell {{a}}", "assistant": "b"},
]


def converted(path: Path, out: Path, mapping: Mapping, to: str) -> tuple[bytes, bytes, Any]:
    result = api.convert([path], out, to=to, mapping=mapping, workers=1)
    rejected = Path(result.rejected_file).read_bytes() if result.rejected_file else b""
    counts = (result.rows_in, result.rows_out, result.units_in, result.units_out, result.rejected, result.lost)
    return out.read_bytes(), rejected, (*counts, result.kept)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(CELLS, CELLS, CELLS, CELLS), min_size=1, max_size=12),
    st.sampled_from(MAPPINGS),
    st.sampled_from(["chat", "prompt-completion", "alpaca", "sharegpt", "mistral"]),
    st.sampled_from(["", "1,2\n", '"never closed\n', "\n"]),
)
def test_the_same_lines_as_row_by_row(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[tuple[str, ...]],
    parts: dict[str, Any],
    to: str,
    odd: str,
) -> None:
    folder = tmp_path_factory.mktemp("tables")
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows([("a", "b", "c", "d"), *rows])
    path = folder / "data.csv"
    path.write_text(text.getvalue() + odd + ",".join("wxyz") + "\n", newline="")
    mapping = Mapping.model_validate(parts)
    # With control characters it may be no text, or one in a wider encoding.
    assume(sniff(path.read_bytes()) == Sniffed("text"))
    with pytest.MonkeyPatch.context() as patch:
        by_columns = converted(path, folder / "out.jsonl", mapping, to)
        patch.setattr(CsvSource, "table", lambda self, shard, columns: None)
        by_rows = converted(path, folder / "out.jsonl", mapping, to)
    assert by_columns == by_rows


def test_plain_tables_are_not_read_row_by_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "data.csv"
    path.write_text('q,a\n"one, or\ntwo",yes\n ,no\nthree,"say ""no"""\n')
    seen: list[Any] = []
    monkeypatch.setattr(
        formats.TableNormaliser, "example", observed(formats.TableNormaliser.example, seen), raising=True
    )
    result = api.convert([path], tmp_path / "out.jsonl", mapping=Mapping(user="q", assistant="a"), workers=1)
    assert (result.rows_in, result.rows_out, dict(result.rejected)) == (3, 2, {"missing-value": 1})
    # The first is what the shape of a line was found out with; then comes the row without a question, and no other.
    assert [value["a"] for value in seen[1:]] == ["no"]
    rejected = orjson.loads((tmp_path / "out.rejected.jsonl").read_bytes())
    assert rejected["location"] == {"path": str(path), "line": 4, "row": 2, "offset": 22, "column": "q"}


def observed(method: Any, seen: list[Any]) -> Any:
    def example(self: Any, record: Any) -> Any:
        seen.append(record.value)
        return method(self, record)

    return example


@settings(max_examples=200, deadline=None)
@given(st.lists(st.text(st.characters(exclude_categories=("Cs",)), max_size=20), max_size=5))
def test_texts_are_escaped_as_json_has_them(texts: list[str]) -> None:
    pa = pytest.importorskip("pyarrow")
    column = pa.array(texts, pa.string())
    assert escaped(column).to_pylist() == [orjson.dumps(text).decode()[1:-1] for text in texts]
    assert content(column) == "".join(texts).encode()


def test_white_space_is_what_python_takes_for_it() -> None:
    pa = pytest.importorskip("pyarrow")
    characters = [chr(code) for code in range(0x110000) if not 0xD800 <= code < 0xE000]
    assert blank(pa.array(characters)).to_pylist() == [character.isspace() for character in characters]
    assert blank(pa.array(["", " \n", " a "])).to_pylist() == [True, True, False]
