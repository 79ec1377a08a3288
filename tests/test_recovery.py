"""What a mount takes up from the audit log: all that earlier runs left open, and nothing else."""

import errno
import json
import os
import re

import pytest

from harness import (Answer, archive, connector, eventually, fails_with, hard, in_background, uuid,
                     write)
from harness.audit import AuditLog
from harness.ledger import LIST_PATH

NEVER = 300
DELETING = Answer(202, b'{"message": "it is being deleted"}')  # and nothing is removed


@pytest.fixture
def audit_lines(tmp_path):
    return AuditLog(tmp_path / "audit.jsonl")


def jobs(m):
    return [json.loads(line)["id"] for line in m.read(".bigdatafs/jobs").splitlines()]


def test_deletions_of_a_run_that_lives_are_its_own(mount, service, audit_lines):
    """Two mounts share one log: what the first is doing is not left open by anybody."""
    served = service(connector(1), connector(2))
    served.answer("DELETE", f"{LIST_PATH}/{uuid(2)}", DELETING)
    first = mount(served, ttl=NEVER, audit=audit_lines.file)
    write(first / uuid(2) / ".force_delete", b"1")
    served.hold("DELETE")
    thread, outcome = in_background(os.rmdir, first / uuid(1))
    served.await_deletes(2)
    second = mount(served, ttl=NEVER, audit=audit_lines.file)
    assert jobs(second) == [] and second.read(f"{uuid(2)}/.force_delete") == b"idle\n"
    assert served.gets(uuid(1)) == 0 and audit_lines.of("resolved") == []
    assert second.unmount() == 0
    served.release()
    thread.join(30)
    assert outcome == [0]
    first.kill()
    third = mount(served, ttl=NEVER, audit=audit_lines.file)
    third.expect("1 deletions of an earlier run")
    assert third.read(f"{uuid(2)}/.force_delete") == b"deleting\n"
    served.serve(connector(1, archived=True))
    eventually(lambda: audit_lines.of("resolved"), "the end of the hard delete")
    assert audit_lines.one("resolved")["id"] == uuid(2)
    served.assert_deletes([hard(uuid(2)), archive(uuid(1))])


def test_accepted_hard_delete_that_no_list_has_is_followed(mount, service, audit_lines):
    """A service that does not list what is archived: a GET finds it, for as long as it takes."""
    served = service(connector(1, archived=True))
    served.answer_delete(DELETING)
    m = mount(served, ttl=NEVER, audit=audit_lines.file)
    write(m / ".archived" / uuid(1) / ".force_delete", b"1")
    m.kill()
    served.answer_list(Answer(200, b'{"results": []}'))
    m = mount(served, ttl=NEVER, audit=audit_lines.file)
    m.expect("1 deletions of an earlier run")
    eventually(lambda: jobs(m) == [uuid(1)], "the job")
    assert m.read(f".archived/{uuid(1)}/.force_delete") == b"deleting\n"
    assert audit_lines.of("resolved") == []
    served.serve()
    eventually(lambda: audit_lines.of("resolved"), "the end of the hard delete")
    assert audit_lines.one("resolved")["result"] == "gone" and m.archived() == []
    served.assert_deletes([hard(uuid(1))])


def test_accepted_hard_delete_is_followed_although_the_first_list_failed(mount, service,
                                                                          audit_lines):
    served = service(connector(1))
    served.answer_delete(DELETING)
    m = mount(served, ttl=NEVER, audit=audit_lines.file)
    write(m / uuid(1) / ".force_delete", b"1")
    m.kill()
    served.answer_list(Answer.error(403), times=1)
    m = mount(served, ttl=NEVER, audit=audit_lines.file, nofail=True)
    m.expect("1 deletions of an earlier run")
    m.expect("could not be fetched")
    eventually(lambda: jobs(m) == [uuid(1)], "the job")
    served.serve()
    eventually(lambda: audit_lines.of("resolved"), "the end of the hard delete")
    assert audit_lines.one("resolved")["result"] == "gone"
    served.assert_deletes([hard(uuid(1))])


def test_log_that_was_moved_or_removed_is_made_again(mount, service, audit_lines):
    """A rotation: what is open goes into the new file, so that the next mount finds it."""
    served = service(connector(1), connector(2), connector(3))
    served.answer("DELETE", f"{LIST_PATH}/{uuid(2)}", DELETING)
    m = mount(served, ttl=NEVER, audit=audit_lines.file)
    write(m / uuid(2) / ".force_delete", b"1")
    audit_lines.file.rename(f"{audit_lines.file}.1")
    os.rmdir(m / uuid(1))
    assert [line["id"] for line in audit_lines.of("intent")] == [uuid(2), uuid(1)]
    audit_lines.file.unlink()
    os.rmdir(m / uuid(3))
    assert [line["id"] for line in audit_lines.of("intent")] == [uuid(2), uuid(3)]
    assert audit_lines.of("intent")[0]["carried"] is True
    m.kill()
    m = mount(served, ttl=NEVER, audit=audit_lines.file)
    m.expect("1 deletions of an earlier run")
    eventually(lambda: jobs(m) == [uuid(2)], "the job")
    served.assert_deletes([hard(uuid(2)), archive(uuid(1)), archive(uuid(3))])


def test_log_that_reached_the_limit_for_files(mount, service, audit_lines):
    """ulimit -f: the line is refused, the mount lives on."""
    served = service(*[connector(n, description="x" * 3000) for n in range(1, 9)])
    m = mount(served, ttl=NEVER, audit=audit_lines.file)
    m.expect("audit log .* cannot be written")
    m.expect("nothing was sent")
    done = m.run("prlimit", "--pid", m.pid, "--fsize=10000")
    assert done.returncode == 0, done.stderr
    archived = []
    with fails_with(errno.EIO):
        for n in range(1, 9):
            os.rmdir(m / uuid(n))
            archived.append(uuid(n))
    assert 0 < len(archived) < 8 and m.archived() == archived
    assert [line["id"] for line in audit_lines.of("intent")] == archived
    served.assert_deletes([archive(i) for i in archived])


def test_log_with_more_left_open_than_one_mount_takes_up(mount, service, audit_lines):
    """A hundred thousand intents, as a great deletion that was killed leaves them, the first and
    every third of them with an outcome."""
    served = service(connector(1))
    common = {"time": "2026-11-25T00:00:00.000000Z", "op": "archive"}
    with audit_lines.file.open("w") as file:
        for n in range(100000):
            file.write(json.dumps({**common, "event": "intent", "key": f"1-{n}", "id": uuid(n),
                                   "source": served.source, "connector": connector(n)}) + "\n")
        for n in [*range(1000), *range(1000, 100000, 3)]:
            file.write(json.dumps({**common, "event": "outcome", "key": f"1-{n}", "id": uuid(n),
                                   "result": "done"}) + "\n")
    m = mount(served, ttl=NEVER, audit=audit_lines.file)
    m.expect("deletions of an earlier run")
    closed = len([n for n in range(65536) if n < 1000 or (n - 1000) % 3 == 0])
    said = eventually(lambda: re.search(r"(\d+) deletions of an earlier run", m.log()))
    assert int(said[1]) == 65536 - closed
    assert m.active() == [uuid(1)]
    assert served.await_requests(lambda r: r.id == uuid(1001)), "the first that is open"
    assert m.unmount() == 0
    served.assert_deletes([])


def test_torn_line_takes_no_other_with_it(mount, service, audit_lines):
    """What a run that was killed left behind ends before the next run's intent begins."""
    served = service(connector(1), connector(2))
    audit_lines.file.write_text('{"event":"intent","key":"1-1","op":"arch')
    served.answer("DELETE", f"{LIST_PATH}/{uuid(2)}", DELETING)
    m = mount(served, ttl=NEVER, audit=audit_lines.file)
    assert b"a line in it was torn" in m.read(".bigdatafs/status")
    write(m / uuid(2) / ".force_delete", b"1")
    m.kill()
    torn, intent, outcome = audit_lines.file.read_text().splitlines()
    assert torn.endswith("arch") and json.loads(intent)["key"] == json.loads(outcome)["key"]
    m = mount(served, ttl=NEVER, audit=audit_lines.file)
    m.expect("1 deletions of an earlier run")
    eventually(lambda: jobs(m) == [uuid(2)], "the job")
    served.assert_deletes([hard(uuid(2))])
