"""Which rmdir(2) archives a connector: that of who means it, not that of who makes room or asks."""

import errno
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from harness import system
from harness.service import connector, uuid

NOBODY = 65534
COUNT = 20


def run(*command, **more):
    return subprocess.run([str(word) for word in command], capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, timeout=60, **more)


@pytest.fixture
def served(service):
    return service(*(connector(n) for n in range(COUNT)))


@pytest.fixture
def backup(tmp_path):
    path = tmp_path / "backup"
    path.mkdir()
    return path


def as_user(*command):
    return ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups",
            *(str(word) for word in command)]


def let_in(path):
    """An ordinary user may walk to what is below the path."""
    for directory in (path, *path.parents):
        directory.chmod(directory.stat().st_mode | 0o011)


def at_terminal(typed, *command):
    """The command with a terminal as its standard input, at which typed was typed ahead."""
    master, slave = os.openpty()
    try:
        os.write(master, typed)
        return subprocess.run([str(word) for word in command], stdin=slave, capture_output=True,
                              text=True, timeout=60)
    finally:
        os.close(master)
        os.close(slave)


def assert_untouched(m, served, *ids):
    served.assert_deletes([])
    for connector_id in ids:
        assert connector_id in m.active()
        assert (m / connector_id / "label").read_text()


# In passing


def test_a_backup_that_is_moved_back_archives_nothing(mount, served, backup):
    m = mount(served)
    ids = [uuid(n) for n in range(COUNT)]
    for connector_id in ids:
        shutil.copytree(m / connector_id, backup / connector_id,
                        ignore=lambda *_: {".force_delete"})
    done = run("mv", *(backup / i for i in ids), m.path)
    assert done.returncode != 0
    assert_untouched(m, served, *ids)


@pytest.mark.parametrize("option", ["-U", "--recursive-unlink", "--unlink-first"])
def test_an_archive_that_is_unpacked_archives_nothing(mount, served, backup, option):
    m = mount(served)
    (backup / uuid(1)).mkdir()
    (backup / uuid(1) / "label").write_text("old\n")
    (backup / uuid(2)).write_text("a file of that name\n")
    assert run("tar", "-C", backup, "-cf", backup / "a.tar", uuid(1), uuid(2)).returncode == 0
    assert run("tar", "-C", m.path, "-x", option, "-f", backup / "a.tar").returncode != 0
    served.assert_deletes([])
    assert {uuid(1), uuid(2)} <= set(m.active())


@pytest.mark.parametrize("command", [
    ["rmdir", "-p", "ID/config"], ["rmdir", "--parents", "--ignore-fail-on-non-empty", "ID/config"],
    ["rmdir", "--ignore-fail-on-non-empty", "ID"], ["rmdir", "-p", "ID"], ["rmdir", "--ign", "ID"],
    ["find", ".", "-type", "d", "-exec", "rmdir", "--ignore-fail-on-non-empty", "{}", ";"],
    ["find", ".", "-type", "d", "-empty", "-delete"], ["busybox", "rmdir", "-p", "ID/config"],
    ["busybox", "mv", "BACKUP", "ID"], ["rm", "-d", "ID"], ["mv", "-T", "BACKUP", "ID"],
], ids=lambda command: " ".join(command))
def test_a_command_that_relies_on_enotempty_archives_nothing(mount, served, backup, command):
    m = mount(served)
    words = {"ID": uuid(1), "ID/config": uuid(1) + "/config", "BACKUP": backup}
    run(*(words.get(word, word) for word in command), cwd=m.path)
    assert_untouched(m, served, uuid(1))


def test_removedirs_stops_at_the_inner_directory(mount, served):
    m = mount(served)
    with pytest.raises(OSError) as failure:
        os.removedirs(m / uuid(1) / "config")
    assert failure.value.errno == errno.ENOTEMPTY
    assert_untouched(m, served, uuid(1))


def test_removedirs_of_an_empty_inner_directory_archives_nothing(mount, service):
    served = service(connector(1, type="sharepoint", config={}))
    m = mount(served)
    os.removedirs(m / uuid(1) / "config")  # to it the parent that is not empty is no error
    served.assert_deletes([])
    assert uuid(1) in m.active()


def test_a_caller_that_cannot_be_seen_archives_nothing(mount, served):
    """A mount that lives in a pid namespace of its own has no number for callers outside of it."""
    m = mount(served, wrapper=["unshare", "--pid", "--fork", "--kill-child"])
    with pytest.raises(OSError) as failure:
        os.rmdir(m / uuid(1))
    assert failure.value.errno == errno.ENOTEMPTY
    assert_untouched(m, served, uuid(1))


# At a terminal


@pytest.fixture
def fuse_for_all():
    """Ordinary users may open the device, as on any machine with udev."""
    mode = os.stat("/dev/fuse").st_mode
    os.chmod("/dev/fuse", 0o666)
    yield
    os.chmod("/dev/fuse", mode)


@pytest.mark.parametrize("shell", [["rm", "-r"], ["busybox", "rm", "-r"]], ids=" ".join)
@pytest.mark.parametrize("typed", [b"n\n" * 100, b"\x04" * 100], ids=["n", "Ctrl-D"])
def test_questions_that_are_declined_archive_nothing(mount, served, shell, typed):
    """Of another's mount, whose files the kernel shows as write-protected."""
    m = mount(served, allow_other=True, uid=NOBODY, gid=NOBODY)
    let_in(m.path.parent)
    done = at_terminal(typed, *as_user(*shell, m / uuid(1)))
    assert "?" in done.stderr, "it asked"
    assert done.returncode != 0
    assert_untouched(m, served, uuid(1))


@pytest.mark.parametrize("shell", [["rm", "-r"], ["busybox", "rm", "-r"]], ids=" ".join)
def test_questions_that_are_answered_yes_archive(mount, served, shell):
    m = mount(served, allow_other=True, uid=NOBODY, gid=NOBODY)
    let_in(m.path.parent)
    done = at_terminal(b"y\n" * 100, *as_user(*shell, m / uuid(1)))
    assert (done.returncode, "?" in done.stderr) == (0, True), done
    served.assert_deletes([(uuid(1), False)])
    assert uuid(1) in m.archived()


def test_some_answered_yes_and_some_no_archives_nothing(mount, served):
    m = mount(served, allow_other=True, uid=NOBODY, gid=NOBODY)
    let_in(m.path.parent)
    at_terminal(b"y\ny\ny\nn\n" + b"y\n" * 100, *as_user("rm", "-r", m / uuid(1)))
    served.assert_deletes([])
    assert uuid(1) in m.active() and m.names(uuid(1)) == ["config"]


def test_the_owner_of_an_own_mount_is_asked_nothing(served, fuse_for_all):
    """An ordinary user's mount, by fusermount3: rm -r archives, as it says, without a question."""
    with tempfile.TemporaryDirectory() as directory:
        home = Path(directory)
        program = shutil.copy(system.BIGDATAFS, home)
        point = home / "mnt"
        point.mkdir()
        for path in (home, point):
            os.chown(path, NOBODY, NOBODY)
        socket = Path(served.source.removeprefix("unix:"))
        let_in(socket.parent)
        socket.chmod(0o777)
        env = {"PATH": os.environ["PATH"], "HOME": str(home), "BIGDATA_API_KEY": served.key,
               "ASAN_OPTIONS": "detect_leaks=0"}
        started = run(*as_user(program, served.source, point), env=env)
        assert started.returncode == 0, started.stderr
        try:
            done = at_terminal(b"", *as_user("rm", "-r", point / uuid(1)))
            assert (done.returncode, done.stderr) == (0, "")
            assert run(*as_user("rm", point / uuid(2) / "label")).returncode == 0
            write = run(*as_user("sh", "-c", f"echo x > {point}/{uuid(3)}/label"))
            assert "not permitted" in write.stderr
        finally:
            assert run(*as_user("fusermount3", "-u", point)).returncode == 0
    served.assert_deletes([(uuid(1), False)])


# Who means it


@pytest.mark.parametrize("command", [
    ["rmdir", "ID"], ["rmdir", "-v", "ID"], ["busybox", "rmdir", "ID"],
    ["/usr/bin/python3", "-c", "import os, sys; os.rmdir(sys.argv[1])", "ID"],
    ["perl", "-e", "rmdir $ARGV[0] or die", "ID"], ["rm", "-r", "ID"], ["rm", "-rf", "ID"],
    ["busybox", "rm", "-r", "ID"], ["find", "ID", "-delete"],
    ["/usr/bin/python3", "-c", "import shutil, sys; shutil.rmtree(sys.argv[1])", "ID"],
], ids=lambda command: " ".join(command))
def test_who_means_it_archives_once(mount, served, command):
    m = mount(served)
    done = run(*(uuid(1) if word == "ID" else word for word in command), cwd=m.path)
    assert (done.returncode, done.stderr) == (0, "")
    served.assert_deletes([(uuid(1), False)])
    assert uuid(1) in m.archived() and uuid(1) not in m.active()


def test_a_long_command_line_is_read_to_its_end(mount, service):
    """rmdir of many, by absolute paths; and one whose last word is what tells."""
    many = [uuid(n) for n in range(200)]
    served = service(*(connector(n) for n in range(200)))
    m = mount(served, guard=0)
    done = run("rmdir", *(m / i for i in many), "-p")
    assert done.returncode != 0
    served.assert_deletes([])
    done = run("rmdir", *(m / i for i in many))
    assert (done.returncode, done.stderr) == (0, "")
    served.assert_deletes([(i, False) for i in many])


@pytest.mark.parametrize("command", [["rmdir", "ID"], ["perl", "-e", "rmdir $ARGV[0] or die", "ID"]],
                         ids=lambda command: command[0])
def test_rmdir_of_emptied_alone(mount, served, command):
    m = mount(served, rmdir="emptied")
    done = run(*(uuid(1) if word == "ID" else word for word in command), cwd=m.path)
    assert done.returncode != 0
    assert_untouched(m, served, uuid(1))
    assert run("rm", "-r", m / uuid(2)).returncode == 0
    served.assert_deletes([(uuid(2), False)])


def test_directories_inside_follow_posix(mount, served):
    m = mount(served)
    config = m / uuid(1) / "config"
    for name in os.listdir(config):
        with pytest.raises(OSError) as failure:
            os.rmdir(config)
        assert failure.value.errno == errno.ENOTEMPTY
        os.unlink(config / name)
    os.rmdir(config)
    assert not config.exists()
    served.assert_deletes([])


def test_what_was_unlinked_stays_hidden_while_lists_come(mount, served):
    m = mount(served, ttl=1)
    os.unlink(m / uuid(1) / "label")
    lists = sum(r.is_list for r in served.seen())
    served.serve(*(connector(n, description="another") for n in range(COUNT)))
    (m / ".bigdatafs/refresh").write_text("1\n")
    served.await_lists(lists + 1)
    assert (m / uuid(1) / "description").read_text() == "another\n"
    assert not (m / uuid(1) / "label").exists()
    served.assert_deletes([])
