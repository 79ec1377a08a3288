"""Hard deletes that take long: the program's clock is moved, nobody waits for ten minutes."""

import errno
import json
import os
from pathlib import Path

import pytest

from harness import Answer, connector, eventually, fails_with, hard, uuid, write
from harness.audit import AuditLog
from harness.clock import LIBRARY, Clock
from harness.ledger import LIST_PATH

NEVER = 86400
LONG = 3600  # -o timeout=: a leap of the clock must not end a request
MINUTE, LOOK = 60, 31
DELETING = Answer(202, b'{"message": "it is being deleted"}')  # and nothing is removed
ONE = f"{LIST_PATH}/{uuid(1)}"


@pytest.fixture
def clock(tmp_path):
    return Clock(tmp_path)


def look(m, served, clock):
    """The longest pause between two looks passes, and the answer is taken."""
    asked = served.gets(uuid(1))

    def looked():
        idle = b"bigdatafs_http_under_way 0\n" in m.read(".bigdatafs/metrics")  # wakes the program
        return served.gets(uuid(1)) > asked and idle

    clock.advance(LOOK)
    eventually(looked, "a look")


class Followed:
    """A mount with a hard delete of connector 1 that was accepted and looked at."""

    def __init__(self, world, served, clock, **options):
        self.served, self.clock = served, clock
        served.answer_delete(DELETING)
        self.m = world.mount(served, ttl=NEVER, timeout=LONG, env=clock.environment(world),
                             **options)
        assert str(LIBRARY) in Path(f"/proc/{self.m.pid}/maps").read_text()
        write(self.m / uuid(1) / ".force_delete", b"1")
        self.look()

    def state(self):
        """What the control file says; asking wakes the program."""
        return self.m.read(f"{uuid(1)}/.force_delete").decode()

    def job(self):
        job, = map(json.loads, self.m.read(".bigdatafs/jobs").splitlines())
        return job

    def look(self):
        look(self.m, self.served, self.clock)

    def becomes(self, state):
        eventually(lambda: self.state() == f"{state}\n", state)
        assert self.job()["state"] == state


def test_no_progress_for_ten_minutes(world, service, clock):
    followed = Followed(world, service(connector(1, files_count=10)), clock)
    served, m = followed.served, followed.m
    m.expect(f"the hard delete of {uuid(1)} makes no progress")
    clock.advance(8 * MINUTE)
    followed.look()
    assert 8 * MINUTE < followed.job()["seconds_since_progress"] < 10 * MINUTE
    followed.becomes("deleting")
    clock.advance(2 * MINUTE)
    followed.becomes("stalled")
    assert followed.job()["seconds_since_progress"] >= 10 * MINUTE
    served.serve(connector(1, files_count=9))
    followed.look()
    followed.becomes("deleting")
    assert m.read(f"{uuid(1)}/files_count") == b"9\n"
    clock.advance(9 * MINUTE)
    followed.look()
    followed.becomes("deleting")  # ten minutes after the last progress, not the first
    clock.advance(1 * MINUTE)
    followed.becomes("stalled")
    served.assert_deletes([hard(uuid(1))])


def test_written_again_when_the_service_lost_it(world, service, clock, tmp_path):
    """A GET shows it still there, and it is sent again with an intent of its own."""
    audit = AuditLog(tmp_path / "audit.jsonl")
    followed = Followed(world, service(connector(1)), clock, audit=audit.file)
    served, m = followed.served, followed.m
    m.expect(f"the hard delete of {uuid(1)} makes no progress")
    assert write(m / uuid(1) / ".force_delete", b"1") == 1  # deleting: nothing is sent
    served.assert_deletes([hard(uuid(1))])
    clock.advance(11 * MINUTE)
    followed.becomes("stalled")
    with fails_with(errno.EBUSY):
        os.rmdir(m / uuid(1))
    asked = served.gets(uuid(1))
    assert write(m / uuid(1) / ".force_delete", b"1") == 1
    assert served.gets(uuid(1)) > asked
    followed.becomes("deleting")
    assert [line["op"] for line in audit.of("intent")] == ["force_delete"] * 2
    assert [line["result"] for line in audit.of("outcome")] == ["done"] * 2
    assert audit.one("resolved")["result"] == "still there"
    assert audit.one("resolved")["key"] == audit.of("intent")[0]["key"]
    served.assert_deletes([hard(uuid(1))] * 2)


def test_service_that_cannot_be_asked_shows_no_progress(world, service, clock):
    followed = Followed(world, service(connector(1)), clock)
    served, m = followed.served, followed.m
    m.expect(f"the hard delete of {uuid(1)} makes no progress")
    served.answer("GET", ONE, Answer.error(403))
    followed.look()
    followed.becomes("deleting")
    clock.advance(10 * MINUTE)
    followed.becomes("stalled")
    served.forget_rules()
    served.serve(connector(1, files_count=9))
    clock.advance(LOOK)
    followed.becomes("deleting")
    served.assert_deletes([hard(uuid(1))])


def test_looks_that_fail_tell_nothing(world, service, clock, tmp_path):
    """Only a connector that was seen, again and again, without a change is still there."""
    served, audit = service(connector(1)), AuditLog(tmp_path / "audit.jsonl")
    served.answer_delete(Answer(raw=b""), times=1)
    served.answer("GET", ONE, Answer.error(403))
    m = world.mount(served, ttl=NEVER, timeout=LONG, audit=audit.file,
                    env=clock.environment(world))
    m.expect("hard delete of .* failed")
    m.allow("403")
    with fails_with(errno.EIO):
        write(m / uuid(1) / ".force_delete", b"1")
    for _ in range(6):
        look(m, served, clock)
    served.forget_rules()
    for _ in range(4):
        look(m, served, clock)
        assert audit.of("resolved") == []
    look(m, served, clock)
    eventually(lambda: audit.of("resolved"))
    assert audit.one("resolved")["result"] == "still there"
    served.assert_deletes([hard(uuid(1))])
