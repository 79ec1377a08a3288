"""A disk of the audit log that does not answer holds up nobody: not who deletes, not the end."""

import errno
import fcntl
import os
import signal
from pathlib import Path

import pytest

from harness import archive, connector, eventually, fails_with, in_background, system, uuid
from harness.audit import AuditLog

LIBRARY = system.BUILD / "tests" / "clock" / "stall_sync.so"
SANITIZED = b"libasan" in Path(system.BIGDATAFS).read_bytes()
LOG = "the audit log took too long|does not answer"


class Disk:
    """Of a mount's audit log: frozen while this holds its lock."""

    def __init__(self, directory):
        self.path = directory / "disk"
        self.path.touch()
        self.lock = open(self.path)

    def freeze(self):
        fcntl.flock(self.lock, fcntl.LOCK_EX)

    def thaw(self):
        fcntl.flock(self.lock, fcntl.LOCK_UN)

    def environment(self, world):
        return {"LD_PRELOAD": str(LIBRARY), "STALL_FILE": str(self.path),
                "ASAN_OPTIONS": f"{world.env['ASAN_OPTIONS']}:verify_asan_link_order=0"}


@pytest.fixture
def disk(tmp_path):
    disk = Disk(tmp_path)
    yield disk
    disk.thaw()


TIMEOUT = 10  # -o timeout=: the wait for the disk, and more than a busy machine takes until then


@pytest.fixture
def frozen(world, service, mount, disk, tmp_path):
    """A mount whose disk can be frozen: (mount, service, audit log)."""
    served, audit = service(connector(1), connector(2)), AuditLog(tmp_path / "audit.jsonl")
    m = mount(served, timeout=TIMEOUT, audit=audit.file, env=disk.environment(world))
    assert str(LIBRARY) in Path(f"/proc/{m.pid}/maps").read_text()
    m.allow(LOG)
    return m, served, audit


def test_an_intent_that_is_not_on_the_disk_sends_nothing(frozen, disk):
    m, served, audit = frozen
    disk.freeze()
    with fails_with(errno.EIO):
        os.rmdir(m / uuid(1))
    assert m.active() == [uuid(1), uuid(2)] and m.read(f"{uuid(1)}/label")
    assert "audit log took too long" in m.lines("errors")[-1]["message"]
    served.assert_deletes([])
    disk.thaw()
    eventually(lambda: audit.of("outcome"))
    assert audit.one("outcome")["result"] == "failed"
    os.rmdir(m / uuid(2))
    served.assert_deletes([archive(uuid(2))])


def test_what_is_done_is_told_although_it_cannot_be_recorded(frozen, disk):
    """The record of one waits behind the intent of another."""
    m, served, audit = frozen
    control = os.open(m / uuid(2) / ".force_delete", os.O_WRONLY)  # rmdir locks the way to it
    served.hold("DELETE")
    first, archived = in_background(os.rmdir, m / uuid(1))
    served.await_deletes(1)
    disk.freeze()
    second, deleted = in_background(os.write, control, b"1")
    eventually(lambda: len(audit.of("intent")) == 2)
    served.release()
    first.join()
    assert archived == [0] and m.archived() == [uuid(1)] and audit.of("outcome") == []
    second.join()
    os.close(control)
    assert deleted == [errno.EIO]
    disk.thaw()
    eventually(lambda: len(audit.of("outcome")) == 2)
    assert sorted(line["result"] for line in audit.of("outcome")) == ["done", "failed"]
    served.assert_deletes([archive(uuid(1))])


@pytest.mark.skipif(SANITIZED, reason="the leak check waits for the thread that waits for the disk")
def test_a_frozen_disk_does_not_keep_the_program(frozen, disk):
    m, served, audit = frozen
    disk.freeze()
    with fails_with(errno.EIO):
        os.rmdir(m / uuid(1))
    m.signal(signal.SIGTERM)
    m.await_end()
    assert str(m.path) not in system.mounts()
    served.assert_deletes([])
