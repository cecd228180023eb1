"""Run a dsprep command on a Ray cluster of two nodes of one core each, on this machine; its time without the cluster's.

python benchmarks/parts/two_nodes.py lint DATA.jsonl … --executor ray REPORT.json
"""

from __future__ import annotations

import subprocess
import sys

from ray.cluster_utils import Cluster
from reporting import Stopwatch, report


def main() -> None:
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    try:
        cluster.add_node(num_cpus=1)
        cluster.wait_for_nodes()
        watch = Stopwatch()
        done = subprocess.run(
            [sys.executable, "-m", "dsprep", *sys.argv[1:-1], "--address", cluster.address], check=False
        )
        took = watch.read()
    finally:
        cluster.shutdown()
    if done.returncode not in (0, 1):
        sys.exit(f"dsprep ended with exit code {done.returncode}")
    report(seconds=took["seconds"])


if __name__ == "__main__":
    main()
