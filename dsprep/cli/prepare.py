"""`dsprep prepare`: the whole way from raw files to splits with a report."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from dsprep.cli import options, outputs

if TYPE_CHECKING:
    from dsprep.api import PrepareResult


class FailOn(StrEnum):
    ERROR = "error"
    NEVER = "never"


class Dedupe(StrEnum):
    NONE = "none"
    EXACT = "exact"
    NORMALIZED = "normalized"
    NEAR = "near"


def command(
    paths: Annotated[
        list[str],
        typer.Argument(metavar="FILE", help="Files to prepare: CSV, JSON, JSON lines.", parser=options.file_named),
    ],
    out: Annotated[
        str,
        typer.Option("--out", "-o", metavar="FOLDER", help="Folder for the splits, the report and the manifest."),
    ],
    system: options.System = None,
    user: options.User = None,
    assistant: options.Assistant = None,
    label: options.Label = None,
    group: options.Group = None,
    records: options.Records = None,
    mapping_file: options.MappingFile = None,
    split: options.Shares = "0.9/0.1",
    dedupe: Annotated[Dedupe, typer.Option(help="Which duplicates to take out.")] = Dedupe.NORMALIZED,
    keep_best: Annotated[
        bool, typer.Option("--keep-best", help="Of near-duplicates keep the longest with the commonest answer.")
    ] = False,
    keep: options.Keep = None,
    compare: options.Compare = None,
    benchmark: options.Benchmark = None,
    unsafe_fixes: Annotated[
        bool | None,
        typer.Option(
            "--unsafe-fixes/--no-unsafe-fixes",
            help="Apply fixes that change meaning or drop rows, too (duplicates go by --dedupe alone).",
        ),
    ] = None,
    redact: options.RedactAs = None,
    redact_key: options.RedactKey = None,
    target: options.Target = None,
    encoding: options.Encoding = None,
    pack: options.Pack = None,
    select: options.Select = None,
    ignore: options.Ignore = None,
    extend_select: options.ExtendSelect = None,
    fail_on: Annotated[
        FailOn | None,
        typer.Option(help="Exit with 1 if errors stand in the files that were written (the default), or never."),
    ] = None,
    output_format: options.OutputFormats = None,
    card: Annotated[
        bool | None,
        typer.Option("--card/--no-card", help="Write a dataset card (README.md, croissant.json); the default."),
    ] = None,
    name: Annotated[
        str | None, typer.Option("--pretty-name", metavar="TEXT", help="What the card calls the data set.")
    ] = None,
    licence: Annotated[
        str | None,
        typer.Option(
            "--license", metavar="NAME|URL", help="The licence on the card, such as cc-by-4.0 (default: unknown)."
        ),
    ] = None,
    seed: options.Seed = None,
    config: options.Config = None,
    isolated: options.Isolated = False,
    workers: options.Workers = None,
    executor: options.Executor = None,
    address: options.Address = None,
    memory_limit: options.MemoryLimit = None,
    no_cache: options.NoCache = False,
    cache_dir: options.CacheDir = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing; the report is in the folder.")] = False,
    verbose: options.Verbose = False,
) -> None:
    """All of it: convert, check, mend, dedupe, split, report.

    Writes files that the target accepts, with a report and a certificate. Rows that it would not take go to
    rejected.jsonl, whole, each with its place and reason; nothing is lost. Columns that are no part of a conversation
    are left out, as most targets refuse them; `dsprep convert --keep` keeps them.

    Exit code 0: no errors in the files that were written; 1: some; 2: the input or the command line cannot be used.
    """
    settings = options.settings(
        config,
        isolated,
        verbose,
        target=target,
        encoding=encoding,
        pack=pack,
        select=options.listed(select),
        ignore=options.listed(ignore),
        extend_select=options.listed(extend_select),
        unsafe_fixes=unsafe_fixes,
        redact=redact,
        redact_key=redact_key,
        fail_on=fail_on,
        seed=seed,
        compare=compare,
        workers=workers,
        executor=executor,
        address=address,
        memory_limit=memory_limit,
        no_cache=no_cache,
        cache_dir=cache_dir,
    )
    if keep is not None and keep_best:
        raise typer.BadParameter("--keep-best is a choice of its own; leave out --keep or --keep-best")
    settings = options.with_choices(settings, benchmark=benchmark, keep=keep)
    settings = options.with_card(settings, write=card, name=name, license=licence)
    from dsprep import api
    from dsprep.cli.console import progress
    from dsprep.config import Output, outputs_from

    # Without a file, `full` is what this command prints anyway.
    asked = [output for output in outputs_from(output_format or ()) if output != Output("full")]
    outputs.check(asked, paths)
    mapping = options.mapping(mapping_file, system=system, user=user, assistant=assistant, label=label, group=group)
    records = records or (mapping.records if mapping is not None else None)
    with progress(quiet) as bar:
        result = api.prepare(
            paths,
            out,
            mapping=mapping,
            records=records,
            split=split,
            dedupe=dedupe.value,
            keep_best=keep_best,
            settings=settings,
            progress=bar,
        )
    if not quiet and not any(output.file is None and output.format != "github" for output in asked):
        _print(result)
    outputs.write(result.report, settings, asked)
    if result.report.errors:
        raise typer.Exit(2)
    raise typer.Exit(int(result.remaining > 0 and settings.fail_on != "never"))


def _print(result: PrepareResult) -> None:
    """What was assumed, what was found, where the rows went: the last lines are those that a person reads first."""
    from dataclasses import replace

    from dsprep.cli.console import console
    from dsprep.reports.terminal import render_full, render_notes

    screen = console()
    render_notes(result.report, screen)
    render_full(replace(result.report, notes=[]), screen, examples=2)
    funnel = result.report.funnel
    typer.echo("")
    typer.echo(f"{funnel.rows_in:,} {'row' if funnel.rows_in == 1 else 'rows'} in")
    for step in funnel.out:
        typer.echo(f"  {step.rows:>9,}  {step.name}.jsonl")
    for step in funnel.rejected:
        typer.echo(f"  {step.rows:>9,}  rejected.jsonl  {step.reason}")
    found = result.manifest["certificate"]["found"]
    if any(found.values()):
        named = ", ".join(f"{name.replace('_', ' ')} {n:,}" for name, n in found.items() if n)
        typer.echo(f"Checked between the splits: {named}")
    else:
        names = ", ".join(name.replace("_", " ") for name in found)
        typer.echo(f"Checked between the splits, none found: {names}")
    typer.echo(f"Report: {result.folder / 'report.html'}")
    if result.card.written:
        typer.echo(f"Card: {result.folder / next(iter(result.card.written))}")
    for note in result.card.notes:
        typer.echo(f"note: {note}")
