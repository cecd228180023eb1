"""Values of typed tables as JSON has them."""

from __future__ import annotations

import datetime
import decimal
import json
import math
from typing import Any

from dsprep.model.record import Fault
from dsprep.text.encoding import HIGH_RUN, detect_legacy


def plain(value: Any, *, nested: bool = False) -> Any:
    """`value` as JSON has it: times as ISO 8601, decimals and durations as texts, bytes as text if they are some and in
    hexadecimal if not, NaN and the infinities as None.

    With `nested`, members of objects that are None go, as far down as there are any.
    """
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        items = {str(name): plain(item, nested=nested) for name, item in value.items()}
        return {name: item for name, item in items.items() if item is not None} if nested else items
    if isinstance(value, list):
        # A map comes as pairs.
        if value and all(isinstance(item, tuple) and len(item) == 2 for item in value):
            return {str(name): plain(item, nested=nested) for name, item in value}
        return [plain(item, nested=nested) for item in value]
    if isinstance(value, bytes | bytearray | memoryview):
        data = bytes(value)
        try:
            return data.decode("utf-8")
        except UnicodeDecodeError:
            return data.hex()
    if isinstance(value, datetime.datetime):
        # A day without a time is what a spreadsheet has for a date.
        return value.date().isoformat() if value.time() == datetime.time() and not value.tzinfo else value.isoformat()
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, decimal.Decimal | datetime.timedelta):
        return str(value)
    return str(value)


def not_utf8(cells: dict[str, Any]) -> tuple[Fault, bytes]:
    """What to say of a row with texts that are not UTF-8, their bytes standing in it as lone surrogates (see PEP 383),
    and the row as a line of JSON with those bytes as they are."""
    raw = json.dumps(cells, ensure_ascii=False).encode("utf-8", "surrogateescape")
    column, bad = next(
        (name, found)
        for name, item in cells.items()
        if (found := json.dumps(item, ensure_ascii=False).encode("utf-8", "surrogateescape")) and not _is_utf8(found)
    )
    run = next((run.group() for run in HIGH_RUN.finditer(bad) if not _is_utf8(run.group())), bad)
    return Fault("invalid-utf8", {"encoding": detect_legacy(bad), "bad": run[:8].hex()}, column=column), raw


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
