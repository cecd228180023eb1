"""Pages of the web: HTML files, pages that a browser saved as MHTML, and WARC archives of crawls."""

from __future__ import annotations

import email
import email.policy
import io
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Final

from dsprep.model.record import Fault, Record
from dsprep.model.source import InputError, Shard, Source, unreadable
from dsprep.opening import measured, opened, ranged
from dsprep.text.web_pages import CutError, PageCut, read_page

#: The largest page that is read, in bytes; pages of the web have some hundred kilobytes.
MAX_PAGE: Final = 32 << 20
#: Rows of one page are numbered from its own first number, so that pages can be read apart.
_ROWS_OF_A_PAGE: Final = 1 << 16


class PageSource(Source):
    """One page, or the pages of an archive, cut as `cut` says (see PageCut).

    The value of a record is a dict (see `Page.rows`). Records have the number of the page in the archive as their row.
    A page without a text of its own gives one row with an empty text: nothing goes unseen.
    """

    format: ClassVar[str] = "html"
    tabular = True
    suggested: ClassVar[Mapping[str, str]] = {"user": "prompt", "assistant": "text", "group": "url"}

    def __init__(self, path: str, *, cut: str | None = None, **known: Any) -> None:
        super().__init__(path, **known)
        try:
            self.cut = PageCut.parse(cut)
        except CutError as error:
            raise InputError(f"{self.display} holds pages: {error}") from error

    @property
    def reading(self) -> Mapping[str, Any]:
        """See `Source.reading`."""
        return {"kind": self.cut.kind, "tokens": self.cut.tokens, "overlap": self.cut.overlap}

    def plan(self, shard_bytes: int) -> Iterator[Shard]:
        """See `Source.plan`. A single shard."""
        size = measured(self)
        yield Shard(self.index, 0, size, faults=() if size else (Fault("empty-file"),))

    def read(self, shard: Shard) -> Iterator[Record]:
        """See `Source.read`."""
        try:
            with opened(self.path) as file:
                data = file.read(MAX_PAGE + 1)
        except OSError as error:
            raise unreadable(self.display, error) from error
        if len(data) > MAX_PAGE:
            raise InputError(f"{self.display} is larger than {MAX_PAGE:,} bytes, as no page is")
        if data:
            yield from self._rows(*self._page(data), 1, 0)

    def _page(self, data: bytes) -> tuple[bytes, str]:
        """The HTML in a file, and where it came from."""
        return data, ""

    def _rows(self, data: bytes, url: str, number: int, offset: int) -> Iterator[Record]:
        first = (number - 1) * _ROWS_OF_A_PAGE
        for i, value in enumerate(read_page(data, url).rows(self.cut)):
            yield Record(first + i, None, offset, b"", value, number)


class SavedPageSource(PageSource):
    """A page that a browser saved with all that it is made of, as MHTML (RFC 2557)."""

    format: ClassVar[str] = "mhtml"

    def _page(self, data: bytes) -> tuple[bytes, str]:
        message = email.message_from_bytes(data, policy=email.policy.default)
        for part in message.walk():
            if part.get_content_type() in ("text/html", "application/xhtml+xml"):
                body = part.get_payload(decode=True)
                url = str(message.get("Snapshot-Content-Location") or part.get("Content-Location") or "")
                return (body if isinstance(body, bytes) else b""), url
        raise InputError(f"{self.display} is a saved page without HTML in it; save it again")


class ArchiveSource(PageSource):
    """The pages of a WARC archive: what servers answered with HTML and status 200. What else it holds is counted in
    `info.notes`."""

    format: ClassVar[str] = "warc"

    def plan(self, shard_bytes: int) -> Iterator[Shard]:
        """See `Source.plan`."""
        size = measured(self)
        others = number = 0
        start, line = 0, 1
        shards: list[Shard] = []
        for at, is_page in self._contents(0):
            if at - start >= shard_bytes and number + 1 > line:
                shards.append(Shard(self.index, start, at, (line - 1) * _ROWS_OF_A_PAGE, line))
                start, line = at, number + 1
            number += is_page
            others += not is_page
        if others:
            self.info.note(f"{others:,} records of the archive are no pages (images, redirects, requests …)")
        faults = () if number else (Fault("empty-file"),)
        yield from shards
        yield Shard(self.index, start, size, (line - 1) * _ROWS_OF_A_PAGE, line, faults=faults)

    def read(self, shard: Shard) -> Iterator[Record]:
        """See `Source.read`. The line of a shard is the number of its first page."""
        number = shard.line
        for record, at in self._records(shard.start):
            if at >= shard.end:
                return
            if _is_page(record):
                data = record.content_stream().read(MAX_PAGE)
                yield from self._rows(data, record.rec_headers.get_header("WARC-Target-URI") or "", number, at)
                number += 1

    def _contents(self, start: int) -> Iterator[tuple[int, bool]]:
        for record, at in self._records(start):
            yield at, _is_page(record)

    def _records(self, start: int) -> Iterator[tuple[Any, int]]:
        """The records of the archive from an offset on, each with its own."""
        from warcio.archiveiterator import ArchiveIterator
        from warcio.exceptions import ArchiveLoadFailed

        try:
            with ranged(self.path, start) as file:
                found = ArchiveIterator(io.BufferedReader(file) if isinstance(file, io.RawIOBase) else file)
                for record in found:
                    yield record, found.offset
        except ArchiveLoadFailed as error:
            raise InputError(f"{self.display} is no WARC archive that can be read: {error}; fetch it again") from error
        except OSError as error:
            raise unreadable(self.display, error) from error


def _is_page(record: Any) -> bool:
    if record.rec_type not in ("response", "resource"):
        return False
    headers = record.http_headers
    if headers is None:
        return "html" in (record.rec_headers.get_header("Content-Type") or "").lower()
    kind = (headers.get_header("Content-Type") or "").lower()
    return headers.get_statuscode() == "200" and "html" in kind
