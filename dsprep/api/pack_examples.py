"""`dsprep pack test`: the examples of the rules that a pack defines, run as data would be."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from dsprep.api.linting import fix
from dsprep.api.session import Input, open_session
from dsprep.catalog.packs import Pack, PackError, load_pack
from dsprep.catalog.templates import Definition, UnfitDefinitionError, records_of, template_class
from dsprep.config import Settings
from dsprep.engine.folding import fold
from dsprep.engine.writing import encoded
from dsprep.model.finding import Finding
from dsprep.model.meta import RuleMeta
from dsprep.model.report import render_message


@dataclass(frozen=True)
class Failure:
    """An example that is not as it should be: which (`fail 2`), what was wanted and what was found."""

    example: str
    shown: str
    reason: str


@dataclass
class RuleOutcome:
    """What came of the examples of one rule."""

    meta: RuleMeta
    file: str
    passing: int = 0
    failing: int = 0
    fixing: int = 0
    failures: list[Failure] = field(default_factory=list)

    @property
    def examples(self) -> int:
        """How many there are."""
        return self.passing + self.failing + self.fixing

    @property
    def untested(self) -> str | None:
        """Which examples a rule lacks to be called tested; None if it has one of either kind."""
        lacking = [name for name, count in (("pass", self.passing), ("fail", self.failing)) if not count]
        return " and ".join(lacking) or None

    @property
    def good(self) -> bool:
        """Whether all examples are as they should be, and there are some of either kind."""
        return not self.failures and self.untested is None


def test_pack(name: str) -> tuple[Pack, list[RuleOutcome]]:
    """The pack of that name or path, and what came of the examples of each rule that it defines, in order of code.

    Raises PackError, UnknownNameError or UnknownTarget if it cannot be used at all.
    """
    pack = load_pack(name)
    pack.rule_options()  # says what is wrong with those of all rules, also of such as have no example
    _settings_fit(pack, name)
    with TemporaryDirectory(prefix="dsprep-pack-") as folder:
        return pack, [_tested(pack, name, code, Path(folder)) for code in sorted(pack.define)]


test_pack.__test__ = False  # type: ignore[attr-defined]  # pytest would take it for a test


def _settings_fit(pack: Pack, name: str) -> None:
    """Raise what a run with the pack would raise for a target that is none."""
    with TemporaryDirectory(prefix="dsprep-pack-") as folder:
        file = _written(Path(folder) / "none.jsonl", [{"messages": []}])
        open_session([file], Settings.model_validate({"pack": name, "select": (), "workers": 1}))


def _tested(pack: Pack, name: str, code: str, folder: Path) -> RuleOutcome:
    definition, file = pack.define[code], pack.defined_in[code]
    template = template_class(definition.template)
    examples = definition.examples
    outcome = RuleOutcome(pack.book.kind(code).meta, file)
    outcome.passing, outcome.failing, outcome.fixing = map(len, (examples.passing, examples.failing, examples.fix))
    runner = _Runner(name, code, folder)
    try:
        given = [
            (kind, number, example, records_of(definition, template, example))
            for kind, listed in (("pass", examples.passing), ("fail", examples.failing))
            for number, example in enumerate(listed, 1)
        ]
        # One run for all of them, unless an example is a data set of its own.
        together = [] if template.whole else runner.by_row([row for _, _, _, rows in given for row in rows])
        for place, (kind, number, example, rows) in enumerate(given):
            found = runner.of(rows) if template.whole else together[place]
            wanted = kind == "fail"
            if wanted != bool(found):
                said = "expected a finding, got none" if wanted else f"expected none, got: {_said(outcome.meta, found)}"
                outcome.failures.append(Failure(f"{kind} {number}", _shown(example), said))
        for number, pair in enumerate(examples.fix, 1):
            outcome.failures += _fixed(runner, definition, number, pair)
    except UnfitDefinitionError as error:
        raise PackError(f"{file}: define.{code}.{error}") from error
    return outcome


def _fixed(runner: _Runner, definition: Definition, number: int, pair: Any) -> Iterable[Failure]:
    template = template_class(definition.template)
    before, after = (records_of(definition, template, item) for item in (pair.before, pair.after))
    now = runner.mended(before)
    if now != after:
        made = _shown(now[0] if len(now) == 1 else now)
        yield Failure(f"fix {number}", _shown(pair.before), f"expected {_shown(pair.after)}, got {made}")


@dataclass
class _Runner:
    """Runs one rule of a pack over records, by way of a file, as any run does."""

    pack: str
    code: str
    folder: Path
    runs: int = 0

    def of(self, records: Sequence[Any]) -> list[Finding]:
        session = open_session([self._file(records)], self._settings())
        folded = fold(session.pipeline, session.rules, session.executor)
        if folded.errors:
            raise PackError(f"{self.pack}: define.{self.code}: {folded.errors[0].message}")
        return folded.tallies[self.code].sorted()

    def by_row(self, records: Sequence[Any]) -> list[list[Finding]]:
        """The findings of each record, for a rule that looks at one at a time."""
        out: list[list[Finding]] = [[] for _ in records]
        for finding in self.of(records):
            out[(finding.location.line or 1) - 1].append(finding)
        return out

    def mended(self, records: Sequence[Any]) -> list[Any]:
        item = self._file(records)
        fix([item.path], settings=self._settings())
        return [json.loads(line) for line in Path(item.path).read_bytes().splitlines()]

    def _settings(self) -> Settings:
        return Settings.model_validate({"pack": self.pack, "select": (self.code,), "workers": 1, "unsafe_fixes": True})

    def _file(self, records: Sequence[Any]) -> Input:
        self.runs += 1
        return _written(self.folder / f"{self.code}-{self.runs}.jsonl", records)


def _written(file: Path, records: Sequence[Any]) -> Input:
    file.write_bytes(b"".join(encoded(record) + b"\n" for record in records))
    return Input(str(file), None, file.name)


def _said(meta: RuleMeta, found: Sequence[Finding]) -> str:
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    return f"{render_message(meta, found[0].args)}{more}"


def _shown(example: Any) -> str:
    text = json.dumps(example, ensure_ascii=False, default=str)
    return text if len(text) <= 160 else f"{text[:159]}…"
