"""What `dsprep new-rule` writes: a rule, its cases, and the package around them, which pass their tests as they are."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from dsprep.catalog.registry import ENTRY_POINT_GROUP, Rulebook

_RULE: Final = '''\
"""{code} {name}."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import Field

from dsprep.model.batch import Batch
from dsprep.model.finding import Finding, Severity
from dsprep.model.fix import Applicability, DropRow, Fix
from dsprep.model.rule import ExampleRule, FixAvailability, RuleMeta, RuleOptions


class {kind}Options(RuleOptions):
    phrases: tuple[str, ...] = Field(("to be changed",), description="What to look for, in small letters.")


class {kind}(ExampleRule):
    """An answer holds a phrase that it should not hold.

    ## What it does
    Looks for the `phrases` in the texts of the assistant; capital letters are as good as small ones.

    ## Why it matters
    Say here what goes wrong if nobody sees it.

    ## Example
    `This is to be changed.`

    ## Fix
    Drops the row. Unsafe, as every fix that drops rows.

    ## Source
    Say here who demands it.
    """

    meta = RuleMeta(
        code="{code}",
        name="{name}",
        severity=Severity.WARNING,
        message="the assistant says {{phrase!r}}",
        summary="an answer holds a phrase that it should not hold",
        fix=FixAvailability.ALWAYS,
    )
    Options = {kind}Options

    def find(self, batch: Batch) -> Iterator[Finding]:
        turns = batch.turns
        for turn, role in enumerate(turns.role):
            if role != "assistant":
                continue
            text = turns.text[turn]
            folded = text.casefold()
            for phrase in self.options.phrases:
                if (at := folded.find(phrase)) >= 0:
                    yield self.at(
                        batch,
                        turns.row[turn],
                        turns.pointer(turn),
                        args={{"phrase": phrase, "excerpt": text[at : at + 80]}},
                        fix=Fix(Applicability.UNSAFE, (DropRow(),)),
                    )
'''

_CASES: Final = """\
rule: {name}
cases:
  - name: names the phrase and drops the row
    given:
      - {{messages: [{{role: user, content: Hi}}, {{role: assistant, content: This is to be changed.}}]}}
      - {{messages: [{{role: user, content: Hi}}, {{role: assistant, content: Hi.}}]}}
    expect:
      - line: 1
        pointer: /messages/1/content
        message: "the assistant says 'to be changed'"
        fix: unsafe
    fixed:
      - {{messages: [{{role: user, content: Hi}}, {{role: assistant, content: Hi.}}]}}
  - name: other phrases
    options: {{phrases: [kind regards]}}
    given:
      - {{messages: [{{role: user, content: Hi}}, {{role: assistant, content: Kind regards}}]}}
    expect: [{{line: 1}}]
  - name: users and malformed records may say what they like
    given:
      - {{messages: [{{role: user, content: to be changed}}, {{role: assistant, content: 7}}]}}
      - {{messages: 3}}
      - [to be changed]
    expect: []
"""

_PLUGIN: Final = '''\
"""Rules of {project} for dsprep. `RULES` names them without importing them."""

RULES = {{
{line}}}


class Plugin:
    def rules(self):
        return RULES
'''

_LINE: Final = '    "{code}": "{package}.{module}:{kind}",\n'

_PROJECT: Final = """\
[build-system]
requires = ["hatchling>=1.25"]
build-backend = "hatchling.build"

[project]
name = "{project}"
version = "0.1.0"
description = "Rules for dsprep."
requires-python = ">=3.11"
dependencies = ["dsprep"]

[project.optional-dependencies]
test = ["pytest>=8"]

[project.entry-points."{group}"]
{project} = "{package}:Plugin"

[tool.hatch.build.targets.wheel]
packages = ["{package}"]
"""

TESTS: Final = '''\
"""Every case of every rule: whole, in pieces, in other orders, and fixed."""

from pathlib import Path

import pytest

from dsprep.testing import check_case, load_cases

CASES = [
    pytest.param(rule, case, id=f"{rule}-{case['name']}")
    for file in sorted((Path(__file__).parent.parent / "cases").glob("*.yaml"))
    for rule, cases in [load_cases(file)]
    for case in cases
]


@pytest.mark.parametrize(("rule", "case"), CASES)
def test_case(rule, case, tmp_path):
    check_case(rule, case, tmp_path)
'''


class ScaffoldError(ValueError):
    """A rule that cannot be begun as asked. The message says why, and what to do."""


@dataclass(frozen=True)
class Scaffold:
    """Files to write, by path, with what is to be said of them. `replaced` are those that are there already."""

    code: str
    files: dict[Path, str]
    replaced: frozenset[Path]
    notes: tuple[str, ...] = ()


def scaffold(name: str, folder: Path, code: str | None = None) -> Scaffold:
    """A rule called `name` in the plugin package in `folder`, which is made if there is none.

    Nothing is written yet. Raises ScaffoldError if the name or the code is taken or is none, or if a file would be
    replaced.
    """
    if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", name):
        raise ScaffoldError(f"{name!r} is no name of a rule: small letters and digits, with hyphens between words")
    book = Rulebook()
    if name in book.names:
        raise ScaffoldError(f"there is a rule {name} already: {book.names[name]}")
    project_file = folder / "pyproject.toml"
    new = not project_file.exists()
    package = _package_of(folder) if new else _package_in(project_file)
    place = folder / package
    if not new and not place.is_dir() and (folder / "src" / package).is_dir():
        place = folder / "src" / package
    register = place / "__init__.py"
    registered = register.read_text("utf-8") if register.exists() else ""
    taken = {*book.codes, *re.findall(r"[\"']([A-Z]{3}\d{3})[\"']", registered)}
    chosen = _code(code, taken, registered, package)
    words = name.split("-")
    fields = {
        "code": chosen,
        "name": name,
        "kind": "".join(word.capitalize() for word in words),
        "module": "_".join(words),
        "package": package,
        "project": package.replace("_", "-"),
        "group": ENTRY_POINT_GROUP,
    }
    line = _LINE.format(**fields)
    files = {
        place / f"{fields['module']}.py": _RULE.format(**fields),
        folder / "cases" / f"{name}.yaml": _CASES.format(**fields),
    }
    replaced: set[Path] = set()
    notes: tuple[str, ...] = ()
    if new:
        files[project_file] = _PROJECT.format(**fields)
        files[register] = _PLUGIN.format(**fields, line=line)
    elif (changed := _with_line(registered, line)) is not None:
        files[register] = changed
        replaced.add(register)
    else:
        notes = (f"add it to what the rules() of your plugin gives: {line.strip()}",)
    tests = folder / "tests" / "test_rules.py"
    if not tests.exists():
        files[tests] = TESTS
    there = [file for file in files if file.exists() and file not in replaced]
    if there:
        raise ScaffoldError(f"{there[0]} is there already; nothing was written. Take another name or folder")
    return Scaffold(chosen, files, frozenset(replaced), notes)


def _package_of(folder: Path) -> str:
    """The name of the package for a new project in `folder`."""
    name = re.sub(r"[^a-z0-9]+", "_", folder.resolve().name.lower()).strip("_")
    if not re.fullmatch(r"[a-z]\w*", name):
        raise ScaffoldError(f"a package cannot be called after the folder {folder}; name another one with --into")
    return name


def _package_in(file: Path) -> str:
    """The package of the plugin that a pyproject.toml names."""
    try:
        project = tomllib.loads(file.read_text("utf-8")).get("project", {})
        entries = project.get("entry-points", {}).get(ENTRY_POINT_GROUP, {})
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, AttributeError) as error:
        raise ScaffoldError(f"{file}: not a pyproject.toml: {error}") from error
    package = next((str(entry).partition(":")[0].partition(".")[0] for entry in entries.values()), None)
    if package is None:
        raise ScaffoldError(
            f"{file} names no plugin of dsprep under [project.entry-points.{ENTRY_POINT_GROUP!r}]; "
            "name the folder of one, or of none yet, with --into"
        )
    return package


def _code(asked: str | None, taken: Iterable[str], registered: str, package: str) -> str:
    """The code of the new rule: the one asked for, or the next one of the plugin's own letters."""
    known = set(taken)
    if asked is not None:
        code = asked.upper()
        if not re.fullmatch(r"[A-Z]{3}\d{3}", code):
            raise ScaffoldError(f"{asked!r} is no code: it is three capital letters and three digits, such as ACM001")
        if code in known:
            raise ScaffoldError(f"the code {code} is taken; leave --code out to get the next free one")
        return code
    own = re.findall(r"[\"']([A-Z]{3})\d{3}[\"']", registered)
    letters = (re.sub(r"[^A-Z]", "", package.upper()) + "XXX")[:3]
    foreign = {code[:3] for code in known} - set(own)
    if own:
        letters = own[-1]
    elif letters in foreign:
        letters = next(f"X{a}{b}" for a in letters for b in "ABCDEFGHIJ" if f"X{a}{b}" not in foreign)
    return next(code for n in range(1, 1000) if (code := f"{letters}{n:03}") not in known)


def _with_line(registered: str, line: str) -> str | None:
    """The module that registers rules, with one more; None if it has no table that ends with a brace on a line."""
    found = re.search(r"^RULES\b[^\n]*= \{\n(?:[^\n}]*\n)*?(?=\}$)", registered, re.MULTILINE)
    if found is None:
        return None
    return registered[: found.end()] + line + registered[found.end() :]
