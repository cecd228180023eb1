"""The dataset card of what `prepare` has written: README.md and croissant.json, unless somebody else's are there."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from dsprep.api.certifying import CheckedOutput
from dsprep.api.session import Session
from dsprep.config import CardSettings, Settings
from dsprep.engine.writing import AtomicFile
from dsprep.folds.record_columns import columns_of
from dsprep.model.card import Card, WrittenSplit
from dsprep.model.report import Report
from dsprep.opening import is_url, without_packing
from dsprep.reports import as_toml, counted, croissant, listed_words, quoted
from dsprep.reports import card as as_card
from dsprep.text.licences import licence_named
from dsprep.text.preference import MEMBERS

#: A card is not larger than this; what is larger is not one of ours, and not read.
_LARGEST: Final = 64_000_000
#: What of a mapping has an option of its own.
_OPTIONS: Final = ("system", "user", "assistant", "label", "group", "records")
_MAPPING_FILE: Final = "mapping.yaml"


@dataclass
class CardFiles:
    """The files that were written, with the SHA-256 of each, and what there is to say about them."""

    written: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def card_of(
    session: Session,
    settings: Settings,
    choices: Mapping[str, Any],
    output: CheckedOutput,
    report: Report,
    manifest: Mapping[str, Any],
) -> Card:
    """The card of a run: `settings` are those that the user gave, `choices` what `prepare` was told beside them."""
    said = settings.card or CardSettings()
    sources = tuple(_public_name(info.path) for info in report.inputs)
    command, mapping = _command(session, settings, choices, sources)
    splits = tuple(
        WrittenSplit(
            source.split or "",
            source.info.path,
            output.stats["splits"][source.split]["rows"],
            source.info.bytes,
            source.info.sha256,
        )
        for source in output.session.pipeline.sources
        if source.split in output.stats["splits"]
    )
    return Card(
        name=said.name or _named_after(sources),
        summary=_summary(report.stats, len(splits)),
        splits=splits,
        columns=columns_of(output.folded.states["statistics"].members),
        sources=sources,
        command=command,
        mapping=mapping,
        languages=_languages(report.stats),
        packages=manifest["packages"],
        changed=manifest["changes"]["rules"],
        between=manifest["certificate"]["found"],
        description=said.description,
        licence=licence_named(said.license) if said.license else None,
        creator=said.creator,
        url=said.url,
        published=said.published.isoformat() if said.published else None,
        version=said.version,
    )


def write_card(folder: Path, card: Card, report: Report) -> CardFiles:
    """Write the card into `folder`. A file that is not as dsprep has written it stays, and the new one goes beside it.

    Files that dsprep left beside such a one go away once it is gone.
    """
    out = CardFiles()
    for module in (as_card, croissant):
        data = module.dumps(card, report)
        path, beside = folder / module.NAME, folder / _beside(module.NAME)
        if _is_ours(path, module.is_untouched):
            name = module.NAME
            _remove(beside, module.is_untouched)
        else:
            name = beside.name
            out.notes.append(
                f"{module.NAME} was written or edited by somebody else and is kept as it is; the new one is {name}"
            )
        with AtomicFile(folder / name) as file:
            file.write(data)
        out.written[name] = hashlib.sha256(data).hexdigest()
    return out


def remove_card(folder: Path) -> None:
    """Remove the card of an earlier run from `folder`, which would speak of other data; what somebody has edited
    stays."""
    for module in (as_card, croissant):
        for name in (module.NAME, _beside(module.NAME)):
            _remove(folder / name, module.is_untouched)


def _beside(name: str) -> str:
    stem, _, ending = name.rpartition(".")
    return f"{stem}.dsprep.{ending}"


def _is_ours(path: Path, untouched: Any) -> bool:
    """Whether nothing is lost if a file is written there."""
    if not path.exists():
        return not path.is_symlink()
    return path.is_file() and path.stat().st_size <= _LARGEST and bool(untouched(path.read_bytes()))


def _remove(path: Path, untouched: Any) -> None:
    if path.exists() and _is_ours(path, untouched):
        path.unlink()


def _public_name(path: str) -> str:
    """What an input is called in public: the last part of its path or URL, without a query, which may hold keys."""
    name = re.split(r"[?#]", path, maxsplit=1)[0] if is_url(path) else path
    return re.split(r"[/\\]", name.rstrip("/\\"))[-1] or "input"


def _named_after(sources: Sequence[str]) -> str:
    """A name for a data set that nobody has named. Only letters, digits and the like of a file's name go into it."""
    first = without_packing(sources[0]) if sources else ""
    stem = " ".join(re.sub(r"[^\w.-]+", " ", re.sub(r"\.\w{1,8}$", "", first)).split())
    name = stem[:100].strip(" .-_") or "Data set"
    return f"{name} and {len(sources) - 1} more" if len(sources) > 1 else name


def _summary(stats: Mapping[str, Any], splits: int) -> str:
    if not stats["rows"]:
        return "Nothing: every row was left out."
    pairs = sum(stats["formats"].get(name, 0) for name in MEMBERS)
    kinds = [counted(n, word) for n, word in ((stats["rows"] - pairs, "conversation"), (pairs, "preference pair")) if n]
    classes = ""
    if stats["labels"]["source"]:
        classes = f" that are answered with one of {counted(stats['labels']['classes'], 'label')}"
    return f"{listed_words(kinds)}{classes}, in {counted(splits, 'split')}, for fine-tuning."


def _languages(stats: Mapping[str, Any]) -> dict[str, float]:
    counts: dict[str, int] = {}
    for part in stats.get("languages", {}).get("splits", {}).values():
        for code, n in part.items():
            counts[code] = counts.get(code, 0) + n
    whole = sum(counts.values())
    return {code: n / whole for code, n in sorted(counts.items(), key=lambda item: (-item[1], item[0]))}


def _command(
    session: Session, settings: Settings, choices: Mapping[str, Any], sources: Iterable[str]
) -> tuple[str, str | None]:
    """The command that makes the same files, with inputs by their public names, and the mapping file that it needs, if
    any. Where a guess was made, it says what was guessed."""
    parts = ["dsprep", "prepare", *sources, "--out", "prepared"]
    mapping = _mapping(session)
    file = None
    if mapping is not None:
        from dsprep.formats import mapping_yaml

        given = mapping.model_dump(mode="json", exclude_defaults=True, exclude_none=True)
        given.pop("split", None)  # the rows are split anew
        if set(given) <= set(_OPTIONS):
            for name in _OPTIONS:
                if name in given:
                    parts += [f"--{name}", given[name]]
        else:
            file = mapping_yaml(mapping)
            parts += ["--mapping", _MAPPING_FILE]
    if choices.get("records") and (mapping is None or not mapping.records):
        parts += ["--records", choices["records"]]
    parts += ["--split", choices["split"], "--dedupe", choices["dedupe"]]
    if choices["keep_best"]:
        parts.append("--keep-best")
    parts += ["--target", session.target.name, "--seed", str(settings.seed)]
    for name, value in (("encoding", settings.encoding), ("pack", settings.pack), ("redact", settings.redact)):
        if value is not None and value != Settings.model_fields[name].default:
            parts += [f"--{name}", _public_name(value)]
    for name, codes in (
        ("select", settings.select),
        ("extend-select", settings.extend_select),
        ("ignore", settings.ignore),
    ):
        if codes:
            parts += [f"--{name}", ",".join(codes)]
    if settings.unsafe_fixes:
        parts.append("--unsafe-fixes")
    for name, codes in (("fixable", settings.fixable), ("unfixable", settings.unfixable)):
        if codes:
            parts += ["--config", f"{name}={as_toml(list(codes))}"]
    for rule, options in sorted(settings.rules.items()):
        for name, value in sorted(options.items()):
            # Files beside the data are called by their public names, too.
            shown = [_public_name(str(item)) for item in value] if name == "files" else value
            parts += ["--config", f"rules.{rule}.{name}={as_toml(shown)}"]
    for rule, severity in sorted(settings.severity.items()):
        parts += ["--config", f"severity.{rule}={as_toml(str(severity))}"]
    given = settings.card.model_dump(mode="json", exclude_defaults=True) if settings.card is not None else {}
    for name, option in (("name", "--pretty-name"), ("license", "--license")):
        if name in given:
            parts += [option, given.pop(name)]
    for name, value in given.items():
        parts += ["--config", f"card.{name}={as_toml(value)}"]
    return " ".join(map(quoted, parts)), file


def _mapping(session: Session) -> Any:
    """How columns became conversations, if that is the same for all tables of the run."""
    from dsprep.formats import RowsNormaliser

    found = [one.mapping for one in session.pipeline.normalisers if isinstance(one, RowsNormaliser)]
    return found[0] if found and all(one == found[0] for one in found) else None
