"""Regular expressions that somebody else wrote, on text that somebody else wrote: RE2, in time linear in the text.

Python's `re` can take hours for a pattern such as `(a+)+$` on a short text. RE2 has no look-around and no
back-references instead (https://github.com/google/re2/wiki/Syntax).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any, Final

#: Most often a replacement is done after one round; one that needs more than this never ends.
MAX_ROUNDS: Final = 10

#: What ties a match to an end of the whole text. Within a class, `^` negates.
_TIED: Final = re.compile(r"\\[AzZ]|[\^$]")
_NEGATION: Final = re.compile(r"\[\^")


class PatternError(ValueError):
    """A pattern that RE2 does not take. The message says why."""


class LinearPattern:
    """A pattern in RE2's syntax over text in UTF-8. Get one from `linear`, which keeps it for the process."""

    def __init__(self, pattern: str) -> None:
        import re2

        options = re2.Options()
        options.log_errors = False
        try:
            self._compiled: Any = re2.compile(pattern.encode("utf-8", "surrogatepass"), options)
        except re2.error as error:
            reason = error.args[0] if error.args else "not a regular expression"
            shown = reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
            foreign = "perl operator" in shown or "escape sequence" in shown
            hint = "; RE2 has neither look-around nor back-references" if foreign else ""
            raise PatternError(f"{pattern!r} is no pattern of RE2: {shown}{hint}") from error
        self.pattern = pattern
        #: Whether a match in a text is one in any longer text, so that many texts may be searched at once.
        self.anywhere = not _TIED.search(_NEGATION.sub("[", pattern))

    def span(self, text: bytes) -> tuple[int, int] | None:
        """Where the first match begins and ends, in bytes; None without one."""
        found = self._compiled.search(text)
        return None if found is None else found.span()

    def spans(self, text: bytes) -> Iterator[tuple[int, int]]:
        """Where the matches begin and end, in bytes."""
        for found in self._compiled.finditer(text):
            yield found.span()

    def found_in(self, text: str) -> bool:
        """Whether there is a match in `text`."""
        return self._compiled.search(text.encode("utf-8", "surrogatepass")) is not None

    def replaced(self, text: str, replacement: str) -> str | None:
        """`text` with all matches replaced, and those that this makes, until there are none; None if there is no end to
        it. In `replacement`, `\\1` is what the first group matched, and `\\0` the whole match."""
        template = replacement.encode("utf-8", "surrogatepass")
        data: bytes = text.encode("utf-8", "surrogatepass")
        for number in range(MAX_ROUNDS):
            before = len(data)
            data = self._compiled.sub(lambda match: _expanded(template, match), data)
            if self._compiled.search(data) is None:
                try:
                    return data.decode("utf-8", "surrogatepass")
                except UnicodeDecodeError:  # an empty match between the bytes of one character
                    return None
            if number and len(data) > before:
                return None
        return None

    def groups_in(self, replacement: str) -> bool:
        """Whether all groups that `replacement` names are there."""
        return all(int(number) <= self._compiled.groups for number in re.findall(r"\\(\d)", replacement))


def _expanded(template: bytes, match: Any) -> bytes:
    return re.sub(rb"\\(\d)", lambda named: match.group(int(named[1])) or b"", template)


@cache
def linear(pattern: str) -> LinearPattern:
    """The compiled pattern. Raises PatternError."""
    return LinearPattern(pattern)
