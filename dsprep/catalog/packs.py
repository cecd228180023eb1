"""Packs: YAML files in the top-level `rules/` folder that say which rules run, with which options."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from dsprep.catalog.registry import UnknownNameError, suggestion
from dsprep.model.finding import Severity


class PackError(ValueError):
    """A pack that cannot be used. The message says which, where and why."""


class Pack(BaseModel):
    """One pack, with what it extends worked in."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    description: str = ""
    extends: tuple[str, ...] = ()
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    options: Mapping[str, Mapping[str, Any]] = Field(default_factory=dict)
    severity: Mapping[str, Severity] = Field(default_factory=dict)


@cache
def packs_folder() -> Path:
    """Where packs lie: inside the installed package, or, in a checkout, at the top of the repository.

    Raises PackError when neither is there, which means a broken installation.
    """
    package = Path(__file__).resolve().parent.parent
    for folder in (package / "_packs", package.parent / "rules"):
        if (folder / "default.yaml").is_file():
            return folder
    raise PackError(f"the rule packs are missing beside {package}; reinstall dsprep")


def pack_names() -> list[str]:
    """The packs that come with dsprep."""
    return sorted(path.stem for path in packs_folder().glob("*.yaml"))


def load_pack(name: str) -> Pack:
    """The pack of that name, or in the YAML file of that path, merged with those that it extends.

    Raises UnknownNameError or PackError.
    """
    return _loaded(name, ())


def target_texts() -> dict[str, str]:
    """Name to YAML text of every target that comes with dsprep."""
    return {path.stem: path.read_text("utf-8") for path in sorted((packs_folder() / "targets").glob("*.yaml"))}


def _loaded(name: str, path_so_far: tuple[str, ...]) -> Pack:
    if name in path_so_far:
        raise PackError(f"packs extend each other in a circle: {' -> '.join((*path_so_far, name))}")
    import yaml  # not needed to find the folder, which is all that some runs do

    file = Path(name) if name.endswith((".yaml", ".yml")) else packs_folder() / f"{name}.yaml"
    if not file.is_file():
        raise UnknownNameError(f"no pack {name!r}{suggestion(name, pack_names())}")
    try:
        data = yaml.load(file.read_text("utf-8"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506
        own = Pack.model_validate({"name": file.stem} | (data or {}))
    except (yaml.YAMLError, ValidationError, TypeError, UnicodeDecodeError) as error:
        raise PackError(f"{file}: {error}") from error
    merged: dict[str, Any] = {"select": (), "ignore": (), "options": {}, "severity": {}}
    for base in (_loaded(parent, (*path_so_far, name)) for parent in own.extends):
        _add(merged, base)
    _add(merged, own)
    return own.model_copy(update=merged)


def _add(merged: dict[str, Any], pack: Pack) -> None:
    merged["select"] = (*merged["select"], *pack.select)
    # What a later pack selects again is no longer ignored.
    merged["ignore"] = (*(code for code in merged["ignore"] if code not in pack.select), *pack.ignore)
    for rule, options in pack.options.items():
        merged["options"][rule] = {**merged["options"].get(rule, {}), **options}
    merged["severity"] = {**merged["severity"], **pack.severity}
