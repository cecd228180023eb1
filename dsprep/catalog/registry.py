"""Finding things by name: rules by code, name or prefix, executors by name, each imported only when needed."""

from __future__ import annotations

import difflib
import importlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from dsprep.catalog.builtin import Builtin

if TYPE_CHECKING:  # names alone do not take numpy, which a rule does
    from dsprep.model.executor import Executor
    from dsprep.model.rule import Rule

#: What a plugin package names in its metadata to be found.
ENTRY_POINT_GROUP = "dsprep.plugins"

_CODE = re.compile(r"[A-Z]{3}\d{3}\Z")


class UnknownNameError(ValueError):
    """A rule, pack, target or executor that nobody brings. The message suggests the nearest."""


class BrokenPluginError(RuntimeError):
    """An installed plugin that cannot be used. The message names it, and how to go on without it."""


@cache
def plugins() -> tuple[Any, ...]:
    """dsprep's own plugin object, then those of installed packages, in order of name.

    Raises BrokenPluginError if one cannot be imported: a rule that silently does not run is worse than no run.
    """
    found: list[Any] = [Builtin()]
    for entry in sorted(entry_points(group=ENTRY_POINT_GROUP), key=lambda entry: entry.name):
        try:
            loaded = entry.load()
            found.append(loaded() if isinstance(loaded, type) else loaded)
        except Exception as error:
            package = entry.dist.name if entry.dist else entry.value
            raise BrokenPluginError(
                f"plugin {entry.name!r} of package {package!r} cannot be loaded: {type(error).__name__}: {error}. "
                f"Repair it, or uninstall {package!r}"
            ) from error
    return tuple(found)


@cache
def rule_references() -> Mapping[str, str]:
    """Code to `module:Class` of every rule, in order of code. Raises BrokenPluginError on a code taken twice."""
    table: dict[str, str] = {}
    for plugin in plugins():
        for code, reference in getattr(plugin, "rules", dict)().items():
            if not _CODE.match(code):
                raise BrokenPluginError(
                    f"{reference!r} registers {code!r}: a code is three capital letters and three digits"
                )
            if code in table:
                raise BrokenPluginError(f"code {code} is registered by both {table[code]!r} and {reference!r}")
            table[code] = reference
    return dict(sorted(table.items()))


@cache
def rule_class(code: str) -> type[Rule[Any]]:
    """The rule with that code. Raises KeyError if there is none."""
    return cast("type[Rule[Any]]", _imported(rule_references()[code]))


def rule_names() -> dict[str, str]:
    """Name to code, without importing a rule: a rule's file is named after the rule."""
    return Rulebook().names


def find_rule(text: str) -> str:
    """The code for a code or a name, in any case. Raises UnknownNameError with a suggestion."""
    return Rulebook().find(text)


def select_codes(selectors: Iterable[str], among: Callable[[str], bool] = lambda code: True) -> list[str]:
    """See `Rulebook.select`."""
    return Rulebook().select(selectors, among)


@dataclass(frozen=True)
class Rulebook:
    """All rules of a run, by code, name and prefix: those that are installed, and `defined` ones (by code), which a
    pack makes of templates."""

    defined: Mapping[str, type[Rule[Any]]] = field(default_factory=dict)

    @property
    def codes(self) -> list[str]:
        """All codes, in order."""
        return sorted((*rule_references(), *self.defined))

    @property
    def names(self) -> dict[str, str]:
        """Name to code, without importing a rule that is installed."""
        installed = {
            reference.partition(":")[0].rpartition(".")[2].replace("_", "-"): code
            for code, reference in rule_references().items()
        }
        return installed | {kind.meta.name: code for code, kind in self.defined.items()}

    def kind(self, code: str) -> type[Rule[Any]]:
        """The rule with that code. Raises KeyError if there is none."""
        return self.defined[code] if code in self.defined else rule_class(code)

    def find(self, text: str) -> str:
        """The code for a code or a name, in any case. Raises UnknownNameError with a suggestion."""
        names = self.names
        wanted = text.strip()
        if wanted.upper() in rule_references() or wanted.upper() in self.defined:
            return wanted.upper()
        if wanted.lower() in names:
            return names[wanted.lower()]
        raise UnknownNameError(f"no rule {text!r}{_nearest_rules(wanted, names)}")

    def select(self, selectors: Iterable[str], among: Callable[[str], bool] = lambda code: True) -> list[str]:
        """The codes that `selectors` mean: codes, names, prefixes of codes (`TOK`, `TOK00`), `ALL`, or `DEFAULT` for
        all that are on by default, whoever brings them; in order of code.

        Of those that `DEFAULT` means, only such as `among` wants are looked at, as that imports them.
        """
        codes = self.codes
        chosen: set[str] = set()
        for selector in selectors:
            upper = selector.strip().upper()
            if upper == "ALL":
                chosen.update(codes)
            elif upper == "DEFAULT":
                chosen.update(code for code in codes if among(code) and self.kind(code).meta.default)
            elif re.fullmatch(r"[A-Z]{1,3}\d{0,2}", upper) and any(code.startswith(upper) for code in codes):
                chosen.update(code for code in codes if code.startswith(upper))
            else:
                chosen.add(self.find(selector))
        return sorted(chosen)


@cache
def plugin_packs() -> Mapping[str, Path]:
    """Name to file of the packs that plugins bring. Raises BrokenPluginError on a name taken twice."""
    table: dict[str, Path] = {}
    for plugin in plugins():
        for name, file in getattr(plugin, "packs", dict)().items():
            if name in table:
                raise BrokenPluginError(f"pack {name!r} is brought by both {str(table[name])!r} and {str(file)!r}")
            table[name] = Path(file)
    return table


def executor(name: str, **arguments: Any) -> Executor:
    """The executor of that name, made with `arguments`. Raises UnknownNameError."""
    table: dict[str, str] = {}
    for plugin in plugins():
        table.update(getattr(plugin, "executors", dict)())
    if name not in table:
        raise UnknownNameError(f"no executor {name!r}{suggestion(name, list(table))}")
    return cast("Executor", _imported(table[name])(**arguments))


def suggestion(wanted: str, known: Sequence[str]) -> str:
    """`; did you mean …?` for the nearest of `known`, or nothing."""
    near = difflib.get_close_matches(wanted.lower(), [name.lower() for name in known], 1, 0.6)
    original = {name.lower(): name for name in known}
    return f"; did you mean {original[near[0]]!r}?" if near else ""


def _nearest_rules(wanted: str, names: Mapping[str, str]) -> str:
    """For what looks like a code, the codes of its group: of two numbers none is nearer."""
    codes = sorted(names.values())
    code = re.fullmatch(r"([A-Za-z]{3})[-_ ]?\d*", wanted)
    group = [known for known in codes if code and known.startswith(code[1].upper())]
    if group:
        return f"; there are {', '.join(group)}" if len(group) > 1 else f"; did you mean {group[0]!r}?"
    groups = dict.fromkeys(known[:3] for known in codes)
    return suggestion(wanted, [*names, *codes, *groups]) or "; `dsprep rules` lists them"


def _imported(reference: str) -> Any:
    module, _, name = reference.partition(":")
    return getattr(importlib.import_module(module), name)
