"""Cutting delimited text where rows end: by the bytes where quotes stand as usual, else by the parser."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import NamedTuple

from dsprep.sources.csv.layout import Layout
from dsprep.sources.csv.rows import Feed, rows_of
from dsprep.text.table_rows import row_ends


class Cut(NamedTuple):
    """A piece of a table: where it ends, how many records it has, empty lines included, how many of them are rows, and
    how many line ends are in it."""

    end: int
    records: int
    rows: int
    lines: int


def cuts(
    file: io.BufferedReader, layout: Layout, offset: int, line: int, piece_bytes: int, max_row: int
) -> Iterator[Cut]:
    """Cut `file` from `offset`, where a row begins, in `line`, into pieces of about `piece_bytes`, in order."""
    file.seek(offset)
    held, more = b"", layout.plain
    while True:
        if layout.plain and more:
            wanted = max(piece_bytes, len(held))
            block = file.read(wanted)
            held += block
            more = len(block) == wanted
        cut = _plain_cut(held, layout, max_row, last=not more) if held else None
        if cut is not None and not cut.end and more and len(held) <= max_row:
            continue
        if cut is not None and cut.end:
            held = held[cut.end :]
            cut = cut._replace(end=offset + cut.end)
        else:
            file.seek(offset)
            cut = _parsed_cut(file, layout, offset, line, piece_bytes, max_row)
            if cut is None:
                return
            held, more = b"", layout.plain
            file.seek(cut.end)
        yield cut
        offset, line = cut.end, line + cut.lines


def _plain_cut(data: bytes, layout: Layout, max_row: int, *, last: bool) -> Cut | None:
    """The whole rows at the beginning of `data`, at an offset of 0; None if only the parser can tell what they are.
    `last`: nothing comes behind `data`."""
    # The last row of a file may have no line end.
    found = row_ends(data + b"\n" if last and not data.endswith(b"\n") else data, layout.dialect.delimiter)
    if found is None or found.longest > max_row:
        return None
    records, end = len(found.ends), min(found.size, len(data))
    return Cut(end, records, records - int(found.blank.sum()), found.lines - (found.size - end))


def _parsed_cut(
    file: io.BufferedReader, layout: Layout, offset: int, line: int, piece_bytes: int, max_row: int
) -> Cut | None:
    feed = Feed(file, layout, max_row, offset=offset, line=line)
    records = rows = 0
    for cells, fault in rows_of(feed, layout.dialect):
        records += 1
        rows += bool(cells) or fault is not None
        if feed.offset + feed.held - offset >= piece_bytes:
            break
    feed.begin()
    return Cut(feed.offset, records, rows, feed.line - line) if records else None
