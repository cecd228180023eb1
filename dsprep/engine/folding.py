"""Pass one: every shard is read once, every rule's fold runs over it, the states are merged and finished."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from dsprep.engine.caching import Known
from dsprep.engine.fingerprints import UnknowableError
from dsprep.engine.hiding import FOUND, FoundPiece, FoundRows, Hiding, Sieve
from dsprep.engine.pipeline import Pipeline
from dsprep.engine.planning import shards_of
from dsprep.engine.repairing import ContentKey, Repaired
from dsprep.engine.rows import RowPiece, RowTable
from dsprep.engine.shuffling import mapped
from dsprep.engine.storage import Storage
from dsprep.engine.store import Store, log
from dsprep.model.batch import Batch
from dsprep.model.executor import ExchangingExecutor, Executor
from dsprep.model.finding import Finding, Tally
from dsprep.model.moving import Shift
from dsprep.model.report import EngineError
from dsprep.model.rule import ExampleRule, Meeting, Rows, Rule
from dsprep.model.source import Shard

#: Fates that no rule's code stands for: an empty line, and a row that is no conversation though no rule said so.
BLANK, UNUSABLE = 0xFFFF, 0xFFFE

#: Findings by code, on the rows of a batch, as they may be shown. Picklable.
Masking = Callable[[Batch, Mapping[str, Sequence[Finding]]], dict[str, list[Finding]]]

#: About as many bytes per shard as keep a worker busy for half a second.
SHARD_BYTES = 4 << 20


class Fold(Protocol):
    """What the engine runs over shards besides rules: statistics, keys for splitting. Same laws as a rule's fold."""

    def empty(self) -> Any: ...
    def map(self, batch: Batch) -> Any: ...
    def merge(self, a: Any, b: Any) -> Any: ...
    def moved(self, state: Any, shift: Shift) -> Any | None: ...


@dataclass
class Shredded:
    """What a worker makes of one shard: states by fold key, row places, and each row's fate."""

    states: dict[str, Any]
    rows: list[RowPiece] = field(default_factory=list)
    #: 0: the row stays; n: the n-th code of `MapShard.codes` (1-based) takes it out; BLANK and UNUSABLE: see there.
    fate: list[NDArray[np.uint16]] = field(default_factory=list)
    fixed: Counter[str] = field(default_factory=Counter)
    errors: list[EngineError] = field(default_factory=list)
    bytes: int = 0
    #: How many bytes of the cache this takes.
    kept: int = 0

    def moved(self, shift: Shift, movers: Mapping[str, Any]) -> Shredded | None:
        """See `engine.caching.Result.moved`."""
        states = {key: movers[key].moved(state, shift) for key, state in self.states.items()}
        if any(state is None for state in states.values()):
            return None
        return replace(self, states=states, rows=[piece.moved(shift) for piece in self.rows])


@dataclass
class MapShard:
    """The task of a worker: shard in, states out. Picklable.

    `ignored` are rules (by code) that have nothing to say of a source, by its index. With `content`, it is put down
    which findings are about which row, by what the row says (see engine.hiding). `masking` makes findings about single
    rows fit to be shown.
    """

    pipeline: Pipeline
    rules: Sequence[Rule[Any]]
    folds: Mapping[str, Fold] = field(default_factory=dict)
    ignored: Mapping[int, frozenset[str]] = field(default_factory=dict)
    content: ContentKey | None = None
    masking: Masking | None = None

    def __post_init__(self) -> None:
        self.singles = [rule for rule in self.rules if isinstance(rule, ExampleRule)]
        # Rules that share a fold are mapped once, by the first of them.
        self.shared: dict[str, Rule[Any]] = {}
        for rule in self.rules:
            if not isinstance(rule, ExampleRule):
                self.shared.setdefault(rule.fold_key, rule)
        # A caller that wants the state of a fold which rules need anyway gets theirs.
        self.extra = {key: fold for key, fold in self.folds.items() if key not in self.shared}
        self.codes = sorted(rule.meta.code for rule in self.rules)
        self.number = {code: i + 1 for i, code in enumerate(self.codes)}
        self.by_name = {rule.meta.name: rule.meta.code for rule in self.rules}

    @property
    def movers(self) -> dict[str, Rule[Any] | Fold | FoundRows]:
        """What merges and moves states, by their keys."""
        return {single.meta.code: single for single in self.singles} | self.shared | self.extra | {FOUND: FoundRows()}

    @property
    def meetings(self) -> dict[str, tuple[Meeting, ...]]:
        """By states that need not come together whole: what brings rows together for all that read them."""
        asked: dict[str, list[Meeting | None]] = {}
        for key, reader in (*((rule.fold_key, rule) for rule in self.rules), *self.folds.items()):
            asked.setdefault(key, []).append(getattr(reader, "meeting", None))
        return {
            key: tuple(dict.fromkeys(some for some in meetings if some is not None))
            for key, meetings in asked.items()
            if None not in meetings
        }

    def __call__(self, shard: Shard) -> Shredded:
        out = Shredded({}, bytes=shard.end - shard.start)
        ignored = self.ignored.get(shard.source, ())
        piece = None if self.content is None else FoundPiece(self.content, self.number)
        for batch in self.pipeline.read(shard):
            out.rows.append(RowPiece.of(batch))
            found = {
                single.meta.code: [] if single.meta.code in ignored else self._found(single, batch, out)
                for single in self.singles
            }
            if piece is not None:
                piece.add(batch, found)
            if self.masking is not None:
                found = self.masking(batch, found)
            for single in self.singles:
                tally = out.states.get(single.meta.code)
                if tally is None:
                    tally = out.states[single.meta.code] = single.empty()
                tally.extend(found[single.meta.code])
            seen = batch
            if self.pipeline.repair is None:
                out.fate.append(_blanks(batch))
            else:
                repaired = self.pipeline.repair(batch, self.pipeline.normalisers[batch.source], found)
                seen = self._judged(repaired, out)
            seen.noted = _noted(batch, found)[np.searchsorted(batch.keys, seen.keys)]
            for key, rule in self.shared.items():
                self._fold(key, rule, seen, out)
            for key, fold in self.extra.items():
                state = fold.map(seen)
                out.states[key] = fold.merge(out.states[key], state) if key in out.states else state
        if piece is not None:
            out.states[FOUND] = piece.state()
        return out

    def _found(self, rule: ExampleRule, batch: Batch, out: Shredded) -> list[Finding]:
        try:
            return list(rule.find(batch))
        except Exception as error:
            found: list[Finding] = []
            known = len(out.errors)
            for single in _singles(batch):
                try:
                    found.extend(rule.find(single))
                except Exception as cause:
                    out.errors.append(_error(rule, single, cause))
            if len(out.errors) == known:
                out.errors.append(_error(rule, batch, error))
            return found

    def _fold(self, key: str, rule: Rule[Any], batch: Batch, out: Shredded) -> None:
        try:
            state = rule.map(batch)
        except Exception as error:
            state = rule.empty()
            known = len(out.errors)
            for single in _singles(batch):
                try:
                    state = rule.merge(state, rule.map(single))
                except Exception as cause:
                    out.errors.append(_error(rule, single, cause))
            if len(out.errors) == known:
                out.errors.append(_error(rule, batch, error))
        out.states[key] = rule.merge(out.states[key], state) if key in out.states else state

    def _judged(self, repaired: Repaired, out: Shredded) -> Batch:
        """Note the fate of each row; the batch of those that stay."""
        batch = repaired.batch
        fate = _blanks(batch)
        for i, code in repaired.dropped.items():
            if fate[i] != BLANK:
                fate[i] = self.number[code]
        for i, finding in repaired.rejected.items():
            fate[i] = self.number[finding.code]
        for i, record in enumerate(batch.records):
            if batch.examples[i] is None and not fate[i] and not record.blank:
                # A fault that only warns elsewhere is the reason here, if a rule reports it.
                codes = (self.by_name[fault.kind] for fault in record.faults if fault.kind in self.by_name)
                fate[i] = self.number.get(next(codes, ""), UNUSABLE)
        out.fate.append(fate)
        out.fixed += repaired.fixed
        if not fate.any():
            return batch
        keep = np.flatnonzero(fate == 0).tolist()
        return batch.with_rows([batch.records[i] for i in keep], [batch.examples[i] for i in keep])


@dataclass
class Folded:
    """Pass one, done: tallies by code, the row table, the states of extra folds, and what to do about what."""

    tallies: dict[str, Tally]
    table: RowTable
    states: dict[str, Any]
    errors: list[EngineError]
    #: Findings of rules over the whole data whose fix the caller accepts, in order (see `accept`).
    accepted: list[Finding]
    #: Fate of each row of `table` (uint16, see Shredded.fate); without repairs, only empty lines have one.
    fate: NDArray[np.uint16]
    codes: list[str]
    fixed: Counter[str]
    shards: list[Shard]
    #: What was hidden, if anything was to be.
    sieve: Sieve | None = None

    @property
    def data_rows(self) -> int:
        """How many rows there are, empty lines not counted."""
        return len(self.table) - int((self.fate == BLANK).sum())


def fold(
    pipeline: Pipeline,
    rules: Sequence[Rule[Any]],
    executor: Executor,
    *,
    folds: Mapping[str, Fold] | None = None,
    accept: Callable[[Finding], bool] = lambda finding: False,
    hiding: Hiding | None = None,
    masking: Masking | None = None,
    shard_bytes: int = SHARD_BYTES,
    memory_limit: int | None = None,
    cache: Store | None = None,
    progress: Callable[[int], None] = lambda n: None,
) -> Folded:
    """Run `rules` and `folds` over all sources of `pipeline`.

    `accept` is asked about each finding of a rule over the whole data that has a fix; the accepted ones are kept
    whatever the listing limit. What `hiding` hides is neither in the tallies nor accepted; what rules about single rows
    find is listed as `masking` shows it. Of the columns of states,
    `memory_limit` bytes are held in memory, the others in a temporary file. Shards that `cache` knows are not read.
    `progress` is told how many more bytes have been worked through.
    """
    task = MapShard(pipeline, rules, folds or {}, masking=masking)
    if hiding is not None:
        task = replace(task, ignored=hiding.ignored, content=hiding.content if hiding.by_content else None)
    shards: list[Shard] = []

    def planned() -> Iterator[Shard]:
        for shard in shards_of(executor, pipeline.sources, shard_bytes):
            shards.append(shard)
            yield shard

    def unknown(known: Known[Shredded]) -> Iterator[tuple[Shard, bool]]:
        for shard in planned():
            result = known.get(shard)
            if result is None:
                yield known.asked(shard)
            else:
                take(result)

    storage = Storage(memory_limit)
    merged: dict[str, Any] = {}
    mergers = task.movers
    pieces: list[RowPiece] = []
    fates: list[NDArray[np.uint16]] = []
    errors: list[EngineError] = []
    fixed: Counter[str] = Counter()

    def take(result: Shredded) -> None:
        for key, state in result.states.items():
            storage.keep(state)
            merged[key] = mergers[key].merge(merged[key], state) if key in merged else state
        pieces.extend(result.rows)
        fates.extend(result.fate)
        errors.extend(result.errors)
        fixed.update(result.fixed)
        progress(result.bytes)

    known = None if cache is None else _known(cache, task, executor)
    if known is None:
        for result in mapped(executor, task, planned(), task.meetings, mergers, Shredded):
            take(result)
    else:
        for result in executor.run(known.making(), unknown(known)):
            known.noted(result)
            take(result)
    table = RowTable(pieces, shards, pipeline, executor, storage.room, known.memo() if known is not None else None)
    out = Folded(
        tallies={},
        table=table,
        states={key: merged.get(key, fold_.empty()) for key, fold_ in task.folds.items()},
        errors=sorted(errors, key=lambda e: (e.code, e.path, e.message)),
        accepted=[],
        fate=_in_order(fates, pieces),
        codes=task.codes,
        fixed=fixed,
        shards=table.shards,
    )
    if hiding is not None:
        out.sieve = Sieve(hiding, table, task.codes, merged.pop(FOUND, []))
    _finish(rules, merged, accept, out)
    if known is not None:
        known.close()
    return out


def _finish(rules: Sequence[Rule[Any]], merged: dict[str, Any], accept: Callable[[Finding], bool], out: Folded) -> None:
    """Make findings of the states, which go out of `merged`; what `out` gets of them is in the order of the rules."""
    mapping_errors = len(out.errors)
    # Rules that share a state finish one after the other, and then it makes room for the next.
    for key, sharing in groupby(sorted(rules, key=_state_key), _state_key):
        state = merged.pop(key, None)
        for rule in sharing:
            own = rule.empty() if state is None else state
            out.tallies[rule.meta.code] = _finished(rule, own, out.table, accept, out)
    place = {rule.meta.code: number for number, rule in enumerate(rules)}
    out.tallies = {code: out.tallies[code] for code in place}
    out.accepted.sort(key=lambda finding: place[finding.code])
    out.errors[mapping_errors:] = sorted(out.errors[mapping_errors:], key=lambda error: place[error.code])


def _state_key(rule: Rule[Any]) -> str:
    return rule.meta.code if isinstance(rule, ExampleRule) else rule.fold_key


def _known(cache: Store, task: MapShard, executor: Executor) -> Known[Shredded] | None:
    """What `cache` knows of this run; None if it cannot be used, and why to the log."""
    if isinstance(executor, ExchangingExecutor):
        # The user's key must not leave this machine, and the workers' disks are not ours.
        log.info("no cache: the workers of executor %s may be on other machines", executor.name)
        return None
    try:
        parts = (task.rules, task.folds, task.ignored, task.content, task.masking)
        return Known(cache, task.pipeline, task, parts, task.movers)
    except UnknowableError as error:
        log.info("no cache: %s", error)
        return None


def _finished(rule: Rule[Any], state: Any, rows: Rows, accept: Callable[[Finding], bool], out: Folded) -> Tally:
    if isinstance(rule, ExampleRule):
        tally = state if isinstance(state, Tally) else rule.empty()
        if out.sieve is not None:
            tally = out.sieve.of_rows(rule, tally)
        # Fixes of whole files stand first in order of place, so none is beyond the limit.
        out.accepted.extend(f for f in tally.sorted() if f.key is None and f.fix and accept(f))
        return tally
    tally = Tally(rule.context.max_findings)
    try:
        found = rule.finish(state, rows)
        for finding in found if out.sieve is None else out.sieve.of_all(rule.meta.code, found):
            tally.add(finding)
            if finding.fix is not None and accept(finding):
                out.accepted.append(finding)
    except Exception as error:
        out.errors.append(EngineError(rule.meta.code, rows.dataset.path, f"{type(error).__name__}: {error}"))
    return tally


def _noted(batch: Batch, found: Mapping[str, Sequence[Finding]]) -> NDArray[np.uint8]:
    """How many of the findings stand on each row; see `Batch.noted`."""
    keys = [finding.key for group in found.values() for finding in group if finding.key is not None]
    rows = np.searchsorted(batch.keys, np.array(keys, np.uint64))
    return np.minimum(np.bincount(rows, minlength=len(batch)), 255).astype(np.uint8)


def _blanks(batch: Batch) -> NDArray[np.uint16]:
    """The fates of the rows of `batch` before anything is judged: empty lines are no rows."""
    return np.fromiter((BLANK if record.blank else 0 for record in batch.records), np.uint16, len(batch))


def _singles(batch: Batch) -> Iterator[Batch]:
    for i in range(len(batch)):
        yield batch.with_rows(batch.records[i : i + 1], batch.examples[i : i + 1], batch.faults if i == 0 else ())


def _error(rule: Rule[Any], batch: Batch, error: BaseException) -> EngineError:
    place = str(batch.location(0)) if len(batch) == 1 else batch.path
    return EngineError(rule.meta.code, place, f"{type(error).__name__}: {error}")


def _in_order(fates: Sequence[NDArray[np.uint16]], pieces: Sequence[RowPiece]) -> NDArray[np.uint16]:
    """The fates in the order of the row table, whatever order the shards came back in."""
    if not fates:
        return np.empty(0, np.uint16)
    pairs = sorted(zip(pieces, fates, strict=True), key=lambda pair: int(pair[0].key[0]) if len(pair[0].key) else -1)
    return np.concatenate([fate for _, fate in pairs])
