"""Several rows in one conversation, each of them an exchange of its own."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from hashlib import blake2b
from typing import Any

from dsprep.formats.table.grouping import Gathered, GroupingNormaliser, kept, put_together
from dsprep.formats.table.mapping import NAME, Mapping, TableNormaliser, shots
from dsprep.model import pointer as pointers
from dsprep.model.record import Example, Record


class PackingNormaliser(GroupingNormaliser):
    """`mapping.pack` rows to one conversation of as many exchanges, in the order of the file; the last one of a kind
    has what is left. Rows whose system message, group or split differ are of different kinds. A conversation has a
    label only if all of its rows have the same.
    """

    def __init__(self, mapping: Mapping, columns: Collection[str] | None = None) -> None:
        self.mapping = mapping
        self.limit = mapping.pack
        self._single = TableNormaliser(mapping.model_copy(update={"pack": None, "shots": ()}), columns)
        self._shots = shots(mapping)

    def key(self, record: Record) -> bytes | None:
        """See `GroupingNormaliser.key`."""
        faults = record.faults
        example = self._single.example(record)
        record.faults = faults
        if example is None:
            return None
        digest = blake2b(digest_size=16)
        for part in (_system(example), example.group, example.split):
            said = b"" if part is None else part.encode("utf-8", "surrogatepass")
            digest.update(b"%d:%b" % (-1 if part is None else len(said), said))
        return digest.digest()

    def united(self, rows: Sequence[Record]) -> Iterable[Record]:
        """See `GroupingNormaliser.united`."""
        return rows if self.key(rows[0]) is None else [put_together(rows, rows)]

    def example(self, record: Record) -> Example | None:
        """See `Normaliser.example`."""
        value = record.value
        if not isinstance(value, Gathered):
            return self._single.example(record)
        messages: list[Any] = []
        origins: dict[str, str] = {}
        examples: list[Example] = []
        for number, row in enumerate(value.rows):
            # Each of them was an example before it came here.
            example = self._single.example(Record(record.ordinal, record.line, record.offset, b"", row, record.row))
            if example is None:
                return None
            examples.append(example)
            skip = 0
            if _system(example) is not None:
                skip = 1
                if not number:
                    messages.append(example.messages[0])
            if not number:
                messages.extend(self._shots)
            for place, column in (example.origins or {}).items():
                _, _, said, *rest = place.split("/")
                if int(said) >= skip or not number:
                    at = len(messages) + int(said) - skip if int(said) >= skip else 0
                    origins["/".join(["/messages", str(at), *rest])] = pointers.join(["rows", number, column])
            messages.extend(example.messages[skip:])
        first = examples[0]
        labels = {example.label for example in examples}
        return Example(
            {"messages": messages},
            messages,
            None,
            first.label if len(labels) == 1 else None,
            first.group,
            first.split,
            kept(self.mapping.keep, value.rows),
            NAME,
            origins,
        )


def _system(example: Example) -> str | None:
    first = example.messages[0]
    return str(first["content"]) if first["role"] == "system" else None
