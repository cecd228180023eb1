"""What a user installs: the wheel holds what it needs and no more, and starting it loads nothing heavy."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from dsprep.catalog.registry import rule_references
from dsprep.cli.main import app
from dsprep.version import VERSION

ROOT = Path(__file__).parent.parent

#: Packages that take longer to import than a command that does not need them may take.
HEAVY = {"pandas", "pyarrow", "great_expectations", "scipy"}
#: What `import dsprep` has no need of: every package that dsprep depends on, and the rest of dsprep.
NOT_YET = HEAVY | {
    "numpy",
    "pydantic",
    "tiktoken",
    "datasketch",
    "langdetect",
    "jinja2",
    "rich",
    "typer",
    "orjson",
    "yaml",
}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from this checkout by the backend that pyproject.toml names."""
    folder = tmp_path_factory.mktemp("dist")
    # Without isolation, as hatchling is in the dev extra: this needs no network.
    built = subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert built.returncode == 0, built.stdout + built.stderr
    (file,) = folder.glob("*.whl")
    return file


@pytest.fixture(scope="module")
def unpacked(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel's files, as pip would lay them down."""
    folder = tmp_path_factory.mktemp("site")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def _names(wheel: Path) -> list[str]:
    with zipfile.ZipFile(wheel) as archive:
        return archive.namelist()


def test_the_wheel_holds_what_is_read_at_run_time(wheel: Path) -> None:
    wanted = {
        "dsprep/py.typed",
        "dsprep/reports/report.schema.json",
        *(
            f"dsprep/{path.relative_to(ROOT / 'dsprep')}"
            for path in (ROOT / "dsprep/reports/html/templates").rglob("*.*")
        ),
        *(f"dsprep/_packs/{path.relative_to(ROOT / 'rules')}" for path in (ROOT / "rules").rglob("*.yaml")),
    }
    assert {"dsprep/_packs/default.yaml", "dsprep/_packs/targets/openai.yaml"} <= wanted
    assert wanted - set(_names(wheel)) == set()


def test_the_wheel_holds_every_module_and_nothing_else_of_the_repository(wheel: Path) -> None:
    names = _names(wheel)
    modules = {f"dsprep/{path.relative_to(ROOT / 'dsprep')}" for path in (ROOT / "dsprep").rglob("*.py")}
    assert modules - set(names) == set()
    assert {name.split("/")[0] for name in names} == {"dsprep", f"dsprep-{VERSION}.dist-info"}
    package = [name for name in names if name.startswith("dsprep/")]
    assert {Path(name).suffix or Path(name).name for name in package} == {
        ".py",
        ".typed",
        ".yaml",
        ".json",
        ".j2",
        ".css",
        ".js",
    }
    assert [name for name in package if "test" in Path(name).name and name != "dsprep/testing.py"] == []
    assert len(names) == len(set(names))


def test_the_unpacked_wheel_works_outside_of_the_checkout(unpacked: Path, tmp_path: Path) -> None:
    rows = [
        {
            "messages": [
                {"role": "user", "content": f"Which number follows {i}?"},
                {"role": "assistant", "content": f"{i + 1}"},
            ]
        }
        for i in range(60)
    ]
    (tmp_path / "data.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    environment = {**os.environ, "PYTHONPATH": str(unpacked)}

    def run(*arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    assert Path(run("-c", "import dsprep; print(dsprep.__file__)").strip()).is_relative_to(unpacked)
    assert run("-m", "dsprep", "rule", "TOK001").startswith("# too-many-tokens (TOK001)")
    run("-m", "dsprep", "prepare", "data.jsonl", "--out", "out", "--isolated", "--workers", "1")
    # The page needs the templates, the JSON schema comes with the package, the targets are packs.
    assert "<html" in (tmp_path / "out/report.html").read_text("utf-8")
    assert json.loads(run("-c", "import json; from dsprep.reports.json import schema; print(json.dumps(schema()))"))


def _modules_after(code: str) -> set[str]:
    """The modules in memory after a fresh interpreter has run `code`."""
    ending = "\nimport sys; sys.stderr.write('\\n' + ' '.join(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code + ending], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return set(done.stderr.rpartition("\n")[2].split())


def _packages(modules: set[str]) -> set[str]:
    return {name.partition(".")[0] for name in modules}


def _loaded_by(code: str) -> set[str]:
    """The packages in memory after a fresh interpreter has run `code`."""
    return _packages(_modules_after(code))


def _command(*arguments: str) -> str:
    """Code that runs a command as the console script does, and goes on after it."""
    return f"""
import sys
from dsprep.cli import main
sys.argv = ["dsprep", *{arguments!r}]
try:
    main()
except SystemExit as done:
    assert not done.code, done.code
"""


@pytest.mark.parametrize(
    "arguments", [("--help",), ("--version",), ("rule", "TOK001"), ("rules",), ("targets",), ("config", "show")]
)
def test_small_commands_import_nothing_heavy(arguments: tuple[str, ...]) -> None:
    loaded = _loaded_by(_command(*arguments))
    assert "dsprep" in loaded
    assert loaded & HEAVY == set()


@pytest.mark.parametrize("arguments", [("targets",), ("config", "show")])
def test_what_looks_at_no_rule_does_without_numpy(arguments: tuple[str, ...]) -> None:
    assert _loaded_by(_command(*arguments)) & {"numpy", "rich", "rs_bpe", "multiprocessing"} == set()


def test_help_imports_no_rule_engine() -> None:
    # numpy and pydantic alone take a quarter of a second on a slow disk, and rich, for help in boxes, as much again.
    assert _loaded_by(_command("--help")) & (NOT_YET - {"typer"}) == set()


def test_lint_imports_neither_what_prepare_needs_nor_what_no_rule_asks_for(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    file.write_text(json.dumps({"messages": [{"role": "user", "content": "Hi"}]}) + "\n")
    loaded = _loaded_by(_command("lint", str(file), "--isolated", "--fail-on", "never"))
    assert loaded & (HEAVY | {"jinja2", "datasketch", "langdetect"}) == set()


def test_lint_of_a_few_plain_examples_imports_only_what_they_take(tmp_path: Path) -> None:
    file = tmp_path / "ten.jsonl"
    rows = [
        {
            "messages": [
                {"role": "user", "content": f"What should I cook with {i} eggs when there is not much time for it?"},
                {"role": "assistant", "content": f"You could make an omelette of the {i} eggs, and eat it with bread."},
            ]
        }
        for i in range(2, 12)
    ]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    modules = _modules_after(_command("lint", str(file), "--isolated", "--fail-on", "never"))
    # English is told without a model, UTF-8 without a detector, and rs-bpe counts tokens.
    other = {"datasketch", "ray", "tiktoken", "fasttext", "langdetect", "charset_normalizer", "ftfy", "jinja2"}
    assert _packages(modules) & (HEAVY | other) == set()
    # Neither do JSON lines take what reads tables, nor does a check take what writes.
    unread = {"dsprep.formats.table", "dsprep.sources.csv", "dsprep.sources.json_array"}
    unwritten = {"dsprep.api.preparing", "dsprep.api.converting", "dsprep.engine.rewriting", "rich.progress"}
    assert "dsprep.engine.folding" in modules
    assert modules & (unread | unwritten) == set()


def test_importing_dsprep_imports_nothing_heavy() -> None:
    assert _loaded_by("import dsprep; assert dsprep.__version__") & NOT_YET == set()


def test_every_public_name_can_be_imported() -> None:
    import dsprep.api

    assert {"lint", "fix", "diff", "convert", "split", "prepare", "stats"} <= set(dsprep.__all__)
    assert {"Settings", "Mapping", "Report", "Finding", "Severity", "InputError", "ConfigError"} <= set(dsprep.__all__)
    for module in (dsprep, dsprep.api):
        assert module.__dir__() == sorted(module.__all__)
        for name in module.__all__:
            assert getattr(module, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'lnit'"):
        _ = dsprep.lnit


def _commands() -> Iterator[Any]:
    """Every command, those of groups included, by what a user types."""

    def walk(command: Any, path: tuple[str, ...]) -> Iterator[Any]:
        yield pytest.param(command, id=" ".join(path))
        for name, inner in getattr(command, "commands", {}).items():
            yield from walk(inner, (*path, name))

    yield from walk(typer.main.get_command(app), ("dsprep",))


@pytest.mark.parametrize("command", list(_commands()))
def test_every_command_and_every_option_says_what_it_does(command: Any) -> None:
    assert (command.help or "").strip(), "the command has no help text"
    assert command.help.strip().split("\n\n")[0].endswith("."), "its first paragraph is a sentence"
    bare = [parameter.name for parameter in command.params if not (getattr(parameter, "help", None) or "").strip()]
    assert bare == []


def test_rules_lists_all_of_them() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "dsprep", "rules", "--output-format", "json"],
        capture_output=True,
        check=True,
        timeout=60,
    )
    assert [row["code"] for row in json.loads(done.stdout)] == list(rule_references())
