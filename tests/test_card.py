"""The dataset card that `prepare` writes: what the Hub and its libraries read of it, and what nobody can do with it."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from dsprep import api
from dsprep.config import ConfigError
from dsprep.folds.dictionary import members_of
from dsprep.folds.record_columns import columns_of
from dsprep.model.batch import Batch
from dsprep.model.card import Card, Column, WrittenSplit
from dsprep.model.record import Record
from dsprep.model.report import Funnel, Report
from dsprep.model.source import InputInfo
from dsprep.reports import card as as_card
from dsprep.reports import croissant
from dsprep.text.licences import licence_named

# What mlcroissant is made of is in the middle of a change.
pytestmark = pytest.mark.filterwarnings("ignore:ConjunctiveGraph:DeprecationWarning")

SAMPLES = Path(__file__).parent.parent / "samples"

HOSTILE = (
    "@everyone",
    "<script>alert(1)</script>",
    "<!-- x",
    "a | b | `c` || \\",
    "[x](http://evil.example)",
    "![x](http://evil.example/x.png)",
    "http://evil.example www.evil.example me@evil.example",
    "\u202eevil\u2066\x1b[2J\n\n# heading\n\n---\n",
    "```\n[x](http://evil.example)",
    "\\`[x](http://evil.example)\\`",
    "&lt;b&gt; *a* _b_ ~c~ $d$",
    "\ud800",
    "- no",
    "",
    "x" * 500,
)


def _chat(i: int, **more: Any) -> dict[str, Any]:
    question = f"What is {i} times {i * 7 % 11}, and why would {i % 13} be wrong?"
    return {
        "messages": [{"role": "user", "content": question}, {"role": "assistant", "content": f"It is {i}."}],
        **more,
    }


def _tool(name: str, **properties: Any) -> dict[str, Any]:
    schema = {"type": "object", "properties": properties, "required": list(properties)}
    return {"type": "function", "function": {"name": name, "description": f"finds a {name}", "parameters": schema}}


def _called(i: int) -> dict[str, Any]:
    name = ("weather", "place")[i % 2]
    call = {"id": f"c{i}", "type": "function", "function": {"name": name, "arguments": json.dumps({"town": f"t{i}"})}}
    tools = [_tool("weather", town={"type": "string"}), _tool("place", town={"type": "string", "enum": [f"t{i}"]})]
    return {
        "messages": [
            {"role": "user", "content": f"And what of {i} in town {i * 31 % 97}?"},
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": f"c{i}", "content": f"{i} degrees"},
            {"role": "assistant", "content": f"{i} degrees, I am told."},
        ],
        "tools": tools,
    }


def _openai_pair(i: int) -> dict[str, Any]:
    return {
        "input": {"messages": _chat(i)["messages"][:1], "tools": [], "parallel_tool_calls": True},
        "preferred_output": [{"role": "assistant", "content": f"It is {i}."}],
        "non_preferred_output": [{"role": "assistant", "content": f"Who knows of {i}?"}],
    }


def _trl_pair(i: int) -> dict[str, Any]:
    return {"prompt": _chat(i)["messages"][0]["content"], "chosen": f"It is {i}.", "rejected": f"Who knows of {i}?"}


#: Rows, target, and fields (of the Croissant description) whose values are to be found again.
SHAPES: Mapping[str, tuple[Sequence[dict[str, Any]], str]] = {
    "chat": ([_chat(i) for i in range(60)], "openai"),
    "ten rows": ([_chat(i) for i in range(10)], "openai"),
    "tools": ([_called(i) for i in range(60)], "openai:gpt-4o-mini"),
    "openai-dpo": ([_openai_pair(i) for i in range(60)], "openai-dpo"),
    "trl": ([_trl_pair(i) for i in range(60)], "trl"),
    "both kinds": ([*(_chat(i) for i in range(40)), *(_trl_pair(i) for i in range(100, 140))], "trl"),
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A prepared folder of each shape."""
    out = {}
    for name, (rows, target) in SHAPES.items():
        folder = tmp_path_factory.mktemp("card")
        (folder / "in.jsonl").write_text("\n".join(map(json.dumps, rows)))
        api.prepare([folder / "in.jsonl"], folder / "out", target=target, split="0.8/0.2", workers=1)
        out[name] = folder / "out"
    return out


def _front(folder: Path) -> dict[str, Any]:
    return _metadata((folder / "README.md").read_text("utf-8"))


def _metadata(text: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(text.split("---\n")[1])
    return found


def _rows(folder: Path, split: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / f"{split}.jsonl").read_bytes().splitlines()]


@pytest.mark.parametrize("shape", SHAPES)
def test_the_metadata_say_what_is_in_the_files(made: dict[str, Path], shape: str) -> None:
    folder = made[shape]
    front = _front(folder)
    written = [name for name in ("train", "validation") if (folder / f"{name}.jsonl").stat().st_size]
    (config,) = front["configs"]
    assert config["data_files"] == [{"split": name, "path": f"{name}.jsonl"} for name in written]
    info = front["dataset_info"]
    assert {split["name"]: split["num_examples"] for split in info["splits"]} == {
        name: len(_rows(folder, name)) for name in written
    }
    assert info["download_size"] == sum((folder / f"{name}.jsonl").stat().st_size for name in written)
    assert front["license"] == "unknown"
    assert front["language"] == ["en"]
    assert front["size_categories"] == ["n<1K"]
    assert front["task_categories"] == ["text-generation"]
    assert ("dpo" in front["tags"], "tool-use" in front["tags"]) == (
        shape in ("openai-dpo", "trl", "both kinds"),
        shape == "tools",
    )


_LOAD = """
import json, sys
from datasets import load_dataset
out = {}
for folder in sys.argv[1:]:
    data = load_dataset(folder)
    out[folder] = {split: list(rows) for split, rows in data.items()}
print(json.dumps(out))
"""


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_nulls(inner) for name, inner in value.items() if inner is not None}
    return [_without_nulls(inner) for inner in value] if isinstance(value, list) else value


def test_datasets_loads_the_folders_and_gives_back_the_rows(made: dict[str, Path], tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "HF_HUB_OFFLINE": "1",
        "HF_HOME": str(tmp_path),
        "HF_DATASETS_DISABLE_PROGRESS_BARS": "1",
    }
    done = subprocess.run(
        [sys.executable, "-c", _LOAD, *map(str, made.values())],
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    loaded = json.loads(done.stdout)
    for folder in made.values():
        splits = loaded[str(folder)]
        for split, rows in splits.items():
            # What a row lacks and another one has is null in a table.
            assert [_without_nulls(row) for row in rows] == [_without_nulls(row) for row in _rows(folder, split)]
        assert set(splits) == {split["name"] for split in _front(folder)["dataset_info"]["splits"]}


def _loaded(folder: Path, **filters: str) -> list[dict[str, Any]]:
    logging.disable(logging.WARNING)
    try:
        import mlcroissant

        described = mlcroissant.Dataset(jsonld=str(folder / "croissant.json"))
        assert not described.metadata.ctx.issues.errors
        return list(described.records("default", filters=filters or None))
    finally:
        logging.disable(logging.NOTSET)


@pytest.mark.parametrize("shape", SHAPES)
def test_mlcroissant_takes_the_description_and_loads_the_records(made: dict[str, Path], shape: str) -> None:
    folder = made[shape]
    described = json.loads((folder / "croissant.json").read_bytes())
    for file in described["distribution"]:
        if file["@type"] == "cr:FileObject":
            data = (folder / file["contentUrl"]).read_bytes()
            assert file["sha256"] == hashlib.sha256(data).hexdigest()
            assert file["contentSize"] == f"{len(data)} B"
    splits = [split["name"] for split in _front(folder)["dataset_info"]["splits"]]
    records = _loaded(folder)
    rows = [(split, row) for split in splits for row in _rows(folder, split)]
    assert len(records) == len(rows)
    for record, (split, row) in zip(records, rows, strict=True):
        assert record["default/split"] == split.encode()
        if "messages" in row:
            told = [
                (part["default/messages/role"], part["default/messages/content"]) for part in record["default/messages"]
            ]
            assert told == [
                (part["role"].encode(), part["content"] and part["content"].encode()) for part in row["messages"]
            ]
        elif "prompt" in row:
            assert record["default/chosen"] == row["chosen"].encode()
        else:
            (asked,) = record["default/input.messages"]
            assert asked["default/input.messages/content"] == row["input"]["messages"][0]["content"].encode()


def test_croissant_gives_one_split_alone(made: dict[str, Path]) -> None:
    folder = made["chat"]
    assert len(_loaded(folder, **{"default/split": "validation"})) == len(_rows(folder, "validation"))


def test_what_has_no_type_is_json_to_datasets_and_left_out_of_croissant(made: dict[str, Path]) -> None:
    features = {feature["name"]: feature for feature in _front(made["tools"])["dataset_info"]["features"]}
    function = features["tools"]["list"][1]["struct"]
    assert {part["name"]: part["dtype"] for part in function}["parameters"] == "json"
    described = json.loads((made["tools"] / "croissant.json").read_bytes())
    (records,) = [item for item in described["recordSet"] if item["@id"] == "default"]
    assert "messages[].tool_calls" in records["description"]
    assert "tool_calls" not in json.dumps(records["field"])


def _columns(*rows: Any) -> dict[str, Any]:
    records = [Record(i, i + 1, 0, b"", row) for i, row in enumerate(rows)]
    batch = Batch(source=0, path="in", records=records, examples=[None] * len(records))

    def plain(column: Column) -> Any:
        if column.type == "struct":
            return {inner.name: plain(inner) for inner in column.inner}
        return [plain(column.item)] if column.type == "list" else column.type

    return {column.name: plain(column) for column in columns_of(members_of(batch))}


def test_types_of_columns() -> None:
    assert _columns({"a": 1, "b": "x", "c": True, "d": None, "e": [], "f": [1.5]}, {"a": 2.5, "b": None}) == {
        "a": "float64",
        "b": "string",
        "c": "bool",
        "d": "null",
        "e": ["null"],
        "f": ["float64"],
    }
    assert _columns({"a": "x"}, {"a": ["x"]}) == {"a": "json"}
    assert _columns({"a": {"k": 1, "x": 1}}, {"a": {"k": 1, "y": "s"}}) == {
        "a": {"k": "int64", "x": "int64", "y": "string"}
    }
    assert _columns({"a": {"x": 1}}, {"a": {"y": "s"}}) == {"a": "json"}  # not a key in common: a map
    assert _columns({"a": {}}) == {"a": "json"}
    assert _columns({"a": [["x"]]}) == {"a": ["json"]}
    assert _columns(["no", "object"]) == {}


def test_the_command_on_the_card_makes_the_same_files(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_bytes((SAMPLES / "reviews.csv").read_bytes())
    mapping = api_mapping(
        system='What is it?\nOne "word", it\'s enough.', user="{{title}}\n\n{{review}}", label="sentiment"
    )
    api.prepare(
        [tmp_path / "in.csv"],
        tmp_path / "first",
        mapping=mapping,
        split="0.7/0.2/0.1",
        dedupe="near",
        settings=None,
        seed=3,
        workers=1,
        ignore=("DUP004",),
        rules={"near-duplicate": {"threshold": 0.9}},
        card={"name": "It's | mine", "license": "CC-BY-4.0", "creator": "Me & you"},
    )
    text = (tmp_path / "first/README.md").read_text("utf-8")
    command = re.search(r"```sh\n(dsprep .*)\n```", text)[1]  # type: ignore[index]
    assert str(tmp_path) not in text
    script = command.replace("dsprep prepare", f"{sys.executable} -m dsprep prepare --isolated -q -j1 --no-cache", 1)
    subprocess.run(["bash", "-c", script], cwd=tmp_path, timeout=300, check=True)
    for name in ("train.jsonl", "validation.jsonl", "test.jsonl", "README.md", "croissant.json"):
        assert (tmp_path / "prepared" / name).read_bytes() == (tmp_path / "first" / name).read_bytes(), name


def api_mapping(**parts: Any) -> Any:
    from dsprep import Mapping as ColumnMapping

    return ColumnMapping(assistant=parts.get("label"), **parts)


def _files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name.startswith(("README", "croissant"))}


def test_somebody_elses_readme_is_kept(tmp_path: Path) -> None:
    source, out = tmp_path / "in.jsonl", tmp_path / "out"
    source.write_text("\n".join(json.dumps(_chat(i)) for i in range(30)))
    out.mkdir()
    (out / "README.md").write_text("# mine\n")
    result = api.prepare([source], out, workers=1)
    assert (out / "README.md").read_text() == "# mine\n"
    assert as_card.is_untouched((out / "README.dsprep.md").read_bytes())
    assert [note.split(" ")[0] for note in result.card.notes] == ["README.md"]
    assert set(result.card.written) == {"README.dsprep.md", "croissant.json"} == set(result.manifest["card"])
    (out / "README.md").unlink()
    result = api.prepare([source], out, workers=1)
    assert set(_files(out)) == {"README.md", "croissant.json"}
    assert result.card.notes == []


def test_an_edited_card_is_kept_and_an_untouched_one_replaced(tmp_path: Path) -> None:
    source, out = tmp_path / "in.jsonl", tmp_path / "out"
    source.write_text("\n".join(json.dumps(_chat(i)) for i in range(30)))
    api.prepare([source], out, workers=1)
    before = _files(out)
    # git may change line ends, which is no edit.
    (out / "README.md").write_bytes(before["README.md"].replace(b"\n", b"\r\n"))
    (out / "croissant.json").write_bytes(before["croissant.json"].replace(b"\n", b"\r\n"))
    api.prepare([source], out, workers=1)
    assert _files(out) == before

    edited = before["README.md"].replace(b"license: unknown", b"license: mit")
    described = {**json.loads(before["croissant.json"]), "creator": {"@type": "sc:Person", "name": "me"}}
    (out / "README.md").write_bytes(edited)
    (out / "croissant.json").write_text(json.dumps(described))
    result = api.prepare([source], out, workers=1)
    assert (out / "README.md").read_bytes() == edited
    assert json.loads((out / "croissant.json").read_bytes()) == described
    assert (out / "README.dsprep.md").read_bytes() == before["README.md"]
    assert len(result.card.notes) == 2


def test_no_card(tmp_path: Path) -> None:
    source, out = tmp_path / "in.jsonl", tmp_path / "out"
    source.write_text("\n".join(json.dumps(_chat(i)) for i in range(30)))
    api.prepare([source], out, workers=1)
    # The card of an earlier run would speak of other data.
    result = api.prepare([source], out, workers=1, card={"write": False})
    assert _files(out) == {}
    assert "card" not in result.manifest
    (out / "README.md").write_text("# mine\n")
    api.prepare([source], out, workers=1, card={"write": False})
    assert set(_files(out)) == {"README.md"}


def test_what_the_publisher_says(tmp_path: Path) -> None:
    source = tmp_path / "in.jsonl"
    source.write_text("\n".join(json.dumps(_chat(i)) for i in range(30)))
    said = {
        "name": "Arithmetic: a [set] | of *sums*",
        "description": "Sums, **made up**.",
        "license": "CC-BY-SA-4.0",
        "creator": "Somebody",
        "url": "https://example.com/sums",
        "published": "2025-01-31",
        "version": "1.2.0",
    }
    api.prepare([source], tmp_path / "out", workers=1, card=said)
    text = (tmp_path / "out/README.md").read_text("utf-8")
    assert _metadata(text)["license"] == "cc-by-sa-4.0"
    assert _metadata(text)["pretty_name"] == said["name"]
    assert "\n\nSums, **made up**.\n\n" in text
    described = json.loads((tmp_path / "out/croissant.json").read_bytes())
    assert described["license"] == "https://spdx.org/licenses/CC-BY-SA-4.0.html"
    assert (described["url"], described["datePublished"]) == (said["url"], said["published"])
    assert len(_loaded(tmp_path / "out")) == 30


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ({"licence": "mit"}, "did you mean 'license'"),
        ({"license": " "}, "there is nothing in it"),
        ({"url": "example.com"}, "begins with http"),
        ({"version": "one"}, "three parts"),
        ({"published": "soon"}, "card.published"),
    ],
)
def test_what_cannot_be_said(said: dict[str, str], sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        api.prepare([SAMPLES / "reviews.csv"], "nowhere", card=said)


@pytest.mark.parametrize(
    ("given", "identifier", "url"),
    [
        ("MIT", "mit", "https://spdx.org/licenses/MIT.html"),
        ("odbl", "odbl", "https://spdx.org/licenses/ODbL-1.0.html"),
        ("llama3", "llama3", None),
        ("my own terms", "other", None),
        ("https://example.com/terms", "other", "https://example.com/terms"),
    ],
)
def test_licences(given: str, identifier: str, url: str | None) -> None:
    found = licence_named(given)
    assert (found.identifier, found.url) == (identifier, url)


@pytest.mark.parametrize(
    ("rows", "category"),
    [(0, "n<1K"), (999, "n<1K"), (1000, "1K<n<10K"), (10**6, "1M<n<10M"), (10**12 - 1, "100B<n<1T"), (10**12, "n>1T")],
)
def test_size_categories(rows: int, category: str) -> None:
    assert as_card.size_category(rows) == category


def _hostile(text: str) -> tuple[Card, Report]:
    """A card and a report in which `text` is whatever comes out of data or is the name of something."""
    inner = Column(text, "struct", (Column(text, "string"), Column("k", "list", (Column("", "json"),))))
    columns = (Column(text, "string"), inner, Column(f"{text}2", "list", (Column("", "struct", inner.inner),)))
    labels = {"source": "field", "classes": 1, "splits": {"train": {text: 3, "b": 1}}, "unlabelled": {"train": 2}}
    summary = {"min": 1, "mean": 1, "median": 1, "p5": 1, "p95": 1, "max": 1, "total": 4}
    part = {"rows": 4, "examples": 4, "turns": summary, "tokens": summary, "trained_tokens": summary, "over_limit": 0}
    stats = {
        "rows": 4,
        "examples": 4,
        "formats": {"chat": 4},
        "labels": labels,
        "target": text,
        "encoding": text,
        "limit": {"tokens": 9, "unverified": False},
        "all": part,
        "splits": {"train": part},
    }
    report = Report(
        tool="dsprep 0",
        inputs=[InputInfo(text, "csv", 1, "0" * 64)],
        settings={"seed": 0, "target": text},
        summaries=[],
        stats=stats,
        funnel=Funnel(),
    )
    card = Card(
        name="Data set",
        summary="4 conversations.",
        splits=(WrittenSplit("train", "train.jsonl", 4, 9, "0" * 64),),
        columns=columns,
        sources=(text,),
        command=f"dsprep prepare {' '.join(text.split())}",
        mapping=f"system: |-\n  {text}\n",
    )
    return card, report


def _tokens(text: str) -> list[Token]:
    tokens = MarkdownIt("commonmark").enable("table").parse(text.split("---\n", 2)[2])
    return [inner for token in tokens for inner in (token, *(token.children or ()))]


def _shape(text: str) -> list[str]:
    """What a page is made of, whatever its texts say."""
    return [token.type for token in _tokens(text) if token.type not in ("text", "code_inline")]


# Hypothesis tries texts that stand in the code; with the name of a target, the page says how to upload to it.
@given(st.sampled_from(HOSTILE) | st.text(max_size=60).filter(lambda text: not re.match("[a-z-]+(:|$)", text)))
def test_nothing_that_comes_out_of_data_is_markdown_html_or_yaml(text: str) -> None:
    shown = as_card.dumps(*_hostile(text))
    page = shown.decode()
    # The page has the shape that it has with harmless words: no link, no tag, no row or line more.
    harmless = as_card.dumps(*_hostile("words")).decode()
    assert _shape(page) == _shape(harmless)
    assert not {"link_open", "image", "html_inline"} & set(_shape(page))
    # Where Markdown means nothing: in spans and blocks of code.
    outside = "".join(token.content for token in _tokens(page) if token.type == "text")
    assert "evil.example" not in outside
    assert "@everyone" not in outside
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", page)
    features = _metadata(page)["dataset_info"]["features"]
    assert [feature["name"] for feature in features] == [text, text, f"{text}2"]
    assert as_card.is_untouched(shown)
    assert not as_card.is_untouched(shown.replace(b"4 conversations", b"5 conversations"))


@given(st.sampled_from(HOSTILE) | st.text(max_size=60))
def test_croissant_is_json_in_ascii_whatever_the_names(text: str) -> None:
    data = croissant.dumps(*_hostile(text))
    assert data.isascii()
    assert croissant.is_untouched(data)
    assert not croissant.is_untouched(data.replace(b"train.jsonl", b"other.jsonl"))


@pytest.mark.parametrize("data", [b"", b"# a page\n", b"{}", b"[]", b"\xff\xfe", b"[" * 100_000, b'{"identifier": 1}'])
def test_what_somebody_else_has_written_is_known(data: bytes) -> None:
    assert not as_card.is_untouched(data)
    assert not croissant.is_untouched(data)


def test_a_run_that_leaves_nothing_has_a_card_without_data(tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_text('{"messages":[]}\n' * 5)
    api.prepare([tmp_path / "in.jsonl"], tmp_path / "out", workers=1)
    front = _front(tmp_path / "out")
    assert "configs" not in front
    assert "dataset_info" not in front
    assert "every row was left out" in (tmp_path / "out/README.md").read_text("utf-8")


def test_a_prepared_folder_is_checked_without_its_card(tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_text("\n".join(json.dumps(_chat(i)) for i in range(30)))
    api.prepare([tmp_path / "in.jsonl"], tmp_path / "out", workers=1)
    report = api.lint([tmp_path / "out"], workers=1)
    assert [Path(info.path).name for info in report.inputs] == ["train.jsonl", "validation.jsonl"]


def test_the_command_line_says_where_the_card_is(tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_text("\n".join(json.dumps(_chat(i)) for i in range(30)))
    (tmp_path / "dsprep.toml").write_text('[card]\ncreator = "Me"\nlicense = "mit"\n')

    def run(*more: str) -> str:
        command = [sys.executable, "-m", "dsprep", "prepare", "in.jsonl", "-o", "out", "-j1", *more]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert run("--license", "cc0-1.0").endswith("Card: out/README.md\n")
    described = json.loads((tmp_path / "out/croissant.json").read_bytes())
    assert _front(tmp_path / "out")["license"] == "cc0-1.0"
    assert described["creator"]["name"] == "Me"  # what the file says besides stays
    (tmp_path / "out/README.md").write_text("# mine\n")
    assert "note: README.md was written or edited by somebody else" in run()
    assert "Card:" not in run("--no-card")
