"""`--output-format`, several times: what goes where, what cannot be, and the same is said whatever was remembered."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import dsprep
from dsprep.config import FORMATS, ConfigError, Output, Settings, load_settings, outputs_from

Cli = Callable[..., "subprocess.CompletedProcess[str]"]


def _row(i: int, role: str = "user") -> str:
    messages = [{"role": role, "content": f"What is {i}?"}, {"role": "assistant", "content": f"{i} it is, no more."}]
    return json.dumps({"messages": messages}) + "\n"


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    """`dsprep` in a folder with a file whose third line has a fault."""
    (tmp_path / "a.jsonl").write_text("".join(_row(i, "narrator" if i == 2 else "user") for i in range(60)), "utf-8")

    def run(*arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "dsprep", *arguments],
            cwd=tmp_path,
            env=os.environ | {"NO_COLOR": "1"} | more,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    return run


def test_many_formats_at_once(cli: Cli, tmp_path: Path) -> None:
    named = [f"--output-format={name}=out/{name}" for name in FORMATS]
    (tmp_path / "out").mkdir()
    done = cli("lint", "a.jsonl", "--select", "SCH", *named)
    assert done.returncode == 1, done.stderr
    assert "SCH005 unknown-role" in done.stdout  # `full` is printed besides
    assert {file.name for file in (tmp_path / "out").iterdir()} == set(FORMATS)
    assert all("SCH005" in (tmp_path / "out" / name).read_text("utf-8") for name in FORMATS)
    for name in ("json", "sarif", "gitlab"):
        json.loads((tmp_path / "out" / name).read_text("utf-8"))
    assert (tmp_path / "out" / "full").read_text("utf-8") == done.stdout


@pytest.mark.parametrize("name", FORMATS)
def test_one_format_is_printed(cli: Cli, tmp_path: Path, name: str) -> None:
    printed = cli("lint", "a.jsonl", "--select", "SCH", "--output-format", name)
    assert printed.returncode == 1, printed.stderr
    filed = cli("lint", "a.jsonl", "--select", "SCH", "--output-format", name, "--output-file", "out.txt")
    assert filed.stdout == ""
    assert (tmp_path / "out.txt").read_text("utf-8") == printed.stdout != ""


def test_annotations_beside_what_is_printed(cli: Cli) -> None:
    """As `--output-format full --output-format github` in a workflow: the runner reads both streams."""
    both = cli("lint", "a.jsonl", "--select", "SCH", "--output-format", "json", "--output-format", "github")
    assert json.loads(both.stdout)["version"] == "1"
    assert both.stderr.startswith("::error file=a.jsonl,line=3,")
    alone = cli("lint", "a.jsonl", "--select", "SCH", "--output-format", "github")
    assert alone.stdout == both.stderr
    # The environment of a runner changes nothing by itself.
    runner = cli("lint", "a.jsonl", "--select", "SCH", GITHUB_ACTIONS="true")
    assert "::error" not in runner.stdout + runner.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--output-format=json=x", "--output-file=./x"], "two formats go to the one file 'x'"),
        (["--output-format=json=x", "--diff"], "--diff shows what would change, and makes no report"),
    ],
)
def test_what_does_not_go_together(cli: Cli, tmp_path: Path, arguments: list[str], said: str) -> None:
    done = cli("lint", "a.jsonl", *arguments)
    assert done.returncode == 2
    assert said in " ".join(done.stderr.split())
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize(
    ("formats", "said"),
    [
        (["sarf"], "no output format 'sarf'; did you mean 'sarif'?"),
        (
            ["zzz"],
            "no output format 'zzz'; there are full, concise, markdown, json, jsonl, sarif, github, gitlab, junit",
        ),
        (["json="], "'json=' names no file; write json=FILE, or json alone for standard output"),
        (
            ["full", "sarif"],
            "full and sarif cannot both go to standard output; give all but one a file, as in sarif=FILE",
        ),
        (["json=x.json", "sarif=./x.json"], "two formats go to the one file 'x.json'"),
        (["json=nowhere/x.json"], "there is no folder 'nowhere'"),
        (["json=a.jsonl"], "'a.jsonl' is one of the files that are read; write the report elsewhere"),
        (["json=./a.jsonl"], "'a.jsonl' is one of the files that are read; write the report elsewhere"),
    ],
)
def test_what_cannot_be_is_said(cli: Cli, tmp_path: Path, formats: list[str], said: str) -> None:
    before = (tmp_path / "a.jsonl").read_bytes()
    done = cli("lint", "a.jsonl", *(f"--output-format={text}" for text in formats))
    assert done.returncode == 2
    assert said in " ".join(done.stderr.split())
    assert (tmp_path / "a.jsonl").read_bytes() == before
    assert "Traceback" not in done.stderr


def test_an_input_that_a_pattern_means_is_not_written_to(cli: Cli, tmp_path: Path) -> None:
    before = (tmp_path / "a.jsonl").read_bytes()
    done = cli("lint", "*.jsonl", "--output-format", "jsonl=a.jsonl")
    assert done.returncode == 2
    assert "is one of the files that are read" in done.stderr
    assert (tmp_path / "a.jsonl").read_bytes() == before


def test_formats_in_a_file(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "dsprep.toml").write_text('output-format = ["concise", "sarif=out.sarif"]\nselect = ["SCH"]\n', "utf-8")
    done = cli("lint", "a.jsonl")
    assert done.stdout.startswith("a.jsonl:3:/messages/0/role SCH005 ")
    assert json.loads((tmp_path / "out.sarif").read_text("utf-8"))["version"] == "2.1.0"
    (tmp_path / "out.sarif").unlink()
    # What the command line says is instead of it.
    done = cli("lint", "a.jsonl", "--output-format", "json")
    assert json.loads(done.stdout)["version"] == "1"
    assert not (tmp_path / "out.sarif").exists()


@pytest.mark.parametrize("place", ["../out.sarif", "/tmp/out.sarif"])
def test_a_file_of_somebody_else_writes_nothing_outside_of_its_folder(tmp_path: Path, place: str) -> None:
    (tmp_path / "dsprep.toml").write_text(f'output-format = ["full", "sarif={place}"]\n', "utf-8")
    with pytest.raises(
        ConfigError, match=r"'output-format' names .* not below the folder of the file; give it with --o"
    ):
        load_settings(start=tmp_path)


def test_settings(tmp_path: Path) -> None:
    assert Settings().outputs == (Output("full"),)
    assert Settings(output_format="json").outputs == (Output("json"),)
    assert Settings(output_format=("sarif=x",)).outputs == (Output("full"), Output("sarif", Path("x")))
    assert Settings(output_format=("github",)).outputs == (Output("github"),)
    assert [Settings(output_format=name).by_content for name in ("full", "github", "sarif", "gitlab")] == [
        *(False, False),
        *(True, True),
    ]
    with pytest.raises(ConfigError, match="did you mean 'json'"):
        load_settings(["output-format=jsn"], start=tmp_path)
    assert outputs_from(["JSON", "json"]) == (Output("json"),)


def _prints(data: str | bytes) -> dict[int, str]:
    """Line to fingerprint."""
    return {
        result["locations"][0]["physicalLocation"]["region"]["startLine"]: result["partialFingerprints"][
            "primaryLocationLineHash"
        ]
        for result in json.loads(data)["runs"][0]["results"]
    }


def test_fingerprints_follow_their_rows(cli: Cli, tmp_path: Path) -> None:
    data = tmp_path / "a.jsonl"
    first = _prints(cli("lint", "a.jsonl", "--select", "SCH005", "--output-format", "sarif").stdout)
    data.write_text(_row(100) + _row(101, "someone") + data.read_text("utf-8"), "utf-8")
    second = _prints(cli("lint", "a.jsonl", "--select", "SCH005", "--output-format", "sarif").stdout)
    assert list(first) == [3]
    assert second[5] == first[3] != second[2]


def test_what_is_remembered_without_them_is_worked_out_again(cli: Cli) -> None:
    arguments = ("lint", "a.jsonl", "--select", "SCH")
    assert "SCH005" in cli(*arguments).stdout
    remembered = cli(*arguments, "--output-format", "sarif")
    again = cli(*arguments, "--output-format", "sarif", "--verbose")
    fresh = cli(*arguments, "--output-format", "sarif", "--no-cache")
    assert remembered.stdout == again.stdout == fresh.stdout
    assert "nothing has changed, the report is known" in again.stderr


def test_the_library_has_contents_if_asked(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    file.write_text(_row(1) + _row(2, "narrator"), "utf-8")
    assert dsprep.lint(file, select=("SCH",)).contents == {}
    one, several = (dsprep.lint(file, select=("SCH",), output_format="sarif", workers=n).contents for n in (1, 2))
    assert one == several
    assert [(key, len(digest)) for key, digest in one.items()] == [(1, 16)]


def test_prepare_writes_them_too(cli: Cli, tmp_path: Path) -> None:
    formats = ["--output-format=sarif=out.sarif", "--output-format=markdown=out.md"]
    done = cli("prepare", "a.jsonl", "--out", "ready", "--no-cache", *formats)
    assert "Checked between the splits" in done.stdout
    assert json.loads((tmp_path / "out.sarif").read_text("utf-8"))["runs"][0]["results"]
    assert "put aside" in (tmp_path / "out.md").read_text("utf-8")
    machine = cli("prepare", "a.jsonl", "--out", "ready", "--no-cache", "--output-format", "json")
    assert json.loads(machine.stdout)["settings"]["command"] == "prepare"


def _help(command: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "dsprep", command, "--help"], capture_output=True, text=True, check=True
    )
    return " ".join(done.stdout.split())


@pytest.mark.parametrize("command", ["lint", "prepare"])
def test_help_names_all_formats(command: str) -> None:
    said = _help(command)
    assert "--output-format FORMAT[=FILE]" in said
    assert f"{', '.join(FORMATS[:-1])} or {FORMATS[-1]}" in said


def test_what_is_remembered_is_said_without_loading_what_lints(cli: Cli) -> None:
    arguments = ("lint", "a.jsonl", "--select", "SCH", "--output-format", "github")
    first = cli(*arguments)
    loads: Any = cli(*arguments, PYTHONPROFILEIMPORTTIME="1")
    assert loads.stdout == first.stdout
    assert not any(f" {name}\n" in loads.stderr for name in ("pandas", "pyarrow", "scipy"))
