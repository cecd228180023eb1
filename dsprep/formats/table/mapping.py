"""The mapping from columns to a conversation, and the normaliser that applies it to rows."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field

from dsprep.folds.splits import known_as
from dsprep.formats.table.template import MissingColumn, Template, TemplateError, as_text
from dsprep.model.record import UNDECODED, Example, Fault, Record
from dsprep.model.source import InputError, Normaliser

NAME: Final = "table"


class MappingError(InputError):
    """Columns that cannot be mapped as asked, or at all. The message says which there are and what would work."""


class Mapping(BaseModel):
    """How a row becomes a conversation.

    `system`, `user` and `assistant` are a column's name or a template over columns (see Template); `system` may also
    be a fixed text. `label`, `group` and `split` are columns, `keep` columns to keep as metadata, `records` the path
    to the rows in nested JSON. What is None is inferred, or left out.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    system: str | None = Field(default=None, description="System message: a text, or a template over columns.")
    user: str | None = Field(default=None, description="User message: a column, or a template over columns.")
    assistant: str | None = Field(default=None, description="Assistant message: a column, or a template over columns.")
    label: str | None = Field(default=None, description="Column with the label.")
    group: str | None = Field(default=None, description="Column of what must not be torn apart by a split.")
    split: str | None = Field(default=None, description="Column that names the split of a row.")
    keep: tuple[str, ...] = Field(default=(), description="Columns to keep as metadata.")
    records: str | None = Field(default=None, description="Path to the rows in nested JSON, such as questions[].")

    @property
    def complete(self) -> bool:
        """Whether it says what user and assistant say."""
        return self.user is not None and self.assistant is not None


class TableNormaliser(Normaliser):
    """Rows to examples, as `mapping` says. The same for the rows of CSV and for JSON records without messages.

    `columns` are those that the rows have, where they are known. Raises MappingError for a mapping that does not fit
    them. A row in which the user or the assistant would say nothing is no example; it gets a `missing-value` fault. A
    cell that says "null" or "N/A" says so to the model, too.
    """

    def __init__(self, mapping: Mapping, columns: Collection[str] | None = None) -> None:
        self.mapping = mapping
        if mapping.user is None or mapping.assistant is None:
            missing = "--user" if mapping.user is None else "--assistant"
            raise MappingError(f"{missing} is missing: a column or a template such as '{{{{column}}}}'")
        self._system = None if mapping.system is None else _template("system", mapping.system, columns)
        self._user = _template("user", mapping.user, columns)
        self._assistant = _template("assistant", mapping.assistant, columns)
        for option, named in (("label", mapping.label), ("group", mapping.group), ("split", mapping.split)):
            if named is not None:
                _column(option, named, columns)
        for named in mapping.keep:
            _column("keep", named, columns)
        self._origins = {shift: self._origins_from(shift) for shift in (0, 1)}

    def example(self, record: Record) -> Example | None:
        """See `Normaliser.example`."""
        row = record.value
        if row is UNDECODED or type(row) is not dict:
            return None
        mapping = self.mapping
        try:
            user = self._user.render(row)
            assistant = self._assistant.render(row)
            system = self._system.render(row) if self._system is not None else ""
        except MissingColumn as error:
            return _missing(record, str(error))
        except TemplateError as error:
            return _missing(record, "template", str(error))
        if not user or user.isspace():
            return _missing(record, _blank_column(self._user, row, "user"))
        if not assistant or assistant.isspace():
            return _missing(record, _blank_column(self._assistant, row, "assistant"))
        messages: list[Any] = [{"role": "user", "content": user}, {"role": "assistant", "content": assistant}]
        shift = 0
        if system and not system.isspace():
            messages.insert(0, {"role": "system", "content": system})
            shift = 1
        label_pointer = None
        label = None
        if mapping.label is not None:
            label = as_text(row.get(mapping.label))
            if self._assistant.column == mapping.label:
                label_pointer = f"/messages/{shift + 1}/content"
        return Example(
            {"messages": messages},
            messages,
            None,
            label if label and not label.isspace() else None,
            as_text(row.get(mapping.group)) or None if mapping.group is not None else None,
            _split(row.get(mapping.split)) if mapping.split is not None else None,
            {name: row.get(name) for name in mapping.keep} if mapping.keep else {},
            NAME,
            self._origins[shift],
            label_pointer,
        )

    def _origins_from(self, shift: int) -> dict[str, str]:
        """Which column each text is from, if it is from one alone; `shift` is the place of the user's message."""
        origins: dict[str, str] = {}
        templates = [(shift, self._user), (shift + 1, self._assistant)]
        if shift and self._system is not None:
            templates.append((0, self._system))
        for place, template in templates:
            if len(template.used) == 1:
                origins[f"/messages/{place}"] = origins[f"/messages/{place}/content"] = template.used[0]
        return origins


def _template(option: str, text: str, columns: Collection[str] | None) -> Template:
    try:
        template = Template(text, columns)
    except TemplateError as error:
        raise MappingError(f"--{option} {text!r}: {error}") from error
    if option != "system" and template.constant is not None:
        shown = f"; the columns are: {', '.join(columns)}" if columns else ""
        raise MappingError(
            f"--{option} {text!r} is neither a column nor a template with one in it, such as '{{{{column}}}}'{shown}"
        )
    return template


def _column(option: str, name: str, columns: Collection[str] | None) -> None:
    """Raise MappingError if there is no column of that name."""
    if columns is not None and name not in columns:
        try:
            Template(f"{{{{ {name} }}}}", columns)
        except TemplateError as error:
            raise MappingError(f"--{option}: {error}") from error
        raise MappingError(f"--{option} takes the name of a column; {name!r} is none")


def _blank_column(template: Template, row: dict[str, Any], role: str) -> str:
    """The column to blame for an empty text: the first one that is empty itself."""
    return next((name for name in template.used if not as_text(row.get(name)).strip()), role)


def _missing(record: Record, column: str, reason: str | None = None) -> Example | None:
    """None, for a record that has become no example, with the fault that says so."""
    args = {"column": column} if reason is None else {"column": column, "reason": reason}
    place = column if column in record.value else None
    record.faults = (*record.faults, Fault("missing-value", args, column=place))
    return None


def _split(value: Any) -> str | None:
    return known_as(as_text(value)) or None
