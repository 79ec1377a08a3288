"""What is asked of the service for a grep -r of everything: cold, warm, and after ttl."""

import json
import time

from benchmarks.measure import timed
from benchmarks.report import Table, count, say, seconds
from benchmarks.trees import ALL

TTL = {1000: 5, 10000: 30}  # seconds; longer than the passes take, so that none renews the list


def run(stage, report):
    table = Table("grep -r of everything: requests to the service", "connectors", "pass",
                  "requests", "DELETE", "took", "answers")
    for size, ttl in [(n, s) for n, s in TTL.items() if n in stage.options.sizes]:
        with stage.service(size) as sandbox:
            mount = stage.mount(sandbox, ttl=ttl)
            before = 0
            say(f"requests: {size:,} connectors")
            for name in ("cold, mount included", "second", "warm", f"after ttl={ttl} s, no change",
                         "warm"):
                if "ttl" in name:
                    time.sleep(ttl + 1)  # it is the clock that makes a list old
                took = timed(ALL["grep -r"], mount.path)
                seen = sandbox.seen()
                new, before = seen[before:], len(seen)
                deletes = sum(request.method == "DELETE" for request in new)
                table.add(f"{size:,}", name, count(len(new)), deletes, seconds(took),
                          ", ".join(answers(sandbox, len(new))) or "-")
            mount.unmount()
    report.add(table)


def answers(sandbox, last):
    """Status and bytes of the last few requests, from the access log."""
    lines = sandbox.access_log.read_text().splitlines() if last else []
    return [f"{entry['status']}, {entry['bytes']:,} bytes"
            for entry in map(json.loads, lines[-last:])] if last else []
