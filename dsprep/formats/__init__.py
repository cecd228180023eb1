"""Formats: the shapes that conversations come in, one file each, and the choice between them.

Tables are imported on first use: conversations have no need of them.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, Final, Protocol

from dsprep.formats import (
    alpaca,
    argilla,
    bedrock_claude,
    bedrock_converse,
    chat,
    chatml,
    label_studio,
    llama2,
    llama3,
    mistral,
    prompt_completion,
    sharegpt,
    transcript,
    vertex,
)
from dsprep.formats.preference import PREFERENCES
from dsprep.model import pointer as pointers
from dsprep.model.chat import shown
from dsprep.model.record import Example, Record
from dsprep.model.source import InputError, Normaliser, Shard, Source
from dsprep.text.annotations import Annotated, Flatten

if TYPE_CHECKING:
    from dsprep.formats.table import (
        LineMaker,
        Mapping,
        MappingError,
        RowsNormaliser,
        TableNormaliser,
        changed,
        infer_mapping,
        line_maker,
        load_mapping,
        mapping_yaml,
    )

__all__ = [
    "EXPORTS",
    "FORMATS",
    "PREFERENCES",
    "VERBATIM",
    "ChatNormaliser",
    "FieldsNormaliser",
    "LineMaker",
    "Mapping",
    "MappingError",
    "RowsNormaliser",
    "TableNormaliser",
    "changed",
    "infer_mapping",
    "keeps",
    "line_maker",
    "load_mapping",
    "loses",
    "mapping_yaml",
    "normaliser_for",
    "recognised",
    "render",
]

_OF_TABLES: Final = frozenset(
    {
        "LineMaker",
        "Mapping",
        "MappingError",
        "RowsNormaliser",
        "TableNormaliser",
        "changed",
        "infer_mapping",
        "line_maker",
        "load_mapping",
        "mapping_yaml",
    }
)

#: So many records decide what a file of JSON is, and so many rows what the columns of a table are.
SAMPLE_RECORDS: Final = 200
SAMPLE_ROWS: Final = 100_000
#: So many tell whether what they hold are the records.
SAMPLE_NESTED: Final = 20
#: Members of what somebody says.
_OF_TURNS: Final = frozenset({"role", "from", "speaker", "author", "content"})
_ROWS_AT_ONCE: Final = 1000


def __getattr__(name: str) -> Any:
    if name in _OF_TABLES:
        from dsprep.formats import table

        return getattr(table, name)
    raise AttributeError(f"module 'dsprep.formats' has no attribute {name!r}")


class ReadFormat(Protocol):
    """What can be read: `parse` takes a value that it recognises."""

    NAME: str
    KEYS: frozenset[str]

    def recognises(self, value: dict[str, Any]) -> bool: ...
    def parse(self, value: dict[str, Any]) -> Example: ...


class Format(ReadFormat, Protocol):
    """What can be written as well: `render` takes any example."""

    def render(self, example: Example) -> dict[str, Any]: ...
    def loses(self, example: Example) -> list[str]: ...


#: By name.
FORMATS: Final[dict[str, Format]] = {
    chat.NAME: chat,
    **PREFERENCES,
    **{
        module.NAME: module
        for module in (
            prompt_completion,
            alpaca,
            sharegpt,
            mistral,
            vertex,
            bedrock_converse,
            bedrock_claude,
            chatml,
            llama3,
            llama2,
        )
    },
}
#: Members of a record that fields of the example are made of.
_OWN: Final = frozenset({"label", "group", "split", "metadata"})
#: Those whose records have `messages` as chat has, and how they are told from it: one of these keys at least.
_WITH_MESSAGES: Final[tuple[Format, ...]] = (bedrock_converse, bedrock_claude, mistral)
_TELLING: Final = frozenset({"schemaVersion", "system", "available_tools", "interactions"})
#: The others, in the order in which they are tried.
_OTHERS: Final[tuple[ReadFormat, ...]] = (
    *(known for known in FORMATS.values() if known.NAME not in (chat.NAME, bedrock_converse.NAME, bedrock_claude.NAME)),
    transcript,
)
#: Formats whose records have the texts of cells as they are, so that these can be put there without being read.
VERBATIM: Final = frozenset({chat.NAME, prompt_completion.NAME, alpaca.NAME, sharegpt.NAME})
#: Formats in which a record has no room for other members: who reads them refuses those.
_CLOSED: Final = frozenset({vertex.NAME, bedrock_converse.NAME, bedrock_claude.NAME})


def recognised(value: Any) -> str | None:
    """The name of the format of a record's value, or None if it is no conversation."""
    known = _format_of(value) if type(value) is dict else None
    return None if known is None else known.NAME


def _format_of(value: dict[str, Any]) -> ReadFormat | None:
    if "messages" in value:
        messages = value["messages"]
        if type(messages) is list:
            if not _TELLING.isdisjoint(value):
                return next((known for known in _WITH_MESSAGES if known.recognises(value)), chat)
            if mistral.all_spoken(messages):
                return mistral
        return chat
    for known in _OTHERS:
        if known.recognises(value):
            return known
    return None


def render(example: Example, name: str) -> dict[str, Any]:
    """`example` as a whole record of the format with that name: with its label, group, split and metadata, where they
    do not stand in the record already. In chat they are members of their own, in other formats metadata are columns.

    What cannot be carried (see `loses`) is left out. Raises KeyError for an unknown name.
    """
    out = dict(FORMATS[name].render(example))
    if name in _CLOSED:
        return out
    if name == chat.NAME:
        if example.meta and "metadata" not in out:
            out["metadata"] = example.meta
    else:
        for key, value in _beside(example):
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
    lost = FORMATS[name].loses(example)
    if example.rejected is not None and name not in PREFERENCES:
        lost = [*lost, "the rejected answer"]
    return [*lost, *_around(example, name)] if name in _CLOSED else lost


def keeps(example: Example, name: str) -> list[str]:
    """Which members of a record of another format a record of the format with that name holds beside what it is made
    of: as `metadata` in chat, as columns elsewhere. What a mapping or a transcript says of itself is not listed."""
    if name in _CLOSED or example.format in (name, "table", transcript.NAME):
        return []
    return _around(example, name)


def _around(example: Example, name: str) -> list[str]:
    """What there is beside the conversation, in words."""
    beside = example.meta if name == chat.NAME else dict(_beside(example))
    said = [key for key in beside if key not in FORMATS[name].KEYS]
    if name != chat.NAME:
        fields = (("label", example.label), ("group", example.group), ("split", example.split))
        said += [key for key, item in fields if item is not None and key not in beside]
    return [f"`{key}`" for key in said]


def _beside(example: Example) -> Iterator[tuple[str, Any]]:
    """Metadata, and what else a chat record has beside its messages."""
    own = example.record if example.format == chat.NAME else {}
    for key, value in (*example.meta.items(), *own.items()):
        if key not in chat.KEYS and key not in _OWN:
            yield key, value


class Export(Protocol):
    """What the modules of annotation tools' exports are: their records are read as rows, and not written."""

    NAME: str

    def recognises(self, value: dict[str, Any]) -> bool: ...
    def flattened(self, value: dict[str, Any]) -> Annotated | None: ...


#: By name.
EXPORTS: Final[dict[str, Export]] = {module.NAME: module for module in (label_studio, argilla)}


class ChatNormaliser(Normaliser):
    """Takes each record for what it looks like: chat, or a format that has a chat form. Others are no examples."""

    def example(self, record: Record) -> Example | None:
        """See `Normaliser.example`."""
        value = record.value
        if type(value) is not dict:
            return None
        if len(value) == 1 and "messages" in value:
            # What most records are.
            messages = value["messages"]
            if type(messages) is list and not mistral.all_spoken(messages):
                return Example(value, messages)
        known = _format_of(value)
        if known is None:
            return None
        return chat.parse(value) if known is chat else _with_rest(known.parse(value), value, known.KEYS)


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
    conversation is taken for a table. The exports of annotation tools are tables at any rate. Raises MappingError (an
    InputError) if columns cannot be mapped.
    """
    flatten = _annotations(source, closely=infer or mapping is not None)
    if flatten is not None:
        return _of_annotations(source, flatten, mapping)
    of_fields = mapping is None or not (mapping.system or mapping.user or mapping.assistant or mapping.complete)
    values = _values(source)
    if of_fields and source.format != "csv" and not source.suggested:
        if mapping is None and not infer and not source.tabular:
            _refuse_nested(source)
            return ChatNormaliser(), []
        sample = list(islice(values, SAMPLE_RECORDS))
        values = chain(sample, values)
        # Columns called `prompt` and `completion` are a conversation in any table.
        if not sample or any(recognised(value) for value in sample):
            if mapping is None:
                return ChatNormaliser(), []
            _must_hold(sample, mapping, source.display)
            return FieldsNormaliser(mapping), []
    from dsprep.formats.table import Mapping as ColumnMapping
    from dsprep.formats.table import infer_mapping, rows_normaliser

    first = next(values, None)
    if first is None:
        return ChatNormaliser(), []  # nothing to map; the source says what is wrong with that
    if of_fields and recognised(first) in PREFERENCES:
        # Columns are mapped to one conversation each, which would be half of a pair.
        if mapping is None:
            return ChatNormaliser(), []
        _must_hold([first], mapping, source.display)
        return FieldsNormaliser(mapping), []
    rows = islice(chain((first,), values), SAMPLE_ROWS)
    if source.suggested and not (mapping and (mapping.user or mapping.assistant or mapping.complete)):
        own = mapping.model_dump(exclude_none=True, exclude_defaults=True) if mapping else {}
        mapping = ColumnMapping.model_validate({**source.suggested, **own})
    # What suggests a mapping has the same columns in all rows; to look at more of them may take long.
    columns = tuple(first) if source.suggested else None
    inferred = infer_mapping(columns, rows, path=source.display, given=mapping)
    return rows_normaliser(inferred.mapping, inferred.columns), list(inferred.explanation)


def _refuse_nested(source: Source) -> None:
    """Raise InputError if JSON holds no conversations, but lists of what look like the records: it would be said of
    each record that it has no messages, and of none what helps."""
    if source.format != "json" or source.reading.get("records") is not None:
        return
    records = (record.value for record in source.read(Shard(source.index, 0, 0)))
    sample = list(islice((value for value in records if type(value) is dict), SAMPLE_NESTED))
    if not sample or any(recognised(value) or "messages" in value for value in sample):
        return
    lists = [key for key in sample[0] if all(_holds_records(value.get(key)) for value in sample)]
    if lists:
        command = f"dsprep lint {shlex.quote(source.display)} --records {shlex.quote(f'{lists[0]}[]')}"
        raise InputError(
            f"{source.display} holds no conversations, but lists of what may be the records, called "
            f"{' and '.join(f'{shown(key, 40)!r}' for key in lists[:5])}. To read those: {command} (so with the other "
            "commands, too)"
        )


def _holds_records(value: Any) -> bool:
    """Whether a value is a list of objects that are no turns of a conversation."""
    return (
        isinstance(value, list)
        and bool(value)
        and all(isinstance(item, dict) and item.keys().isdisjoint(_OF_TURNS) for item in value)
    )


def _annotations(source: Source, *, closely: bool) -> Flatten | None:
    """What makes rows of the records of `source`, if it begins with a record of an annotation tool's export. Lines are
    looked at only where they are looked at `closely` anyway: tools write arrays."""
    if source.format == "json":
        # An array is read as a stream from its start, whatever the shard; to plan it is to read all of it.
        records = (record.value for record in source.read(Shard(source.index, 0, 0)))
        first = next((value for value in records if type(value) is dict), None)
    elif source.format == "jsonl" and closely:
        first = next(_values(source), None)
    else:
        return None
    found = next((known for known in EXPORTS.values() if first is not None and known.recognises(first)), None)
    return found.flattened if found is not None else None


def _of_annotations(source: Source, flatten: Flatten, mapping: Mapping | None) -> tuple[Normaliser, list[str]]:
    from dsprep.formats.table.flattened import FlattenedNormaliser, infer_annotated

    rows = (annotated for value in islice(_values(source), SAMPLE_ROWS) if (annotated := flatten(value)) is not None)
    inferred = infer_annotated(rows, path=source.display, given=mapping)
    return FlattenedNormaliser(inferred.mapping, inferred.columns, flatten), list(inferred.explanation)


def _must_hold(sample: Sequence[dict[str, Any]], mapping: Mapping, path: str) -> None:
    """Raise MappingError if the mapping names a member that none of the records has, or is about columns."""
    from dsprep.formats.table import MappingError

    if mapping.pack is not None or mapping.shots:
        raise MappingError(
            f"{path} holds conversations; `pack` and `shots` are for rows of columns, with `user` and `assistant`"
        )
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
    columns = source.columns
    for shard in source.plan(1 << 22):
        table = source.table(shard, columns) if columns else None
        if table is not None:
            for batch in table.cells.to_batches(_ROWS_AT_ONCE):
                yield from batch.to_pylist()
            continue
        for record in source.read(shard):
            if type(record.value) is dict:
                yield record.value
