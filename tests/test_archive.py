"""rmdir and all that comes to it: archives, once, and nothing else does."""

import errno
import fcntl
import os
import shutil
import signal
import subprocess

import pytest

from harness import Answer, archive, connector, eventually, fails_with, hard, in_background, uuid
from harness import write
from harness.clock import Clock
from harness.system import await_end

NEVER = 300
ACCEPTED = Answer(202)  # without doing it: the connector is still served


def command(*words):
    def act(m, connector_id):
        done = m.run(*(word.replace("ID", connector_id) for word in words))
        assert (done.returncode, done.stderr) == (0, "")
    return act


WAYS = {
    "rmdir": command("rmdir", "ID"),
    "rmdir -p": command("rmdir", "--", "ID/"),
    "rm -r": command("rm", "-r", "ID"),
    "rm -rf": command("rm", "-rf", "ID"),
    "find -delete": command("find", "ID", "-delete"),
    "mv": command("mv", "ID", ".archived/"),
    "mv by name": command("mv", "ID", ".archived/ID"),
    "os.rmdir": lambda m, i: os.rmdir(m / i),
    "os.rename": lambda m, i: os.rename(m / i, m / ".archived" / i),
    "shutil.rmtree": lambda m, i: shutil.rmtree(m / i),
    "perl": command("perl", "-MFile::Path=remove_tree", "-e", "remove_tree('ID', {safe => 0})"),
}


@pytest.mark.parametrize("way", WAYS)
def test_archives_once(mount, sandbox, way):
    served = sandbox(seed=3)
    target, *others = served.ids()
    m = mount(served, ttl=NEVER)
    WAYS[way](m, target)
    assert m.active() == sorted(others) and m.archived() == [target]
    assert m.read(f".archived/{target}/archived") == b"true\n"
    assert "label" in m.names(f".archived/{target}")
    assert served.client.get(target)["archived"] is True
    served.assert_deletes([archive(target)])


def test_rm_of_two(mount, sandbox):
    served = sandbox(seed=3)
    first, second, other = served.ids()
    m = mount(served, ttl=NEVER)
    done = m.run("rm", "-rf", first, second)
    assert (done.returncode, done.stderr) == (0, "")
    assert m.active() == [other] and m.archived() == sorted([first, second])
    served.assert_deletes([archive(first), archive(second)])


def test_archived_connector_cannot_be_archived_again(mount, service):
    served = service(connector(1, archived=True))
    m = mount(served, ttl=NEVER)
    with fails_with(errno.EPERM):
        os.rmdir(m / ".archived" / uuid(1))
    done = m.run("rm", "-rf", f".archived/{uuid(1)}")
    assert done.returncode != 0
    assert m.archived() == [uuid(1)]
    served.assert_deletes([])


@pytest.mark.parametrize("name", [uuid(9), "x"])
def test_rmdir_of_what_does_not_exist(mount, service, name):
    served = service(connector(1))
    m = mount(served, ttl=NEVER)
    with fails_with(errno.ENOENT):
        os.rmdir(m / name)
    served.assert_deletes([])


def test_rmdir_of_what_the_service_no_longer_has(mount, service):
    served = service(connector(1), connector(2))
    m = mount(served, ttl=NEVER)
    assert m.active() == [uuid(1), uuid(2)]
    served.serve(connector(2))
    m.expect("404")
    with fails_with(errno.ENOENT):
        os.rmdir(m / uuid(1))
    assert m.active() == [uuid(2)] and m.archived() == []
    served.assert_deletes([archive(uuid(1))])


# Hiding


def test_unlinked_files_are_back_after_a_minute(mount, service, tmp_path, world):
    """Not with a list: rm -r may take longer than ttl."""
    served, clock = service(connector(1)), Clock(tmp_path)
    m = mount(served, ttl=NEVER, env=clock.environment(world))
    before = m.names(uuid(1))
    done = m.run("rm", "-f", f"{uuid(1)}/label", f"{uuid(1)}/.force_delete",
                 f"{uuid(1)}/connector.json")
    assert (done.returncode, done.stderr) == (0, "")
    (m / ".bigdatafs/refresh").write_text("1\n")
    served.await_lists(2)
    assert len(m.names(uuid(1))) == len(before) - 3
    clock.advance(61)
    eventually(lambda: m.names(uuid(1)) == before)
    assert m.read(f"{uuid(1)}/label") == b"Connector 1\n"
    served.assert_deletes([])


@pytest.mark.parametrize("name", ["label", "connector.json", ".force_delete", "config/email"])
def test_unlink_hides_and_sends_nothing(mount, service, name):
    served = service(connector(1), connector(2))
    m = mount(served, ttl=NEVER)
    os.unlink(m / uuid(1) / name)
    assert not os.path.lexists(m / uuid(1) / name)
    assert os.path.basename(name) not in os.listdir((m / uuid(1) / name).parent)
    assert os.path.lexists(m / uuid(2) / name)
    with fails_with(errno.ENOENT):
        os.unlink(m / uuid(1) / name)
    assert len(served.requests()) == 1
    served.assert_deletes([])


def test_rmdir_inside_a_connector_hides_and_sends_nothing(mount, service):
    served = service(connector(1))
    m = mount(served, ttl=NEVER)
    shutil.rmtree(m / uuid(1) / "config")
    assert "config" not in m.names(uuid(1)) and "label" in m.names(uuid(1))
    served.assert_deletes([])


def test_all_but_the_connector_itself_removed_sends_nothing(mount, service):
    served = service(connector(1))
    m = mount(served, ttl=NEVER)
    done = m.run("find", uuid(1), "-mindepth", "1", "-delete")
    assert (done.returncode, done.stderr) == (0, "")
    assert m.names(uuid(1)) == [] and m.active() == [uuid(1)]
    served.assert_deletes([])


def test_what_was_hidden_is_back_when_the_archive_fails(mount, service):
    served = service(connector(1))
    served.answer_delete(Answer.error(403))
    m = mount(served, ttl=NEVER)
    before = m.names(uuid(1))
    m.expect("403")
    assert m.run("rm", "-r", uuid(1)).returncode != 0
    assert m.active() == [uuid(1)] and m.names(uuid(1)) == before
    served.assert_deletes([archive(uuid(1))])


def test_rm_killed_before_its_rmdir_archives_nothing(mount, service):
    """rm -v tells of each file into a full pipe: it hangs there after its first unlink."""
    served = service(connector(1))
    m = mount(served, ttl=NEVER)
    count = len(m.names(uuid(1)))
    reader, writer = os.pipe()
    size = fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
    os.write(writer, b"x" * size)
    rm = subprocess.Popen(["stdbuf", "-oL", "rm", "-rv", uuid(1)], cwd=m.path, stdout=writer,
                          stdin=subprocess.DEVNULL)
    eventually(lambda: sum(len(files) + len(dirs) for _, dirs, files in os.walk(m / uuid(1)))
               < count + 3)
    rm.kill()
    assert rm.wait() == -signal.SIGKILL
    os.close(reader)
    os.close(writer)
    assert m.active() == [uuid(1)]
    served.assert_deletes([])


# What else could change something

DENIED = {
    "mkdir": lambda m, c: os.mkdir(m / "new"),
    "mkdir of a uuid": lambda m, c: os.mkdir(m / uuid(9)),
    "mkdir inside": lambda m, c: os.mkdir(c / "new"),
    "mkdir in .archived": lambda m, c: os.mkdir(m / ".archived" / "new"),
    "create": lambda m, c: open(m / "new", "xb").close(),
    "create inside": lambda m, c: open(c / "new", "xb").close(),
    "mknod": lambda m, c: os.mkfifo(c / "new"),
    "write": lambda m, c: write(c / "label", b"x"),
    "append": lambda m, c: write(c / "label", b"x", os.O_WRONLY | os.O_APPEND),
    "write and truncate": lambda m, c: write(c / "label", b"x", os.O_WRONLY | os.O_TRUNC),
    "truncate": lambda m, c: os.truncate(c / "label", 0),
    "write connector.json": lambda m, c: write(c / "connector.json", b"x", os.O_RDWR),
    "chmod": lambda m, c: os.chmod(c / "label", 0o644),
    "chmod of a connector": lambda m, c: os.chmod(c, 0o700),
    "chown": lambda m, c: os.chown(c / "label", 1, 1),
    "utime": lambda m, c: os.utime(c / "label"),
    "symlink": lambda m, c: os.symlink("label", c / "new"),
    "link": lambda m, c: os.link(c / "label", c / "new"),
    "rename of a connector": lambda m, c: os.rename(c, m / "new"),
    "rename to a uuid": lambda m, c: os.rename(c, m / uuid(9)),
    "rename to another name in .archived": lambda m, c: os.rename(c, m / ".archived" / "new"),
    "rename to another id in .archived": lambda m, c: os.rename(c, m / ".archived" / uuid(9)),
    "rename into a connector": lambda m, c: os.rename(c, m / uuid(3) / "new"),
    "rename of a file": lambda m, c: os.rename(c / "label", c / "new"),
    "rename of a file over another": lambda m, c: os.rename(c / "label", c / "type"),
    "rename of a file into .archived": lambda m, c: os.rename(c / "label", m / ".archived" / "l"),
    "rename back": lambda m, c: os.rename(m / ".archived" / uuid(2), m / uuid(2)),
    "rmdir of .archived": lambda m, c: os.rmdir(m / ".archived"),
    "rename of .archived": lambda m, c: os.rename(m / ".archived", m / "new"),
}


@pytest.mark.parametrize("act", DENIED)
def test_anything_else_is_denied(mount, service, act):
    served = service(connector(1), connector(2, archived=True), connector(3))
    m = mount(served, ttl=NEVER)
    before = (m.active(), m.archived(), m.names(uuid(1)), m.read(f"{uuid(1)}/label"))
    with fails_with(errno.EPERM):
        DENIED[act](m, m / uuid(1))
    assert before == (m.active(), m.archived(), m.names(uuid(1)), m.read(f"{uuid(1)}/label"))
    served.assert_deletes([])


@pytest.mark.parametrize("act", [*DENIED, "rmdir", "archive by rename", "force delete", "unlink"])
def test_read_only_mount_refuses_everything(mount, service, act):
    acts = {**DENIED, "rmdir": lambda m, c: os.rmdir(c),
            "archive by rename": lambda m, c: os.rename(c, m / ".archived" / uuid(1)),
            "force delete": lambda m, c: write(c / ".force_delete", b"x"),
            "unlink": lambda m, c: os.unlink(c / "label")}
    served = service(connector(1), connector(2, archived=True), connector(3))
    m = mount(served, ttl=NEVER, ro=True)
    with fails_with(errno.EROFS):
        acts[act](m, m / uuid(1))
    assert m.active() == [uuid(1), uuid(3)]
    served.assert_deletes([])


# While a DELETE is under way


def test_known_files_can_be_read_while_an_archive_is_under_way(mount, service):
    served = service(connector(1), connector(2))
    m = mount(served, ttl=NEVER)
    label = m / uuid(2) / "label"
    assert label.read_bytes() == b"Connector 2\n"
    served.hold("DELETE")
    thread, outcome = in_background(os.rmdir, m / uuid(1))
    served.await_deletes()
    assert label.read_bytes() == b"Connector 2\n"
    assert not outcome
    served.release()
    thread.join(30)
    assert outcome == [0]
    served.assert_deletes([archive(uuid(1))])


def test_rmdir_can_be_killed_and_its_archive_goes_through(mount, service):
    served = service(connector(1))
    m = mount(served, ttl=NEVER)
    served.hold("DELETE")
    rmdir = subprocess.Popen(["rmdir", m / uuid(1)])
    served.await_deletes()
    rmdir.kill()
    assert await_end(rmdir.pid) == -signal.SIGKILL
    rmdir.returncode = -signal.SIGKILL
    served.release()
    eventually(lambda: m.archived() == [uuid(1)])
    assert m.active() == []
    served.assert_deletes([archive(uuid(1))])


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_end_with_an_archive_under_way_sends_no_other(mount, service, number):
    served = service(connector(1), connector(2))
    m = mount(served, ttl=NEVER)
    served.hold("DELETE")
    thread, outcome = in_background(os.rmdir, m / uuid(1))
    served.await_deletes()
    m.signal(number)
    served.release()
    assert m.await_end() == 0
    thread.join(30)
    assert len(outcome) == 1 and not m.is_mounted()
    served.assert_deletes([archive(uuid(1))])


def test_two_rmdirs_of_the_same_connector(mount, service):
    served = service(connector(1))
    m = mount(served, ttl=NEVER)
    served.hold("DELETE")
    first, one = in_background(os.rmdir, m / uuid(1))
    served.await_deletes()
    second, two = in_background(os.rmdir, m / uuid(1))
    served.release()
    first.join(30)
    second.join(30)
    assert one == [0] and two == [errno.ENOENT]
    served.assert_deletes([archive(uuid(1))])


def test_hard_delete_of_an_archived_connector(mount, service):
    served = service(connector(1, archived=True))
    m = mount(served, ttl=NEVER)
    (m / ".archived" / uuid(1) / ".force_delete").write_text("1\n")
    eventually(lambda: m.archived() == [])
    served.assert_deletes([hard(uuid(1))])


def test_mv_of_one_that_is_gone(mount, service):
    served = service(connector(1), connector(2))
    m = mount(served, ttl=NEVER)
    m.expect("404")
    assert m.read(f"{uuid(1)}/label")
    served.serve(connector(2))
    with fails_with(errno.ENOENT):
        os.rename(m / uuid(1), m / ".archived" / uuid(1))
    assert m.active() == [uuid(2)] and m.archived() == []
    for gone in (m / uuid(1), m / ".archived" / uuid(1)):
        eventually(lambda path=gone: not os.path.exists(path))
    served.assert_deletes([archive(uuid(1))])


def test_a_refused_hard_delete_leaves_a_waiting_mv_alone(mount, service):
    served = service(connector(1))
    m = mount(served, ttl=NEVER)
    m.run("ls", "-la", uuid(1))
    served.hold("DELETE")
    thread, outcome = in_background(os.rename, m / uuid(1), m / ".archived" / uuid(1))
    served.await_deletes()
    with fails_with(errno.EBUSY):
        write(m / uuid(1) / ".force_delete", b"1")
    served.release()
    thread.join(30)
    assert outcome == [0]
    m.await_quiet()
    assert m.read(f".archived/{uuid(1)}/label") == b"Connector 1\n"
    served.assert_deletes([archive(uuid(1))])


@pytest.mark.parametrize("how", ["rmdir", "mv"])
def test_one_that_others_archived_meanwhile_leaves_no_name(mount, service, how):
    """The service refuses, so the kernel keeps the name that it was to remove."""
    served = service(connector(1), connector(2))
    served.answer_delete(Answer.error(409))
    m = mount(served, ttl=NEVER)
    m.expect("409")
    assert m.read(f"{uuid(1)}/label")
    served.hold("DELETE")
    act = os.rmdir if how == "rmdir" else lambda path: os.rename(path, m / ".archived" / uuid(1))
    thread, outcome = in_background(act, m / uuid(1))
    served.await_deletes()
    served.serve(connector(1, archived=True), connector(2))

    def taken():  # the list after it is asked for
        m.signal(signal.SIGHUP)
        return sum(request.is_list for request in served.seen()) > 2

    eventually(taken)
    served.release()
    thread.join(30)
    assert outcome == [errno.EBUSY]
    eventually(lambda: not os.path.exists(m / uuid(1)))
    assert m.read(f".archived/{uuid(1)}/label") == b"Connector 1\n"
    served.assert_deletes([archive(uuid(1))])


def test_a_yes_that_archives_nothing_is_a_failure(mount, service):
    served = service(connector(1))
    served.answer_delete(ACCEPTED)
    m = mount(served, ttl=NEVER)
    m.expect("accepted the DELETE, but the connector is not archived")
    with fails_with(errno.EIO):
        os.rmdir(m / uuid(1))
    line, = m.lines("errors")
    assert (line["errno"], line["status"]) == ("EIO", 0)
    assert line["hint"].startswith("the service said yes to the DELETE")
    assert m.active() == [uuid(1)] and m.archived() == []
    served.assert_deletes([archive(uuid(1))])
