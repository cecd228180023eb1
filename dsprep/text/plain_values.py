"""Values of typed tables as JSON has them."""

from __future__ import annotations

import datetime
import decimal
import math
from typing import Any


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
