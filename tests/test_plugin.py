"""The worked example of a plugin, and what `dsprep new-rule` writes: both pass the tests that they bring."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from test_docs import blocks

from dsprep.catalog.scaffold import TESTS

ROOT = Path(__file__).parent.parent
SAMPLE = ROOT / "samples" / "plugin"


def _installed(project: Path) -> dict[str, str]:
    """The environment in which the project is installed: what pip would write of it, without pip. .ci/run uses pip."""
    about = tomllib.loads((project / "pyproject.toml").read_text("utf-8"))["project"]
    folder = project / f"{about['name'].replace('-', '_')}-{about['version']}.dist-info"
    folder.mkdir(exist_ok=True)
    (folder / "METADATA").write_text(f"Name: {about['name']}\nVersion: {about['version']}\n", "utf-8")
    lines = [
        line
        for group, items in about["entry-points"].items()
        for line in (f"[{group}]", *(f"{k}={v}" for k, v in items.items()))
    ]
    (folder / "entry_points.txt").write_text("\n".join(lines) + "\n", "utf-8")
    return {**os.environ, "PYTHONPATH": str(project)}


def _run(*arguments: str, cwd: Path, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *arguments], cwd=cwd, env=env, capture_output=True, text=True, check=False, timeout=300
    )


def _tests_pass(project: Path, env: dict[str, str], cases: int) -> None:
    done = _run("pytest", "-q", "-p", "no:cacheprovider", ".", cwd=project, env=env)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{cases} passed" in done.stdout


@pytest.fixture
def sample(tmp_path: Path) -> Path:
    """A copy of the sample: tests write into no checkout."""
    return Path(shutil.copytree(SAMPLE, tmp_path / "plugin"))


def test_the_sample_is_what_the_page_says() -> None:
    page = {
        block.file: block.body
        for block in blocks((ROOT / "docs" / "writing-rules.md").read_text("utf-8"))
        if block.file
    }
    files = {
        file.relative_to(SAMPLE).as_posix(): file.read_text("utf-8")
        for file in SAMPLE.rglob("*")
        if file.is_file() and "__pycache__" not in file.parts and file.name != "README.md"
    }
    assert files == page


def test_the_sample_passes_its_own_tests(sample: Path) -> None:
    _tests_pass(sample, _installed(sample), 7)


def test_the_rules_and_the_pack_of_the_sample_are_found(sample: Path) -> None:
    env = _installed(sample)
    listed = _run("dsprep", "rules", "--select", "ACM", "--output-format", "json", cwd=sample, env=env)
    assert [row["code"] for row in json.loads(listed.stdout)] == ["ACM001", "ACM002", "ACM003"]
    packs = _run("dsprep", "packs", "--output-format", "json", cwd=sample, env=env)
    assert "acme" in [row["name"] for row in json.loads(packs.stdout)]
    data = str(ROOT / "samples" / "chat_clean.jsonl")
    arguments = ("lint", "--isolated", "--config", "pack=acme", "--output-format", "json", data)
    done = _run("dsprep", *arguments, cwd=sample, env=env)
    report = json.loads(done.stdout)
    assert done.returncode == 1
    assert [(found["code"], found["severity"]) for found in report["findings"] if found["code"].startswith("ACM")] == [
        ("ACM002", "error")
    ]


def test_a_rule_that_was_begun_passes_its_own_tests(tmp_path: Path) -> None:
    project = tmp_path / "shop-rules"
    done = _run("dsprep", "new-rule", "empty-promise", "--into", str(project), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (project / "tests" / "test_rules.py").read_text("utf-8") == TESTS
    env = _installed(project)
    _tests_pass(project, env, 3)
    # A second one finds its place in the package, under the next code.
    done = _run("dsprep", "new-rule", "loud-answer", cwd=project, env=env)
    assert done.returncode == 0, done.stderr
    assert "SHO002 loud-answer" in done.stdout
    _tests_pass(project, env, 6)
    listed = _run("dsprep", "rules", "--select", "SHO", cwd=project, env=env)
    assert listed.stdout.startswith("SHO001 * warning empty-promise")
    checked = subprocess.run(
        [sys.executable, "-m", "ruff", "check", "--isolated", "--select", "E,F,N,UP,W", "--line-length", "120", "."],
        cwd=project,
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout


def test_a_rule_joins_the_sample(sample: Path) -> None:
    env = _installed(sample)
    done = _run("dsprep", "new-rule", "empty-promise", cwd=sample, env=env)
    assert done.returncode == 0, done.stderr
    assert "ACM004 empty-promise" in done.stdout
    _tests_pass(sample, env, 10)


def test_nothing_is_replaced(tmp_path: Path) -> None:
    project = tmp_path / "shop-rules"
    assert _run("dsprep", "new-rule", "empty-promise", "--into", str(project), cwd=tmp_path).returncode == 0
    rule = project / "shop_rules" / "empty_promise.py"
    rule.write_text("mine", "utf-8")
    before = {file: file.read_bytes() for file in project.rglob("*") if file.is_file()}
    done = _run("dsprep", "new-rule", "empty-promise", "--into", str(project), cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.endswith("is there already; nothing was written. Take another name or folder\n")
    assert {file: file.read_bytes() for file in project.rglob("*") if file.is_file()} == before


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("Empty Promise",), "'Empty Promise' is no name of a rule"),
        (("../x",), "'../x' is no name of a rule"),
        (("near-duplicate",), "there is a rule near-duplicate already: DUP003"),
        (("empty-promise", "--code", "TOK001"), "the code TOK001 is taken"),
        (("empty-promise", "--code", "ACME1"), "'ACME1' is no code"),
        (("empty-promise", "--into", "123"), "a package cannot be called after the folder 123"),
        (("empty-promise", "--into", "other"), "names no plugin of dsprep"),
    ],
)
def test_what_cannot_be_begun_is_said_and_nothing_is_written(
    arguments: tuple[str, ...], says: str, tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "pyproject.toml").write_text("[project]\nname = 'other'\n", "utf-8")
    done = _run("dsprep", "new-rule", *arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert says in done.stderr
    assert done.stderr.count("\n") == 1
    assert [file.name for file in tmp_path.rglob("*")] == ["other", "pyproject.toml"]


def test_a_plugin_that_lists_its_rules_elsewhere_is_told_what_to_add(sample: Path) -> None:
    register = sample / "acme_rules" / "__init__.py"
    register.write_text(register.read_text("utf-8").replace("RULES = {", "RULES = dict() | {"), "utf-8")
    done = _run("dsprep", "new-rule", "empty-promise", cwd=sample, env=_installed(sample))
    assert done.returncode == 0
    assert 'add it to what the rules() of your plugin gives: "ACM004": "acme_rules.empty_promise:Emp' in done.stdout


def test_letters_of_others_are_left_to_them(tmp_path: Path) -> None:
    done = _run("dsprep", "new-rule", "empty-promise", "--into", str(tmp_path / "tok-rules"), cwd=tmp_path)
    assert done.returncode == 0
    assert "XTA001 empty-promise" in done.stdout
