"""The bulk control files .bigdatafs/archive and .bigdatafs/force_delete: many ids, one write."""

import errno
import json
import os
import signal
import subprocess

import pytest

from harness import (Answer, archive, connector, eventually, fails_with, hard, in_background,
                     uuid, write)
from harness.audit import AuditLog
from harness.ptrace import stopped

NEVER = 300
FILES = {"archive": archive, "force_delete": hard}
OPERATION = {"archive": "archive", "force_delete": "hard delete"}
DELETING = Answer(202)  # accepted, and not yet done: the connector is still served


def bulk(m, name="archive"):
    return m / ".bigdatafs" / name


def text(*ids):
    return "".join(f"{i}\n" for i in ids).encode()


def some(count, first=1):
    return [uuid(n) for n in range(first, first + count)]


# What is sent


@pytest.mark.parametrize("name", FILES)
def test_each_id_is_deleted_once(mount, sandbox, name):
    served = sandbox(seed=30, delete_rate=0)
    mine, others = served.ids()[:20], served.ids()[20:]
    m = mount(served, ttl=NEVER, guard=3)
    assert write(bulk(m, name), text(*mine)) == len(text(*mine))
    eventually(lambda: m.active() == sorted(others))
    assert set(m.archived()).issuperset(mine) == (name == "archive")
    for i in mine:
        found = eventually(lambda: (c := served.client.get(i)) is None or c["archived"] and c)
        assert (found is True) == (name == "force_delete")
    assert m.lines("errors") == []
    served.assert_deletes([FILES[name](i) for i in mine], any_order=True)


@pytest.mark.parametrize("line", [
    "ls -d */ | tr -d / > .bigdatafs/archive", "ls | tee .bigdatafs/archive >tee",
    "ls | dd of=.bigdatafs/archive bs=4000 status=none", "ls | cat >> .bigdatafs/archive",
    "ids=$(ls) && printf '%s\\n' $ids > .bigdatafs/archive",
    "find . -maxdepth 1 -name '[0-9a-f]*' -printf '%f\\n' > .bigdatafs/archive",
    "grep -l . */label | cut -d/ -f1 > .bigdatafs/archive", "ls > ids; cp ids .bigdatafs/archive",
], ids=lambda line: line[:24])
def test_from_the_shell(mount, service, line, tmp_path):
    ids = some(400)  # more than one buffer of most programs
    served = service(*(connector(n + 1) for n in range(400)))
    m = mount(served, ttl=NEVER)
    line = line.replace(">tee", f">{tmp_path}/tee").replace("ids;", f"{tmp_path}/ids;")
    line = line.replace("cp ids", f"cp {tmp_path}/ids")
    done = m.run("bash", "-c", line)
    assert (done.returncode, done.stderr) == (0, "")
    assert m.active() == [] and m.archived() == ids
    served.assert_deletes([archive(i) for i in ids], any_order=True)


def test_a_line_may_be_cut_between_two_writes(mount, service):
    served = service(*(connector(n) for n in range(1, 5)))
    m = mount(served, ttl=NEVER)
    data = text(*some(4))
    fd = os.open(bulk(m), os.O_WRONLY)
    try:
        for start, end in ((0, 50), (50, 73), (73, 74), (74, 110), (110, len(data))):
            assert os.write(fd, data[start:end]) == end - start
    finally:
        os.close(fd)
    assert m.active() == [] and m.lines("errors") == []
    served.assert_deletes([archive(i) for i in some(4)], any_order=True)


@pytest.mark.parametrize("name", FILES)
def test_an_id_that_is_repeated_is_sent_once(mount, service, name):
    served = service(*(connector(n) for n in range(1, 4)))
    served.answer_delete(DELETING) if name == "force_delete" else None
    m = mount(served, ttl=NEVER)
    write(bulk(m, name), text(uuid(2), uuid(1), uuid(2), uuid(2)))
    served.assert_deletes([FILES[name](uuid(1)), FILES[name](uuid(2))], any_order=True)


@pytest.mark.parametrize("name", FILES)
def test_what_is_so_already_counts_as_done(mount, service, name):
    served = service(connector(1), connector(2, archived=True))
    served.answer_delete(DELETING)
    m = mount(served, ttl=NEVER)
    if name == "archive":
        write(bulk(m), text(uuid(2)))
        served.assert_deletes([])
        return
    write(m / uuid(1) / ".force_delete", b"1")
    write(bulk(m, name), text(uuid(1)))
    assert m.read(f"{uuid(1)}/.force_delete") == b"deleting\n"
    served.assert_deletes([hard(uuid(1))])


def test_an_id_that_no_list_had_is_asked_for(mount, service):
    served = service(connector(1), connector(2))
    served.answer_list(Answer(body=json.dumps({"results": [connector(1)]}).encode()))
    m = mount(served, ttl=NEVER)
    assert m.active() == [uuid(1)]
    write(bulk(m), text(uuid(1), uuid(2)))
    assert m.archived() == [uuid(1), uuid(2)] and served.gets(uuid(2)) == 1
    served.assert_deletes([archive(uuid(1)), archive(uuid(2))], any_order=True)


def test_more_unknown_ids_than_are_asked_for_at_once(mount, service):
    """An ask that ends makes room for the next, while the deletions go on."""
    ids = some(40)
    served = service(*map(connector, range(1, 41)))
    served.answer_list(Answer(body=b'{"results": []}'))
    m = mount(served, ttl=NEVER)
    served.hold("DELETE")
    thread, outcome = in_background(write, bulk(m), text(*ids))
    served.await_deletes(40)
    served.release()
    thread.join()
    assert outcome == [0] and m.archived() == ids
    served.assert_deletes([archive(i) for i in ids], any_order=True)


def test_a_bulk_archive_right_after_an_rmdir_is_seen_at_once(mount, service):
    """After a removal the root's names are held back for a moment: the write waits for that."""
    served = service(*map(connector, range(1, 6)))
    m = mount(served, ttl=NEVER)
    for i in some(5):
        os.stat(m / i / "label")
    os.rmdir(m / uuid(1))
    write(bulk(m), text(*some(3, 2)))
    assert [os.path.exists(m / i) for i in some(5)] == [False, False, False, False, True]
    served.assert_deletes([archive(i) for i in some(4)], any_order=True)


# What is refused


@pytest.mark.parametrize("data", [
    b"\n", b"x\n", b"1\n", b" " + text(uuid(1)), text(uuid(1))[:-1] + b" \n",
    text(uuid(1))[:-1] + b"\r\n", text(uuid(1)) + b"\n", text(uuid(1)) + b"x\n",
    text(uuid(1)) + b"x", text(uuid(1), uuid(2)[:-1], uuid(2)), text(uuid(1))[:-1] + b"0\n",
    text(uuid(1)[:20]), uuid(1)[:20].encode(), b"\0", text(uuid(1)) + b"\0\n",
    text(*some(400)) + b"019a9612-bfad-758c-884g\n", b"# all\n" + text(uuid(1)),
], ids=lambda data: repr(data)[-28:])
@pytest.mark.parametrize("name", FILES)
def test_a_malformed_line_sends_nothing(mount, service, name, data):
    served = service(connector(1), connector(2))
    m = mount(served, ttl=NEVER)
    m.expect(f"{name}: line .* of this write is no connector id")
    with fails_with(errno.EINVAL):
        write(bulk(m, name), data)
    last, = m.lines("errors")
    bad = next(n for n, line in enumerate(data.split(b"\n"), 1)
               if line not in map(str.encode, some(400)))
    assert f"line {bad} " in last["message"] and last["errno"] == "EINVAL"
    assert last["operation"] == OPERATION[name] and last["pid"] == os.getpid()
    assert m.active() == [uuid(1), uuid(2)]
    served.assert_deletes([])


@pytest.mark.parametrize("offset", [1, 36, 37, 4096])
def test_a_write_elsewhere_is_rejected(mount, service, offset):
    served = service(connector(1), connector(2))
    m = mount(served, ttl=NEVER)
    m.expect("is no connector id")
    fd = os.open(bulk(m), os.O_WRONLY)
    try:
        with fails_with(errno.EINVAL):
            os.pwrite(fd, text(uuid(1)), offset)
    finally:
        os.close(fd)
    served.assert_deletes([])


def test_a_line_that_is_never_finished_is_said(mount, service):
    served = service(connector(1), connector(2))
    m = mount(served, ttl=NEVER)
    m.expect("the last line is no connector id")
    data = text(uuid(1)) + uuid(2)[:20].encode()
    assert write(bulk(m), data) == len(data)
    last, = eventually(lambda: m.lines("errors"))
    assert last["errno"] == "EINVAL" and "nothing was sent for it" in last["message"]
    assert m.active() == [uuid(2)] and m.archived() == [uuid(1)]
    served.assert_deletes([archive(uuid(1))])


@pytest.mark.parametrize("name", FILES)
def test_a_last_id_without_its_newline_counts_once_the_file_is_closed(mount, service, name):
    """Whether it is a whole line is known no sooner: a longer one may go on in the next write."""
    served = service(*map(connector, range(1, 4)))
    m = mount(served, ttl=NEVER)
    data = text(uuid(1), uuid(2))[:-1]
    fd = os.open(bulk(m, name), os.O_WRONLY)
    assert os.write(fd, data) == len(data)
    assert served.deletes() == [FILES[name](uuid(1))]
    os.close(fd)
    served.await_deletes(2)
    eventually(lambda: m.lines("jobs") == [] if name == "archive" else len(m.lines("jobs")) == 2)
    assert m.lines("errors") == []
    served.assert_deletes([FILES[name](uuid(1)), FILES[name](uuid(2))])


def test_a_file_without_its_last_newline_is_deleted_whole(mount, service, tmp_path):
    served = service(*map(connector, range(1, 4)))
    m = mount(served, ttl=NEVER)
    (tmp_path / "ids").write_bytes(text(uuid(1), uuid(2), uuid(3))[:-1])
    assert m.run("cp", tmp_path / "ids", ".bigdatafs/archive").returncode == 0
    eventually(lambda: m.archived() == [uuid(1), uuid(2), uuid(3)])
    served.assert_deletes([archive(uuid(n)) for n in (1, 2, 3)], any_order=True)


@pytest.mark.parametrize("name", FILES)
def test_a_line_that_is_cut_behind_an_id_is_not_sent(mount, service, name):
    served = service(*map(connector, range(1, 4)))
    served.answer_delete(DELETING) if name == "force_delete" else None
    m = mount(served, ttl=NEVER)
    m.expect("is no connector id")
    m.expect("the last line has no newline")
    first, second = text(uuid(1), uuid(2))[:-1], b",x\n" + text(uuid(3))
    fd = os.open(bulk(m, name), os.O_WRONLY)
    try:
        assert os.write(fd, first) == len(first)
        for data in (second, b"\n", b"\n" + text(uuid(3))):
            with fails_with(errno.EINVAL):
                os.write(fd, data)
        with fails_with(errno.EINVAL):
            os.pwrite(fd, text(uuid(3)), len(first + second))
    finally:
        os.close(fd)
    assert [line["id"] for line in m.lines("errors") if line["id"]] == [uuid(2)]
    served.assert_deletes([FILES[name](uuid(1))])


@pytest.mark.parametrize("cut", range(70, 80))
def test_a_bad_line_is_not_sent_wherever_it_is_cut(mount, service, cut):
    served = service(*map(connector, range(1, 4)))
    m = mount(served, ttl=NEVER)
    m.expect("is no connector id")
    m.allow("the last line")
    line = f"printf '%s\\n' {uuid(1)} {uuid(2)},xxxxxxxxxx {uuid(3)} | " \
           f"dd of=.bigdatafs/archive bs={cut} status=none"
    assert m.run("bash", "-o", "pipefail", "-c", line).returncode != 0
    assert set(m.archived()) <= {uuid(1)}
    served.assert_deletes([archive(uuid(1))] if cut <= 73 else [])


def test_a_failed_write_says_that_its_last_id_was_not_sent(mount, service):
    served = service(connector(1), connector(2))
    served.answer("DELETE", f".*/{uuid(1)}", Answer.error(403))
    m = mount(served, ttl=NEVER)
    m.expect("403")
    m.expect("the last line has no newline")
    with fails_with(errno.EACCES):
        write(bulk(m), text(uuid(1), uuid(2))[:-1])
    assert [line["id"] for line in m.lines("errors")] == [uuid(1), uuid(2)]
    served.assert_deletes([archive(uuid(1))])


def test_after_a_whole_id_only_a_newline_may_follow(mount, service):
    served = service(connector(1), connector(2))
    m = mount(served, ttl=NEVER)
    m.expect("is no connector id")
    fd = os.open(bulk(m), os.O_WRONLY)
    try:
        assert os.write(fd, uuid(1).encode()) == 36
        with fails_with(errno.EINVAL):
            os.write(fd, text(uuid(2)))
        assert os.write(fd, b"\n" + text(uuid(2))) == 38
    finally:
        os.close(fd)
    served.assert_deletes([archive(uuid(1)), archive(uuid(2))])


@pytest.mark.parametrize("line", [
    "touch .bigdatafs/archive", ": > .bigdatafs/archive", "cat .bigdatafs/archive",
    "truncate -s 0 .bigdatafs/archive", "cp -r .bigdatafs COPY", "exec 3<> .bigdatafs/archive",
    "stat .bigdatafs/force_delete", ": >> .bigdatafs/force_delete"])
def test_other_acts_send_nothing(mount, service, tmp_path, line):
    served = service(connector(1))
    m = mount(served, ttl=NEVER)
    done = m.run("bash", "-c", line.replace("COPY", f"{tmp_path}/copy"))
    assert (done.returncode, done.stderr) == (0, "")
    assert m.lines("errors") == []
    served.assert_deletes([])


@pytest.mark.parametrize("line", ["rm .bigdatafs/archive", "mv .bigdatafs/archive .bigdatafs/x",
                                  "chmod 666 .bigdatafs/force_delete"])
def test_the_files_stay(mount, service, line):
    served = service(connector(1))
    m = mount(served, ttl=NEVER)
    assert m.run("bash", "-c", line).returncode != 0
    assert os.stat(bulk(m)).st_mode & 0o777 == 0o600
    served.assert_deletes([])


def test_read_only_and_dry_run(mount, service):
    served = service(connector(1), connector(2))
    m = mount(served, ttl=NEVER, ro=True)
    with fails_with(errno.EROFS):
        write(bulk(m), text(uuid(1)))
    m = mount(served, ttl=NEVER, dry_run=True, audit=m.path.parent / "audit")
    m.expect("would delete")
    with fails_with(errno.EPERM):
        write(bulk(m), text(uuid(1), uuid(2)))
    log = AuditLog(m.path.parent.parent / "mount0" / "audit")
    assert [line["id"] for line in log.of("intent")] == some(2)
    assert m.active() == some(2)
    served.assert_deletes([])


# What is reported


@pytest.mark.parametrize("name", FILES)
def test_every_failure_has_its_line_and_the_others_go_on(mount, service, name):
    served = service(*(connector(n) for n in range(1, 7)))
    for n, status in ((2, 403), (4, 409)):
        served.answer("DELETE", f".*/{uuid(n)}", Answer.error(status))
    m = mount(served, ttl=NEVER, audit=served.key_file.parent / "audit")
    m.expect("403")
    m.expect("409")
    with fails_with(errno.EACCES, errno.EBUSY, errno.ENOENT):
        write(bulk(m, name), text(*some(6), uuid(99)))
    found = {line["id"]: line for line in m.lines("errors")}
    assert {i: found[i]["errno"] for i in found} == {
        uuid(2): "EACCES", uuid(4): "EBUSY", uuid(99): "ENOENT"}
    for line in found.values():
        assert line["operation"] == OPERATION[name] and line["pid"] == os.getpid()
        assert line["hint"] and line["message"]
    log = AuditLog(served.key_file.parent / "audit")
    assert sorted(line["id"] for line in log.of("intent")) == some(6)
    assert {line["id"]: line["result"] for line in log.of("outcome")} == {
        **{i: "done" for i in some(6)}, uuid(2): "failed", uuid(4): "failed"}
    eventually(lambda: m.active() == [uuid(2), uuid(4)])
    served.assert_deletes([FILES[name](i) for i in some(6)], any_order=True)


def test_an_id_that_cannot_be_asked_for_says_where_the_reason_is(mount, service):
    served = service(connector(1))
    served.answer("GET", f".*/{uuid(99)}", Answer.error(403))
    m = mount(served, ttl=NEVER)
    m.expect("403")
    with fails_with(errno.EACCES):
        write(bulk(m), text(uuid(99), uuid(1)))
    get, line = m.lines("errors")
    assert (get["operation"], get["id"], get["status"]) == ("get", uuid(99), 403)
    assert (line["operation"], line["id"], line["errno"]) == ("archive", uuid(99), "EACCES")
    assert line["hint"] == "the last line for a get has the reason"
    served.assert_deletes([archive(uuid(1))])


def test_the_first_failure_gives_the_errno(mount, service):
    served = service(connector(1), connector(2))
    served.answer("DELETE", f".*/{uuid(1)}", Answer.error(403))
    m = mount(served, ttl=NEVER, parallel=1)
    m.expect("403")
    with fails_with(errno.EACCES):
        write(bulk(m), text(uuid(1), uuid(99), uuid(2)))
    with fails_with(errno.ENOENT):
        write(bulk(m), text(uuid(99), uuid(1)))
    assert m.archived() == [uuid(2)]
    served.assert_deletes([archive(uuid(1)), archive(uuid(2)), archive(uuid(1))])


def test_parallel_bounds_what_is_under_way_and_jobs_tell(mount, service):
    served = service(*(connector(n) for n in range(1, 11)))
    m = mount(served, ttl=NEVER, parallel=4)
    served.hold("DELETE")
    thread, outcome = in_background(write, bulk(m), text(*some(10)))
    served.await_deletes(4)
    job = m.lines("jobs")[0]
    assert job == {"operation": "bulk archive", "state": "under way", "pid": job["pid"], "ids": 10,
                   "succeeded": 0, "failed": 0, "under_way": 4, "waiting": 6}
    assert [line["id"] for line in m.lines("jobs")[1:]] == some(4)
    assert m.active() == some(10)  # and the mount answers
    assert len(served.deletes()) == 4
    served.release()
    thread.join()
    assert outcome == [0] and m.lines("jobs") == []
    served.assert_deletes([archive(i) for i in some(10)], any_order=True)


def test_two_writes_go_on_side_by_side(mount, service):
    served = service(*(connector(n) for n in range(1, 9)))
    m = mount(served, ttl=NEVER, parallel=2)
    served.hold("DELETE")
    first = in_background(write, bulk(m), text(*some(4)))
    served.await_deletes(2)
    second = in_background(write, bulk(m), text(*some(4, 5)))
    eventually(lambda: [job["ids"] for job in m.lines("jobs") if "ids" in job] == [4, 4])
    served.release()
    for thread, outcome in (first, second):
        thread.join()
        assert outcome == [0]
    assert m.archived() == some(8)
    served.assert_deletes([archive(i) for i in some(8)], any_order=True)


# What interrupts it


@pytest.mark.parametrize("name", FILES)
def test_ctrl_c_sends_nothing_more(mount, service, name):
    served = service(*(connector(n) for n in range(1, 11)))
    m = mount(served, ttl=NEVER, parallel=2, audit=served.key_file.parent / "audit")
    served.hold("DELETE")
    writer = subprocess.Popen(["cp", "/dev/stdin", bulk(m, name)], stdin=subprocess.PIPE,
                              stderr=subprocess.DEVNULL)
    writer.stdin.write(text(*some(10)))
    writer.stdin.close()
    served.await_deletes(2)
    writer.send_signal(signal.SIGINT)
    assert writer.wait(30) == -signal.SIGINT
    last = m.lines("errors")[-1]
    assert last["errno"] == "EINTR" and "nothing was sent for the last 8 of 10" in last["message"]
    served.release()
    log = AuditLog(served.key_file.parent / "audit")
    eventually(lambda: len(log.of("outcome")) == 2)
    assert {line["result"] for line in log.of("outcome")} == {"done"}
    eventually(lambda: m.active() == some(8, 3))
    served.assert_deletes([FILES[name](i) for i in some(2)], any_order=True)


def test_sigterm_sends_nothing_more(mount, service):
    served = service(*(connector(n) for n in range(1, 11)))
    m = mount(served, ttl=NEVER, parallel=2)
    served.hold("DELETE")
    thread, outcome = in_background(write, bulk(m), text(*some(10)))
    served.await_deletes(2)
    m.signal(signal.SIGTERM)
    last, = eventually(lambda: m.lines("errors"))
    assert "nothing was sent for the last 8 of 10" in last["message"]
    served.release()
    thread.join()
    assert outcome == [errno.EIO]
    m.await_end()
    served.assert_deletes([archive(i) for i in some(2)], any_order=True)


def test_what_was_done_is_said_also_when_the_program_ends(mount, service):
    """All is deleted, and the kernel is being told, when SIGTERM comes."""
    served = service(*map(connector, range(1, 6)))
    m = mount(served, ttl=NEVER, audit=served.key_file.parent / "audit")
    for i in some(5):
        m.read(f"{i}/label")  # and so a close sends nothing any more
    log = AuditLog(served.key_file.parent / "audit")
    notifier = max(int(tid) for tid in os.listdir(f"/proc/{m.pid}/task"))
    with stopped(notifier):
        thread, outcome = in_background(write, bulk(m), text(*some(5)))
        eventually(lambda: len(log.of("outcome")) == 5)
        m.signal(signal.SIGTERM)
        thread.join()
    assert outcome == [0]
    m.await_end()
    served.assert_deletes([archive(i) for i in some(5)], any_order=True)
