"""The tools of the server for agents, and how they are run: one at a time, in a thread, in one folder."""

from __future__ import annotations

import logging
import os
import re
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Final, Literal, TypeVar

import anyio
import anyio.from_thread
import anyio.to_thread
from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ResourceNotFoundError, ToolError
from mcp_types import ToolAnnotations
from pydantic import Field

from dsprep import api
from dsprep.agent import answers
from dsprep.agent.places import Places
from dsprep.api.failing import sentence
from dsprep.catalog.packs import load_pack
from dsprep.catalog.pages import rule_page
from dsprep.catalog.registry import Rulebook, UnknownNameError
from dsprep.config import Settings, load_settings
from dsprep.formats import FORMATS
from dsprep.formats import Mapping as ColumnMapping
from dsprep.model.source import InputError
from dsprep.reports import visible
from dsprep.reports.diff import render_change
from dsprep.version import VERSION

T = TypeVar("T")

log = logging.getLogger("dsprep.agent")

INSTRUCTIONS: Final = (
    "dsprep checks, mends, converts and splits data for fine-tuning language models. Begin with `lint`; `explain` says "
    "what a rule is about; `fix` shows what it would change and writes only if told so; `prepare` makes training and "
    "validation files of raw data. Files are named as seen from the server's folder, and none outside of it can be "
    f"used. {answers.NOTICE}"
)
#: Seconds between reports of progress.
_STEP: Final = 0.5
#: What queries of databases begin with: tables are named, queries are not taken from agents.
_QUERY: Final = re.compile(r"\s*(?:select|with|pragma|attach|values|explain)\b", re.IGNORECASE)

Files = Annotated[
    list[str],
    Field(description="Files, folders or patterns such as data/*.jsonl, seen from the server's folder.", min_length=1),
]
Target = Annotated[
    str | None,
    Field(description="The fine-tuning backend and model that will read the data, such as openai:gpt-4o-mini."),
]
Pack = Annotated[str | None, Field(description="The rule pack: a name, or a YAML file in the server's folder.")]
Rules = Annotated[
    list[str] | None,
    Field(description="Rules instead of the pack's: codes, names, prefixes such as TOK, DEFAULT, ALL."),
]
Ignored = Annotated[list[str] | None, Field(description="Rules not to run.")]
Some = Annotated[int, Field(description="How many findings to list; all are counted.", ge=0, le=200)]
Column = Annotated[str | None, Field(description="A column or field, or a template with {column} in it.")]
Records = Annotated[
    str | None, Field(description="Where records are nested in JSON, such as questions[], or a sheet or table by name.")
]
Overwrite = Annotated[bool, Field(description="Whether what is there may be replaced.")]


class _Watching:
    """Progress as the engine tells it, told to the client from the thread that works."""

    def __init__(self, context: Context[Any]) -> None:
        self._context = context
        self._stage, self._done, self._total, self._said = "", 0, 0, 0.0
        #: Stages follow each other, and the number told must never fall.
        self._before = 0

    def begin(self, stage: str, total: int) -> None:
        self._before += self._done
        self._stage, self._done, self._total = stage, 0, total
        self._tell()

    def advance(self, amount: int) -> None:
        self._done += amount
        if time.monotonic() - self._said > _STEP:
            self._tell()

    def _tell(self) -> None:
        self._said = time.monotonic()
        done, total = self._before + self._done, self._before + self._total
        anyio.from_thread.run(partial(self._context.report_progress, done, total, self._stage))


class Desk:
    """What the tools do, without the protocol: arguments in, answers out. Raises what `api` raises."""

    def __init__(
        self, root: Path, *, urls: bool = False, config: Sequence[str] = (), isolated: bool = False, workers: int = 1
    ) -> None:
        self.places = Places(root, urls=urls)
        self._config = config
        self._isolated = isolated
        self._workers = workers

    def settings(self, **overrides: Any) -> Settings:
        """The settings of a call: those of the folder's configuration file, with what the call says."""
        pack = overrides.get("pack")
        if pack is not None and ("/" in pack or os.sep in pack or pack.endswith((".yaml", ".yml"))):
            (overrides["pack"],) = self.places.readable([pack])
        made, _ = load_settings(
            self._config,
            isolated=self._isolated,
            start=Path(self.places.root),
            overrides={**overrides, "workers": self._workers},
        )
        # What only looks leaves nothing behind.
        return made.model_copy(update={"cache": False})

    def lint(self, files: list[str], most: int, settings: Settings, watching: Any = None) -> answers.LintResult:
        report = api.lint(self.places.readable(files), settings=settings, progress=watching)
        return answers.linted(report, most)

    def would_fix(self, files: list[str], most: int, settings: Settings, watching: Any = None) -> answers.FixOutcome:
        book = load_pack(settings.pack).book
        rules: Counter[str] = Counter()
        shown: list[answers.ChangeShown] = []
        records = dropped = unseen = 0
        for path, change in api.diff(self.places.readable(files), settings=settings, progress=watching):
            rules.update(change.rules)
            records += change.line is not None
            dropped += change.after is None and bool(change.before.strip())
            if len(shown) >= most:
                unseen += 1
                continue
            text = render_change(path, change.line, change.before, change.after)
            place, _, does = text.partition("\n")
            names = [f"{code} {book.kind(code).meta.name}" for code in change.rules]
            shown.append(
                answers.ChangeShown(place=answers.quoted(place, 200), rules=names, change=answers.change(does))
            )
        return answers.FixOutcome(
            written=False,
            fixes=sum(rules.values()),
            records=records,
            rows_dropped=dropped,
            by_rule=dict(sorted(rules.items())),
            changes=shown,
            changes_left_out=unseen,
            files=[],
            ledgers=[],
            left=None,
        )

    def fix(self, files: list[str], most: int, settings: Settings, watching: Any = None) -> answers.FixOutcome:
        found = self.places.readable(files)
        for file in found:
            # A ledger goes beside each file, where a link may lie in wait.
            self.places.writable(f"{file}.changes")
        if settings.ledger is not None:
            self.places.writable(str(settings.ledger))
        done = api.fix(found, settings=settings, progress=watching)
        left = answers.linted(done.report, most)
        return answers.FixOutcome(
            written=bool(done.files),
            fixes=sum(done.fixed.values()),
            records=None,
            rows_dropped=None,
            by_rule=dict(sorted(done.fixed.items())),
            changes=[],
            changes_left_out=0,
            files=[visible(file) for file in done.files],
            ledgers=[visible(file) for file in done.ledgers],
            left=left,
        )

    def explain(self, rule: str, pack: str | None) -> answers.Explanation:
        loaded = load_pack(self.settings(pack=pack).pack)
        code = loaded.book.find(rule)
        meta = loaded.book.kind(code).meta
        page = rule_page(code, loaded.book, loaded.rule_options().get(code, {}))
        return answers.Explanation(code=code, name=meta.name, severity=str(meta.severity), page=page)

    def rules(self, select: list[str] | None, pack: str | None) -> list[answers.Rule]:
        book = load_pack(self.settings(pack=pack).pack).book
        return [answers.rule_of(book.kind(code).meta) for code in (book.codes if not select else book.select(select))]

    def stats(self, files: list[str], settings: Settings, watching: Any = None) -> answers.Statistics:
        report = api.stats(self.places.readable(files), settings=settings, progress=watching)
        stats = answers.bounded(report.stats)
        return answers.Statistics(rows=report.funnel.rows_in, stats=stats, notes=answers.notes(report.notes))

    def prepare(
        self, files: list[str], out: str, settings: Settings, *, overwrite: bool, watching: Any = None, **choices: Any
    ) -> answers.PrepareOutcome:
        folder = self.places.writable(out)
        if folder.is_dir() and any(folder.iterdir()):
            if not overwrite:
                raise InputError(f"{out} is not empty; choose another folder, or set `overwrite`")
            for inner in folder.iterdir():
                self.places.writable(str(inner))
        found = self.places.readable(files)
        done = api.prepare(found, folder, settings=settings, progress=watching, **choices)
        funnel = done.report.funnel
        between: Mapping[str, int] = done.manifest["certificate"]["found"]
        return answers.PrepareOutcome(
            folder=visible(str(folder)),
            files=sorted(visible(file.name) for file in folder.iterdir() if file.is_file()),
            rows_in=funnel.rows_in,
            rows_out={step.name: step.rows for step in funnel.out},
            rows_rejected=answers.counts({step.reason or step.name: step.rows for step in funnel.rejected}),
            errors_left=done.remaining,
            found_between_splits=dict(between),
            report=answers.linted(done.report, 10),
        )

    def convert(
        self, files: list[str], output: str, *, overwrite: bool, watching: Any = None, **choices: Any
    ) -> answers.ConvertOutcome:
        file = self.places.writable(output)
        if file.exists() and not overwrite:
            raise InputError(f"{output} is there already; choose another name, or set `overwrite`")
        found = self.places.readable(files)
        done = api.convert(found, file, workers=self._workers, progress=watching, **choices)
        return answers.ConvertOutcome(
            output=visible(done.output),
            rows_in=done.rows_in,
            rows_out=done.rows_out,
            rejected=answers.counts(done.rejected),
            rejected_file=visible(done.rejected_file) if done.rejected_file else None,
            lost=answers.counts(done.lost),
            notes=answers.notes(done.notes),
        )


def mapping_of(**columns: str | None) -> ColumnMapping | None:
    """The mapping that a call names; None if it names no column, so that it is inferred."""
    given = {name: value for name, value in columns.items() if value is not None}
    return ColumnMapping.model_validate(given) if given else None


def _records(records: str | None) -> str | None:
    if records is not None and (_QUERY.match(records) or ";" in records):
        raise InputError("records are named by a path, a sheet or a table; queries are not taken here")
    return records


def server_for(desk: Desk, *, read_only: bool = False) -> MCPServer[Any]:
    """The server. With `read_only`, it has no tool that writes."""
    server: MCPServer[Any] = MCPServer(
        "dsprep",
        title="dsprep: data for fine-tuning",
        instructions=INSTRUCTIONS,
        version=VERSION,
        log_level="WARNING",
    )
    one_at_a_time = anyio.Lock()
    urls = desk.places.urls

    async def answered(work: Callable[[], T]) -> T:
        """What `work` gives, done in a thread. What goes wrong is a sentence for the agent, never a traceback."""
        async with one_at_a_time:
            try:
                return await anyio.to_thread.run_sync(work)
            except Exception as error:
                if not type(error).__module__.startswith("dsprep."):
                    log.error("a tool failed", exc_info=error)
                raise ToolError(visible(sentence(error))) from None

    looking = ToolAnnotations(read_only_hint=True, idempotent_hint=True, open_world_hint=urls)
    writing = ToolAnnotations(read_only_hint=False, destructive_hint=True, idempotent_hint=True, open_world_hint=urls)

    @server.tool(title="Check data", annotations=looking)
    async def lint(
        ctx: Context[Any],
        paths: Files,
        target: Target = None,
        pack: Pack = None,
        select: Rules = None,
        ignore: Ignored = None,
        records: Records = None,
        max_findings: Some = 20,
    ) -> answers.LintResult:
        """Find what is wrong with fine-tuning data, down to the line and field, and whether the target would take it.

        Writes nothing. Several files are one data set; train/validation/test in their names tell splits apart.
        """
        chosen = {"target": target, "pack": pack, "select": select, "ignore": ignore}
        return await answered(
            lambda: desk.lint(paths, max_findings, desk.settings(**chosen, records=_records(records)), _Watching(ctx))
        )

    @server.tool(title="Explain a rule", annotations=looking)
    async def explain(
        rule: Annotated[str, Field(description="A code such as TOK001, or a name such as too-many-tokens.")],
        pack: Pack = None,
    ) -> answers.Explanation:
        """The page of a rule: what it finds, why that matters, an example, the fix, the options, the source."""
        return await answered(lambda: desk.explain(rule, pack))

    @server.tool(title="List rules", annotations=looking)
    async def rules(select: Rules = None, pack: Pack = None) -> list[answers.Rule]:
        """The rules that there are, a line each."""
        return await answered(lambda: desk.rules(select, pack))

    @server.tool(title="Figures of data", annotations=looking)
    async def stats(
        ctx: Context[Any], paths: Files, target: Target = None, records: Records = None
    ) -> answers.Statistics:
        """Figures of a data set: rows, turns, tokens, labels, languages. Writes nothing."""
        return await answered(
            lambda: desk.stats(paths, desk.settings(target=target, records=_records(records)), _Watching(ctx))
        )

    if read_only:

        @server.tool(title="Show what fixes would change", annotations=looking)
        async def fix(
            ctx: Context[Any],
            paths: Files,
            unsafe: Annotated[bool, Field(description="Fixes that drop rows or change the meaning, too.")] = False,
            target: Target = None,
            pack: Pack = None,
            select: Rules = None,
            ignore: Ignored = None,
            max_changes: Some = 20,
        ) -> answers.FixOutcome:
            """Show what the fixes of rules would change in JSON-lines files. This server writes nothing."""
            chosen = {"target": target, "pack": pack, "select": select, "ignore": ignore, "unsafe_fixes": unsafe}
            return await answered(lambda: desk.would_fix(paths, max_changes, desk.settings(**chosen), _Watching(ctx)))

    else:
        _add_writing_tools(server, desk, answered, writing)

    @server.resource(
        "dsprep://rules/{code}",
        title="The page of a rule",
        description="Markdown: what it finds, why that matters, an example, the fix, the source.",
        mime_type="text/markdown",
    )
    def page(code: str) -> str:
        try:
            return rule_page(Rulebook().find(code))
        except UnknownNameError as error:
            raise ResourceNotFoundError(visible(str(error))) from None

    @server.resource(
        "dsprep://schema/report",
        title="JSON Schema of the report",
        description="What `dsprep lint --output-format json` writes.",
        mime_type="application/schema+json",
    )
    def schema() -> str:
        return (resources.files("dsprep.reports") / "report.schema.json").read_text("utf-8")

    return server


def _add_writing_tools(
    server: MCPServer[Any], desk: Desk, answered: Callable[..., Any], writing: ToolAnnotations
) -> None:
    @server.tool(title="Mend data", annotations=writing)
    async def fix(
        ctx: Context[Any],
        paths: Files,
        write: Annotated[bool, Field(description="Write the files; otherwise only show what would change.")] = False,
        unsafe: Annotated[bool, Field(description="Fixes that drop rows or change the meaning, too.")] = False,
        target: Target = None,
        pack: Pack = None,
        select: Rules = None,
        ignore: Ignored = None,
        max_changes: Some = 20,
    ) -> answers.FixOutcome:
        """Mend JSON-lines files by the fixes of rules. Without `write` nothing is written: it shows what would change.

        With `write`, files are rewritten in place, and every change is put down in FILE.changes beside each, by which
        `dsprep undo FILE.changes` takes it back.
        """
        chosen = {"target": target, "pack": pack, "select": select, "ignore": ignore, "unsafe_fixes": unsafe}
        work = desk.fix if write else desk.would_fix
        outcome: answers.FixOutcome = await answered(
            lambda: work(paths, max_changes, desk.settings(**chosen), _Watching(ctx))
        )
        return outcome

    @server.tool(title="Prepare data", annotations=writing)
    async def prepare(
        ctx: Context[Any],
        paths: Files,
        out: Annotated[str, Field(description="Folder for the splits, the report and the manifest.")],
        target: Target = None,
        split: Annotated[
            str,
            Field(description="Shares: train/validation as in 0.9/0.1, or train/validation/test as in 0.8/0.1/0.1."),
        ] = "0.9/0.1",
        dedupe: Annotated[
            Literal["none", "exact", "normalized", "near"], Field(description="Which duplicates to take out.")
        ] = "normalized",
        unsafe: Annotated[bool, Field(description="Fixes that drop rows or change the meaning, too.")] = False,
        system: Column = None,
        user: Column = None,
        assistant: Column = None,
        label: Column = None,
        records: Records = None,
        seed: Annotated[int, Field(description="Decides what goes into which split.", ge=0)] = 0,
        overwrite: Overwrite = False,
    ) -> answers.PrepareOutcome:
        """Make training files of raw data: convert, check, mend, take out duplicates, split, report.

        Rows that the target would not take go to rejected.jsonl, whole, each with its reason. Inputs stay as they are.
        """

        def work() -> answers.PrepareOutcome:
            return desk.prepare(
                paths,
                out,
                desk.settings(target=target, seed=seed, unsafe_fixes=unsafe),
                overwrite=overwrite,
                watching=_Watching(ctx),
                mapping=mapping_of(system=system, user=user, assistant=assistant, label=label),
                records=_records(records),
                split=split,
                dedupe=dedupe,
            )

        outcome: answers.PrepareOutcome = await answered(work)
        return outcome

    @server.tool(title="Convert data", annotations=writing)
    async def convert(
        ctx: Context[Any],
        paths: Files,
        output: Annotated[str, Field(description="The file to write: JSON lines.")],
        to: Annotated[str, Field(description=f"The format to write: one of {', '.join(FORMATS)}.")] = "chat",
        system: Column = None,
        user: Column = None,
        assistant: Column = None,
        label: Column = None,
        records: Records = None,
        overwrite: Overwrite = False,
    ) -> answers.ConvertOutcome:
        """Write rows in another format. What it cannot hold is said; rows that do not fit go to a file beside."""

        def work() -> answers.ConvertOutcome:
            return desk.convert(
                paths,
                output,
                overwrite=overwrite,
                watching=_Watching(ctx),
                to=to,
                mapping=mapping_of(system=system, user=user, assistant=assistant, label=label),
                records=_records(records),
            )

        outcome: answers.ConvertOutcome = await answered(work)
        return outcome


def serve(
    root: Path,
    *,
    read_only: bool = False,
    allow_urls: bool = False,
    config: Sequence[str] = (),
    isolated: bool = False,
    workers: int = 1,
) -> None:
    """Serve the agent at standard input and output until it goes."""
    config = [item if "=" in item else os.path.abspath(item) for item in config]
    desk = Desk(root, urls=allow_urls, config=config, isolated=isolated, workers=workers)
    os.chdir(desk.places.root)  # so that names are seen from there, in settings as well
    server_for(desk, read_only=read_only).run("stdio")
