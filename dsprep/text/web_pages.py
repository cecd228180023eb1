"""Pages of the web as rows: the main text without what surrounds it, its sections, its questions and answers.

The main text is trafilatura's, in Markdown, with headings, lists, tables and code kept.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal

from dsprep.text.code_spans import fenced_blocks
from dsprep.text.encoding import HEAD_BYTES, decodes, detect_legacy, sniff
from dsprep.text.tokens import token_counter

Cut = Literal["auto", "document", "sections", "questions", "chunks"]
CUTS: Final = ("auto", "document", "sections", "questions", "chunks")

#: The length of a chunk and of what it shares with the one before, in tokens of an encoding.
_TOKENS, _OVERLAP = 1024, 64
_ENCODING: Final = "cl100k_base"
_HEADING: Final = re.compile(r"^(#{1,6})[ \t]+(\S.*?)[ \t]*#*[ \t]*$", re.MULTILINE)
#: The line that browsers begin a saved page with.
_SAVED_FROM: Final = re.compile(r"<!--\s*saved from url=\(\d+\)(\S+?)\s*-->", re.IGNORECASE)
_CHARSET: Final = re.compile(rb"<(?:meta|\?xml)\b[^>]*?(?:charset|encoding)\s*=\s*[\"']?\s*([\w.:-]+)", re.IGNORECASE)
#: So many bytes at the beginning of a page may say its encoding; browsers look at 1,024.
_DECLARED_WITHIN: Final = 4096
#: What names of encodings stand for on the web, where that is not what Python takes them for.
_OF_THE_WEB: Final = {
    "iso8859-1": "cp1252",
    "ascii": "cp1252",
    "iso8859-9": "cp1254",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
    "tis-620": "cp874",
    "utf-16": "utf-8",
    "utf-16-le": "utf-8",
    "utf-16-be": "utf-8",
}
#: Beginnings of names of encodings that pages may ask for; Python has others that are none of text.
_TRUSTED: Final = (
    "utf-8",
    "cp",
    "iso8859",
    "koi8",
    "gb18030",
    "big5",
    "shift",
    "euc",
    "mac",
    "iso2022_jp",
    "kz",
    "ptcp",
)
#: A page has at most so many tags: reading takes some milliseconds for a hundred, and pages have some thousands.
MAX_TAGS: Final = 200_000
_SPACE: Final = re.compile(r"[ \t\r\f\v\u00a0]*\n\s*|[ \t\r\f\v\u00a0]+")
#: A page has questions and answers if it has so many of them.
_FEWEST: Final = 2


class CutError(ValueError):
    """Nothing that a page can be cut into."""


@dataclass(frozen=True, slots=True)
class PageCut:
    """What a page becomes: one row, a row a section, a question or a chunk. `auto` takes questions where the page has
    some, else sections where it has two or more, else the whole, in chunks if it is longer than one.

    A chunk has at most `tokens` tokens (of cl100k_base), of which about `overlap` stand in the one before, too; it
    begins and ends between paragraphs where they are short enough.
    """

    kind: Cut = "auto"
    tokens: int = _TOKENS
    overlap: int = _OVERLAP

    @classmethod
    def parse(cls, text: str | None) -> PageCut:
        """`sections`, `chunks`, `chunks:512`, `chunks:512/32` … None is `auto`. Raises CutError."""
        if text is None:
            return cls()
        match = re.fullmatch(r"(\w+)(?::(\d{1,6})(?:/(\d{1,6}))?)?", text.strip().lower())
        kind = match[1] if match else ""
        if not match or kind not in CUTS or (match[2] and kind not in ("chunks", "auto")):
            raise CutError(f"a page is cut into {', '.join(CUTS)}, or chunks:512/64 (tokens and overlap), not {text!r}")
        tokens = int(match[2] or _TOKENS)
        overlap = int(match[3]) if match[3] else min(_OVERLAP, tokens // 8)
        if tokens < 16 or overlap * 2 > tokens:
            raise CutError(f"{text!r}: a chunk has at least 16 tokens, and no more than half of them overlap")
        for known in CUTS:
            if known == kind:
                return cls(known, tokens, overlap)
        raise CutError(text)


@dataclass(frozen=True, slots=True)
class Page:
    """What a page is about: its main text in Markdown (empty if it has none), and pairs of question and answer."""

    title: str
    url: str
    date: str
    author: str
    language: str
    text: str
    questions: tuple[tuple[str, str], ...]

    def rows(self, cut: PageCut) -> Iterator[dict[str, Any]]:
        """The rows of the page, one at least, all with the same members: `title`, `url`, `date`, `author`, `language`;
        `heading` (of a section; the question); `prompt`, what a person might have asked for (the question, the title
        with the heading, the title with the number of the part), and `text` (the answer, the section, the chunk)."""
        if cut.kind == "questions" or (cut.kind == "auto" and self.questions):
            for question, answer in self.questions or (("", ""),):
                yield self._row(question, question, answer)
            return
        if cut.kind in ("auto", "sections"):
            found = list(sections(self.text))
            if cut.kind == "sections" or len([heading for heading, _ in found if heading]) >= _FEWEST:
                for heading, text in found or [("", "")]:
                    apart = heading and heading != self.title
                    yield self._row(heading, f"{self.title}: {heading}".lstrip(": ") if apart else self.title, text)
                return
        if cut.kind in ("auto", "chunks"):
            parts = list(chunks(self.text, cut.tokens, cut.overlap))
            if len(parts) > 1:
                for number, text in enumerate(parts, 1):
                    yield self._row("", f"{self.title} (part {number} of {len(parts)})".lstrip(), text)
                return
        yield self._row("", self.title, self.text)

    def _row(self, heading: str, prompt: str, text: str) -> dict[str, Any]:
        return {
            "title": self.title,
            "url": self.url,
            "date": self.date,
            "author": self.author,
            "language": self.language,
            "heading": heading,
            "prompt": prompt,
            "text": text,
        }


def decode_page(data: bytes, declared: str = "") -> tuple[str, str, str]:
    """The text of a page, its encoding, and what is odd about that, in words (else empty). `declared` is the encoding
    that it was sent with, if that is known.

    A byte order mark decides, then UTF-8 if the page is valid in it, then what it says of itself (see "determining the
    character encoding" in the HTML standard; UTF-8 comes first here, since pages that were saved anew often keep what
    they said before), then the likeliest encoding.
    """
    known = sniff(data[:HEAD_BYTES])
    if known.encoding != "utf-8":
        return data[known.mark :].decode(known.encoding, "replace"), known.encoding, ""
    data = data[known.mark :]
    text = data.decode("utf-8", "replace")
    bad = text.count("\ufffd")
    if not bad or decodes(data, "utf-8"):
        return text, "utf-8", ""
    said = declared or ((found := _CHARSET.search(data[:_DECLARED_WITHIN])) and found[1].decode()) or ""
    named = _codec(said)
    if named not in ("", "utf-8") and decodes(data, named):
        return data.decode(named), named, ""
    # Some letters cut in half make no other encoding of a page.
    if bad <= (len(data) - len(data.translate(None, bytes(range(128, 256))))) // 20 + 1 and len(text) - bad > bad:
        return text, "utf-8", f"{bad:,} of its characters are not UTF-8 and stand as U+FFFD"
    likely = detect_legacy(data)
    claim = f"says that it is {said[:40]}, and is not" if said else "does not say its encoding"
    return data.decode(likely, "replace"), likely, f"{claim}; it was read as {likely}, its likeliest encoding"


def _codec(name: str) -> str:
    """Python's name for an encoding of the web, empty if there is none."""
    try:
        known = codecs.lookup(name.strip()).name
    except (LookupError, ValueError):
        return ""
    known = _OF_THE_WEB.get(known, known)
    return known if known.startswith(_TRUSTED) else ""


def too_many_tags(text: str) -> bool:
    """Whether a page has more tags than any has that is made for reading."""
    return text.count("<") > MAX_TAGS


def read_page(data: str, url: str = "") -> Page:
    """The page of this HTML, which came from `url` if that is known. Never raises for what a page holds."""
    import trafilatura

    saved = _SAVED_FROM.search(data[:2048])
    url = url or (saved[1] if saved else "")
    tree = trafilatura.load_html(data)
    if tree is None:
        return Page("", url, "", "", "", "", ())
    questions = tuple(_questions(tree))
    language = (tree.get("lang") or tree.get("{http://www.w3.org/XML/1998/namespace}lang") or "").partition("-")[0]
    about = trafilatura.extract_metadata(tree, default_url=url or None)
    text = trafilatura.extract(
        tree,
        url=url or None,
        output_format="markdown",
        include_comments=False,
        include_tables=True,
        favor_precision=True,
    )
    text = text or ""
    if not questions:
        asked = [(heading, body) for heading, body in sections(text) if heading.rstrip().endswith(("?", "？", "؟"))]
        questions = tuple(asked) if len(asked) >= _FEWEST else ()
    return Page(
        title=(about.title if about else None) or "",
        url=url or (about.url if about else None) or "",
        date=(about.date if about else None) or "",
        author=(about.author if about else None) or "",
        language=language.lower(),
        text=text.strip(),
        questions=questions,
    )


def sections(text: str) -> Iterator[tuple[str, str]]:
    """Heading and text of each section of a text in Markdown; what stands before the first heading has none. Sections
    without a text of their own are part of the heading of the next: `Use: Install`."""
    code = fenced_blocks(text)
    headings = [
        match for match in _HEADING.finditer(text) if not any(start <= match.start() < end for start, end in code)
    ]
    before = text[: headings[0].start()].strip() if headings else text.strip()
    if before:
        yield "", before
    above: list[tuple[int, str]] = []
    for i, match in enumerate(headings):
        level, heading = len(match[1]), match[2].strip("*_ ")
        body = text[match.end() : headings[i + 1].start() if i + 1 < len(headings) else len(text)].strip()
        above = [(depth, name) for depth, name in above if depth < level]
        if body:
            yield ": ".join([*(name for _, name in above), heading]), body
        else:
            above.append((level, heading))


def chunks(text: str, tokens: int, overlap: int) -> Iterator[str]:
    """`text` in pieces of at most `tokens` tokens, of which the first `overlap` or fewer repeat the end of the piece
    before. Pieces end where paragraphs do, or sentences, or words; a word longer than a piece is cut."""
    count = token_counter(_ENCODING)
    parts = [part for part in _parts(text, tokens, count) if part.strip()]
    sizes = [count(part) for part in parts]
    start = 0
    while start < len(parts):
        end, size = start, 0
        while end < len(parts) and (end == start or size + sizes[end] <= tokens):
            size += sizes[end]
            end += 1
        yield "".join(parts[start:end]).strip()
        if end == len(parts):
            return
        back, again = end, 0
        while back - 1 > start and again + sizes[back - 1] <= overlap:
            back -= 1
            again += sizes[back]
        start = back


def _parts(text: str, tokens: int, count: Any) -> Iterator[str]:
    """`text` cut behind paragraphs; those that are too long behind sentences, and so on down to characters."""
    for paragraph in re.findall(r"(?s).+?(?:\n\s*\n|\Z)", text):
        if count(paragraph) <= tokens:
            yield paragraph
            continue
        for sentence in re.findall(r"(?s).+?(?:[.!?。！？؟।]+[\"'”’)]*(?:\s+|\Z)|\n|\Z)", paragraph):
            if count(sentence) <= tokens:
                yield sentence
                continue
            yield from re.findall(r"(?s)\S{0,64}\s+|\S{1,64}", sentence)


def _questions(tree: Any) -> Iterator[tuple[str, str]]:
    """Pairs of question and answer that a page marks as such, by the first way of marking that it has."""
    for found in (_linked_data, _microdata, _details, _definitions):
        pairs = list(dict.fromkeys((_clean(question), answer) for question, answer in found(tree)))
        pairs = [(question, answer) for question, answer in pairs if question and answer]
        if len(pairs) >= (1 if found in (_linked_data, _microdata) else _FEWEST):
            yield from pairs
            return


def _linked_data(tree: Any) -> Iterator[tuple[str, str]]:
    """FAQPage and QAPage of schema.org, as JSON-LD."""
    for script in tree.iter("script"):
        if (script.get("type") or "").strip().lower() != "application/ld+json":
            continue
        try:
            data = json.loads(script.text or "")
        except (ValueError, RecursionError):
            continue
        for question in _typed(data, "Question"):
            answers = question.get("acceptedAnswer") or question.get("suggestedAnswer")
            for answer in answers if isinstance(answers, list) else [answers]:
                if isinstance(answer, dict) and isinstance(answer.get("text"), str):
                    asked = question.get("name") or question.get("text")
                    if isinstance(asked, str):
                        yield unmarked(asked), unmarked(answer["text"])
                    break


def _typed(data: Any, wanted: str) -> Iterator[dict[str, Any]]:
    """The objects of a type, however deep, in order."""
    waiting = [data]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            kinds = value.get("@type")
            if wanted in (kinds if isinstance(kinds, list) else [kinds]):
                yield value
            else:
                waiting.extend(reversed(list(value.values())))
        elif isinstance(value, list):
            waiting.extend(reversed(value))


def _microdata(tree: Any) -> Iterator[tuple[str, str]]:
    """The same in attributes of the page's own elements."""
    for element in tree.iter():
        if isinstance(element.tag, str) and (element.get("itemtype") or "").rstrip("/").endswith("schema.org/Question"):
            names = element.xpath(".//*[@itemprop='name']")
            answers = element.xpath(".//*[@itemprop='acceptedAnswer' or @itemprop='suggestedAnswer']")
            if names and answers:
                inner = answers[0].xpath(".//*[@itemprop='text']")
                yield _said(names[0]), _said(inner[0] if inner else answers[0])


def _details(tree: Any) -> Iterator[tuple[str, str]]:
    """Questions that fold out."""
    for element in tree.iter("details"):
        summary = element.find("summary")
        if summary is not None and _said(summary).rstrip().endswith(("?", "？", "؟")):
            whole, asked = _said(element), _said(summary)
            yield asked, whole.removeprefix(asked).strip()


def _definitions(tree: Any) -> Iterator[tuple[str, str]]:
    """Lists of terms and what they mean: questions where terms ask, else `What is …?` is left to a mapping."""
    for outer in tree.iter("dl"):
        term = ""
        for element in outer.iter("dt", "dd"):
            if element.tag == "dt":
                term = _said(element)
            elif term:
                yield term, _said(element)
                term = ""


#: Elements after which a line ends.
_BLOCKS: Final = frozenset(
    {
        "address", "article", "aside", "blockquote", "br", "dd", "details", "div", "dl", "dt", "figure", "footer", "h1",
        "h2", "h3", "h4", "h5", "h6", "header", "hr", "li", "main", "nav", "ol", "p", "pre", "section", "summary",
        "table", "tr", "ul",
    }
)  # fmt: skip


def _said(element: Any) -> str:
    """The text of an element, with line ends where it shows some."""
    pieces: list[str] = []

    def walk(item: Any) -> None:
        if not isinstance(item.tag, str) or item.tag in ("script", "style", "noscript", "template"):
            return
        if item.tag == "li":
            pieces.append("\n- ")
        pieces.append(item.text or "")
        for child in item:
            walk(child)
            pieces.append(child.tail or "")
        if item.tag in _BLOCKS:
            pieces.append("\n\n" if item.tag == "p" else "\n")

    try:
        walk(element)
    except RecursionError:
        return _clean(element.text_content())
    lines = [" ".join(line.split()) for line in "".join(pieces).split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def unmarked(text: str) -> str:
    """`text` without tags, with entities resolved, and with line ends where a page would show some."""
    if "<" not in text and "&" not in text:
        return text.strip()
    import trafilatura

    tree = trafilatura.load_html(f"<html><body><div>{text}</div></body></html>")
    return text.strip() if tree is None else _said(tree)


def _clean(text: str) -> str:
    return " ".join(text.split())
