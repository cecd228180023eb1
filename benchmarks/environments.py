"""An environment for each peer, outside this repository, because what they depend on does not go together.

Made when first needed, with pip, in ~/.cache/dsprep-bench (or DSPREP_BENCH_CACHE). `PINS` is the one place that says
which versions are compared.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

#: What is installed for each peer, in one go. The first one is the peer itself.
PINS: dict[str, list[str]] = {
    "datasketch": ["datasketch==2.0.0"],
    "rensa": ["rensa==0.5.0"],
    # model2vec reads the embedding model, tokenizers makes the stand-in for it.
    "semhash": ["semhash==0.5.0", "model2vec>=0.10,<0.11", "tokenizers>=0.23,<0.24"],
    # 0.4.1 needs Python 3.12.
    "text-dedup": ["text-dedup==0.4.0", "datasets>=5.2,<6"],
    # aiohttp is imported but not declared; the others it would install by itself in the middle of a run. (Where a
    # machine has a CPU build of torch among its wheels, that is what this takes.)
    "data-juicer": ["py-data-juicer==1.6.1", "aiohttp>=3.10,<4", "scipy>=1.14,<2", "ray>=2.50,<3", "torch==2.13.0"],
    "cleanllm": ["cleanllm==4.0.0"],
    "datasets": ["datasets>=5.2,<6"],
}


class NotInstalledError(Exception):
    """A peer cannot be installed here; the message is what pip said last."""


def folder() -> Path:
    return Path(os.environ.get("DSPREP_BENCH_CACHE") or Path.home() / ".cache" / "dsprep-bench")


def program(peer: str, name: str = "python") -> str:
    """A program of the peer's environment, which is made if it is not there, or not as `PINS` has it."""
    home = folder() / peer
    made = home / "made-from.json"
    if not made.exists() or json.loads(made.read_text()) != PINS[peer]:
        shutil.rmtree(home, ignore_errors=True)
        print(f"installing {', '.join(PINS[peer])} into {home} …", file=sys.stderr, flush=True)
        venv.create(home, with_pip=True, symlinks=True)
        pip = [str(home / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        done = subprocess.run([*pip, *PINS[peer]], capture_output=True, text=True, check=False)
        if done.returncode:
            said = [line for line in (done.stdout + done.stderr).splitlines() if line.startswith("ERROR")]
            raise NotInstalledError((said or ["pip failed"])[-1].removeprefix("ERROR: "))
        made.write_text(json.dumps(PINS[peer]))
    return str(home / "bin" / name)


def versions(peer: str) -> dict[str, str]:
    """The versions of what `PINS` names, as installed."""
    names = [pin.split(">")[0].split("=")[0] for pin in PINS[peer]]
    code = "import sys, importlib.metadata as m; print('\\n'.join(m.version(n) for n in sys.argv[1:]))"
    done = subprocess.run([program(peer), "-c", code, *names], capture_output=True, text=True, check=True)
    return dict(zip(names, done.stdout.split(), strict=True))
