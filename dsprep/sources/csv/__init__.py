"""Tables as delimited text: comma, semicolon, tab or pipe, in any encoding, read as a stream."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from typing import Any, ClassVar, Final

from dsprep.model.record import UNDECODED, Fault, Record
from dsprep.model.source import InputError, Shard, Source, Table, unreadable
from dsprep.opening import opened
from dsprep.sources.csv.columns import table_of
from dsprep.sources.csv.layout import NAMES, Dialect, Layout, legacy_encoding, sniff_dialect
from dsprep.sources.csv.planning import cuts
from dsprep.sources.csv.rows import Feed, rows_of
from dsprep.text.column_names import EXTRA, column_names
from dsprep.text.encoding import HEAD_BYTES, sniff

__all__ = ["CsvSource", "Dialect", "sniff_dialect"]

_HASHED: Final = 1 << 20


class CsvSource(Source):
    """A table whose first row names its columns.

    The value of a record is a dict from column to cell, all strings. A row with too few cells has None in the last
    columns, one with too many has the others in a list under `_extra`; both carry a `ragged-row` fault. The encoding is
    UTF-8, or the one that the mark at the beginning names, or the likeliest if the bytes are not UTF-8; `info.notes`
    says so, and what else was assumed.

    A quote that is never closed takes only its own line: what follows is read as if it were not there.
    """

    format = "csv"
    tabular = True
    addressable = True
    #: The longest row, in bytes, that is held in memory.
    max_row: ClassVar[int] = 16 << 20

    def __init__(
        self,
        path: str,
        *,
        index: int = 0,
        display: str | None = None,
        split: str | None = None,
        delimiter: str | None = None,
    ) -> None:
        super().__init__(path, index=index, display=display, split=split)
        self.delimiter = delimiter
        self._known: Layout | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns, made unique. Raises InputError if the file cannot be read."""
        return self._layout().columns

    def plan(self, shard_bytes: int) -> Iterator[Shard]:
        """See `Source.plan`."""
        layout = self._layout()
        info = self.info
        info.encoding = layout.encoding
        info.note(*layout.notes)
        info.bytes = 0
        whole = hashlib.sha256() if self.hashed else None
        try:
            with opened(self.path) as file, opened(self.path) as again:
                for shard in self._shards(file, layout, shard_bytes):
                    digest = b""
                    if whole is not None:
                        own = hashlib.sha256()
                        left = shard.end - shard.start
                        while left and (block := again.read(min(left, _HASHED))):
                            left -= len(block)
                            own.update(block)
                            whole.update(block)
                        digest = own.digest()
                    info.bytes = shard.end
                    yield replace(shard, digest=digest)
        except OSError as error:
            raise unreadable(self.display, error) from error
        info.sha256 = "" if whole is None else whole.hexdigest()

    def _shards(self, file: io.BufferedReader, layout: Layout, shard_bytes: int) -> Iterator[Shard]:
        feed = Feed(file, layout, self.max_row, offset=layout.mark, line=1)
        file.seek(layout.mark)
        next(rows_of(feed, layout.dialect), None)
        feed.begin()
        start = ordinal = rows = 0
        offset, line = feed.offset, feed.line
        #: Shards without a row: there may be none in the file.
        held: list[Shard] = []
        for cut in cuts(file, layout, offset, line, shard_bytes, self.max_row):
            # What is wrong with the header stands on the first shard, and so does the header.
            faults = () if start else layout.faults
            held.append(Shard(self.index, start, cut.end, ordinal, line, faults, rows=rows))
            start, line = cut.end, line + cut.lines
            ordinal, rows = ordinal + cut.records, rows + cut.rows
            if rows:
                yield from held
                held.clear()
        if not rows:
            yield Shard(self.index, 0, max(start, offset), line=line, faults=(Fault("empty-file"), *layout.faults))

    @property
    def reading(self) -> Mapping[str, Any]:
        """See `Source.reading`."""
        layout = self._layout()
        return {
            "delimiter": layout.dialect.delimiter,
            "escaped": layout.dialect.escaped,
            "encoding": layout.encoding,
            "mark": layout.mark,
            "terminator": layout.terminator.hex(),
            "columns": list(layout.columns),
            "longest": self.max_row,
        }

    def read(self, shard: Shard) -> Iterator[Record]:
        """See `Source.read`. A shard may be as small as one row."""
        layout = self._layout()
        columns = layout.columns
        width = len(columns)
        try:
            with opened(self.path) as file:
                offset = shard.start or layout.mark
                file.seek(offset)
                # The first shard begins with the header, which may be more than a line.
                line = shard.line if shard.start else 1
                feed = Feed(file, layout, self.max_row, offset=offset, line=line, length=max(shard.end - offset, 0))
                rows = rows_of(feed, layout.dialect)
                if not shard.start and next(rows, None) is None:
                    return
                ordinal, row = shard.ordinal, shard.rows
                for cells, fault in rows:
                    raw = feed.raw()
                    if not cells and fault is None:
                        blank = Fault("blank-line")
                        yield Record(ordinal, feed.line, feed.offset, raw, UNDECODED, None, (blank,))
                        ordinal += 1
                        continue
                    row += 1
                    value = dict(zip(columns, cells, strict=False))
                    record = Record(ordinal, feed.line, feed.offset, raw, value, row)
                    if len(cells) != width or fault is not None:
                        if len(cells) > width:
                            record.value = {**value, EXTRA: cells[width:]}
                        else:
                            record.value = dict.fromkeys(columns) | value
                        args = {"expected": width, "found": len(cells)}
                        record.faults = (Fault("ragged-row", args if fault is None else {**args, "reason": fault}),)
                    if feed.undecoded:
                        record.value = UNDECODED
                        record.faults = (feed.undecoded_fault(),)
                    yield record
                    ordinal += 1
        except OSError as error:
            raise unreadable(self.display, error) from error

    def table(self, shard: Shard, columns: Collection[str]) -> Table | None:
        """See `Source.table`."""
        layout = self._layout()
        if not layout.plain:
            return None
        try:
            with opened(self.path) as file:
                offset, line = layout.mark, 1
                if shard.start:
                    offset, line = shard.start, shard.line
                    file.seek(offset)
                else:
                    file.seek(offset)
                    feed = Feed(file, layout, self.max_row, offset=offset, line=line)
                    next(rows_of(feed, layout.dialect), None)
                    feed.begin()
                    offset, line = feed.offset, feed.line
                    file.seek(offset)
                data = file.read(shard.end - offset)
        except OSError as error:
            raise unreadable(self.display, error) from error
        return table_of(data, layout, columns, replace(shard, start=offset, line=line), self.max_row)

    def _layout(self) -> Layout:
        if self._known is None:
            try:
                self._known = self._found_out()
            except OSError as error:
                raise unreadable(self.display, error) from error
        return self._known

    def _found_out(self) -> Layout:
        """How the file is written. Reads all of it if needed to know whether it is UTF-8."""
        with opened(self.path) as file:
            head = file.read(HEAD_BYTES)
            sniffed = sniff(head)
            if sniffed.kind == "binary":
                raise InputError(sniffed.sentence(self.display))
            notes: list[str] = []
            encoding = sniffed.encoding
            if encoding != "utf-8":
                notes.append(f"the file is in {encoding.upper()}; it was read as such")
                start = head[sniffed.mark :].decode(encoding, "replace")
            else:
                if sniffed.mark:
                    notes.append("the file begins with a byte order mark, which was skipped")
                file.seek(0)
                legacy = legacy_encoding(file)
                if legacy is not None:
                    encoding = legacy
                    notes.append(f"the file is not UTF-8; it was read as {encoding}, its likeliest encoding")
                start = head[sniffed.mark :].decode(encoding, "replace")
            dialect = Dialect(self.delimiter) if self.delimiter else sniff_dialect(start) or Dialect(",")
            if dialect.delimiter != ",":
                notes.append(f"columns are separated by {NAMES.get(dialect.delimiter, dialect.delimiter)}s")
            terminator = b"\r" if "\n" not in start and "\r" in start else b"\n"
            layout = Layout(encoding, sniffed, dialect, terminator)
            file.seek(sniffed.mark)
            header = next(rows_of(Feed(file, layout, self.max_row, offset=layout.mark, line=1), dialect), None)
        columns, renamed, faults = column_names(header[0] if header else [])
        return layout._replace(columns=columns, notes=(*notes, *renamed), faults=faults)
