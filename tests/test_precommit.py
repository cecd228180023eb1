"""The hooks of .pre-commit-hooks.yaml, run by pre-commit itself as a project that uses them would."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

#: Neither the settings of whoever runs the tests, nor a git hook that runs them, may reach the repositories made here.
ENVIRONMENT = {
    **{name: value for name, value in os.environ.items() if not name.startswith("GIT_")},
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
    "GIT_AUTHOR_NAME": "test",
    "GIT_AUTHOR_EMAIL": "test@localhost",
    "GIT_COMMITTER_NAME": "test",
    "GIT_COMMITTER_EMAIL": "test@localhost",
    "NO_COLOR": "1",
    "PRE_COMMIT_COLOR": "never",
}


def _run(*command: str | Path, cwd: Path, timeout: int = 60, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=cwd, env=ENVIRONMENT | more, capture_output=True, text=True, check=False, timeout=timeout
    )


def _git(*arguments: str | Path, cwd: Path) -> str:
    done = _run("git", *arguments, cwd=cwd)
    assert done.returncode == 0, done.stderr
    return done.stdout


def _committed(folder: Path) -> Path:
    """`folder` as a repository with all its files committed."""
    _git("init", "--quiet", cwd=folder)
    _git("add", "--all", cwd=folder)
    _git("commit", "--quiet", "--message", "all", cwd=folder)
    return folder


@pytest.fixture(scope="module")
def hooks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository of dsprep as it stands here, with what is not committed yet: hooks come from a commit."""
    folder = tmp_path_factory.mktemp("dsprep")
    listed = _git("ls-files", "-z", "--cached", "--others", "--exclude-standard", cwd=ROOT)
    for name in listed.split("\0"):
        file = ROOT / name
        if name and file.is_file():  # git lists a file that is deleted and not committed yet, too
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(file, folder / name)
    return _committed(folder)


def _rows() -> list[dict[str, list[dict[str, str]]]]:
    return [
        {
            "messages": [
                {"role": "user", "content": f"Which number follows {i}?"},
                {"role": "assistant", "content": f"{i + 1} does."},
            ]
        }
        for i in range(60)
    ]


def _written(file: Path, rows: list[dict[str, list[dict[str, str]]]]) -> None:
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")


@pytest.fixture(scope="module")
def project(hooks: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project that uses both hooks, with a clean file and one with a fault that can be mended in its third line.

    It names the hooks in its configuration. `pre-commit try-repo` writes one of its own, and installs dsprep with all
    that it depends on at every call, for a minute or more.
    """
    folder = tmp_path_factory.mktemp("project")
    revision = _git("rev-parse", "HEAD", cwd=hooks).strip()
    config = {"repos": [{"repo": str(hooks), "rev": revision, "hooks": [{"id": "dsprep-lint"}, {"id": "dsprep-fix"}]}]}
    (folder / ".pre-commit-config.yaml").write_text(json.dumps(config), "utf-8")  # JSON is YAML
    rows = _rows()
    _written(folder / "clean.jsonl", rows[:30])
    rows[32]["messages"][0]["role"] = "User"
    _written(folder / "faulty.jsonl", rows[30:])
    (folder / "notes.txt").write_text("no data\n", "utf-8")
    return _committed(folder)


def test_the_hooks_as_a_project_uses_them(project: Path, tmp_path: Path) -> None:
    """One test, as its steps share the environment that pre-commit makes for the hooks."""

    def hook(name: str, *files: str) -> tuple[int, str]:
        done = _run(
            *(sys.executable, "-m", "pre_commit", "run", name, "--files", *files),
            cwd=project,
            timeout=1200,
            PRE_COMMIT_HOME=str(tmp_path),
        )
        return done.returncode, done.stdout + done.stderr

    clean, faulty = (project / "clean.jsonl").read_bytes(), (project / "faulty.jsonl").read_bytes()

    code, said = hook("dsprep-lint", "clean.jsonl", "faulty.jsonl", "notes.txt")
    assert code == 1, said
    assert re.search(r"^dsprep lint\.+Failed$", said, re.MULTILINE), said
    assert "SCH005 unknown-role" in said
    assert "faulty.jsonl:3 /messages/0/role  unknown role `User`" in said
    assert "clean.jsonl:" not in said
    assert "notes.txt" not in said
    assert (project / "faulty.jsonl").read_bytes() == faulty

    code, said = hook("dsprep-lint", "clean.jsonl")
    assert (code, bool(re.search(r"^dsprep lint\.+Passed$", said, re.MULTILINE))) == (0, True), said

    code, said = hook("dsprep-lint", "notes.txt")
    assert (code, "(no files to check)" in said) == (0, True), said

    code, said = hook("dsprep-fix", "clean.jsonl", "faulty.jsonl")
    assert code == 1, said
    assert re.search(r"^dsprep lint --fix\.+Failed$", said, re.MULTILINE), said
    assert "files were modified by this hook" in said
    # Everything was mended, so dsprep itself was content: pre-commit names an exit code only if it is not 0.
    assert "exit code" not in said
    assert (project / "clean.jsonl").read_bytes() == clean
    before, after = faulty.splitlines(), (project / "faulty.jsonl").read_bytes().splitlines()
    assert [i for i, line in enumerate(after) if line != before[i]] == [2]
    assert json.loads(after[2]) == json.loads(before[2].replace(b'"User"', b'"user"'))

    code, said = hook("dsprep-fix", "clean.jsonl", "faulty.jsonl")
    assert code == 0, said

    # Installed, they stand in the way of a commit, and what they mended is committed the next time.
    done = _run(sys.executable, "-m", "pre_commit", "install", cwd=project, PRE_COMMIT_HOME=str(tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr

    def commit() -> subprocess.CompletedProcess[str]:
        _git("add", "faulty.jsonl", cwd=project)
        return _run("git", "commit", "--message", "data", cwd=project, timeout=1200, PRE_COMMIT_HOME=str(tmp_path))

    (project / "faulty.jsonl").write_bytes(faulty + faulty.replace(b"Which number", b"What number"))
    head = _git("rev-parse", "HEAD", cwd=project)
    done = commit()
    assert done.returncode == 1, done.stdout + done.stderr
    assert "SCH005 unknown-role" in done.stdout + done.stderr
    assert _git("rev-parse", "HEAD", cwd=project) == head
    done = commit()
    assert done.returncode == 0, done.stdout + done.stderr
    assert _git("rev-parse", "HEAD", cwd=project) != head


def test_the_hook_can_be_tried_out(hooks: Path, tmp_path: Path) -> None:
    """`pre-commit try-repo`, in a project that has no configuration."""
    rows = _rows()
    rows[3]["messages"][0]["role"] = "User"
    _written(tmp_path / "faulty.jsonl", rows)
    _committed(tmp_path)
    done = _run(
        *(sys.executable, "-m", "pre_commit", "try-repo", hooks, "dsprep-lint", "--all-files"),
        cwd=tmp_path,
        timeout=1200,
    )
    said = done.stdout + done.stderr
    assert done.returncode == 1, said
    assert re.search(r"^dsprep lint\.+Failed$", said, re.MULTILINE), said
    assert "faulty.jsonl:4 /messages/0/role  unknown role `User`" in said


def test_the_manifest_is_one(tmp_path: Path) -> None:
    done = _run(sys.executable, "-m", "pre_commit", "validate-manifest", ROOT / ".pre-commit-hooks.yaml", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("train.jsonl", True),
        ("data/chat.v2.ndjson", True),
        ("train.json", False),
        ("train.jsonl.gz", False),
        ("jsonl", False),
    ],
)
def test_which_files_the_hooks_take(name: str, wanted: bool) -> None:
    import yaml

    for hook in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text("utf-8")):
        assert bool(re.search(hook["files"], name)) is wanted
        # Duplicates and overlap are found only among files that one process is given.
        assert hook["require_serial"] is True
