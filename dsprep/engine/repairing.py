"""Applying the fixes of rules that look at one record, in memory, to a fixpoint."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from dsprep.model import pointer as pointers
from dsprep.model.batch import Batch
from dsprep.model.finding import Finding, Severity
from dsprep.model.fix import Applicability, DropRow, Edit, Remove, Replace, Substitute, edit_value
from dsprep.model.record import UNDECODED, Example, Record
from dsprep.model.rule import ExampleRule
from dsprep.model.source import Normaliser

#: A chain of fixes longer than this does not converge; ruff uses 100 for source code, records are simpler.
MAX_ROUNDS = 10


@dataclass(frozen=True)
class FixPolicy:
    """Which fixes may be applied: safe ones, unsafe ones too, and of which codes (None: all)."""

    unsafe: bool = False
    codes: frozenset[str] | None = None
    #: Codes whose fixes are wanted whatever their applicability, because a command was asked to do just that.
    granted: frozenset[str] = frozenset()

    def allows(self, finding: Finding) -> bool:
        """Whether the fix of `finding` may be applied."""
        return finding.fix is not None and self.allows_kind(finding.code, finding.fix.applicability)

    def allows_kind(self, code: str, applicability: Applicability) -> bool:
        """Whether fixes of that kind of the rule with `code` may be applied."""
        if code in self.granted:
            return True
        if self.codes is not None and code not in self.codes:
            return False
        return self.unsafe or applicability is Applicability.SAFE


#: 16 bytes that stand for the content of a record.
ContentKey = Callable[[Record], bytes]


@dataclass(frozen=True)
class Spared:
    """Findings whose fixes are not made: all of the rules that are `ignored` in a source, and by source, then by digest
    of the row, those of some codes. Picklable."""

    content: ContentKey
    codes: Mapping[int, Mapping[bytes, frozenset[str]]]
    ignored: Mapping[int, frozenset[str]]

    def of(self, source: int, record: Record) -> frozenset[str]:
        """The codes whose findings in that record are accepted."""
        known = self.codes.get(source)
        return known.get(self.content(record), frozenset()) if known else frozenset()


@dataclass(slots=True)
class Repaired:
    """A batch after repair. `batch` has every row of the original, mended; `changed` the indexes of rows whose value
    is new, `dropped` those that a fix takes out (with the code that did), `rejected` those that still have an error
    (with the first such finding); `fixed` counts fixes by code, and `rules` are the codes of those that changed a row,
    in the order in which they did; `spared` are the codes that were to leave a row alone, where there are any."""

    batch: Batch
    changed: set[int] = field(default_factory=set)
    dropped: dict[int, str] = field(default_factory=dict)
    rejected: dict[int, Finding] = field(default_factory=dict)
    fixed: Counter[str] = field(default_factory=Counter)
    rules: dict[int, list[str]] = field(default_factory=dict)
    spared: dict[int, frozenset[str]] = field(default_factory=dict)

    def mended_by(self, i: int, code: str) -> None:
        """Note that the rule with `code` changed the i-th row."""
        codes = self.rules.setdefault(i, [])
        if code not in codes:
            codes.append(code)


@dataclass(frozen=True)
class Repair:
    """Mends batches by the fixes that `policy` allows. `relabel` maps labels to the spelling to write, on behalf of the
    rule with `relabel_code`; `relabelled` writes one into a record. With `converting`, records of other formats are
    mended in their chat form, which then stands in their place; without, only the fix that converts them touches them.
    Preference records stay what they are at any rate: `in_place(example, value, edits)` says which edits of the record
    do what `edits` of its chat form ask for, or None where there are none, and then the fix is not made.
    Findings that are `spared` are neither mended nor a reason to reject a row.
    """

    rules: Sequence[ExampleRule]
    policy: FixPolicy
    relabel: Mapping[str, str] = field(default_factory=dict)
    relabel_code: str = ""
    converting: bool = False
    relabelled: Callable[[Example, Mapping[str, str]], dict[str, Any] | None] | None = None
    in_place: Callable[[Example, Any, Sequence[Edit]], Sequence[Edit] | None] | None = None
    spared: Spared | None = None

    def __call__(
        self, batch: Batch, normaliser: Normaliser, found: Mapping[str, Sequence[Finding]] | None = None
    ) -> Repaired:
        """`batch` mended. `found` gives findings of the rules on `batch` where the caller has them already."""
        records = list(batch.records)
        examples = list(batch.examples)
        out = Repaired(batch)
        indexes = list(range(len(records)))
        current = batch
        for round_number in range(MAX_ROUNDS):
            findings = found if round_number == 0 and found is not None else self.find(current)
            place = {int(key): indexes[i] for i, key in enumerate(current.keys)}
            if round_number == 0:
                self._spare(batch, findings, place, out)
            mended: dict[int, set[str]] = {}
            edits = self._chosen(findings, place, records, examples, out, mended)
            # Errors that stand on rows which no edit touches this round are final for those rows.
            for finding in (f for group in findings.values() for f in group):
                i = place.get(finding.key) if finding.key is not None else None
                if (
                    i is not None
                    and i not in edits
                    and finding.severity is Severity.ERROR
                    and finding.code not in out.spared.get(i, ())
                ):
                    out.rejected.setdefault(i, finding)
            again: list[int] = []
            for i, chosen in edits.items():
                value = self._edited(records[i], examples[i], chosen)
                records[i] = _with_value(records[i], value, mended[i])
                examples[i] = self._reread(examples[i], records[i], normaliser)
                out.changed.add(i)
                out.rejected.pop(i, None)
                again.append(i)
            if not again:
                break
            indexes = again
            current = batch.with_rows([records[i] for i in again], [examples[i] for i in again])
        if self.relabel and self.relabelled is not None:
            for i, example in enumerate(examples):
                if example is None:
                    continue
                value = self.relabelled(example, self.relabel)
                if value is not None:
                    records[i] = _with_value(records[i], value, ())
                    examples[i] = self._reread(example, records[i], normaliser)
                    out.changed.add(i)
                    out.fixed[self.relabel_code] += 1
                    out.mended_by(i, self.relabel_code)
        for i in out.dropped:
            out.rejected.pop(i, None)
        out.batch = batch.with_rows(records, examples) if out.changed else batch
        return out

    def find(self, batch: Batch) -> dict[str, list[Finding]]:
        """The findings of this repair's rules on `batch`, by code. A rule that raises has none: the fold reports it."""
        found: dict[str, list[Finding]] = {}
        ignored = self.spared.ignored.get(batch.source, ()) if self.spared is not None else ()
        for rule in self.rules:
            if rule.meta.code in ignored:
                continue
            try:
                found[rule.meta.code] = list(rule.find(batch))
            except Exception:  # noqa: S112 - reported with its place by the fold over the same rows
                continue
        return found

    def _spare(
        self,
        batch: Batch,
        findings: Mapping[str, Sequence[Finding]],
        place: Mapping[int, int],
        out: Repaired,
    ) -> None:
        """Look up what is accepted in the rows in which anything was found, as they were before any edit."""
        if self.spared is None:
            return
        for key in {finding.key for group in findings.values() for finding in group}:
            i = place.get(key) if key is not None else None
            codes = self.spared.of(batch.source, batch.records[i]) if i is not None else frozenset()
            if i is not None and codes:
                out.spared[i] = codes

    def _chosen(
        self,
        findings: Mapping[str, Sequence[Finding]],
        place: Mapping[int, int],
        records: Sequence[Record],
        examples: Sequence[Example | None],
        out: Repaired,
        mended: dict[int, set[str]],
    ) -> dict[int, list[Edit]]:
        """The edits of this round per row. Of edits that touch the same part of a record only the first is taken; the
        next round sees what is left. `mended` gets the names of the rules whose fixes are among them, per row."""
        names = {rule.meta.code: rule.meta.name for rule in self.rules}
        edits: dict[int, list[Edit]] = {}
        for code, group in findings.items():
            for finding in group:
                if finding.key is None or finding.fix is None or not self.policy.allows(finding):
                    continue
                i = place.get(finding.key)
                if i is None or i in out.dropped or code in out.spared.get(i, ()):
                    continue
                wanted: Sequence[Edit] = finding.fix.edits
                if any(isinstance(edit, DropRow) for edit in wanted):
                    out.dropped[i] = code
                    out.fixed[code] += 1
                    edits.pop(i, None)
                    continue
                example = examples[i]
                whole = any(isinstance(edit, Replace) and edit.pointer == "" for edit in wanted)
                if example is not None and example.rejected is not None:
                    found = self.in_place(example, records[i].value, wanted) if self.in_place is not None else None
                    if found is None:
                        continue
                    wanted = found
                elif example is not None and example.format != "chat" and not whole and not self.converting:
                    continue  # pointers are into the chat form, which this record gets only by its own fix
                taken = edits.setdefault(i, [])
                if any(_touches(a, b) for a in wanted for b in taken):
                    continue
                taken.extend(wanted)
                mended.setdefault(i, set()).add(names[code])
                out.fixed[code] += 1
                out.mended_by(i, code)
        return {i: chosen for i, chosen in edits.items() if chosen and i not in out.dropped}

    def _edited(self, record: Record, example: Example | None, edits: Iterable[Edit]) -> Any:
        base = record.value
        if example is not None and example.rejected is None and (self.converting or example.format == "chat"):
            base = example.record
        return edit_value(None if base is UNDECODED else base, edits)

    def _reread(self, before: Example | None, record: Record, normaliser: Normaliser) -> Example | None:
        """The example of a mended record, which knows what `before` knew of itself: an edit that takes the label out of
        the record, because the target rejects the key, does not take it from the example."""
        if before is None:
            return normaliser.example(record)
        if before.format == "chat" or before.rejected is not None or not self.converting:
            after = normaliser.example(record)
        else:
            # The chat form of a table's row is no row of the table any more, but its places are those of columns. What
            # else was converted is chat from now on.
            messages = record.value.get("messages")
            after = Example(
                record.value,
                messages if type(messages) is list else [],
                record.value.get("tools"),
                format=before.format if before.format == "table" else "chat",
                origins=before.origins,
            )
        if after is not None:
            if after.label is None and before.label_pointer is not None:
                after.label, after.label_pointer = _label_at(record.value, before)
            elif after.label is None:
                after.label = before.label
            after.group = before.group if after.group is None else after.group
            after.split = before.split if after.split is None else after.split
            after.meta = after.meta or before.meta
        return after


def _label_at(value: Any, before: Example) -> tuple[str | None, str | None]:
    """The label of a mended record, and where it stands; what it was before if it does not stand there any more."""
    try:
        label = pointers.resolve(value, before.label_pointer or "")
    except (KeyError, IndexError, ValueError, TypeError):
        return before.label, None
    return (label, before.label_pointer) if isinstance(label, str) else (before.label, None)


def _touches(a: Edit, b: Edit) -> bool:
    """Whether two edits are about the same part of a record, or one about a part of the other's.

    Removing and replacing items of one list in the same round would make the pointers of one depend on the other.
    """
    if not isinstance(a, Replace | Substitute | Remove) or not isinstance(b, Replace | Substitute | Remove):
        return False
    if isinstance(a, Substitute) and isinstance(b, Substitute) and a.pointer == b.pointer:
        return any(start < other[1] and other[0] < end for start, end, _ in a.cuts for other in b.cuts)
    left, right = _scope(a), _scope(b)
    return left == right or left.startswith(f"{right}/") or right.startswith(f"{left}/") or not left or not right


def _scope(edit: Replace | Substitute | Remove) -> str:
    if isinstance(edit, Remove) and edit.pointer.rpartition("/")[2].isdigit():
        return edit.pointer.rpartition("/")[0]
    return edit.pointer


def _with_value(record: Record, value: Any, mended: Collection[str]) -> Record:
    """`record` with a new value. What its source saw wrong stays wrong, save what the rules named in `mended` fixed."""
    faults = tuple(fault for fault in record.faults if fault.kind not in mended)
    original = record.value if record.original is None else record.original
    return Record(record.ordinal, record.line, record.offset, b"", value, record.row, faults, original=original)
