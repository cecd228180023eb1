"""Run a command as a whole process and measure it: wall and CPU seconds, and the peak of memory of its process tree."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path

#: A look at a large process tree takes the kernel some time; looking takes at most one part in so many of all time.
_LOOKING = 50


@dataclass(frozen=True)
class Measured:
    """What one run took. Seconds; bytes; the exit code; None of `code` if it was stopped for taking too long."""

    wall: float
    cpu: float
    peak: int
    code: int | None


def resident(pid: int) -> tuple[int, int]:
    """Resident bytes of a process and all below it, pages shared between them counted once each; and the most that any
    one of them ever had."""
    total = most = 0
    waiting = [pid]
    while waiting:
        process = waiting.pop()
        try:
            total += _kilobytes(f"/proc/{process}/smaps_rollup", "Pss:") * 1024
            most = max(most, _kilobytes(f"/proc/{process}/status", "VmHWM:") * 1024)
            for task in Path(f"/proc/{process}/task").iterdir():
                waiting += map(int, (task / "children").read_text().split())
        except (OSError, ValueError):
            continue
    return total, most


def _kilobytes(file: str, field: str) -> int:
    return sum(int(line.split()[1]) for line in Path(file).read_text().splitlines() if line.startswith(field))


def measure(
    command: list[str], environment: dict[str, str], folder: Path, output: Path, *, most_seconds: float
) -> Measured:
    """Run `command` in `folder`, its output to the file `output`, and stop it with all below it after `most_seconds`.

    CPU seconds are those of the process and of all its children that it waited for. The peak is the largest sum over
    the process tree that was seen, looking every twentieth of a second or, at large trees, less often; but at least
    the largest that any one process of it had been by then, which the system keeps. (What `wait4` says of that is of
    no use: it holds this process's own memory, too.)
    """
    peak = 0
    stop = threading.Event()
    with output.open("wb") as out:
        start = time.perf_counter()
        process = subprocess.Popen(
            command,
            env=environment,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

        def look() -> None:
            nonlocal peak
            took = 0.0
            while not stop.wait(max(0.05, _LOOKING * took)):
                before = time.perf_counter()
                peak = max(peak, *resident(process.pid))
                took = time.perf_counter() - before

        watcher = threading.Thread(target=look)
        watcher.start()
        late = threading.Event()

        def end() -> None:
            late.set()
            os.killpg(process.pid, signal.SIGKILL)

        timer = threading.Timer(most_seconds, end)
        timer.start()
        try:
            _, status, usage = os.wait4(process.pid, 0)
            wall = time.perf_counter() - start
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            raise
        finally:
            timer.cancel()
            stop.set()
            watcher.join()
        process.returncode = os.waitstatus_to_exitcode(status)
    code = None if late.is_set() else process.returncode
    return Measured(wall, usage.ru_utime + usage.ru_stime, peak, code)
