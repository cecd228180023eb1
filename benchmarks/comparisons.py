"""What is compared with what: the commands of each side, the goals, and what the two sides do differently.

A side is a whole process (see `measuring.py`); `run.py` runs the sides in turns. Where a
library alone is compared, the process says itself how long it took from texts in memory to its answer (`seconds`).
"""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import corpus
import environments
import grams
import truth

HERE = Path(__file__).parent
#: Numerical libraries use as many threads as they like unless told otherwise.
ONE_THREAD = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL", "NUMEXPR", "RAYON", "TOKIO_WORKER")} | {
    "TOKENIZERS_PARALLELISM": "false"
}
#: Up to so many examples every pair is compared, to know what there is to find; beyond, only what was planted is known.
ALL_PAIRS = 60_000


class UnavailableError(Exception):
    """A side cannot be run here; the message says why, in a sentence."""


@dataclass
class Ground:
    """What the sides of a comparison work on: the data, and an empty folder. `report` is where a script reports."""

    data: Path
    folder: Path
    workers: int

    @property
    def report(self) -> Path:
        return self.folder.parent / "report.json"

    @property
    def beside(self) -> Path:
        """For files that outlast a run: what was prepared, or is looked at afterwards."""
        return self.folder.parent

    @cached_property
    def texts(self) -> list[str]:
        return grams.texts(self.data)

    def text_file(self) -> Path:
        """The examples as `{"line": …, "text": …}`, for tools that know no chat."""
        file = self.data.with_suffix(".texts.jsonl")
        if not file.exists() or file.stat().st_mtime < self.data.stat().st_mtime:
            with file.open("w", encoding="utf-8") as out:
                for line, text in enumerate(self.texts, 1):
                    out.write(json.dumps({"line": line, "text": text}, ensure_ascii=False) + "\n")
        return file

    def faults(self) -> set[int] | None:
        """The lines that are known to be bad, if that is known."""
        file = self.data.with_suffix(".faults.jsonl")
        return {json.loads(line)["line"] for line in file.open(encoding="utf-8")} if file.exists() else None

    def pairs(self, words_in: Callable[[str], list[str]]) -> tuple[truth.Pairs, bool] | None:
        """The true pairs, and whether those are all; None if nothing is known of them."""
        if sum(1 for _ in self.data.open("rb")) > ALL_PAIRS:
            planted = self.data.with_suffix(".pairs.jsonl")
            return (truth.planted(planted), False) if planted.exists() else None
        file = self.data.with_suffix(f".{words_in.__name__}.json")
        if not file.exists() or file.stat().st_mtime < self.data.stat().st_mtime:
            file.write_text(json.dumps(list(truth.true_pairs(self.texts, words_in=words_in))))
        return dict.fromkeys(map(tuple, json.loads(file.read_text())), 1.0), True


@dataclass(frozen=True)
class Side:
    """One of those compared.

    `prepare` comes before each run and `look` after the last one, neither measured; `look` gives members for the
    result. A `scale` of 0.1 gives the side a tenth of the examples. `least_runs`: a side that takes next to nothing is
    run more often. Sides are run in this order, turn by turn.
    """

    name: str
    command: Callable[[Ground], list[str]]
    peer: str | None = None
    codes: tuple[int, ...] = (0,)
    environment: dict[str, str] = field(default_factory=dict)
    prepare: Callable[[Ground], None] | None = None
    look: Callable[[Ground], dict[str, Any]] | None = None
    reports: bool = False
    words_in: Callable[[str], list[str]] = grams.words_of
    scale: float = 1.0
    least_runs: int = 1


@dataclass(frozen=True)
class Goal:
    """A figure with what is aimed at: `figure` of side `of`, relative to that of side `against` if there is one.

    With `at_most`, the ratio is of : against, with `at_least`, against : of (how many times as fast); without a side to
    be against, bounds are of the figure itself. Without a bound it is shown only. `from_examples`: it is a goal for so
    many examples and more.
    """

    figure: str
    of: str
    against: str | None = None
    at_most: float | None = None
    at_least: float | None = None
    from_examples: int = 0
    per_example: bool = False


@dataclass(frozen=True)
class Comparison:
    """`plan` says what `run.py --full` does: runs by number of examples."""

    name: str
    title: str
    sides: tuple[Side, ...]
    goals: tuple[Goal, ...]
    notes: str
    plan: dict[int, int]
    #: For corpora that are not the usual one: further arguments of corpus.build.
    corpus: dict[str, float] = field(default_factory=dict)


def dsprep(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "dsprep", *arguments]


def lint(ground: Ground, *more: str) -> list[str]:
    """The whole default lint, nothing remembered from an earlier run."""
    return dsprep("lint", str(ground.data), "--isolated", "--no-cache", "-j", str(ground.workers), *more)


def script(name: str, *arguments: str, peer: str | None = None, reports: bool = True) -> Callable[[Ground], list[str]]:
    """A script of this folder on the data, in the environment of `peer`; a last argument names its report."""

    def command(ground: Ground) -> list[str]:
        python = environments.program(peer) if peer else sys.executable
        return [python, str(HERE / name), *arguments, str(ground.data), *([str(ground.report)] if reports else [])]

    return command


def kernel(name: str, path: str, *arguments: str, peer: str | None = None) -> Side:
    return Side(name, script(path, *arguments, peer=peer), peer=peer, environment=ONE_THREAD, reports=True)


# --- Whole runs against whole runs


LINT = Side("dsprep", lint, codes=(0, 1))

_LINT_NOTES = (
    "dsprep runs all its default rules: encoding, JSON, schema, conversations, tokens, exact, normalised and near"
    " duplicates, languages, special tokens, markup and more, and prints statistics and findings."
)


# --- Deduplicating a file


def copied(ground: Ground) -> None:
    shutil.copyfile(ground.data, ground.folder / "copy.jsonl")


def dedupe(ground: Ground) -> list[str]:
    rules = "exact-duplicate,normalized-duplicate,near-duplicate"
    options = ["--isolated", "--no-cache", "--fix", "--unsafe-fixes", "--fail-on", "never"]
    return dsprep("lint", "copy.jsonl", "--select", rules, *options, "-j", str(ground.workers))


def left_by_dsprep(ground: Ground) -> dict[str, Any]:
    """What is missing from the copy. Lines keep their order, and of equal ones the first one stays."""
    out: list[int] = []
    with ground.data.open("rb") as before, (ground.folder / "copy.jsonl").open("rb") as after:
        left = after.readline()
        for number, line in enumerate(before, 1):
            if line == left:
                left = after.readline()
            else:
                out.append(number)
    return {"taken_out": out}


def text_dedup(ground: Ground) -> list[str]:
    python = environments.program("text-dedup")
    options = {
        "path": "json",
        "data_files": str(ground.text_file()),
        "split": "train",
        "column": "text",
        "output": str(ground.folder / "out"),
        "threshold": str(grams.THRESHOLD),
        "num_perm": "128",
        "ngram": str(grams.WORDS),
        "num_proc": str(ground.workers),
    }
    return [python, "-m", "text_dedup.minhash", *(part for k, v in options.items() for part in (f"--{k}", v))]


def left_by_text_dedup(ground: Ground) -> dict[str, Any]:
    reader = str(HERE / "peers" / "text_dedup_kept.py")
    command = [environments.program("text-dedup"), reader, str(ground.folder / "out"), str(ground.report)]
    environment = {**os.environ, "PYTHONPATH": str(HERE)}
    subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return not_kept(ground, json.loads(ground.report.read_text())["kept"])


def not_kept(ground: Ground, kept: list[int]) -> dict[str, Any]:
    return {"taken_out": sorted(set(range(1, len(ground.texts) + 1)) - set(kept))}


def recipe(ground: Ground) -> None:
    """data-juicer's own format of a job: JSON is YAML, too."""
    job = {
        "project_name": "bench",
        "dataset_path": str(ground.text_file()),
        "export_path": str(ground.folder / "out" / "out.jsonl"),
        "np": ground.workers,
        "process": [
            {
                "document_minhash_deduplicator": {
                    "tokenization": "space",
                    "window_size": grams.WORDS,
                    "num_permutations": 128,
                    "jaccard_threshold": grams.THRESHOLD,
                }
            }
        ],
    }
    (ground.folder / "job.yaml").write_text(json.dumps(job))


def data_juicer(ground: Ground) -> list[str]:
    return [environments.program("data-juicer", "dj-process"), "--config", "job.yaml"]


def left_by_data_juicer(ground: Ground) -> dict[str, Any]:
    with (ground.folder / "out" / "out.jsonl").open(encoding="utf-8") as lines:
        return not_kept(ground, [json.loads(line)["line"] for line in lines])


DEDUPE = Side("dsprep", dedupe, codes=(0,), prepare=copied, look=left_by_dsprep)
NEAR = kernel("dsprep", "parts/near.py")


# --- A table


def table(ground: Ground) -> Path:
    """The questions and answers of the data as a CSV, with line ends and quotes in cells as they come."""
    file = ground.data.with_suffix(".csv")
    if not file.exists() or file.stat().st_mtime < ground.data.stat().st_mtime:
        part = file.with_suffix(".part")
        with ground.data.open("rb") as lines, part.open("w", encoding="utf-8", newline="") as out:
            writer = csv.writer(out)
            writer.writerow(("number", "question", "answer"))
            for number, line in enumerate(lines, 1):
                *_, question, answer = (message["content"] for message in json.loads(line)["messages"])
                writer.writerow((number, question, answer))
        part.rename(file)
    return file


def written(ground: Ground) -> None:
    table(ground)


def convert(ground: Ground) -> list[str]:
    options = [
        "--user",
        "question",
        "--assistant",
        "answer",
        "-j",
        str(ground.workers),
        "-o",
        "out.jsonl",
    ]
    return dsprep("convert", str(table(ground)), "--to", "chat", *options)


# --- What comes again


def growing(ground: Ground) -> list[str]:
    cache = ground.beside / "cache"
    file = ground.beside / "growing.jsonl"
    options = ["--isolated", "--cache-dir", str(cache), "-j", str(ground.workers)]
    return dsprep("lint", str(file), *options)


def first_time(ground: Ground) -> None:
    shutil.rmtree(ground.beside / "cache", ignore_errors=True)
    shutil.copyfile(ground.data, ground.beside / "growing.jsonl")


def one_more(ground: Ground) -> None:
    extra = {"messages": corpus.chat("You are a helpful assistant.", "How do I add one row?", "Append it to the file.")}
    with (ground.beside / "growing.jsonl").open("a", encoding="utf-8") as out:
        out.write(json.dumps(extra) + "\n")


# --- Ray


def on_two_nodes(ground: Ground) -> list[str]:
    try:
        import ray
    except ImportError as error:
        raise UnavailableError("Ray is not installed beside dsprep: pip install 'dsprep[ray]'") from error
    del ray
    arguments = ["lint", str(ground.data), "--isolated", "--no-cache", "--executor", "ray"]
    return [sys.executable, str(HERE / "parts" / "two_nodes.py"), *arguments, str(ground.report)]


# --- Starting


def ten_lines(ground: Ground) -> None:
    with ground.data.open("rb") as lines:
        (ground.folder / "ten.jsonl").write_bytes(b"".join(line for line, _ in zip(lines, range(10), strict=False)))


COMPARISONS: tuple[Comparison, ...] = (
    Comparison(
        "cookbook",
        "The whole default lint, and the public cookbook's checks",
        (LINT, Side("cookbook", script("peers/cookbook.py", reports=False))),
        (
            Goal("wall", "dsprep", "cookbook", at_most=1.0),
            Goal("cpu", "dsprep", "cookbook", at_most=2.0),
            Goal("peak", "dsprep", at_most=1.5e9, from_examples=500_000),
        ),
        f"{_LINT_NOTES} The cookbook's script checks the format of each example and counts tokens twice (all"
        " messages, and the assistant's alone), in one process; it finds no duplicates and no languages, and stops"
        " at the first line that is no JSON.",
        {52_000: 3, 500_000: 1},
    ),
    Comparison(
        "table",
        "A CSV converted to chat, and pandas reading it in chunks",
        (
            Side("dsprep", convert, prepare=written),
            Side("pandas", lambda g: [sys.executable, str(HERE / "peers" / "pandas_chunks.py"), str(table(g))]),
        ),
        (
            Goal("wall", "dsprep", "pandas", at_most=1.0),
            Goal("cpu", "dsprep", "pandas"),
            Goal("peak", "dsprep", at_most=300e6),
        ),
        "dsprep reads the table, finds out how it is written, and writes a chat file of it; the peer reads chunks of"
        " 100,000 rows, and writes nothing.",
        {52_000: 3, 500_000: 1},
    ),
    Comparison(
        "tiktoken",
        "The whole default lint, and tiktoken alone: the floor",
        (LINT, Side("tiktoken", script("peers/tiktoken_alone.py", reports=False))),
        (Goal("wall", "dsprep", "tiktoken"), Goal("cpu", "dsprep", "tiktoken")),
        f"{_LINT_NOTES} The peer reads each line with the standard library and encodes each text once.",
        {52_000: 3},
    ),
    Comparison(
        "datasets",
        "The whole default lint, and loading with Hugging Face datasets",
        (LINT, Side("datasets", script("peers/datasets_load.py", peer="datasets", reports=False), peer="datasets")),
        (Goal("wall", "dsprep", "datasets"), Goal("cpu", "dsprep", "datasets")),
        f"{_LINT_NOTES} The peer only loads the file, into an empty cache in Arrow format on disk.",
        {52_000: 3},
    ),
    Comparison(
        "cleanllm",
        "The whole default lint, and cleanllm scan",
        (
            LINT,
            Side(
                "cleanllm",
                lambda ground: [environments.program("cleanllm", "cleanllm"), "scan", str(ground.data)],
                peer="cleanllm",
            ),
        ),
        (Goal("wall", "dsprep", "cleanllm"), Goal("cpu", "dsprep", "cleanllm")),
        f"{_LINT_NOTES} The peer's scan, with its defaults, looks for missing keys, addresses of web pages,"
        " patterns, the programming language and the quality of code; it counts no tokens and finds no duplicates"
        " by default.",
        {20_000: 1},
    ),
    Comparison(
        "text-dedup",
        "Near-duplicates taken out of a file, and text-dedup's MinHash",
        (
            DEDUPE,
            Side(
                "text-dedup",
                text_dedup,
                peer="text-dedup",
                look=left_by_text_dedup,
                words_in=grams.text_dedup_words,
            ),
        ),
        (
            Goal("wall", "dsprep", "text-dedup", at_least=4.0),
            Goal("cpu", "dsprep", "text-dedup"),
        ),
        "Both read JSON lines and write what is left; the peer in Arrow format. Both are given the same number of"
        " processes, 128 permutations, five words and a threshold of 0.8. The peer believes its index: it takes"
        " out what shares a band, without comparing, and all of a chain but one. Its words are what stands between"
        " two characters that are no letters; recall and precision are by each tool's own words.",
        {52_000: 1},
    ),
    Comparison(
        "data-juicer",
        "Near-duplicates taken out of a file, and data-juicer's MinHash",
        (
            DEDUPE,
            Side(
                "data-juicer",
                data_juicer,
                peer="data-juicer",
                prepare=recipe,
                look=left_by_data_juicer,
                words_in=grams.data_juicer_words,
                # It would install what it misses in the middle of a run.
                environment={"UV_OFFLINE": "1"},
            ),
        ),
        (
            Goal("wall", "dsprep", "data-juicer", at_least=9.0),
            Goal("cpu", "dsprep", "data-juicer"),
        ),
        "As with text-dedup: the same processes, permutations, five words, threshold 0.8; output as JSON lines."
        " The peer believes its index. Its words are what stands between spaces, punctuation and line breaks"
        " included; recall and precision are by each tool's own words. All that it would install by itself was"
        " installed before.",
        {52_000: 1},
    ),
    Comparison(
        "near-datasketch",
        "The near-duplicate kernel, and datasketch as it comes",
        (NEAR, kernel("datasketch", "peers/datasketch_lsh.py", "default", peer="datasketch")),
        (
            Goal("seconds", "dsprep", "datasketch", at_least=3.0),
            Goal("recall", "dsprep", at_least=0.99),
            Goal("precision", "dsprep", at_least=0.99),
        ),
        "Texts in memory to clusters, one thread each, word 5-grams of the same words, 128 permutations, threshold"
        " 0.8. The peer has its defaults (SHA-1, bands for the threshold), by `update_batch`, and what its index"
        " returns is believed; dsprep verifies each pair on the texts.",
        {52_000: 3, 500_000: 1},
    ),
    Comparison(
        "near-datasketch-equal",
        "The near-duplicate kernel, and datasketch at equal recall",
        (NEAR, kernel("datasketch", "peers/datasketch_lsh.py", "equal", peer="datasketch")),
        (Goal("seconds", "dsprep", "datasketch", at_least=5.0),),
        "The same, with 32 bands of 4 for the peer, as many as dsprep has, and each pair that its index returns"
        " compared as sets, which were kept. Without the comparing the peer would take next to no less time, and"
        " its precision would be that of an index of 32 bands.",
        {52_000: 1},
    ),
    Comparison(
        "near-rensa",
        "The near-duplicate kernel, and rensa's deduplicator",
        (NEAR, kernel("rensa", "peers/rensa_lsh.py", "full", peer="rensa")),
        (Goal("seconds", "dsprep", "rensa"),),
        "The same texts, 5-grams, permutations and threshold. The peer checks the estimated similarity of what its"
        " index returns, and never the texts.",
        {52_000: 3, 500_000: 1},
    ),
    Comparison(
        "near-rensa-rho",
        "The near-duplicate kernel, and rensa's rho pipeline",
        (NEAR, kernel("rensa", "peers/rensa_lsh.py", "rho", peer="rensa")),
        (Goal("seconds", "dsprep", "rensa"),),
        "The pipeline of the peer's own benchmark, with its eight bands, on word 5-grams: it samples positions of"
        " tokens instead of reading all.",
        {52_000: 1},
    ),
    Comparison(
        "near-semhash",
        "The near-duplicate kernel, and semhash",
        (NEAR, kernel("semhash", "peers/semhash_static.py", peer="semhash")),
        (Goal("seconds", "dsprep", "semhash"),),
        "The peer looks for texts of like meaning, by embeddings and an index of neighbours, at its default"
        " threshold of 0.9; near-duplicates by words are a by-product. Its default model comes from a model hub."
        " Where that model is not on the machine, a stand-in of the same size and make, with weights drawn at"
        " random, takes its place: the time is that of the real one, and nothing is said about what it finds.",
        {52_000: 1},
    ),
    Comparison(
        "tokens",
        "Counting tokens, and a loop over tiktoken",
        (kernel("dsprep", "parts/counting.py"), kernel("tiktoken", "peers/tiktoken_loop.py")),
        (
            Goal("seconds", "dsprep", "tiktoken", at_least=2.0),
            Goal("same answer", "dsprep", "tiktoken", at_least=1.0),
        ),
        "Texts in memory to the number of tokens of each (cl100k_base), one thread each. The counts must be the"
        " same for every text.",
        {52_000: 3},
    ),
    Comparison(
        "validation",
        "Validating lines, and pydantic's BaseModel",
        (
            kernel("dsprep", "parts/validation.py", "lines"),
            kernel("pydantic", "peers/pydantic_models.py", "lines"),
            kernel("orjson alone", "peers/orjson_alone.py"),
        ),
        (
            Goal("seconds", "dsprep", "pydantic", at_least=5.0),
            Goal("bad lines found", "dsprep", at_least=1.0),
        ),
        "One line in a hundred is bad, in ten ways; which ones is known. A file to the faults of each bad line,"
        " one thread each. The peer parses and validates a line in one step, and forgets it. dsprep keeps the"
        " record for all other rules, with the place of each line in the file, and looks at encoding and duplicate"
        " keys. Decoding a line into something that other rules can look at, by the fastest decoder there is (orjson"
        " alone, which checks nothing), is the floor: five times as fast as pydantic is beyond it.",
        {52_000: 3},
        corpus={"bad": 0.01},
    ),
    Comparison(
        "validation-objects",
        "Validating alone, and pydantic's BaseModel",
        (
            kernel("dsprep", "parts/validation.py", "objects"),
            kernel("pydantic", "peers/pydantic_models.py", "objects"),
        ),
        (Goal("seconds", "dsprep", "pydantic", at_least=5.0), Goal("bad lines found", "dsprep", at_least=1.0)),
        "The same with records decoded beforehand on both sides: what remains is holding them to the schema. dsprep"
        " looks at the roles and texts of plain messages in a loop of Python, which takes about a microsecond a record,"
        " and asks pydantic about all other records.",
        {52_000: 3},
        corpus={"bad": 0.01},
    ),
    Comparison(
        "language",
        "Telling languages, and langdetect",
        (
            kernel("dsprep", "parts/language.py", "3000"),
            kernel("langdetect", "peers/langdetect_loop.py", "3000", "0"),
            kernel("langdetect, 300 characters", "peers/langdetect_loop.py", "3000", "300"),
        ),
        (
            Goal("seconds", "dsprep", "langdetect", at_least=25.0),
            Goal("seconds", "dsprep", "langdetect, 300 characters"),
        ),
        "The first 3,000 examples, models loaded beforehand, one thread each. dsprep reads the first 300"
        " characters of prose; so the peer is shown with whole texts and with 300 characters. What dsprep's rule"
        " then reports it confirms with langdetect, which is not in this figure.",
        {52_000: 1},
    ),
    Comparison(
        "growth",
        "How time and memory grow: a hundredth, a tenth, and all",
        (
            Side("a hundredth", lint, codes=(0, 1), scale=0.01, least_runs=3),
            Side("a tenth", lint, codes=(0, 1), scale=0.1),
            Side("all", lint, codes=(0, 1)),
        ),
        (
            Goal("wall", "a tenth", "a hundredth", at_most=1.1, per_example=True),
            Goal("wall", "all", "a tenth", at_most=1.1, per_example=True),
            Goal("wall", "all", "a hundredth", at_most=1.1, per_example=True),
            Goal("cpu", "a tenth", "a hundredth", at_most=1.1, per_example=True),
            Goal("cpu", "all", "a tenth", at_most=1.1, per_example=True),
            Goal("cpu", "all", "a hundredth", at_most=1.1, per_example=True),
            Goal("peak", "a tenth", at_most=1.5e9, from_examples=5_000_000),
            Goal("peak", "all", at_most=4e9, from_examples=5_000_000),
        ),
        "The whole default lint alone. Ratios are of the time per example; starting, about 0.4 s, is in all of them,"
        " which makes the smallest look a little worse than it is, and the ratios to it a little better.",
        {5_000_000: 1},
    ),
    Comparison(
        "again",
        "A second lint of what has not changed, or by one row",
        (
            Side("first", growing, codes=(0, 1), prepare=first_time),
            Side("unchanged", growing, codes=(0, 1)),
            Side("one row appended", growing, codes=(0, 1), prepare=one_more),
        ),
        (
            Goal("wall", "unchanged", "first", at_most=0.05),
            Goal("cpu", "unchanged", "first", at_most=0.05),
            Goal("wall", "one row appended", "first", at_most=0.10),
            Goal("cpu", "one row appended", "first", at_most=0.10),
        ),
        "The whole default lint with dsprep's cache: empty before the first run, kept for the others. With a row"
        " appended, about these seconds of the profiled run remain: bands of all signatures joined anew 1.0, the report"
        " written 1.2, the file read and hashed, and cut at its borders, 0.9, the report kept for the next run 0.7,"
        " texts of contradicting answers read again 0.5, the piece with the new row checked 0.5, states of the other"
        " pieces loaded 0.3, starting 0.4. What all rows together decide is worked out anew on purpose.",
        {500_000: 1},
    ),
    Comparison(
        "ray",
        "Ray on two nodes of this machine, and processes",
        (
            Side("ray", on_two_nodes, reports=True),
            Side("processes", lambda ground: lint(ground, "--executor", "processes"), codes=(0, 1)),
        ),
        (Goal("seconds", "ray", "processes", at_most=1.5),),
        "The whole default lint. Two Ray nodes with one core each are started beforehand; the time is that of the"
        " command, which connects to them, against that of the command with two processes.",
        {500_000: 1},
    ),
    Comparison(
        "start",
        "Starting",
        (
            Side("--help", lambda _: dsprep("--help"), least_runs=10),
            Side(
                "ten lines",
                lambda _: dsprep("lint", "ten.jsonl", "--isolated", "--no-cache"),
                codes=(0, 1),
                prepare=ten_lines,
                least_runs=10,
            ),
            Side("python", lambda _: [sys.executable, "-c", "pass"], least_runs=10),
        ),
        (Goal("wall", "--help", at_most=0.15), Goal("wall", "ten lines", at_most=0.5)),
        "`dsprep --help`, `dsprep lint` of a file of ten lines, and a Python that does nothing.",
        {52_000: 1},
    ),
)
