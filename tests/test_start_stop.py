"""How the program starts, refuses to start, and ends."""

import os
import signal
import stat
from contextlib import suppress

import pytest

from harness import archive, connector, eventually, uuid
from harness import system
from harness.clock import Clock
from harness.service import Answer, closed_port

NEVER = 300


@pytest.fixture
def point(tmp_path):
    """A directory to mount on, for programs that the mount fixture does not start."""
    path = tmp_path / "point"
    path.mkdir()
    return path


def assert_refused(done, path, *words):
    """A sentence, a status, and no mount."""
    assert done.returncode not in (0, 134, 139) and done.returncode > 0
    lines = done.stderr.strip().splitlines()
    assert lines and all(line.startswith("bigdatafs: ") for line in lines), done.stderr
    for word in words:
        assert word.lower() in done.stderr.lower()
    assert str(path) not in system.mounts()


# Words


def test_help(program):
    done = program("-h")
    assert done.returncode == 0 and done.stderr == ""
    for word in ("MOUNTPOINT", "-o", "api_key_file", "ttl", "timeout", "--sandbox"):
        assert word in done.stdout


def test_version(program):
    done = program("-V")
    assert done.returncode == 0 and "bigdatafs" in done.stdout and done.stderr == ""


@pytest.mark.parametrize("arguments", [
    [], ["-o"], ["--no-such-option", "MNT"], ["SRC", "MNT", "more"],
    ["SRC", "MNT", "-o", "no_such_option"], ["SRC", "MNT", "-o", "ttl=soon"],
    ["SRC", "MNT", "-o", "ttl=-1"], ["SRC", "MNT", "-o", "ttl="], ["SRC", "MNT", "-o", "timeout=x"],
    ["SRC", "MNT", "-o", "timeout=99999999999999999999"], ["SRC", "MNT", "-o", "uid=nobody-here"],
    ["SRC", "MNT", "-o", "umask=9"], ["SRC", "MNT", "-o", "api_key_file="]], ids=" ".join)
def test_bad_words(program, service, point, arguments):
    served = service()
    words = {"SRC": served.source, "MNT": point}
    done = program(*(words.get(a, a) for a in arguments), env={"BIGDATA_API_KEY": served.key})
    assert_refused(done, point)
    assert served.requests() == []
    served.assert_deletes([])


# Refused starts


@pytest.mark.parametrize("foreground", [True, False], ids=["-f", "background"])
def test_wrong_key(program, sandbox, point, foreground):
    served = sandbox(seed=1)
    done = program(served.source, point, *["-f"] * foreground,
                   env={"BIGDATA_API_KEY": "not-the-key"})
    assert_refused(done, point, "key")
    assert "not-the-key" not in done.stderr
    served.assert_deletes([])


def test_no_key(program, service, point):
    served = service()
    assert_refused(program(served.source, point), point, "key")
    assert served.requests() == []
    served.assert_deletes([])


@pytest.mark.parametrize("name", ["key", "below/key", "link"])
def test_key_file_below_the_mount_point(program, service, point, tmp_path, name):
    """The mount would hide it, and looking at it would be a request to the program itself."""
    served = service()
    below = point / ("key" if name == "link" else name)
    below.parent.mkdir(exist_ok=True)
    served.key_file.rename(below)
    file = below
    if name == "link":
        file = tmp_path / "link"
        file.symlink_to(below)
    done = program(served.source, point, "-o", f"api_key_file={file}")
    assert_refused(done, point, str(file), "mount point")
    assert served.requests() == []
    beside = point.with_name(point.name + "-key")  # its name only begins like that
    below.rename(beside)
    beside.chmod(0o644)
    assert_refused(program(served.source, point, "-o", f"api_key_file={beside}"), point, "chmod 600")
    served.assert_deletes([])


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660])
def test_key_file_that_others_can_read(program, service, point, mode):
    served = service()
    served.key_file.chmod(mode)
    done = program(served.source, point, "-o", f"api_key_file={served.key_file}")
    assert_refused(done, point, str(served.key_file))
    assert served.requests() == []
    served.assert_deletes([])


@pytest.mark.parametrize("content", [None, b"", b"\n", b"two\nlines\n", b"a\r\nX-Evil: 1\r\n",
                                     b"k" * 100000, b"\xff\x00"], ids=repr)
def test_key_file_without_a_key(program, service, point, content):
    served = service()
    if content is None:
        served.key_file.unlink()
    else:
        served.key_file.write_bytes(content)
    done = program(served.source, point, "-o", f"api_key_file={served.key_file}")
    assert_refused(done, point)
    assert served.requests() == []
    served.assert_deletes([])


@pytest.mark.parametrize("source", [
    "http://192.0.2.1", "http://api.bigdata.com", "http://127.0.0.1.example.com",
    "http://localhost.example.com", "http://127.0.0.1@192.0.2.1", "http://[2001:db8::1]",
    "ftp://127.0.0.1", "file:///etc/passwd", "https://", "http:", "nonsense", "", "unix:",
    "https://user:secret@192.0.2.1", "https://192.0.2.1/?q=1", "https://192.0.2.1:99999"])
def test_bad_source_is_refused_before_anything_is_sent(program, point, source):
    """192.0.2.0/24 answers nobody: a program that tried would end with the deadline."""
    done = program(source, point, "-o", "timeout=300", env={"BIGDATA_API_KEY": "a-key"},
                   deadline=30)
    assert_refused(done, point)


@pytest.mark.parametrize("kind", ["missing", "file"])
def test_bad_mount_point(program, service, tmp_path, kind):
    served = service()
    path = tmp_path / kind
    if kind == "file":
        path.write_text("")
    done = program(served.source, path, "-o", f"api_key_file={served.key_file}")
    assert_refused(done, path, str(path))
    served.assert_deletes([])


@pytest.mark.parametrize("foreground", [True, False], ids=["-f", "background"])
@pytest.mark.parametrize("answer", [Answer.error(500, "the reason given"), Answer(body=b"<html>"),
                                    Answer.error(302), Answer.error(401, "the reason given")],
                         ids=["500", "html", "302", "401"])
def test_first_list_fails(program, service, point, answer, foreground):
    served = service(connector(1))
    served.answer_list(answer)
    done = program(served.source, point, *["-f"] * foreground, "-o",
                   f"timeout=1,api_key_file={served.key_file}")
    assert_refused(done, point, "the reason given" if b"reason" in answer.body else "")
    served.assert_deletes([])


@pytest.mark.parametrize("foreground", [True, False], ids=["-f", "background"])
def test_nobody_there(program, point, foreground):
    holder, port = closed_port()
    with holder:
        done = program(f"http://127.0.0.1:{port}", point, *["-f"] * foreground, "-o", "timeout=1",
                       env={"BIGDATA_API_KEY": "a-key"})
    assert_refused(done, point)


def test_nofail_mounts_all_the_same(mount, sandbox):
    served = sandbox(seed=2)
    served.stop()
    m = mount(served, nofail=True, timeout=1, ttl=1)
    m.expect("refused|reach|connect")
    served.start()

    def seen():
        try:
            return m.active()
        except OSError:
            return None

    eventually(lambda: seen() == sorted(served.ids()))
    served.assert_deletes([])


# The key


def test_key_from_the_environment(mount, service):
    served = service(connector(1))
    m = mount(None, served.source, env={"BIGDATA_API_KEY": served.key})
    assert m.active() == [uuid(1)]
    served.assert_deletes([])


def test_key_file_goes_before_the_environment(mount, service):
    served = service(connector(1))
    m = mount(served, env={"BIGDATA_API_KEY": "another"})
    assert m.active() == [uuid(1)]
    assert {r.key for r in served.requests()} == {served.key}
    served.assert_deletes([])


def test_key_is_not_shown(mount, service):
    served = service(connector(1))
    m = mount(served, "-d", ttl=NEVER)
    os.rmdir(m / uuid(1))
    with open(f"/proc/{m.pid}/cmdline") as command, open("/proc/self/mountinfo") as table:
        assert served.key not in command.read() + table.read()
    assert m.unmount() == 0
    assert m.log() != "" and served.key not in m.log()
    served.assert_deletes([archive(uuid(1))])


# In the background


def test_background_returns_when_mounted(mount, sandbox):
    served = sandbox(seed=2)
    m = mount(served, foreground=False)
    assert m.is_mounted() and m.active() == sorted(served.ids())
    assert os.readlink(f"/proc/{m.pid}/cwd") == "/"
    assert os.getsid(m.pid) != os.getsid(0)
    for fd in (0, 1, 2):
        assert "pipe" not in os.readlink(f"/proc/{m.pid}/fd/{fd}")
    target = m.active()[0]
    os.rmdir(m / target)
    assert m.unmount() == 0
    served.assert_deletes([archive(target)])


@pytest.mark.parametrize("foreground", [True, False], ids=["-f", "background"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_ends_it_cleanly(mount, sandbox, number, foreground):
    served = sandbox(seed=2)
    m = mount(served, foreground=foreground)
    assert len(m.active()) == 2
    m.signal(number)
    assert m.await_end() == 0 and not m.is_mounted()
    served.assert_deletes([])


@pytest.mark.parametrize("foreground", [True, False], ids=["-f", "background"])
@pytest.mark.parametrize("command", ["fusermount3 -u", "umount"])
def test_unmount_ends_it_cleanly(mount, sandbox, command, foreground):
    served = sandbox(seed=2)
    m = mount(served, foreground=foreground)
    assert len(m.active()) == 2
    assert system.run(*command.split(), m.path).returncode == 0
    assert m.await_end() == 0 and not m.is_mounted()
    served.assert_deletes([])


def test_signal_while_a_program_is_inside(mount, sandbox):
    served = sandbox(seed=1)
    m = mount(served)
    inside = os.open(m / m.active()[0] / "label", os.O_RDONLY)
    m.signal(signal.SIGTERM)
    assert m.await_end() == 0
    assert not m.is_mounted()
    with suppress(OSError):  # the kernel may have nobody left to tell of the close
        os.close(inside)
    served.assert_deletes([])


def test_sighup_refreshes(mount, service):
    served = service(connector(1))
    m = mount(served, ttl=NEVER)
    assert m.active() == [uuid(1)]
    served.serve(connector(2))
    m.signal(signal.SIGHUP)
    served.await_lists(2)
    eventually(lambda: m.active() == [uuid(2)])
    assert served.lists() == 2
    served.assert_deletes([])


def test_other_signals_of_a_terminal_do_no_harm(mount, service):
    served = service(connector(1))
    m = mount(served, ttl=NEVER)
    for number in (signal.SIGPIPE, signal.SIGWINCH, signal.SIGCHLD):
        m.signal(number)
    assert m.active() == [uuid(1)]
    served.assert_deletes([])


def test_suspend_counts_for_the_age_of_the_list(mount, service, world):
    """A machine that slept: CLOCK_MONOTONIC stood still."""
    served = service(connector(1))
    clock = Clock(world.directory)
    m = mount(served, ttl=NEVER, env=clock.environment(world))
    assert m.active() == [uuid(1)] and served.lists() == 1
    served.serve(connector(2))
    clock.advance(NEVER)
    eventually(lambda: m.active() == [uuid(2)])
    assert served.lists() == 2
    served.assert_deletes([])


# Mounted as others are


def test_fstab_options(mount, sandbox):
    served = sandbox(seed=1)
    m = mount(served, rw=True, nosuid=True, nodev=True, noexec=True, _netdev=True, noatime=True)
    fstype, source, options = system.mounts()[str(m.path)]
    assert fstype == "fuse.bigdatafs" and source == served.source
    assert {"rw", "nosuid", "nodev", "noexec", "noatime"} <= set(options)
    served.assert_deletes([])


def test_mount_command(world, sandbox, point):
    served = sandbox(seed=1)
    before = system.children()
    # Installed, it is "-t fuse.bigdatafs SOURCE"; mount(8) looks in the system's directories alone.
    done = system.run("mount", "-t", "fuse", "-o",
                      f"api_key_file={served.key_file},nosuid,nodev,_netdev",
                      f"{system.BIGDATAFS}#{served.source}", point, env=world.env)
    assert done.returncode == 0, done.stderr
    assert [n for n in sorted(os.listdir(point)) if n[0] != "."] == served.ids()
    pid, = (pid for pid in system.children() if pid not in before)
    assert system.run("umount", point).returncode == 0
    assert system.await_end(pid) == 0
    served.assert_deletes([])


def test_ro_shows_in_the_table(mount, sandbox):
    served = sandbox(seed=1)
    m = mount(served, ro=True)
    assert "ro" in system.mounts()[str(m.path)][2]
    served.assert_deletes([])


# The sandbox inside


def own_sandbox(m):
    """The pid of the sandbox that a mount started."""
    below = system.children(m.pid)
    assert len(below) == 1, below
    return next(iter(below))


def sockets(directory, mount):
    found = []
    for at, below, _ in os.walk(directory):
        below[:] = [name for name in below if os.path.join(at, name) != str(mount)]
        found += [os.path.join(at, name) for name in os.listdir(at)
                  if stat.S_ISSOCK(os.lstat(os.path.join(at, name)).st_mode)]
    return found


def test_sandbox_needs_no_key(mount):
    m = mount(None, "--sandbox")
    ids = m.active()
    assert ids
    os.rmdir(m / ids[0])
    assert m.archived() and ids[0] in m.archived() and ids[0] not in m.active()
    target = m / ids[1] / ".force_delete"
    target.write_text("1\n")
    assert target.read_text() == "deleting\n" or not target.exists()


def test_sandbox_ends_with_its_mount(mount, tmp_path):
    m = mount(None, "--sandbox")
    pid = own_sandbox(m)
    socket_path, = sockets(tmp_path, m.path)
    home = os.path.dirname(socket_path)
    assert stat.S_IMODE(os.stat(home).st_mode) == 0o700
    assert m.unmount() == 0
    system.await_end(pid)
    assert not os.path.exists(home)


def test_sandbox_ends_when_the_mount_is_killed(mount, tmp_path):
    m = mount(None, "--sandbox")
    pid = own_sandbox(m)
    m.kill()
    system.await_end(pid)
    assert sockets(tmp_path, m.path) == []


def test_sandbox_in_the_background(mount):
    m = mount(None, "--sandbox", foreground=False)
    assert m.active()
    assert m.unmount() == 0


def test_sandbox_file_persists(mount, tmp_path):
    file = tmp_path / "sandbox.db"
    m = mount(None, f"--sandbox={file}")
    target = m.active()[0]
    os.rmdir(m / target)
    before = (m.active(), m.archived())
    assert m.unmount() == 0
    assert stat.S_IMODE(file.stat().st_mode) & 0o077 == 0
    m = mount(None, f"--sandbox={file}")
    assert (m.active(), m.archived()) == before and target in m.archived()


def test_sandbox_without_a_file_starts_anew(mount):
    first = mount(None, "--sandbox")
    ids = first.active()
    os.rmdir(first / ids[0])
    second = mount(None, "--sandbox")
    assert second.active() == ids and ids[0] not in second.archived()


def test_sandbox_in_memory_starts_afresh(mount):
    """What was left running in one that is gone is nobody's business."""
    m = mount(None, "--sandbox")
    target = m.active()[0]
    (m / target / ".force_delete").write_text("1")
    assert m.unmount() == 0
    m = mount(None, "--sandbox")
    assert m.read(".bigdatafs/jobs") == b""
    assert m.read(f"{target}/.force_delete") == b"idle\n"
    assert m.unmount() == 0


def test_sandbox_file_that_is_none(program, point, tmp_path):
    file = tmp_path / "sandbox.db"
    file.write_text("this is no database, but it is longer than a header would be\n" * 100)
    assert_refused(program("--sandbox=" + str(file), point), point)
