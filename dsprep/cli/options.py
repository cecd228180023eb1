"""Options that several verbs share, written once; and settings made from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from dsprep.config import Settings
    from dsprep.formats import Mapping as ColumnMapping


def in_a_folder(file: Path | None) -> Path | None:
    """Callback of an option that names a file to write: its folder is looked for before the work is done."""
    if file is not None and not file.absolute().parent.is_dir():
        raise typer.BadParameter(f"there is no folder {str(file.parent)!r}")
    return file


def file_named(text: str) -> str:
    """Parser of a file or URL on the command line: a path as `pathlib` writes it, which would spoil a URL."""
    return text if "://" in text else str(Path(text))


class Format(StrEnum):
    """How what is found is printed."""

    FULL = "full"
    CONCISE = "concise"
    JSON = "json"
    JSONL = "jsonl"


def output_formats(texts: list[str] | None) -> list[str] | None:
    """Callback of the formats of reports: whether there are such, and no two for one place."""
    if texts:
        from dsprep.config import outputs_from

        try:
            outputs_from(texts)
        except ValueError as error:
            raise typer.BadParameter(str(error)) from error
    return texts


OutputFormats = Annotated[
    list[str] | None,
    typer.Option(
        "--output-format",
        metavar="FORMAT[=FILE]",
        help="How to print what is found: full, concise, markdown, json, jsonl, sarif, github, gitlab or junit; with "
        "=FILE it is written there besides. May be repeated.",
        callback=output_formats,
    ),
]
Files = Annotated[
    list[str] | None,
    typer.Option(metavar="FILE", help="A file of this split; may be repeated.", parser=file_named),
]
OutputFile = Annotated[
    Path | None,
    typer.Option("--output-file", "-o", metavar="FILE", help="Print into this file.", callback=in_a_folder),
]
Target = Annotated[
    str | None,
    typer.Option(
        "--target",
        "-t",
        metavar="NAME",
        help="Backend and model that will read the data, such as openai:gpt-4o-mini; `dsprep targets` lists them.",
    ),
]
Encoding = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="Token encoding, or a model that has it (default: the target's).",
    ),
]
Select = Annotated[
    list[str] | None,
    typer.Option(
        metavar="RULES",
        help="Rules to run: codes, names, prefixes such as TOK, DEFAULT or ALL (comma-separated).",
    ),
]
Ignore = Annotated[list[str] | None, typer.Option(metavar="RULES", help="Rules not to run.")]
Pack = Annotated[
    str | None,
    typer.Option(metavar="NAME|FILE", help="The rule pack to use: a name (`dsprep packs` lists them), or a YAML file."),
]
ExtendSelect = Annotated[list[str] | None, typer.Option(metavar="RULES", help="Rules to run besides those selected.")]
Config = Annotated[
    list[str] | None,
    typer.Option(metavar="FILE|KEY=VALUE", help="A TOML file, or KEY=VALUE to override one setting; may be repeated."),
]
Isolated = Annotated[bool, typer.Option("--isolated", help="Ignore all configuration files.")]
MemoryLimit = Annotated[
    str | None,
    typer.Option(
        metavar="SIZE",
        help="Memory for what is kept of all rows, such as 500MB; a temporary file takes the rest (default: 2GB).",
    ),
]
Workers = Annotated[
    int | None, typer.Option("--workers", "-j", metavar="N", min=1, help="Processes to use (default: all cores).")
]
Executor = Annotated[
    str | None,
    typer.Option(
        metavar="NAME", help="What runs the work: serial, processes (the default) or ray, on one machine or many."
    ),
]
Address = Annotated[
    str | None,
    typer.Option(metavar="ADDRESS", help="The Ray cluster to use, such as auto or head:6379 (default: this machine)."),
]
NoCache = Annotated[
    bool,
    typer.Option("--no-cache", envvar="DSPREP_NO_CACHE", help="Neither use nor keep what was worked out before."),
]
CacheDir = Annotated[
    Path | None,
    typer.Option(
        metavar="FOLDER",
        envvar="DSPREP_CACHE_DIR",
        file_okay=False,
        help="Where to keep what was worked out (default: .dsprep_cache beside the configuration file).",
    ),
]
Baseline = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Findings in this file are known and do not count; --write-baseline makes it."),
]
Compare = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE", help="Say what has changed since this JSON report, or since the one in this prepared folder."
    ),
]
Severities = Annotated[
    list[str] | None,
    typer.Option("--severity", metavar="RULE=LEVEL", help="Another severity: error, warning, info; may be repeated."),
]
Benchmark = Annotated[
    list[str] | None,
    typer.Option(
        metavar="FILE",
        help="Find examples that hold text of this benchmark (rule benchmark-contamination); may be repeated.",
        parser=file_named,
    ),
]


class Keeps(StrEnum):
    """Which one of some duplicates stays."""

    FIRST = "first"
    LONGEST = "longest"
    MAJORITY = "majority"
    FEWEST_FINDINGS = "fewest-findings"


Keep = Annotated[
    Keeps | None,
    typer.Option(
        help="Which duplicate stays: the first, the longest, one with the commonest answer, or the least faulty one."
    ),
]
Seed = Annotated[int | None, typer.Option(metavar="N", min=0, help="Seed that decides splits.")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Say which settings and files are used.")]
UnsafeFixes = Annotated[
    bool | None,
    typer.Option("--unsafe-fixes/--no-unsafe-fixes", help="Apply fixes that drop rows or change meaning, too."),
]


class Redact(StrEnum):
    """What takes the place of personal data."""

    LABEL = "label"
    PSEUDONYM = "pseudonym"


RedactAs = Annotated[
    Redact | None,
    typer.Option(
        "--redact",
        help="What unsafe fixes put in place of personal data: a label such as [EMAIL] (the default), or a pseudonym.",
    ),
]
RedactKey = Annotated[
    str | None,
    typer.Option(
        metavar="SECRET",
        envvar="DSPREP_REDACT_KEY",
        help="The secret that pseudonyms are made from; better kept in the environment, which others do not see.",
    ),
]
System = Annotated[
    str | None, typer.Option(metavar="TEXT|TEMPLATE", help="System message: text, or a template over columns.")
]
User = Annotated[
    str | None,
    typer.Option(
        metavar="COLUMN|TEMPLATE", help="User message: a column, or a template such as '{{title}}: {{text}}'."
    ),
]
Assistant = Annotated[
    str | None,
    typer.Option(metavar="COLUMN|TEMPLATE", help="Assistant message: a column, or a template over columns."),
]
Label = Annotated[str | None, typer.Option(metavar="COLUMN", help="Column with the label.")]
Group = Annotated[
    str | None,
    typer.Option(metavar="COLUMN", help="Column of what must stay together in a split (a document, a user)."),
]
MappingFile = Annotated[
    Path | None,
    typer.Option(
        "--mapping", metavar="FILE", help="A YAML file that says how columns are mapped; --explain writes one."
    ),
]
Records = Annotated[
    str | None,
    typer.Option(
        metavar="PATH",
        help="Where the records are: in nested JSON 'questions[]' (parents are inherited), in a workbook a sheet, in a "
        "database a table or query, in pages sections, questions or chunks:512, in a chat assistant=NAME.",
    ),
]
Shares = Annotated[
    str,
    typer.Option(metavar="SHARES", help="Shares of train and validation, or of train, validation and test (sum: 1)."),
]


def with_severities(config: Sequence[str] | None, severities: Sequence[str] | None) -> list[str]:
    """`--config` with what `--severity` says, which adds to the severities of a file rather than replacing them all."""
    out = list(config or ())
    for text in severities or ():
        rule, _, level = text.partition("=")
        if not rule.strip() or level.strip() not in ("error", "warning", "info"):
            raise typer.BadParameter(f"{text!r} is not RULE=error, RULE=warning or RULE=info", param_hint="--severity")
        out.append(f'severity.{rule.strip()}="{level.strip()}"')
    return out


def listed(values: Sequence[str] | None) -> tuple[str, ...] | None:
    """Values of a repeatable, comma-separated option; None if it was not given."""
    if values is None:
        return None
    return tuple(part.strip() for value in values for part in value.split(",") if part.strip())


def settings(
    config: Sequence[str] | None,
    isolated: bool,
    verbose: bool = False,
    *,
    no_cache: bool = True,
    **overrides: Any,
) -> Settings:
    """The settings of a run. Exits through `cli.failures` when they cannot be used."""
    from dsprep.config import cache_folder, load_settings

    made, file = load_settings(config or (), isolated=isolated, start=Path.cwd(), overrides=overrides)
    if verbose:
        typer.echo(f"settings: {file or 'defaults'}", err=True)
        _show_log()
    wanted = not no_cache and made.cache is not False
    # A file that was named rather than found may lie anywhere.
    found = None if any("=" not in item for item in config or ()) else file
    return made.model_copy(update={"cache": wanted, "cache_dir": cache_folder(made, found) if wanted else None})


def with_choices(settings: Settings, *, benchmark: Sequence[str] | None, keep: Keeps | None) -> Settings:
    """`settings` with what `--benchmark` and `--keep` say of rules, whatever else is said of them."""
    rules: dict[str, Mapping[str, Any]] = dict(settings.rules)
    extend = settings.extend_select
    if benchmark:
        extend = (*extend, "LEK005")
        rules["LEK005"] = {**rules.get("LEK005", {}), "files": list(benchmark)}
    if keep is not None:
        chosen = "most-common-answer" if keep is Keeps.MAJORITY else keep.value
        for code in ("DUP001", "DUP002", "DUP003"):
            rules[code] = {**rules.get(code, {}), "keep": chosen}
    return settings.model_copy(update={"rules": rules, "extend_select": extend})


def with_card(settings: Settings, **said: Any) -> Settings:
    """`settings` with what options say of the dataset card, over what a file says of it. Raises ConfigError."""
    from dsprep.config import with_overrides

    given = {key: value for key, value in said.items() if value is not None}
    if not given:
        return settings
    before = settings.card.model_dump(exclude_unset=True) if settings.card is not None else {}
    return with_overrides(settings, {"card": {**before, **given}})


def _show_log() -> None:
    """What the cache has to say goes to standard error."""
    import logging

    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(message)s"))
    log = logging.getLogger("dsprep.cache")
    log.addHandler(handler)
    log.setLevel(logging.INFO)


def mapping(file: Path | None = None, **parts: Any) -> ColumnMapping | None:
    """The column mapping in a file, if one is named, with what flags say instead; None if there is neither, so that it
    is inferred."""
    from dsprep.formats import Mapping as ColumnMapping
    from dsprep.formats import changed, load_mapping

    given = {name: value for name, value in parts.items() if value is not None}
    if file is not None:
        return changed(load_mapping(file), **given)
    return ColumnMapping.model_validate(given) if given else None
