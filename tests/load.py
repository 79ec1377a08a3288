#!/usr/bin/python3 -B
"""Many processes browse and delete at once through a faulty network; nothing may hang, leak or lie.

Each process has connectors of its own to delete and reads those of all. The service answers after
50 ms, and a proxy in front of it drops, loses, refuses and delays a share of the requests. At the
end it is checked that

  hang      no operation took longer than --patience seconds; a watchdog dumps stacks meanwhile
  leak      RSS of bigdatafs is at most 1.25 times its level after the warm-up, and 8 MiB (not
            judged under AddressSanitizer, which keeps what is freed); descriptors are at most
            those before the load, 64 connections, and 8
  answers   every content that was read, and every one that is there at the end, is the service's;
            what was missing was being deleted
  DELETEs   each one that was asked for was sent, no other was, and none was sent twice without a
            fault as its cause

The exit status is 0 when all of that is so. BIGDATAFS_BUILD is the build directory (build).
"""

import argparse
import errno
import json
import multiprocessing
import os
import random
import resource
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from harness import system  # noqa: E402
from harness import watchdog  # noqa: E402
from harness.model import check_contents, check_resends  # noqa: E402
from harness.proxy import Proxy  # noqa: E402
from harness.world import World  # noqa: E402

CONNECTIONS = 64  # -o parallel
SPARE_FDS = 8
RSS_FACTOR, RSS_SPARE = 1.25, 8 << 20
EXCUSED = {errno.EIO, errno.ETIMEDOUT, errno.EAGAIN, errno.EHOSTUNREACH}
LOG = "failed|could not be fetched|cannot be asked for|does not answer|list lacks"
VOLATILE = {"archived", "updated_at", "files_count"}  # what a deletion changes


def arguments():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--processes", type=int, default=64, metavar="N")
    parser.add_argument("--seconds", type=float, default=120, metavar="S")
    parser.add_argument("--connectors", type=int, default=2000, metavar="N")
    parser.add_argument("--latency", type=int, default=50, metavar="MS", help="of the service")
    parser.add_argument("--faults", type=float, default=0.05, metavar="SHARE", help="of requests")
    parser.add_argument("--deletes", type=float, default=0.03, metavar="SHARE", help="of operations")
    parser.add_argument("--patience", type=float, default=120, metavar="S",
                        help="for one operation, whose own deadline is 30 s")
    parser.add_argument("--ttl", type=int, default=5, metavar="S")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    return parser.parse_args()


# A process under way: all of its state is its own but the clock that the watchdog reads.


class Worker:
    def __init__(self, number, root, served, seed, clock):
        self.number, self.root, self.served, self.clock = number, Path(root), served, clock
        self.random = random.Random(f"worker {seed} {number}")
        self.ids = list(served)
        self.seen = {"operations": 0, "longest": 0.0, "asked": [], "missing": [], "wrong": [],
                     "errors": Counter()}

    def run(self, mine, stop, share):
        while not stop.is_set():
            delete = mine and self.random.random() < share
            act = (lambda: self.delete(mine.pop())) if delete else self.random.choice(
                [self.read, self.read, self.parse, self.stat, self.list])
            self.clock[self.number] = start = time.monotonic()
            act()
            self.clock[self.number] = 0
            self.seen["longest"] = max(self.seen["longest"], time.monotonic() - start)
            self.seen["operations"] += 1
        return self.seen

    def delete(self, connector_id):
        """In one of the ways that there are; a failed one is not repeated."""
        way = self.random.choice(["rmdir", "mv", "force"])
        self.seen["asked"].append((connector_id, way == "force"))
        try:
            if way == "rmdir":
                os.rmdir(self.root / connector_id)
            elif way == "mv":
                os.rename(self.root / connector_id, self.root / ".archived" / connector_id)
            else:
                system.write(self.root / connector_id / ".force_delete", b"1\n")
        except OSError as failure:
            self.note_error("delete", connector_id, failure)

    def note_error(self, what, connector_id, failure):
        name = errno.errorcode.get(failure.errno, str(failure))
        self.seen["errors"][f"{what} {name}"] += 1
        if failure.errno not in EXCUSED:
            self.seen["wrong"].append(f"{what} {connector_id}: {name}")

    def content(self, name):
        """(id, bytes) of a file of some connector, or (id, None) when it is not there."""
        connector_id = self.random.choice(self.ids)
        try:
            return connector_id, (self.root / connector_id / name).read_bytes()
        except FileNotFoundError:
            self.seen["missing"].append(connector_id)
        except OSError as failure:
            self.note_error("read", connector_id, failure)
        return connector_id, None

    def read(self):
        connector_id, data = self.content("label")
        if data is not None and data.decode() != self.served[connector_id]["label"] + "\n":
            self.seen["wrong"].append(f"label of {connector_id}: {data!r}")

    def parse(self):
        connector_id, data = self.content("connector.json")
        if data is None:
            return
        shown, wanted = json.loads(data), self.served[connector_id]
        if list(shown) != list(wanted) or any(
                shown[name] != wanted[name] for name in wanted if name not in VOLATILE):
            self.seen["wrong"].append(f"connector.json of {connector_id}: {data!r}")

    def stat(self):
        connector_id = self.random.choice(self.ids)
        try:
            os.stat(self.root / connector_id / "config")
        except FileNotFoundError:
            self.seen["missing"].append(connector_id)
        except OSError as failure:
            self.note_error("stat", connector_id, failure)

    def list(self):
        names = set(os.listdir(self.root))
        self.seen["missing"] += [i for i in self.random.sample(self.ids, 5) if i not in names]
        strange = [name for name in names if name not in self.served and not name.startswith(".")]
        self.seen["wrong"] += [f"a stranger in the root: {name}" for name in strange]


def work(number, pipe, stop, clock):
    """Waits to be told what to do: it was forked before there were threads."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    root, served, seed, mine, share = pipe.recv()
    pipe.send(Worker(number, root, served, seed, clock).run(mine, stop, share))


# What watches


class Watch(threading.Thread):
    """Samples bigdatafs, and tells of an operation that takes too long."""

    def __init__(self, pid, root, workers, clock, patience):
        super().__init__(daemon=True)
        self.root, self.connection = root, os.minor(os.stat(root).st_dev)
        self.pid, self.workers, self.clock, self.patience = pid, workers, clock, patience
        self.samples, self.hung, self.over = [], None, threading.Event()

    def sample(self):
        status = Path(f"/proc/{self.pid}/status").read_text()
        rss = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))
        return rss << 10, len(os.listdir(f"/proc/{self.pid}/fd"))

    def run(self):
        while not self.over.wait(0.5):
            try:
                self.samples.append((time.monotonic(), *self.sample()))
            except (FileNotFoundError, StopIteration, ProcessLookupError):
                self.hung = "bigdatafs is gone"
                return
            now = time.monotonic()
            for number, start in enumerate(self.clock):
                if start and now - start > self.patience:
                    self.hung = f"process {number} waits since {now - start:.0f} s"
                    try:
                        for pid in (self.workers[number].pid, self.pid):
                            watchdog.say_threads(pid)
                    finally:
                        # Killing bigdatafs would not do: a thread of its own may wait in the
                        # kernel for a lock that one of those holds who wait for the mount.
                        watchdog.abort(self.connection, self.root)
                        self.over.set()
                    return


# The judgement


class Load:
    def __init__(self, options, directory):
        self.options, self.problems = options, []
        context = multiprocessing.get_context("fork")
        self.stop, self.clock = context.Event(), context.Array("d", options.processes, lock=False)
        self.pipes, self.workers = [], []
        for number in range(options.processes):
            here, there = context.Pipe()
            worker = context.Process(target=work, args=(number, there, self.stop, self.clock),
                                     daemon=True)
            worker.start()
            there.close()
            self.pipes.append(here)
            self.workers.append(worker)
        system.become_subreaper()
        self.world = World(Path(directory))
        self.world.watch(options.seconds + 2 * options.patience + 300)
        self.served = self.world.sandbox(seed=options.connectors, latency=options.latency,
                                         delete_rate=1000)
        self.proxy = Proxy(self.world.directory / "proxy", self.served, options.seed)
        self.world.servers.append(self.proxy)
        self.mount = self.world.mount(self.proxy, ttl=options.ttl, guard=0)
        self.mount.allow(LOG)

    def check(self, right, problem):
        if not right:
            self.problems.append(problem)

    def walk(self):
        """The kernel asks for every file once: the warm-up."""
        for connector_id in self.mount.active():
            for path in (self.mount / connector_id).rglob("*"):
                if path.is_file():
                    path.read_bytes()

    def run(self):
        objects = {c["connector_id"]: c for c in self.served.client.list() if not c["archived"]}
        self.walk()
        watch = Watch(self.mount.pid, self.mount.path, self.workers, self.clock,
                      self.options.patience)
        fds = watch.sample()[1]
        ids = list(objects)
        self.proxy.faults(self.options.faults)
        start = time.monotonic()
        watch.start()
        for number, pipe in enumerate(self.pipes):
            pipe.send((str(self.mount.path), objects, self.options.seed,
                       ids[number::2 * self.options.processes], self.options.deletes))
        watch.over.wait(self.options.seconds)
        self.stop.set()
        seen = [found for pipe in self.pipes if (found := receive(pipe)) is not None]
        for worker in self.workers:
            worker.join()
        seconds = time.monotonic() - start
        self.proxy.faults(0)
        watch.over.set()
        watch.join()
        self.check(watch.hung is None, watch.hung)
        self.check(len(seen) == len(self.workers), "not every process came to its end")
        figures = {"seconds": round(seconds, 1), **self.judge_answers(seen)}
        if watch.hung is None:
            figures |= self.judge_deletes(seen) | self.judge_leaks(watch, start, fds)
            self.judge_tree()
        return figures

    def judge_answers(self, seen):
        asked = {i for one in seen for i, _ in one["asked"]}
        missing = {i for one in seen for i in one["missing"]}
        wrong = [what for one in seen for what in one["wrong"]]
        self.check(missing <= asked, f"missing, and nobody deletes it: {sorted(missing - asked)}")
        self.check(not wrong, f"wrong answers: {wrong[:20]}")
        errors = sum((one["errors"] for one in seen), Counter())
        return {"operations": sum(one["operations"] for one in seen),
                "longest_wait_s": round(max(one["longest"] for one in seen), 2) if seen else None,
                "errors": dict(errors), "requests": len(self.proxy.since()),
                "faults": self.proxy.fired}

    def judge_deletes(self, seen):
        self.proxy.await_idle()
        asked = Counter(what for one in seen for what in one["asked"])
        exchanges, sent = self.proxy.since(), {}
        for e in exchanges:
            if e.is_delete:
                sent.setdefault((e.id, e.force), []).append(e)
        self.check(set(sent) <= set(asked), f"never asked for: {sorted(set(sent) - set(asked))}")
        self.check(set(asked) <= set(sent) or any(one["errors"] for one in seen),
                   f"never sent: {sorted(set(asked) - set(sent))}")
        for what, attempts in sent.items():
            self.check(sum(not e.retried for e in attempts) <= asked[what],
                       f"sent twice for no reason: {attempts}")
            if what[1]:
                try:
                    check_resends(attempts, [e for e in exchanges if e.id == what[0]])
                except AssertionError as failure:
                    self.check(False, str(failure))
        self.served.assert_deletes([(e.id, e.force) for e in exchanges
                                    if e.is_delete and e.status is not None], any_order=True)
        return {"deletes_asked": sum(asked.values()), "deletes_sent": len(sent),
                "deletes_resent": sum(map(len, sent.values())) - len(sent)}

    def judge_leaks(self, watch, start, fds):
        """The first quarter of the time is the warm-up."""
        warm = start + self.options.seconds / 4
        before = [s for s in watch.samples if s[0] <= warm] or watch.samples[:1]
        level, (rss, now_fds) = max(s[1] for s in before), watch.sample()
        bound = int(level * RSS_FACTOR) + RSS_SPARE
        sanitized = "libasan" in Path(f"/proc/{self.mount.pid}/maps").read_text()
        self.check(rss <= bound or sanitized, f"RSS {rss}, more than {bound}")
        self.check(now_fds <= fds + CONNECTIONS + SPARE_FDS, f"{now_fds} descriptors, {fds} before")
        return {"rss_warm": level, "rss_end": rss, "rss_bound": None if sanitized else bound,
                "fds_before": fds, "fds_most": max(s[2] for s in watch.samples),
                "fds_end": now_fds}

    def judge_tree(self):
        """With the network well again the tree is the service's."""
        accepted = {e.id for e in self.proxy.since() if e.status == 202}
        system.eventually(lambda: not accepted & set(ids_of(self.served.client.list())),
                          "the end of the hard deletes", deadline=60)
        self.mount.signal(signal.SIGHUP)
        objects = self.served.client.list()
        wanted = [sorted(c["connector_id"] for c in objects if c["archived"] == archived)
                  for archived in (False, True)]
        try:
            system.eventually(lambda: [self.mount.active(), self.mount.archived()] == wanted,
                              "the tree that the service has", deadline=60)
            for c in objects:
                place = ".archived/" if c["archived"] else ""
                check_contents(self.mount / (place + c["connector_id"]), c)
        except (AssertionError, OSError) as failure:
            self.check(False, f"the tree at the end: {failure}")


def ids_of(objects):
    return [c["connector_id"] for c in objects]


def receive(pipe):
    try:
        return pipe.recv()
    except EOFError:
        return None


def main():
    options = arguments()
    system.SANDBOX.stat()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 65536), hard))
    with tempfile.TemporaryDirectory(prefix="bigdatafs-load.") as directory:
        load = Load(options, directory)
        figures = None
        try:
            figures = load.run()
        finally:
            load.stop.set()
            load.problems += load.world.finish(failed=figures is None)
    print(json.dumps({"seed": options.seed, **figures}, indent=2))
    for problem in load.problems:
        print(f"{Path(sys.argv[0]).name}: {problem}", file=sys.stderr)
    return 1 if load.problems else 0


if __name__ == "__main__":
    sys.exit(main())
