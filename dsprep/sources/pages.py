"""Pages of the web: HTML files, pages that a browser saved as MHTML, and WARC archives of crawls."""

from __future__ import annotations

import email
import email.policy
import io
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import redirect_stderr
from dataclasses import replace
from typing import Any, ClassVar, Final, NamedTuple

from dsprep.model.record import UNDECODED, Fault, Record
from dsprep.model.source import InputError, Shard, Source, unreadable
from dsprep.opening import measured, opened, ranged
from dsprep.text.web_pages import MAX_TAGS, CutError, PageCut, decode_page, read_page, too_many_tags

#: The largest page that is read, in bytes; pages of the web have some hundred kilobytes.
MAX_PAGE: Final = 32 << 20
#: Rows of one page are numbered from its own first number, so that pages can be read apart.
_ROWS_OF_A_PAGE: Final = 1 << 22
#: So many bytes of headers a record of an archive may have.
_MAX_HEADERS: Final = 1 << 20
_BLOCK: Final = 1 << 16
_CHARSET: Final = re.compile(r"charset\s*=\s*[\"']?\s*([\w.:-]+)", re.IGNORECASE)


class _Body(NamedTuple):
    """What a page was sent as: its bytes, the URL and the encoding that it came with, whether it is cut off, and why it
    is not read, if it is not."""

    data: bytes
    url: str = ""
    declared: str = ""
    cut: bool = False
    refused: str = ""


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
        if size:
            body = self._body()
            if body.cut:
                self.info.note(f"{self.display} ends before its end: it is cut off")
            if not body.refused:
                text, self.info.encoding, odd = decode_page(body.data, body.declared)
                if odd:
                    self.info.note(f"{self.display}: the page {odd}")
                elif self.info.encoding.startswith("utf-16") or self.info.encoding.startswith("utf-32"):
                    self.info.note(f"{self.display} is in {self.info.encoding.upper()}; it was read as such")
                if not body.cut and "<html" in text[:_BLOCK].lower() and not re.search("(?i)</(?:html|body)", text):
                    self.info.note(f"{self.display} ends without </html>, as pages do that are cut off")
        yield Shard(self.index, 0, size, faults=() if size else (Fault("empty-file"),))

    def read(self, shard: Shard) -> Iterator[Record]:
        """See `Source.read`."""
        if shard.end:
            yield from self._rows(self._body(), 1, 0)

    def _body(self) -> _Body:
        try:
            with opened(self.path) as file:
                data = file.read(MAX_PAGE + 1)
        except OSError as error:
            raise unreadable(self.display, error) from error
        if len(data) > MAX_PAGE:
            return _Body(b"", refused=f"it has more than {MAX_PAGE:,} bytes")
        return self._page(data)

    def _page(self, data: bytes) -> _Body:
        """The HTML in a file."""
        return _Body(data)

    def _rows(self, body: _Body, number: int, offset: int) -> Iterator[Record]:
        """The rows of a page; one that is not read, or that is cut off, is a single one with a fault."""
        first = (number - 1) * _ROWS_OF_A_PAGE
        refused, text = body.refused, ""
        if not refused and not body.cut:
            text, _, _ = decode_page(body.data, body.declared)
            if too_many_tags(text):
                refused = f"it has more than {MAX_TAGS:,} tags"
        if body.cut:
            yield Record(first, None, offset, body.data, UNDECODED, number, (Fault("truncated-file"),))
        elif refused:
            fault = Fault("missing-value", {"column": "text", "reason": f"the page is not read, as {refused}"})
            value = dict.fromkeys(("title", "url", "prompt", "text"), "") | {"url": body.url}
            yield Record(first, None, offset, b"", value, number, (fault,))
        else:
            for i, row in enumerate(read_page(text, body.url).rows(self.cut)):
                yield Record(first + i, None, offset, b"", row, number)


class SavedPageSource(PageSource):
    """A page that a browser saved with all that it is made of, as MHTML (RFC 2557)."""

    format: ClassVar[str] = "mhtml"

    def _page(self, data: bytes) -> _Body:
        try:
            message = email.message_from_bytes(data, policy=email.policy.default)
            for part in message.walk():
                if part.get_content_type() in ("text/html", "application/xhtml+xml"):
                    body = part.get_payload(decode=True)
                    url = str(message.get("Snapshot-Content-Location") or part.get("Content-Location") or "")
                    edge = message.get_boundary()
                    # Behind the last part stands its edge with two dashes (RFC 2046, section 5.1.1).
                    cut = edge is not None and f"--{edge}--".encode("ascii", "replace") not in data[-4096:]
                    declared = part.get_content_charset() or ""
                    return _Body(body if isinstance(body, bytes) else b"", url, declared, cut)
        except (RecursionError, ValueError, LookupError, AttributeError) as error:
            # The package raises several for headers and parts that nobody writes.
            said = "parts are nested too deep" if isinstance(error, RecursionError) else str(error)
            raise InputError(f"{self.display} is no saved page that can be read: {said}; save it again") from error
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
        odd: Counter[str] = Counter()
        faults: tuple[Fault, ...] = ()
        for at, body, cut in self._contents(0):
            if at - start >= shard_bytes and number + 1 > line:
                shards.append(Shard(self.index, start, at, (line - 1) * _ROWS_OF_A_PAGE, line))
                start, line = at, number + 1
            number += body is not None
            others += body is None and not cut
            if cut:
                self.info.note(f"{self.display} is cut off in the middle of its last record; fetch it again")
                faults = (Fault("truncated-file"),) if body is None else ()
            elif body is not None and not body.refused and not body.data.isascii():
                _, _, strange = decode_page(body.data, body.declared)
                odd[strange] += 1
        if others:
            self.info.note(f"{others:,} records of the archive are no pages (images, redirects, requests …)")
        for strange in sorted(filter(None, odd)):
            self.info.note(f"{odd[strange]:,} of the pages: each {strange}")
        if not number:
            faults = (Fault("empty-file"), *faults)
        shards.append(Shard(self.index, start, size, (line - 1) * _ROWS_OF_A_PAGE, line))
        yield replace(shards[0], faults=faults)
        yield from shards[1:]

    def read(self, shard: Shard) -> Iterator[Record]:
        """See `Source.read`. The line of a shard is the number of its first page."""
        number = shard.line
        for at, body, _ in self._contents(shard.start):
            if at >= shard.end:
                return
            if body is not None:
                yield from self._rows(body, number, at)
                number += 1

    def _contents(self, start: int) -> Iterator[tuple[int, _Body | None, bool]]:
        """The records of the archive from an offset on: where each is, the page in it (None: it is none), and whether
        it is cut off."""
        from warcio.archiveiterator import ArchiveIterator
        from warcio.exceptions import ArchiveLoadFailed
        from warcio.statusandheaders import StatusAndHeadersParserException

        # What the package prints of damage.
        printed = io.StringIO()
        try:
            with ranged(self.path, start) as file:
                limited = _Limited(file)
                with redirect_stderr(printed):
                    found = ArchiveIterator(limited)
                # Whether another record has begun: one whose headers are cut off is none to the package.
                begun, at = True, start
                while True:
                    limited.left = _MAX_HEADERS
                    with redirect_stderr(printed):
                        record = next(found, None)
                    if printed.getvalue():
                        raise ArchiveLoadFailed("a record is longer or shorter than it says")
                    if record is None:
                        if begun:
                            yield at, None, True
                        return
                    limited.left = None
                    with redirect_stderr(printed):
                        body, cut = _content(record)
                    if body is not None and printed.getvalue():
                        body = body._replace(data=b"", refused="what it is packed in is damaged")
                    printed.truncate(0)
                    printed.seek(0)
                    yield found.offset, body, cut
                    limited.left = _MAX_HEADERS
                    with redirect_stderr(printed):
                        found.read_to_end()
                    begun, at = found.next_line is not None, found.offset
        except (ArchiveLoadFailed, StatusAndHeadersParserException, AttributeError, TypeError) as error:
            # The last two are what the package raises of records that lack headers.
            said = str(error).strip().partition("\n")[0].rstrip(".")
            raise InputError(
                f"{self.display} is no WARC archive that can be read: {said[:200]}; fetch it again"
            ) from error
        except OSError as error:
            raise unreadable(self.display, error) from error


class _Limited(io.RawIOBase):
    """A file of which no more than `left` bytes are read before that is set anew; None is no limit."""

    def __init__(self, file: Any) -> None:
        self.file = file
        self.left: int | None = None

    def read(self, size: int = -1) -> bytes:
        if self.left is not None:
            if self.left <= 0:
                from warcio.exceptions import ArchiveLoadFailed

                raise ArchiveLoadFailed(f"the headers of a record have more than {_MAX_HEADERS:,} bytes")
            self.left -= max(size, 0)
        return bytes(self.file.read(size))

    def tell(self) -> int:
        return int(self.file.tell())


def _content(record: Any) -> tuple[_Body | None, bool]:
    """The page in a record of an archive (None: it is none), and whether the record is cut off. All of it is read."""
    body: _Body | None = None
    if _is_page(record):
        headers = record.http_headers
        about = (headers.get_header("Content-Type") if headers is not None else "") or ""
        packed = ((headers.get_header("Content-Encoding") if headers is not None else "") or "").lower().strip()
        declared = found[1] if (found := _CHARSET.search(about)) else ""
        data = record.content_stream().read(MAX_PAGE + 1)
        refused = ""
        if len(data) > MAX_PAGE:
            data, refused = b"", f"it has more than {MAX_PAGE:,} bytes"
        elif packed not in ("", "identity", "gzip", "x-gzip", "deflate") and not data[:512].lstrip().startswith(b"<"):
            data, refused = b"", f"it is packed with {packed[:20]}"
        body = _Body(data, record.rec_headers.get_header("WARC-Target-URI") or "", declared, False, refused)
    while record.raw_stream.read(_BLOCK):
        pass
    # Of a record that says how long it is, all must have been there.
    cut = record.length is None or getattr(record.raw_stream, "limit", 0) > 0
    return (body._replace(cut=cut) if body is not None else None), cut


def _is_page(record: Any) -> bool:
    if record.rec_type not in ("response", "resource"):
        return False
    headers = record.http_headers
    if headers is None:
        return "html" in (record.rec_headers.get_header("Content-Type") or "").lower()
    kind = (headers.get_header("Content-Type") or "").lower()
    return headers.get_statuscode() == "200" and "html" in kind
