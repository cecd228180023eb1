"""Sheets of workbooks: Excel's of any age, and OpenDocument's."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any, ClassVar, Final, NamedTuple

import orjson

from dsprep.model.record import Fault, Record
from dsprep.model.source import InputError, Shard, Source, unreadable
from dsprep.opening import is_url, measured, opened, temporary_file
from dsprep.text.bombs import BOMB_BYTES, BOMB_RATIO
from dsprep.text.column_names import column_names
from dsprep.text.plain_values import plain

#: The largest workbook that is read, unpacked (bytes).
MAX_UNPACKED: Final = 2 << 30
#: How much memory (bytes) and time (seconds) may be taken to read a sheet. One with a cell in its last corner takes
#: half a terabyte, and ends the process that reads it: so that is done by another one, which puts down the rows.
MAX_MEMORY: Final = 6 << 30
PATIENCE: Final = 600.0


class _Sheet(NamedTuple):
    """The name of a sheet, those of others that hold anything, its first row, whether there is a value below it, and
    the file of its rows: a JSON array a line."""

    name: str
    others: list[str]
    header: list[Any]
    filled: bool
    rows: str


class WorkbookSource(Source):
    """A sheet whose first row names the columns: the one called `sheet`, or the first that holds anything.

    The value of a record is a dict from column to cell: texts, numbers, true or false, dates as ISO 8601, None where a
    cell is empty. Of a formula it is the value that was worked out last. Rows without any value are passed over, as
    sheets have them below what is written.
    """

    format: ClassVar[str] = "workbook"
    tabular = True

    def __init__(self, path: str, *, sheet: str | None = None, **known: Any) -> None:
        super().__init__(path, **known)
        self.sheet = sheet
        # Read once: the file is planned, looked at and read.
        self._known: _Sheet | None = None

    @property
    def reading(self) -> Mapping[str, Any]:
        """See `Source.reading`."""
        return {"sheet": self.sheet}

    def plan(self, shard_bytes: int) -> Iterator[Shard]:
        """See `Source.plan`. Always a single shard: the library reads a sheet as a whole."""
        size = measured(self)
        sheet = self._sheet()
        columns, notes, faults = column_names(sheet.header)
        if sheet.others:
            notes.append(
                f"the sheet {sheet.name!r} was read; there {'is' if len(sheet.others) == 1 else 'are'} "
                f"{', '.join(map(repr, sheet.others))}, too: --records names another"
            )
        self.info.note(*notes)
        if not columns or not sheet.filled:
            faults = (Fault("empty-file"), *faults)
        yield Shard(self.index, 0, size, faults=faults)

    def read(self, shard: Shard) -> Iterator[Record]:
        """See `Source.read`."""
        sheet = self._sheet()
        columns, _, _ = column_names(sheet.header)
        with open(sheet.rows, "rb") as file:
            for ordinal, line in enumerate(file):
                cells = orjson.loads(line)
                if any(cell is not None for cell in cells):
                    value = dict.fromkeys(columns) | dict(zip(columns, cells, strict=False))
                    yield Record(ordinal, None, 0, b"", value, ordinal + 1)

    def _sheet(self) -> _Sheet:
        # What one process has put down, others read, unless they are on another machine.
        if self._known is None or not os.path.exists(self._known.rows):
            self._known = self._read()
        return self._known

    def _read(self) -> _Sheet:
        _refuse_bomb(self.path, self.display)
        path = self.path
        if is_url(path):
            with opened(path) as remote, temporary_file() as copy:
                shutil.copyfileobj(remote, copy)
                path = copy.name
        with temporary_file() as file:
            rows = file.name
        order = json.dumps({"path": path, "sheet": self.sheet, "rows": rows, "memory": MAX_MEMORY})
        try:
            # Nothing of the current folder is imported.
            done = subprocess.run(  # noqa: S603 - this very module
                [sys.executable, "-P", "-c", f"from {__name__} import put_down; put_down()"],
                input=order.encode(),
                capture_output=True,
                timeout=PATIENCE,
                check=False,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            )
            said = orjson.loads(done.stdout)
        except subprocess.TimeoutExpired as error:
            raise self._refused(f"it takes longer than {PATIENCE:,.0f} seconds to read", "export") from error
        except orjson.JSONDecodeError as error:
            if done.returncode > 0:
                raise RuntimeError(done.stderr.decode("utf-8", "replace").strip()[-1000:]) from error
            raise self._refused(
                f"a sheet takes more memory than the {MAX_MEMORY / 2**30:.2g} GB that it may; a cell far away from the "
                "others does that",
                "export",
            ) from error
        if "names" in said:
            raise InputError(
                f"{self.display} has no sheet {self.sheet!r}; it has {', '.join(map(repr, said['names']))}"
            )
        if "damage" in said:
            raise self._refused(said["damage"], "save")
        return _Sheet(**said, rows=rows)

    def _refused(self, why: str, then: str) -> InputError:
        doing = "export the sheet as CSV"
        if then == "save":
            doing = f"open it and save it again, or {doing}"
        return InputError(f"{self.display} is a workbook that cannot be read: {why.strip()}; {doing}")


def put_down() -> None:
    """What a process of its own does: reads a sheet as standard input says, and puts its rows down. What it says is one
    JSON object: what was read, or why nothing was."""
    import python_calamine

    order = json.load(sys.stdin)
    with suppress(ImportError):
        import resource

        most, allowed = order["memory"], resource.getrlimit(resource.RLIMIT_AS)[1]
        if allowed != resource.RLIM_INFINITY:
            most = min(most, allowed)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_AS, (most, allowed))
    try:
        book = _book(order["path"])
        names = book.sheet_names
        if order["sheet"] is not None and order["sheet"] not in names:
            said: dict[str, Any] = {"names": names}
        else:
            said = _put_down(book, names, order["sheet"], order["rows"])
    except (python_calamine.CalamineError, _TooLargeError) as error:
        what = str(error).strip()
        # Of XML that ends too early it names the element that is open.
        said = {"damage": what if " " in what else f"it ends within <{what}>"}
    except MemoryError:
        os.abort()
    except BaseException as error:
        if type(error).__name__ != "PanicException":  # the library's own, of no class that can be named
            raise
        said = {"damage": f"the library that reads it fails ({error})"}
    json.dump(said, sys.stdout)


def _book(path: str) -> Any:
    """The workbook at `path`. Of a file without a name the library finds out what it is, but not what is wrong with it:
    for that it has to be told by an ending."""
    import python_calamine

    try:
        return python_calamine.load_workbook(open(path, "rb"))
    except python_calamine.CalamineError:
        if not path.lower().endswith((".xlsx", ".xlsm", ".xlsb", ".xls", ".ods")):
            raise
        return python_calamine.load_workbook(path)


class _TooLargeError(Exception):
    """A sheet that stands for more than any does."""


def _put_down(book: Any, names: list[str], wanted: str | None, rows: str) -> dict[str, Any]:
    held: dict[str, Any] = {}
    for name in [wanted] if wanted is not None else names:
        sheet = book.get_sheet_by_name(name)
        if sheet.total_height:
            held[name] = sheet if not held else None
    chosen = next(iter(held), wanted or (names[0] if names else ""))
    sheet = held.get(chosen)
    header: list[Any] = []
    filled = False
    written = 0
    with open(rows, "wb") as file:
        for i, cells in enumerate(sheet.to_python(skip_empty_area=False) if sheet is not None else ()):
            if not i:
                header = [cell if isinstance(cell, str) else plain(cell) for cell in cells]
                continue
            plainly = [_cell(cell) for cell in cells]
            filled = filled or any(cell is not None for cell in plainly)
            written += file.write(json.dumps(plainly).encode() + b"\n")
            if written > MAX_UNPACKED:
                raise _TooLargeError(f"its rows have more than {MAX_UNPACKED:,} bytes")
    return {"name": chosen, "others": list(held)[1:], "header": header, "filled": filled}


def _cell(cell: Any) -> Any:
    if cell == "":
        return None
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 2**53:
        return int(cell)  # a spreadsheet knows no other numbers
    return plain(cell)


def _refuse_bomb(path: str, display: str) -> None:
    """Raise InputError for a packed workbook that unpacks to more than any workbook should."""
    try:
        with opened(path) as file:
            if not zipfile.is_zipfile(file):
                return  # the older kind is not packed
            with zipfile.ZipFile(file) as archive:
                size = sum(item.file_size for item in archive.infolist())
                packed = sum(item.compress_size for item in archive.infolist())
    except OSError as error:
        raise unreadable(display, error) from error
    except zipfile.BadZipFile as error:
        raise InputError(f"{display} is damaged: {error}; fetch it again") from error
    if size > min(MAX_UNPACKED, max(BOMB_BYTES, BOMB_RATIO * packed)):
        raise InputError(
            f"{display} unpacks to {size:,} bytes, more than a workbook can be read with; export the sheet as CSV"
        )
