"""Targets from their YAML texts: which backend, which of its models, and what to say when there is no such one."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import yaml
from pydantic import ValidationError

from dsprep.model.target import Model, Target

#: What joins a target and a model: `openai:gpt-4o-mini`.
SEPARATOR = ":"


class UnknownTarget(ValueError):  # noqa: N818 - the name says what is wrong, as the message does
    """No target, or no model of a target, has the name that was given. `suggestions` are close names, best first."""

    def __init__(self, name: str, suggestions: Iterable[str], known: Iterable[str]) -> None:
        self.name = name
        self.suggestions = tuple(suggestions)
        if self.suggestions:
            rest = f"did you mean {' or '.join(self.suggestions)}?"
        else:
            rest = f"there are: {', '.join(known)}"
        super().__init__(f"no target is called {name!r}; {rest}")


class InvalidTarget(ValueError):  # noqa: N818
    """The text of a target is not one. The message says which, where and why."""


class ListedModel(Model):
    """A model as a target's text lists it. `aliases` are other names of the same model, such as its dated snapshot."""

    aliases: tuple[str, ...] = ()


def load_target(name: str, texts: Mapping[str, str]) -> Target:
    """The target called `name`: `openai` (with its default model) or `openai:gpt-4o-mini`.

    `texts` maps the names of targets to their YAML texts; only the one needed is parsed. Case does not matter. Raises
    UnknownTarget if there is no such target or model, InvalidTarget if its text is not one.
    """
    target, separator, model = name.strip().partition(SEPARATOR)
    target, model = target.strip().casefold(), model.strip().casefold()
    if target not in texts or (separator and not model):
        raise _unknown(name, texts)
    fields, models, default = _parsed(target, texts[target])
    if not models:
        if model:
            raise _unknown(name, texts)
        return _target(target, {"name": target, **fields})
    chosen = _chosen(model or default, models)
    if chosen is None:
        raise _unknown(name, texts)
    return _modelled(target, fields, model or chosen, models[chosen])


def all_targets(texts: Mapping[str, str]) -> list[Target]:
    """Every target, in order of name; of one with models each of them, in the listed order, aliases left out.

    Raises InvalidTarget if one of the texts is not a target.
    """
    out = []
    for target in sorted(texts):
        fields, models, _ = _parsed(target, texts[target])
        if models:
            out += [_modelled(target, fields, model, models[model]) for model in models]
        else:
            out.append(_target(target, {"name": target, **fields}))
    return out


def target_names(texts: Mapping[str, str]) -> list[str]:
    """Every name that `load_target` takes, aliases left out: each target, followed by its models in the listed order.

    Raises InvalidTarget if one of the texts is not a target.
    """
    return list(_names(texts, aliases=False))


def _names(texts: Mapping[str, str], *, aliases: bool) -> Iterator[str]:
    for target in sorted(texts):
        yield target
        _, models, _ = _parsed(target, texts[target])
        for model, listed in models.items():
            yield f"{target}{SEPARATOR}{model}"
            if aliases:
                yield from (f"{target}{SEPARATOR}{alias}" for alias in listed.aliases)


def _chosen(model: str, models: Mapping[str, ListedModel]) -> str | None:
    if model in models:
        return model
    return next((name for name, listed in models.items() if model in listed.aliases), None)


def _parsed(target: str, text: str) -> tuple[dict[str, Any], dict[str, ListedModel], str]:
    """The members of the text that are Target's own, its models, and the name of the default one."""
    try:
        value = yaml.load(text, Loader=yaml.CSafeLoader)
    except yaml.YAMLError as error:
        raise InvalidTarget(f"target {target}: not YAML: {error}") from error
    if not isinstance(value, dict):
        raise InvalidTarget(f"target {target}: the text must be a mapping")
    fields = {str(key): item for key, item in value.items()}
    listed = fields.pop("models", None) or {}
    default = fields.pop("default_model", "")
    if not isinstance(listed, dict):
        raise InvalidTarget(f"target {target}: models must be a mapping")
    try:
        models = {str(name): ListedModel.model_validate(item) for name, item in listed.items()}
    except ValidationError as error:
        raise InvalidTarget(f"target {target}: models: {_reason(error)}") from error
    if models and default not in models:
        raise InvalidTarget(f"target {target}: default_model must be one of {', '.join(models)}")
    return fields, models, str(default)


def _target(target: str, fields: Mapping[str, Any]) -> Target:
    try:
        return Target.model_validate(fields)
    except ValidationError as error:
        raise InvalidTarget(f"target {target}: {_reason(error)}") from error


def _modelled(target: str, fields: Mapping[str, Any], name: str, listed: ListedModel) -> Target:
    """The target with one of its models, by the name that it was asked for."""
    own = {"encoding": listed.encoding, "max_tokens": listed.max_tokens, "price": listed.price}
    return _target(target, {**fields, "name": f"{target}{SEPARATOR}{name}", **own})


def _reason(error: ValidationError) -> str:
    """The first complaint, on one line."""
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"])
    return f"{place}: {first['msg']}" if place else str(first["msg"])


def _unknown(name: str, texts: Mapping[str, str]) -> UnknownTarget:
    """The error for `name`. A model's name alone is looked up among the models of every target."""
    wanted = name.strip().casefold()
    known = list(_names(texts, aliases=True))
    alone = [full for full in known if full.partition(SEPARATOR)[2] == wanted]
    if alone:
        return UnknownTarget(name, alone[:3], known)
    target, separator, _ = wanted.partition(SEPARATOR)
    pool = [full for full in known if not separator or full.startswith(f"{target}{SEPARATOR}")] or known
    return UnknownTarget(name, difflib.get_close_matches(wanted, pool, n=3, cutoff=0.6), pool)
