"""The mapping from columns to a conversation, and the normaliser that applies it to rows."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator, model_validator

from dsprep.folds.splits import known_as
from dsprep.formats.table.template import MissingColumn, Template, TemplateError, as_text
from dsprep.model.record import UNDECODED, Example, Fault, Record
from dsprep.model.source import InputError, Normaliser
from dsprep.text.labels import mapped_label
from dsprep.text.normalising import Normalisation

NAME: Final = "table"

#: Why a row becomes no example, where nothing else is said.
EMPTY: Final = "the cell is empty"

#: The roles that a row of a conversation can have. What tools say needs more than a role and a text.
ROLES: Final = ("system", "developer", "user", "assistant")


class MappingError(InputError):
    """Columns that cannot be mapped as asked, or at all. The message says which there are and what would work."""


def _texts(labels: Any) -> Any:
    """YAML reads `3: neutral` as a number, and `no: negative` as false."""
    if not isinstance(labels, dict):
        return labels
    words = {True: "true", False: "false", None: "null"}
    return {
        words.get(key, str(key)) if not isinstance(key, int | float) or isinstance(key, bool) else str(key): (
            str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value
        )
        for key, value in labels.items()
    }


Labels = Annotated[dict[str, str], BeforeValidator(_texts)]


class _Part(BaseModel):
    """A part of a mapping."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Shot(_Part):
    """A turn of each that stands before every example, as it is: it is no template."""

    user: str = Field(description="What the user says.")
    assistant: str = Field(description="What the assistant answers.")


class Exchange(_Part):
    """One of several examples that a row gives. What is None is as the mapping says for all of them."""

    user: str = Field(description="User message: a column, or a template over columns.")
    assistant: str = Field(description="Assistant message: a column, or a template over columns.")
    system: str | None = Field(default=None, description="System message: a text, or a template over columns.")
    label: str | None = Field(default=None, description="Column with the label.")


class Conversation(_Part):
    """How rows that are turns become conversations. Rows of one conversation may stand anywhere in the file."""

    by: Annotated[tuple[str, ...], BeforeValidator(lambda given: (given,) if isinstance(given, str) else given)] = (
        Field(min_length=1, description="Column, or list of columns, that tells conversations apart.")
    )
    order: str | None = Field(
        default=None,
        description="Column to sort turns by: numbers, dates and times of day as such, others as texts. Without it, "
        "and where it is equal, turns are in the order of the file.",
    )
    role: str = Field(description="Who speaks: a column, or a template over columns.")
    text: str = Field(description="What is said: a column, or a template over columns.")
    roles: Labels | None = Field(
        default=None,
        description="Roles for what the data calls them, such as `agent: assistant`; `'*'` stands for all others.",
    )
    dates: str | None = Field(
        default=None, description="How dates in `order` are written, such as '%d/%m/%Y %H:%M', where that is in doubt."
    )
    join: str | None = Field(
        default=None, description="What to put between turns of one speaker that follow each other, to make them one."
    )
    unusable: Literal["conversation", "row"] = Field(
        default="conversation",
        description="What a row that cannot be used takes with it: its whole conversation, or nothing but itself.",
    )

    @field_validator("roles")
    @classmethod
    def _known(cls, roles: dict[str, str] | None) -> dict[str, str] | None:
        for name, role in (roles or {}).items():
            if role not in ROLES:
                raise ValueError(f"{name} is mapped to {role!r}; the roles are {', '.join(ROLES)}")
        return roles


class Mapping(BaseModel):
    """How a row becomes a conversation, or several, or how several become one.

    `system`, `user` and `assistant` are a column's name or a template over columns (see Template); `system` may also
    be a fixed text. `label`, `group` and `split` are columns, `keep` columns to keep as metadata, `records` the path
    to the rows in nested JSON. `labels` says what to write for a label, in the answer, too, where that is the label; a
    key may be a range of numbers. What is None is inferred, or left out.

    In place of `user` and `assistant`, `examples` has several of each, or `conversation` says how rows are put
    together. `pack` makes one conversation of several rows, `shots` are put before each example.
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
    labels: Labels | None = Field(
        default=None,
        description="Labels to write for those in the data, such as `1-2: negative`; others stay as they are.",
    )

    conversation: Conversation | None = Field(
        default=None, description="How rows that are turns are put together to conversations."
    )
    examples: tuple[Exchange, ...] = Field(default=(), description="Several examples that each row gives.")
    shots: tuple[Shot, ...] = Field(default=(), description="Fixed turns to put before each example.")
    pack: int | None = Field(
        default=None,
        ge=2,
        description="So many rows make one conversation, where system message, group and split are the same.",
    )
    normalise: tuple[Normalisation, ...] = Field(
        default=(), description="What to normalise in texts: ftfy, nfc, line-ends, whitespace."
    )

    @property
    def complete(self) -> bool:
        """Whether it says what user and assistant say."""
        said = self.user is not None and self.assistant is not None
        return said or self.conversation is not None or bool(self.examples)

    @model_validator(mode="after")
    def _fits(self) -> Self:
        for name, given in (("conversation", self.conversation), ("examples", self.examples)):
            beside = [other for other in ("user", "assistant", "pack") if getattr(self, other) is not None]
            if name == "conversation" and self.examples:
                beside.append("examples")
            if given and beside:
                raise ValueError(f"{name} and {beside[0]} cannot both be given")
        return self


def changed(mapping: Mapping, **parts: Any) -> Mapping:
    """`mapping` with other `parts`. Raises MappingError if they do not go together."""
    try:
        return Mapping.model_validate({**mapping.model_dump(exclude_defaults=True), **parts})
    except ValidationError as error:
        raise MappingError(_said(error)) from error


def load_mapping(path: str | Path) -> Mapping:
    """The mapping in a YAML file, with the keys that Mapping has. Raises MappingError."""
    import yaml

    try:
        data = yaml.safe_load(Path(path).read_text("utf-8"))
        return Mapping.model_validate({} if data is None else data)
    except OSError as error:
        raise MappingError(f"{path} cannot be read: {error.strerror or error}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise MappingError(f"{path} is no YAML: {' '.join(str(error).split())}") from error
    except ValidationError as error:
        fault = error.errors()[0]
        place = ".".join(str(part) for part in fault["loc"])
        if fault["type"] == "extra_forbidden":
            close = get_close_matches(place, list(Mapping.model_fields), 1, 0.6)
            hint = f"; did you mean {close[0]!r}?" if close else f"; there are {', '.join(Mapping.model_fields)}"
            raise MappingError(f"{path}: a mapping has no {place!r}{hint}") from error
        raise MappingError(f"{path}: {_said(error)}") from error


def _said(error: ValidationError) -> str:
    """The first thing that is wrong with a mapping, with its place in it."""
    fault = error.errors()[0]
    place = ".".join(str(part) for part in fault["loc"])
    what = fault["msg"].removeprefix("Value error, ")
    return f"{f'{place}: ' if place else ''}{what[:1].lower()}{what[1:]}"


def mapping_yaml(mapping: Mapping, notes: Sequence[str] = ()) -> str:
    """`mapping` as a YAML file that `load_mapping` reads again, with `notes` as comments above it."""
    import yaml

    class Dumper(yaml.SafeDumper):
        """Writes texts of several lines as such."""

    def text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
        style = "|" if "\n" in value and not re.search(r"[^\S\n]\n|[^\n\x20-\ud7ff\ue000-\uffef]", value) else None
        return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)

    Dumper.add_representer(str, text)
    known = mapping.model_dump(mode="json", exclude_none=True, exclude_defaults=True)
    said = "".join(f"# {' '.join(note.split())}\n" for note in notes)
    return said + str(yaml.dump(known, Dumper=Dumper, allow_unicode=True, sort_keys=False, width=10_000))


class RowsNormaliser(Normaliser):
    """Makes examples of rows of columns, as `mapping` says."""

    mapping: Mapping


class TableNormaliser(RowsNormaliser):
    """One row to one example, as `mapping` says. The same for rows of CSV and for JSON records without messages.

    `columns` are those that the rows have, where they are known. Raises MappingError for a mapping that does not fit
    them. A row in which the user or the assistant would say nothing is no example; it gets a `missing-value` fault. A
    cell that says "null" or "N/A" says so to the model, too.
    """

    def __init__(self, mapping: Mapping, columns: Collection[str] | None = None) -> None:
        self.mapping = mapping
        if mapping.user is None or mapping.assistant is None:
            missing = "--user" if mapping.user is None else "--assistant"
            raise MappingError(f"{missing} is missing: a column or a template such as '{{{{column}}}}'")
        self._system = None if mapping.system is None else made_template("system", mapping.system, columns)
        self._user = made_template("user", mapping.user, columns)
        self._assistant = made_template("assistant", mapping.assistant, columns)
        for option, named in (("label", mapping.label), ("group", mapping.group), ("split", mapping.split)):
            if named is not None:
                check_column(option, named, columns)
        for named in mapping.keep:
            check_column("keep", named, columns)
        self._shots = shots(mapping)
        self._origins = {shift: self._origins_from(shift) for shift in (0, 1)}

    @property
    def templates(self) -> list[Template]:
        """What texts are made by."""
        return [template for template in (self._system, self._user, self._assistant) if template is not None]

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
            return unusable(record, str(error), "the row has no such column")
        except TemplateError as error:
            return unusable(record, "template", str(error))
        if not user or user.isspace():
            return unusable(record, _blank_column(self._user, row, "user"))
        if not assistant or assistant.isspace():
            return unusable(record, _blank_column(self._assistant, row, "assistant"))
        messages: list[Any] = [{"role": "user", "content": user}, {"role": "assistant", "content": assistant}]
        shift = 0
        if system and not system.isspace():
            messages.insert(0, {"role": "system", "content": system})
            shift = 1
        messages[shift:shift] = map(dict, self._shots)
        label_pointer = None
        label = None
        if mapping.label is not None:
            label = as_text(row.get(mapping.label))
            if mapping.labels is not None:
                label = mapped_label(label, mapping.labels, label)
            if self._assistant.column == mapping.label:
                label_pointer = f"/messages/{len(messages) - 1}/content"
                messages[-1]["content"] = label
        return Example(
            {"messages": messages},
            messages,
            None,
            label if label and not label.isspace() else None,
            as_text(row.get(mapping.group)) or None if mapping.group is not None else None,
            split_of(row.get(mapping.split)) if mapping.split is not None else None,
            {name: row.get(name) for name in mapping.keep} if mapping.keep else {},
            NAME,
            self._origins[shift],
            label_pointer,
        )

    def _origins_from(self, shift: int) -> dict[str, str]:
        """Which column each text is from, if it is from one alone; `shift` is how many system messages there are."""
        origins: dict[str, str] = {}
        place = shift + len(self._shots)
        templates = [(place, self._user), (place + 1, self._assistant)]
        if shift and self._system is not None:
            templates.append((0, self._system))
        for place, template in templates:
            if len(template.used) == 1:
                origins[f"/messages/{place}"] = origins[f"/messages/{place}/content"] = template.used[0]
        return origins


def made_template(option: str, text: str, columns: Collection[str] | None) -> Template:
    """The template that `option` gives. Raises MappingError if it is none, or, but for the system message, a fixed
    text."""
    try:
        template = Template(text, columns)
    except TemplateError as error:
        raise MappingError(f"{_named(option)} {text!r}: {error}") from error
    if option.rpartition(".")[2] != "system" and template.constant is not None:
        shown = f"; the columns are: {', '.join(columns)}" if columns else ""
        what = "neither a column nor a template with one in it, such as '{{column}}'"
        raise MappingError(f"{_named(option)} {text!r} is {what}{shown}")
    return template


def check_column(option: str, name: str, columns: Collection[str] | None) -> None:
    """Raise MappingError if there is no column of that name."""
    if columns is not None and name not in columns:
        try:
            Template(f"{{{{ {name} }}}}", columns)
        except TemplateError as error:
            raise MappingError(f"{_named(option)}: {error}") from error
        raise MappingError(f"{_named(option)} takes the name of a column; {name!r} is none")


def _named(option: str) -> str:
    """How to say where something was given: parts of parts have no option on the command line."""
    return option if "." in option else f"--{option}"


def _blank_column(template: Template, row: dict[str, Any], role: str) -> str:
    """The column to blame for an empty text: the first one that is empty itself."""
    return next((name for name in template.used if not as_text(row.get(name)).strip()), role)


def unusable(record: Record, column: str, reason: str = EMPTY, what: str | None = None) -> Example | None:
    """None, for a record that has become no example, with the fault that says so; `what` is the reason in a word or
    two."""
    args = {"column": column, "reason": reason} | ({} if what is None else {"what": what})
    place = column if column in record.value else None
    record.faults = (*record.faults, Fault("missing-value", args, column=place))
    return None


def shots(mapping: Mapping) -> list[dict[str, str]]:
    """The messages of the fixed turns."""
    return [{"role": role, "content": getattr(shot, role)} for shot in mapping.shots for role in ("user", "assistant")]


def split_of(value: Any) -> str | None:
    """The split that a cell names."""
    return known_as(as_text(value)) or None
