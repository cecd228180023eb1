"""JSON decoded exactly, whatever is in it: the value, and what is wrong with it, never an exception."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import numpy as np
import orjson

from dsprep.model import pointer as pointers
from dsprep.model.record import UNDECODED, Fault
from dsprep.text.encoding import HIGH_RUN, decodes, detect_legacy

#: Objects and arrays nested deeper than this are not decoded. The writers stop at 254 levels; a few are theirs.
MAX_DEPTH: Final = 250

#: Longer integers are not decoded: the time to convert one grows with the square of its length.
MAX_DIGITS: Final = 4300

#: The longest excerpt in a fault, in characters.
EXCERPT_CHARS: Final = 80


class Decoded(NamedTuple):
    """A JSON value, or UNDECODED, and what is wrong with it."""

    value: Any
    faults: tuple[Fault, ...] = ()


# JSON forbids line ends in strings, so a quote that is not closed spoils no more than its own line.
_BRACKETS: Final = re.compile(rb'"(?:[^"\\\n]++|\\.)*+"?|[{}\[\]]', re.DOTALL)
_STRINGS: Final = re.compile(rb'"(?:[^"\\]++|\\.)*+"', re.DOTALL)
#: Nineteen digits may be more than 64 bits hold. Searched after all digits have been made zeros: much quicker than a
#: regular expression.
_LONG_INTEGER: Final = b"0" * 19
_DIGITS_TO_ZERO: Final = bytes(48 if 48 <= c < 58 else 1 for c in range(256))
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_SURROGATE_ESCAPE: Final = re.compile(rb"\\u[dD][89a-fA-F]")
_QUOTE_ESCAPE: Final = b"\\u0022"
_CUT_ESCAPES: Final = re.compile(r"\\?(?:u[0-9a-fA-F]{0,4})?(?:\\(?:u[0-9a-fA-F]{0,4})?)?")
_CUT_LITERALS: Final = frozenset(
    literal[:n] for literal in ("true", "false", "null", "NaN", "Infinity", "-Infinity") for n in range(1, len(literal))
)


def all_plain(text: bytes, values: list[Any]) -> bool:
    """Whether orjson's `values` of the documents in `text` are what the documents say, for all of them at once.

    orjson keeps the last of duplicate keys and makes floats of integers beyond 64 bits. A document with a duplicate
    key has more quotation marks than its value written anew (unless some are escapes, which are looked for); a long
    integer is a run of digits, in which three places, six apart, are digits. False means: look at each document.
    """
    array = np.frombuffer(text, np.uint8)
    # Most texts have no escape of that kind at all, which is quicker to see.
    if np.count_nonzero((array[:-1] == 92) & (array[1:] == 117)) and text.find(_QUOTE_ESCAPE) >= 0:
        return False
    digits = (array[::6] - 48) < 10
    if np.count_nonzero(digits[:-2] & digits[1:-1] & digits[2:]) and _has_long_integer(text):
        return False
    try:
        again = orjson.dumps([[[values]]])  # nested, so that what is too deep by MAX_DEPTH is too deep here
    except (TypeError, orjson.JSONEncodeError):
        return False
    return int(np.count_nonzero(array == 34)) == int(np.count_nonzero(np.frombuffer(again, np.uint8) == 34))


def plain(raw: bytes, value: Any) -> bool:
    """The same as `all_plain` for one document, a shorter text."""
    if raw.find(_QUOTE_ESCAPE) >= 0 or _has_long_integer(raw):
        return False
    try:
        return orjson.dumps([[[[value]]]]).count(b'"') == raw.count(b'"')
    except (TypeError, orjson.JSONEncodeError):
        return False


def _has_long_integer(text: bytes) -> bool:
    if text.translate(_DIGITS_TO_ZERO).find(_LONG_INTEGER) < 0:
        return False
    # Most runs of so many digits are identifiers in strings.
    return _STRINGS.sub(b"", text).translate(_DIGITS_TO_ZERO).find(_LONG_INTEGER) >= 0


def decode_json(
    raw: bytes, *, line: int = 1, offset: int = 0, unterminated: bool = False, encoding: str | None = None
) -> Decoded:
    """The value of the JSON document `raw`, with its faults; see `model.record.Fault` for what they are.

    `line` and `offset` are those of its first byte; `unterminated` says that the file ends with it and without a line
    end; `encoding` is the encoding that bytes which are not UTF-8 are taken to be in, if they can be. Never raises:
    documents nested too deep and numbers too long are faults as well.
    """
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError:
        pass
    else:
        if plain(raw, value):
            return Decoded(value)
    return _Exact(raw, line, offset, unterminated, encoding).decoded()


class _TooLongError(ValueError):
    """An integer of more than MAX_DIGITS digits; the argument is its length."""


class _Exact:
    """One document, decoded by the standard library: slower, exact, and with a reason where it fails."""

    def __init__(self, raw: bytes, line: int, offset: int, unterminated: bool, encoding: str | None) -> None:
        self.raw = raw
        self.line = line
        self.offset = offset
        self.unterminated = unterminated
        self.encoding = encoding
        self.repeated: dict[int, tuple[dict[str, Any], list[str]]] = {}
        self.not_finite = False

    def decoded(self) -> Decoded:
        raw = self.raw
        try:
            text = raw.decode()
        except UnicodeDecodeError as error:
            return self._not_utf8(error)
        if raw.count(b"[") + raw.count(b"{") > MAX_DEPTH:
            depth = nesting_depth(raw)
            if depth > MAX_DEPTH:
                reason = f"nested {depth:,} levels deep; at most {MAX_DEPTH} are read"
                return Decoded(UNDECODED, (self._invalid(reason, text, 0),))
        try:
            value = json.loads(
                text,
                object_pairs_hook=self._object,
                parse_constant=self._constant,
                parse_float=self._float,
                parse_int=self._int,
            )
        except json.JSONDecodeError as error:
            if self.unterminated and _ends_early(error, text):
                return Decoded(UNDECODED, (Fault("truncated-file"),))
            return Decoded(UNDECODED, (self._invalid(error.msg, text, error.pos),))
        except _TooLongError as error:
            reason = f"an integer of {error.args[0]:,} digits; at most {MAX_DIGITS:,} are read"
            return Decoded(UNDECODED, (self._invalid(reason, text, 0),))
        if self.repeated or self.not_finite or _SURROGATE_ESCAPE.search(raw):
            return Decoded(value, tuple(self._flaws(value)))
        return Decoded(value)

    def _not_utf8(self, error: UnicodeDecodeError) -> Decoded:
        raw = self.raw
        if self.unterminated and error.reason == "unexpected end of data":
            return Decoded(UNDECODED, (Fault("truncated-file"),))
        encoding = self.encoding
        if encoding is None or not decodes(raw, encoding):
            encoding = detect_legacy(raw)
        bad = HIGH_RUN.match(raw, error.start)
        shown = (bad.group() if bad else raw[error.start : error.end])[:8]
        fault = Fault("invalid-utf8", {"encoding": encoding, "bad": shown.hex()}, offset=self.offset + error.start)
        return Decoded(UNDECODED, (fault,))

    def _invalid(self, reason: str, text: str, position: int) -> Fault:
        begin = text.rfind("\n", 0, position) + 1
        line = self.line + text.count("\n", 0, position)
        args = {"reason": reason, "excerpt": excerpt(text, position)}
        return Fault("invalid-json", args, line=line, column=str(position - begin + 1))

    def _object(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        value = dict(pairs)
        if len(value) != len(pairs):
            seen: set[str] = set()
            twice = [key for key, _ in pairs if key in seen or seen.add(key)]  # type: ignore[func-returns-value]
            self.repeated[id(value)] = (value, list(dict.fromkeys(twice)))
        return value

    def _constant(self, name: str) -> float:
        self.not_finite = True
        return float(name)

    def _float(self, digits: str) -> float:
        value = float(digits)
        if math.isinf(value):
            self.not_finite = True
        return value

    def _int(self, digits: str) -> int:
        if len(digits) > MAX_DIGITS:
            raise _TooLongError(len(digits))
        return int(digits)

    def _flaws(self, value: Any) -> Iterator[Fault]:
        unplaced = dict(self.repeated)
        for path, item in _walk(value):
            kind = type(item)
            if kind is dict:
                again = unplaced.pop(id(item), None)
                if again is not None:
                    keys = again[1]
                    yield Fault("duplicate-json-key", {"keys": keys}, pointer=pointers.join([*path, keys[0]]))
                for key in item:
                    if lone := _SURROGATE.search(key):
                        yield Fault(
                            "lone-surrogate", {"escape": _escape(lone.group())}, pointer=pointers.join(path) or None
                        )
            elif kind is float:
                if not math.isfinite(item):
                    name = "NaN" if item != item else "Infinity" if item > 0 else "-Infinity"
                    yield Fault("non-finite-number", {"value": name}, pointer=pointers.join(path) or None)
            elif kind is str and (lone := _SURROGATE.search(item)):
                yield Fault("lone-surrogate", {"escape": _escape(lone.group())}, pointer=pointers.join(path) or None)
        # Objects that a duplicate key further up took away.
        for _, keys in unplaced.values():
            yield Fault("duplicate-json-key", {"keys": keys})


def excerpt(text: str, position: int = 0) -> str:
    """At most EXCERPT_CHARS characters of `text` around `position`, what is sensitive masked."""
    # Faults of this kind are few, and most runs see none.
    from dsprep.text.sensitive.showing import part

    begin = max(0, min(position - EXCERPT_CHARS // 2, len(text) - EXCERPT_CHARS))
    return part(text, begin, begin + EXCERPT_CHARS)


def nesting_depth(raw: bytes) -> int:
    """How deep objects and arrays are nested in the JSON document `raw`, which need not be valid."""
    depth = deepest = 0
    for match in _BRACKETS.finditer(raw):
        first = raw[match.start()]
        if first in b"{[":
            depth += 1
            if depth > deepest:
                deepest = depth
        elif first in b"}]":
            depth -= 1
    return deepest


def _walk(value: Any) -> Iterator[tuple[list[str | int], Any]]:
    """All values in `value`, itself included, with their paths, in order of the document."""
    stack: list[tuple[list[str | int], Any]] = [([], value)]
    while stack:
        path, item = stack.pop()
        yield path, item
        if type(item) is dict:
            # Popped from the back, so that the first member comes first.
            stack.extend([([*path, key], member) for key, member in reversed(item.items())])
        elif type(item) is list:
            stack.extend([([*path, i], item[i]) for i in range(len(item) - 1, -1, -1)])


def _escape(character: str) -> str:
    return f"\\u{ord(character):04x}"


def _ends_early(error: json.JSONDecodeError, text: str) -> bool:
    """Whether the document stops being JSON only because it stops."""
    if error.msg.startswith("Unterminated string"):
        return True
    end = len(text.rstrip(" \t\r\n"))
    if not end:
        return False
    if error.pos >= end:
        return True
    rest = text[error.pos : end]
    if rest in _CUT_LITERALS or re.fullmatch(r"-|\.|[eE][+-]?", rest):
        return True
    # An escape, or a pair of them, that is cut or has nothing behind it, not even a quote, is not wrong in itself.
    return error.msg.startswith("Invalid \\") and _CUT_ESCAPES.fullmatch(rest) is not None


def depth_of(value: Any) -> int:
    """How deep arrays and objects are nested in a decoded value; 0 for a scalar."""
    deepest = 0
    stack = [(1, value)]
    while stack:
        depth, item = stack.pop()
        if isinstance(item, dict | list):
            deepest = max(deepest, depth)
            stack.extend([(depth + 1, inner) for inner in (item.values() if isinstance(item, dict) else item)])
    return deepest
