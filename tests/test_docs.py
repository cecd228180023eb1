"""The documentation does what it says: its commands and its Python are run again, and its tables held to the code.

Each page of docs/ is run from top to bottom in a copy of samples/ of its own:

- ```` ```console ````: lines that begin with `$ ` are commands for bash (a `\\` at the end of a line continues them);
  what follows is exactly what they print, standard error included. Only white space at the ends of lines is left out.
- ```` ```python ````: is run, all blocks of a page in one interpreter. A ```` ```text ```` block right after it is what
  it prints; without one it prints nothing.
- `<!-- file: NAME -->` before a block of any language: the block is written to that file first.
- Other blocks (```` ```sh ````, ```` ```toml ```` …) are only read.

Output in a pipe is plain and does not depend on the machine; the width, which on a terminal is the terminal's, is set
to 100 columns here. With DSPREP_UPDATE_DOCS=1 in the environment the pages are rewritten with what was printed.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from dsprep.config import Settings

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
UPDATE = os.environ.get("DSPREP_UPDATE_DOCS") == "1"
#: The pages of rules come from the rules; their examples are those of the cases.
PAGES = sorted(DOCS.glob("*.md"))

_BLOCK = re.compile(
    r"(?:^<!-- file: (?P<file>\S+) -->\n\n?)?^```(?P<language>\w*)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL
)


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, its text, where that text is in the page, and the file it is to be written to."""

    language: str
    body: str
    start: int
    end: int
    file: str | None


def blocks(page: str) -> list[Block]:
    return [
        Block(found["language"], found["body"], found.start("body"), found.end("body"), found["file"])
        for found in _BLOCK.finditer(page)
    ]


class Runner:
    """Runs the blocks of a page in `folder`, and keeps what they should have said."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        kept = {
            name: value for name, value in os.environ.items() if not name.startswith(("DSPREP_", "GIT_", "PYTEST_"))
        }
        self.environment = {
            **kept,
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]),
            "PYTHONPATH": str(folder),  # where files that a page writes can be imported, as if installed
            "COLUMNS": "100",
            "NO_COLOR": "1",
            "TERM": "dumb",
            "LC_ALL": "C.UTF-8",
            "PYTHONUTF8": "1",
            "XDG_STATE_HOME": str(folder.parent / "state"),  # where the key of the cache is
        }
        self.status = 0
        self._python: subprocess.Popen[str] | None = None

    def write(self, name: str, text: str) -> None:
        file = self.folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")
        if file.name == "pyproject.toml":
            self._install(tomllib.loads(text)["project"])

    def console(self, body: str) -> str:
        """The block `body`, with the output that its commands have now."""
        out = []
        for command in _commands(body):
            # `$?` is the status of the command before, as in a shell.
            done = subprocess.run(
                ["bash", "-c", f"(exit {self.status})\n{command}"],
                cwd=self.folder,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                check=False,
                timeout=300,
            )
            self.status = done.returncode
            out.append(f"$ {command}\n{_plain(done.stdout.decode())}")
        return "".join(out)

    def python(self, code: str) -> str:
        """What `code` prints."""
        if self._python is None:
            self._python = subprocess.Popen(
                [sys.executable, "-c", _INTERPRETER],
                cwd=self.folder,
                env=self.environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        assert self._python.stdin is not None
        assert self._python.stdout is not None
        self._python.stdin.write(json.dumps(code) + "\n")
        self._python.stdin.flush()
        answer = json.loads(self._python.stdout.readline() or '{"error": "the interpreter has died"}')
        assert "error" not in answer, f"{code}\n{answer['error']}"
        return _plain(answer["printed"])

    def close(self) -> None:
        if self._python is not None:
            self._python.communicate()

    def _install(self, project: dict[str, Any]) -> None:
        """What `pip install` would tell the interpreter about entry points; the files themselves are on its path."""
        about = self.folder / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
        about.mkdir(exist_ok=True)
        (about / "METADATA").write_text(f"Name: {project['name']}\nVersion: {project['version']}\n", "utf-8")
        groups = project.get("entry-points", {})
        lines = [
            line for group, items in groups.items() for line in (f"[{group}]", *(f"{k}={v}" for k, v in items.items()))
        ]
        (about / "entry_points.txt").write_text("\n".join(lines) + "\n", "utf-8")


#: Runs the blocks it is sent, one JSON string a line, as parts of one `__main__`. Its own names are out of their reach.
_INTERPRETER = """
def run(names):
    import contextlib, io, json, sys, traceback
    answers = sys.stdout
    for line in sys.stdin:
        printed = io.StringIO()
        try:
            with contextlib.redirect_stdout(printed):
                exec(compile(json.loads(line), "<page>", "exec"), names)
            answer = {"printed": printed.getvalue()}
        except Exception:
            answer = {"error": traceback.format_exc()}
        print(json.dumps(answer), file=answers, flush=True)
run(globals())
"""


def _commands(body: str) -> Iterator[str]:
    lines = iter(body.splitlines())
    for line in lines:
        if line.startswith("$ "):
            command = line[2:]
            while command.endswith("\\"):
                command += "\n" + next(lines)
            yield command


def _plain(output: str) -> str:
    """`output` without white space at the ends of its lines, ending with one line end unless it is empty."""
    text = "\n".join(line.rstrip() for line in output.splitlines()).strip("\n")
    return f"{text}\n" if text else ""


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_says_what_happens(page: Path, tmp_path: Path) -> None:
    folder = tmp_path / "samples"
    shutil.copytree(ROOT / "samples", folder)
    runner = Runner(folder)
    text = page.read_text("utf-8")
    edits: list[tuple[Block, str]] = []
    found = blocks(text)
    try:
        for number, block in enumerate(found):
            if block.file is not None:
                runner.write(block.file, block.body)
            elif block.language == "console":
                edits.append((block, runner.console(block.body)))
            elif block.language == "python":
                printed = runner.python(block.body)
                after = found[number + 1] if number + 1 < len(found) else None
                if (
                    after is not None
                    and after.language == "text"
                    and text[block.end : after.start].split() == ["```", "```text"]
                ):
                    edits.append((after, printed))
                else:
                    assert printed == "", f"a python block without a text block prints:\n{printed}"
    finally:
        runner.close()
    if UPDATE:
        for block, new in reversed(edits):
            text = text[: block.start] + new + text[block.end :]
        page.write_text(text, "utf-8")
        return
    for block, new in edits:
        assert block.body == new, f"{page.name}; if this is right, run the test with DSPREP_UPDATE_DOCS=1"


def test_the_walk_is_run() -> None:
    """A page whose blocks are not recognised would pass whatever it says."""
    walk = [block for block in blocks((DOCS / "five-minutes.md").read_text("utf-8")) if block.language == "console"]
    assert len([command for block in walk for command in _commands(block.body)]) >= 8


def test_the_readme_has_its_two_commands() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    for name in ("main", "tests"):
        (line,) = re.findall(rf"<!-- {name} -->\n```sh\n(.+)\n```", readme)
        assert line.startswith("python3 -m venv .venv && ")


def test_the_screenshot_is_small() -> None:
    data = (DOCS / "report.png").read_bytes()
    assert data.startswith(b"\x89PNG")
    assert len(data) < 300_000


@pytest.mark.parametrize("page", [ROOT / "README.md", *PAGES], ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    text = re.sub(r"^```.*?^```$", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / unquote(path)).resolve() if path else page
        if not file.exists() or (anchor and anchor not in _anchors(file.read_text("utf-8"))):
            broken.append(target)
    assert broken == []


def _anchors(text: str) -> set[str]:
    """The anchors that headings get."""
    headings = re.findall(r"^#+ (.+)$", re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_index_names_every_page() -> None:
    index = (DOCS / "README.md").read_text("utf-8")
    assert [page.name for page in PAGES if page.name != "README.md" and f"]({page.name})" not in index] == []


def _table(heading: str) -> dict[str, list[str]]:
    """The rows of the table below a heading of configuration.md, by what stands in backquotes in the first cell."""
    section = (DOCS / "configuration.md").read_text("utf-8").partition(f"## {heading}\n")[2].partition("\n## ")[0]
    rows = [
        [cell.strip() for cell in line.strip("|").split(" | ")]
        for line in section.splitlines()
        if line.startswith("| `")
    ]
    return {row[0].strip("`"): row[1:] for row in rows}


def test_the_table_of_settings_is_that_of_the_code() -> None:
    wanted = {}
    for name, field in Settings.model_fields.items():
        default = field.get_default(call_default_factory=True)
        shown = "not set" if default is None else f"`{json.dumps(default)}`"
        wanted[name.replace("_", "-")] = [shown, field.description]
    assert {name: row[:2] for name, row in _table("All settings").items()} == wanted


def test_the_table_of_targets_is_that_of_the_code() -> None:
    from dsprep.catalog.packs import target_texts
    from dsprep.targets.loading import load_target, target_names

    wanted = {}
    for name in target_names(target_texts()):
        target = load_target(name, target_texts())
        limit = target.max_tokens
        tokens = f"{limit.value:,}{' (unverified)' if limit.unverified else ''}"
        wanted[name] = [tokens, f"`{target.encoding}`"]
    assert _table("Targets") == wanted
