"""What every command needs before it can start: settings, target, rules, sources, executor, put together once."""

from __future__ import annotations

import hashlib
import json
import platform
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from pydantic import ValidationError

from dsprep.api.accepted import Accepted, Accepting, accepted_in
from dsprep.api.masking import concealing
from dsprep.api.remembering import open_store
from dsprep.catalog.packs import Pack, PackError, load_pack, target_texts
from dsprep.catalog.registry import Rulebook
from dsprep.catalog.registry import executor as executor_named
from dsprep.catalog.templates import unfit_option, with_underscores
from dsprep.config import REDACT_KEY_LENGTH, REDACT_KEY_VARIABLE, ConfigError, Settings
from dsprep.engine.caching import WORTH_KEEPING
from dsprep.engine.fingerprints import UnknowableError, own_code
from dsprep.engine.folding import SHARD_BYTES, Folded
from dsprep.engine.hiding import Hiding
from dsprep.engine.pipeline import Pipeline
from dsprep.engine.repairing import FixPolicy
from dsprep.engine.splitting import SPLIT_NAMES
from dsprep.engine.store import Store
from dsprep.folds.splits import known_as
from dsprep.formats import ChatNormaliser, normaliser_for
from dsprep.model.executor import Executor
from dsprep.model.report import Hidden, Report, RuleSummary
from dsprep.model.rule import ExampleRule, Rule, RuleContext
from dsprep.model.source import InputError, Source, unreadable
from dsprep.model.target import Target
from dsprep.opening import resolved, size
from dsprep.sources import files_of, open_source
from dsprep.targets.loading import UnknownTarget, load_target
from dsprep.text.content import content_key
from dsprep.text.tokens import known_encoding
from dsprep.version import VERSION

if TYPE_CHECKING:
    from dsprep.formats import Mapping as ColumnMapping

PathLike = str | Path
#: What functions take for files: one path, or several.
Paths = PathLike | Iterable[PathLike]


class Progress(Protocol):
    """Told what is going on: `begin` a stage of so many bytes, then `advance` by bytes."""

    def begin(self, stage: str, total: int) -> None: ...
    def advance(self, amount: int) -> None: ...


class Silent:
    """Progress for nobody."""

    def begin(self, stage: str, total: int) -> None:
        """Nothing to show."""

    def advance(self, amount: int) -> None:
        """Nothing to show."""


@dataclass(frozen=True)
class Input:
    """A file to read, with the split that its rows belong to, if the caller knows it."""

    path: str
    split: str | None = None
    display: str | None = None


@dataclass
class Session:
    """A run put together: rules made with their options, sources opened, the executor chosen."""

    settings: Settings
    target: Target
    context: RuleContext
    rules: list[Rule[Any]]
    pipeline: Pipeline
    executor: Executor
    progress: Progress
    notes: list[str] = field(default_factory=list)
    #: Where what is worked out is kept for the next run, if the settings ask for it and the inputs are worth it.
    cache: Store | None = None
    #: The rules that there are: installed ones, and those that the pack defines.
    book: Rulebook = field(default_factory=Rulebook)
    #: What somebody has accepted, so that it is neither listed nor mended.
    accepted: Accepted | None = None

    @property
    def hiding(self) -> Hiding | None:
        """What the engine is not to show."""
        return None if self.accepted is None else self.accepted.hiding

    @property
    def singles(self) -> list[ExampleRule]:
        """The rules that look at one record at a time."""
        return [rule for rule in self.rules if isinstance(rule, ExampleRule)]

    @property
    def bytes(self) -> int:
        """How many bytes the inputs have."""
        return bytes_of(self.pipeline.sources)

    def policy(self, *, granted: Iterable[str] = ()) -> FixPolicy:
        """Which fixes the settings allow."""
        codes = None if self.settings.fixable is None else set(self.book.select(self.settings.fixable))
        if self.settings.unfixable:
            codes = (set(self.book.codes) if codes is None else codes) - set(self.book.select(self.settings.unfixable))
        return FixPolicy(self.settings.unsafe_fixes, None if codes is None else frozenset(codes), frozenset(granted))


def inputs_from(
    paths: Paths,
    *,
    train: Paths = (),
    validation: Paths = (),
    test: Paths = (),
) -> tuple[list[Input], list[str]]:
    """The inputs of a run, and notes on what was assumed.

    A folder stands for the files of data in it, a pattern for the files that match. Paths without a split get one from
    their name (train.jsonl, my-validation.jsonl, dev.jsonl …) if the names tell at least two splits apart; nothing is
    assumed when the caller names any split.
    """
    given = [
        Input(file, split)
        for split, group in (("train", train), ("validation", validation), ("test", test))
        for path in _several(group)
        for file in files_of(str(path))
    ]
    plain = [file for path in _several(paths) for file in files_of(str(path))]
    notes: list[str] = []
    guessed: dict[str, str] = {}
    if not given:
        guessed = {path: split for path in plain if (split := _split_in_name(path))}
        if len(set(guessed.values())) < 2:
            guessed = {}
        elif guessed:
            named = ", ".join(f"{path} as {split}" for path, split in guessed.items())
            notes.append(f"read {named}, by their names; say otherwise with --train, --validation, --test")
    inputs = [Input(path, guessed.get(path)) for path in plain] + given
    if not inputs:
        raise InputError("no input: name at least one file, or - for standard input")
    seen: dict[str, str] = {}
    for item in inputs:
        real = item.path if item.path == "-" else resolved(item.path)
        if real in seen:
            raise InputError(f"{item.path} is named twice; each file can have one part in a run")
        seen[real] = item.path
    return inputs, notes


def bytes_of(sources: Iterable[Source]) -> int:
    """How many bytes the files of `sources` have. Raises InputError if one has gone away."""
    total = 0
    for source in sources:
        try:
            total += size(source.path)
        except OSError as error:
            raise unreadable(source.display, error) from error
    return total


def chosen_executor(name: str | None, *, workers: int | None = None, address: str | None = None) -> Executor:
    """The executor of that name; without one, processes, or serial for one worker.

    Raises UnknownNameError, ConfigError if an address is given to one that has none, and ExecutorError.
    """
    name = name or ("serial" if workers == 1 else "processes")
    if address is None:
        return executor_named(name) if name == "serial" else executor_named(name, workers=workers)
    if name in ("serial", "processes"):
        raise ConfigError(f"an address is of use to --executor ray alone, and this run has {name}")
    return executor_named(name, workers=workers, address=address)


def open_session(
    inputs: Sequence[Input],
    settings: Settings,
    *,
    mapping: ColumnMapping | None = None,
    codes: Callable[[str], bool] = lambda code: True,
    options: Mapping[str, Mapping[str, Any]] | None = None,
    progress: Progress | None = None,
    notes: Sequence[str] = (),
    records: str | None = None,
    infer: bool = False,
    accepting: Accepting = "nothing",
) -> Session:
    """Put a run together. `codes` narrows the selected rules, `options` (by code) add to those of the settings; with
    `infer`, JSON that holds no conversations is taken for a table. `accepting` says what the run is not to show.

    Raises InputError, ConfigError, UnknownNameError, UnknownTarget or ExecutorError, each with a sentence for the
    user.
    """
    if mapping is not None and mapping.normalise:
        raise InputError(
            "the mapping's `normalise` is for `dsprep convert`, which writes down what it changes; convert first, or "
            "leave it out"
        )
    pack = load_pack(settings.pack)
    target = _target(settings, pack)
    if records is None and settings.records is not None:
        # Who says where the records are says that they are none of JSON's own.
        records, infer = settings.records, True
    sources: list[Source] = [
        open_source(item.path, index=i, split=item.split, display=item.display, records=records)
        for i, item in enumerate(inputs)
    ]
    said = list(notes)
    normalisers = []
    for i, source in enumerate(sources):
        normaliser, explained = normaliser_for(source, mapping, infer=infer)
        normalisers.append(normaliser)
        sources[i] = normaliser.arranged(source)
        said.extend(explained)
    context = RuleContext(
        target=target,
        encoding=known_encoding(settings.encoding) if settings.encoding else target.encoding,
        seed=settings.seed,
        splits=tuple(sorted({item.split for item in inputs if item.split})),
        max_findings=settings.max_findings,
        severities=_severities(settings),
        pseudonym_key=_pseudonym_key(settings, codes),
    )
    rules = make_rules(settings, context, options or {}, codes)
    _study(rules, [item.path for item in inputs])
    return Session(
        settings=settings,
        target=target,
        context=context,
        rules=rules,
        pipeline=Pipeline(sources, normalisers),
        executor=chosen_executor(settings.executor, workers=settings.workers, address=settings.address),
        progress=progress or Silent(),
        notes=said,
        cache=_cache(settings, inputs, sources),
        book=pack.book,
        accepted=accepted_in(settings, sources, rules, pack.book, accepting),
    )


def _target(settings: Settings, pack: Pack) -> Target:
    """The target that the user names, else the one of the pack, else the default. Raises UnknownTarget or PackError."""
    if pack.target is None or "target" in settings.model_fields_set:
        target = load_target(settings.target, target_texts())
    else:
        try:
            target = load_target(pack.target, target_texts())
        except UnknownTarget as error:
            raise PackError(f"{pack.file}: target: {error}") from error
    return target if settings.price is None else target.model_copy(update={"price": settings.price})


def _cache(settings: Settings, inputs: Sequence[Input], sources: Sequence[Source]) -> Store | None:
    """The cache of a run over files of this machine, large enough."""
    if not settings.cache or any(item.path == "-" or not Path(item.path).is_file() for item in inputs):
        return None
    store = open_store(settings) if bytes_of(sources) >= WORTH_KEEPING else None
    return store if store is not None and store.prepare() else None


def _pseudonym_key(settings: Settings, codes: Callable[[str], bool]) -> str | None:
    """The secret that pseudonyms are made from; None if no rule of the run makes any. Raises ConfigError."""
    if settings.redact == "label" or not selected_codes(settings, lambda code: code.startswith("PII") and codes(code)):
        return None
    if settings.redact_key is None:
        raise ConfigError(
            f"redact = pseudonym needs a secret that pseudonyms are made from: put {REDACT_KEY_LENGTH} characters or "
            f"more into {REDACT_KEY_VARIABLE}, and keep it if other data is to get the same pseudonyms"
        )
    return settings.redact_key.get_secret_value()


def make_rules(
    settings: Settings,
    context: RuleContext,
    options: Mapping[str, Mapping[str, Any]],
    codes: Callable[[str], bool],
) -> list[Rule[Any]]:
    """The rules that `settings` select and `codes` lets through, made with their options, in order of code."""
    book = load_pack(settings.pack).book
    chosen = dict(_options(settings))
    for code, extra in options.items():
        chosen[code] = {**chosen.get(code, {}), **extra}
    rules: list[Rule[Any]] = []
    for code in selected_codes(settings, codes):
        kind = book.kind(code)
        try:
            own = kind.Options.model_validate(chosen.get(code, {}))
        except ValidationError as error:
            raise ConfigError(f"rule {kind.meta.name} {unfit_option(kind, error)}") from error
        rules.append(kind(context, own))
    return rules


def _study(rules: Iterable[Rule[Any]], inputs: Iterable[str]) -> None:
    """Have rules read the files beside the data that they need. Raises InputError."""
    read = {resolved(path) for path in inputs if path != "-"}
    for rule in rules:
        if not rule.files:
            continue
        try:
            for file in rule.files:
                if resolved(file) in read:
                    raise InputError(f"{file} is among the files to check; compare it with others")
            sources = [open_source(file, index=i) for i, file in enumerate(rule.files)]
            pipeline = Pipeline(sources, [ChatNormaliser() for _ in sources])
            shards = (shard for source in sources for shard in source.plan(SHARD_BYTES))
            rule.study(batch for shard in shards for batch in pipeline.read(shard))
        except InputError as error:
            raise InputError(f"files of rule {rule.meta.name}: {error}") from error


def selected_codes(settings: Settings, codes: Callable[[str], bool] = lambda code: True) -> list[str]:
    """The codes to run: the pack's (or `select`), with `extend_select`, without `ignore`, if `codes` lets them through.

    A rule that is off by default runs only if it is named itself, or by `ALL`, not by its group's prefix. Rules that
    `codes` does not let through are not imported.
    """
    pack = load_pack(settings.pack)
    book = pack.book
    asked = list(settings.select if settings.select is not None else pack.selected) + list(settings.extend_select)
    exact = {code for item in asked for code in _named_exactly(item, book)}
    chosen = {
        code for code in book.select(asked, codes) if codes(code) and (code in exact or book.kind(code).meta.default)
    }
    ignored = list(settings.ignore) + ([] if settings.select is not None else list(pack.ignore))
    return sorted(chosen - set(book.select(ignored)))


def report_of(session: Session, folded: Folded, **parts: Any) -> Report:
    """The report of a fold: summaries worst first, and of the settings those that the result depends on."""
    metas = {rule.meta.code: rule.meta for rule in session.rules}
    documents = {rule.meta.code: rule.documentation() for rule in session.rules}
    summaries = [
        RuleSummary(metas[code], tally, parts.get("fixed", {}).get(code, 0), documents[code])
        for code, tally in folded.tallies.items()
        if tally.total or parts.get("fixed", {}).get(code, 0)
    ]
    hidden, said = hidden_in(session, folded)
    report = Report(
        tool=f"dsprep {VERSION}",
        inputs=[source.info for source in session.pipeline.sources],
        settings=settings_of(session, "lint"),
        summaries=sort_summaries(summaries),
        stats=parts.get("stats", {}),
        funnel=parts["funnel"],
        notes=[*session.notes, *labels_note(parts.get("stats", {})), *said],
        errors=folded.errors,
        rules_run=tuple(metas),
        hidden=hidden,
        contents=contents_in(folded) if session.settings.by_content else {},
        versions=versions_of(session.rules),
    )
    return concealing(report)


def contents_in(folded: Folded) -> dict[int, bytes]:
    """What the rows say that listed findings are about: see `Report.contents`."""
    import numpy as np

    from dsprep.engine.hiding import contents_of

    keys = {finding.key for tally in folded.tallies.values() for finding in tally.sorted() if finding.key is not None}
    return contents_of(folded.table, content_key, np.array(sorted(keys), np.uint64))


def hidden_in(session: Session, folded: Folded) -> tuple[Hidden, list[str]]:
    """What was found and is not shown, and notes on it."""
    if session.accepted is None:
        return Hidden(), []
    return session.accepted.settled(folded.sieve, [rule.meta.code for rule in session.rules])


def versions_of(rules: Iterable[Rule[Any]]) -> dict[str, str]:
    """What a result depends on beside input and settings: `python`, and `rulebook`, the SHA-256 of the rules with their
    options and severities and of dsprep's own code."""
    try:
        code = own_code()
    except (OSError, UnknowableError):  # it is in no folder, but in an archive
        code = VERSION.encode()
    digest = hashlib.sha256(code)
    for rule in rules:
        kind = type(rule)
        named = (f"{kind.__module__}.{kind.__qualname__}", rule.meta.code, str(rule.severity), kind.documentation())
        digest.update(json.dumps([*named, rule.options.model_dump(mode="json")], sort_keys=True).encode())
    return {"python": platform.python_version(), "rulebook": digest.hexdigest()}


def labels_note(stats: Mapping[str, Any]) -> list[str]:
    """Where the labels that balance is judged by come from, if there are any."""
    labels = stats.get("labels") or {}
    if not labels.get("source"):
        return []
    place = "the label field" if labels["source"] == "field" else "the assistant's short answers"
    return [f"labels are those of {place} ({labels['classes']:,} different ones)"]


def sort_summaries(summaries: Iterable[RuleSummary]) -> list[RuleSummary]:
    """Worst first: by severity, then by count, then by code."""
    return sorted(summaries, key=lambda s: (s.severity.rank, -s.tally.total, s.meta.code))


def settings_of(session: Session, command: str) -> dict[str, Any]:
    """The settings that decide the result, as JSON: never how many workers computed it, nor where it was written."""
    return {
        "command": command,
        "target": session.target.name,
        "encoding": session.context.encoding,
        "seed": session.settings.seed,
        "pack": session.settings.pack,
        "rules": [rule.meta.code for rule in session.rules],
        "options": {
            rule.meta.code: changed
            for rule in session.rules
            if (changed := rule.options.model_dump(mode="json", exclude_defaults=True, by_alias=True))
        },
        "severity": {code: str(severity) for code, severity in sorted(session.context.severities.items())},
        "max_findings": session.settings.max_findings,
        "unsafe_fixes": session.settings.unsafe_fixes,
        **_selection(session.settings),
        **({} if session.settings.price is None else {"price": session.settings.price.model_dump(mode="json")}),
        **({} if session.settings.redact == "label" else {"redact": session.settings.redact}),
    }


def _selection(settings: Settings) -> dict[str, list[str]]:
    """What was said of which rules to run and whose fixes to apply, as far as anything was."""
    names = ("select", "extend_select", "ignore", "fixable", "unfixable")
    return {name: list(dict.fromkeys(given)) for name in names if (given := getattr(settings, name))}


def _several(paths: Paths) -> Iterable[PathLike]:
    """A text is iterable, too: its letters are never what is meant."""
    return (paths,) if isinstance(paths, str | Path) else paths


def _split_in_name(path: str) -> str | None:
    words = re.split(r"[^a-z]+", Path(path).name.lower())
    found = {split for word in words if (split := known_as(word)) in SPLIT_NAMES}
    return found.pop() if len(found) == 1 else None


def _named_exactly(item: str, book: Rulebook) -> list[str]:
    if item.strip().upper() == "ALL":
        return book.codes
    codes = book.select([item], lambda code: False)  # DEFAULT names none
    return codes if len(codes) == 1 else []


def _options(settings: Settings) -> dict[str, dict[str, Any]]:
    pack = load_pack(settings.pack)
    merged = pack.rule_options()
    for name, options in settings.rules.items():
        code = pack.book.find(name)
        merged[code] = {**merged.get(code, {}), **with_underscores(options)}
    return merged


def _severities(settings: Settings) -> dict[str, Any]:
    pack = load_pack(settings.pack)
    find = pack.book.find
    return {find(name): severity for name, severity in (*pack.severity.items(), *settings.severity.items())}
