"""1,000 archives: ids written to the bulk file, a curl for each, an rmdir for each."""

import os
import time

from benchmarks import servers
from benchmarks.measure import Failed, Samples, timed
from benchmarks.report import Table, count, say, seconds, times
from harness.ledger import LIST_PATH
from harness.ledger import archive as archived

MANY, FEW = 1000, 50  # few: rmdir, one after the other
SEED = 1200  # connectors, of which a tenth is archived from the start
BASE = "xargs -P64 curl"


class Missing(Exception):
    """This build of bigdatafs does not have it."""


def bulk(parallel, http2=False):
    def act(stage, sandbox, ids):
        if http2:
            with servers.tls(stage, sandbox) as (source, certificate):
                return through_mount(stage, sandbox, ids, parallel, source, cacert=certificate)
        return through_mount(stage, sandbox, ids, parallel, None)
    return act


def through_mount(stage, sandbox, ids, parallel, source, **options):
    mount = stage.mount(sandbox, source, parallel=parallel, **options)
    try:
        control = mount.path / ".bigdatafs" / "archive"
        if not control.exists():
            raise Missing
        text = "".join(f"{connector_id}\n" for connector_id in ids).encode()
        fd = os.open(control, os.O_WRONLY)
        try:
            start = time.monotonic()
            written = os.write(fd, text)
            took = time.monotonic() - start
        finally:
            os.close(fd)
        if written != len(text):
            raise Failed(f"a write of {len(text)} bytes took {written}")
        return took
    finally:
        mount.unmount()


def rmdir(stage, sandbox, ids):
    mount = stage.mount(sandbox)
    try:
        start = time.monotonic()
        for connector_id in ids:
            os.rmdir(mount.path / connector_id)
        return time.monotonic() - start
    finally:
        mount.unmount()


def curls(parallel):
    """A process for each DELETE, so many at once."""
    def act(stage, sandbox, ids):
        (stage.directory / "ids").write_text("\n".join(ids))
        return timed(f"xargs -a ids -P{parallel} -I@ curl -sSf -o /dev/null -X DELETE -H "
                     f"'X-API-KEY: {sandbox.key}' {sandbox.source}{LIST_PATH}/@", stage.directory)
    return act


def one_curl(stage, sandbox, ids):
    """The best that curl(1) can do: one process, connections kept."""
    lines = [f'url = "{sandbox.source}{LIST_PATH}/{i}"\noutput = "/dev/null"\n' for i in ids]
    (stage.directory / "config").write_text("".join(lines))
    return timed(f"curl -sSf -Z --parallel-max 64 -X DELETE -H 'X-API-KEY: {sandbox.key}' "
                 "-K config", stage.directory)


WAYS = {BASE: curls(64), "curl --parallel-max 64": one_curl, "bulk file, parallel=64": bulk(64),
        "bulk file, parallel=256": bulk(256), "rmdir, one after the other": rmdir,
        "bulk file, parallel=64, one HTTP/2 connection": bulk(64, http2=True),
        "bulk file, parallel=256, one HTTP/2 connection": bulk(256, http2=True)}


def run(stage, report):
    table = Table("archives", "latency", "how", "archived", "took", "per second",
                  f"ratio to {BASE}", "DELETEs sent")
    for latency in stage.options.latencies:
        samples, failures = Samples(), {}
        repeat = min(3, stage.options.repeat)
        for turn in range(repeat):
            for way, act in WAYS.items():
                if way not in failures and not (turn and "rmdir" in way):
                    say(f"archive: {way}, {latency} ms, {turn + 1} of {repeat}")
                    attempt(stage, samples, failures, latency, way, act)
        for way in WAYS:
            add_row(table, samples, failures, latency, way)
    table.note("each on a service of its own, whose log had exactly the DELETEs asked for; HTTP/2 "
               "and TLS: nghttpx in front of it")
    report.add(table)


def attempt(stage, samples, failures, latency, way, act):
    try:
        with stage.service(SEED, latency, fresh=True) as sandbox:
            ids = sandbox.ids()[:FEW if "rmdir" in way else MANY]
            took = act(stage, sandbox, ids)
            sandbox.assert_deletes([archived(i) for i in ids], any_order=True)
            if not set(ids) <= set(sandbox.ids(archived=True)):
                raise Failed("not all of them are archived")
            samples.add((way, "sent"), len(sandbox.deletes()))
            samples.add((way, "rate"), len(ids) / took)
            samples.add((way, "took"), took)
    except Missing:
        failures[way] = "missing: no .bigdatafs/archive in this build"
    except (Failed, OSError, TimeoutError) as failure:
        failures[way] = str(failure)
    if way in failures:
        say(f"{way}: {failures[way]}")


def add_row(table, samples, failures, latency, way):
    if way in failures:
        table.add(f"{latency} ms", way, *["-"] * 5)
        table.note(f"{way}: {failures[way]}")
        return
    table.add(f"{latency} ms", way, FEW if "rmdir" in way else f"{MANY:,}",
              seconds(samples.median((way, "took"))), count(samples.median((way, "rate"))),
              times(samples.ratio((way, "rate"), (BASE, "rate"))),
              count(samples.median((way, "sent"))))
