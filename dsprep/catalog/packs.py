"""Packs: YAML files that say which rules run, with which options, and that make new ones of templates.

Those of dsprep lie in the top-level `rules/` folder, those of plugins where their `packs()` say, those of users
anywhere. A pack from somebody else decides what is checked and for which target, and no more.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from dsprep.catalog.registry import Rulebook, UnknownNameError, plugin_packs, rule_references, suggestion
from dsprep.catalog.templates import (
    Definition,
    Examples,
    FixExample,
    UnfitDefinitionError,
    defined_rule,
    unfit_option,
    with_underscores,
)
from dsprep.model.finding import Severity

if TYPE_CHECKING:
    from dsprep.model.rule import Rule

#: What `table:` gives its expectations to.
_TABLE_RULE: Final = "TAB003"
_ENDINGS: Final = (".yaml", ".yml")


class PackError(ValueError):
    """A pack that cannot be used. The message says which, where and why."""


class PackFile(BaseModel):
    """A pack as its file says it."""

    model_config = ConfigDict(frozen=True, extra="forbid", title="dsprep pack")

    description: str = Field("", description="What the pack is for, in a sentence.")
    extends: tuple[str, ...] = Field(
        (), description="Packs to begin with: names, or paths of YAML files, from the folder of this one."
    )
    target: str | None = Field(
        None, description="The backend or trainer, and model, to check for, unless the user gives one."
    )
    select: tuple[str, ...] = Field((), description="Rules to run: codes, names, prefixes such as TOK, DEFAULT or ALL.")
    ignore: tuple[str, ...] = Field((), description="Rules not to run.")
    options: Mapping[str, Mapping[str, Any]] = Field(
        default_factory=dict, description="Options of rules, by name or code."
    )
    severity: Mapping[str, Severity] = Field(
        default_factory=dict, description="How bad findings are, by name or code: error, warning or info."
    )
    table: Any = Field(
        None,
        description="What to expect of the rows of tables (rule expectation-failed), in the names and arguments of "
        "Great Expectations: NAME: {column: …}, or a list of such.",
    )
    define: Mapping[str, Definition] = Field(
        default_factory=dict,
        description="New rules, made of templates, by code: three capital letters and three digits.",
    )

    @field_validator("extends", "select", "ignore", mode="before")
    @classmethod
    def _listed(cls, value: object) -> object:
        """One text stands for a list, as on the command line: `TOK`, `TOK,DUP`."""
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value


@dataclass(frozen=True)
class Pack:
    """A pack, with what it extends worked in. `defined_in` says in which file a code is defined, `said_in` in which the
    options of a rule (as named there) were said last."""

    name: str
    file: str
    description: str = ""
    target: str | None = None
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    severity: Mapping[str, Severity] = field(default_factory=dict)
    define: Mapping[str, Definition] = field(default_factory=dict)
    defined_in: Mapping[str, str] = field(default_factory=dict)
    said_in: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def book(self) -> Rulebook:
        """The rules that are installed, and those that this pack defines. Raises PackError."""
        defined: dict[str, type[Rule[Any]]] = {}
        for code, definition in self.define.items():
            try:
                defined[code] = defined_rule(code, definition, Path(self.defined_in[code]).name)
            except UnfitDefinitionError as error:
                raise PackError(f"{self.defined_in[code]}: define.{code}.{error}") from error
        return Rulebook(defined)

    @property
    def selected(self) -> tuple[str, ...]:
        """What it selects, the rules that it defines included."""
        return (*self.select, *self.define)

    def rule_options(self) -> dict[str, dict[str, Any]]:
        """The options of rules by code, as models take them: those of definitions, and what the pack says besides.

        Raises PackError if a rule does not take them.
        """
        book = self.book
        merged = {code: with_underscores(definition.options) for code, definition in self.define.items()}
        files: dict[str, str] = {}
        for name, options in self.options.items():
            code = book.find(name)
            merged[code] = {**merged.get(code, {}), **with_underscores(options)}
            files[code] = self.said_in[name]
        for code, file in files.items():
            kind = book.kind(code)
            try:
                kind.Options.model_validate(merged[code])
            except ValidationError as error:
                raise PackError(f"{file}: options: rule {kind.meta.name} {unfit_option(kind, error)}") from error
        return merged

    def as_data(self) -> dict[str, Any]:
        """All that decides on a run, as plain values."""
        return {
            "target": self.target,
            "select": self.select,
            "ignore": self.ignore,
            "options": {rule: dict(options) for rule, options in self.options.items()},
            "severity": {rule: str(severity) for rule, severity in self.severity.items()},
            "define": {code: definition.model_dump(mode="json") for code, definition in self.define.items()},
            "defined_in": dict(self.defined_in),
        }


@cache
def packs_folder() -> Path:
    """Where dsprep's own packs lie: inside the installed package, or, in a checkout, at the top of the repository.

    Raises PackError when neither is there, which means a broken installation.
    """
    package = Path(__file__).resolve().parent.parent
    for folder in (package / "_packs", package.parent / "rules"):
        if (folder / "default.yaml").is_file():
            return folder
    raise PackError(f"the rule packs are missing beside {package}; reinstall dsprep")


def pack_files() -> dict[str, Path]:
    """Name to file of the packs that are installed: dsprep's own, and those of plugins. Raises BrokenPluginError."""
    own = {path.stem: path for path in packs_folder().glob("*.yaml")}
    taken = sorted(own.keys() & plugin_packs().keys())
    if taken:
        raise PackError(f"pack {taken[0]!r} of a plugin ({plugin_packs()[taken[0]]}) has the name of one of dsprep's")
    return dict(sorted({**own, **plugin_packs()}.items()))


def pack_names() -> list[str]:
    """The packs that are installed."""
    return list(pack_files())


def own_pack(name: str) -> bool:
    """Whether that is one of dsprep's own packs."""
    return not name.endswith(_ENDINGS) and (packs_folder() / f"{name}.yaml").is_file()


def load_pack(name: str) -> Pack:
    """The pack of that name, or in the YAML file of that path, merged with those that it extends.

    Raises UnknownNameError or PackError.
    """
    return _loaded(name, None, ())


def target_texts() -> dict[str, str]:
    """Name to YAML text of every target that comes with dsprep."""
    return {path.stem: path.read_text("utf-8") for path in sorted((packs_folder() / "targets").glob("*.yaml"))}


def _loaded(name: str, base: Path | None, before: tuple[Path, ...]) -> Pack:
    """`base` is the pack that extends this one, `before` those on the way to it."""
    file = _file_of(name, base)
    if file.resolve() in before:
        names = " -> ".join(path.name for path in (*before, file))
        raise PackError(f"{base}: packs extend each other in a circle: {names}")
    own = _read(file)
    shown = str(file)
    merged = _Merged()
    for parent in own.extends:
        merged.add(_loaded(parent, file, (*before, file.resolve())))
    merged.take(own, shown)
    pack = merged.pack(file.stem, shown, own.description)
    _check_names(pack, own, shown)
    return pack


def _file_of(name: str, base: Path | None) -> Path:
    if name.endswith(_ENDINGS):
        file = Path(name) if base is None else base.parent / name
        if not file.is_file():
            where = f"{base}: extends: " if base is not None else ""
            raise PackError(f"{where}{file}: there is no such pack")
        return file
    # Those of plugins are only asked for what is none of dsprep's, as that takes time.
    own = packs_folder() / f"{name}.yaml"
    if re.fullmatch(r"[\w-]+", name) and own.is_file():
        return own
    known = pack_files()
    if name not in known:
        where = f"{base}: extends: " if base is not None else ""
        hint = suggestion(name, list(known)) or f"; there are {', '.join(known)}, and files that end in .yaml"
        raise UnknownNameError(f"{where}no pack {name!r}{hint}")
    return known[name]


def _read(file: Path) -> PackFile:
    import yaml  # not needed to find the folder, which is all that some runs do

    try:
        text = file.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise PackError(f"{file}: not UTF-8, at byte {error.start}") from error
    try:
        data = yaml.load(text, Loader=_loader())  # noqa: S506 - a safe one
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark is not None else ""
        reason = getattr(error, "problem", None) or str(error).splitlines()[0]
        raise PackError(f"{file}{line}: not YAML: {reason}") from error
    except RecursionError as error:
        raise PackError(f"{file}: nested too deeply") from error
    if data is None:
        data = {}
    if not isinstance(data, dict):
        raise PackError(f"{file}: a pack is a mapping of keys such as select and options")
    try:
        return PackFile.model_validate(data)
    except ValidationError as error:
        raise PackError(_explained(error, str(file))) from error


@cache
def _loader() -> type[Any]:
    """A safe loader that refuses a key given twice, of which YAML's own keeps the last without a word."""
    import yaml

    class Strict(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
        def construct_mapping(self, node: Any, deep: bool = False) -> Any:
            seen: set[str] = set()
            for key, _ in node.value:
                if isinstance(key, yaml.ScalarNode) and key.tag != "tag:yaml.org,2002:merge":
                    if key.value in seen:
                        raise yaml.constructor.ConstructorError(
                            None, None, f"the key {key.value!r} is given twice", key.start_mark
                        )
                    seen.add(key.value)
            return super().construct_mapping(node, deep)

    return Strict


def _explained(error: ValidationError, file: str) -> str:
    """The first fault of a pack in a sentence, with a suggestion for an unknown key."""
    # A key that is misspelt is missing as well.
    fault = min(error.errors(), key=lambda fault: fault["type"] != "extra_forbidden")
    place = [str(part) for part in fault["loc"]]
    if fault["type"] == "extra_forbidden":
        known = _keys_at(place[:-1])
        hint = suggestion(place[-1], known) or f"; there are {', '.join(known)}"
        within = f"{'.'.join(place[:-1])}: " if place[:-1] else ""
        return f"{file}: {within}unknown key {place[-1]!r}{hint}"
    if fault["type"] == "missing":
        return f"{file}: {'.'.join(place[:-1])}: {place[-1]!r} is missing"
    given = repr(fault["input"])
    message = fault["msg"][:1].lower() + fault["msg"][1:]
    if fault["type"] == "string_pattern_mismatch":
        message = "small letters and digits, with hyphens between words"
    return f"{file}: {'.'.join(place)}: {message} (got {given if len(given) <= 80 else given[:79] + '…'})"


def _keys_at(place: list[str]) -> list[str]:
    """The keys that there may be at a place in a pack."""
    model: type[BaseModel] = PackFile
    if place[:1] == ["define"]:
        model = Definition if len(place) == 2 else Examples if len(place) == 3 else FixExample
    return [field.alias or name for name, field in model.model_fields.items()]


class _Merged:
    """Packs worked into one, the later ones over the earlier ones."""

    def __init__(self) -> None:
        self.target: str | None = None
        self.select: tuple[str, ...] = ()
        self.ignore: tuple[str, ...] = ()
        self.options: dict[str, dict[str, Any]] = {}
        self.severity: dict[str, Severity] = {}
        self.define: dict[str, Definition] = {}
        self.defined_in: dict[str, str] = {}
        self.said_in: dict[str, str] = {}

    def add(self, pack: Pack) -> None:
        """Work in a pack that is whole."""
        for code, definition in pack.define.items():
            if code in self.define and self.define[code] != definition:
                raise PackError(
                    f"{pack.defined_in[code]}: define.{code}: {self.defined_in[code]} defines {code}, too; "
                    "a rule has one definition"
                )
        self.define.update(pack.define)
        self.defined_in.update(pack.defined_in)
        self.said_in.update(pack.said_in)
        self._work_in(pack)

    def take(self, own: PackFile, file: str) -> None:
        """Work in what a file says itself."""
        for code, definition in own.define.items():
            if code in self.define:
                raise PackError(
                    f"{file}: define.{code}: {self.defined_in[code]}, which this pack extends, defines {code}, too; "
                    "take another code, or change that rule under options and severity"
                )
            self.define[code] = definition
            self.defined_in[code] = file
        self.said_in.update(dict.fromkeys(own.options, file))
        self._work_in(own)
        if own.table:
            kept = self.options.get(_TABLE_RULE, {})
            before = kept.get("expectations", ())
            self.options[_TABLE_RULE] = {**kept, "expectations": (*_as_list(before), *_as_list(own.table))}
            self.said_in[_TABLE_RULE] = file
            self.select = (*self.select, _TABLE_RULE)

    def pack(self, name: str, file: str, description: str) -> Pack:
        return Pack(
            name,
            file,
            description,
            self.target,
            self.select,
            self.ignore,
            self.options,
            self.severity,
            self.define,
            self.defined_in,
            self.said_in,
        )

    def _work_in(self, pack: Pack | PackFile) -> None:
        self.target = pack.target or self.target
        self.select = (*self.select, *pack.select)
        # What a later pack selects again is no longer ignored.
        self.ignore = (*(code for code in self.ignore if code not in pack.select), *pack.ignore)
        for rule, options in pack.options.items():
            self.options[rule] = {**self.options.get(rule, {}), **options}
        self.severity = {**self.severity, **pack.severity}


def _as_list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]


def _check_names(pack: Pack, own: PackFile, file: str) -> None:
    """Raise PackError for a code that cannot be one, or that is taken, and for a rule that nobody brings."""
    installed = Rulebook().names
    names = {definition.name: code for code, definition in pack.define.items()}
    for code, definition in own.define.items():
        place = f"{file}: define.{code}"
        if not re.fullmatch(r"[A-Z]{3}\d{3}", code):
            raise PackError(f"{place}: a code is three capital letters and three digits, such as ACM001")
        if code in rule_references():
            taken = next(name for name, known in installed.items() if known == code)
            raise PackError(f"{place}: that code is taken by the rule {taken}")
        if definition.name in installed or names[definition.name] != code:
            other = installed.get(definition.name) or names[definition.name]
            raise PackError(f"{place}.name: {definition.name!r} is taken by {other}")
    for key, rules in (
        ("select", own.select),
        ("ignore", own.ignore),
        ("options", tuple(own.options)),
        ("severity", tuple(own.severity)),
    ):
        for rule in rules:
            try:
                _named(rule, pack, names, prefixes=key in ("select", "ignore"))
            except UnknownNameError as error:
                raise PackError(f"{file}: {key}: {error}") from error


def _named(rule: str, pack: Pack, names: Mapping[str, str], *, prefixes: bool) -> None:
    """Raise UnknownNameError if there is no such rule. What the pack defines is looked at by name alone, so that no
    template need be imported."""
    if rule.strip().upper() in pack.define or rule.strip().lower() in names:
        return
    if prefixes:
        upper = rule.strip().upper()
        if upper == "ALL" or upper == "DEFAULT" or any(code.startswith(upper) for code in pack.define):
            return
        Rulebook().select([rule], lambda code: False)
        return
    try:
        Rulebook().find(rule)
    except UnknownNameError as error:
        near = suggestion(rule, [*names, *pack.define])
        raise UnknownNameError(f"no rule {rule!r}{near}") if near else error from None


# --- schema -----------------------------------------------------------------------------------------------------------


def pack_schema(codes: Iterator[str] | None = None) -> dict[str, Any]:
    """The JSON Schema of packs, for editors: with the templates, their options, and those of all rules (or of those
    with `codes`)."""
    from dsprep.catalog.registry import rule_class
    from dsprep.catalog.templates import TEMPLATES, template_class

    schema = PackFile.model_json_schema(by_alias=True)
    kinds = [rule_class(code) for code in (rule_references() if codes is None else codes)]
    defs: dict[str, Any] = schema["$defs"]
    for kind in kinds:
        defs[f"options-{kind.meta.name}"] = _options_schema(kind, kind.meta.summary)
    properties = schema["properties"]
    # A rule that this schema does not know may be of a plugin, or one that the pack defines.
    for key in ("options", "severity"):
        properties[key]["properties"] = {
            name: {"$ref": f"#/$defs/options-{kind.meta.name}"} if key == "options" else {"$ref": "#/$defs/Severity"}
            for kind in kinds
            for name in (kind.meta.name, kind.meta.code)
        }
    for key in ("extends", "select", "ignore"):
        properties[key] = {
            "description": properties[key]["description"],
            "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}],
        }
    listed = ["DEFAULT", "ALL", *(name for kind in kinds for name in (kind.meta.code, kind.meta.name))]
    for key in ("select", "ignore"):
        properties[key]["anyOf"][1]["items"]["examples"] = listed
    properties["define"]["propertyNames"] = {"pattern": "^[A-Z]{3}[0-9]{3}$"}
    definition = defs["Definition"]
    definition["allOf"] = []
    for name in TEMPLATES:
        template = template_class(name)
        defs[f"template-{name}"] = _options_schema(template, (template.__doc__ or "").partition("\n")[0])
        definition["allOf"].append(
            {
                "if": {"properties": {"template": {"const": name}}},
                "then": {"properties": {"options": {"$ref": f"#/$defs/template-{name}"}}},
            }
        )
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def _options_schema(kind: Any, description: str) -> dict[str, Any]:
    """The options of a rule or template, under the names that they have in files, whole."""
    schema: dict[str, Any] = kind.Options.model_json_schema(by_alias=True)
    inner = schema.pop("$defs", {})
    properties = schema.get("properties", {})
    schema["properties"] = {name.replace("_", "-"): value for name, value in properties.items()}
    schema["required"] = [name.replace("_", "-") for name in schema.get("required", ())]
    if not schema["required"]:
        del schema["required"]
    schema.pop("title", None)
    schema["description"] = description
    return _inlined(schema, inner)  # type: ignore[no-any-return]


def _inlined(value: Any, definitions: Mapping[str, Any]) -> Any:
    """`value` with references to `definitions` put in their places."""
    if isinstance(value, dict):
        reference = value.get("$ref")
        if isinstance(reference, str) and reference.startswith("#/$defs/"):
            return _inlined(definitions[reference.removeprefix("#/$defs/")], definitions)
        return {key: _inlined(item, definitions) for key, item in value.items()}
    return [_inlined(item, definitions) for item in value] if isinstance(value, list) else value
