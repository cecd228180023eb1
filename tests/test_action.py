"""The composite GitHub Action and the GitLab job: their files are what the services want, and their scripts are run, in
the shell that the services use, with inputs that are out for more."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parent.parent
ACTION = ROOT / "action.yml"
JOB = ROOT / "templates" / "dsprep.gitlab-ci.yml"
TOOLS = Path(sys.executable).parent

CLEAN = {"messages": [{"role": "user", "content": "Which?"}, {"role": "assistant", "content": "That one, there."}]}


def _rows(file: Path, fault: bool = False) -> None:
    rows = [json.loads(json.dumps(CLEAN).replace("Which?", f"Which of {i}?")) for i in range(12)]
    for i, row in enumerate(rows):
        row["messages"][1]["content"] = f"Number {i}, over there."
    if fault:
        rows[2]["messages"][0]["role"] = "narrator"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")


@pytest.fixture(scope="module")
def action() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(ACTION.read_text("utf-8"))
    return loaded


class Runner:
    """Runs steps of the action as a runner does: defaults of inputs, `env`, files for outputs and summary."""

    def __init__(self, action: dict[str, Any], folder: Path) -> None:
        self.action = action
        self.temp = folder / "temp"
        self.work = folder / "work"
        self.files = {name: folder / name for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
        for place in (self.temp, self.work):
            place.mkdir()
        for file in self.files.values():
            file.touch()
        (self.temp / "dsprep-venv" / "bin").mkdir(parents=True)
        (self.temp / "dsprep-venv" / "bin" / "dsprep").symlink_to(TOOLS / "dsprep")

    def step(self, name: str, path: str | None = None, **inputs: str) -> subprocess.CompletedProcess[str]:
        (step,) = [step for step in self.action["runs"]["steps"] if step["id"] == name]
        assert step["shell"] == "bash"
        values = {key: item["default"] for key, item in self.action["inputs"].items()}
        values |= {key.replace("_", "-"): value for key, value in inputs.items()}
        env = {}
        for key, expression in step["env"].items():
            found = re.fullmatch(r"\$\{\{ inputs\.([\w-]+) \}\}", expression)
            assert found, expression
            env[key] = values[found[1]]
        script = self.temp / "script.sh"
        script.write_text(step["run"], "utf-8")
        return subprocess.run(
            ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", script],
            cwd=self.work,
            env={
                "PATH": path if path is not None else os.environ["PATH"],
                "HOME": str(self.temp),
                "RUNNER_TEMP": str(self.temp),
                "GITHUB_ACTION_PATH": str(ROOT),
                "GITHUB_ACTIONS": "true",
                "DSPREP_NO_CACHE": "1",
                **{key: str(file) for key, file in self.files.items()},
                **env,
            },
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    @property
    def summary(self) -> str:
        return self.files["GITHUB_STEP_SUMMARY"].read_text("utf-8")

    @property
    def outputs(self) -> dict[str, str]:
        return dict(line.split("=", 1) for line in self.files["GITHUB_OUTPUT"].read_text("utf-8").splitlines())


@pytest.fixture
def runner(action: dict[str, Any], tmp_path: Path) -> Runner:
    return Runner(action, tmp_path)


def _heard(output: str) -> list[str]:
    """The commands that a runner would carry out: not those between stop-commands and its token."""
    heard, token = [], None
    for line in output.splitlines():
        found = re.match(r"\s*::([\w-]+)(?: [^:]*)?::(.*)", line)
        if not found:
            continue
        if token is not None:
            token = None if found[1] == token else token
        elif found[1] == "stop-commands":
            token = found[2]
        else:
            heard.append(line)
    return heard


def _check(*command: str | Path) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_files_are_what_the_services_want() -> None:
    _check(TOOLS / "check-jsonschema", "--builtin-schema", "vendor.github-actions", ACTION)
    _check(TOOLS / "check-jsonschema", "--builtin-schema", "vendor.gitlab-ci", JOB)


def _examples(page: Path) -> list[str]:
    return re.findall(r"```yaml\n(.*?)```", page.read_text("utf-8"), re.DOTALL)


def test_the_examples_of_the_page_are_what_the_services_want(action: dict[str, Any], tmp_path: Path) -> None:
    workflow, job = _examples(ROOT / "docs" / "ci.md")
    (tmp_path / "workflow.yml").write_text(workflow, "utf-8")
    (tmp_path / "job.yml").write_text(job, "utf-8")
    _check(TOOLS / "check-jsonschema", "--builtin-schema", "vendor.github-workflows", tmp_path / "workflow.yml")
    _check(TOOLS / "check-jsonschema", "--builtin-schema", "vendor.gitlab-ci", tmp_path / "job.yml")
    steps = yaml.safe_load(workflow)["jobs"]["data"]["steps"]
    (own,) = [step for step in steps if "dsprep" in step["uses"]]
    assert own["with"].keys() <= action["inputs"].keys()
    assert (
        yaml.safe_load(job)["dsprep"]["variables"].keys()
        <= yaml.safe_load(JOB.read_text())["dsprep"]["variables"].keys()
    )


def test_the_page_names_all_inputs(action: dict[str, Any]) -> None:
    section = (ROOT / "docs" / "ci.md").read_text("utf-8").partition("| input |")[2].partition("\n\n")[0]
    named = {name for line in section.splitlines() for name in re.findall(r"`([a-z-]+)`", line.split("|")[1])}
    assert named == set(action["inputs"])


def test_nothing_is_put_into_scripts() -> None:
    _check(TOOLS / "zizmor", "--offline", "--no-config", "--persona=pedantic", ACTION)
    for step in yaml.safe_load(ACTION.read_text("utf-8"))["runs"]["steps"]:
        assert "${{" not in step["run"]


def test_every_input_is_used(action: dict[str, Any]) -> None:
    used = {value for step in action["runs"]["steps"] for value in step["env"].values()}
    assert {f"${{{{ inputs.{name} }}}}" for name in action["inputs"]} == used


def test_clean_data(runner: Runner) -> None:
    _rows(runner.work / "train.jsonl")
    done = runner.step("lint", files="train.jsonl\n")
    assert done.returncode == 0, done.stdout + done.stderr
    assert runner.outputs == {"exit-code": "0"}
    assert "dsprep: Would be accepted by `openai:gpt-3.5-turbo-0125`" in runner.summary
    assert not [line for line in _heard(done.stdout) if line.startswith("::error")]


def test_faulty_data(runner: Runner) -> None:
    _rows(runner.work / "train.jsonl")
    _rows(runner.work / "more data.jsonl", fault=True)
    done = runner.step(
        "lint",
        files="train.jsonl\r\nmore data.jsonl",
        sarif_file="out.sarif",
        json_file="out.json",
        markdown_file="out.md",
        args="--ignore=DUP\n--select=SCH,DUP",
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert runner.outputs == {"exit-code": "1"}
    assert "SCH005 unknown-role" in done.stdout
    (annotation,) = [line for line in _heard(done.stdout) if line.startswith("::error")]
    assert annotation.startswith("::error file=more data.jsonl,line=3,title=dsprep%3A SCH005 unknown-role::")
    assert "❌" in runner.summary
    assert (runner.work / "out.md").read_text("utf-8") == runner.summary
    (result,) = json.loads((runner.work / "out.sarif").read_text("utf-8"))["runs"][0]["results"]
    assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "more%20data.jsonl"
    assert json.loads((runner.work / "out.json").read_text("utf-8"))["summary"]["counts"]["error"] == 1


def test_what_can_be_left_out_and_set(runner: Runner) -> None:
    (runner.work / "data").mkdir()
    _rows(runner.work / "data" / "train.jsonl", fault=True)
    _rows(runner.work / "data" / "validation.jsonl")
    done = runner.step(
        "lint",
        train="train.jsonl",
        validation="validation.jsonl",
        working_directory="data",
        fail_on="never",
        target="openai:gpt-4o-mini",
        annotations="false",
        summary="false",
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "openai:gpt-4o-mini" in done.stdout
    assert (_heard(done.stdout), runner.summary) == ([], "")


def test_what_cannot_be_used_fails(runner: Runner) -> None:
    done = runner.step("lint", files="missing.jsonl")
    assert done.returncode == 2
    assert runner.outputs == {"exit-code": "2"}
    assert "missing.jsonl: there is no such file" in done.stderr


@pytest.mark.parametrize(
    "name",
    [
        "$(touch pwned).jsonl",
        "`touch pwned`.jsonl",
        "; touch pwned;.jsonl",
        '" && touch pwned && ".jsonl',
        "-rf.jsonl",
        "--output-file=pwned.jsonl",
        "::error file=x::y.jsonl",
        "::stop-commands::x.jsonl",
        "a'b\"c \\ d.jsonl",
        "%0A::error::z.jsonl",
    ],
)
def test_names_of_files_are_names(runner: Runner, name: str) -> None:
    _rows(runner.work / name, fault=True)
    done = runner.step("lint", files=name, sarif_file=f"{name}.sarif", args="--no-baseline")
    assert done.returncode == 1, done.stdout + done.stderr
    assert {file.name for file in runner.work.iterdir()} == {name, f"{name}.sarif"}
    for line in _heard(done.stdout):
        assert re.match(r"::(error|warning|notice) (file=[^:]*,line=\d+,)?(file=[^:]*,)?title=dsprep%3A ", line), line


@pytest.mark.parametrize("version", ["", "1.2", "1; touch pwned", "--index-url=http://evil.example"])
def test_what_is_installed(runner: Runner, version: str, tmp_path: Path) -> None:
    """By pip, in an environment of its own; `python3` here is a stand-in that puts down what it is asked."""
    tools = tmp_path / "tools"
    tools.mkdir()
    shutil.rmtree(runner.temp / "dsprep-venv")
    said = tmp_path / "said"
    python = tools / "python3"
    python.write_text(
        "#!/bin/bash\n"
        f'if [ "$1" = -c ]; then exit 0; fi\nprintf "%s\\n" "$@" >> "{said}"\n'
        'if [ "$2" = venv ]; then mkdir -p "$3/bin"; cp "$0" "$3/bin/python"; fi\n'
    )
    python.chmod(0o755)
    done = runner.step("install", path=f"{tools}:/usr/bin:/bin", version=version)
    assert done.returncode == 0, done.stdout + done.stderr
    asked = said.read_text().splitlines()
    assert asked[:3] == ["-m", "venv", str(runner.temp / "dsprep-venv")]
    assert asked[3:6] == ["-m", "pip", "install"]
    assert asked[-2:] == ["--", f"dsprep=={version}" if version else str(ROOT)]
    assert not list(runner.work.iterdir())


def test_uv_is_taken_if_it_is_there(runner: Runner, tmp_path: Path) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    said = tmp_path / "said"
    for name, text in (("python3", "exit 0"), ("uv", f'echo "$@" >> "{said}"')):
        (tools / name).write_text(f"#!/bin/bash\n{text}\n")
        (tools / name).chmod(0o755)
    done = runner.step("install", path=f"{tools}:/usr/bin:/bin")
    assert done.returncode == 0, done.stdout + done.stderr
    venv, install = said.read_text().splitlines()
    assert venv.startswith("venv ")
    assert install.endswith(f"-- {ROOT}")


def test_an_old_python_is_refused_in_a_sentence(runner: Runner, tmp_path: Path) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("python", "python3"):
        (tools / name).write_text("#!/bin/bash\nexit 1\n")
        (tools / name).chmod(0o755)
    done = runner.step("install", path=f"{tools}:/usr/bin:/bin")
    assert done.returncode == 1
    assert "There is no Python 3.11 or newer" in done.stdout


@pytest.fixture
def job() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(JOB.read_text("utf-8"))["dsprep"]
    return loaded


@pytest.mark.parametrize("shell", ["bash", "sh"])
def test_the_job_of_gitlab(job: dict[str, Any], tmp_path: Path, shell: str) -> None:
    names = ["good.jsonl", "$(touch pwned) faulty.jsonl"]
    _rows(tmp_path / names[0])
    _rows(tmp_path / names[1], fault=True)
    variables = job["variables"] | {"DSPREP_FILES": "\n".join(names), "DSPREP_ARGS": "--select=SCH\n--no-cache"}
    done = subprocess.run(
        [shell, "-e", "-c", "\n".join(job["script"])],
        cwd=tmp_path,
        env={"PATH": f"{TOOLS}:{os.environ['PATH']}", "HOME": str(tmp_path), **variables},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    reports = job["artifacts"]["reports"]
    (issue,) = json.loads((tmp_path / reports["codequality"]).read_text("utf-8"))
    assert issue["location"] == {"path": names[1], "lines": {"begin": 3}}
    assert 'failures="1"' in (tmp_path / reports["junit"]).read_text("utf-8")
    assert {file.name for file in tmp_path.iterdir()} == {*names, *reports.values()}


def test_the_job_takes_all_lines_by_default(job: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    _rows(tmp_path / "deep" / "a.jsonl")
    done = subprocess.run(
        ["sh", "-e", "-c", "\n".join(job["script"])],
        cwd=tmp_path,
        env={
            "PATH": f"{TOOLS}:{os.environ['PATH']}",
            "HOME": str(tmp_path),
            "DSPREP_NO_CACHE": "1",
            **job["variables"],
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
