"""Many connectors against 1,000: the first ls, memory, and the cost of an operation."""

import os
import random
import time
from contextlib import ExitStack

from benchmarks.attribute import curl
from benchmarks.measure import Samples, memory, output, timed
from benchmarks.report import Table, mebibytes, say, seconds, times
from harness import system

SMALL = 1000
CONNECTORS = 900  # as many as 1,000 have that are not archived
FILES = ("label", "type", "connector.json", "created_at", "files_count")
LOAD = system.BUILD / "tests" / "bench_load"
ABSENT_SECONDS = 1


def run(stage, report):
    large = max(stage.options.sizes)
    if large <= SMALL:
        say("scale: only with more than 1,000 connectors")
        return
    repeat = min(3, stage.options.repeat) if large > 10000 else stage.options.repeat
    with ExitStack() as stack:
        services = {n: stack.enter_context(stage.service(n)) for n in (SMALL, large)}
        for sandbox in services.values():
            for words in ((), ("--compressed",)):  # the first answer of each kind is being made
                output(f"{curl(sandbox, *words)} > /dev/null")
        text = first_ls(stage, report, services, repeat)
        operations(stage, report, services, repeat, text)


def first_ls(stage, report, services, repeat):
    samples, text = Samples(), {}
    for size, sandbox in services.items():
        text[size] = int(output(f"{curl(sandbox)} | wc -c"))
        for turn in range(repeat):
            say(f"first ls: {size:,} connectors, {turn + 1} of {repeat}")
            first_ls_once(stage, samples, size, sandbox)
    table = Table("first ls after the start, mount included, against curl fetching the list",
                  "connectors", "curl", "curl --compressed", "curl | jq", "mount", "mount and ls",
                  "ratio to curl", "ratio to --compressed")
    for size in services:
        ways = ("curl", "compressed", "jq", "mount", "ls")
        table.add(f"{size:,}", *(seconds(samples.median((size, way))) for way in ways),
                  *(times(samples.ratio((size, "ls"), (size, way)))
                    for way in ("curl", "compressed")))
    table.note("the service has its list ready, as text and compressed; bigdatafs asks for it "
               "compressed")
    report.add(table)
    table = memory_table()
    for size in services:
        add_memory(table, size, "the first ls", samples.of[size, "most"], samples.of[size, "now"],
                   text[size])
    report.add(table)
    return text


def memory_table():
    return Table("memory for the list", "connectors", "pass", "the list's text", "most", "ratio",
                 "afterwards", "ratio")


def add_memory(table, size, name, most, now, text):
    table.add(f"{size:,}", name, mebibytes(text), mebibytes(max(most)), times(max(most) / text),
              mebibytes(max(now)), times(max(now) / text))


def first_ls_once(stage, samples, size, sandbox):
    fetch = curl(sandbox, "-o", "/dev/null")
    samples.add((size, "curl"), timed(fetch, stage.directory))
    samples.add((size, "compressed"), timed(f"{fetch} --compressed", stage.directory))
    samples.add((size, "jq"), timed(f"{curl(sandbox)} | jq -r '.results[].connector_id'",
                                    stage.directory))
    start = time.monotonic()
    mount = stage.mount(sandbox, foreground=False)
    mounted = time.monotonic() - start
    samples.add((size, "mount"), mounted)
    samples.add((size, "ls"), mounted + timed("ls", mount.path))
    most, now = memory([mount.pid])
    samples.add((size, "most"), most)
    samples.add((size, "now"), now)
    mount.unmount()


# The cost of an operation


class Sample:
    """900 of the connectors, and five files of each, in an order of chance."""

    def __init__(self, stage, size, sandbox):
        self.ids = random.Random(1).sample(sandbox.ids(), CONNECTORS)
        paths = [f"{i}/{name}" for i in self.ids for name in FILES]
        random.Random(2).shuffle(paths)
        self.files, self.directories = (stage.directory / f"{name}-{size}"
                                        for name in ("read", "directories"))
        self.files.write_text("".join(f"{path}\n" for path in paths))
        self.directories.write_bytes("".join(f"{i}\0" for i in self.ids).encode())

    def read(self, mount):
        """Seconds for stat, open, read and close of a file."""
        return int(output(f"{LOAD} read {self.files}", mount.path)) / 1e9

    def list(self, mount):
        """Seconds for an entry of ls -lR of the 900."""
        command = f"xargs -0 -a {self.directories} ls -lR"
        self.entries = getattr(self, "entries", None) or lines(command, mount)
        return timed(command, mount.path) / self.entries

    def absent(self, mount):
        """Seconds for an uncached lookup, of 4 processes together."""
        where = " ".join(self.ids[:4])
        return 1 / int(output(f"{LOAD} absent {ABSENT_SECONDS} {where}", mount.path))


def lines(command, mount):
    return int(output(f"{command} | wc -l", mount.path))


def per_entry(command):
    def cost(sample, mount):
        took = timed(command, mount.path)
        return took / entries(mount)
    return cost


def entries(mount):
    return len(os.listdir(mount.path))


COSTS = {"stat, open, read, close of a file": Sample.read,
         "ls -lR, an entry": Sample.list,
         "ls -U of the root, an entry": per_entry("ls -U"),
         "ls -l of the root, an entry": per_entry("ls -l"),
         "lookup of what is not there, 4 processes": Sample.absent}


def operations(stage, report, services, repeat, text):
    samples = Samples()
    sampled = {size: Sample(stage, size, sandbox) for size, sandbox in services.items()}
    count_entries(stage, services, sampled)
    for turn in range(repeat):
        for what, cost in COSTS.items():
            for size, sandbox in services.items():
                say(f"cost of {what}: {size:,} connectors, {turn + 1} of {repeat}")
                mount = stage.mount(sandbox)
                samples.add((what, "cold", size), cost(sampled[size], mount))
                cost(sampled[size], mount)
                samples.add((what, "warm", size), *(cost(sampled[size], mount) for _ in range(3)))
                mount.unmount()
    memory_of_all = whole_tree(stage, samples, services, text)
    table = Table("the cost of an operation", "what", "pass", *(f"{n:,}" for n in services),
                  "ratio")
    small, large = services
    for what, which in dict.fromkeys(key[:2] for key in samples.of):
        table.add(what, which, *(f"{samples.median((what, which, n)) * 1e6:.2f} µs"
                                 for n in services),
                  times(samples.ratio((what, which, large), (what, which, small))))
    report.add(table)
    report.add(memory_of_all)


def count_entries(stage, services, sampled):
    """Outside the passes, so that none of them is counted warm that was cold."""
    for size, sandbox in services.items():
        mount = stage.mount(sandbox)
        sampled[size].list(mount)
        mount.unmount()


def whole_tree(stage, samples, services, text):
    """ls -lR of all that there is, and the memory when the kernel knows all of it."""
    what, table = "ls -lR of everything, an entry", memory_table()
    for size, sandbox in services.items():
        say(f"{what}: {size:,} connectors")
        mount = stage.mount(sandbox)
        took = [timed("ls -lR", mount.path) for _ in range(3)]
        known = lines("ls -lR", mount)
        samples.add((what, "cold", size), took[0] / known)
        samples.add((what, "warm", size), took[2] / known)
        most, now = memory([mount.pid])
        add_memory(table, size, "ls -lR of everything", [most], [now], text[size])
        mount.unmount()
    return table
