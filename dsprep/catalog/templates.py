"""Rules that packs define: which templates there are, and what makes a rule of one."""

from __future__ import annotations

import importlib
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, cast

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from dsprep.catalog.registry import suggestion
from dsprep.model.finding import Severity
from dsprep.model.meta import RuleMeta

if TYPE_CHECKING:  # a template is a rule, which takes numpy
    from dsprep.folds.templates import Template

#: Name to `module:Class`.
TEMPLATES: Final[Mapping[str, str]] = {
    "pattern": "dsprep.rules.templates.pattern:PatternTemplate",
    "length": "dsprep.rules.templates.length:LengthTemplate",
    "allowed-values": "dsprep.rules.templates.allowed_values:AllowedValuesTemplate",
    "required-field": "dsprep.rules.templates.required_field:RequiredFieldTemplate",
    "json-schema": "dsprep.rules.templates.json_schema:JsonSchemaTemplate",
    "ratio": "dsprep.rules.templates.ratio:RatioTemplate",
    "expectation": "dsprep.rules.templates.expectation:ExpectationTemplate",
}


class UnfitDefinitionError(ValueError):
    """Something in a definition that its template does not take. The message begins with the key."""


class FixExample(BaseModel):
    """What a fix makes of a record."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    before: Any = Field(description="A record, or a text in the place that the rule looks at.")
    after: Any = Field(description="What the fix makes of it.")


class Examples(BaseModel):
    """What the rule takes and what it does not: its tests."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    passing: tuple[Any, ...] = Field(
        (),
        alias="pass",
        description="Records in which the rule finds nothing; a text stands for a record with it where the rule looks. "
        "Of the template ratio, lists of such.",
    )
    failing: tuple[Any, ...] = Field((), alias="fail", description="The same for records in which it finds something.")
    fix: tuple[FixExample, ...] = Field((), description="What the fix makes of records, if there is one.")


class Definition(BaseModel):
    """A rule that a pack makes of a template."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(
        pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$",
        description="What the fault is called, in small letters with hyphens, such as competitor-named.",
    )
    template: str = Field(description="What the rule is made of.", json_schema_extra={"enum": list(TEMPLATES)})
    options: Mapping[str, Any] = Field(default_factory=dict, description="The options of the template.")
    severity: Severity = Field(Severity.WARNING, description="How bad it is.")
    summary: str = Field(description="What the rule finds, in a few words, for lists.")
    message: str | None = Field(
        None, description="What a finding says, with placeholders such as {match} (default: that of the template)."
    )
    why: str = Field("", description="Why it matters, for the rule's page.")
    source: str = Field("", description="Where the demand comes from, for the rule's page.")
    examples: Examples = Field(
        default_factory=lambda: Examples.model_validate({}), description="The tests of the rule."
    )


def template_class(name: str) -> type[Template]:
    """The template of that name. Raises UnfitDefinitionError with a suggestion."""
    if name not in TEMPLATES:
        hint = suggestion(name, list(TEMPLATES)) or f"; there are {', '.join(TEMPLATES)}"
        raise UnfitDefinitionError(f"template: there is no template {name!r}{hint}")
    module, _, kind = TEMPLATES[name].partition(":")
    return cast("type[Template]", getattr(importlib.import_module(module), kind))


def option_key(name: str, alias: str | None) -> str:
    """What an option is called in files."""
    return alias or name.replace("_", "-")


def with_underscores(options: Mapping[str, Any]) -> dict[str, Any]:
    """Options as files name them, as models take them."""
    return {key.replace("-", "_"): value for key, value in options.items()}


def unfit_option(kind: Any, error: ValidationError) -> str:
    """What is wrong with options of the rule, or template, `kind`: `near-duplicate has no option 'x'; …`."""
    # An option that is misspelt may be missing as well.
    fault = min(error.errors(), key=lambda fault: fault["type"] != "extra_forbidden")
    known = [option_key(name, field.alias) for name, field in kind.Options.model_fields.items()]
    name = str(fault["loc"][0]) if fault["loc"] else ""
    if fault["type"] == "extra_forbidden":
        shown = name.replace("_", "-")
        hint = suggestion(shown, known)
        if not hint and known:
            hint = f"; its options are {', '.join(known)}"
        return f"has no option {shown!r}{hint or '; it has none at all'}"
    message = fault["msg"].removeprefix("Value error, ")
    message = message[:1].lower() + message[1:] if fault["type"] != "value_error" else message
    if not name:
        return message
    if fault["type"] == "missing":
        return f"option {name.replace('_', '-')!r} is missing"
    given = repr(fault["input"])
    shown = "" if fault["type"] == "value_error" else f" (got {given if len(given) <= 80 else given[:79] + '…'})"
    return f"option {name.replace('_', '-')!r}: {message}{shown}"


def defined_rule(code: str, definition: Definition, file: str) -> type[Template]:
    """The rule with that code that the pack in `file` defines. Raises UnfitDefinitionError."""
    from dsprep.folds.templates import DefinitionError, check_message, made

    template = template_class(definition.template)
    try:
        options = template.Options.model_validate(with_underscores(definition.options))
    except ValidationError as error:
        raise UnfitDefinitionError(
            f"options: template {definition.template} {unfit_option(template, error)}"
        ) from error
    message = definition.message or template.message
    try:
        check_message(message, template.placeholders)
    except DefinitionError as error:
        raise UnfitDefinitionError(f"message: {error}") from error
    meta = RuleMeta(
        code=code,
        name=definition.name,
        severity=definition.severity,
        message=message,
        summary=definition.summary,
        fix=template.fixes(options),
        since="",
    )
    return made(template, meta, _documentation(definition, template, options, file))


def _documentation(definition: Definition, template: type[Template], options: Any, file: str) -> str:
    """The page of the rule, in the sections that all rules have."""
    summary = definition.summary.strip().rstrip(".")
    fix = {
        "never": "None.",
        "sometimes": f"{str(getattr(options, 'fix', 'unsafe')).capitalize()}: puts "
        f"`{getattr(options, 'replace', '')}` in its place, unless nothing else would be left of the text.",
        "always": "",
    }[template.fixes(options)]
    sections = {
        "What it does": template.does(options),
        "Why it matters": definition.why.strip() or "The pack does not say.",
        "Example": _example(definition),
        "Fix": fix,
        "Source": definition.source.strip() or f"Defined in {file}, from the template `{definition.template}`.",
    }
    body = "\n\n".join(f"## {title}\n{text}" for title, text in sections.items())
    return f"{summary[:1].upper()}{summary[1:]}.\n\n{body}"


def _example(definition: Definition) -> str:
    if not definition.examples.failing:
        return "The pack gives none."
    shown = json.dumps(definition.examples.failing[0], ensure_ascii=False, default=str)
    shown = shown if len(shown) <= 1_000 else f"{shown[:999]}…"
    return f"```json\n{shown}\n```"


def records_of(definition: Definition, template: type[Template], example: Any) -> list[Any]:
    """The records that an example of a definition stands for. Raises UnfitDefinitionError."""
    from dsprep.folds.templates import DefinitionError

    options = template.Options.model_validate(with_underscores(definition.options))
    items: Sequence[Any] = [example]
    if template.whole:
        if not isinstance(example, list | tuple):
            raise UnfitDefinitionError(
                f"examples: an example of the template {definition.template} is a list of records or texts"
            )
        items = example
    try:
        return [template.example(options, item) if isinstance(item, str) else item for item in items]
    except DefinitionError as error:
        raise UnfitDefinitionError(f"examples: {error}") from error
