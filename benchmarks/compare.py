"""Time `dsprep lint` against the yardstick on one corpus, in turns, and print ratios.

    python benchmarks/compare.py [--examples 50000] [--runs 3] [--workers N] [--data FILE]

Both are whole processes that read the same file; the vocabulary that the yardstick needs is put where tiktoken looks.
Peak memory is the largest of dsprep's processes, and, measured apart, the sum of all of them.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

HERE = Path(__file__).parent


def resident(pid: int) -> int:
    """Resident bytes of a process and all below it, pages shared between them counted once each."""
    total = 0
    waiting = [pid]
    while waiting:
        process = waiting.pop()
        try:
            fields = Path(f"/proc/{process}/smaps_rollup").read_text()
            total += sum(int(line.split()[1]) for line in fields.splitlines() if line.startswith("Pss:")) * 1024
            for task in Path(f"/proc/{process}/task").iterdir():
                waiting += map(int, (task / "children").read_text().split())
        except (OSError, ValueError):
            continue
    return total


def timed(command: list[str], environment: dict[str, str], watch: bool = False) -> tuple[float, float, int, int]:
    """Wall seconds, CPU seconds, exit code, and, if watched, the peak of resident bytes of the whole process tree."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    peak = 0
    if watch:
        stop = threading.Event()

        def look() -> None:
            nonlocal peak
            while not stop.wait(0.05):
                peak = max(peak, resident(process.pid))

        thread = threading.Thread(target=look)
        thread.start()
        code = process.wait()
        stop.set()
        thread.join()
    else:
        code = process.wait()
    wall = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return wall, cpu, code, peak


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--examples", type=int, default=50_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--data", type=Path)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        data = args.data or Path(folder) / "corpus.jsonl"
        if args.data is None:
            subprocess.run([sys.executable, HERE / "corpus.py", data, "--examples", str(args.examples)], check=True)
        vocabulary = Path(folder) / "vocabulary"
        subprocess.run([sys.executable, HERE / "vocabulary.py", vocabulary], check=True, stdout=subprocess.DEVNULL)
        environment = {**os.environ, "TIKTOKEN_CACHE_DIR": str(vocabulary)}
        ours = [sys.executable, "-m", "dsprep", "lint", str(data), "--isolated", "-j", str(args.workers)]
        theirs = [sys.executable, str(HERE / "cookbook.py"), str(data)]
        print(
            f"{data.stat().st_size / 1e6:.0f} MB, {args.workers} workers, {os.cpu_count()} cores, Python",
            sys.version.split()[0],
        )
        walls, cpus = [], []
        for run in range(args.runs):
            a, b = timed(ours, environment), timed(theirs, environment)
            walls.append(a[0] / b[0])
            cpus.append(a[1] / b[1])
            print(
                f"run {run + 1}: dsprep {a[0]:.2f} s wall, {a[1]:.2f} s CPU (exit {a[2]}); "
                f"cookbook {b[0]:.2f} s wall, {b[1]:.2f} s CPU (exit {b[2]})"
            )
        peak = timed(ours, environment, watch=True)[3]
        print(f"wall: {statistics.median(walls):.2f} x the cookbook's; CPU: {statistics.median(cpus):.2f} x")
        print(f"peak memory of all dsprep's processes together: {peak / 1e6:.0f} MB")


if __name__ == "__main__":
    main()
