"""What rules that a pack defines are made of: a template, which is a rule without a name, and what the pack says."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from string import Formatter
from typing import Annotated, Any, ClassVar, Final

from pydantic import AfterValidator

from dsprep.model.meta import FixAvailability, RuleMeta
from dsprep.model.rule import Rule, RuleContext, RuleOptions
from dsprep.text.linear_patterns import linear

#: As much of a text as a finding shows.
EXCERPT: Final = 80
#: What may stand behind the colon of a placeholder: thousands separated, digits behind the point, per cent.
_FORMATS: Final = ("", ",", ".0f", ".1f", ".2f", ".3f", ".0%", ".1%", ".2%")


def _usable(pattern: str) -> str:
    linear(pattern)
    return pattern


#: The type of an option that is a regular expression.
LinearRegex = Annotated[str, AfterValidator(_usable)]


def check_bounds(least: float | None, most: float | None) -> None:
    """Raise ValueError unless there is a bound, and the lower one, called `min`, is not above `max`."""
    if least is None and most is None:
        raise ValueError("give min, max or both")
    if least is not None and most is not None and least > most:
        raise ValueError(f"min ({least}) is above max ({most})")


class DefinitionError(ValueError):
    """Something that a pack says of a rule and that its template cannot take. The message says what."""


class Template(Rule[Any]):
    """A rule that lacks code, name, severity and message; `made` gives them to it.

    `message` is the message that its findings have if the definition gives none, `placeholders` what a message may
    name, with its type: the args of the findings. `does` says in a sentence what the rule looks for.
    """

    message: ClassVar[str]
    placeholders: ClassVar[Mapping[str, type]]
    #: Whether an example of a definition is a list of records rather than one.
    whole: ClassVar[bool] = False

    @classmethod
    def does(cls, options: Any) -> str:
        """What a rule with these options looks for, in a sentence."""
        raise NotImplementedError

    @classmethod
    def fixes(cls, options: Any) -> FixAvailability:
        """Whether findings come with a fix."""
        return FixAvailability.NEVER

    @classmethod
    def example(cls, options: Any, text: str) -> Any:
        """The record that an example of a definition stands for that is a text alone: the text where the rule looks.
        Raises DefinitionError if the rule looks at no text."""
        raise DefinitionError("an example of this template is a record, not a text")

    def __reduce__(self) -> tuple[Any, ...]:
        # The class was made at run time, so that pickle would not find it.
        kind = type(self)
        return _remade, (kind.__mro__[1], self.meta, kind.__doc__ or "", self.context, self.options)


@cache
def made(template: type[Template], meta: RuleMeta, documentation: str) -> type[Template]:
    """The rule that is `template` with this metadata and documentation. Equal arguments give the same class."""
    name = "".join(part.capitalize() for part in meta.name.split("-"))
    return type(name, (template,), {"meta": meta, "__doc__": documentation, "__module__": template.__module__})


def _remade(
    template: type[Template], meta: RuleMeta, documentation: str, context: RuleContext, options: RuleOptions
) -> Template:
    return made(template, meta, documentation)(context, options)


def check_message(message: str, placeholders: Mapping[str, type]) -> None:
    """Raise DefinitionError unless `message` names nothing but `placeholders`, without a way into their values:
    `{value.__class__}` and `{value:>999999999}` are refused."""
    known = ", ".join(f"{{{name}}}" for name in placeholders)
    try:
        parts = list(Formatter().parse(message))
    except ValueError as error:
        raise DefinitionError(f"{error}; write {{{{ and }}}} for braces that are no placeholder") from error
    for _, name, form, conversion in parts:
        if name is None:
            continue
        if name not in placeholders:
            raise DefinitionError(f"there is no placeholder {{{name}}}; there are {known}")
        forms = _FORMATS if placeholders[name] is not str else ("",)
        if form not in forms or conversion not in (None, "r", "s"):
            raise DefinitionError(
                f"{{{name}{'!' + conversion if conversion else ''}{':' + form if form else ''}}}: behind a placeholder "
                f"there may be !r, or, behind a number, one of {', '.join(':' + form for form in _FORMATS if form)}"
            )
    if "\n" in message or not message.strip():
        raise DefinitionError("it is one line of text")


def excerpt(text: str, start: int = 0) -> str:
    """What a finding shows of `text`: the place at `start`, with a little of what comes before it."""
    return text[max(0, start - 24) :][:EXCERPT]
