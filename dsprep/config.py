"""Settings: what a run may be told, where it may be said, and which saying wins.

Flags win over `--config key=value`, that over a configuration file, that over the defaults here. The file is the
nearest `dsprep.toml`, or `pyproject.toml` with a `[tool.dsprep]` table, from the working directory upwards.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ByteSize, ConfigDict, Field, SecretStr, ValidationError, field_validator

from dsprep.catalog.registry import suggestion
from dsprep.model.finding import Severity
from dsprep.model.target import Price

#: The folder of the cache, and the environment variable that says where else it is.
CACHE_FOLDER = ".dsprep_cache"
CACHE_VARIABLE = "DSPREP_CACHE_DIR"

#: What is put behind the name of a file for the suppressions that belong to it.
SIDECAR = ".dsprep.yaml"

#: Settings that name what is written to, and where else than in a file they can be given.
_WRITTEN = {
    "cache-dir": f"--cache-dir, or in {CACHE_VARIABLE}",
    "baseline": "--baseline",
    "ledger": "--ledger",
}
#: The environment variable that holds the secret which pseudonyms are made from, and how long that is at least: who has
#: the data can try out secrets.
REDACT_KEY_VARIABLE = "DSPREP_REDACT_KEY"
REDACT_KEY_LENGTH = 16

#: How what is found can be said: for people, then for machines.
FORMATS = ("full", "concise", "markdown", "json", "jsonl", "sarif", "github", "gitlab", "junit")
#: Of these, those by which findings are known again, so that what their rows say has to be known.
_BY_CONTENT = frozenset({"sarif", "gitlab", "json", "jsonl"})


@dataclass(frozen=True)
class Output:
    """A format, and the file that it goes to (None: standard output)."""

    format: str
    file: Path | None = None


def outputs_from(texts: Iterable[str]) -> tuple[Output, ...]:
    """What `FORMAT` and `FORMAT=FILE` mean. Raises ValueError with a sentence: an unknown format, two for standard
    output, or two for one file.

    Only `github` may go to standard output beside another one, since it speaks to the runner, which reads standard
    error as well.
    """
    outputs = []
    for text in texts:
        name, given, file = text.partition("=")
        name = name.strip().lower()
        if name not in FORMATS:
            hint = suggestion(name, FORMATS) or f"; there are {', '.join(FORMATS)}"
            raise ValueError(f"no output format {name!r}{hint}")
        if given and not file.strip():
            raise ValueError(f"{text!r} names no file; write {name}=FILE, or {name} alone for standard output")
        outputs.append(Output(name, Path(file.strip()) if given else None))
    outputs = list(dict.fromkeys(outputs))
    printed = [output.format for output in outputs if output.file is None and output.format != "github"]
    if len(printed) > 1:
        raise ValueError(
            f"{' and '.join(printed)} cannot both go to standard output; give all but one a file, as in "
            f"{printed[-1]}=FILE"
        )
    files = [os.path.realpath(output.file) for output in outputs if output.file is not None]
    for file in files:
        if files.count(file) > 1:
            raise ValueError(f"two formats go to the one file {os.path.basename(file)!r}")
    return tuple(outputs)


class ConfigError(ValueError):
    """Settings that cannot be used. The message says which key, in which file, and what would be right."""


def _kebab(name: str) -> str:
    return name.replace("_", "-")


class CardSettings(BaseModel):
    """What the publisher says of a data set, for its card. Nothing of it is invented where it is not said."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=_kebab, populate_by_name=True)

    write: bool = Field(default=True, description="Whether `prepare` writes a card.")
    name: str | None = Field(default=None, description="What the data set is called (default: as its file).")
    description: str | None = Field(default=None, description="What it is, in Markdown.")
    license: str | None = Field(
        default=None,
        description="Its licence: an identifier such as `cc-by-4.0`, another name, or the URL of the text.",
    )
    creator: str | None = Field(default=None, description="Who made it.")
    url: str | None = Field(default=None, description="The page that it is published on.")
    published: date | None = Field(default=None, description="The date of publication.")
    version: str | None = Field(default=None, description="Its version, such as `1.0.0`.")

    @field_validator("name", "description", "license", "creator")
    @classmethod
    def _says_something(cls, value: str | None) -> str | None:
        if value is not None and not value.strip():
            raise ValueError("there is nothing in it; leave it out if it is not known")
        return value

    @field_validator("url")
    @classmethod
    def _is_address(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"https?://\S+", value):
            raise ValueError("an address begins with http:// or https://")
        return value

    @field_validator("version")
    @classmethod
    def _has_three_parts(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"\d+\.\d+\.\d+([-+][0-9A-Za-z.+-]+)?", value):
            raise ValueError("a version has three parts, such as 1.0.0")
        return value


class Settings(BaseModel):
    """All settings of a run. In files the keys are written with hyphens (`fail-on`)."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=_kebab, populate_by_name=True)

    pack: str = Field(
        "default",
        description="The rule pack to start from: a name, or a path to a YAML file, in a file seen from its folder.",
    )
    select: tuple[str, ...] | None = Field(
        None, description="Rules to run instead of the pack's: codes, names, prefixes such as TOK, DEFAULT or ALL."
    )
    extend_select: tuple[str, ...] = Field((), description="Rules to run besides those selected.")
    ignore: tuple[str, ...] = Field((), description="Rules not to run.")
    fixable: tuple[str, ...] | None = Field(None, description="Rules whose fixes may be applied (default: all).")
    unfixable: tuple[str, ...] = Field((), description="Rules whose fixes are never applied.")
    target: str = Field(
        "openai:gpt-3.5-turbo-0125", description="The fine-tuning backend and model that will read the data."
    )
    encoding: str | None = Field(None, description="The token encoding, such as o200k_base (default: the target's).")
    fail_on: Literal["error", "warning", "info", "never"] = Field(
        "error", description="The least severity that makes the exit code 1."
    )
    max_warnings: int | None = Field(
        None, ge=0, description="More warnings than this make the exit code of `lint` 1 (default: any number will do)."
    )
    output_format: str | tuple[str, ...] = Field(
        "full",
        description=f"How findings are printed: {', '.join(FORMATS)}. `FORMAT=FILE` writes them to a file besides; "
        "several are a list. A configuration file can name only files below its own folder.",
    )
    max_findings: int = Field(10_000, ge=1, description="How many findings of one rule are listed; all are counted.")
    seed: int = Field(0, ge=0, description="Decides splits and whatever else is drawn.")
    workers: int | None = Field(None, ge=1, description="Processes to use (default: all cores).")
    memory_limit: ByteSize = Field(
        ByteSize(2_000_000_000),
        gt=0,
        description="How much of what is kept of all rows (keys and signatures, some 300 bytes each) stays in memory, "
        "such as `500MB`; the rest goes to a temporary file.",
    )
    executor: str | None = Field(
        None, description="What runs the work: serial, processes or ray (default: processes; serial for one worker)."
    )
    address: str | None = Field(
        None,
        description="The Ray cluster to use, such as `auto` or `head:6379` (default: this machine). It is not taken "
        "from files.",
    )
    cache: bool | None = Field(
        None,
        description="Whether what was worked out is kept for the next run (default: on the command line yes, by the "
        "Python functions no).",
    )
    cache_dir: Path | None = Field(
        None,
        description="The folder to keep it in (default: `.dsprep_cache` beside the configuration file, else in the "
        "working directory). A file can name only a folder below its own.",
    )
    cache_size: ByteSize = Field(
        ByteSize(1_000_000_000),
        gt=0,
        description="How much is kept, such as `500MB`; what was not used for longest goes first.",
    )
    unsafe_fixes: bool = Field(False, description="Whether fixes that drop rows or change meaning may be applied.")
    redact: Literal["label", "pseudonym"] = Field(
        "label",
        description="What fixes put in place of personal data: a label such as `[EMAIL]`, or a pseudonym that is "
        "nobody's, the same one for the same person's data.",
    )
    redact_key: SecretStr | None = Field(
        None,
        description="The secret that pseudonyms are made from. It is not taken from files; put it into "
        f"`{REDACT_KEY_VARIABLE}`.",
    )
    card: CardSettings | None = Field(
        None,
        description="What the [dataset card](card.md) of `prepare` says: a table with the keys `write`, `name`, "
        "`description`, `license`, `creator`, `url`, `published` and `version`.",
    )
    price: Price | None = Field(
        None,
        description="What training costs, where that is not the price that dsprep knows: a table with the keys "
        "`usd_per_million_tokens`, `source` and `as_of`, a date.",
    )
    records: str | None = Field(
        None,
        description="Where the records are: in nested JSON `questions[]`, in a workbook a sheet, in a database a table "
        "or query, in pages sections, questions or chunks:512, in a chat `assistant=NAME`.",
    )
    rules: Mapping[str, Mapping[str, Any]] = Field(
        default_factory=dict, description="Options of rules, by rule name or code."
    )
    severity: Mapping[str, Severity] = Field(
        default_factory=dict, description="Severities that differ from the catalogue, by rule name or code."
    )

    per_path_ignores: Mapping[str, tuple[str, ...]] = Field(
        default_factory=dict,
        description="Rules that say nothing of some files: by a pattern of paths such as `raw/*.jsonl`, seen from the "
        "folder of the file that says it (without a slash: files of that name in any folder).",
    )
    baseline: Path | None = Field(
        None,
        description="A file of findings that are known and do not count in `lint` (see `--write-baseline`). A file can "
        "name only one below its own folder.",
    )
    compare: Path | None = Field(
        None,
        description="The JSON report of an earlier run, or a folder that `prepare` has written: `lint` and `prepare` "
        "say what has changed since. In a file the path is seen from its folder.",
    )
    ledger: Path | None = Field(
        None,
        description="The one ledger for all that `lint --fix` changes (default: `NAME.changes` beside each file). A "
        "file can name only one below its own folder.",
    )

    @field_validator("select", "extend_select", "ignore", "fixable", "unfixable", mode="before")
    @classmethod
    def _listed(cls, value: object) -> object:
        """One text stands for a list, as on the command line: `TOK`, `TOK,DUP`."""
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("output_format")
    @classmethod
    def _known(cls, value: str | tuple[str, ...]) -> str | tuple[str, ...]:
        outputs_from((value,) if isinstance(value, str) else value)
        return value

    @field_validator("redact_key")
    @classmethod
    def _long(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and len(value) < REDACT_KEY_LENGTH:
            raise ValueError(f"a secret has {REDACT_KEY_LENGTH} characters or more, and this one has {len(value)}")
        return value

    @property
    def outputs(self) -> tuple[Output, ...]:
        """`output_format`, read. Something always goes to standard output: by default, `full`."""
        value = self.output_format
        found = outputs_from((value,) if isinstance(value, str) else value)
        return found if any(output.file is None for output in found) else (Output("full"), *found)

    @property
    def by_content(self) -> bool:
        """Whether it needs to be known what the rows say that findings are about."""
        return self.compare is not None or any(output.format in _BY_CONTENT for output in self.outputs)

    @property
    def threshold(self) -> Severity | None:
        """`fail_on` as a severity; None for never."""
        return None if self.fail_on == "never" else Severity(self.fail_on)


def find_config(start: Path) -> Path | None:
    """The nearest configuration file from folder `start` upwards, or None."""
    for folder in (start, *start.parents):
        own = folder / "dsprep.toml"
        if own.is_file():
            return own
        project = folder / "pyproject.toml"
        if project.is_file() and _table(project) is not None:
            return project
    return None


def load_settings(
    config: Sequence[str] = (),
    *,
    isolated: bool = False,
    start: Path | None = None,
    overrides: Mapping[str, Any] | None = None,
) -> tuple[Settings, Path | None]:
    """The settings of a run, and the file they came from (None: none).

    `config` holds the values of `--config`: paths of TOML files, or `key=value` with a TOML value (a bare word is taken
    as a string; dots reach into tables). `overrides` are the flags that were given. Raises ConfigError.
    """
    files = [item for item in config if "=" not in item]
    pairs = [item for item in config if "=" in item]
    if len(files) > 1:
        raise ConfigError(f"--config was given {len(files)} files; give one")
    found = Path(files[0]) if files else None
    if found is not None and not found.is_file():
        raise ConfigError(f"{found}: no such configuration file")
    if found is None and not isolated:
        found = find_config((start or Path.cwd()).resolve())
    data: dict[str, Any] = dict((_table(found) if found is not None else None) or {})
    try:
        Settings.model_validate(data)
    except ValidationError as error:
        raise ConfigError(_explained(error, str(found))) from error
    if data.get("address") is not None:
        # A file from somebody else would have code and data go to a machine of theirs.
        raise ConfigError(f"{found}: 'address' is not taken from a file; give it with --address, or in RAY_ADDRESS")
    if data.get("redact-key") is not None:
        # Who knows the secret finds out whose data the pseudonyms stand for.
        raise ConfigError(f"{found}: 'redact-key' is a secret, not taken from a file; put it in {REDACT_KEY_VARIABLE}")
    if found is not None:
        if str(data.get("pack", "")).endswith((".yaml", ".yml")):
            # The path is seen from the folder of the file; reports show it as seen from here.
            data["pack"] = os.path.relpath(found.resolve().parent / str(data["pack"]), start or Path.cwd())
        if data.get("compare"):
            data["compare"] = os.path.relpath(found.resolve().parent / str(data["compare"]), start or Path.cwd())
        for key, instead in _WRITTEN.items():
            if data.get(key) is not None:
                data[key] = _below(found, key, data[key], instead)
        if data.get("output-format"):
            data["output-format"] = _outputs_below(found, data["output-format"])
        if data.get("per-path-ignores"):
            data["per-path-ignores"] = rooted(data["per-path-ignores"], found.resolve().parent)
    for pair in pairs:
        _assign(data, pair)
    data.update({_kebab(key): value for key, value in (overrides or {}).items() if value is not None})
    try:
        return Settings.model_validate(data), found
    except ValidationError as error:
        raise ConfigError(_explained(error, "settings")) from error


def cache_folder(settings: Settings, file: Path | None, start: Path | None = None) -> Path:
    """Where a command keeps its cache: where the settings say, else beside `file`, the configuration file that was
    found for folder `start` (default: the working directory), else in that folder."""
    return settings.cache_dir or (file.resolve().parent if file is not None else start or Path.cwd()) / CACHE_FOLDER


def with_overrides(settings: Settings | None, overrides: Mapping[str, Any]) -> Settings:
    """`settings` (None: the defaults) with some of them changed, by name, checked anew. Raises ConfigError."""
    changes = {key.replace("-", "_"): value for key, value in overrides.items()}
    if settings is not None and not changes:
        return settings
    try:
        # What nobody has set stays so: a target that is the default gives way to the pack's.
        before = settings.model_dump(exclude_unset=True) if settings is not None else {}
        return Settings.model_validate({**before, **changes})
    except ValidationError as error:
        raise ConfigError(_explained(error, "settings", list(Settings.model_fields))) from error


def _table(file: Path) -> dict[str, Any] | None:
    """The dsprep settings in a TOML file; None if a pyproject.toml has none."""
    try:
        data = tomllib.loads(file.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        if file.name == "pyproject.toml":
            return None  # not ours to complain about
        raise ConfigError(f"{file}: not valid TOML: {error}") from error
    if file.name != "pyproject.toml":
        return data
    table = data.get("tool", {}).get("dsprep")
    return table if isinstance(table, dict) else None


def rooted(ignores: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """`per_path_ignores` with patterns of whole paths, as seen from `folder`."""
    own = re.sub(r"[*?\[]", r"[\g<0>]", folder.as_posix()).rstrip("/")
    out: dict[str, Any] = {}
    for pattern, rules in ignores.items():
        # On Windows an absolute one begins with a drive.
        whole = pattern.startswith("/") or Path(pattern).is_absolute()
        place = pattern if "/" in pattern else f"**/{pattern}"
        out[pattern if whole else f"{own}/{place.removeprefix('./')}"] = rules
    return out


def _below(file: Path, key: str, name: str, instead: str) -> str:
    """A file from somebody else must not say where files are written and removed, outside of its own folder."""
    own = file.resolve().parent
    place = (own / name).resolve()
    if not place.is_relative_to(own) or place == own:
        raise ConfigError(
            f"{file}: {key!r} names {str(place)!r}, which is not below the folder of the file; give it with {instead}"
        )
    return str(place)


def _outputs_below(file: Path, value: Any) -> list[str]:
    """The outputs that a file names, with whole paths. Raises ConfigError for one that is not below its folder."""
    texts = [value] if isinstance(value, str) else [str(text) for text in value]
    out = []
    for output in outputs_from(texts):
        place = _below(file, "output-format", str(output.file), "--output-format") if output.file else ""
        out.append(f"{output.format}={place}" if place else output.format)
    return out


def _assign(data: dict[str, Any], pair: str) -> None:
    key, _, text = pair.partition("=")
    try:
        value: Any = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        value = text.strip()
    *tables, last = (part.strip() for part in key.split("."))
    place = data
    for table in tables:
        inner = place.get(table)
        place[table] = inner = dict(inner) if isinstance(inner, Mapping) else {}
        place = inner
    place[last] = value


def _explained(error: ValidationError, where: str, keys: Sequence[str] = ()) -> str:
    """Each fault of the settings in one sentence, with a suggestion for an unknown key; `keys` are those that there
    are, as the caller writes them (default: as in files)."""
    keys = keys or [_kebab(name) for name in Settings.model_fields]
    sentences = []
    for fault in error.errors():
        place = ".".join(str(part) for part in fault["loc"])
        if fault["type"] == "extra_forbidden":
            table, _, name = place.rpartition(".")
            known = {"card": list(map(_kebab, CardSettings.model_fields)), "price": list(Price.model_fields)}.get(
                table, keys
            )
            hint = suggestion(name, known) or f"; there are {', '.join(known)}"
            sentences.append(f"{where}: unknown key {place!r}{hint}")
        else:
            got = "" if _kebab(place) == "redact-key" else f" (got {fault['input']!r})"
            sentences.append(f"{where}: {place}: {fault['msg'][:1].lower()}{fault['msg'][1:]}{got}")
    return "\n".join(sentences)
