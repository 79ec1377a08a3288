"""Lookups that nothing caches, from 4 processes, against libfuse's own loops with nothing behind
them: each is one request to the program and one answer."""

from benchmarks.measure import Samples, output
from benchmarks.report import Table, count, say, times
from benchmarks.subjects import Bigdatafs, Peer
from harness import system

BUILT = system.BUILD / "tests"
LOOPS = {"libfuse, multi-threaded": "mt", "libfuse, multi-threaded, clone_fd": "clone_fd",
         "libfuse, one thread": "single"}
SECONDS = 2


def run(stage, report):
    samples, size = Samples(), 1000
    with stage.service(size) as sandbox:
        compared = [Bigdatafs(stage, sandbox), *(trivial(stage, *loop) for loop in LOOPS.items())]
        for turn in range(stage.options.repeat):
            for subject in compared[turn % 4:] + compared[:turn % 4]:
                say(f"uncached: {subject.name}, {turn + 1} of {stage.options.repeat}")
                with subject.mounted() as mounted:
                    measure(samples, subject, mounted)
    table = Table("uncached lookups per second", "subject", "4 processes", "1 process",
                  "4 processes, ratio", "1 process, ratio")
    for subject in compared:
        base = "libfuse, multi-threaded"
        table.add(subject.name, *(count(samples.median((subject.name, n))) for n in (4, 1)),
                  *(times(samples.ratio((subject.name, n), (base, n))) for n in (4, 1)))
    table.note("ratio: to libfuse's multi-threaded loop; names that are not there, in a directory "
               "for each process")
    report.add(table)


def trivial(stage, name, loop):
    return Peer(stage, name, lambda path, _: [BUILT / "bench_trivial", path, loop])


def measure(samples, subject, mounted):
    directories = sorted(path for path in mounted.path.iterdir() if path.name[0] != ".") \
        if subject.name == "bigdatafs" else [mounted.path / str(n) for n in range(10)]
    for processes in (4, 1):
        words = " ".join(map(str, directories[:processes]))
        rate = output(f"{BUILT / 'bench_load'} absent {SECONDS} {words}")
        samples.add((subject.name, processes), int(rate))
