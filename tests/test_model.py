"""Random operations on a mount, random changes at the service, and faults in between, all
compared with a model.

BIGDATAFS_SEED=N repeats a run's choices (threads and timing differ); BIGDATAFS_STEPS=N is the
number of operations, a few hundred by default; tests/soak has thousands."""

import errno
import json
import os
import random
import re
import signal
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from harness import eventually, watchdog
from harness.model import (ACTIVE, ARCHIVED, ARCHIVES, GONE, PASSING, Model, Operation,
                           check_contents)
from harness.proxy import Proxy

SEED = int(os.environ.get("BIGDATAFS_SEED") or random.SystemRandom().randrange(1 << 32))
STEPS = int(os.environ.get("BIGDATAFS_STEPS") or 200)  # operations
TIMEOUT = 3  # seconds, -o timeout=
FLEET = 40  # connectors at the start; new ones come when half are left
SYNC = 70  # operations between two comparisons of everything
RATES = [0.0, 0.1, 0.1, 0.3, 0.3, 0.3, 0.6, 1.0]
NAMES = {os.strerror(number): name for number, name in errno.errorcode.items()}
ALLOWED = ("(archive|hard delete) of .* failed|could not be fetched|cannot be asked for|"
           "does not answer|list lacks")

OPERATIONS = {  # by weight
    "stat": 8, "ls": 6, "cat": 10, "grep": 3, "touch": 3, "unlink": 3, "wrong": 4,
    "rmdir": 4, "os.rmdir": 2, "mv back": 2, "tar -U": 2, "rmdir -p": 2, "removedirs": 2,
    "declined": 2, "rm": 4, "mv": 4, "delete": 6, "rmdir .archived": 1, "rmdir archived": 2,
}
THIRD = {"create": 4, "put": 8, "archive": 2, "hard": 2}


REMOVE = """import os, sys
try:
    getattr(os, sys.argv[1])(sys.argv[2])
except OSError as failure:
    sys.exit(f"{sys.argv[2]}: {failure.strerror}")"""


def command(kind, path):
    name = path.rsplit("/", 1)[-1]
    backup = f"b=$(mktemp -d) && mkdir $b/{name} && echo old > $b/{name}/label"
    return {
        "stat": ["stat", "-c", "%F", path],
        "ls": ["ls", "-la", path],
        "cat": ["cat", f"{path}/label"],
        "grep": ["sh", "-c", "grep -H '' */label"],
        "touch": ["touch", f"{path}/.force_delete"],
        "unlink": ["rm", f"{path}/label"],
        "wrong": ["bash", "-c", f"echo no > {path}/.force_delete"],
        "rmdir": ["rmdir", path],
        "os.rmdir": ["/usr/bin/python3", "-c", REMOVE, "rmdir", path],
        "mv back": ["sh", "-c", f"{backup} && mv $b/{name} ./; s=$?; rm -r $b; exit $s"],
        "tar -U": ["sh", "-c", f"{backup} && tar -C $b -c {name} | tar -xU; s=$?; rm -r $b; exit $s"],
        "rmdir -p": ["rmdir", "-p", f"{path}/config"],
        "removedirs": ["/usr/bin/python3", "-c", REMOVE, "removedirs", f"{path}/config"],
        "declined": ["sh", "-c", f"(echo y; yes n) 2>/dev/null | head -200 | rm -ri {path}"],
        "rm": ["rm", "-rf", path],
        "mv": ["mv", path, ".archived/"],
        "delete": ["bash", "-c", f"echo 1 > {path}/.force_delete"],
        "rmdir .archived": ["rmdir", ".archived"],
        "rmdir archived": ["rmdir", path],
    }[kind]


def error_of(done):
    """The errno's name that a command reported last, "" when it succeeded."""
    if done.returncode == 0:
        return ""
    if "are the same file" in done.stderr:
        return "SAME"  # mv looks at both names again when the rename has failed
    for line in reversed(done.stderr.splitlines()):
        said = line.rsplit(": ", 1)[-1]
        if said in NAMES:
            return NAMES[said]
    return f"exit {done.returncode}: {done.stderr}"


class Run:
    def __init__(self, served, proxy, mount, seed):
        self.served, self.proxy, self.mount = served, proxy, mount
        self.random = random.Random(f"operations {seed}")
        self.model = Model(served.client.list())
        self.pool = ThreadPoolExecutor(8)
        self.done = self.labels = 0

    # What is done

    def pick(self, weights):
        return self.random.choices(list(weights), list(weights.values()))[0]

    def pick_id(self):
        """Mostly one that is there still."""
        known = self.model.known
        there = [i for i in known if known[i].truth != GONE] or list(known)
        return self.random.choice(there if self.random.random() < 0.93 else list(known))

    def operation(self, connector_id=None):
        kind = self.pick(OPERATIONS)
        if kind in ("grep", "rmdir .archived"):
            return Operation(kind, command=command(kind, "."))
        connector_id = connector_id or self.pick_id()
        truth = self.model.known[connector_id].truth
        place = ARCHIVED if kind == "rmdir archived" else ACTIVE
        if kind not in ARCHIVES | PASSING and truth == ARCHIVED:
            place = ARCHIVED
        path = f".archived/{connector_id}" if place == ARCHIVED else connector_id
        return Operation(kind, connector_id, place, command(kind, path))

    def perform(self, op):
        done = self.mount.run(*op.command, env={**os.environ, "LC_ALL": "C"})
        op.error, op.output = error_of(done), done.stdout
        op.inside = all(op.command[-1] + "/" in line for line in done.stderr.splitlines())
        if op.kind == "grep" and (done.returncode == 1 or op.error == "ENOENT"):
            op.error = ""  # nothing there, or something went while it was looking
        return op

    def third_party(self, kind, connector_id):
        """What happened: (kind, id), or None when the service would not."""
        client = self.served.client
        if kind == "create":
            self.labels += 1
            made = client.create(label=f"Made {self.labels}")
            self.model.add(made)
            return kind, made["connector_id"]
        known = self.model.known[connector_id]
        path = f"/contents/v1/connectors/{connector_id}"
        if kind == "put":
            self.labels += 1
            known.labels.append(f"Renamed {self.labels}")  # before any reader may meet it
            status, answer = client.request("PUT", path, {"label": known.labels[-1]})
            if status in (404, 409):
                known.labels.pop()
                return None
        else:
            status, answer = client.request(
                "DELETE", path + ("?force_delete=true" if kind == "hard" else ""))
        assert status in (200, 202, 404, 409), f"{kind} {connector_id}: {status} {answer}"
        return (kind, connector_id) if status < 300 else None

    # A step

    def step(self):
        count = self.random.choice([1, 2, 2, 3, 4])
        first = self.operation()
        rest = [self.operation(first.id if self.random.random() < 0.25 else None)
                for _ in range(count - 1)]
        operations = [first, *rest]
        changes = []
        if self.random.random() < 0.35:
            changes.append((self.pick(THIRD), self.pick_id()))
        if len([k for k in self.model.known.values() if k.truth == ACTIVE]) < FLEET // 2:
            changes += [("create", "")] * 5
        self.proxy.faults(self.random.choice(RATES))
        if self.random.random() < 0.1:
            self.mount.signal(signal.SIGHUP)
        self.act(operations, changes)
        self.done += count

    def act(self, operations, changes):
        before = {i: known.truth for i, known in self.model.known.items()}
        mark, start, circuit = self.proxy.mark(), time.monotonic(), self.circuit_open()
        ending = [self.pool.submit(self.perform, op) for op in operations]
        third = [done for kind, i in changes if (done := self.third_party(kind, i))]
        for one in ending:
            one.result()
        self.proxy.await_idle()
        exchanges = self.proxy.since(mark)
        late = time.monotonic() - start >= TIMEOUT  # a slow machine excuses, it never fails a test
        excused = late or circuit or any(e.fault for e in exchanges) or self.circuit_open()
        try:
            self.model.learn(self.served.client.list())
            self.model.check_step(operations, third, before, exchanges, excused)
            active, archived = self.mount.active(), self.mount.archived()
            self.model.learn(self.served.client.list())
            self.model.check_tree(active, archived)
        except (AssertionError, OSError):
            print(f"step after operation {self.done}:", *operations, *changes, *exchanges,
                  sep="\n  ")
            raise

    def circuit_open(self):
        states = re.findall(r"does not answer|answers again", self.mount.log())
        return bool(states) and states[-1] == "does not answer"

    # Everything compared

    def reachable(self):
        try:
            os.stat(self.mount / stranger(self.random))
        except OSError as failure:
            return failure.errno == errno.ENOENT
        return False

    def served_now(self):
        """What the service has, once every hard delete has come to its end there."""
        doomed = {i for i, known in self.model.known.items() if known.doomed}
        return eventually(lambda: [objects := self.served.client.list()] if not doomed & {
            c["connector_id"] for c in self.served.client.list()} else None)[0]

    def synchronize(self):
        self.proxy.faults(0)
        eventually(self.reachable, "an answer of the service")
        objects = self.served_now()
        self.model.learn(objects)
        active = sorted(c["connector_id"] for c in objects if not c["archived"])
        archived = sorted(c["connector_id"] for c in objects if c["archived"])
        self.mount.signal(signal.SIGHUP)

        def agrees():
            shown = self.mount.active(), self.mount.archived()
            self.model.check_tree(*shown)
            return shown == (active, archived)

        eventually(agrees, "the tree that the service has")
        for c in objects:
            place = ".archived/" if c["archived"] else ""
            directory = self.mount / (place + c["connector_id"])
            hidden = self.model.known[c["connector_id"]].hidden
            eventually(lambda: same_contents(directory, c, hidden), f"the contents of {c}")
        self.model.synchronized()


def same_contents(directory, c, hidden):
    """The list of places may be right before the refresh that was asked for has been taken."""
    try:
        check_contents(directory, c, hidden)
    except (AssertionError, FileNotFoundError) as failure:
        print("not yet:", failure)
        return False
    return True


def stranger(source):
    number = f"{source.getrandbits(48):012x}"
    return f"019a9612-bfad-758c-884e-{number}"


@pytest.mark.parametrize("ttl", [1, 300])
def test_random_operations(world, sandbox, mount, ttl):
    print(f"BIGDATAFS_SEED={SEED} BIGDATAFS_STEPS={STEPS}")
    world.watch(watchdog.limit() + STEPS)
    served = sandbox(seed=FLEET, delete_rate=300)
    proxy = Proxy(world.directory / "proxy", served, SEED)
    world.servers.append(proxy)
    m = mount(proxy, ttl=ttl, timeout=TIMEOUT, guard=0)
    m.allow(ALLOWED)
    run = Run(served, proxy, m, f"{SEED} {ttl}")
    while run.done < STEPS:
        target = min(run.done + SYNC, STEPS)
        while run.done < target:
            run.step()
        run.synchronize()
    assert all(proxy.fired.values()), f"not every fault came: {proxy.fired}"
    exchanges = proxy.since()
    sent = [(e.id, e.force) for e in exchanges if e.is_delete and e.status is not None]
    print(f"{run.done} operations, {len(exchanges)} requests, {len(sent)} DELETEs at the service, "
          f"faults {json.dumps(proxy.fired)}, {len(run.model.known)} connectors")
    assert sent
    served.assert_deletes(sent, any_order=True)
