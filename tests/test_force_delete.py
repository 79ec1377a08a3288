"""The control file .force_delete: what it accepts, what it shows, what follows."""

import errno
import mmap
import os
import select
import shutil
import subprocess

import pytest

from harness import (Answer, Inotify, archive, connector, eventually, fails_with, hard,
                     in_background, run, uuid, write)

NEVER = 300
DELETING = Answer(202)  # accepted, and not yet done: the connector is still served


def control(m, n=1):
    return m / uuid(n) / ".force_delete"


# What is accepted


@pytest.mark.parametrize("end", ["", "\n"], ids=["bare", "newline"])
@pytest.mark.parametrize("word", ["1", "true", "yes", "delete", uuid(1)])
def test_accepted_word(mount, service, word, end):
    served = service(connector(1), connector(2))
    m = mount(served, ttl=NEVER)
    data = (word + end).encode()
    assert write(control(m), data) == len(data)
    eventually(lambda: m.active() == [uuid(2)])
    assert m.archived() == []
    served.assert_deletes([hard(uuid(1))])


@pytest.mark.parametrize("line", ["echo 1 > ID/.force_delete", "echo ID >ID/.force_delete",
                                  "printf yes | tee ID/.force_delete",
                                  "echo true | dd of=ID/.force_delete status=none"])
def test_from_the_shell(mount, sandbox, line):
    served = sandbox(seed=2, delete_rate=0)
    target, other = served.ids()
    m = mount(served, ttl=NEVER)
    done = m.run("sh", "-c", line.replace("ID", target))
    assert (done.returncode, done.stderr) == (0, "")
    eventually(lambda: m.active() == [other])
    assert eventually(lambda: served.client.get(target) is None)
    served.assert_deletes([hard(target)])


@pytest.mark.parametrize("data", [
    "0", "no", "2", "false", "True", "YES", " 1", "1 ", "1\n\n", "\n", "1\r\n", "1\0", "yes\0\n",
    "delete now", "1\n1", "truee", "tru", "idle", "deleting", "stalled", uuid(2), uuid(1) + "0",
    uuid(1)[:-1], "1" * 5000, " " * 70000], ids=lambda data: repr(data)[:24])
def test_rejected_content(mount, service, data):
    served = service(connector(1), connector(2))
    m = mount(served, ttl=NEVER)
    with fails_with(errno.EINVAL):
        write(control(m), data.encode())
    assert m.active() == [uuid(1), uuid(2)]
    assert control(m).read_bytes() == b"idle\n"
    line, *more = m.lines("errors")
    assert (line["operation"], line["id"], line["errno"]) == ("hard delete", uuid(1), "EINVAL")
    assert line["hint"].startswith("write 1, true") and line["pid"] == os.getpid()
    assert not more or len(data) > 65536, "one write, one line"
    assert len(served.requests()) == 1
    served.assert_deletes([])


@pytest.mark.parametrize("offset", [1, 5, 4096])
def test_write_at_an_offset_is_rejected(mount, service, offset):
    served = service(connector(1))
    m = mount(served, ttl=NEVER)
    fd = os.open(control(m), os.O_WRONLY)
    try:
        with fails_with(errno.EINVAL):
            os.pwrite(fd, b"1\n", offset)
    finally:
        os.close(fd)
    served.assert_deletes([])


def test_word_in_two_writes_is_rejected(mount, service):
    served = service(connector(1))
    m = mount(served, ttl=NEVER)
    fd = os.open(control(m), os.O_WRONLY)
    try:
        for part in (b"tr", b"ue"):
            with fails_with(errno.EINVAL):
                os.write(fd, part)
    finally:
        os.close(fd)
    served.assert_deletes([])


def test_each_write_counts_by_itself(mount, service):
    served = service(connector(1), connector(2))
    served.answer_delete(DELETING)
    m = mount(served, ttl=NEVER)
    line = f"printf 12 | dd bs=1 of={uuid(1)}/.force_delete status=none"
    assert m.run("bash", "-o", "pipefail", "-c", line).returncode != 0
    assert control(m).read_bytes() == b"deleting\n"
    served.assert_deletes([hard(uuid(1))])


def test_hard_delete_of_what_the_service_no_longer_has(mount, service):
    served = service(connector(1))
    m = mount(served, ttl=NEVER)
    assert control(m).read_bytes() == b"idle\n"
    served.serve()
    m.expect("404")
    with fails_with(errno.ENOENT):
        write(control(m), b"1")
    eventually(lambda: m.active() == [])
    served.assert_deletes([hard(uuid(1))])


# What sends nothing

HARMLESS = ["cat ID/.force_delete", "touch ID/.force_delete", ": > ID/.force_delete",
            "truncate -s 0 ID/.force_delete", "truncate -s 1 ID/.force_delete",
            "rm -f ID/.force_delete", "cp -r ID $OUT/", "cp -a . $OUT/copy",
            "cp ID/.force_delete $OUT/x", "cp /dev/null ID/.force_delete",
            "cp ID/.force_delete ID/.force_delete", "cat ID/.force_delete > $OUT/x",
            "cat $OUT/idle > ID/.force_delete", "cat ID/label > ID/.force_delete",
            "cp -r ID/. OTHER/", "mv $OUT/idle ID/.force_delete", "test -w ID/.force_delete",
            "chmod 600 ID/.force_delete", "sed -i s/idle/1/ ID/.force_delete",
            "ln $OUT/idle ID/.force_delete", "mv ID/label ID/.force_delete",
            "true 3>ID/.force_delete",
            "exec 3<>ID/.force_delete; cat <&3", "rsync -a OTHER/ ID/", "rsync -a $OUT/ ID/"]


@pytest.mark.parametrize("line", HARMLESS)
def test_sends_nothing(mount, service, tmp_path, line):
    """Whether the command succeeds is beside the point; most that write must not."""
    served = service(connector(1), connector(2))
    m = mount(served, ttl=NEVER)
    out = tmp_path / "out"
    out.mkdir()
    (out / "idle").write_text("idle\n")
    m.run("sh", "-c", line.replace("ID", uuid(1)).replace("OTHER", uuid(2)),
          env={**os.environ, "OUT": str(out)})
    assert m.active() == [uuid(1), uuid(2)] and m.archived() == []
    assert len(served.requests()) == 1
    served.assert_deletes([])


@pytest.mark.parametrize("flags", [os.O_RDONLY, os.O_WRONLY, os.O_RDWR, os.O_WRONLY | os.O_TRUNC,
                                   os.O_WRONLY | os.O_APPEND, os.O_WRONLY | os.O_CREAT])
def test_open_and_empty_write_send_nothing(mount, service, flags):
    served = service(connector(1))
    m = mount(served, ttl=NEVER)
    fd = os.open(control(m), flags)
    try:
        if flags != os.O_RDONLY:
            os.write(fd, b"")  # the kernel answers this one itself
    finally:
        os.close(fd)
    assert control(m).read_bytes() == b"idle\n"
    assert len(served.requests()) == 1
    served.assert_deletes([])


# Through a mapping


def test_a_store_through_a_mapping_sends_nothing(mount, service):
    """The kernel sends it later, as root's and without a command: nobody waits for the answer."""
    served = service(connector(1), connector(2))
    m = mount(served, ttl=NEVER)
    fd = os.open(control(m), os.O_RDWR)
    try:
        with mmap.mmap(fd, 5) as mapping:
            mapping[:5] = b"yes\n\n"
            mapping[:1] = b"1"
            with fails_with(errno.EIO, errno.EPERM):
                mapping.flush()
                os.fsync(fd)
            eventually(lambda: mapping[:] == b"idle\n")
    finally:
        os.close(fd)
    line = m.lines("errors")[0]
    assert (line["operation"], line["id"], line["errno"]) == ("hard delete", uuid(1), "EPERM")
    assert "mapping" in line["message"] and "write(2)" in line["hint"] and "uid" not in line
    assert control(m).read_bytes() == b"idle\n" and m.active() == [uuid(1), uuid(2)]
    assert len(served.requests()) == 1
    served.assert_deletes([])


def test_a_word_in_a_mapping_is_not_sent(mount, service):
    served = service(connector(1), connector(2))
    served.answer_delete(DELETING)
    m = mount(served, ttl=NEVER)
    fd = os.open(control(m), os.O_RDWR)
    try:
        with mmap.mmap(fd, 5) as mapping:
            mapping[:5] = b"true\n"
    finally:
        os.close(fd)  # which has the kernel write it back
    eventually(lambda: m.lines("errors"))
    assert control(m).read_bytes() == b"idle\n"
    assert len(served.requests()) == 1
    served.assert_deletes([])


def test_a_refused_write_leaves_what_was_read(mount, service):
    served = service(connector(1))
    m = mount(served, ttl=NEVER)
    fd = os.open(control(m), os.O_RDWR)
    try:
        with mmap.mmap(fd, 5, access=mmap.ACCESS_READ) as reader:
            assert reader[:] == b"idle\n"
            with fails_with(errno.EINVAL):
                os.write(fd, b"word\n")
            eventually(lambda: reader[:] == b"idle\n")
            assert os.pread(fd, 9, 0) == b"idle\n"
    finally:
        os.close(fd)
    served.assert_deletes([])


# While deleting


def test_deleting_until_the_service_says_404(mount, service):
    served = service(connector(1, files_count=10), connector(2))
    served.answer_delete(DELETING)
    m = mount(served, ttl=1)
    assert control(m).read_bytes() == b"idle\n"
    write(control(m), b"1\n")
    assert control(m).read_bytes() == b"deleting\n"
    assert m.active() == [uuid(1), uuid(2)] and control(m, 2).read_bytes() == b"idle\n"
    served.serve(connector(1, files_count=4), connector(2))
    eventually(lambda: m.read(f"{uuid(1)}/files_count") == b"4\n")
    assert control(m).read_bytes() == b"deleting\n"
    served.serve(connector(2))
    eventually(lambda: m.active() == [uuid(2)])
    assert not control(m).exists()
    served.assert_deletes([hard(uuid(1))])


def test_second_write_while_deleting_sends_nothing(mount, service):
    served = service(connector(1))
    served.answer_delete(DELETING)
    m = mount(served, ttl=NEVER)
    for word in (b"1\n", b"1\n", b"yes", uuid(1).encode()):
        assert write(control(m), word) == len(word)
    with fails_with(errno.EINVAL):
        write(control(m), b"no")
    served.assert_deletes([hard(uuid(1))])


def test_second_write_before_the_first_is_answered(mount, service):
    served = service(connector(1))
    served.answer_delete(DELETING)
    m = mount(served, ttl=NEVER)
    served.hold("DELETE")
    writes = [in_background(write, control(m), b"1")]
    served.await_deletes()
    writes += [in_background(write, control(m), b"1") for _ in range(3)]
    served.release()
    for thread, _ in writes:
        thread.join(30)
    assert [outcome for _, outcome in writes] == [[0]] * 4
    served.assert_deletes([hard(uuid(1))])


def test_archive_while_deleting_is_busy(mount, service):
    served = service(connector(1))
    served.answer_delete(DELETING)
    m = mount(served, ttl=NEVER)
    write(control(m), b"1")
    with fails_with(errno.EBUSY):
        os.rmdir(m / uuid(1))
    with fails_with(errno.EBUSY):
        os.rename(m / uuid(1), m / ".archived" / uuid(1))
    assert m.run("rm", "-rf", uuid(1)).returncode != 0
    served.assert_deletes([hard(uuid(1))])


def test_hard_delete_that_failed_may_be_asked_again(mount, service):
    served = service(connector(1))
    served.answer_delete(Answer.error(403), times=1)
    m = mount(served, ttl=NEVER)
    m.expect("403")
    with fails_with(errno.EACCES):
        write(control(m), b"1")
    assert control(m).read_bytes() == b"idle\n"
    write(control(m), b"1")
    eventually(lambda: m.active() == [])
    served.assert_deletes([hard(uuid(1)), hard(uuid(1))])


def test_several_run_at_once(mount, service):
    served = service(*(connector(n) for n in range(8)))
    m = mount(served, ttl=NEVER)
    served.hold("DELETE")
    writes = [in_background(write, control(m, n), b"1") for n in range(8)]
    served.await_deletes(8)
    served.release()
    for thread, _ in writes:
        thread.join(30)
    assert [outcome for _, outcome in writes] == [[0]] * 8
    eventually(lambda: m.active() == [])
    served.assert_deletes([hard(uuid(n)) for n in range(8)], any_order=True)


def test_sandbox_counts_files_down(mount, sandbox):
    served = sandbox(seed=1, delete_rate=20)
    target = served.ids()[0]
    total = served.client.get(target)["files_count"]
    assert total > 0
    m = mount(served, ttl=1)
    assert m.read(f"{target}/files_count") == b"%d\n" % total
    write(m / target / ".force_delete", b"1\n")

    def left():
        try:
            return int(m.read(f"{target}/files_count"))
        except FileNotFoundError:
            return 0

    assert eventually(lambda: left() < total)
    served.assert_deletes([hard(target)])


# The end


def test_end_is_seen_by_who_is_inside(mount, service):
    served = service(connector(1), connector(2))
    served.answer_delete(DELETING)
    m = mount(served, ttl=NEVER)
    shell = subprocess.Popen(["sh"], cwd=m / uuid(1), stdin=subprocess.PIPE, text=True,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    inside = os.open(m / uuid(1), os.O_RDONLY | os.O_DIRECTORY)
    with open(m / uuid(1) / "label", "rb", buffering=0) as label:
        write(control(m), b"1")
        served.serve(connector(2))
        eventually(lambda: m.active() == [uuid(2)])
        assert label.read() == b"Connector 1\n"
        with fails_with(errno.ENOENT, errno.ESTALE):
            os.stat("label", dir_fd=inside)
        try:
            assert os.listdir(inside) == []
        except FileNotFoundError:
            pass
        output, _ = shell.communicate("cat label && echo READ\n", timeout=30)
        assert "READ" not in output
    os.close(inside)
    served.assert_deletes([hard(uuid(1))])


def test_inotify_reports_the_end(mount, service):
    served = service(connector(1), connector(2))
    m = mount(served, ttl=NEVER)
    with Inotify(m.path, Inotify.DELETE) as watch:
        write(control(m), b"1")
        assert (Inotify.DELETE, uuid(1)) in [(mask & Inotify.DELETE, name)
                                             for mask, name in watch.wait()]
    assert m.active() == [uuid(2)]
    served.assert_deletes([hard(uuid(1))])


def test_inotify_reports_the_end_of_an_archived_connector(mount, service):
    served = service(connector(1, archived=True), connector(2, archived=True))
    m = mount(served, ttl=NEVER)
    with Inotify(m / ".archived", Inotify.DELETE) as watch:
        write(m / ".archived" / uuid(1) / ".force_delete", b"1")
        assert (Inotify.DELETE, uuid(1)) in [(mask & Inotify.DELETE, name)
                                             for mask, name in watch.wait()]
    assert m.archived() == [uuid(2)]
    served.assert_deletes([hard(uuid(1))])


def test_the_end_is_not_brought_to_what_is_mounted_over_archived(mount, service):
    """The program removes the directory through its own mount, and must not enter another's."""
    served = service(connector(1, archived=True), connector(2))
    served.answer_delete(DELETING)
    other = service(connector(1))
    m, over = mount(served, ttl=NEVER), mount(other, ttl=NEVER)
    write(m / ".archived" / uuid(1) / ".force_delete", b"1")
    assert run("mount", "--bind", over.path, m / ".archived").returncode == 0
    try:
        served.serve(connector(2))
        eventually(lambda: m.lines("jobs") == [])
        m.await_quiet()
        assert over.active() == [uuid(1)] and over.archived() == []
    finally:
        assert run("umount", m / ".archived").returncode == 0
    assert m.archived() == []
    other.assert_deletes([])
    served.assert_deletes([hard(uuid(1))])


def test_poll_on_the_control_file_wakes(mount, service):
    served = service(connector(1))
    served.answer_delete(DELETING)
    m = mount(served, ttl=NEVER)
    write(control(m), b"1")
    fd = os.open(control(m), os.O_RDONLY)
    try:
        poller = select.poll()
        poller.register(fd, select.POLLPRI)
        assert poller.poll(0) == []
        served.serve()
        assert poller.poll(30000) != []
    finally:
        os.close(fd)
    assert m.active() == []
    served.assert_deletes([hard(uuid(1))])


def test_end_of_an_archived_connector(mount, sandbox):
    served = sandbox(seed=1, delete_rate=0)
    target = served.ids()[0]
    m = mount(served, ttl=NEVER)
    shutil.rmtree(m / target)
    write(m / ".archived" / target / ".force_delete", b"1\n")
    eventually(lambda: m.archived() == [])
    served.assert_deletes([archive(target), hard(target)])


def test_deletion_by_others_is_followed_while_ours_runs(mount, service):
    """The end of one connector tells nothing about another."""
    served = service(connector(1), connector(2))
    served.answer_delete(DELETING)
    m = mount(served, ttl=NEVER)
    write(control(m, 1), b"1")
    write(control(m, 2), b"1")
    served.serve(connector(2))
    eventually(lambda: m.active() == [uuid(2)])
    assert control(m, 2).read_bytes() == b"deleting\n"
    served.assert_deletes([hard(uuid(1)), hard(uuid(2))])
