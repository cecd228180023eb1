"""TXT001 html-residue."""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Iterator
from html.entities import html5
from typing import ClassVar, Final, NamedTuple

from dsprep.model.batch import Batch
from dsprep.model.finding import Finding, Severity
from dsprep.model.fix import Applicability, Fix, Replace
from dsprep.model.rule import ExampleRule, FixAvailability, RuleMeta
from dsprep.text.code_spans import has_code_lines, prose_spans
from dsprep.text.message_texts import speaking_of
from dsprep.text.turn_bytes import TURN_BYTES

#: Tags that shape a page. Tags that people make up to structure a prompt (`<input>`, `<title>`, `<summary>`) and those
#: that Markdown has no sign for (`<sup>`, `<kbd>`) are not among them.
_BLOCKS: Final = frozenset(
    {
        "p", "div", "ul", "ol", "li", "dl", "dt", "dd", "table", "thead", "tbody", "tfoot", "tr", "h1", "h2", "h3",
        "h4", "h5", "h6", "hr", "br", "blockquote", "center", "figure", "figcaption", "iframe", "noscript",
    }
)  # fmt: skip
_INLINE: Final = frozenset(
    {
        "a", "b", "i", "u", "em", "strong", "span", "font", "small", "big", "strike", "tt", "img", "td", "th", "nobr",
        "wbr",
    }
)  # fmt: skip
_HTML: Final = _BLOCKS | _INLINE
_VOID: Final = frozenset({"br", "hr", "img", "wbr"})
_CELLS: Final = frozenset({"td", "th"})
#: Of the bare opening tags that nothing closes, these count all the same: people leave them open, and they stand for
#: nothing else, as `<dd>` does in a date and `<table>` in a query.
_LEFT_OPEN: Final = frozenset({"p", "div", "ul", "ol", "li", "tr", "h1", "h2", "h3", "h4", "h5", "h6"})

_NAMES: Final = "|".join(sorted(_HTML, key=lambda name: (-len(name), name)))
_TAG: Final = re.compile(rf"<(/?)({_NAMES})(\s[^<>]{{0,2000}})?(/?)>", re.IGNORECASE)
_ATTRIBUTE: Final = re.compile(
    r"\s(?:href|src|class|id|style|align|valign|target|rel|title|alt|name|width|height|border|color|face|size|colspan"
    r"|rowspan|bgcolor|cell\w+|lang|dir|type|itemprop|role|on\w+|data-[\w-]+|aria-[\w-]+)\s*=",
    re.IGNORECASE,
)
#: An entity, however often it was escaped. A semicolon may be missing behind the commonest, as long as nothing follows
#: that could belong to a name or a query.
_ENTITY: Final = re.compile(
    r"&(?:amp;|#38;|#x26;)*"
    r"(#[0-9]{1,7};|#[xX][0-9A-Fa-f]{1,6};|[A-Za-z][A-Za-z0-9]{1,31};|(?:nbsp|amp|quot|lt|gt)(?![A-Za-z0-9=;]))"
)
_TAG_BYTES: Final = re.compile(rb"<(?:/?[A-Za-z][A-Za-z0-9]{0,9}[\s/>]|!--)")
_ENTITY_BYTES: Final = re.compile(rb"&(?:#[0-9xX]|[A-Za-z]{2})")

#: A conversation about such things shows tags on purpose.
_ABOUT_MARKUP: Final = re.compile(
    r"\b(?:x?html5?|xml|css|svg|jsx|tsx|javascript|php|jquery|react\.?js|react components?|vue\.?js|markup"
    r"|beautiful ?soup|front-?end|(?:opening|closing|anchor|heading|paragraph|image) tags?|hyperlinks?|new tab)\b"
    r"|</?\w{1,12} ?/?>[`'\"]? (?:tag|element)s?\b",
    re.IGNORECASE,
)
#: A whole document, not the residue of one.
_DOCUMENT: Final = re.compile(r"<(?:!doctype|html|head|body|script|style|form|\?xml|\?php|svg)\b", re.IGNORECASE)
#: Tags of some other language than HTML, by an attribute or by being closed; so many make the text a piece of XML.
_OTHER_TAG: Final = re.compile(r"</([A-Za-z][\w:.-]{0,40})>|<([A-Za-z][\w:.-]{0,40})\s([^<>]{0,2000})>")
_OTHER_TAGS: Final = 2
#: What stands before a tag that is not meant as one: a type with a parameter, a string in a program.
_NO_TAG_AFTER: Final = "_'\""
#: An answer that is marked up from its first character to its last is code if that much of it is tags.
_MOSTLY_TAGS: Final = 0.4

#: Text that was escaped more often than this is left half done, for the next run.
_ROUNDS: Final = 16

_EXCERPT: Final = 80
_BEFORE: Final = 24
_SHOWN: Final = 5


class _Piece(NamedTuple):
    """A tag, comment or entity: where it stands, what it is called in a report, what takes its place."""

    start: int
    end: int
    name: str
    instead: str
    block: bool = False


class HtmlResidue(ExampleRule):
    """HTML tags or entities are left in prose.

    ## What it does
    Finds character entities (`&amp;`, `&#39;`, `&nbsp;`), comments, and tags that shape a page (`<br>`, `</p>`,
    `<b>…</b>`, `<a href=…>`) in the texts of messages.

    Code is left alone: fenced and indented blocks, spans in backticks, whole documents, answers that are mostly tags,
    texts with lines of program code, and conversations that mention HTML, CSS and the like. So is what only looks like
    a tag: `<<48/2=24>>`, `List<int>`, `<3`, `->`, addresses in angle brackets, tags that structure a prompt
    (`<input>`), and `<br>` in a table of Markdown.

    ## Why it matters
    The text was scraped, or escaped once too often, and the model learns to write `&amp;`. Tags cost tokens and are
    shown to users as they are.

    ## Example
    ```json
    {"role": "user", "content": "I &lt;3 this place<br />Tom &amp; Anna"}
    ```

    ## Fix
    Unsafe. Entities become their characters, tags and comments are removed; tags of blocks become line ends, items of
    lists begin with a hyphen. Repeated until nothing is left, as text that was escaped twice needs. A text of nothing
    else is left for you to look at.

    ## Source
    The HTML Living Standard, "Named character references" (Python's table of them).
    """

    meta: ClassVar[RuleMeta] = RuleMeta(
        code="TXT001",
        name="html-residue",
        severity=Severity.WARNING,
        message="HTML left in the text: {what}",
        summary="HTML tags or entities are left in prose.",
        fix=FixAvailability.SOMETIMES,
    )

    def find(self, batch: Batch) -> Iterator[Finding]:
        turns = batch.turns
        joined = batch.get(TURN_BYTES)
        about = speaking_of(batch, _ABOUT_MARKUP)
        for turn in sorted({*joined.holding(_TAG_BYTES), *joined.holding(_ENTITY_BYTES)}):
            text = turns.text[turn]
            answer = turns.role[turn] == "assistant"
            pieces = _residue(text, answer=answer)
            if not pieces:
                continue
            row = turns.row[turn]
            if about(row):
                continue
            found = Counter(piece.name for piece in pieces)
            kinds = [name if count == 1 else f"{name} × {count}" for name, count in found.most_common()]
            if len(kinds) > _SHOWN:
                kinds[_SHOWN:] = [f"{len(kinds) - _SHOWN} others"]
            pointer = turns.pointer(turn)
            cleaned = _cleaned(text, answer=answer)
            yield self.at(
                batch,
                row,
                pointer,
                args={
                    "what": ", ".join(kinds),
                    "count": len(pieces),
                    "excerpt": text[max(0, pieces[0].start - _BEFORE) :][:_EXCERPT],
                },
                fix=Fix(Applicability.UNSAFE, (Replace(pointer, cleaned),)) if cleaned.strip() else None,
            )


def _residue(text: str, *, answer: bool) -> list[_Piece]:
    """The tags, comments and entities that are left in the prose of `text`, in order; none if the text is code.

    An assistant's `answer` may be code without a word about it: it is, if it is tags above all.
    """
    prose = prose_spans(text)
    tags = [match for start, end in prose for match in _TAG.finditer(text, start, end)]
    closed = {match[2].lower() for match in tags if match[1]}
    sure = {match[2].lower() for match in tags if match[1] or _is_tag(text, match, closed)} - {"br"}
    pieces = [_tag_piece(text, match) for match in tags if _is_tag(text, match, sure)]
    for start, end in prose:
        pieces += _comments(text, start, end)
        for match in _ENTITY.finditer(text, start, end):
            name = match[1].rstrip(";") + ";"
            if name[0] == "#" or name in html5:
                # A space that does not break is but a space in running text.
                instead = html.unescape(f"&{name}").replace("\xa0", " ")
                pieces.append(_Piece(*match.span(), f"&{name}", instead))
    if not pieces or _is_code(text, answer=answer):
        return []
    pieces.sort(key=lambda piece: (piece.start, -piece.end))
    apart = pieces[:1]
    for piece in pieces[1:]:
        # What stands inside a comment, or an attribute, goes with it.
        if piece.start >= apart[-1].end:
            apart.append(piece)
    return apart


def _comments(text: str, start: int, end: int) -> Iterator[_Piece]:
    while (start := text.find("<!--", start, end)) >= 0 and (close := text.find("-->", start + 4, end)) >= 0:
        yield _Piece(start, close + 3, "<!-- -->", "")
        start = close + 3


def _is_tag(text: str, match: re.Match[str], sure: set[str]) -> bool:
    """Whether what looks like a tag is one, and none that Markdown needs; `sure` names tags that stand elsewhere in the
    text beyond doubt."""
    slash, name, attributes = match[1], match[2].lower(), match[3]
    if name == "br":
        line = text[text.rfind("\n", 0, match.start()) + 1 : match.start()]
        return not line.lstrip().startswith("|")
    if slash or name in _VOID:
        return True
    before = text[match.start() - 1 : match.start()] or " "
    if attributes and attributes.strip():
        return before not in _NO_TAG_AFTER and _ATTRIBUTE.search(attributes) is not None
    if name in sure:
        return True
    return name in _LEFT_OPEN and not (before.isalnum() or before in _NO_TAG_AFTER)


def _tag_piece(text: str, match: re.Match[str]) -> _Piece:
    slash, name = match[1], match[2].lower()
    if name == "li" and not slash:
        instead = "- "
    elif name in _CELLS:
        instead = " "
    else:
        instead = ""
    # A line end behind the tag in the source is line end enough, except between paragraphs.
    block = name in _BLOCKS and not (slash and name != "p" and text[match.end() : match.end() + 1] == "\n")
    return _Piece(*match.span(), f"<{slash}{name}>", instead, block)


def _is_code(text: str, *, answer: bool) -> bool:
    if _DOCUMENT.search(text) or has_code_lines(text):
        return True
    others = sum(
        (match[1] or match[2]).lower() not in _HTML and (match[3] is None or '="' in match[3] or "='" in match[3])
        for match in _OTHER_TAG.finditer(text)
    )
    if others >= _OTHER_TAGS:
        return True
    whole = text.strip()
    if not (answer and whole.startswith("<") and whole.endswith(">")):
        return False
    tags = sum(match.end() - match.start() for match in _TAG.finditer(whole))
    return tags >= _MOSTLY_TAGS * len(whole)


def _cleaned(text: str, *, answer: bool) -> str:
    """`text` without tags and entities. What an entity spelt may be a tag, so it is gone over until nothing is left;
    each round makes it shorter."""
    for _ in range(_ROUNDS):
        pieces = _residue(text, answer=answer)
        if not pieces:
            break
        out: list[str] = []
        place = 0
        for piece in pieces:
            out.append(text[place : piece.start])
            place = piece.end
            if piece.block and not _at_line_start(out, twice=piece.name == "<br>"):
                out.append("\n")
            out.append(piece.instead)
        out.append(text[place:])
        text = "".join(out)
        if any(piece.block for piece in pieces):
            text = text.strip()
    return text


def _at_line_start(out: list[str], *, twice: bool) -> bool:
    """Whether what was written so far ends in a line end (`twice`: in two)."""
    tail = "".join(out[-6:])
    return not tail or tail.rstrip(" \t").endswith("\n\n" if twice else "\n")
