"""What cells are sorted by: numbers as numbers, dates as dates, times of day as times."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import mktime_tz, parsedate_tz
from typing import Any, Final, Literal

from dsprep.formats.table.template import as_text

Kind = Literal["numbers", "dates", "times", "texts"]

_NUMBER: Final = re.compile(r"[-+]?(?:\d{1,400}(?:\.\d{0,400})?|\.\d{1,400})(?:[eE][-+]?\d{1,3})?")
_TIME: Final = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2}(?:\.\d{1,9})?))?\s*([aApP])?(?:\.?[mM]\.?)?")
_DOUBTFUL: Final = re.compile(r"\d{1,2}([./-])\d{1,2}\1\d{2,4}\b")
_YEAR_FIRST: Final = re.compile(r"(\d{4})/(\d{2})/(\d{2})")
_MONTH: Final = re.compile(
    r"(?<![A-Za-z])(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)(?:[a-z]{0,6}[.,]?)[ -]?\d", re.IGNORECASE
)
#: As Twitter writes them.
_YEAR_LAST: Final = re.compile(r"([A-Za-z]{3}) ([A-Za-z]{3}) (\d{1,2}) (\d{2}:\d{2}:\d{2}) ([-+]\d{4}) (\d{4})")


class OrderError(ValueError):
    """A cell that nothing can be sorted by; says why."""


def order_key(cell: Any, dates: str | None = None) -> tuple[Kind, Any]:
    """What sort of value a cell holds, and a key that compares with those of other cells of that sort.

    `dates` says how dates are written, as for `datetime.strptime`; without it they are those of ISO 8601 and of mail
    (RFC 5322). A date without a time zone is taken for UTC. Raises OrderError for a cell that is empty, or holds a
    date that is not written as `dates` says, or in a way that `dates` would have to say.
    """
    text = as_text(cell).strip()
    if not text:
        raise OrderError("the cell is empty")
    if dates is not None:
        try:
            return "dates", _instant(datetime.strptime(text, dates))
        except (ValueError, re.error, OverflowError) as error:
            raise OrderError(f"the cell holds no date that is written as {dates!r}") from error
    if _NUMBER.fullmatch(text):
        return "numbers", Decimal(text)
    if (time := _TIME.fullmatch(text)) is not None:
        return "times", _seconds(time)
    if _DOUBTFUL.match(text):
        raise OrderError("the cell may have day or month first (say which with `dates`, such as '%d/%m/%Y')")
    try:
        return "dates", _instant(datetime.fromisoformat(_YEAR_FIRST.sub(r"\1-\2-\3", text, count=1)))
    except (ValueError, OverflowError):
        pass
    mail = parsedate_tz(_YEAR_LAST.sub(r"\1, \3 \2 \6 \4 \5", text) if len(text) <= 64 else "")
    if mail is not None:
        try:
            # Without a zone, the library would take that of the machine.
            return "dates", Decimal(mktime_tz((*mail[:9], mail[9] or 0)))
        except (ValueError, OverflowError):
            pass
    if _MONTH.search(text):
        raise OrderError("the cell seems to hold a date (say how it is written with `dates`, such as '%d %B %Y')")
    return "texts", text


def _instant(moment: datetime) -> Decimal:
    """Seconds since 1970, exact to the microsecond, which a float is not."""
    since = (moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)) - datetime(1970, 1, 1, tzinfo=UTC)
    return since.days * 86400 + since.seconds + Decimal(since.microseconds) / 1_000_000


def _seconds(time: re.Match[str]) -> Decimal:
    """Seconds since midnight; 12 am is midnight, 12 pm noon."""
    hours, half = int(time[1]), (time[4] or "").lower()
    if half:
        hours = hours % 12 + (12 if half == "p" else 0)
    return hours * 3600 + int(time[2]) * 60 + Decimal(time[3] or 0)
