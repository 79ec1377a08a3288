"""No line, no deletion: the audit log when all is well and when it cannot be written; and what
keeps a deletion from being sent: the guard, -o dry_run, -o confirm=id."""

import errno
import json
import os
import subprocess

import pytest

from harness import (Answer, archive, connector, eventually, fails_with, hard, in_background, run,
                     uuid, write)
from harness.audit import AuditLog
from harness.clock import Clock
from harness.faults import ACTS, instead
from harness.ptrace import stopped

NEVER = 300
COMMANDS = {"archive": ["rmdir", uuid(1)],
            "hard": ["dd", f"of={uuid(1)}/.force_delete", "conv=notrunc", "status=none"]}
OPS = {"archive": "archive", "hard": "force_delete"}


@pytest.fixture
def audit_lines(tmp_path):
    return AuditLog(tmp_path / "audit.jsonl")


def spawn(m, command, *prefix):
    """A command in the mount with "1" as its input."""
    process = subprocess.Popen([*prefix, *command], cwd=m.path, stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    with process.stdin as stdin:
        stdin.write(b"1")
    process.stdin = None
    return process


class Trace:
    """The system calls of a running process, by strace(1)."""

    def __init__(self, pid, file, *calls):
        self.file = file
        self.process = subprocess.Popen(
            ["strace", "-f", "-p", str(pid), "-e", f"trace={','.join(calls)}", "-s", "300",
             "-o", file], stderr=subprocess.PIPE, text=True)
        said = self.process.stderr.readline()
        assert "attached" in said, said

    def lines(self):
        self.process.terminate()
        self.process.communicate(timeout=30)
        return self.file.read_text().splitlines()


# The lines


def test_many_intents_are_made_durable_together_and_before_they_are_sent(mount, service, tmp_path):
    ids = [uuid(n) for n in range(1, 65)]
    served = service(*(connector(n) for n in range(1, 65)))
    m = mount(served, ttl=NEVER, audit=tmp_path / "audit.jsonl")
    trace = Trace(m.pid, tmp_path / "trace", "write", "fdatasync", "sendto")
    write(m / ".bigdatafs/archive", "".join(f"{i}\n" for i in ids).encode())
    written, durable, syncing, sent, syncs = set(), set(), set(), [], 0
    for line in trace.lines():
        if "write(" in line and '\\"event\\":\\"intent\\"' in line:
            written |= {i for i in ids if i in line}
        elif "fdatasync(" in line:
            syncs, syncing = syncs + 1, set(written)
        elif "sendto(" in line and "DELETE /" in line:
            sent += [i for i in ids if i in line]
            assert sent[-1] in durable, line
        if "fdatasync" in line and line.endswith("= 0"):
            durable |= syncing
    assert sorted(sent) == ids and 0 < syncs <= 8
    served.assert_deletes([archive(i) for i in ids], any_order=True)


@pytest.mark.parametrize("act", ACTS)
def test_intent_is_written_before_the_request_and_outcome_after(mount, service, audit_lines, act):
    """The server holds the request while the log is read: no clock is needed."""
    odd = connector(1, label='a "label"\n\\ \u00e9\u2028', big=2 ** 53 - 1, fraction=0.1,
                    nothing=None, deep={"a": [{"b": []}]})
    served = service(odd, connector(2), tcp=True)
    m = mount(served, ttl=NEVER, audit=audit_lines.file)
    served.hold("DELETE")
    assert audit_lines.lines() == []
    asking = spawn(m, COMMANDS[act])
    served.await_deletes(1)
    (intent,) = audit_lines.lines()
    assert intent["event"] == "intent" and intent["op"] == OPS[act] and intent["id"] == uuid(1)
    assert (intent["pid"], intent["command"]) == (asking.pid, COMMANDS[act][0])
    assert (intent["uid"], intent["gid"]) == (os.getuid(), os.getgid())
    assert intent["connector"] == odd
    assert list(intent["connector"]) == list(odd), "in the order served"
    served.release()
    output, _ = asking.communicate(timeout=30)
    assert (asking.returncode, output) == (0, b"")
    outcome = audit_lines.one("outcome")
    assert outcome["key"] == intent["key"] and outcome["id"] == uuid(1)
    assert (outcome["result"], outcome["errno"], outcome["requests"]) == ("done", "", 1)
    assert outcome["status"] == {"archive": 200, "hard": 202}[act]
    served.assert_deletes([ACTS[act][1]])


def test_another_user_is_named(mount, service, audit_lines):
    served = service(connector(1), tcp=True)
    m = mount(served, ttl=NEVER, audit=audit_lines.file, allow_other=True, uid=12345, gid=54321)
    asking = spawn(m, COMMANDS["archive"], "setpriv", "--reuid=12345", "--regid=54321",
                   "--clear-groups")
    output, _ = asking.communicate(timeout=30)
    assert (asking.returncode, output) == (0, b"")
    intent = audit_lines.one("intent")
    assert (intent["uid"], intent["gid"], intent["pid"]) == (12345, 54321, asking.pid)
    assert intent["command"] == "rmdir"
    served.assert_deletes([archive(uuid(1))])


def test_command_with_odd_name(mount, service, audit_lines, tmp_path):
    """A process gives itself any name: it stays inside its string."""
    served = service(connector(1), tcp=True)
    m = mount(served, ttl=NEVER, audit=audit_lines.file)
    program = tmp_path / 'x"\n\\'
    program.symlink_to("/bin/rmdir")
    output, _ = spawn(m, [program, uuid(1)]).communicate(timeout=30)
    assert output == b""
    assert audit_lines.one("intent")["command"] == program.name
    served.assert_deletes([archive(uuid(1))])


@pytest.mark.parametrize("act", ACTS)
def test_outcome_of_a_failure(mount, service, audit_lines, act):
    served = service(connector(1), tcp=True)
    served.answer_delete(instead(Answer.error(403, "not \"yours\"\n")))
    m = mount(served, ttl=NEVER, audit=audit_lines.file)
    m.expect("403")
    with fails_with(errno.EACCES):
        ACTS[act][0](m)
    outcome = audit_lines.one("outcome")
    assert outcome["key"] == audit_lines.one("intent")["key"]
    assert (outcome["result"], outcome["errno"]) == ("failed", "EACCES")
    assert (outcome["status"], outcome["requests"]) == (403, 1)
    assert 'not "yours"' in outcome["reason"]
    eventually(lambda: served.faults() == ["instead"])
    served.assert_deletes([ACTS[act][1]])


def test_keys_are_unique_over_mounts_and_the_log_is_appended_to(mount, service, audit_lines):
    served = service(*[connector(n) for n in range(1, 5)], tcp=True)
    for first in (1, 3):
        m = mount(served, ttl=NEVER, audit=audit_lines.file)
        os.rmdir(m / uuid(first))
        os.rmdir(m / uuid(first + 1))
        assert m.unmount() == 0
    intents = audit_lines.of("intent")
    assert [line["id"] for line in intents] == [uuid(n) for n in range(1, 5)]
    assert len({line["key"] for line in intents}) == 4
    assert [line["key"] for line in audit_lines.of("outcome")] == [line["key"] for line in intents]
    assert audit_lines.file.stat().st_mode & 0o777 == 0o600
    served.assert_deletes([archive(uuid(n)) for n in range(1, 5)])


# It cannot be written


@pytest.fixture
def small_disk(tmp_path):
    point = tmp_path / "disk"
    point.mkdir()
    done = run("mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", point)
    assert done.returncode == 0, done.stderr
    yield point
    run("umount", "-l", point)


def fill(directory):
    """Writes until the disk of a directory is full."""
    with open(directory / "ballast", "wb", buffering=0) as file:
        with fails_with(errno.ENOSPC):
            while True:
                file.write(b"x" * 4096)


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("bad", ["a directory", "in no directory", "a device", "a pipe",
                                 "on a full disk"])
def test_audit_log_cannot_be_written(mount, service, small_disk, bad, act):
    """Only a file that keeps what is written to it is an audit log."""
    (small_disk / "file").touch()
    os.mkfifo(small_disk / "pipe")
    file = {"a directory": small_disk, "in no directory": small_disk / "file" / "audit",
            "a device": "/dev/full", "a pipe": small_disk / "pipe",
            "on a full disk": small_disk / "audit"}[bad]
    if bad == "on a full disk":
        fill(small_disk)
    served = service(connector(1), tcp=True)
    m = mount(served, ttl=NEVER, audit=file)
    m.expect(f"audit log {file} cannot be written")
    m.expect("nothing was sent")
    for _ in range(2):
        with fails_with(errno.EIO):
            ACTS[act][0](m)
    assert m.active() == [uuid(1)]
    assert m.read(f"{uuid(1)}/.force_delete") == b"idle\n"
    served.assert_deletes([])


def test_disk_fills_up_and_is_emptied_again(mount, service, small_disk):
    """A line that the disk has room for in part only is taken back: the next one must not be
    joined to it."""
    served = service(*[connector(n, description="x" * 6000) for n in range(1, 30)], tcp=True)
    audit = AuditLog(small_disk / "audit.jsonl")
    ballast = small_disk / "ballast"
    ballast.write_bytes(b"x" * 20480)
    m = mount(served, ttl=NEVER, guard=0, audit=audit.file)
    m.expect("audit log .* cannot be written: No space left on device")
    m.expect("archive of .* failed|archive of .* refused")
    m.allow("audit")
    archived = []
    try:
        for n in range(1, 30):
            os.rmdir(m / uuid(n))
            archived.append(uuid(n))
    except OSError as failure:
        assert failure.errno == errno.EIO
    assert 0 < len(archived) < 29, "the disk was never full"
    assert served.deletes() == [archive(i) for i in archived]
    ballast.unlink()
    refused, more = uuid(len(archived) + 1), uuid(len(archived) + 2)
    os.rmdir(m / more)
    intents = [line["id"] for line in audit.of("intent")]
    assert [i for i in intents if i != refused] == [*archived, more]
    served.assert_deletes([archive(i) for i in [*archived, more]])


# What keeps a deletion from being sent


@pytest.mark.parametrize("act", ACTS)
def test_disk_that_is_slower_than_the_deadline(mount, service, world, audit_lines, act):
    """By the time that the intent is written nobody expects the deletion any more."""
    served = service(connector(1), tcp=True)
    clock = Clock(world.directory)
    m = mount(served, ttl=NEVER, timeout=30, audit=audit_lines.file, env=clock.environment(world))
    m.expect("the audit log took too long, nothing was sent")
    assert m.read(".bigdatafs/jobs") == b""
    main, writer, *_ = sorted(map(int, os.listdir(f"/proc/{m.pid}/task")))
    assert main == m.pid
    with stopped(writer):
        thread, outcome = in_background(ACTS[act][0], m)
        eventually(lambda: b"under way" in m.read(".bigdatafs/jobs"), "the deletion")
        assert not outcome
        clock.advance(31)
        assert m.read(".bigdatafs/jobs")  # wakes the program
        thread.join(30)
        assert outcome == [errno.EIO], "nobody waits for a disk beyond the deadline"
    eventually(lambda: audit_lines.of("outcome"))
    line = audit_lines.one("outcome")
    assert (line["result"], line["errno"], line["requests"]) == ("failed", "EIO", 0)
    served.assert_deletes([])


def test_guard(mount, service, audit_lines):
    served = service(*[connector(n) for n in range(1, 7)], tcp=True)
    m = mount(served, ttl=NEVER, guard=3, audit=audit_lines.file)
    os.rmdir(m / uuid(1))
    write(m / uuid(2) / ".force_delete", b"1")
    os.rename(m / uuid(3), m / ".archived" / uuid(3))
    m.expect("the guard stopped more than 3 deletions")
    before = audit_lines.of("intent")
    with fails_with(errno.EDQUOT):
        os.rmdir(m / uuid(4))
    with fails_with(errno.EDQUOT):
        os.rename(m / uuid(4), m / ".archived" / uuid(4))
    with fails_with(errno.EDQUOT):
        write(m / uuid(5) / ".force_delete", b"1")
    assert m.run("rm", "-rf", uuid(6)).returncode != 0
    eventually(lambda: m.active() == [uuid(4), uuid(5), uuid(6)])
    assert "label" in m.names(uuid(6)), "what was hidden is back"
    assert audit_lines.of("intent") == before and len(before) == 3
    served.assert_deletes([archive(uuid(1)), hard(uuid(2)), archive(uuid(3))])


def test_guard_survives_a_remount(mount, service, audit_lines):
    served = service(*[connector(n) for n in range(1, 7)], tcp=True)
    m = mount(served, ttl=NEVER, guard=2, audit=audit_lines.file)
    write(m.path / ".bigdatafs" / "archive", f"{uuid(1)}\n".encode())
    os.rmdir(m / uuid(2))
    assert m.unmount() == 0
    m = mount(served, ttl=NEVER, guard=2, audit=audit_lines.file)
    os.rmdir(m / uuid(3))
    m.expect("the guard stopped more than 2 deletions")
    with fails_with(errno.EDQUOT):
        os.rmdir(m / uuid(4))
    served.assert_deletes([archive(uuid(n)) for n in (1, 2, 3)])


def test_guard_does_not_count_what_was_not_asked_for_right(mount, service):
    served = service(*[connector(n) for n in range(1, 4)], tcp=True)
    m = mount(served, ttl=NEVER, guard=1)
    for _ in range(3):
        with fails_with(errno.EINVAL):
            write(m / uuid(1) / ".force_delete", b"no")
        with fails_with(errno.ENOENT):
            os.rmdir(m / uuid(9))
        with fails_with(errno.EPERM):
            os.rmdir(m / ".archived")
    os.rmdir(m / uuid(1))
    served.assert_deletes([archive(uuid(1))])


def test_kinds_that_the_mount_does_not_send(mount, service, audit_lines):
    served = service(*[connector(n) for n in range(1, 4)], tcp=True)
    m = mount(served, ttl=NEVER, delete="archive", audit=audit_lines.file)
    m.expect("-o delete=archive")
    with fails_with(errno.EPERM):
        write(m / uuid(1) / ".force_delete", b"1")
    with fails_with(errno.EPERM):
        write(m / ".bigdatafs" / "force_delete", f"{uuid(2)}\n".encode())
    assert "delete: archive\n" in (m / ".bigdatafs" / "status").read_text()
    assert {line["errno"] for line in m.lines("errors")} == {"EPERM"}
    os.rmdir(m / uuid(3))
    assert len(audit_lines.of("intent")) == 1
    served.assert_deletes([archive(uuid(3))])


def test_lines_have_the_label_and_the_age(mount, service, audit_lines):
    label = "Quotes \" and \u00fc"
    served = service(connector(1, label=label), connector(2, label="\u00e9" * 100), tcp=True)
    m = mount(served, ttl=NEVER, guard=1, audit=audit_lines.file)
    os.rmdir(m / uuid(1))
    m.expect("the guard stopped")
    with fails_with(errno.EDQUOT):
        os.rmdir(m / uuid(2))
    intent, outcome = audit_lines.one("intent"), audit_lines.one("outcome")
    assert intent["label"] == outcome["label"] == label
    assert 0 <= intent["connector_age_s"] < 60
    line, = m.lines("errors")
    assert (line["id"], line["label"]) == (uuid(2), "\u00e9" * 64), "whole characters"
    served.assert_deletes([archive(uuid(1))])


def test_guard_can_be_switched_off(mount, service):
    served = service(*[connector(n) for n in range(1, 121)], tcp=True)
    m = mount(served, ttl=NEVER, guard=0)
    for n in range(1, 121):
        os.rmdir(m / uuid(n))
    assert m.active() == []
    served.assert_deletes([archive(uuid(n)) for n in range(1, 121)])


@pytest.mark.parametrize("act", ACTS)
def test_dry_run(mount, service, audit_lines, act):
    served = service(connector(1), tcp=True)
    m = mount(served, ttl=NEVER, dry_run=True, audit=audit_lines.file)
    m.expect("dry_run sends nothing")
    with fails_with(errno.EPERM):
        ACTS[act][0](m)
    assert m.active() == [uuid(1)]
    assert m.read(f"{uuid(1)}/.force_delete") == b"idle\n"
    intent, outcome = audit_lines.lines()
    assert (intent["event"], intent["op"], intent["id"]) == ("intent", OPS[act], uuid(1))
    assert intent["connector"] == connector(1)
    assert (outcome["event"], outcome["key"]) == ("outcome", intent["key"])
    assert (outcome["result"], outcome["errno"]) == ("failed", "EPERM")
    assert outcome["requests"] == 0 and "dry_run" in outcome["reason"]
    served.assert_deletes([])


@pytest.mark.parametrize("word", [b"1", b"true", b"yes", b"delete", uuid(2).encode(),
                                  uuid(1).upper().encode(), b"\n", uuid(1)[:-1].encode()])
def test_confirm_by_id_takes_nothing_else(mount, service, audit_lines, word):
    served = service(connector(1), connector(2), tcp=True)
    m = mount(served, ttl=NEVER, confirm="id", audit=audit_lines.file)
    with fails_with(errno.EINVAL):
        write(m / uuid(1) / ".force_delete", word)
    assert "confirm=id" in m.lines("errors")[-1]["hint"]
    assert m.active() == [uuid(1), uuid(2)] and audit_lines.lines() == []
    served.assert_deletes([])


@pytest.mark.parametrize("end", [b"", b"\n"])
def test_confirm_by_id(mount, service, end):
    served = service(connector(1), connector(2), tcp=True)
    m = mount(served, ttl=NEVER, confirm="id")
    write(m / uuid(1) / ".force_delete", uuid(1).encode() + end)
    eventually(lambda: m.active() == [uuid(2)])
    os.rmdir(m / uuid(2))
    served.assert_deletes([hard(uuid(1)), archive(uuid(2))])


def test_audit_lines_of_many_at_once_stay_whole(mount, service, audit_lines):
    served = service(*[connector(n, description="y" * 5000) for n in range(1, 33)], tcp=True)
    m = mount(served, ttl=NEVER, guard=0, audit=audit_lines.file)
    acts = [in_background(write, m / uuid(n) / ".force_delete", b"1") for n in range(1, 33)]
    for thread, _ in acts:
        thread.join()
    assert [outcome for _, outcome in acts] == [[0]] * 32
    assert sorted(line["id"] for line in audit_lines.of("intent")) == [
        uuid(n) for n in range(1, 33)]
    assert {line["connector"]["description"] for line in audit_lines.of("intent")} == {"y" * 5000}
    served.assert_deletes([hard(uuid(n)) for n in range(1, 33)], any_order=True)


def test_a_connector_on_many_lines_is_one_line_of_the_log(mount, service, audit_lines):
    served = service(json.dumps(connector(1), indent=2).replace("\n", "\r\n"), tcp=True)
    m = mount(served, ttl=NEVER, audit=audit_lines.file)
    os.rmdir(m / uuid(1))
    assert audit_lines.one("intent")["connector"] == connector(1)
    assert [line["event"] for line in audit_lines.lines()] == ["intent", "outcome"]
    served.assert_deletes([archive(uuid(1))])
