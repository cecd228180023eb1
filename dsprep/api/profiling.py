"""What is in the columns of tables, and expectations to start from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from dsprep.api.session import Paths, Progress, Silent, bytes_of, inputs_from
from dsprep.formats.table.columns import ColumnFigures, column_figures, expectations
from dsprep.model.source import InputInfo, Source
from dsprep.sources import open_source

#: Shards to be read one after the other need not be small.
_SHARD_BYTES = 16 << 20


@dataclass
class TableProfile:
    """The columns of one or several tables of the same kind, in figures; `rows` that were read, and `unreadable` ones,
    which are no rows of cells."""

    columns: dict[str, ColumnFigures]
    rows: int = 0
    unreadable: int = 0
    inputs: list[InputInfo] = field(default_factory=list)

    def expectations(self) -> dict[str, list[dict[str, Any]]]:
        """A `table:` section of a pack that this data meets; see `dsprep.formats.table.columns.expectations`."""
        return expectations(self.columns.values())


def profile(paths: Paths, *, records: str | None = None, progress: Progress | None = None) -> TableProfile:
    """The figures of all columns of `paths`, read once from start to end, with memory for a thousand values of each
    column. `records` is as for `convert`. Raises InputError."""
    inputs, _ = inputs_from(paths)
    sources = [open_source(item.path, index=i, display=item.display, records=records) for i, item in enumerate(inputs)]
    made = TableProfile({})
    watcher = progress or Silent()
    watcher.begin("profiling", bytes_of(sources))
    made.columns = column_figures(_rows(sources, made, watcher))
    made.inputs = [source.info for source in sources]
    return made


def _rows(sources: list[Source], made: TableProfile, watcher: Progress) -> Iterator[dict[str, Any]]:
    for source in sources:
        for shard in source.plan(_SHARD_BYTES):
            for record in source.read(shard):
                if isinstance(record.value, dict):
                    made.rows += 1
                    yield record.value
                elif not record.blank:
                    made.unreadable += 1
            watcher.advance(shard.end - shard.start)
