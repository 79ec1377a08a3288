"""The log: whoever does not take its lines holds up neither the mount nor its end."""

import errno
import fcntl
import os
import re
import signal
import socket
import subprocess

import pytest

from harness import Answer, archive, connector, fails_with, system, uuid, write

NEVER = 300
MANY = 40
QUEUE = 1024  # lines that wait (fs/base/log_queue.h)
LOST = "lines of the log were lost"
RMDIR_EACH = ["sh", "-c", 'for path; do rmdir "$path"; done', "sh"]


def set_blocking(fd, blocking):
    flags = fcntl.fcntl(fd, fcntl.F_GETFL)
    fcntl.fcntl(fd, fcntl.F_SETFL, flags & ~os.O_NONBLOCK | (0 if blocking else os.O_NONBLOCK))


def fill(fd):
    set_blocking(fd, False)
    with fails_with(errno.EAGAIN):
        while True:
            os.write(fd, b"\n" * 4096)
    set_blocking(fd, True)


class Deaf:
    """A mount whose stderr is a pipe that is full and that nobody reads, until read is called."""

    def __init__(self, directory, served, env):
        self.path = directory / "point"
        self.path.mkdir()
        self.reader, writer = os.pipe()
        fill(writer)
        self.process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "TERM", system.BIGDATAFS, served.source, self.path, "-f",
             "-o", f"api_key_file={served.key_file},guard=0,ttl={NEVER}"], env=env,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=writer,
            start_new_session=True)
        os.close(writer)
        assert system.await_mount(self.path, self.process.pid)

    def refuse(self, count):
        """So many words that .force_delete does not take: a line each."""
        for _ in range(count):
            with fails_with(errno.EINVAL):
                write(self.path / uuid(1) / ".force_delete", b"no")

    def status(self):
        return (self.path / ".bigdatafs/status").read_text()

    def read_until(self, word):
        text = b""
        while word.encode() not in text:
            text += os.read(self.reader, 65536)
        return text.decode()

    def end(self):
        os.kill(self.process.pid, signal.SIGTERM)
        status = self.process.returncode = system.await_end(self.process.pid)
        return status

    def close(self):
        if self.process.returncode is None:
            system.kill_hard(self.process.pid)
            system.run("fusermount3", "-u", "-z", self.path)
        os.close(self.reader)


@pytest.fixture
def deaf(world, tmp_path):
    mounts = []

    def start(served):
        mounts.append(Deaf(tmp_path, served, world.env))
        return mounts[-1]

    yield start
    for m in mounts:
        m.close()


def test_stderr_that_nobody_reads(deaf, service):
    served = service(*[connector(n) for n in range(1, MANY + 1)])
    served.answer_delete(Answer.error(403, "no, for this reason"))
    m = deaf(served)
    done = system.run(*RMDIR_EACH, *[m.path / uuid(n) for n in range(1, MANY + 1)])
    assert done.stderr.count("Permission denied") == MANY
    done = system.run("ls", m.path)
    assert done.stdout.split() == sorted(uuid(n) for n in range(1, MANY + 1))
    assert "\nlog: " not in m.status()
    assert m.end() == 0 and str(m.path) not in system.mounts()
    served.assert_deletes([archive(uuid(n)) for n in range(1, MANY + 1)])


def test_lines_that_were_lost_are_said(deaf, service):
    served = service(connector(1))
    m = deaf(served)
    m.refuse(QUEUE + 10)
    lost = int(re.search("^log: ([0-9]+) lines were lost", m.status(), re.MULTILINE)[1])
    assert lost >= 10
    text = m.read_until(LOST)
    assert f"\nbigdatafs: warning: {lost} {LOST}" in text
    assert text.count("hard delete of") == QUEUE + 10 - lost
    m.refuse(1)
    assert "hard delete of" in m.read_until("refused")
    assert m.end() == 0
    served.assert_deletes([])


# syslog

NAMESPACE = """
for device in fuse null zero full random urandom; do
    touch "$0/$device" && mount --bind "/dev/$device" "$0/$device" || exit 99
done
mount --rbind "$0" /dev || exit 99
exec "$@"
"""


@pytest.fixture
def stopped_syslogd(tmp_path):
    """A directory to be /dev for a program: its /dev/log is full, and nobody reads it."""
    directory = tmp_path / "dev"
    directory.mkdir()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as server, \
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as client:
        server.bind(str(directory / "log"))
        client.setblocking(False)
        with fails_with(errno.EAGAIN):
            while True:
                client.sendto(b"x", str(directory / "log"))
        yield directory


def test_syslogd_that_is_stopped(world, service, stopped_syslogd, tmp_path):
    served = service(*[connector(n) for n in range(1, MANY + 1)])
    served.answer_delete(Answer.error(403, "no, for this reason"))
    path = tmp_path / "point"
    path.mkdir()
    before = system.children()
    done = system.run("unshare", "--mount", "sh", "-c", NAMESPACE, stopped_syslogd,
                      system.BIGDATAFS, served.source, path, "-o",
                      f"api_key_file={served.key_file},guard=0,ttl={NEVER}", env=world.env)
    if done.returncode == 99:
        pytest.skip(f"no /dev of its own: {done.stderr}")
    assert done.returncode == 0, done.stderr
    pid, = (pid for pid in system.children() if pid not in before)
    inside = ["nsenter", f"--mount=/proc/{pid}/ns/mnt"]
    done = system.run(*inside, *RMDIR_EACH, *[path / uuid(n) for n in range(1, MANY + 1)])
    assert done.stderr.count("Permission denied") == MANY, done.stderr
    done = system.run(*inside, "ls", path)
    assert done.stdout.split() == sorted(uuid(n) for n in range(1, MANY + 1))
    os.kill(pid, signal.SIGTERM)
    assert system.await_end(pid) == 0
    served.assert_deletes([archive(uuid(n)) for n in range(1, MANY + 1)])
