"""Formats: the shapes that conversations come in, one file each, and the choice between them.

Tables are imported on first use: conversations have no need of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, Final, Protocol

from dsprep.formats import alpaca, chat, prompt_completion, sharegpt
from dsprep.model import pointer as pointers
from dsprep.model.record import Example, Record
from dsprep.model.source import Normaliser, Source

if TYPE_CHECKING:
    from dsprep.formats.table import Mapping, MappingError, TableNormaliser, infer_mapping

__all__ = [
    "FORMATS",
    "ChatNormaliser",
    "FieldsNormaliser",
    "Mapping",
    "MappingError",
    "TableNormaliser",
    "infer_mapping",
    "loses",
    "normaliser_for",
    "recognised",
    "render",
]

_OF_TABLES: Final = frozenset({"Mapping", "MappingError", "TableNormaliser", "infer_mapping"})

#: So many records decide what a file of JSON is, and so many rows what the columns of a table are.
SAMPLE_RECORDS: Final = 200
SAMPLE_ROWS: Final = 100_000


def __getattr__(name: str) -> Any:
    if name in _OF_TABLES:
        from dsprep.formats import table

        return getattr(table, name)
    raise AttributeError(f"module 'dsprep.formats' has no attribute {name!r}")


class Format(Protocol):
    """What each of the modules is. `parse` takes a value that it recognises, `render` any example."""

    NAME: str
    KEYS: frozenset[str]

    def recognises(self, value: dict[str, Any]) -> bool: ...
    def parse(self, value: dict[str, Any]) -> Example: ...
    def render(self, example: Example) -> dict[str, Any]: ...
    def loses(self, example: Example) -> list[str]: ...


#: By name, in the order in which they are tried.
FORMATS: Final[dict[str, Format]] = {module.NAME: module for module in (chat, prompt_completion, alpaca, sharegpt)}
#: Members of a record that fields of the example are made of.
_OWN: Final = frozenset({"label", "group", "split", "metadata"})
_OTHERS: Final = tuple(FORMATS[name] for name in FORMATS if name != chat.NAME)


def recognised(value: Any) -> str | None:
    """The name of the format of a record's value, or None if it is no conversation."""
    if type(value) is dict:
        for name, known in FORMATS.items():
            if known.recognises(value):
                return name
    return None


def render(example: Example, name: str) -> dict[str, Any]:
    """`example` as a whole record of the format with that name: with its label, group, split and metadata, where they
    do not stand in the record already. In chat they are members of their own, in other formats metadata are columns.

    What cannot be carried (see `loses`) is left out. Raises KeyError for an unknown name.
    """
    out = dict(FORMATS[name].render(example))
    if name == chat.NAME:
        if example.meta and "metadata" not in out:
            out["metadata"] = example.meta
    else:
        beside = example.record if example.format == chat.NAME else {}
        for key, value in (*example.meta.items(), *beside.items()):
            if key not in chat.KEYS and key not in _OWN:
                out.setdefault(key, value)
    if example.label is not None and (example.label_pointer is None or example.label_pointer == "/label"):
        out.setdefault("label", example.label)
    if example.group is not None:
        out.setdefault("group", example.group)
    if example.split is not None:
        out.setdefault("split", example.split)
    return out


def loses(example: Example, name: str) -> list[str]:
    """What a record of the format with that name cannot carry of `example`, in words; empty if nothing."""
    return FORMATS[name].loses(example)


class ChatNormaliser(Normaliser):
    """Takes each record for what it looks like: chat, or a format that has a chat form. Others are no examples."""

    def example(self, record: Record) -> Example | None:
        """See `Normaliser.example`."""
        value = record.value
        if type(value) is not dict:
            return None
        if "messages" in value:
            messages = value["messages"]
            if len(value) == 1 and type(messages) is list:
                return Example(value, messages)
            return chat.parse(value)
        for known in _OTHERS:
            if known.recognises(value):
                return _with_rest(known.parse(value), value, known.KEYS)
        return None


class FieldsNormaliser(ChatNormaliser):
    """Takes conversations for what they look like, and their label, group, split and metadata from the members of the
    record that a mapping names."""

    def __init__(self, mapping: Mapping) -> None:
        self.mapping = mapping

    def example(self, record: Record) -> Example | None:
        """See `Normaliser.example`."""
        example = super().example(record)
        if example is None:
            return None
        value, mapping = record.value, self.mapping
        if mapping.label is not None:
            example.label = chat.scalar_text(value.get(mapping.label))
            example.label_pointer = pointers.join([mapping.label]) if example.format == chat.NAME else None
        if mapping.group is not None:
            example.group = chat.scalar_text(value.get(mapping.group))
        if mapping.split is not None:
            example.split = chat.split_named(value.get(mapping.split))
        if mapping.keep:
            example.meta = {**example.meta, **{name: value[name] for name in mapping.keep if name in value}}
        return example


def _with_rest(example: Example, value: dict[str, Any], known: frozenset[str]) -> Example:
    """`example` with what else its record says: label, group, split, and all other columns as metadata."""
    for key, item in value.items():
        if key in known:
            continue
        if key == "label":
            example.label = chat.scalar_text(item)
        elif key == "group":
            example.group = chat.scalar_text(item)
        elif key == "split":
            example.split = chat.split_named(item)
        elif key == "metadata" and type(item) is dict:
            example.meta.update(item)
        else:
            example.meta[key] = item
    return example


def normaliser_for(
    source: Source, mapping: Mapping | None = None, *, infer: bool = False
) -> tuple[Normaliser, list[str]]:
    """What makes examples of the records of `source`, and what was assumed, in sentences.

    A table's columns are mapped as `mapping` says; what it leaves open, or all of it, is inferred from the columns.
    JSON is taken for what it looks like, unless there is a `mapping`; with `infer`, JSON of which no record is a
    conversation is taken for a table. Raises MappingError (an InputError) if columns cannot be mapped.
    """
    of_fields = mapping is None or not (mapping.system or mapping.user or mapping.assistant)
    if of_fields and source.format != "csv":
        if mapping is None and not infer:
            return ChatNormaliser(), []
        sample = list(islice(_values(source), SAMPLE_RECORDS))
        if not sample or any(recognised(value) for value in sample):
            if mapping is None:
                return ChatNormaliser(), []
            _must_hold(sample, mapping, source.display)
            return FieldsNormaliser(mapping), []
    from dsprep.formats.table import TableNormaliser, infer_mapping

    values = _values(source)
    first = next(values, None)
    if first is None:
        return ChatNormaliser(), []  # nothing to map; the source says what is wrong with that
    rows = islice(chain((first,), values), SAMPLE_ROWS)
    inferred = infer_mapping(None, rows, path=source.display, given=mapping)
    return TableNormaliser(inferred.mapping, inferred.columns), list(inferred.explanation)


def _must_hold(sample: Sequence[dict[str, Any]], mapping: Mapping, path: str) -> None:
    """Raise MappingError if the mapping names a member that none of the records has."""
    from dsprep.formats.table import MappingError

    known = sorted({key for value in sample for key in value})
    for option, names in (
        ("label", [mapping.label]),
        ("group", [mapping.group]),
        ("split", [mapping.split]),
        ("keep", mapping.keep),
    ):
        for name in names:
            if name is not None and name not in known:
                raise MappingError(f"{path}: no record has {name!r}, as --{option} says; they have {', '.join(known)}")


def _values(source: Source) -> Iterator[dict[str, Any]]:
    """The values of the records of `source` that are objects."""
    for shard in source.plan(1 << 22):
        for record in source.read(shard):
            if type(record.value) is dict:
                yield record.value
