"""bigdatafs next to what else does the job, on the same data, in one go.

The tables come as they are ready, and all of them again as markdown at the end. Without options
everything is measured. Sections: {sections}.
"""

import argparse
import resource
import signal
import sys
import tempfile
import time
from pathlib import Path

from benchmarks import archive, attribute, requests, scale, trees, uncached
from benchmarks.measure import Failed
from benchmarks.report import Report, machine, say
from benchmarks.stage import Stage
from harness import system

SECTIONS = {"tmpfs": trees.tmpfs, "requests": requests.run, "scale": scale.run,
            "archive": archive.run, "uncached": uncached.run, "attribute": attribute.run,
            "peers": trees.peers}


def numbers(text):
    return [int(word) for word in text.split(",")]


def arguments():
    parser = argparse.ArgumentParser(
        prog="tests/bench", description=__doc__.format(sections=", ".join(SECTIONS)),
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append", choices=SECTIONS, metavar="SECTION",
                        help="one section; may be repeated")
    parser.add_argument("--sizes", type=numbers, default=[10, 1000, 10000, 100000], metavar="N,...",
                        help="numbers of connectors, of 10,1000,10000,100000")
    parser.add_argument("--latencies", type=numbers, default=[0, 10, 50], metavar="MS,...",
                        help="of the services")
    parser.add_argument("--repeat", type=int, default=5, metavar="N", help="rounds at most")
    parser.add_argument("--budget", type=float, default=8, metavar="S",
                        help="no further round for what took so many seconds")
    parser.add_argument("--quick", action="store_true",
                        help="10 and 1,000 connectors, two rounds: whether it works")
    options = parser.parse_args()
    if options.quick:
        options.sizes = [n for n in options.sizes if n <= 1000]
        options.repeat, options.budget = min(options.repeat, 2), 5
    return options


def measure(stage, report):
    for name, section in SECTIONS.items():
        if stage.options.only and name not in stage.options.only:
            continue
        start = time.monotonic()
        try:
            section(stage, report)
        except (Failed, AssertionError, OSError, TimeoutError) as failure:
            stage.problems.append(f"section {name}: {str(failure) or repr(failure)}")
            say(stage.problems[-1])
        say(f"section {name}: {time.monotonic() - start:.0f} s")


def main():
    options = arguments()
    system.SANDBOX.stat()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    system.become_subreaper()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    signal.signal(signal.SIGHUP, lambda *_: sys.exit(129))
    print(machine(), flush=True)
    report = Report()
    with tempfile.TemporaryDirectory(prefix="bigdatafs-bench.") as directory:
        stage, done = Stage(Path(directory), options), False
        try:
            measure(stage, report)
            done = True
        finally:
            problems = stage.finish(failed=not done)
            for problem in problems:
                say(f"tests/bench: {problem}")
    report.print_markdown()
    return 1 if problems else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
