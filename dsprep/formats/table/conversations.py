"""Rows that are turns, put together to conversations."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from hashlib import blake2b
from typing import Any, Final, NamedTuple

from dsprep.formats.table.grouping import Gathered, GroupingNormaliser, agreed, kept, put_together
from dsprep.formats.table.mapping import (
    EMPTY,
    NAME,
    ROLES,
    Conversation,
    Mapping,
    MappingError,
    check_column,
    made_template,
    shots,
    split_of,
    unusable,
)
from dsprep.formats.table.order_keys import OrderError, order_key
from dsprep.formats.table.template import MissingColumn, Template, TemplateError, as_text
from dsprep.model import pointer as pointers
from dsprep.model.record import Example, Record
from dsprep.text.labels import mapped_label

#: In `roles`, what the data calls all others.
OTHERS: Final = "*"


class _Unusable(Exception):  # noqa: N818 - a row is it, not the run
    """A row that is no turn: the column to blame, why, and that in a word or two."""

    def __init__(self, column: str, why: str, what: str) -> None:
        super().__init__(why)
        self.column = column
        self.what = what


class _Turn(NamedTuple):
    """A row as a turn, with what it is sorted by: the sort of value, and the value."""

    record: Record
    kind: str
    key: Any


class ConversationNormaliser(GroupingNormaliser):
    """Rows to conversations, as `mapping.conversation` says.

    A row that has no known role, no text, or nothing to be sorted by cannot be used, and nor can its conversation, in
    which there would be a gap, unless the mapping says `unusable: row`. Rows of a conversation that say different
    things of its label, group or split, or whose places in the order do not compare, cannot be used either.
    """

    def __init__(self, mapping: Mapping, columns: Collection[str] | None = None) -> None:
        if mapping.conversation is None:
            raise MappingError("conversation is missing: it says which rows belong together, who speaks, and what")
        self.mapping = mapping
        self.how: Conversation = mapping.conversation
        for name in self.how.by:
            check_column("conversation.by", name, columns)
        if self.how.order is not None:
            check_column("conversation.order", self.how.order, columns)
        self._role = made_template("conversation.role", self.how.role, columns)
        self._text = made_template("conversation.text", self.how.text, columns)
        self._system = None if mapping.system is None else made_template("system", mapping.system, columns)
        for option, named in (("label", mapping.label), ("group", mapping.group), ("split", mapping.split)):
            if named is not None:
                check_column(option, named, columns)
        for named in mapping.keep:
            check_column("keep", named, columns)

    def key(self, record: Record) -> bytes | None:
        """See `GroupingNormaliser.key`."""
        if type(record.value) is not dict:
            return None
        cells = [as_text(record.value.get(name)) for name in self.how.by]
        if not any(cells):
            return None
        whole = "".join(f"{len(cell)}:{cell}" for cell in cells)
        return blake2b(whole.encode("utf-8", "surrogatepass"), digest_size=16).digest()

    def united(self, rows: Sequence[Record]) -> Iterator[Record]:
        """See `GroupingNormaliser.united`."""
        if self.key(rows[0]) is None:
            for record in rows:
                if type(record.value) is dict:
                    unusable(record, self.how.by[0], what="no conversation")
                yield record
            return
        turns: list[_Turn] = []
        faulty: dict[int, _Unusable] = {}
        for record in rows:
            try:
                turns.append(self._turn(record))
            except _Unusable as error:
                faulty[record.ordinal] = error
        whole = next(iter(faulty.values()), None) if self.how.unusable == "conversation" else None
        if whole is None and turns:
            whole = self._discord(turns)
        if whole is None and turns:
            turns.sort(key=lambda turn: (turn.key, turn.record.ordinal))
        together = {turn.record.ordinal for turn in turns} if whole is None else set()
        ordered = [turn.record for turn in turns]
        for record in rows:
            if record.ordinal in faulty:
                own = faulty[record.ordinal]
                unusable(record, own.column, str(own), own.what)
                yield record
            elif whole is not None:
                if faulty:
                    why = f"another row of its conversation cannot be used ({whole})"
                    unusable(record, "", why, "part of an unusable conversation")
                else:
                    unusable(record, whole.column, str(whole), whole.what)
                yield record
            elif together:
                used = [row for row in rows if row.ordinal in together]
                yield put_together(used, ordered)
                together = set()

    def example(self, record: Record) -> Example | None:
        """See `Normaliser.example`."""
        value = record.value
        if not isinstance(value, Gathered):
            return None
        mapping, rows = self.mapping, value.rows
        messages: list[Any] = []
        origins: dict[str, str] = {}
        begun = False
        for number, row in enumerate(rows):
            try:
                role, text = self._said(row)
                system = self._rendered(self._system, row, "system") if number == 0 and self._system is not None else ""
            except _Unusable as error:
                return unusable(record, error.column, str(error), error.what)
            if system and not system.isspace() and role != "system":
                messages.append({"role": "system", "content": system})
            if number and self.how.join is not None and messages[-1]["role"] == role:
                messages[-1]["content"] += self.how.join + text
                continue
            if role not in ("system", "developer") and not begun:
                begun = True
                messages.extend(shots(mapping))
            if len(self._text.used) == 1:
                place = f"/messages/{len(messages)}"
                origins[place] = origins[f"{place}/content"] = pointers.join(["rows", number, self._text.used[0]])
            messages.append({"role": role, "content": text})
        label = _agreed(rows, mapping.label)
        if label is not None and mapping.labels is not None:
            label = mapped_label(label, mapping.labels, label)
        return Example(
            {"messages": messages},
            messages,
            None,
            label,
            _agreed(rows, mapping.group),
            split_of(_agreed(rows, mapping.split)),
            kept(mapping.keep, rows),
            NAME,
            origins,
        )

    def _turn(self, record: Record) -> _Turn:
        self._said(record.value)
        if self.how.order is None:
            return _Turn(record, "", 0)
        try:
            return _Turn(record, *order_key(record.value.get(self.how.order), self.how.dates))
        except OrderError as error:
            raise _Unusable(self.how.order, str(error), "no place in the order") from error

    def _said(self, row: dict[str, Any]) -> tuple[str, str]:
        """The role and the text of a row. Raises _Unusable."""
        named = self._rendered(self._role, row, "role").strip()
        if not named:
            raise _Unusable(_blamed(self._role, "role"), EMPTY, "no role")
        role = mapped_label(named, self.how.roles, None) if self.how.roles is not None else None
        if role is None and named.casefold() in ROLES:
            role = named.casefold()
        if role is None and self.how.roles is not None:
            role = self.how.roles.get(OTHERS)
        if role is None:
            known = "`roles` does not know" if self.how.roles is not None else "`roles` would have to say what is"
            why = f"{known} {named[:40]!r}"
            raise _Unusable(_blamed(self._role, "role"), why, "unknown role")
        text = self._rendered(self._text, row, "text")
        if not text or text.isspace():
            raise _Unusable(_blamed(self._text, "text"), EMPTY, "empty text")
        return str(role), text

    def _rendered(self, template: Template, row: dict[str, Any], part: str) -> str:
        try:
            return template.render(row)
        except MissingColumn as error:
            raise _Unusable(str(error), "the row has no such column", f"no {part}") from error
        except TemplateError as error:
            raise _Unusable(_blamed(template, part), str(error), f"no {part}") from error

    def _discord(self, turns: Sequence[_Turn]) -> _Unusable | None:
        """What rows of one conversation say that cannot all be so."""
        kinds = sorted({turn.kind for turn in turns})
        if len(kinds) > 1:
            why = f"{self.how.order} has {' and '.join(kinds)} in one conversation, which do not compare"
            return _Unusable(str(self.how.order), why, "no place in the order")
        rows = [turn.record.value for turn in turns]
        for name, said in (("label", self.mapping.label), ("group", self.mapping.group), ("split", self.mapping.split)):
            if said is not None and not agreed([as_text(row.get(said)) for row in rows])[0]:
                return _Unusable(said, f"the rows of one conversation differ in {said}", f"more than one {name}")
        return None


def _agreed(rows: Sequence[dict[str, Any]], column: str | None) -> str | None:
    """What all rows that say anything in a column say in it."""
    return None if column is None else agreed([as_text(row.get(column)).strip() for row in rows])[1]


def _blamed(template: Template, part: str) -> str:
    return template.used[0] if template.used else part
