"""What is wrong with a text that is being written: all of it now and then, and lines that are new at once.

What a rule that looks at one record says of a record depends on the record alone. So in JSON lines, what was found in a
line holds for that line wherever it stands, and after an edit only lines that were never seen are looked at. Rules over
the whole data, and files of other formats, are looked at again when they are asked for.
"""

from __future__ import annotations

import copy
import os
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import accumulate
from pathlib import Path
from typing import Any, Final, NamedTuple

from dsprep.api.accepted import Sidecar, Suppression, accepted_in, add_suppressions
from dsprep.api.linting import with_relabels
from dsprep.api.session import Input, Session, open_session
from dsprep.config import Settings
from dsprep.editor.json_places import Span, end_of, place, places, string_at, within
from dsprep.engine.folding import fold
from dsprep.engine.hiding import digest_of_whole
from dsprep.engine.ledger import style_of, written
from dsprep.engine.pipeline import Pipeline
from dsprep.engine.repairing import FixPolicy, Repair
from dsprep.folds.keyed import place as twin_place
from dsprep.folds.masking import masked_findings
from dsprep.model import pointer as pointers
from dsprep.model.batch import Batch
from dsprep.model.finding import Finding
from dsprep.model.fix import DropRow, Relabel, RewriteFile, Substitute
from dsprep.model.location import ORDINAL_MASK, Location
from dsprep.model.meta import RuleMeta
from dsprep.model.report import EngineError
from dsprep.model.rule import ExampleRule
from dsprep.model.source import InputError, Shard
from dsprep.sources.jsonl import JsonLinesSource
from dsprep.text.content import content_key
from dsprep.text.labels import relabelled
from dsprep.text.preference import in_place

#: So many other places are kept of those that a finding speaks of.
RELATED: Final = 5


@dataclass(frozen=True)
class Spot:
    """A finding and what it is about: characters `start` to `end` of the text; `line` is the line of its record, from
    0, where records are lines. `digest` is how a suppression knows it; `related` are other places that it speaks of."""

    finding: Finding
    start: int
    end: int
    line: int | None
    digest: bytes
    related: tuple[Span, ...] = ()


class LineEdit(NamedTuple):
    """Another content for a line (from 0), without line end; None: the line goes."""

    line: int
    after: str | None


class _Seen(NamedTuple):
    """What was found in a line: findings with the characters of the line that they are about, first of all, and that
    they speak of besides; and its digest."""

    found: Sequence[tuple[Finding, Sequence[Span]]]
    digest: bytes


class _OfData(NamedTuple):
    """A finding of a rule over the whole data: the number of its line (None: it is about no line), the characters of
    it, and the digest; and the lines that it speaks of besides."""

    finding: Finding
    line: int | None
    span: Span
    digest: bytes
    related: Sequence[tuple[int, Span]] = ()


#: A line, and whether it is the last of a file and has no end.
_Key = tuple[bytes, bool]


class Draft:
    """A document of an editor.

    `path` is where the file is, or would be, `folder` one that nobody else can read, for what has to be a file to be
    looked at. One thread at a time may use it. Whatever makes a text impossible to check is an InputError or another
    error with a sentence, as of `api.lint`; a text that is merely broken has findings.
    """

    def __init__(self, path: str, folder: str) -> None:
        self.path = path
        self.name = os.path.basename(path)
        self._folder = folder
        self._settings: Settings | None = None
        self._session: Session | None = None
        self._seen: dict[_Key, _Seen] = {}
        self._of_data: list[_OfData] = []
        self._of_data_lines: list[bytes] = []
        self.errors: list[EngineError] = []

    @property
    def by_lines(self) -> bool:
        """Whether it is JSON lines, so that new lines can be looked at by themselves."""
        return self._session is not None and type(self._session.pipeline.sources[0]) is JsonLinesSource

    def open(self, content: str, settings: Settings) -> None:
        """Find out what the text is, and make the rules ready. To be called before anything else, and whenever settings
        or the beginning of the text may have changed."""
        path = self._written(content)
        chosen = settings.model_copy(update={"executor": "serial", "cache": False})
        session = open_session([Input(path, None, self.name)], chosen)
        self._accept(session)
        if chosen != self._settings or not self.by_lines:
            self._seen.clear()
            self._of_data.clear()
        self._session, self._settings = session, chosen

    def rows(self, content: str) -> list[Spot]:
        """What is wrong with single records, and what was found by the last call of `data` as far as its lines are
        still there. Quick where little has changed. Only for JSON lines."""
        return self._spots(content, _Lines(content))

    def data(self, content: str) -> list[Spot]:
        """Everything that is wrong with the text, which is the one that was opened last."""
        session = self._opened
        if not self.by_lines:
            return self._whole(content)
        lines = _Lines(content)
        rules = [rule for rule in session.rules if not isinstance(rule, ExampleRule)]
        if any(getattr(rule.options, "keep", None) == "fewest-findings" for rule in rules):
            rules = session.rules
        folded = fold(
            session.pipeline,
            rules,
            session.executor,
            hiding=session.hiding,
            masking=masked_findings,
            memory_limit=session.settings.memory_limit,
        )
        self.errors = list(folded.errors)
        kinds = {rule.meta.code: rule for rule in session.rules}
        found = [
            finding
            for code, tally in folded.tallies.items()
            if not isinstance(kinds[code], ExampleRule)
            for finding in tally.sorted()
        ]
        # Of the file as a whole, rules that look at single records speak as well.
        faults = [fault for shard in folded.shards for fault in shard.faults]
        if faults:
            batch = session.pipeline.batch(0, [], [], faults)
            found += [
                finding for code, own in self._found(batch).items() if code not in self._ignored for finding in own
            ]
        self._of_data = [self._of(finding, lines) for finding in found]
        self._of_data_lines = lines.raw
        return self._spots(content, lines)

    def meta(self, code: str) -> RuleMeta:
        """What is known of a rule."""
        return self._opened.book.kind(code).meta

    def page(self, code: str) -> str:
        """The page of a rule, with the options that the pack gives it."""
        from dsprep.catalog.packs import load_pack
        from dsprep.catalog.pages import rule_page

        pack = load_pack(self._opened.settings.pack)
        return rule_page(code, pack.book, pack.rule_options().get(code))

    def alone(self, code: str) -> bool:
        """Whether a rule looks at one record at a time, so that `all_fixed` makes its fixes."""
        return any(rule.meta.code == code for rule in self._opened.singles)

    def allowed(self, finding: Finding) -> bool:
        """Whether the settings let the fix of a finding be made without being asked for by itself."""
        return self._opened.policy().allows(finding)

    def can_fix(self, spot: Spot) -> bool:
        """Whether `fixed` has anything to offer for a finding."""
        if spot.finding.fix is None or not self.by_lines:
            return False
        edits = spot.finding.fix.edits
        if any(isinstance(edit, RewriteFile) for edit in edits):
            return False  # how a file is encoded is the editor's business
        settings = replace(self._opened.policy(), unsafe=True)
        return settings.allows(spot.finding) and (spot.line is not None or any(isinstance(e, Relabel) for e in edits))

    def fixed(self, content: str, spot: Spot) -> list[LineEdit]:
        """The edits that the fix of one finding makes, and nothing else."""
        lines = _Lines(content)
        fix = spot.finding.fix
        if fix is None:
            return []
        if any(isinstance(edit, Relabel) for edit in fix.edits):
            every = [i for i, raw in enumerate(lines.raw) if raw.strip()]
            return self._repaired(
                lines, every, with_relabels(_Once((), FixPolicy(), relabelled=relabelled), [spot.finding])
            )
        if spot.line is None or spot.line >= len(lines.raw):
            return []
        if any(isinstance(edit, DropRow) for edit in fix.edits):
            return [LineEdit(spot.line, None)]
        rule = next((rule for rule in self._opened.singles if rule.meta.code == spot.finding.code), None)
        if rule is None:
            return []
        repair = _Once((rule,), FixPolicy(unsafe=True), in_place=in_place)
        return self._repaired(lines, [spot.line], repair, spot.finding)

    def all_fixed(self, content: str, code: str | None = None, *, unsafe: bool = False) -> list[LineEdit]:
        """The edits that mend all records, as `dsprep lint --fix` would: of all rules, as far as the settings allow, or
        of the one with `code`, and then, if `unsafe`, also what may change the meaning."""
        session = self._opened
        lines = _Lines(content)
        policy = session.policy()
        singles = session.singles
        if code is not None:
            policy = replace(policy, unsafe=policy.unsafe or unsafe)
            singles = [rule for rule in singles if rule.meta.code == code]
        codes = {rule.meta.code for rule in singles}
        wanted = sorted(
            {
                spot.line
                for spot in self._spots(content, lines)
                if spot.line is not None and spot.finding.code in codes and policy.allows(spot.finding)
            }
        )
        spared = session.hiding.spared() if session.hiding is not None else None
        return self._repaired(lines, wanted, Repair(singles, policy, in_place=in_place, spared=spared))

    def suppress(self, code: str, digest: bytes, reason: str) -> str:
        """Accept findings of a rule about one record (or about the data as a whole) from now on; the name of the file
        in which that is written down. Raises InputError if there can be none."""
        session = self._opened
        sidecar = Sidecar.of(self._real(), session.book)
        if sidecar is None or not os.path.isdir(os.path.dirname(self.path)):
            raise InputError(f"{self.name} is no file on this machine yet; save it first")
        entry = Suppression(code, digest, reason)
        if not any(known.code == code and known.key == digest for known in sidecar.entries):
            add_suppressions(sidecar, [entry], session.book)
        self._accept(session)
        return sidecar.name

    @property
    def _opened(self) -> Session:
        if self._session is None:
            raise RuntimeError("the draft is not open")
        return self._session

    @property
    def _ignored(self) -> frozenset[str]:
        hiding = self._opened.hiding
        return hiding.ignored.get(0, frozenset()) if hiding is not None else frozenset()

    def _real(self) -> Any:
        """The source as if it were the file itself, beside which suppressions stand."""
        source = copy.copy(self._opened.pipeline.sources[0])
        source.path = self.path
        return source

    def _accept(self, session: Session) -> None:
        source = copy.copy(session.pipeline.sources[0])
        source.path = self.path
        session.accepted = accepted_in(session.settings, [source], session.rules, session.book, "everything")

    def _written(self, content: str, suffix: str | None = None) -> str:
        """A file with `content`, in place of the last one."""
        path = os.path.join(
            self._folder, f"draft{''.join(Path(self.path).suffixes[-1:]) if suffix is None else suffix}"
        )
        Path(path).write_bytes(content.encode("utf-8", "surrogatepass"))
        return path

    def _whole(self, content: str) -> list[Spot]:
        """All findings of a text that is no JSON lines."""
        session = self._opened
        folded = fold(
            session.pipeline,
            session.rules,
            session.executor,
            hiding=session.hiding,
            masking=masked_findings,
            memory_limit=session.settings.memory_limit,
        )
        self.errors = list(folded.errors)
        found = [finding for tally in folded.tallies.values() for finding in tally.sorted()]
        where = _Places(content, session.pipeline.sources[0], found)
        return [
            Spot(finding, *where.of(finding), None, self._digest_of_whole(finding), tuple(where.others(finding)))
            for finding in found
        ]

    def _spots(self, content: str, lines: _Lines) -> list[Spot]:
        self._look_at([key for key in lines.keys if key not in self._seen])
        if len(self._seen) > 2 * len(lines.raw) + 1000:
            known = set(lines.keys)
            self._seen = {key: seen for key, seen in self._seen.items() if key in known}
        spots = [*self._moved(lines), *self._of_rows(lines)]
        spots.sort(key=lambda spot: (spot.start, spot.finding.severity.rank, spot.finding.code))
        return spots

    def _of_rows(self, lines: _Lines) -> Iterator[Spot]:
        """What was found in the lines, without what is accepted, as `engine.hiding.Sieve` decides it."""
        session = self._opened
        hiding = session.hiding
        suppressed = hiding.suppressed.get(0, {}) if hiding is not None else {}
        left = {code: dict(own) for code, own in hiding.baseline.items()} if hiding is not None else {}
        ignored = self._ignored
        for number, key in enumerate(lines.keys):
            seen = self._seen.get(key)
            if seen is None or not seen.found:
                continue
            start = lines.starts[number]
            for finding, spans in seen.found:
                code = finding.code
                if code in ignored or seen.digest in suppressed.get(code, ()):
                    continue
                if left.get(code, {}).get(seen.digest):
                    left[code][seen.digest] -= 1
                    continue
                first, *others = (Span(start + span.start, start + span.end) for span in spans)
                yield Spot(finding, *first, number, seen.digest, tuple(others))

    def _look_at(self, keys: Iterable[_Key]) -> None:
        """Find out what is wrong with lines that were never seen."""
        # One that has no end comes last, as it does in a file.
        new = sorted(dict.fromkeys(keys), key=lambda key: key[1])
        if not new:
            return
        for batch in self._read([raw for raw, _ in new], ended=not new[-1][1]):
            found = self._found(batch)
            # What is shown quotes no secret; but what is quoted says which part of the text is meant.
            masked = masked_findings(batch, found)
            rows: dict[int, list[tuple[Finding, Finding]]] = {}
            for code, group in found.items():
                for finding, as_shown in zip(group, masked[code], strict=True):
                    if finding.key is not None:
                        rows.setdefault(finding.key & ORDINAL_MASK, []).append((finding, as_shown))
            for record in batch.records:
                own = rows.get(record.ordinal, [])
                text = new[record.ordinal][0].decode("utf-8", "replace")
                digest = content_key(record) if own else b""
                spans = [(as_shown, _spans(text, finding)) for finding, as_shown in own]
                self._seen[new[record.ordinal]] = _Seen(spans, digest)

    def _read(self, raw: Sequence[bytes], *, ended: bool = True) -> Iterator[Batch]:
        """Lines as a file of their own: the n-th is the record with ordinal n."""
        path = os.path.join(self._folder, "lines.jsonl")
        Path(path).write_bytes(b"\n".join(raw) + (b"\n" if ended else b""))
        session = self._opened
        source = JsonLinesSource(path, display=self.name)
        pipeline = Pipeline([source], [session.pipeline.normalisers[0]])
        yield from pipeline.read(Shard(0, 0, os.path.getsize(path)))

    def _found(self, batch: Batch) -> dict[str, list[Finding]]:
        return {rule.meta.code: self._found_by(rule, batch) for rule in self._opened.singles}

    def _found_by(self, rule: ExampleRule, batch: Batch) -> list[Finding]:
        try:
            return list(rule.find(batch))
        except Exception as error:
            if len(batch) < 2:
                self.errors.append(EngineError(rule.meta.code, self.name, f"{type(error).__name__}: {error}"))
                return []
        singles = (batch.with_rows(batch.records[i : i + 1], batch.examples[i : i + 1]) for i in range(len(batch)))
        return [finding for single in singles for finding in self._found_by(rule, single)]

    def _of(self, finding: Finding, lines: _Lines) -> _OfData:
        """A finding of the last look at all of the data, ready to be moved."""
        line = finding.location.line
        if finding.key is None or line is None or line > len(lines.raw):
            return _OfData(finding, None, Span(0, 0), self._digest_of_whole(finding))
        raw = lines.raw[line - 1]
        seen = self._seen.get(lines.keys[line - 1])
        digest = seen.digest if seen is not None and seen.digest else self._digest(raw)
        related = [
            (other.line - 1, _span(lines.text(other.line - 1), finding, other))
            for other in finding.related[:RELATED]
            if other.line is not None and other.line <= len(lines.raw)
        ]
        return _OfData(finding, line - 1, _span(lines.text(line - 1), finding), digest, related)

    def _digest(self, raw: bytes) -> bytes:
        return next(content_key(record) for batch in self._read([raw]) for record in batch.records)

    def _digest_of_whole(self, finding: Finding) -> bytes:
        return digest_of_whole(finding, self._opened.book.kind(finding.code).meta.about, "")

    def _moved(self, lines: _Lines) -> Iterator[Spot]:
        """What was found in the data as a whole, at the lines that have not changed since."""
        old, new = self._of_data_lines, lines.raw
        shorter = min(len(old), len(new))
        head = next((i for i in range(shorter) if old[i] != new[i]), shorter)
        most = shorter - head
        tail = next((i for i in range(most) if old[-1 - i] != new[-1 - i]), most)

        def now(line: int) -> int | None:
            if head <= line < len(old) - tail:
                return None
            return line if line < head else line + len(new) - len(old)

        for finding, line, span, digest, related in self._of_data:
            if line is None:
                yield Spot(finding, 0, min(1, lines.length), None, digest)
                continue
            others = [now(other) for other, _ in related]
            here = now(line)
            if here is None or None in others:
                continue  # it may be true no more
            start = lines.starts[here]
            places = []
            for other, (_, inside) in zip(others, related, strict=True):
                assert other is not None
                places.append(Span(lines.starts[other] + inside.start, lines.starts[other] + inside.end))
            if here != line or others != [other for other, _ in related]:
                finding = _relocated(finding, here, [other for other in others if other is not None])
            yield Spot(finding, start + span.start, start + span.end, here, digest, tuple(places))

    def _repaired(
        self, lines: _Lines, wanted: Sequence[int], repair: Repair, only: Finding | None = None
    ) -> list[LineEdit]:
        """What `repair` makes of some of the lines; with `only`, of that finding alone."""
        out: list[LineEdit] = []
        if not wanted:
            return out
        normaliser = self._opened.pipeline.normalisers[0]
        for batch in self._read([lines.raw[i] for i in wanted]):
            found = None if only is None else {only.code: [replace(only, key=batch.key(0))]}
            repaired = repair(batch, normaliser, found)
            for i, record in enumerate(batch.records):
                number = wanted[record.ordinal]
                if i in repaired.dropped:
                    out.append(LineEdit(number, None))
                elif i in repaired.changed:
                    after = written(repaired.batch.records[i].value, style_of(record.raw, record.value))
                    end = "\r" if lines.raw[number].endswith(b"\r") else ""
                    out.append(LineEdit(number, after.decode("utf-8", "replace") + end))
        return out


class _Once(Repair):
    """A repair that makes the fixes that it is given, and looks for no others."""

    def find(self, batch: Batch) -> dict[str, list[Finding]]:
        return {}


class _Lines:
    """The lines of a text, which end at `\\n` alone: as bytes, and where they begin, in characters."""

    def __init__(self, content: str) -> None:
        self.length = len(content)
        texts = content.split("\n")
        #: Without the empty line behind the last line end.
        ended = not texts[-1]
        if ended:
            texts.pop()
        self.raw = [text.encode("utf-8", "surrogatepass") for text in texts]
        self.keys: list[_Key] = [(raw, False) for raw in self.raw]
        if self.keys and not ended:
            self.keys[-1] = (self.raw[-1], True)
        self.starts = list(accumulate((len(text) + 1 for text in texts), initial=0))
        self._texts = texts

    def text(self, number: int) -> str:
        """A line as characters."""
        return self._texts[number]


def _span(text: str, finding: Finding, at: Location | None = None) -> Span:
    """The characters of a line, which holds one record, that a finding is about: as few as can be said. With `at`, that
    it speaks of besides."""
    location = finding.location if at is None else at
    end = len(text.rstrip("\r"))
    if location.column is not None and location.row is None and location.column.isdecimal():
        # Text that does not parse: the number of a character.
        first = min(max(int(location.column) - 1, 0), max(end - 1, 0))
        return Span(first, min(first + 1, end))
    pointer = location.pointer
    if pointer is None and location.column is not None:
        pointer = pointers.join([location.column])
    if pointer:
        # What is missing has no place, but what it is missing from has.
        for some in (pointer, pointer.rpartition("/")[0]):
            span = place(text, some) if some else None
            if span is not None:
                return _sharpened(text, span, finding) if some == pointer and at is None else span
    start = len(text) - len(text.lstrip())
    return Span(start if start < end else 0, end)


def _sharpened(text: str, span: Span, finding: Finding) -> Span:
    """Of the value at `span`, the part that the finding is about."""
    value = string_at(text, span)
    if value is None:
        return span
    edits = finding.fix.edits if finding.fix is not None else ()
    for edit in edits:
        if isinstance(edit, Substitute) and len(edits) == 1 and len(edit.cuts) == 1 and edit.cuts[0][1] <= len(value):
            return within(text, span, edit.cuts[0][0], edit.cuts[0][1])
    excerpt = finding.args.get("excerpt")
    if isinstance(excerpt, str) and excerpt and len(excerpt) < len(value):
        at = value.find(excerpt)
        if at >= 0:
            return within(text, span, at, at + len(excerpt))
    return span


def _spans(text: str, finding: Finding) -> list[Span]:
    """The characters of a line that a finding is about, and those of the same line that it speaks of besides."""
    return [_span(text, finding), *(_span(text, finding, other) for other in finding.related[:RELATED])]


def _relocated(finding: Finding, line: int, related: Sequence[int]) -> Finding:
    """A finding about a record that has come to stand in another line (from 0), as have others that it speaks of."""
    location = replace(finding.location, line=line + 1)
    known = (other for other in finding.related if other.line is not None)
    moved = tuple(replace(other, line=number + 1) for other, number in zip(known, related, strict=False))
    args = dict(finding.args)
    if "twin" in args and moved:
        args["twin"] = twin_place(moved[0], location)
    return replace(finding, location=location, related=moved, args=args)


class _Places:
    """Where findings are in a text that is no JSON lines: a table, an array of records, one object after another."""

    def __init__(self, content: str, source: Any, findings: Sequence[Finding]) -> None:
        self._content = content
        self._columns: Mapping[str, int] = {}
        if source.format == "csv":
            from dsprep.sources.csv import sniff_dialect

            self._columns = {name: i for i, name in enumerate(source.columns)}
            self._dialect = sniff_dialect(content[:65536])
        self._texts = content.split("\n")
        self._starts = list(accumulate((len(text) + 1 for text in self._texts), initial=0))
        self._known: Mapping[str, Span] = {}
        self._one = False
        if source.format != "csv":
            blank = len(content) - len(content.lstrip("\ufeff \t\r\n"))
            end = end_of(content, blank)
            self._one = end is not None and not content[end:].strip()
            if self._one:
                asked = {finding.location.pointer for finding in findings if finding.location.pointer}
                self._known = places(content, sorted(asked))

    def others(self, finding: Finding) -> list[Span]:
        """Where the records are that a finding speaks of besides."""
        return [self.of(replace(finding, location=other)) for other in finding.related[:RELATED]]

    def of(self, finding: Finding) -> Span:
        """The characters that a finding is about; the first one of the text if it is about all of it."""
        location = finding.location
        if location.line is None or location.line > len(self._texts):
            return Span(0, min(1, len(self._content)))
        if self._one and location.pointer:
            span = self._known.get(location.pointer)
            if span is not None:
                return _sharpened(self._content, span, finding)
        start = self._start(location)
        if location.pointer and not self._one:
            span = place(self._content, location.pointer, start)
            if span is not None:
                return _sharpened(self._content, span, finding)
        if location.column is not None and location.column in self._columns:
            return self._cell(start, self._columns[location.column])
        end = self._starts[location.line - 1] + len(self._texts[location.line - 1].rstrip("\r"))
        return Span(min(start, end), end)

    def _start(self, location: Location) -> int:
        """Where the record begins: in its line, where its first byte is."""
        assert location.line is not None
        at = self._starts[location.line - 1]
        if location.offset is None or location.line == 1:
            return at
        before = location.offset - self._bytes[location.line - 1]
        if before <= 0:
            return at
        return at + len(
            self._texts[location.line - 1].encode("utf-8", "surrogatepass")[:before].decode("utf-8", "ignore")
        )

    @cached_property
    def _bytes(self) -> list[int]:
        """How many bytes are before each line."""
        sizes = (len(text.encode("utf-8", "surrogatepass")) + 1 for text in self._texts)
        return list(accumulate(sizes, initial=0))

    def _cell(self, start: int, column: int) -> Span:
        """The n-th cell of the row that begins at `start`."""
        delimiter = self._dialect.delimiter if self._dialect is not None else ","
        escaped = self._dialect is not None and self._dialect.escaped
        text, at = self._content, start
        for number in range(column + 1):
            begin = at
            if text[at : at + 1] == '"':
                at += 1
                while at < len(text) and (text[at] != '"' or text[at + 1 : at + 2] == '"'):
                    at += 2 if text[at] == '"' or (escaped and text[at] == "\\") else 1
                at += 1
            while at < len(text) and text[at] not in (delimiter, "\n", "\r"):
                at += 1
            if number == column:
                return Span(begin, min(at, len(text)))
            if at >= len(text) or text[at] != delimiter:
                break
            at += 1
        line = bisect_right(self._starts, start) - 1
        return Span(start, self._starts[line] + len(self._texts[line].rstrip("\r")))
