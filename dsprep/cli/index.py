"""`dsprep index`: an index of near-duplicates that grows with the data, and what of new data is in it."""

from __future__ import annotations

import io
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dsprep.cli import options

if TYPE_CHECKING:
    from dsprep.model.match import Comparison

app = typer.Typer(
    help="Know what was there before: an index of near-duplicates that grows with the data.", no_args_is_help=True
)

Index = Annotated[Path, typer.Argument(metavar="INDEX", help="The file of the index.")]
Files = Annotated[
    list[str],
    typer.Argument(metavar="FILE", help="Files to read; - reads standard input.", parser=options.file_named),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing unless there is something to do about it.")]


class InfoFormat(StrEnum):
    TEXT = "text"
    JSON = "json"


class FailOn(StrEnum):
    EXACT = "exact"
    NORMALIZED = "normalized"
    NEAR = "near"
    NEVER = "never"


@app.command("add")
def add(
    index: Index,
    paths: Files,
    system: options.System = None,
    user: options.User = None,
    assistant: options.Assistant = None,
    label: options.Label = None,
    records: options.Records = None,
    workers: options.Workers = None,
    quiet: Quiet = False,
) -> None:
    """Add the examples of files to the index: all of them, or none if anything goes wrong.

    The index is made if there is none. Rows that it has are not added again, so adding a file twice changes nothing.
    Exit code 0: every row is in the index; 1: rows are no conversations; 2: a file or the command line cannot be used.
    """
    from dsprep import api
    from dsprep.cli.console import progress
    from dsprep.reports import counted, visible

    mapping = options.mapping(system=system, user=user, assistant=assistant, label=label)
    with progress(quiet) as bar:
        done = api.index_add(index, paths, mapping=mapping, records=records, workers=workers, progress=bar)
    if not quiet:
        for note in done.notes:
            typer.echo(f"note: {visible(note)}", err=True)
        repeated = f", {done.repeated:,} equal to one of these" if done.repeated else ""
        known = f", {done.known:,} known already" if done.known else ""
        typer.echo(f"{counted(done.rows, 'row')} read: {done.added:,} added to {visible(str(index))}{repeated}{known}")
    if done.unusable:
        some = "is no conversation and was" if done.unusable == 1 else "are no conversations and were"
        typer.echo(f"{counted(done.unusable, 'row')} {some} not added; `dsprep lint` says why", err=True)
        raise typer.Exit(1)


@app.command("query")
def query(
    index: Index,
    paths: Files,
    threshold: Annotated[
        float, typer.Option(metavar="SIMILARITY", help="Jaccard similarity from which rows are near-duplicates.")
    ] = 0.8,
    new: Annotated[
        Path | None,
        typer.Option(
            "--new", metavar="FILE", help="Write the rows that are new to this file.", callback=options.in_a_folder
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the file of --new if it is there.")] = False,
    fail_on: Annotated[
        FailOn | None,
        typer.Option(help="Least alike that makes the exit code 1 (default: near; with --new, none does)."),
    ] = None,
    output_format: Annotated[options.Format, typer.Option(help="How to print what is found.")] = options.Format.FULL,
    output_file: options.OutputFile = None,
    system: options.System = None,
    user: options.User = None,
    assistant: options.Assistant = None,
    label: options.Label = None,
    records: options.Records = None,
    workers: options.Workers = None,
    quiet: Quiet = False,
) -> None:
    """Say which rows of files are in the index already: equal, equal but for spelling, or nearly the same.

    The index is not changed. Exit code 0: nothing as alike as --fail-on says, and every row was compared; 1: something
    was found, or rows are no conversations; 2: the index, a file or the command line cannot be used.
    """
    if new is not None and new.exists() and not force:
        typer.echo(f"error: {new} is there already; name another file with --new, or --force", err=True)
        raise typer.Exit(2)
    from dsprep import api
    from dsprep.cli.console import progress
    from dsprep.model.match import MatchKind

    mapping = options.mapping(system=system, user=user, assistant=assistant, label=label)
    with progress(quiet) as bar:
        found = api.index_query(
            index,
            paths,
            threshold=threshold,
            new=new,
            mapping=mapping,
            records=records,
            workers=workers,
            progress=bar,
        )
    for_people = output_file is None and output_format in (options.Format.FULL, options.Format.CONCISE)
    if not (quiet and for_people and not found.unusable and (new is not None or not found.matches)):
        _print(found, output_format, output_file)
    if fail_on is FailOn.NEVER:
        raise typer.Exit
    if fail_on is None:
        # With --new, what was found has been dealt with.
        raise typer.Exit(found.exit_code(MatchKind.NEAR if new is None else None))
    raise typer.Exit(found.exit_code(MatchKind(fail_on.value)))


@app.command("remove")
def remove(
    index: Index,
    sources: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE", help="Files, as they were called when they were added.", parser=options.file_named
        ),
    ],
    quiet: Quiet = False,
) -> None:
    """Take out of the index what was added from files. The files themselves need not be there any more.

    Rows that another file of the index has, too, stay. Exit code 0: done; 2: the index has no such file.
    """
    from dsprep import api
    from dsprep.reports import counted, visible

    done = api.index_remove(index, sources)
    if not quiet:
        kept = f"; {done.kept:,} of them stay, as other files have them" if done.kept else ""
        typer.echo(f"{counted(done.rows, 'row')} removed from {visible(str(index))}{kept}")


@app.command("info")
def info(
    index: Index,
    output_format: Annotated[InfoFormat, typer.Option(help="How to print.")] = InfoFormat.TEXT,
) -> None:
    """Say what is in the index: rows by file, its size, and what it was made with."""
    from dsprep import api
    from dsprep.reports import counted, encoded, plain, visible

    found = api.index_info(index)
    if output_format is InfoFormat.JSON:
        import orjson

        value = {
            "path": found.path,
            "bytes": found.size,
            "free": found.free,
            "examples": found.examples,
            "units": found.units,
            "sources": [{"path": name, "rows": rows} for name, rows in found.rows.items()],
            "parameters": dict(found.parameters),
        }
        sys.stdout.buffer.write(encoded(plain(value), orjson.OPT_INDENT_2) + b"\n")
        return
    same = found.examples - found.units
    spelled = f" ({same:,} of them like another but for spelling)" if same else ""
    from rich.filesize import decimal

    free = f" ({decimal(found.free)} of it free for rows to come)" if found.free > found.size / 100 else ""
    size = f"{decimal(found.size)}{free}"
    typer.echo(f"{visible(found.path)}: {counted(found.examples, 'example')}{spelled}, {size}")
    for name, rows in found.rows.items():
        typer.echo(f"{rows:>12,}  {visible(name)}")
    known = found.parameters
    typer.echo(
        f"Made by dsprep {visible(str(known.get('dsprep')))}: runs of {known.get('shingle_words')} words,"
        f" {known.get('permutations')} permutations in {known.get('bands')} bands"
    )


def _print(found: Comparison, output_format: options.Format, file: Path | None) -> None:
    from dsprep.cli.console import console, written
    from dsprep.reports import matches

    if output_format in (options.Format.JSON, options.Format.JSONL):
        written(matches.dumps_json(found) if output_format is options.Format.JSON else matches.dumps_jsonl(found), file)
        return
    text = io.StringIO()
    target = console(text) if file is not None else console()
    if output_format is options.Format.CONCISE:
        matches.render_concise(found, target)
    else:
        matches.render_full(found, target)
    if file is not None:
        written(text.getvalue().encode("utf-8", "replace"), file)
