"""JSON lines: one record a line, read in shards that are cut at line ends."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import accumulate, count
from typing import Any, ClassVar, Final

import orjson

from dsprep.model.record import UNDECODED, Fault, Record
from dsprep.model.source import InputError, Shard, Source, unreadable
from dsprep.opening import ranged
from dsprep.text.borders import Borders
from dsprep.text.encoding import HEAD_BYTES, Sniffed, detect_legacy, encoded_length, sniff, transcoded, utf8_error
from dsprep.text.json_text import all_plain, decode_json, excerpt, plain

#: How much is read at a time: to find line ends, and to decode (a smaller piece, so that it stays in the caches).
PLAN_BLOCK: Final = 4 << 20
READ_BLOCK: Final = 1 << 17

#: As much of a line that is too long as is kept, for the excerpt.
_KEPT: Final = 1024

#: Lines looked at together when something is wrong with some line of a block.
_GROUP: Final = 32

_FAILED: Final = object()


class JsonLinesSource(Source):
    """A file of JSON lines.

    A line ends at `\\n` alone; a return before it belongs to the line end. A file in UTF-16 or UTF-32 is read all the
    same, with a fault: `raw` of its records is UTF-8 then, and offsets are those of the file. A line longer than
    `max_line` bytes is never held in memory; it becomes a record with a fault and without `raw`.
    """

    format = "jsonl"
    addressable = True
    movable = True
    max_line: ClassVar[int] = 64 << 20

    def __init__(self, path: str, *, index: int = 0, display: str | None = None, split: str | None = None) -> None:
        super().__init__(path, index=index, display=display, split=split)
        self._known: Sniffed | None = None
        self._legacy: str | None = None

    def plan(self, shard_bytes: int) -> Iterator[Shard]:
        """See `Source.plan`. One pass over the file. The lines themselves decide where shards end (see text.borders),
        so that all but one or two are the same as before when a line has changed."""
        sniffed = self._sniffed()
        info = self.info
        info.bytes, info.sha256, info.encoding = 0, "", sniffed.encoding
        wide = sniffed.encoding != "utf-8"
        digest = hashlib.sha256()
        # Whoever copies a line that is too long relies on its shard ending with it.
        borders = Borders(min(shard_bytes, self.max_line))
        faults = _file_faults(sniffed)
        blank = True
        held: list[Shard] = []
        # The shard being made begins at byte `start`, behind `before` line ends.
        start = before = 0
        for block in self._blocks(0):
            digest.update(block)
            if blank:
                text = block[sniffed.mark if info.bytes == 0 else 0 :]
                blank = not text.strip(b" \t\r\n\x00") if wide else not text or text.isspace()
            info.bytes += len(block)
            for piece in () if wide else borders.feed(block):
                held.append(Shard(self.index, start, piece.end, before, before + 1, faults, piece.digest))
                start, before, faults = piece.end, before + piece.lines, ()
            if not blank:
                yield from held
                held.clear()
        info.sha256 = digest.hexdigest()
        if blank:
            yield Shard(self.index, 0, 0, faults=(*_file_faults(sniffed), Fault("empty-file")))
        elif wide:
            yield Shard(self.index, 0, info.bytes, faults=faults, digest=digest.digest())
        elif rest := borders.rest():
            yield Shard(self.index, start, rest.end, before, before + 1, faults, rest.digest)

    @property
    def reading(self) -> Mapping[str, Any]:
        """See `Source.reading`."""
        sniffed = self._sniffed()
        return {"encoding": sniffed.encoding, "mark": sniffed.mark, "legacy": self._legacy, "longest": self.max_line}

    def read(self, shard: Shard) -> Iterator[Record]:
        """See `Source.read`. A shard may be as small as one line."""
        sniffed = self._sniffed()
        skipped = sniffed.mark if shard.start == 0 and shard.end else 0
        offset = shard.start + skipped
        blocks = self._blocks(offset, shard.end - offset)
        if sniffed.encoding != "utf-8":
            blocks = transcoded(blocks, sniffed.encoding)
        ordinal = shard.ordinal
        for text, size in _whole_lines(blocks, self.max_line):
            if size:
                yield self._too_long(text, size, ordinal, offset)
                ordinal += 1
                # Of a long line in another encoding only the beginning is known: take the rest to be like ASCII.
                unit = encoded_length(b"\n", sniffed.encoding)
                offset += encoded_length(text, sniffed.encoding) + (size - len(text) + 1) * unit
                continue
            for record in self._records(text, ordinal, offset):
                yield record
            ordinal = record.ordinal + 1
            offset += encoded_length(text, sniffed.encoding)

    def read_rows(self, rows: Sequence[Shard]) -> Iterator[Record]:
        """See `Source.read_rows`. The file is opened once, and rows that are sound are decoded together."""
        if self._sniffed().encoding != "utf-8":
            yield from super().read_rows(rows)
            return
        for start in range(0, len(rows), _GROUP):
            some = rows[start : start + _GROUP]
            if sum(row.end - row.start for row in some) <= self.max_line:
                raws = [raw.removesuffix(b"\n").removesuffix(b"\r") for raw in self._pieces(some)]
                try:
                    values = list(map(orjson.loads, raws))
                except orjson.JSONDecodeError:
                    pass
                else:
                    if all_plain(b"\n".join(raws), values):
                        for row, raw, value in zip(some, raws, values, strict=True):
                            yield Record(row.ordinal, row.line, row.start, raw, value)
                        continue
            yield from super().read_rows(some)

    def _records(self, text: bytes, ordinal: int, offset: int) -> Iterable[Record]:
        """The records of `text`, which is whole lines; only the last line of a file may lack its end."""
        lines = text.split(b"\n")
        unterminated = bool(lines[-1])
        if not unterminated:
            lines.pop()
        encoding = self._sniffed().encoding
        widths: Iterable[int] = map(len, lines)
        end = 1
        if encoding != "utf-8":
            widths = (encoded_length(line, encoding) for line in lines)
            end = encoded_length(b"\n", encoding)
        offsets = accumulate(widths, lambda at, width: at + width + end, initial=offset)
        raws = lines
        if b"\r" in text:
            raws = [line.removesuffix(b"\r") for line in lines]
        if len(text) <= self.max_line:
            # Nearly every block is such that nothing needs a closer look; then no line is handled by Python code.
            try:
                values = list(map(orjson.loads, raws))
            except orjson.JSONDecodeError:
                pass
            else:
                if all_plain(text, values):
                    return map(Record, count(ordinal), count(ordinal + 1), offsets, raws, values)
        return self._looked_at(raws, ordinal, list(offsets), unterminated)

    def _looked_at(
        self, raws: Sequence[bytes], ordinal: int, offsets: Sequence[int], unterminated: bool
    ) -> Iterator[Record]:
        values: list[Any] = []
        for raw in raws:
            try:
                values.append(orjson.loads(raw) if len(raw) <= self.max_line else _FAILED)
            except orjson.JSONDecodeError:
                values.append(_FAILED)
        last = len(raws) - 1
        sound = False
        for i, (raw, value, offset) in enumerate(zip(raws, values, offsets, strict=False)):
            if i % _GROUP == 0:
                # By groups, so that one odd line does not make all the others of its block slow.
                some = range(i, min(i + _GROUP, len(raws)))
                good = [j for j in some if values[j] is not _FAILED]
                sound = all_plain(b"\n".join([raws[j] for j in good]), [values[j] for j in good])
            line = ordinal + i + 1
            if value is not _FAILED and (sound or plain(raw, value)):
                yield Record(line - 1, line, offset, raw, value)
            elif len(raw) > self.max_line:
                yield self._too_long(raw, len(raw), line - 1, offset)
            elif not raw or raw.isspace():
                yield Record(line - 1, line, offset, raw, UNDECODED, None, (Fault("blank-line"),))
            else:
                value, faults = decode_json(
                    raw, line=line, offset=offset, unterminated=unterminated and i == last, encoding=self._legacy
                )
                yield Record(line - 1, line, offset, raw, value, None, faults)

    def _too_long(self, head: bytes, size: int, ordinal: int, offset: int) -> Record:
        fault = Fault(
            "invalid-json",
            {
                "reason": f"the line is {size:,} bytes long; at most {self.max_line:,} are read",
                "excerpt": excerpt(head[:_KEPT].decode("utf-8", "replace")),
            },
            line=ordinal + 1,
        )
        return Record(ordinal, ordinal + 1, offset, b"", UNDECODED, None, (fault,))

    def _sniffed(self) -> Sniffed:
        """What the file is, looked up once. Raises InputError if it is not text."""
        if self._known is None:
            head = b"".join(self._blocks(0, HEAD_BYTES))
            known = sniff(head)
            if known.kind == "binary":
                raise InputError(known.sentence(self.display))
            if known.encoding == "utf-8" and utf8_error(head) is not None:
                # One guess for the whole file is better, and much quicker, than one for each line.
                bad = [line for line in head.split(b"\n") if utf8_error(line) is not None]
                self._legacy = detect_legacy(b"\n".join(bad))
            self._known = known
        return self._known

    def _pieces(self, rows: Sequence[Shard]) -> list[bytes]:
        """The bytes of each of `rows`."""
        out: list[bytes] = []
        try:
            with ranged(self.path, rows[0].start, rows[-1].end - rows[0].start) as file:
                for row in rows:
                    file.seek(row.start)
                    out.append(file.read(row.end - row.start))
        except OSError as error:
            raise unreadable(self.display, error) from error
        return out

    def _blocks(self, start: int, size: int | None = None) -> Iterator[bytes]:
        """`size` bytes of the file from `start`, or all that follow, in blocks."""
        try:
            with ranged(self.path, start, size) as file:
                while block := file.read(PLAN_BLOCK if size is None else min(READ_BLOCK, size)):
                    yield block
                    size = None if size is None else size - len(block)
        except OSError as error:
            raise unreadable(self.display, error) from error


def _whole_lines(blocks: Iterable[bytes], max_line: int) -> Iterator[tuple[bytes, int]]:
    """`blocks` cut anew: (whole lines, 0), and (beginning, size) of a line of `size` bytes that is too long to hold.

    What follows the last line end comes last.
    """
    pieces: list[bytes] = []
    held = 0
    for block in blocks:
        cut = block.rfind(b"\n") + 1
        if not cut:
            pieces.append(block)
            held += len(block)
            if held > max_line:
                pieces = [b"".join(pieces)[:_KEPT]]
            continue
        begin = 0
        if held > max_line:
            end = block.find(b"\n")
            yield pieces[0], held + end
            pieces, begin = [], end + 1
        if begin < cut:
            yield b"".join([*pieces, block[begin:cut]]), 0
        pieces = [block[cut:]]
        held = len(pieces[0])
    if held > max_line:
        yield pieces[0], held
    elif held:
        yield b"".join(pieces), 0


def _file_faults(sniffed: Sniffed) -> tuple[Fault, ...]:
    if sniffed.encoding != "utf-8":
        # The mark, if there is one, is part of that encoding and goes with it.
        mark = {"utf-16-le": "fffe", "utf-16-be": "feff", "utf-32-le": "fffe0000", "utf-32-be": "0000feff"}
        bad = mark[sniffed.encoding] if sniffed.mark else "00"
        return (Fault("invalid-utf8", {"encoding": sniffed.encoding, "bad": bad}),)
    if sniffed.mark:
        return (Fault("byte-order-mark", {"encoding": "utf-8"}),)
    return ()
