"""What a label is: the label field of an example, or, in classification-shaped chat, the assistant's short answer."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping
from typing import Any, Literal

from dsprep.model import pointer as pointers
from dsprep.model.record import Example

#: Where the labels of a data set come from.
LabelSource = Literal["field", "answer"]

#: Longer answers are texts, not labels (characters, white space at the ends not counted).
LABEL_CHARS = 40

_NUMBER = re.compile(r"([+-]?)([0-9]+)(?:[.]([0-9]+))?")
_RANGE = re.compile(r"([+-]?[0-9]+(?:[.][0-9]+)?)\s*(?:-|–|\.\.|to)\s*([+-]?[0-9]+(?:[.][0-9]+)?)")
_SPACE = re.compile(r"\s+")
#: Marks that people put around or inside a word without meaning another one. Symbols such as + stay: C++ is not C.
_PUNCTUATION = re.compile(r"[\s.,;:!?¡¿'\"`´‘’‚“”„«»‹›()\[\]{}<>*_/\\|‐‑‒–—―-]+")


def answer_place(example: Example) -> int | None:
    """The index of the last assistant message if its content may be a label: a text of 1 to LABEL_CHARS characters on
    one line, without tool calls. None otherwise, and in a preference record, whose answers are compared."""
    if example.rejected is not None:
        return None
    messages = example.messages
    for i in range(len(messages) - 1, -1, -1):
        message = messages[i]
        if type(message) is not dict or message.get("role") != "assistant":
            continue
        content = message.get("content")
        if type(content) is not str or message.get("tool_calls") or message.get("function_call"):
            return None
        if len(content) > 2 * LABEL_CHARS:  # cheap, so that long answers are not copied only to be measured
            return None
        text = content.strip()
        if not text or len(text) > LABEL_CHARS or "\n" in text or "\r" in text:
            return None
        return i
    return None


def short_answer(example: Example) -> str | None:
    """The content of the last assistant message, as spelled, if it may be a label; see `answer_place`."""
    place = answer_place(example)
    return None if place is None else str(example.messages[place]["content"])


def field_label(example: Example) -> str | None:
    """The label that stands in the example's label field, as spelled. A blank one is none."""
    label = example.label
    return label if label is not None and label.strip() else None


def label_of(example: Example, source: LabelSource | None) -> str | None:
    """The label of `example`, as spelled, in a data set whose labels come from `source`."""
    if source == "field":
        return field_label(example)
    return short_answer(example) if source == "answer" else None


def label_pointer(example: Example, source: LabelSource | None) -> str | None:
    """Where the label stands in the chat form: a pointer, or None if it stands outside of it."""
    if source == "field":
        return example.label_pointer
    place = answer_place(example) if source == "answer" else None
    return None if place is None else f"/messages/{place}/content"


def folded_label(label: str) -> str:
    """The form that spellings of one label share: NFKC, no case, no white space, no punctuation, no invisible marks.

    Numbers are compared by value, so that `1.0` is `1` while `10` and `-1` are not. A label with a digit in it keeps
    its punctuation: `2.1` is not `21`. So does one that is nothing but punctuation.
    """
    text = _plain(label)
    number = _NUMBER.fullmatch(text)
    if number:
        sign, whole, fraction = number.groups()
        rest = (fraction or "").rstrip("0")
        return f"{'-' if sign == '-' else ''}{whole}{'.' if rest else ''}{rest}"
    if any(c.isdigit() for c in text):
        return _SPACE.sub(" ", text)
    # Marks that a sign stood between are in order only once more.
    return unicodedata.normalize("NFKC", _PUNCTUATION.sub("", text)) or _SPACE.sub(" ", text)


def folded_words(label: str) -> str:
    """`label` folded as far as `folded_label` does, but with a single space wherever that closes a gap."""
    return _PUNCTUATION.sub(" ", _plain(label)).strip()


def quoted(label: str) -> str:
    """`label` in double quotes, cut to LABEL_CHARS characters, for messages. What does not print is escaped as in JSON,
    so that labels which differ in it alone do not look the same."""
    shown = label if len(label) <= LABEL_CHARS else f"{label[: LABEL_CHARS - 1]}…"
    text = json.dumps(shown, ensure_ascii=False)
    return text if text.isprintable() else "".join(c if c.isprintable() else json.dumps(c)[1:-1] for c in text)


def relabelled(
    example: Example, spellings: Mapping[str, str], source: LabelSource | None = None
) -> dict[str, Any] | None:
    """The chat form of `example` with its label spelled as `spellings` (old to new) says, or None if nothing changes.

    `source` is where the data set's labels come from; without it, the label field if there is one, else the answer. An
    answer that is exactly the old label changes with the label field. The label field itself can only be written where
    it stands in the chat form.
    """
    if source is None:
        source = "answer" if field_label(example) is None else "field"
    old = label_of(example, source)
    new = spellings.get(old) if old is not None else None
    if old is None or new is None or new == old:
        return None
    places = []
    if source == "field" and example.label_pointer is not None:
        places.append(example.label_pointer)
    answer = answer_place(example)
    if answer is not None and example.messages[answer]["content"] == old:
        places.append(f"/messages/{answer}/content")
    record: Any = example.record
    for place in places:
        try:
            record = pointers.replace(record, place, new)
        except (KeyError, IndexError, ValueError, TypeError):
            continue
    return dict(record) if record is not example.record else None


def _plain(label: str) -> str:
    """`label` in NFKC, without case, without invisible format characters, without white space at its ends."""
    if label.isascii():
        return label.casefold().strip()
    # A spacing accent, often typed for an apostrophe, becomes a space and a combining accent in NFKC, which would then
    # join the letter before it.
    parts = [unicodedata.normalize("NFKC", c) for c in label]
    text = "".join("'" if len(p) > 1 and p[0] == " " else c for c, p in zip(label, parts, strict=True))
    text = unicodedata.normalize("NFKC", text)
    text = "".join(c for c in text if unicodedata.category(c) != "Cf")
    return unicodedata.normalize("NFKC", text.casefold()).strip()


def mapped_label(label: str, labels: Mapping[Any, Any], otherwise: Any) -> Any:
    """What `labels` has for a label, as it is spelled but for case and white space at the ends; a key such as `1-2` or
    `4.5-5` stands for all numbers from the one to the other. `otherwise` if there is nothing."""
    wanted = label.strip().casefold()
    for known, value in labels.items():
        if str(known).strip().casefold() == wanted:
            return value
    number = _NUMBER.fullmatch(wanted)
    if number is not None:
        for known, value in labels.items():
            bounds = _RANGE.fullmatch(str(known).strip())
            if bounds is not None and float(bounds[1]) <= float(wanted) <= float(bounds[2]):
                return value
    return otherwise
