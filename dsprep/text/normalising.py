"""Texts in a normal form: only what somebody asked for, and in one order, whatever the order in which it was asked."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal, get_args

from dsprep.model.record import Example
from dsprep.text.mojibake import garbled_lines

Normalisation = Literal["ftfy", "nfc", "line-ends", "whitespace"]

#: Text that was decoded wrongly is mended first: what it is meant to be, the others have to see.
NORMALISATIONS: Final[tuple[Normalisation, ...]] = get_args(Normalisation)

#: How a run describes what was normalised.
SHOWN: Final[Mapping[str, str]] = {
    "ftfy": "wrongly decoded text",
    "nfc": "Unicode NFC",
    "line-ends": "line ends",
    "whitespace": "white space",
}

#: Ordering combining marks takes time that grows with the square of how many follow each other. No language puts so
#: many on a letter.
_MARKS: Final = 1000
_WITHOUT_ASCII: Final = re.compile(rf"[^\x00-\x7f]{{{_MARKS},}}")

#: White space before a line end, and at the end. None of it is read twice, however much there is.
_AT_LINE_ENDS: Final = re.compile(r"(?<![^\S\r\n])[^\S\r\n]++(?=[\r\n]|\Z)")


def normalised(text: str, kinds: Collection[str]) -> tuple[str, list[str]]:
    """`text` in the normal form that `kinds` (of NORMALISATIONS) ask for, and those of them that changed it.

    `ftfy` mends lines that were decoded with the wrong encoding, where all of their text can be had again; `nfc` is
    Unicode Normalization Form C (UAX #15); `line-ends` writes CRLF and CR as LF; `whitespace` takes out what stands at
    the ends of lines, and at both ends of the text, but for the indentation of its first line.
    """
    by: list[str] = []
    for kind in NORMALISATIONS:
        if kind in kinds and (after := _FORMS[kind](text)) != text:
            text = after
            by.append(kind)
    return text, by


def _mended(text: str) -> str:
    if text.isascii():
        return text
    pieces: list[str] = []
    at = 0
    for line in garbled_lines(text):
        if not line.lost:
            pieces += [text[at : line.start], line.meant]
            at = line.end
    return "".join([*pieces, text[at:]])


def _composed(text: str) -> str:
    if text.isascii() or any(_marks_in(run[0]) >= _MARKS for run in _WITHOUT_ASCII.finditer(text)):
        return text
    return unicodedata.normalize("NFC", text)


def _marks_in(text: str) -> int:
    """How many combining marks follow each other at most."""
    longest = run = 0
    for character in text:
        run = run + 1 if unicodedata.combining(character) else 0
        longest = max(longest, run)
    return longest


def _plain_line_ends(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def _trimmed(text: str) -> str:
    text = _AT_LINE_ENDS.sub("", text).rstrip()
    # Lines without anything before the first one go; how far that one is indented may mean something.
    return text.lstrip("\r\n") if "\n" in text.lstrip("\r\n") else text.lstrip()


_FORMS: Final[Mapping[str, Callable[[str], str]]] = {
    "ftfy": _mended,
    "nfc": _composed,
    "line-ends": _plain_line_ends,
    "whitespace": _trimmed,
}


@dataclass
class Normalised:
    """An example in a normal form. `texts` are those that were changed: pointers into its chat form (for a rejected
    answer `/rejected/0/…`, as in `Example.origins`), each with the kinds of normalisation that changed it."""

    example: Example
    texts: dict[str, list[str]]


def normalised_example(example: Example, kinds: Collection[str]) -> Normalised:
    """`example` with all that its messages say, and its label, `normalised`. What it was stays unchanged."""
    texts: dict[str, list[str]] = {}

    def text_at(place: str, text: str) -> str:
        text, by = normalised(text, kinds)
        if by:
            texts[place] = by
        return text

    messages = _normalised_messages(example.messages, "/messages", text_at)
    rejected = None if example.rejected is None else _normalised_messages(example.rejected, "/rejected", text_at)
    label = example.label
    record = example.record
    if label is not None and example.label_pointer not in (None, "/label"):
        label = normalised(label, kinds)[0]  # it stands in a message, and was counted there
    elif label is not None:
        label = text_at("/label", label)
        if type(record.get("label")) is str:
            record = {**record, "label": label}
    if not texts:
        return Normalised(example, texts)
    record = {**record, "messages": messages} if "messages" in record else record
    return Normalised(replace(example, record=record, messages=messages, rejected=rejected, label=label), texts)


def _normalised_messages(messages: Sequence[Any], place: str, text_at: Callable[[str, str], str]) -> list[Any]:
    out: list[Any] = []
    for i, message in enumerate(messages):
        content = message.get("content") if type(message) is dict else None
        if type(content) is str:
            message = {**message, "content": text_at(f"{place}/{i}/content", content)}
        elif type(content) is list:
            parts = [
                {**part, "text": text_at(f"{place}/{i}/content/{k}/text", part["text"])}
                if type(part) is dict and type(part.get("text")) is str
                else part
                for k, part in enumerate(content)
            ]
            message = {**message, "content": parts}
        out.append(message)
    return out
