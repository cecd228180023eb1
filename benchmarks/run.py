"""Compare dsprep with its peers: every side a whole process, in turns, in one run. Prints ratios and keeps them.

    python benchmarks/run.py [--examples 52000] [--only NAME,…] [--runs 3] [--data FILE] [--workers 2] [--docs]
    python benchmarks/run.py --full --docs        all comparisons at their sizes; see docs/benchmarks.md
    python benchmarks/run.py --list               what there is to compare, and at which sizes --full does
    python benchmarks/run.py --only none --docs   write docs/benchmarks.md anew from results.json

Figures go to benchmarks/results.json: those of the same comparison and size are replaced, others stay, so long ones
need not be repeated. (--full, and another machine, begin anew.) Peers are installed when first needed, each into an
environment of its own; corpora are built when first needed and kept. Both lie in ~/.cache/dsprep-bench, or in
DSPREP_BENCH_CACHE. The machine should do nothing else meanwhile.
"""

from __future__ import annotations

import argparse
import datetime
import hashlib
import importlib.metadata
import json
import os
import platform
import shutil
import subprocess
import sys
import time
from itertools import islice
from pathlib import Path
from typing import Any

import corpus
import environments
import page
import truth
from comparisons import COMPARISONS, HERE, Comparison, Ground, Side, UnavailableError
from measuring import measure

RESULTS = HERE / "results.json"
PAGE = HERE.parent / "docs" / "benchmarks.md"
#: A run that takes longer is stopped and counts as failed.
MOST_SECONDS = 1800.0


class FailedError(Exception):
    """A run ended otherwise than it should; the message is the last that it said."""


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    cpu = platform.processor() or platform.machine()
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            cpu = line.partition(":")[2].strip()
            break
    memory = next(line for line in Path("/proc/meminfo").read_text().splitlines() if line.startswith("MemTotal"))
    return {
        "cpu": cpu,
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(int(memory.split()[1]) / (1 << 20)),
        "system": f"{platform.system()} {platform.release().split('-')[0]}",
        "python": platform.python_version(),
    }


def revision() -> str:
    """dsprep's version and commit, with a plus where files were changed since."""
    try:
        commit = subprocess.run(
            ["git", "-C", str(HERE), "describe", "--always", "--dirty=+", "--exclude=*"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        commit = ""
    return f"{importlib.metadata.version('dsprep')} {commit}".strip()


def built(examples: int, arguments: dict[str, float]) -> Path:
    """A corpus of that many examples, built unless it is there: its name holds all that decides on its bytes."""
    sources = b"".join((HERE / name).read_bytes() for name in ("corpus.py", "grams.py"))
    decides = sources + platform.python_version().encode() + json.dumps(arguments, sort_keys=True).encode()
    folder = environments.folder() / "corpora"
    file = folder / f"{examples}-{hashlib.sha256(decides).hexdigest()[:12]}.jsonl"
    if not file.exists():
        folder.mkdir(parents=True, exist_ok=True)
        print(f"building {file} …", file=sys.stderr, flush=True)
        started = file.with_name(f"being-built-{os.getpid()}.jsonl")
        corpus.build(started, examples, **arguments)  # type: ignore[arg-type]
        for kind in ("pairs", "faults"):
            if (beside := started.with_suffix(f".{kind}.jsonl")).exists():
                beside.replace(file.with_suffix(f".{kind}.jsonl"))
        started.replace(file)
    return file


def head(data: Path, scale: float, folder: Path) -> Path:
    """The first lines of a file that was given."""
    if scale == 1:
        return data
    count = sum(1 for _ in data.open("rb"))
    file = folder / f"head-{scale}.jsonl"
    with data.open("rb") as lines, file.open("wb") as out:
        out.writelines(islice(lines, int(count * scale)))
    return file


def run_once(side: Side, ground: Ground, environment: dict[str, str]) -> dict[str, Any]:
    """One run of a side in an empty folder: its figures, and what it reported."""
    shutil.rmtree(ground.folder, ignore_errors=True)
    ground.folder.mkdir()
    ground.report.unlink(missing_ok=True)
    if side.prepare:
        side.prepare(ground)
    own = {"HF_DATASETS_CACHE": str(ground.folder / "hf"), "XDG_CACHE_HOME": str(ground.folder / "cache")}
    if side.peer != "semhash":  # whose model, if there is one, lies in the usual place
        own["HF_HOME"] = str(ground.folder / "hf-home")
    output = ground.beside / "output.txt"
    took = measure(
        side.command(ground),
        {**environment, **own, **side.environment},
        ground.folder,
        output,
        most_seconds=MOST_SECONDS,
    )
    if took.code not in side.codes:
        last = output.read_text("utf-8", "replace").strip().splitlines()[-1:]
        what = f"stopped after {MOST_SECONDS:.0f} s" if took.code is None else f"exit code {took.code}"
        raise FailedError(f"{what}; it last said: {last[0][:200] if last else 'nothing'}")
    reported = json.loads(ground.report.read_text()) if side.reports else {}
    return {"wall": took.wall, "cpu": took.cpu, "peak": took.peak, **reported}


def judged(side: Side, ground: Ground, reported: dict[str, Any]) -> dict[str, Any]:
    """What a side answered, held against what is known to be true; lists of lines become figures."""
    out: dict[str, Any] = {}
    if "taken_out" in reported:
        known = ground.pairs(side.words_in)
        if known is not None:
            quality = truth.Quality.of(known[0], set(reported["taken_out"]), complete=known[1])
            out.update(true_pairs=quality.pairs, taken_out=quality.taken_out, recall=round(quality.recall, 4))
            if quality.precision is not None:
                out["precision"] = round(quality.precision, 4)
    if "bad" in reported:
        faults, said = ground.faults(), set(reported["bad"])
        if faults is not None:
            out["bad lines"] = len(faults)
            out["bad lines found"] = round(len(faults & said) / max(1, len(faults)), 6)
            out["good lines called bad"] = len(said - faults)
    for name in ("answer", "tokens", "english", "examples", "bands", "candidates", "found", "stand_in"):
        if name in reported:
            out[name] = reported[name]
    return out


def compare(
    comparison: Comparison, examples: int, runs: int, data: Path | None, workers: int, work: Path
) -> dict[str, Any]:
    """One comparison at one size, as it goes into the results."""
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    vocabulary = work / "vocabulary"
    subprocess.run([sys.executable, HERE / "vocabulary.py", vocabulary], check=True, stdout=subprocess.DEVNULL)
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("DSPREP_")},
        "PYTHONPATH": str(HERE),
        "TIKTOKEN_CACHE_DIR": str(vocabulary),
        "HF_HUB_OFFLINE": "1",
        "NO_COLOR": "1",
    }
    grounds = {}
    for scale in {side.scale for side in comparison.sides}:
        file = head(data, scale, work) if data else built(int(examples * scale), comparison.corpus)
        grounds[scale] = Ground(file, work / "run", workers)
    load = os.getloadavg()[0]
    start = time.perf_counter()
    sides: dict[str, dict[str, Any]] = {}
    for side in comparison.sides:
        try:
            if side.peer:
                environments.program(side.peer)
            sides[side.name] = {"wall": [], "cpu": [], "peak": []}
        except environments.NotInstalledError as error:
            sides[side.name] = {"why": f"pip could not install it: {error}"}
    turns = max(runs, *(side.least_runs for side in comparison.sides))
    for turn in range(turns):
        for side in comparison.sides:
            kept, ground = sides[side.name], grounds[side.scale]
            if "why" in kept or turn >= max(runs, side.least_runs):
                continue
            try:
                one = run_once(side, ground, environment)
                for name in ("wall", "cpu", "peak"):
                    kept[name].append(round(one[name], 3))
                if "seconds" in one:
                    kept.setdefault("seconds", []).append(round(one["seconds"], 3))
                if turn == max(runs, side.least_runs) - 1:
                    kept.update(judged(side, ground, {**one, **(side.look(ground) if side.look else {})}))
            except (FailedError, UnavailableError) as error:
                sides[side.name] = {"why": str(error)}
    for side in comparison.sides:
        if side.peer and "why" not in sides[side.name]:
            sides[side.name]["versions"] = environments.versions(side.peer)
    largest = grounds[max(grounds)].data
    entry = {
        "comparison": comparison.name,
        "examples": sum(1 for _ in largest.open("rb")),
        "bytes": largest.stat().st_size,
        "data": data.name if data else "",
        "workers": workers,
        "runs": runs,
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "dsprep": revision(),
        "load": round(load, 2),
        "took": round(time.perf_counter() - start, 1),
        "sides": sides,
    }
    shutil.rmtree(work)
    return entry


def kept_results(here: dict[str, Any]) -> dict[str, Any]:
    """The results so far, unless they are of another machine."""
    if not RESULTS.exists():
        return {"machine": here, "results": {}}
    results: dict[str, Any] = json.loads(RESULTS.read_text("utf-8"))
    if results["machine"] != here:
        print("results.json is of another machine or Python, and is begun anew", file=sys.stderr)
        return {"machine": here, "results": {}}
    return results


def main() -> None:
    parser = argparse.ArgumentParser(
        description=(__doc__ or "").splitlines()[0], epilog="More in benchmarks/run.py and docs/benchmarks.md."
    )
    parser.add_argument("--examples", type=int, default=52_000, help="size of the corpus")
    parser.add_argument("--only", default="", help="comparisons by name, with commas between")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--data", type=Path, help="a file of chat JSON lines, instead of a corpus")
    parser.add_argument("--workers", type=int, default=2, help="processes for either side, where it takes several")
    parser.add_argument("--full", action="store_true", help="all comparisons at their sizes, from empty results")
    parser.add_argument("--docs", action="store_true", help="write docs/benchmarks.md")
    parser.add_argument("--list", action="store_true", help="list the comparisons")
    args = parser.parse_args()
    names = [name for name in args.only.split(",") if name and name != "none"]
    unknown = set(names) - {comparison.name for comparison in COMPARISONS}
    if unknown:
        parser.error(f"no comparison is called {', '.join(sorted(unknown))}; see --list")
    if args.list:
        for comparison in COMPARISONS:
            sizes = ", ".join(f"{size:,}" for size in comparison.plan)
            print(f"{comparison.name:22} {comparison.title} ({sizes})")
        return
    chosen = [comparison for comparison in COMPARISONS if comparison.name in names or not args.only]
    if not args.full and not args.only:
        # What is only telling at its own size.
        chosen = [comparison for comparison in chosen if comparison.name != "growth"]
    results = kept_results(machine())
    if args.full and not names:
        results = {"machine": machine(), "results": {}}
    work = environments.folder() / f"work-{os.getpid()}"
    print(page.HEADINGS)
    sizes = sorted({size for comparison in chosen for size in comparison.plan}) if args.full else [args.examples]
    for size in sizes:
        for comparison in chosen:
            if args.full and size not in comparison.plan:
                continue
            runs = comparison.plan[size] if args.full else args.runs
            data = args.data.resolve() if args.data else None
            entry = compare(comparison, size, runs, data, args.workers, work)
            results["results"][f"{comparison.name}@{data.name if data else size}"] = entry
            RESULTS.write_text(json.dumps(results, indent=1, sort_keys=True) + "\n", "utf-8")
            print("\n".join(page.rows(comparison, entry)), flush=True)
    if args.docs:
        PAGE.write_text(page.rendered(json.loads(RESULTS.read_text("utf-8"))), "utf-8")
        print(f"wrote {PAGE}", file=sys.stderr)


if __name__ == "__main__":
    main()
