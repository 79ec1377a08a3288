"""List all connectors and print one attribute of each, against curl and jq."""

import time

from benchmarks.measure import Failed, Samples, output, timed
from benchmarks.report import Table, count, say, seconds, times
from harness.ledger import LIST_PATH

LABELS = "printf '%s\\0' */label | xargs -0 cat"  # 100,000 names are too many for one exec
JQ = "jq -r '.results[] | select(.archived | not) | .label'"


def curl(sandbox, *words):
    """A curl command for the list of a service."""
    return " ".join(["curl", "-sSf", "-H", f"'X-API-KEY: {sandbox.key}'", *words,
                     f"{sandbox.source}{LIST_PATH}"])


def run(stage, report):
    table = Table("one attribute of each connector, against curl and jq", "connectors", "latency",
                  "curl | jq", "mount, cat */label", "cat */label again", "warm",
                  "ratio, mount included", "ratio, warm", "requests")
    for size in stage.options.sizes:
        for latency in stage.options.latencies:
            if latency and size >= 100000:
                table.note("100,000 connectors with latency: it adds the same to both, once")
                continue
            say(f"attribute: {size:,} connectors, {latency} ms")
            with stage.service(size, latency) as sandbox:
                measure(stage, table, sandbox, size, latency)
    report.add(table)


def measure(stage, table, sandbox, size, latency):
    samples, task, asked = Samples(), f"{curl(sandbox)} | {JQ}", 0
    for _ in range(stage.options.repeat if size < 10000 else min(3, stage.options.repeat)):
        samples.add("curl", timed(task, stage.directory))
        before = len(sandbox.requests())
        start = time.monotonic()
        mount = stage.mount(sandbox)
        mounted = time.monotonic() - start
        samples.add("cold", mounted + timed(LABELS, mount.path))
        samples.add("second", timed(LABELS, mount.path))
        samples.add("warm", *(timed(LABELS, mount.path) for _ in range(3)))
        asked = max(asked, len(sandbox.requests()) - before)
        same = sorted(output(LABELS, mount.path).splitlines())
        mount.unmount()
    if same != sorted(output(task).splitlines()):
        raise Failed(f"cat */label and curl | jq differ at {size} connectors")
    table.add(f"{size:,}", f"{latency} ms", seconds(samples.median("curl")),
              *(seconds(samples.median(which)) for which in ("cold", "second", "warm")),
              times(samples.ratio("cold", "curl")), times(samples.ratio("warm", "curl")),
              count(asked))
