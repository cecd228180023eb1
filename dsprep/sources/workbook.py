"""Sheets of workbooks: Excel's of any age, and OpenDocument's."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, Final

from dsprep.model.record import Fault, Record
from dsprep.model.source import InputError, Shard, Source, unreadable
from dsprep.opening import measured, opened
from dsprep.text.column_names import column_names
from dsprep.text.plain_values import plain

#: The largest workbook that is read, unpacked (bytes): a sheet of a million rows is held in memory whole.
MAX_UNPACKED: Final = 2 << 30


#: The name of a sheet, those of others that hold anything, its first row, and the rows below.
_Sheet = tuple[str, list[str], Sequence[Any], Sequence[Sequence[Any]]]


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
        # Read once in each process: the file is planned, looked at and read.
        self._known: _Sheet | None = None

    @property
    def reading(self) -> Mapping[str, Any]:
        """See `Source.reading`."""
        return {"sheet": self.sheet}

    def plan(self, shard_bytes: int) -> Iterator[Shard]:
        """See `Source.plan`. Always a single shard: the library reads a sheet as a whole."""
        size = measured(self)
        name, others, header, rows = self._sheet()
        columns, notes, faults = column_names(header)
        if others:
            notes.append(
                f"the sheet {name!r} was read; there {'is' if len(others) == 1 else 'are'} "
                f"{', '.join(map(repr, others))}, too: --records names another"
            )
        self.info.note(*notes)
        if not columns or not any(any(cell != "" for cell in row) for row in rows):
            faults = (Fault("empty-file"), *faults)
        yield Shard(self.index, 0, size, faults=faults)

    def read(self, shard: Shard) -> Iterator[Record]:
        """See `Source.read`."""
        _, _, header, rows = self._sheet()
        columns, _, _ = column_names(header)
        for ordinal, cells in enumerate(rows):
            if all(cell == "" for cell in cells):
                continue
            value = {name: _cell(cell) for name, cell in zip(columns, cells, strict=False)}
            yield Record(ordinal, None, 0, b"", dict.fromkeys(columns) | value, ordinal + 1)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_known": None}

    def _sheet(self) -> _Sheet:
        if self._known is None:
            self._known = self._read()
        return self._known

    def _read(self) -> _Sheet:
        import python_calamine

        _refuse_bomb(self.path, self.display)
        try:
            with opened(self.path) as file:
                book = python_calamine.load_workbook(file)
                names = book.sheet_names
                if self.sheet is not None and self.sheet not in names:
                    raise InputError(
                        f"{self.display} has no sheet {self.sheet!r}; it has {', '.join(map(repr, names))}"
                    )
                filled = []
                for name in [self.sheet] if self.sheet is not None else names:
                    sheet = book.get_sheet_by_name(name)
                    if sheet.total_height:
                        filled.append(name)
                chosen = filled[0] if filled else (self.sheet or (names[0] if names else ""))
                rows: Sequence[Sequence[Any]] = (
                    book.get_sheet_by_name(chosen).to_python(skip_empty_area=False) if names else []
                )
        except OSError as error:
            raise unreadable(self.display, error) from error
        except python_calamine.CalamineError as error:
            raise InputError(
                f"{self.display} is a workbook that cannot be read: {error}; open it and save it again, or export the "
                "sheet as CSV"
            ) from error
        return chosen, filled[1:], rows[0] if rows else [], rows[1:]


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
    except OSError as error:
        raise unreadable(display, error) from error
    except zipfile.BadZipFile as error:
        raise InputError(f"{display} is damaged: {error}; fetch it again") from error
    if size > MAX_UNPACKED:
        raise InputError(
            f"{display} unpacks to {size:,} bytes, more than a workbook can be read with; export the sheet as CSV"
        )
