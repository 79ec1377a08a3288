"""kill -9 in the middle of deletions: whatever dies, the audit log accounts for every DELETE.

BIGDATAFS_SEED=N repeats the choice of the moments: so many lines in the audit log, and then a part
of the time that the service takes to answer. BIGDATAFS_CRASHES=N is the number of cases of each
kind; tests/soak has many."""

import json
import os
import random
import subprocess
import threading
import time
from collections import Counter
from pathlib import Path

import pytest

from harness import archive, connector, eventually, hard, in_background, uuid
from harness.faults import fault
from harness.ledger import LIST_PATH
from harness.ptrace import stopped
from harness.system import DEADLINE

SEED = int(os.environ.get("BIGDATAFS_SEED") or random.SystemRandom().randrange(1 << 32))
CASES = range(int(os.environ.get("BIGDATAFS_CRASHES") or 3))
FLEET = 20  # connectors: of the active ones half are archived, half hard-deleted
LATENCIES = [5, 20, 200]  # milliseconds, of the service: it acts, and then takes this long to say so
NEVER = 300
OPS = {"archive": False, "force_delete": True}


class Crash:
    """A mount, a service, and what is asked of them, with one audit log over all mounts."""

    def __init__(self, world, case):
        print(f"BIGDATAFS_SEED={SEED}")
        self.world, self.random = world, random.Random(f"{SEED} {case}")
        self.latency = self.random.choice(LATENCIES)
        self.served = world.sandbox(seed=FLEET, delete_rate=100, latency=self.latency,
                                    db=world.directory / "service.db")
        self.file = world.directory / "audit.jsonl"
        ids = self.served.ids()
        self.ids = ids + self.served.ids(archived=True)
        self.random.shuffle(ids)
        half = len(ids) // 2
        self.to_archive, self.to_delete = ids[:half], ids[half:]
        self.mount, self.killed = self.new_mount(), 0

    def new_mount(self):
        m = self.world.mount(self.served, ttl=300, guard=0, timeout=20, audit=self.file)
        m.allow("failed|does not answer|could not be fetched|cannot be asked for|of an earlier run")
        return m

    def audit(self):
        """The lines that are whole."""
        if not self.file.exists():
            return []
        return [json.loads(line) for line in self.file.read_text().splitlines(keepends=True)
                if line.endswith("\n")]

    def ask(self):
        """Everything at once, each by a process of its own: [(id, force, process)]."""
        words = [(i, False, ["rmdir", self.mount / i]) for i in self.to_archive]
        words += [(i, True, ["sh", "-c", f"echo 1 > {self.mount / i}/.force_delete"])
                  for i in self.to_delete]
        self.random.shuffle(words)
        return [(i, force, subprocess.Popen(command, stdin=subprocess.DEVNULL,
                                            stderr=subprocess.DEVNULL))
                for i, force, command in words]

    def await_moment(self):
        """Some line of the audit log: an intent and an outcome come for each, and the end of each
        hard delete; and some point between two lines, which no event tells."""
        most = 2 * len(self.to_archive + self.to_delete) + len(self.to_delete)
        lines = self.random.randrange(1, most)
        eventually(lambda: len(self.audit()) >= lines, "the moment", deadline=60)
        time.sleep(self.random.random() * 1.5 * self.latency / 1000)

    def take_up(self):
        """The next mount, which is killed as well half of the time, in the midst of its work."""
        self.mount = self.new_mount()
        if self.random.random() < 0.5:
            time.sleep(self.random.random() * 3 * self.latency / 1000)
            self.kill_mount()
            self.mount = self.new_mount()

    def kill_mount(self):
        """umount -l of the dead mount is part of it."""
        self.mount.kill()
        assert not self.mount.is_mounted()
        self.killed += 1

    def kill_service(self):
        self.served.kill()
        self.killed += 1

    # What is compared

    def states(self):
        """What the service says of each: archived, still there or gone."""
        served = {c["connector_id"]: c for c in self.served.client.list()}
        return {i: "gone" if i not in served else
                "archived" if served[i]["archived"] else "still there" for i in self.ids}

    def logged(self):
        """The DELETEs in the service's access log: [(time, id, force, status)]."""
        found = []
        for line in self.served.access_log.read_text().splitlines():
            entry = json.loads(line)
            if entry["method"] == "DELETE":
                found.append((entry["time"], entry["path"].rsplit("/", 1)[1],
                              entry["query"] == "force_delete=true", entry["status"]))
        return found

    def check_accounts(self, exactly):
        """Every DELETE in the service's log belongs to an intent line that came before it; the
        outcome of each intent tells how many there were. exactly: the service logged all."""
        intents = {line["key"]: line for line in self.audit() if line["event"] == "intent"}
        outcomes = {line["key"]: line for line in self.audit() if line["event"] == "outcome"}
        assert set(outcomes) <= set(intents)
        asked = {(line["id"], OPS[line["op"]]): line for line in intents.values()}
        assert len(asked) == len(intents), "an intent for what was asked for once"
        assert set(asked) <= {(i, False) for i in self.to_archive} | {
            (i, True) for i in self.to_delete}
        found = self.logged()
        for time, connector_id, force, _ in found:
            assert (connector_id, force) in asked, f"no intent for {connector_id} {force}"
            assert asked[connector_id, force]["time"] < time
        counts = Counter((i, force) for _, i, force, _ in found)
        for what, intent in asked.items():
            outcome = outcomes.get(intent["key"])
            if outcome is None:
                assert counts[what] <= 1 or not exactly, what
            else:
                assert counts[what] <= outcome["requests"], what
                assert counts[what] == outcome["requests"] or not exactly, what
        self.served.assert_deletes([hard(i) if force else archive(i) for _, i, force, _ in found],
                                   any_order=True)
        print(f"FIGURES kills {self.killed} intents {len(intents)} outcomes {len(outcomes)} "
              f"resolved {len(self.resolutions())} DELETEs {len(found)}")

    def open_intents(self):
        """Intents that a mount has to settle: without an outcome, of an unknown one, or of a hard
        delete that was accepted and not seen to its end (a 404 is the end). {key: line}"""
        lines = self.audit()
        settled = {line["key"] for line in lines if line["event"] == "resolved"
                   and (line["op"] == "archive" or line["result"] == "gone")}
        settled |= {line["key"] for line in lines if line["event"] == "outcome" and (
            line["result"] in ("failed", "refused") or
            line["result"] == "done" and (line["op"] == "archive" or line["status"] == 404))}
        return {line["key"]: line for line in lines
                if line["event"] == "intent" and line["key"] not in settled}

    def accepted(self):
        return {i for _, i, force, status in self.logged() if force and status == 202}

    def is_deleting(self, connector_id):
        """The service may have accepted what it never came to log: it refuses changes then."""
        path = f"{LIST_PATH}/{connector_id}"
        return self.served.client.request("PUT", path, {"label": "changed"})[0] == 409

    def await_end_of_deletes(self):
        """What the service accepted it carries out, after a crash as well."""
        eventually(lambda: not any(map(self.is_deleting, self.to_delete)),
                   "the end of the hard deletes")
        states = self.states()
        assert all(states[i] == "gone" for i in self.accepted())

    def resolutions(self):
        found = {}
        for line in self.audit():
            if line["event"] == "resolved":
                found.setdefault(line["key"], []).append(line["result"])
        return found

    def check_resolved(self, left):
        """Each of those left gets its line, and the last word on it is the truth."""
        def unlike():
            found, states = self.resolutions(), self.states()
            outcomes = {line["key"]: line for line in self.audit() if line["event"] == "outcome"}
            return [(key, line["op"], line["id"], found.get(key), states[line["id"]],
                     outcomes.get(key))
                    for key, line in left.items()
                    if found.get(key, [None])[-1] != states[line["id"]]]

        try:
            eventually(lambda: not unlike(), "the resolution of what was left open")
        except AssertionError:
            print("not resolved:", *unlike(), sep="\n  ")
            raise
        for key, line in left.items():
            if line["op"] == "archive":
                assert len(self.resolutions()[key]) == 1

    def check_settled(self):
        """A mount more finds nothing to do: no line, no DELETE."""
        lines, deletes = self.audit(), self.logged()
        last = self.new_mount()
        assert last.active() == sorted(i for i, s in self.states().items() if s == "still there")
        assert last.archived() == sorted(i for i, s in self.states().items() if s == "archived")
        assert last.unmount() == 0
        assert [line for line in self.audit() if line not in lines] == []
        assert self.logged() == deletes and "of an earlier run" not in last.log()


def reap(processes):
    return {(i, force): process.wait(60) for i, force, process in processes}


@pytest.mark.parametrize("case", CASES)
def test_mount_killed(world, case):
    crash = Crash(world, f"mount {case}")
    processes = crash.ask()
    crash.await_moment()
    crash.kill_mount()
    reap(processes)
    left = crash.open_intents()
    sent = crash.logged()
    crash.await_end_of_deletes()
    crash.take_up()
    crash.check_resolved(left)
    assert crash.mount.unmount() == 0
    assert crash.logged()[:len(sent)] == sent
    crash.check_accounts(exactly=True)
    crash.check_settled()


@pytest.mark.parametrize("case", CASES)
def test_service_killed(world, case):
    """The mount lives on, asks again, and reports each deletion as it ended."""
    crash = Crash(world, f"service {case}")
    processes = crash.ask()
    crash.await_moment()
    accepted = crash.accepted()
    crash.kill_service()
    crash.served.start()
    codes = reap(processes)
    accepted |= crash.accepted()
    crash.await_end_of_deletes()
    outcomes = {(line["id"], OPS[line["op"]]): line["result"] for line in crash.audit()
                if line["event"] == "outcome"}
    assert set(outcomes) == set(codes)
    for what, code in codes.items():
        assert (outcomes[what] == "done") == (code == 0), what
        wanted = {"done": "gone" if what[1] else "archived", "failed": "still there"}
        if outcomes[what] in wanted:
            eventually(lambda: crash.states()[what[0]] == wanted[outcomes[what]], what)
    followed = crash.open_intents()
    crash.check_resolved(followed)
    assert crash.mount.unmount() == 0
    crash.check_accounts(exactly=False)
    crash.check_settled()
    assert accepted == crash.accepted()


@pytest.mark.parametrize("case", CASES)
def test_both_killed(world, case):
    crash = Crash(world, f"both {case}")
    processes = crash.ask()
    crash.await_moment()
    if crash.random.random() < 0.5:
        crash.kill_service()
        crash.kill_mount()
    else:
        crash.kill_mount()
        crash.kill_service()
    reap(processes)
    left = crash.open_intents()
    crash.served.start()
    crash.await_end_of_deletes()
    crash.take_up()
    crash.check_resolved(left)
    assert crash.mount.unmount() == 0
    crash.check_accounts(exactly=False)
    crash.check_settled()


def test_followed_hard_delete_is_followed_by_the_next_mount(world):
    """The service is slow to delete: the next mount shows it as deleting until it is gone."""
    served = world.sandbox(seed=3, delete_rate=1, db=world.directory / "service.db")
    big = max(served.client.list(), key=lambda c: c["files_count"])["connector_id"]
    audit = world.directory / "audit.jsonl"
    m = world.mount(served, ttl=300, audit=audit)
    (m / big / ".force_delete").write_text("1\n")
    m.kill()
    served.kill()
    served.start()
    m = world.mount(served, ttl=300, audit=audit)
    m.expect("1 deletions of an earlier run")
    eventually(lambda: m.read(f"{big}/.force_delete") == b"deleting\n", "deleting")
    served.stop()
    served.options[served.options.index("--delete-rate") + 1] = 0
    served.start()
    m.allow("does not answer|could not be fetched")
    eventually(lambda: big not in m.active(), "the end of the hard delete")
    key = json.loads(audit.read_text().splitlines()[0])["key"]
    eventually(lambda: [json.loads(line)["result"] for line in audit.read_text().splitlines()
                        if json.loads(line)["event"] == "resolved" and
                        json.loads(line)["key"] == key][-1:] == ["gone"], "its last line")
    served.assert_deletes([hard(big)])


def late(gate):
    """The true answer, once the gate is open."""
    def body(handler, text):
        gate.wait(DEADLINE)
        handler.wfile.write(text)
    return fault("late", True, body)


def test_killed_while_an_archive_waits_and_names_change(mount, service):
    """A notification about the root must not wait in the kernel for the rmdir's lock: nothing could
    end the program then, nor the rmdir."""
    served = service(connector(1), connector(2), connector(3))
    m = mount(served, ttl=NEVER, timeout=100)
    assert m.active() == [uuid(1), uuid(2), uuid(3)]
    served.hold("DELETE")
    thread, outcome = in_background(os.rmdir, m / uuid(1))
    served.await_deletes()
    served.serve(connector(1), connector(2))
    (m / ".bigdatafs/refresh").write_text("1")
    m.kill()
    thread.join(60)
    assert outcome and outcome[0] != 0
    served.release()
    served.assert_deletes([archive(uuid(1))])


def state_of(pid, tid):
    """As proc(5) has it: S sleeps, D waits in the kernel for what a signal does not end."""
    return Path(f"/proc/{pid}/task/{tid}/stat").read_text().rsplit(")", 1)[1].split()[0]


def test_killed_while_archives_queue_up_and_names_change(mount, service):
    """The kernel gives the lock from one rmdir to the next: no notification may come between."""
    served = service(*map(connector, range(1, 6)), tcp=True)
    m = mount(served, ttl=NEVER, timeout=100)
    assert m.active() == [uuid(n) for n in range(1, 6)]
    gate = threading.Event()
    served.answer("DELETE", f"{LIST_PATH}/{uuid(1)}", late(gate))
    served.hold("DELETE", f"{LIST_PATH}/{uuid(2)}")
    first = in_background(os.rmdir, m / uuid(1))
    served.await_deletes()
    second = in_background(os.rmdir, m / uuid(2))
    tid = second[0].native_id
    eventually(lambda: state_of(os.getpid(), tid) == "D", "the second one in the queue")
    served.serve(*map(connector, range(1, 4)))
    (m / ".bigdatafs/refresh").write_text("1")
    gate.set()
    served.await_deletes(2)
    eventually(lambda: served.faults() == ["late"])
    m.kill()
    for thread, _ in (first, second):
        thread.join(60)
    assert [outcome == [0] for _, outcome in (first, second)] == [True, False] and second[1]
    served.release()
    served.assert_deletes([archive(uuid(1)), archive(uuid(2))])


def test_killed_while_an_archive_waits_for_what_was_queued_before_it(mount, service):
    """The same for notifications that are under way when the rmdir comes."""
    served = service(connector(1), connector(2), connector(3))
    m = mount(served, ttl=NEVER, timeout=100)
    for n in (1, 2, 3):
        os.stat(m / uuid(n) / "label")
    notifier = max(int(tid) for tid in os.listdir(f"/proc/{m.pid}/task"))
    with stopped(notifier):
        served.serve(connector(1), connector(2))
        (m / ".bigdatafs/refresh").write_text("1")
        served.hold("DELETE")
        thread, outcome = in_background(os.rmdir, m / uuid(1))
        served.await_deletes()
    eventually(lambda: state_of(m.pid, notifier) in "SD", "the notifier at rest")
    m.kill()
    thread.join(60)
    assert outcome and outcome[0] != 0
    served.release()
    served.assert_deletes([archive(uuid(1))])
