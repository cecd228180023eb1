"""What near-duplicates are measured by here: sets of word 5-grams, and texts of examples. Shares no code with dsprep.

A word is a run of letters, digits or underscores, or a run of the signs that carry meaning in sums and code (`+`,
`<=`), lower-cased: dsprep's own definition as its documentation gives it, handed to every library that leaves the
choice to its user. (Scripts written without spaces, whose characters are words to dsprep, are not provided for.) A text
of fewer than five words is one gram. The text of an example is what user and assistant say, a line break between
messages; system messages are left out. Only the standard library is used, because peers import this in environments of
their own.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

WORDS = 5
#: Jaccard similarity from which two examples are near-duplicates.
THRESHOLD = 0.8

_WORD = re.compile(r"\w+|[+/<>=%^&|~$]+")
_NOT_A_WORD = re.compile(r"\W")


def words_of(text: str) -> list[str]:
    return _WORD.findall(text.lower())


def text_dedup_words(text: str) -> list[str]:
    """What text-dedup takes for words: what stands between any two characters that are no letter, empty or not."""
    return _NOT_A_WORD.split(text.lower())


def data_juicer_words(text: str) -> list[str]:
    """What data-juicer's `space` tokenization takes for words: what stands between spaces, line breaks and all."""
    return [word for word in text.lower().split(" ") if word]


def gram_list(text: str) -> list[str]:
    """The word 5-grams of `text` in order, with repeats, each as one string."""
    words = words_of(text)
    if len(words) <= WORDS:
        return [" ".join(words)] if words else []
    return list(map(" ".join, zip(*(words[i:] for i in range(WORDS)), strict=False)))


def grams(text: str) -> set[str]:
    return set(gram_list(text))


def jaccard(a: set[str], b: set[str]) -> float:
    both = len(a & b)
    return both / (len(a) + len(b) - both) if both else 0.0


def text_of(record: dict[str, list[dict[str, str]]]) -> str:
    return "\n".join(message["content"] or "" for message in record["messages"] if message["role"] != "system")


def texts(file: Path, limit: int | None = None) -> list[str]:
    """The texts of the examples of a file of chat JSON lines, the first `limit` of them."""
    out: list[str] = []
    with file.open(encoding="utf-8", newline="\n") as lines:
        for line in lines:
            out.append(text_of(json.loads(line)))
            if len(out) == limit:
                break
    return out


def said(file: Path) -> list[str]:
    """What user and assistant say in a file of chat JSON lines, message by message."""
    out: list[str] = []
    with file.open(encoding="utf-8", newline="\n") as lines:
        for line in lines:
            out += [m["content"] or "" for m in json.loads(line)["messages"] if m["role"] != "system"]
    return out
