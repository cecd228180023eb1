"""`compare_data`: what has changed between two versions of a data set."""

from __future__ import annotations

import re
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from dsprep.api.session import Paths, Progress, Session, inputs_from, open_session, settings_of
from dsprep.config import Settings, with_overrides
from dsprep.engine.folding import Folded, fold
from dsprep.engine.hiding import Seen
from dsprep.engine.rows import RowTable
from dsprep.folds.drift import of_shares, of_sizes
from dsprep.folds.keyed import group_numbers, split_numbers
from dsprep.folds.row_identities import RowIdentitiesFold, no_identities
from dsprep.folds.row_matching import MOST_READ, Matched, Sign, match, numbers_in_groups
from dsprep.folds.splits import ordered
from dsprep.folds.statistics import StatisticsFold, StatisticsState
from dsprep.model.batch import Batch
from dsprep.model.changes import ChangedRow, DataComparison, FindingsChange, SingleRow, Version
from dsprep.model.finding import Severity
from dsprep.model.report import RuleChange
from dsprep.model.rule import gathered
from dsprep.model.source import InputError
from dsprep.text.normal import SYSTEM_ROLES, exchange
from dsprep.text.sensitive.showing import concealed, masked_text
from dsprep.version import VERSION

Of = TypeVar("Of")

#: How many changed, added and removed rows each are looked up, if nobody says otherwise.
LISTED: Final = 1_000
#: How many places of new findings of a rule are.
_PLACES: Final = 100
#: So many characters of an added or removed row are shown.
_EXCERPT: Final = 120
#: Two rows in the same place are versions of one if they share this much of their words (Dice's coefficient: twice
#: what they share, by the sum of what they have).
ALIKE: Final = 0.5
#: … and this much if they stand in different places, with so many words or more in common.
LIKENED: Final = 0.6
_FEWEST_WORDS: Final = 4
#: A word of more rows than this says little about which of them is meant.
_COMMON: Final = 50
#: So many rows are looked at for each, those that share most of the rarer words.
_CANDIDATES: Final = 5
#: Of a row, so many words are looked at.
_MOST_WORDS: Final = 5_000
_WORD: Final = re.compile(r"\w+")
_SYSTEM: Final = tuple(role.decode() for role in SYSTEM_ROLES)
#: Pairs of rows are read so many at a time.
_CHUNK: Final = 4_096
#: From so many bytes on, the languages of one in so many examples are told.
_MANY_BYTES, _SAMPLED = 20_000_000, 8
#: The key of a finding that is about no row.
_WHOLE: Final = (1 << 64) - 1


def compare_data(
    old: Paths,
    new: Paths,
    *,
    key: str | None = None,
    findings: bool = True,
    listed: int = LISTED,
    settings: Settings | None = None,
    progress: Progress | None = None,
    **overrides: Any,
) -> DataComparison:
    """Compare two versions of a data set, each a path or several: files, patterns, or folders with the splits in them.

    A row is unchanged if it says the same, wherever it stands. A row that says something else is known again by its id
    (`key` names the member; else it is looked for), its prompt, its answer, or its place: see folds.row_matching. If
    the two come in different formats (a CSV and what `prepare` made of it), rows are the same if what is learnt from
    them is.

    With `findings`, the selected rules run over both. `listed` is how many changed, added and removed rows are looked
    up. Raises InputError for what cannot be read, and for a `key` that no row has.
    """
    chosen = with_overrides(settings, overrides)
    sides = [_Side.of(name, paths, chosen, key, findings, progress) for name, paths in (("old", old), ("new", new))]
    before, now = sides
    if key is not None and not any(side.columns["id"].any() for side in sides):
        raise InputError(f"no row has a member {key!r} to know it by")
    formats = [{source.format for source in side.session.pipeline.sources} for side in sides]
    by_learnt = formats[0] != formats[1]
    if by_learnt:
        for side in sides:
            learnt = side.columns["learnt"]
            known = learnt.any(axis=1, keepdims=True)
            side.columns["content"] = np.where(known, learnt, side.columns["content"])
    _number_splits(before, now)
    matched = match(
        before.columns,
        now.columns,
        partial(_alike, before, now),
        partial(_likest, before, now),
        trusted=key is not None,
    )
    out = DataComparison(
        tool=f"dsprep {VERSION}",
        old=before.version(),
        new=now.version(),
        settings={**settings_of(now.session, "diff"), "key": key},
        unchanged=int(matched.of(Sign.CONTENT).sum()),
        added=len(matched.come),
        removed=len(matched.gone),
        signs=_signs(matched),
        moved=_moved(before, now, matched),
        reordered=_reordered(matched),
        rules_run=tuple(rule.meta.code for rule in now.session.rules),
        notes=_notes(before, now, matched, by_learnt=by_learnt),
        errors=[*before.folded.errors, *now.folded.errors],
    )
    out.changed = sum(out.signs.values())
    if not out.reconciles:
        raise RuntimeError(f"{out.old.rows} and {out.new.rows} rows do not add up: {out}")
    _list_rows(out, before, now, matched, listed, by_learnt=by_learnt)
    out.findings = _findings_changes(before, now, matched)
    _drift(out, before, now)
    return out


@dataclass
class _Found:
    """The findings of one rule in one version: what their rows say, 16 bytes each, and the row keys."""

    digests: bytearray = field(default_factory=bytearray)
    keys: array[int] = field(default_factory=lambda: array("Q"))
    severity: Severity = Severity.INFO

    def add(self, seen: Seen) -> None:
        self.digests += seen.digest
        self.keys.append(_WHOLE if seen.key is None else seen.key)
        self.severity = min(self.severity, seen.severity, key=lambda severity: severity.rank)

    @property
    def columns(self) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
        """Digests, uint64 of shape (n, 2), and keys."""
        digests = np.frombuffer(bytes(self.digests), "<u8").astype(np.uint64).reshape(-1, 2)
        return digests, np.frombuffer(self.keys.tobytes(), np.uint64)


@dataclass
class _Side:
    """One version, read: its session, what came of it, its rows, and what was found."""

    session: Session
    folded: Folded
    columns: dict[str, NDArray[Any]]
    #: The keys of what the rows say, whatever rows are matched by.
    digests: NDArray[np.uint64]
    found: dict[str, _Found]
    stats: dict[str, Any]
    splits: list[str] = field(default_factory=list)

    @classmethod
    def of(
        cls, name: str, paths: Paths, settings: Settings, key: str | None, findings: bool, progress: Progress | None
    ) -> _Side:
        inputs, notes = inputs_from(paths)
        session = open_session(
            inputs,
            settings,
            codes=(lambda code: True) if findings else (lambda code: False),
            progress=progress,
            notes=notes,
            accepting="suppressions",
        )
        found: dict[str, _Found] = {}

        def record(seen: Seen) -> None:
            if seen.code not in found:
                found[seen.code] = _Found()
            found[seen.code].add(seen)

        hiding = None if session.hiding is None or not findings else replace(session.hiding, record=record)
        statistics = StatisticsFold(session.context, languages=1 if session.bytes < _MANY_BYTES else _SAMPLED)
        session.progress.begin(f"reading the {name} version", session.bytes)
        folded = fold(
            session.pipeline,
            session.rules,
            session.executor,
            folds={"statistics": statistics, "row-identities": RowIdentitiesFold(key)},
            hiding=hiding,
            memory_limit=session.settings.memory_limit,
            cache=session.cache,
            progress=session.progress.advance,
        )
        pieces = folded.states.pop("row-identities")
        columns = gathered(pieces, folded.table.room, consume=True) if pieces else no_identities()
        stats = statistics.finish(folded.states["statistics"])
        return cls(session, folded, columns, columns["content"], found, stats)

    @property
    def table(self) -> RowTable:
        return self.folded.table

    def version(self) -> Version:
        split = self.columns["split"]
        counts = np.bincount(split, minlength=len(self.splits)).tolist() if len(split) else [0] * len(self.splits)
        return Version(
            [source.display for source in self.session.pipeline.sources],
            len(self.columns["row"]),
            self.stats["examples"],
            {name: n for name, n in zip(self.splits, counts, strict=True) if n},
        )


def _number_splits(before: _Side, now: _Side) -> None:
    """Put numbers in place of the names of splits: the same number for the same name."""
    numbered = [split_numbers(side.columns) if len(side.columns["row"]) else (None, []) for side in (before, now)]
    names = ordered(name for _, own in numbered for name in own)
    for side, (column, own) in zip((before, now), numbered, strict=True):
        places = np.array([names.index(name) for name in own], np.int64)
        side.columns["split"] = np.empty(0, np.int64) if column is None else places[column]
        side.splits = names


def _signs(matched: Matched) -> dict[str, int]:
    counts = np.bincount(matched.sign, minlength=len(Sign) + 1).tolist()
    return {sign.name.lower(): counts[sign] for sign in Sign if sign is not Sign.CONTENT and counts[sign]}


def _moved(before: _Side, now: _Side, matched: Matched) -> dict[tuple[str, str], int] | None:
    if not (_several(before) and _several(now)):
        return None
    pairs = before.columns["split"][matched.old] * len(now.splits) + now.columns["split"][matched.new]
    counts = np.bincount(pairs, minlength=1)
    return {
        (before.splits[number // len(now.splits)], now.splits[number % len(now.splits)]): int(counts[number])
        for number in np.flatnonzero(counts).tolist()
        if number // len(now.splits) != number % len(now.splits)
    }


def _several(side: _Side) -> bool:
    """Whether the version has splits: more than one, or one that somebody has named."""
    named = any(source.info.split for source in side.session.pipeline.sources)
    return named or len(np.unique(side.columns["split"])) > 1


def _reordered(matched: Matched) -> bool:
    same = matched.new[matched.of(Sign.CONTENT)]
    return bool((np.diff(same) < 0).any())


def _notes(before: _Side, now: _Side, matched: Matched, *, by_learnt: bool) -> list[str]:
    # What is assumed of both in the same way makes no difference between them.
    assumed = before.session.notes, now.session.notes
    notes = [f"old: {note}" for note in assumed[0] if note not in assumed[1]]
    notes += [f"new: {note}" for note in assumed[1] if note not in assumed[0]]
    if by_learnt:
        notes.append("the two are of different formats: rows are the same if their conversations are")
    if not matched.placed:
        notes.append(
            f"more than {MOST_READ:,} rows are left that nothing but their place could tell; they count as removed and "
            "added"
        )
    return notes


def _alike(before: _Side, now: _Side, i: NDArray[np.int64], j: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether the pairs of rows share most of their words."""
    out = np.zeros(len(i), np.bool_)
    for start in range(0, len(i), _CHUNK):
        part = slice(start, start + _CHUNK)
        keys, others = before.columns["row"][i[part]], now.columns["row"][j[part]]
        words, heard = (dict(_words_of(side, some)) for side, some in ((before, keys), (now, others)))
        out[part] = [
            _likeness(words[a], heard[b]) >= ALIKE for a, b in zip(keys.tolist(), others.tolist(), strict=True)
        ]
    return out


def _likest(
    before: _Side, now: _Side, i: NDArray[np.int64], j: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pairs of rows that share most of their words, no row twice, the likest first."""
    keys, others = (side.columns["row"][rows] for side, rows in ((before, i), (now, j)))
    words, heard = (dict(_words_of(side, some)) for side, some in ((before, keys), (now, others)))
    rows_with: dict[str, list[int]] = {}
    for b, key in enumerate(others.tolist()):
        for word in heard[key]:
            rows_with.setdefault(word, []).append(b)
    found: list[tuple[float, int, int]] = []
    for a, key in enumerate(keys.tolist()):
        shared = Counter(b for word in words[key] if len(rows := rows_with.get(word, ())) <= _COMMON for b in rows)
        for b, _ in sorted(shared.items(), key=lambda item: (-item[1], item[0]))[:_CANDIDATES]:
            own, other = words[key], heard[others[b].item()]
            if (own & other).total() >= _FEWEST_WORDS and (likeness := _likeness(own, other)) >= LIKENED:
                found.append((-likeness, a, b))
    partner: dict[int, int] = {}
    taken: set[int] = set()
    for _, a, b in sorted(found):
        if a not in partner and b not in taken:
            partner[a] = b
            taken.add(b)
    return i[np.array(list(partner), np.int64)], j[np.array(list(partner.values()), np.int64)]


def _likeness(a: Counter[str], b: Counter[str]) -> float:
    total = a.total() + b.total()
    return 2 * (a & b).total() / total if total else 0.0


def _words_of(side: _Side, keys: NDArray[np.uint64]) -> Iterator[tuple[int, Counter[str]]]:
    table = side.table
    for part in table.spread(partial(_words_in, table), table.portions(np.unique(keys))):
        yield from part


def _words_in(table: RowTable, keys: NDArray[np.uint64]) -> list[tuple[int, Counter[str]]]:
    return [
        (batch.key(i), Counter(_WORD.findall(_said(batch, i))[:_MOST_WORDS]))
        for batch in table.originals(keys)
        for i in range(len(batch))
    ]


def _said(batch: Batch, i: int) -> str:
    """All that a row says, in small letters, but for the system message, which many rows share."""
    record, example = batch.records[i], batch.examples[i]
    if example is not None:
        turns = batch.with_rows([record], [example]).turns
        own = (text for text, role in zip(turns.text, turns.role, strict=True) if role.lower() not in _SYSTEM)
        return "\n".join([*own, example.label or ""]).casefold()
    return record.raw.decode("utf-8", "replace").casefold() if record.raw else str(record.value).casefold()


def _list_rows(
    out: DataComparison, before: _Side, now: _Side, matched: Matched, listed: int, *, by_learnt: bool
) -> None:
    """Look up the first rows of each kind."""
    changed = np.flatnonzero(~matched.of(Sign.CONTENT))
    # In the order that they stand in now: that is the file which somebody looks at.
    changed = changed[np.argsort(matched.new[changed], kind="stable")][:listed]
    old_keys = before.columns["row"][matched.old[changed]]
    new_keys = now.columns["row"][matched.new[changed]]
    values, others = _values(before, old_keys, by_learnt), _values(now, new_keys, by_learnt)
    places, theirs = before.table.locate(old_keys), now.table.locate(new_keys)
    for number, (a, b, sign) in enumerate(
        zip(old_keys.tolist(), new_keys.tolist(), matched.sign[changed].tolist(), strict=True)
    ):
        row = ChangedRow(Sign(sign).name.lower(), places[number], theirs[number], values.get(a), others.get(b))
        out.changes.append(row)
    for side, rows, into in ((before, matched.gone, out.removals), (now, matched.come, out.additions)):
        keys = side.columns["row"][rows[:listed]]
        excerpts = dict(_excerpts(side, keys))
        locations = side.table.locate(keys)
        into.extend(SingleRow(at, excerpts.get(k, "")) for k, at in zip(keys.tolist(), locations, strict=True))


def _values(side: _Side, keys: NDArray[np.uint64], by_learnt: bool) -> dict[int, Any]:
    """The records, or with `by_learnt` their conversations, masked; a line that is no JSON as a text."""
    return {
        batch.key(i): _masked(_value(batch, i, by_learnt))
        for batch in side.table.originals(np.unique(keys))
        for i in range(len(batch))
    }


def _masked(value: Any) -> Any:
    try:
        return concealed(value, masked_text)
    except RecursionError:
        return "…"  # nested too deeply for anybody to read


def _value(batch: Batch, i: int, by_learnt: bool = False) -> Any:
    record, example = batch.records[i], batch.examples[i]
    if by_learnt and example is not None:
        beside = {"tools": example.tools, "rejected": example.rejected}
        return {"messages": example.messages, **{name: value for name, value in beside.items() if value is not None}}
    if isinstance(record.value, dict | list | str | int | float | bool) or record.value is None:
        return record.value
    return record.raw.decode("utf-8", "backslashreplace")


def _excerpts(side: _Side, keys: NDArray[np.uint64]) -> Iterator[tuple[int, str]]:
    for batch in side.table.originals(np.unique(keys)):
        for i, (record, example) in enumerate(zip(batch.records, batch.examples, strict=True)):
            said = ""
            if example is not None:
                asked, answered = exchange(example)
                said = asked or answered
            said = said or record.raw.decode("utf-8", "backslashreplace") or str(_value(batch, i))
            masked = masked_text(said[: 20 * _EXCERPT])
            yield batch.key(i), masked if len(masked) <= _EXCERPT else f"{masked[:_EXCERPT]}…"


def _findings_changes(before: _Side, now: _Side, matched: Matched) -> list[FindingsChange]:
    """By rule, what is new and what is gone, worst first. A finding of a row that has changed is the same if the row
    still has it."""
    metas = {rule.meta.code: rule.meta for rule in now.session.rules}
    failed = {error.code for side in (before, now) for error in side.folded.errors}
    changes = []
    for code in sorted({*before.found, *now.found} - failed):
        had, has = before.found.get(code, _Found()), now.found.get(code, _Found())
        digests, keys = had.columns
        old = _followed(before, now, matched, digests, keys)
        new, new_keys = has.columns
        group = group_numbers(np.concatenate([old, new]))
        n = int(group.max(initial=-1)) + 1
        there = np.bincount(group[: len(old)], minlength=n)
        here = np.bincount(group[len(old) :], minlength=n)
        gone, come = int(np.maximum(there - here, 0).sum()), int(np.maximum(here - there, 0).sum())
        if not gone and not come:
            continue
        ours = group[len(old) :]
        fresh = new_keys[numbers_in_groups(ours) >= there[ours]]
        rows = np.sort(fresh[fresh != _WHOLE])[:_PLACES]
        severity = has.severity if len(new) else had.severity
        rule = RuleChange(code, metas[code].name, severity, len(old), len(new), come, gone)
        changes.append(FindingsChange(rule, now.table.locate(rows)))
    return sorted(changes, key=lambda one: (one.rule.severity.rank, -one.rule.new, -one.rule.gone, one.rule.code))


def _followed(
    before: _Side, now: _Side, matched: Matched, digests: NDArray[np.uint64], keys: NDArray[np.uint64]
) -> NDArray[np.uint64]:
    """The digests of findings of the old version, as those of the rows that theirs have become."""
    became = np.full(len(before.columns["row"]), -1, np.int64)
    became[matched.old] = matched.new
    about = np.flatnonzero(keys != _WHOLE)
    row = became[np.searchsorted(before.columns["row"], keys[about])]
    out = digests.copy()
    out[about[row >= 0]] = now.digests[row[row >= 0]]
    return out


def _drift(out: DataComparison, before: _Side, now: _Side) -> None:
    states: list[StatisticsState] = [side.folded.states["statistics"] for side in (before, now)]
    out.tokens = of_sizes(*(_added(counts.tokens for counts in state.splits.values()) for state in states))
    out.turns = of_sizes(*(_added(counts.turns for counts in state.splits.values()) for state in states))
    stats = before.stats, now.stats
    out.formats = of_shares(*(one["formats"] for one in stats))
    out.shapes = of_shares(*({shape["shape"]: shape["examples"] for shape in one["shapes"]} for one in stats))
    if all(one["labels"]["source"] for one in stats):
        out.labels = of_shares(*(_added(one["labels"]["splits"].values()) for one in stats))
    if all("languages" in one for one in stats):
        out.languages = of_shares(*(_added(one["languages"]["splits"].values()) for one in stats))


def _added(counts: Iterable[Mapping[Of, int]]) -> Counter[Of]:
    out: Counter[Of] = Counter()
    for part in counts:
        out.update(part)
    return out
