"""Where a rule that a pack defines looks: the texts of a role, the label, the prompt, the answer, a field."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, Final

import orjson
from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from dsprep.model import pointer as pointers
from dsprep.model.batch import Batch
from dsprep.model.fix import Applicability, Fix, Replace
from dsprep.model.location import Location
from dsprep.model.record import UNDECODED
from dsprep.text.labels import answer_place, field_label

#: Roles, by the word that a pack has for them.
ROLES: Final = {
    "system": frozenset({"system", "developer"}),
    "user": frozenset({"user"}),
    "assistant": frozenset({"assistant"}),
    "tool": frozenset({"tool", "function"}),
}
WORDS: Final = ("any", *ROLES, "prompt", "answer", "label")
METADATA: Final = "metadata/"

#: A value that is not there; a record may rightly hold None.
ABSENT: Final = object()


@dataclass(frozen=True, slots=True)
class Said:
    """A text that was looked for: the index of its record in the batch, the text, and its place: `turn`, the index in
    `batch.turns`, or `pointer` into the record (in its chat form if `chat`)."""

    row: int
    text: str
    turn: int | None = None
    pointer: str | None = None
    chat: bool = True


def known_place(place: str) -> str:
    """`place`, if it is one. Raises ValueError."""
    if place in WORDS:
        return place
    if place.startswith("/"):
        if place.endswith("/"):
            raise ValueError(f"{place!r} names no field: a pointer ends with the name of one")
        return place
    if place.startswith(METADATA) and len(place) > len(METADATA):
        return place
    raise ValueError(
        f"{place!r} is no place to look in; it is one of {', '.join(WORDS)}, a JSON pointer such as /source, or "
        f"{METADATA}NAME"
    )


def _listed(value: object) -> object:
    return (value,) if isinstance(value, str) else value


#: One text stands for a list.
ONE_OR_MORE: Final = {
    "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}],
}
Place = Annotated[str, AfterValidator(known_place)]
#: The type of an option `in`: one place or several.
Places = Annotated[tuple[Place, ...], BeforeValidator(_listed), Field(min_length=1), WithJsonSchema(ONE_OR_MORE)]
IN: Final = (
    "where to look, one or several: any (all messages), system, user, assistant, tool, prompt (what comes before the "
    "last answer), answer (the last one), label, a JSON pointer such as /source into the record, metadata/NAME"
)


def said_in(batch: Batch, places: Sequence[str]) -> Iterator[Said]:
    """The texts of `batch` in `places`, each once. Numbers and truth values of fields are texts as in JSON; of a list
    each item is looked at, of an object nothing. What is not there, or null, gives nothing."""
    yield from _turns(batch, frozenset(places))
    for place in dict.fromkeys(places):
        if place == "label":
            yield from _labels(batch)
        elif place.startswith(("/", METADATA)):
            for row in range(len(batch)):
                value, pointer, chat = field_at(batch, row, place)
                if type(value) is list:
                    for number, item in enumerate(value):
                        if (text := as_text(item)) is not None:
                            yield Said(row, text, pointer=f"{pointer}/{number}", chat=chat)
                elif value is not ABSENT and (text := as_text(value)) is not None:
                    yield Said(row, text, pointer=pointer, chat=chat)


def turns_in(batch: Batch, places: frozenset[str]) -> list[int] | None:
    """The indices in `batch.turns` of the texts in those of `places` that are roles or parts of the conversation,
    ascending; None if these are all of them."""
    if "any" in places:
        return None
    roles = frozenset().union(*(ROLES[place] for place in places if place in ROLES))
    parts = places & {"prompt", "answer"}
    turns = batch.turns
    if not parts:
        return [turn for turn, role in enumerate(turns.role) if role in roles] if roles else []
    places_of = zip(turns.row, turns.message, turns.role, strict=True)
    last = {row: message for row, message, role in places_of if role == "assistant"}
    chosen = []
    for turn, (row, message, role) in enumerate(zip(turns.row, turns.message, turns.role, strict=True)):
        answer = last.get(row)
        part = "answer" if message == answer else "prompt" if answer is None or message < answer else ""
        if role in roles or part in parts:
            chosen.append(turn)
    return chosen


def sample(place: str, text: str) -> Any:
    """A small record that has `text` in `place`: what an example that is a text alone stands for."""
    if place == "label":
        return {"messages": _messages("?", "!"), "label": text}
    if place.startswith(METADATA):
        return {"messages": _messages("?", "!"), "metadata": {place[len(METADATA) :]: text}}
    if place.startswith("/"):
        value: Any = text
        for token in reversed(pointers.split(place)):
            value = {token: value}
        return {"messages": _messages("?", "!")} | value
    if place in ("system", "tool"):
        return {"messages": [{"role": place, "content": text}, *_messages("?", "!")]}
    if place == "any":
        return {"messages": _messages(text, text)}
    return {"messages": _messages(text, "!") if place in ("user", "prompt") else _messages("?", text)}


def _messages(asked: str, said: str) -> list[Any]:
    return [{"role": "user", "content": asked}, {"role": "assistant", "content": said}]


def field_at(batch: Batch, row: int, place: str) -> tuple[Any, str, bool]:
    """The value at a pointer, or under metadata/NAME, of a record of the batch (ABSENT if it is not there), the pointer
    to it, and whether that is one into the record's chat form."""
    record, example = batch.records[row], batch.examples[row]
    if place.startswith(METADATA):
        name = place[len(METADATA) :]
        if example is None or name not in example.meta:
            return ABSENT, f"/{METADATA}{pointers.escape(name)}", False
        inside = _resolved(record.value, f"/metadata/{pointers.escape(name)}") is not ABSENT
        return example.meta[name], f"{'/metadata' if inside else ''}/{pointers.escape(name)}", False
    value = _resolved(as_read(batch, row), place)
    if value is ABSENT and example is not None and example.record is not record.value:
        return _resolved(example.record, place), place, True
    return value, place, example is None or example.format == "chat"


def as_read(batch: Batch, row: int) -> Any:
    """The value of a record as it was read: of one that has become a conversation by a fix, what it was before."""
    record, example = batch.records[row], batch.examples[row]
    if example is not None and example.format != "chat" and example.record is record.value:
        return UNDECODED if record.original is None else record.original
    return record.value


def _resolved(document: Any, pointer: str) -> Any:
    try:
        return pointers.resolve(document, pointer)
    except (KeyError, IndexError, ValueError, TypeError):
        return ABSENT


def as_text(value: Any) -> str | None:
    """A string, or a number or truth value as JSON writes it; None for anything else."""
    if type(value) is str:
        return value
    if type(value) in (int, float, bool):
        try:
            return orjson.dumps(value).decode()
        except TypeError:  # an integer of more than 64 bits
            return str(value)
    return None


def location_of(batch: Batch, said: Said) -> Location:
    """Where the text is: a message, a field, or the column of a table."""
    if said.turn is not None:
        return batch.location(said.row, batch.turns.pointer(said.turn))
    return field_location(batch, said.row, said.pointer, chat=said.chat)


def field_location(batch: Batch, row: int, pointer: str | None, *, chat: bool = False) -> Location:
    """Where the field at `pointer` of a record is, or should be: the column of a table, or a pointer."""
    whole = batch.location(row)
    if pointer is None:
        return whole
    example = batch.examples[row]
    if chat and example is not None and example.origins is not None:
        return batch.location(row, pointer)
    head, *rest = pointers.split(pointer)
    if is_table_row(batch, row) and not rest:
        return replace(whole, column=head)
    return replace(whole, pointer=(whole.pointer or "") + pointer)


def is_table_row(batch: Batch, row: int) -> bool:
    """Whether the record is a row of a table: one of CSV, or one that a mapping has made a conversation of."""
    example, record = batch.examples[row], batch.records[row]
    if example is not None and example.format == "table":
        return True
    return example is None and record.row is not None and record.pointer is None


def fix_of(batch: Batch, said: Said, text: str, applicability: Applicability) -> Fix | None:
    """The fix that puts `text` in the place of what is said; None where it cannot be put there."""
    if said.turn is not None:
        return Fix(applicability, (Replace(batch.turns.pointer(said.turn), text),))
    example = batch.examples[said.row]
    if said.pointer is None or not (said.chat or (example is not None and example.format == "chat")):
        return None
    holder = example.record if example is not None else batch.records[said.row].value
    if holder is UNDECODED or type(_resolved(holder, said.pointer)) is not str:
        return None
    return Fix(applicability, (Replace(said.pointer, text),))


def _turns(batch: Batch, places: frozenset[str]) -> Iterator[Said]:
    texts, rows = batch.turns.text, batch.turns.row
    chosen = turns_in(batch, places)
    for turn in range(len(texts)) if chosen is None else chosen:
        yield Said(rows[turn], texts[turn], turn)


def _labels(batch: Batch) -> Iterator[Said]:
    """The label field, or, where there is none, the assistant's short answer."""
    for row, example in enumerate(batch.examples):
        if example is None:
            continue
        label = field_label(example)
        if label is not None:
            yield Said(row, label, pointer=example.label_pointer)
            continue
        place = answer_place(example)
        if place is not None:
            yield Said(row, example.messages[place]["content"], pointer=f"/messages/{place}/content")
