"""Running a rule's YAML cases: for dsprep's own rules and for those of plugins.

A case file `tests/cases/<rule-name>.yaml` holds `rule` and `cases`. A case gives rows (`given`, `raw`, `raw_base64` or
`files` per split), the findings to `expect`, and, for rules that fix, the rows after the fix (`fixed`) and the findings
`left`. What stands under `beside`, name to rows or text, is written beside the data, and options that say such a name
mean that file. Of an expected finding only the keys that are written are compared. Every case is run whole, with a row
per shard, with the shards in another order, and with states merged in another shape; all must say the same. What is
made of rows that are then moved to another place must be what is made of them there.
"""

from __future__ import annotations

import base64
import csv
import io
import json
import os
import pickle
import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import yaml

from dsprep import api
from dsprep.api.session import Input, Session, open_session
from dsprep.catalog.registry import find_rule
from dsprep.config import Settings
from dsprep.engine.caching import place_of
from dsprep.engine.fingerprints import Fingerprint
from dsprep.engine.folding import SHARD_BYTES, Fold, MapShard, fold
from dsprep.engine.ledger import SUFFIX
from dsprep.engine.writing import encoded
from dsprep.model.executor import ExchangingExecutor, Executor
from dsprep.model.finding import Finding
from dsprep.model.moving import Shift
from dsprep.model.report import render_message
from dsprep.model.rule import Rule
from dsprep.model.source import InputError, Shard

T = TypeVar("T")
R = TypeVar("R")


class ShuffledExecutor(ExchangingExecutor):
    """Runs items in a drawn order and hands results back in another, each pickled on the way, as a cluster would.

    Keyed states are shuffled by it, too: the rule is shown only rows that meet others (see `KeyedRule.meeting`).
    """

    name = "shuffled"

    def __init__(self, seed: int = 0, workers: int = 1) -> None:
        self._random = random.Random(seed)  # noqa: S311 - a test's order, not a secret
        self.workers = workers

    def run(self, task: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
        waiting = list(items)
        self._random.shuffle(waiting)
        # A fresh copy of the task per item: nothing may travel between shards inside it.
        results = [_copied(_copied(task)(_copied(item))) for item in waiting]
        self._random.shuffle(results)
        yield from results

    def exchange(
        self,
        task: Callable[[T, Sequence[Any]], tuple[R, Sequence[Any]]],
        calls: Iterable[tuple[T, Sequence[Any]]],
        parts: int,
    ) -> Iterator[tuple[int, R, Sequence[Any]]]:
        # What a handle stands for is the handle itself.
        for number, (result, kept) in self.run(_Numbered(task), enumerate(calls)):
            if len(kept) != parts:
                raise AssertionError(f"{len(kept)} parts are kept, where {parts} were announced")
            yield number, result, kept


class _Numbered:
    """A task that exchanges, of a number and a call."""

    def __init__(self, task: Callable[[Any, Sequence[Any]], Any]) -> None:
        self.task = task

    def __call__(self, item: tuple[int, tuple[Any, Sequence[Any]]]) -> tuple[int, Any]:
        number, (argument, values) = item
        return number, self.task(argument, values)


def _copied(value: T) -> T:
    """`value`, as it comes out of another process."""
    copy: T = pickle.loads(pickle.dumps(value))  # noqa: S301 - our own bytes
    return copy


def load_cases(file: Path) -> tuple[str, list[dict[str, Any]]]:
    """The rule that a case file is about, and its cases."""
    data = yaml.safe_load(file.read_text("utf-8"))
    return data["rule"], data["cases"]


def check_case(rule: str, case: Mapping[str, Any], folder: Path) -> None:
    """Run one case in the empty `folder`. Raises AssertionError with what differs."""
    code = find_rule(rule)
    inputs = _written(case, folder)
    settings = _settings(code, case, folder)
    found = _findings(inputs, settings, code, None)
    _compare(case.get("expect", []), found, "expect")
    for seed in range(3):
        again = _findings(inputs, settings, code, ShuffledExecutor(seed), shard_bytes=1)
        assert again == found, f"one row per shard, shuffled with seed {seed}, finds something else"
    for item in inputs:
        check_moving(item, settings, folder)
    if "fixed" not in case:
        return
    _check_fix(case, inputs, settings, code)


def findings_of(session: Session, code: str, *, shard_bytes: int = SHARD_BYTES) -> list[Finding]:
    """The findings of the rule with `code` in a session, all of them, in order."""
    folded = fold(session.pipeline, session.rules, session.executor, shard_bytes=shard_bytes)
    assert not folded.errors, folded.errors
    return folded.tallies[code].sorted()


def check_moving(item: Input, settings: Settings, folder: Path, folds: Mapping[str, Fold] | None = None) -> None:
    """Put the rows of `item` into two files, in other places, and work out the states of the rules that `settings`
    select, and of `folds`, for both. Raises AssertionError if moving the first (see `Rule.moved`) does not make the
    second of it. Does nothing for what cannot be moved."""
    rows = Path(item.path).read_bytes()
    files = [folder / "moving" / "first.jsonl", folder / "moving" / "elsewhere" / "second.jsonl"]
    before = [b'{"messages": []}\n', b'{"messages": []}\n{"messages": [], "more": "rows"}\n\n']
    for file, start in zip(files, before, strict=True):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(start + rows)
    try:
        session = open_session([Input(str(file), item.split, file.name) for file in files], settings)
    except InputError:
        return  # with rows of ours before them, they are none of the files that can be read
    if not all(source.movable for source in session.pipeline.sources):
        return
    task = MapShard(session.pipeline, session.rules, folds or {})
    shards = [
        Shard(number, len(start), len(start) + len(rows), start.count(b"\n"), start.count(b"\n") + 1)
        for number, start in enumerate(before)
    ]
    shift = Shift(*(place_of(source, shard) for source, shard in zip(session.pipeline.sources, shards, strict=True)))
    first, second = map(task, shards)
    moved = first.moved(shift, task.movers)
    assert moved is None or Fingerprint().of(moved) == Fingerprint().of(second), f"{moved}\nis not\n{second}"


def merged_anyhow(rule: Rule[Any], states: Sequence[Any], seed: int) -> Any:
    """`states` merged in a drawn order and a drawn shape of tree."""
    drawn = random.Random(seed)  # noqa: S311
    left = list(states)
    drawn.shuffle(left)
    while len(left) > 1:
        i = drawn.randrange(len(left) - 1)
        left[i : i + 2] = [rule.merge(left[i], left[i + 1])]
    return left[0] if left else rule.empty()


def _written(case: Mapping[str, Any], folder: Path) -> list[Input]:
    if "files" in case:
        inputs = []
        for split, rows in case["files"].items():
            path = folder / f"{split}.jsonl"
            path.write_bytes(_lines(rows))
            inputs.append(Input(str(path), split, path.name))
        return inputs
    kind = case.get("format", "jsonl")
    path = folder / f"data.{kind}"
    if "raw_base64" in case:
        path.write_bytes(base64.b64decode(case["raw_base64"]))
    elif "raw" in case:
        path.write_bytes(case["raw"].encode())
    elif kind == "csv":
        path.write_bytes(_table(case["given"]))
    else:
        path.write_bytes(_lines(case["given"]))
    return [Input(str(path), None, path.name)]


def _lines(rows: Sequence[Any]) -> bytes:
    return b"".join(encoded(row) + b"\n" for row in rows)


def _table(rows: Sequence[Mapping[str, Any]]) -> bytes:
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()


def _beside(case: Mapping[str, Any], folder: Path) -> dict[str, str]:
    """The files beside the data: name to path."""
    out: dict[str, str] = {}
    for name, content in case.get("beside", {}).items():
        path = folder / "beside" / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else _lines(content))
        out[name] = str(path)
    return out


def _meaning(value: Any, beside: Mapping[str, str]) -> Any:
    """`value` of an option, with names of files beside the data as paths."""
    if isinstance(value, list):
        return [_meaning(item, beside) for item in value]
    return beside.get(value, value) if isinstance(value, str) else value


def _settings(code: str, case: Mapping[str, Any], folder: Path) -> Settings:
    beside = _beside(case, folder)
    options = {name: _meaning(value, beside) for name, value in case.get("options", {}).items()}
    return Settings.model_validate(
        {
            "select": (code,),
            "rules": {code: options},
            "target": case.get("target", "openai:gpt-3.5-turbo-0125"),
            "unsafe_fixes": True,
            "workers": 1,
        }
    )


def _findings(
    inputs: Sequence[Input],
    settings: Settings,
    code: str,
    executor: Executor | None,
    shard_bytes: int = SHARD_BYTES,
) -> list[dict[str, Any]]:
    session = open_session(inputs, settings)
    if executor is not None:
        session.executor = executor
    rule = next(rule for rule in session.rules if rule.meta.code == code)
    return [
        {
            "severity": str(finding.severity),
            "message": render_message(rule.meta, finding.args),
            **finding.location.as_dict(),
            "args": json.loads(json.dumps(dict(finding.args))),
            "related": [place.as_dict() for place in finding.related],
            "fix": str(finding.fix.applicability) if finding.fix else None,
            "edits": finding.fix.as_dict()["edits"] if finding.fix else [],
            "rows": finding.rows,
        }
        for finding in findings_of(session, code, shard_bytes=shard_bytes)
    ]


def _compare(expected: Sequence[Mapping[str, Any]], found: Sequence[Mapping[str, Any]], what: str) -> None:
    shown = json.dumps(found, indent=1, ensure_ascii=False, default=str)
    assert len(expected) == len(found), f"{what}: {len(expected)} findings wanted, {len(found)} found: {shown}"
    for number, (want, have) in enumerate(zip(expected, found, strict=True)):
        difference = _difference(want, have)
        assert difference is None, f"{what}[{number}]: {difference}; found: {shown}"


def _difference(want: Any, have: Any) -> str | None:
    if isinstance(want, Mapping) and isinstance(have, Mapping):
        for key, value in want.items():
            if key not in have:
                if value is None:
                    continue
                return f"{key!r} is missing"
            inner = _difference(value, have[key])
            if inner is not None:
                return f"{key}: {inner}"
        return None
    if isinstance(want, list) and isinstance(have, list):
        if len(want) != len(have):
            return f"{len(want)} items wanted, {len(have)} found"
        return next((d for a, b in zip(want, have, strict=True) if (d := _difference(a, b)) is not None), None)
    if isinstance(want, float) and isinstance(have, float):
        return None if abs(want - have) <= 1e-6 * max(1.0, abs(want)) else f"{want!r} wanted, {have!r} found"
    return None if want == have else f"{want!r} wanted, {have!r} found"


def _check_fix(case: Mapping[str, Any], inputs: Sequence[Input], settings: Settings, code: str) -> None:
    by_split: dict[str, list[str]] = {}
    for item in inputs:
        by_split.setdefault(item.split or "paths", []).append(item.path)
    before = {item.path: Path(item.path).read_bytes() for item in inputs}
    api.fix(**by_split, settings=settings)  # type: ignore[arg-type]
    after = {item.path: Path(item.path).read_bytes() for item in inputs}
    wanted = case["fixed"] if isinstance(case["fixed"], Mapping) else {"data": case["fixed"]}
    for item in inputs:
        name = Path(item.path).stem
        if name not in wanted:
            continue
        lines = after[item.path].split(b"\n")
        assert lines[-1] == b"", f"{name}: the last line has no end"
        rows = [json.loads(line) for line in lines[:-1]]
        assert rows == wanted[name], f"fixed: {json.dumps(rows, ensure_ascii=False)} found"
    _compare(case.get("left", []), _findings(inputs, settings, code, None), "left")
    api.fix(**by_split, settings=settings)  # type: ignore[arg-type]
    for item in inputs:
        assert Path(item.path).read_bytes() == after[item.path], "fixing twice is not fixing once"
    for item, ledger in ((item, item.path + SUFFIX) for item in inputs):
        if os.path.exists(ledger):
            api.undo(ledger)
        assert Path(item.path).read_bytes() == before[item.path], "what was fixed is not what undoing it gives"
        assert not os.path.exists(ledger), "a ledger with nothing in it is left"
