"""Room for arrays that grow with the data: memory up to a budget, a temporary file beyond it.

The file has no name, so nothing is left of it whatever happens, and its pages are the system's to write out and forget
when memory is short. It lies where the system keeps temporary files (TMPDIR says where else).
"""

from __future__ import annotations

import mmap
import os
import tempfile
import weakref
from collections.abc import Mapping
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dsprep.model.source import InputError

#: Arrays of fewer bytes stay in memory.
SMALL = 4096
#: Arrays that are not larger than this share a file.
SEGMENT = 64 << 20
#: Where an array in a file may begin.
_ALIGNED = 64


class Storage:
    """Counts the arrays that it is shown; `limit` is how many bytes of them may be in memory (None: all)."""

    def __init__(self, limit: int | None = None) -> None:
        self.limit = limit
        self.in_memory = 0
        self.on_disk = 0
        self._known: dict[int, int] = {}
        self._segment: mmap.mmap | None = None
        self._used = 0

    def room(self, shape: tuple[int, ...], dtype: Any) -> NDArray[Any]:
        """An array of this shape to fill. Raises InputError if there is no room on the disk either."""
        if self._fits(prod(shape) * np.dtype(dtype).itemsize):
            return self._counted(np.empty(shape, dtype))
        return self._mapped(shape, np.dtype(dtype))

    def keep(self, state: Any) -> None:
        """Count the columns of `state`, if it is a list of such (see model.rule.KeyedRule), and put those that are too
        many in a file. What pieces share stays shared."""
        if self.limit is None or not isinstance(state, list):
            return
        moved: dict[int, NDArray[Any]] = {}
        for at, piece in enumerate(state):
            if isinstance(piece, Mapping):
                state[at] = {name: self._kept(column, moved) for name, column in piece.items()}

    def _kept(self, column: NDArray[Any], moved: dict[int, NDArray[Any]]) -> NDArray[Any]:
        number = id(column)
        if number in moved:
            return moved[number]
        if number in self._known or self._fits(column.nbytes):
            return self._counted(column)
        room = self._mapped(column.shape, column.dtype)
        room[...] = column
        moved[number] = room
        return room

    def _fits(self, size: int) -> bool:
        return self.limit is None or size < SMALL or self.in_memory + size <= self.limit

    def _counted(self, array: NDArray[Any]) -> NDArray[Any]:
        number = id(array)
        if number not in self._known:
            self._known[number] = array.nbytes
            self.in_memory += array.nbytes
            weakref.finalize(array, self._forget, number).atexit = False
        return array

    def _forget(self, number: int) -> None:
        self.in_memory -= self._known.pop(number)

    def _mapped(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
        size = prod(shape) * dtype.itemsize
        self.on_disk += size
        if size > SEGMENT:
            return np.ndarray(shape, dtype, _file(size))
        if self._segment is None or self._used + size > SEGMENT:
            self._segment, self._used = _file(SEGMENT), 0
        begin = self._used
        self._used += -(-size // _ALIGNED) * _ALIGNED
        return np.ndarray(shape, dtype, self._segment, begin)


def _file(size: int) -> mmap.mmap:
    """The memory of a new file of `size` bytes, which is gone when the memory is."""
    try:
        with tempfile.TemporaryFile() as file:
            # A file with holes would be found to be too large only when it is written to, by a signal that kills.
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(file.fileno(), 0, size)
            else:
                file.truncate(size)
            return mmap.mmap(file.fileno(), size)
    except OSError as error:
        raise InputError(
            f"no room for {size:,} bytes of temporary data in {tempfile.gettempdir()}: {error.strerror or error}; "
            "set TMPDIR to a folder on a larger disk, or raise --memory-limit"
        ) from error
