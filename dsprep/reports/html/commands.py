"""Commands that the HTML report offers to copy: to do something about a finding, and to make the same run again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dsprep.model.report import Report
from dsprep.reports import as_toml, command_of, decisive_settings, quoted, target_name

_DEFAULT_TARGET = "openai:gpt-3.5-turbo-0125"
#: Parts of a column mapping that are options of `prepare`; what else there is needs a file.
_MAPPED = ("system", "user", "assistant", "label", "group")


def lint_command(report: Report, *flags: str) -> str:
    """A `dsprep lint` over the inputs of the report, with `flags`, ready to paste into a shell."""
    return _shown(["dsprep", "lint", *_files(report), *_records(decisive_settings(report)), *flags, *_target(report)])


def prepare_command(report: Report, *flags: str) -> str:
    """A `dsprep prepare` over the inputs of the report, which are read as they were for it."""
    paths = [info.path for info in report.inputs]
    read = _read(decisive_settings(report))
    return _shown(["dsprep", "prepare", *paths, *read, "--out", "prepared", *flags, *_target(report)])


def same_run(report: Report) -> str:
    """The command that makes the same run again: with every setting that decides the result, whatever configuration
    files there are."""
    settings = decisive_settings(report)
    command = command_of(report)
    words = ["dsprep", command]
    words += [info.path for info in report.inputs] if command == "prepare" else _files(report)
    words.append("--isolated")
    for name in ("target", "encoding", "pack"):
        value = settings.get(name)
        if isinstance(value, str) and value not in ("", "default"):
            words += [f"--{name}", value]
    for name in ("select", "extend_select", "ignore"):
        value = settings.get(name)
        if isinstance(value, list | tuple) and value and [*value] != ["default"]:
            words += [f"--{name.replace('_', '-')}", ",".join(map(str, value))]
    # What not every command has an option for.
    for name, usual in (("seed", 0), ("max_findings", 10_000), ("fixable", None), ("unfixable", None)):
        if settings.get(name) not in (usual, None):
            words += ["--config", f"{name.replace('_', '-')}={as_toml(settings[name])}"]
    for code, level in _pairs(settings.get("severity")):
        words += ["--config", f"severity.{code}={as_toml(level)}"]
    for code, options in _pairs(settings.get("options")):
        for option, value in _pairs(options):
            if value is not None:
                words += ["--config", f"rules.{code}.{option}={as_toml(value)}"]
    if settings.get("unsafe_fixes") is True:
        words.append("--unsafe-fixes")
    if settings.get("redact"):
        words += ["--redact", str(settings["redact"])]
    if command == "prepare":
        words += _choices(settings)
    return _shown(words)


def _choices(settings: Mapping[str, Any]) -> list[str]:
    words = ["--out", "prepared"]
    for name in ("split", "dedupe"):
        if settings.get(name):
            words += [f"--{name}", str(settings[name])]
    if settings.get("keep_best") is True:
        words.append("--keep-best")
    return [*words, *_read(settings)]


def _records(settings: Mapping[str, Any]) -> list[str]:
    return ["--records", str(settings["records"])] if settings.get("records") else []


def _read(settings: Mapping[str, Any]) -> list[str]:
    """How records are found in the inputs, and columns mapped."""
    words = _records(settings)
    mapping = dict(_pairs(settings.get("mapping")))
    if mapping.keys() - {*_MAPPED, "records"}:
        words += ["--mapping", "mapping.yaml"]
    else:
        for name in _MAPPED:
            if mapping.get(name):
                words += [f"--{name}", str(mapping[name])]
    return words


def _files(report: Report) -> list[str]:
    words = []
    for info in report.inputs:
        if info.split in ("train", "validation", "test"):
            words.append(f"--{info.split}")
        words.append(info.path)
    return words


def _target(report: Report) -> list[str]:
    target = target_name(report)
    return ["--target", target] if target and target != _DEFAULT_TARGET else []


def _pairs(value: Any) -> list[tuple[str, Any]]:
    return [(str(key), item) for key, item in value.items()] if isinstance(value, Mapping) else []


def _shown(words: list[str]) -> str:
    return " ".join(map(quoted, words))
