"""`dsprep convert`: tables and other people's formats into chat, and back."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dsprep.cli import options

if TYPE_CHECKING:
    from dsprep.api import ConvertResult, Progress


def command(
    paths: Annotated[
        list[str],
        typer.Argument(metavar="FILE", help="Files to convert; - reads standard input.", parser=options.file_named),
    ],
    to: Annotated[
        str,
        typer.Option(
            "--to",
            metavar="FORMAT",
            help="chat, preference, preference-trl, prompt-completion, alpaca, sharegpt, mistral, vertex, "
            "bedrock-converse, bedrock-claude, chatml, llama3 or llama2.",
        ),
    ] = "chat",
    output: Annotated[
        str | None,
        typer.Option(
            "--output", "-o", metavar="FILE", help="File to write; - for standard output (default: NAME.TO.jsonl)."
        ),
    ] = None,
    system: options.System = None,
    user: options.User = None,
    assistant: options.Assistant = None,
    label: options.Label = None,
    group: options.Group = None,
    keep: Annotated[
        list[str] | None, typer.Option(metavar="COLUMNS", help="Columns to keep as metadata (comma-separated).")
    ] = None,
    records: options.Records = None,
    assistant_speaker: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="In a chat or transcript, who is the assistant; may be repeated."),
    ] = None,
    silence: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="In a chat, so long a silence ends a conversation (default: 3h; 0: none)."),
    ] = None,
    pack: Annotated[
        int | None,
        typer.Option(metavar="N", min=2, help="Make one conversation of N rows whose system message is the same."),
    ] = None,
    normalise: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KINDS",
            help="Normalise texts: ftfy, nfc, line-ends, whitespace (comma-separated). NAME.changes.jsonl beside the "
            "output has what was changed, and `dsprep undo` takes it back.",
        ),
    ] = None,
    mapping_file: options.MappingFile = None,
    explain: Annotated[
        bool,
        typer.Option("--explain", help="Print how columns would be mapped, as a file for --mapping; write nothing."),
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace an output file that is there.")] = False,
    workers: options.Workers = None,
    executor: options.Executor = None,
    address: options.Address = None,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Print nothing but how many rows were rejected.")
    ] = False,
) -> None:
    """Turn tables and other formats into chat JSON lines, or back.

    With no mapping at all, text and label columns are recognised, and what was assumed is said. Rows that cannot be
    converted are written whole to NAME.rejected.jsonl beside NAME.jsonl. Exit code 0: all rows
    were written; 1: rows were rejected; 2: the input or the command line cannot be used.
    """
    from dsprep import api
    from dsprep.cli.console import progress
    from dsprep.opening import shown, without_packing
    from dsprep.reports import counted
    from dsprep.text.normalising import SHOWN

    mapping = options.mapping(
        mapping_file,
        system=system,
        user=user,
        assistant=assistant,
        label=label,
        group=group,
        keep=options.listed(keep),
        pack=pack,
    )
    records = records or (mapping.records if mapping is not None else None)
    if assistant_speaker or silence is not None:
        records = _cut(records, assistant_speaker or [], silence)
    if explain:
        typer.echo(api.explain(paths, mapping=mapping, records=records), nl=False)
        return
    target = output or f"{'stdin' if paths[0] == '-' else Path(without_packing(shown(paths[0]))).stem}.{to}.jsonl"
    if target != "-" and Path(target).exists() and not force:
        typer.echo(f"error: {target} is there already; name another file with --output, or --force", err=True)
        raise typer.Exit(2)

    if target == "-" and (normalise or (mapping is not None and mapping.normalise)):
        typer.echo("error: what is normalised is noted in a file beside the output; name one with --output", err=True)
        raise typer.Exit(2)

    def run(file: str | Path, bar: Progress) -> ConvertResult:
        return api.convert(
            paths,
            file,
            to=to,
            mapping=mapping,
            records=records,
            normalise=options.listed(normalise),
            workers=workers,
            executor=executor,
            address=address,
            progress=bar,
        )

    with progress(quiet) as bar:
        result = _to_stdout(run, bar) if target == "-" else run(target, bar)
    if not quiet:
        for note in result.notes:
            typer.echo(note, err=True)
        for kept, rows in _together(result.kept):
            place = "metadata" if to == "chat" else "columns"
            typer.echo(f"{to} has no place of its own for {kept}: kept as {place} in {rows:,} rows", err=True)
        for loss, rows in result.lost.most_common():
            typer.echo(f"{to} cannot carry {loss}: left out of {rows:,} rows", err=True)
        name = "standard output" if target == "-" else target
        for kind, (texts, records_in) in result.normalised.items():
            typer.echo(f"{SHOWN[kind]}: {counted(texts, 'text')} in {counted(records_in, 'record')}", err=True)
        if result.changes_file is not None:
            typer.echo(f"what they were is in {result.changes_file}; dsprep undo takes it back", err=True)
        what = f"{result.rows_out:,}"
        if result.made == "conversations":
            what = f"{counted(result.rows_out, 'conversation')} of {counted(result.units_out, 'row')}"
        elif result.made == "examples":
            what = counted(result.rows_out, "example")
        typer.echo(f"{counted(result.rows_in, 'row')} in, {what} written to {name}", err=True)
    if result.rejected:
        unit = "example" if result.made == "examples" else "row"
        for reason, rows in result.rejected.most_common():
            place = f"; they are in {result.rejected_file}" if target != "-" else ""
            typer.echo(f"{counted(rows, unit)} rejected: {reason}{place}", err=True)
        raise typer.Exit(1)


def _together(counts: Counter[str]) -> list[tuple[str, int]]:
    """Names with their numbers of rows, those with the same number in one."""
    named: dict[int, list[str]] = {}
    for name, rows in counts.most_common():
        named.setdefault(rows, []).append(name)
    return [(", ".join(names), rows) for rows, names in named.items()]


def _cut(records: str | None, assistants: Sequence[str], silence: str | None) -> str:
    """How a chat is cut into conversations, as `--records` says it."""
    from dsprep.text.transcripts import SILENCE, ConversationCut, CutError, seconds

    if records is not None:
        raise typer.BadParameter("chats have no --records: leave one of the two out", param_hint="--records")
    try:
        cut = ConversationCut(tuple(assistants), SILENCE if silence is None else seconds(silence))
    except CutError as error:
        raise typer.BadParameter(str(error), param_hint="--silence") from error
    return str(cut)


def _to_stdout(run: Callable[[Path, Progress], ConvertResult], bar: Progress) -> ConvertResult:
    """Convert into a temporary file and copy that: a failure half-way prints nothing."""
    import shutil
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "out.jsonl"
        result = run(file, bar)
        with file.open("rb") as stream:
            shutil.copyfileobj(stream, sys.stdout.buffer)
        sys.stdout.flush()
    return result
