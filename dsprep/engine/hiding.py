"""Findings that somebody has accepted: they are made and counted, but neither listed nor fixed.

They are known again by what their row says, not by where it stands: by code and a digest of the content. Workers put
down, of every finding about a row, these two and what kind of finding it is; what is hidden is decided where all of
them have come together. So it is exact whatever the shards were and however few findings are listed, and what workers
make (and the cache keeps) does not depend on what is accepted.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dsprep.engine.repairing import ContentKey, Spared
from dsprep.engine.rows import RowTable
from dsprep.model.batch import Batch
from dsprep.model.finding import Finding, Severity, Tally, sort_by_place
from dsprep.model.fix import Applicability
from dsprep.model.location import ORDINAL_BITS
from dsprep.model.moving import Shift
from dsprep.model.report import Hidden
from dsprep.model.rule import Columns, ExampleRule, gathered

#: The key of the state in which workers put down what was found in which row.
FOUND = "found-rows"

#: Findings of rules over the whole data are looked at so many at a time: their rows are read again for it.
_CHUNK = 4096

_SEVERITIES = tuple(Severity)
_KINDS: tuple[Applicability | None, ...] = (None, *Applicability)


@dataclass(frozen=True)
class Seen:
    """A finding as `Hiding.record` gets it: `key` is the row key, or None for one about a file or the whole data;
    `digest` is how a suppression knows it, `entry` how a baseline does."""

    code: str
    source: int | None
    key: int | None
    digest: bytes
    entry: bytes
    severity: Severity


@dataclass(frozen=True)
class Hiding:
    """What a run is not to show.

    `ignored` are the rules (by code) that have nothing to say of a source, by its index. `suppressed` are, by source,
    then by code, digests of rows; `baseline` are, by code, digests and how many findings of each. `names` is what the
    baseline calls each source, `about` gives `RuleMeta.about` by code. With `record`, every finding that is not
    suppressed is shown to it and hidden.
    """

    content: ContentKey
    names: Sequence[str]
    about: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    ignored: Mapping[int, frozenset[str]] = field(default_factory=dict)
    suppressed: Mapping[int, Mapping[str, frozenset[bytes]]] = field(default_factory=dict)
    baseline: Mapping[str, Mapping[bytes, int]] = field(default_factory=dict)
    record: Callable[[Seen], None] | None = None

    @property
    def by_content(self) -> bool:
        """Whether it has to be known what the rows with findings say."""
        return self.record is not None or bool(self.baseline) or any(self.suppressed.values())

    def concerns(self, code: str) -> bool:
        """Whether any finding of the rule with that code may be hidden by its content."""
        return self.record is not None or code in self.baseline or any(code in own for own in self.suppressed.values())

    def spared(self, also: Mapping[str, Iterable[bytes]] | None = None) -> Spared | None:
        """What fixes are to leave alone: what is ignored or suppressed, and `also` (by code, digests) in every source;
        None if that is nothing."""
        by_source: dict[int, dict[bytes, set[str]]] = defaultdict(lambda: defaultdict(set))
        for source in range(len(self.names)):
            for own in (self.suppressed.get(source, {}), also or {}):
                for code, digests in own.items():
                    for digest in digests:
                        by_source[source][digest].add(code)
        codes = {source: {digest: frozenset(some) for digest, some in own.items()} for source, own in by_source.items()}
        return Spared(self.content, codes, self.ignored) if codes or self.ignored else None


@dataclass(frozen=True)
class Followed:
    """A row with accepted findings that a fix of something else has changed: their `codes`, and the key of its content
    before and after. What was accepted of it should follow."""

    source: int
    codes: frozenset[str]
    before: bytes
    after: bytes


class FoundRows:
    """Merges and moves the state FOUND, a list of columns: `row` (row keys; a row stands there once for each finding),
    `code` (uint16, the number of the rule among those of the run), `digest` (uint64 of shape (n, 2)), `kind`."""

    def empty(self) -> list[Columns]:
        return []

    def merge(self, a: list[Columns], b: list[Columns]) -> list[Columns]:
        return a + b

    def moved(self, state: list[Columns], shift: Shift) -> list[Columns] | None:
        return shift.pieces(state)


class FoundPiece:
    """Puts down the findings of one shard about single rows, batch by batch."""

    def __init__(self, content: ContentKey, number: Mapping[str, int]) -> None:
        self._content = content
        self._number = number
        self._row: list[int] = []
        self._code: list[int] = []
        self._digest: list[bytes] = []
        self._kind: list[int] = []

    def add(self, batch: Batch, found: Mapping[str, Sequence[Finding]]) -> None:
        """Put down what was found in `batch`, by code."""
        digests: dict[int, bytes] = {}
        place: dict[int, int] = {}
        for code, group in found.items():
            own = [finding for finding in group if finding.key is not None]
            if not own:
                continue
            if not place:
                place = {key: i for i, key in enumerate(batch.keys.tolist())}
            sort_by_place(own)
            for finding in own:
                key = finding.key
                assert key is not None
                if key not in digests:
                    digests[key] = self._content(batch.records[place[key]])
                self._row.append(key)
                self._code.append(self._number[code])
                self._digest.append(digests[key])
                self._kind.append(_kind(finding))

    def state(self) -> list[Columns]:
        """All that was put down, as a state."""
        if not self._row:
            return []
        digests = np.frombuffer(b"".join(self._digest), "<u8").astype(np.uint64, copy=False).reshape(-1, 2)
        return [
            {
                "row": np.array(self._row, np.uint64),
                "code": np.array(self._code, np.uint16),
                "digest": digests,
                "kind": np.array(self._kind, np.uint8),
            }
        ]


class Sieve:
    """Decides, for one run of `fold`, which findings are hidden, and counts them.

    Of equal rows with more findings than the baseline has, the first in reading order are those that it means.
    """

    def __init__(self, hiding: Hiding, table: RowTable, codes: Sequence[str], found: Sequence[Columns]) -> None:
        self.hiding = hiding
        self.table = table
        self.hidden = Hidden()
        #: What the baseline has that was not met (yet).
        self.left: dict[str, dict[bytes, int]] = {code: dict(own) for code, own in hiding.baseline.items()}
        #: Suppressions that were met: source, code, digest.
        self.used: set[tuple[int, str, bytes]] = set()
        #: Entries of the baseline of which there are more than it has: code, digest.
        self.exceeded: set[tuple[str, bytes]] = set()
        self._number = {code: i + 1 for i, code in enumerate(codes)}
        self._found = gathered(found) if found else None
        self._sources = {source.display: i for i, source in enumerate(table.pipeline.sources)}

    def of_rows(self, rule: ExampleRule, tally: Tally) -> Tally:
        """What is to be shown of `tally`, all that a rule found that looks at one record at a time."""
        code = rule.meta.code
        if not self.hiding.concerns(code):
            return tally
        gone: Counter[tuple[Severity, Applicability | None]] = Counter()
        listed = tally.sorted()
        shown = []
        for finding in listed:
            if finding.key is None and self._hides_whole(finding):
                gone[_counted(_kind(finding))] += 1
            elif finding.key is None:
                shown.append(finding)
        rows, left_out = self._hidden_rows(code, gone)
        if not gone:
            return tally
        out = Tally(tally.limit, tally.total - gone.total(), tally.counts - gone)
        shown += _after(left_out, (finding for finding in listed if finding.key is not None))
        if len(shown) < min(out.limit, out.total):
            shown = [finding for finding in shown if finding.key is None]
            shown += self._found_again(rule, rows, left_out, out.limit - len(shown))
        out.findings = shown[: out.limit]
        return out

    def of_all(self, code: str, findings: Iterator[Finding]) -> Iterator[Finding]:
        """What is to be shown of the findings of a rule that looks at the whole data, which come in order of place."""
        ignored = self.hiding.ignored
        if ignored:
            findings = (finding for finding in findings if code not in ignored.get(self._source(finding), ()))
        if not self.hiding.concerns(code):
            yield from findings
            return
        while chunk := list(islice(findings, _CHUNK)):
            keys = np.unique(np.array([finding.key for finding in chunk if finding.key is not None], np.uint64))
            digests = contents_of(self.table, self.hiding.content, keys)
            for finding in chunk:
                if finding.key is None:
                    hidden = self._hides_whole(finding)
                else:
                    digest = digests[finding.key]
                    hidden = self._hides(code, self._source(finding), digest, digest, _kind(finding), finding.key)
                if not hidden:
                    yield finding

    def _hidden_rows(
        self, code: str, gone: Counter[tuple[Severity, Applicability | None]]
    ) -> tuple[NDArray[np.uint64], dict[int, int]]:
        """The row of each finding of a rule that is to be shown, in order; and by row key how many of its findings, the
        first ones, are not. `gone` counts those."""
        left_out: dict[int, int] = {}
        if self._found is None:
            return np.empty(0, np.uint64), left_out
        at = np.flatnonzero(self._found["code"] == self._number[code])
        rows = self._found["row"][at]
        shown = np.ones(len(at), np.bool_)
        data = self._found["digest"][at].astype("<u8").tobytes()
        kinds = self._found["kind"][at].tolist()
        for i, key in enumerate(rows.tolist()):
            digest = data[16 * i : 16 * i + 16]
            if self._hides(code, key >> ORDINAL_BITS, digest, digest, kinds[i], key):
                shown[i] = False
                left_out[key] = left_out.get(key, 0) + 1
                gone[_counted(kinds[i])] += 1
        return rows[shown], left_out

    def _found_again(
        self, rule: ExampleRule, rows: NDArray[np.uint64], left_out: Mapping[int, int], wanted: int
    ) -> list[Finding]:
        """The first `wanted` findings to be shown: beyond those that are listed, they are made once more."""
        found: list[Finding] = []
        for batch in self.table.originals(np.unique(rows[:wanted])):
            # Of the file as a whole, the list has everything.
            of_batch = [finding for finding in _found_in(rule, batch) if finding.key is not None]
            sort_by_place(of_batch)
            found += of_batch
        return list(islice(_after(left_out, found), wanted))

    def _source(self, finding: Finding) -> int:
        """The index of the source that `finding` is about; -1 for all of them."""
        return finding.key >> ORDINAL_BITS if finding.key is not None else self._sources.get(finding.location.path, -1)

    def _hides_whole(self, finding: Finding) -> bool:
        source = self._source(finding)
        about = self.hiding.about.get(finding.code, ())
        name = self.hiding.names[source] if source >= 0 else ""
        return self._hides(
            finding.code,
            source,
            digest_of_whole(finding, about, ""),
            digest_of_whole(finding, about, name),
            _kind(finding),
        )

    def _hides(self, code: str, source: int, digest: bytes, entry: bytes, kind: int, key: int | None = None) -> bool:
        if digest in self.hiding.suppressed.get(source, {}).get(code, ()):
            self.used.add((source, code, digest))
            self.hidden.suppressed[code] += 1
        elif self.hiding.record is not None:
            own = source if source >= 0 else None
            self.hiding.record(Seen(code, own, key, digest, entry, _counted(kind)[0]))
            self.hidden.baseline[code] += 1
        else:
            left = self.left.get(code, {})
            if not left.get(entry):
                if entry in left:
                    self.exceeded.add((code, entry))
                return False
            left[entry] -= 1
            self.hidden.baseline[code] += 1
        if _counted(kind)[0] is Severity.ERROR:
            self.hidden.errors[code] += 1
        return True

    def settled(self) -> dict[str, set[bytes]]:
        """By code, the entries of the baseline all of whose findings are hidden. Where there are more equal rows than
        it has, nobody can tell the new ones."""
        return {
            code: {
                entry for entry, n in own.items() if self.left[code][entry] < n and (code, entry) not in self.exceeded
            }
            for code, own in self.hiding.baseline.items()
        }


def digest_of_whole(finding: Finding, about: Sequence[str], name: str) -> bytes:
    """16 bytes by which a finding about a file or the whole data is known again: its rule (by the code it is kept
    under), what it is about, and `name`, what the file is called, if that matters."""
    said: dict[str, Any] = {arg: finding.args[arg] for arg in about if arg in finding.args}
    text = json.dumps([name, said], sort_keys=True, default=str)
    return hashlib.blake2b(b"data\0" + text.encode("utf-8", "backslashreplace"), digest_size=16).digest()


def _kind(finding: Finding) -> int:
    fix = None if finding.fix is None else finding.fix.applicability
    return finding.severity.rank * len(_KINDS) + _KINDS.index(fix)


def _counted(kind: int) -> tuple[Severity, Applicability | None]:
    """What a tally counts findings of that kind by."""
    return _SEVERITIES[kind // len(_KINDS)], _KINDS[kind % len(_KINDS)]


def _after(left_out: Mapping[int, int], findings: Iterable[Finding]) -> Iterator[Finding]:
    """`findings`, which are in order of place, without the first so many of a row."""
    left = dict(left_out)
    for finding in findings:
        key = finding.key
        if key is not None and left.get(key):
            left[key] -= 1
        else:
            yield finding


def _found_in(rule: ExampleRule, batch: Batch) -> list[Finding]:
    """What the rule finds in `batch`; nothing in rows at which it fails, as the fold has reported."""
    try:
        return list(rule.find(batch))
    except Exception:
        if len(batch) == 1:
            return []
        singles = (batch.with_rows(batch.records[i : i + 1], batch.examples[i : i + 1]) for i in range(len(batch)))
        return [finding for single in singles for finding in _found_in(rule, single)]


def contents_of(table: RowTable, content: ContentKey, keys: NDArray[np.uint64]) -> dict[int, bytes]:
    """By key, what the rows with `keys` (sorted, no two equal) are known by; each of them is read again."""
    work = partial(_digests_of, table, content)
    return {key: digest for part in table.spread(work, table.portions(keys)) for key, digest in part}


def _digests_of(table: RowTable, content: ContentKey, keys: NDArray[np.uint64]) -> list[tuple[int, bytes]]:
    return [
        (key, content(record))
        for batch in table.originals(keys)
        for key, record in zip(batch.keys.tolist(), batch.records, strict=True)
    ]
