"""A short form of tests/load.py."""

import json
import os
import sys
from pathlib import Path

from harness import run


def test_sixteen_processes_for_ten_seconds():
    done = run(sys.executable, "-B", Path(__file__).parent / "load.py", "--processes", 16,
               "--seconds", 10, "--connectors", 300, "--ttl", 1, "--patience", 60,
               *(["--seed", seed] if (seed := os.environ.get("BIGDATAFS_SEED")) else []),
               deadline=110)
    print(done.stdout, done.stderr)
    assert done.returncode == 0
    figures = json.loads(done.stdout)
    assert all(figures["faults"].values()), "not every fault came"
    assert figures["deletes_asked"] >= figures["deletes_sent"] > 0
