"""bigdatafs as a child process, and the tree that it shows."""

import json
import os
import re
import signal
import subprocess

from harness import system

LOG_LINE = re.compile(r"bigdatafs(-sandbox)?: (?P<level>error|warning|info|debug): .+")


def option_words(options):
    """{"ttl": 1, "ro": True} as -o words."""
    words = [name if value is True else f"{name}={value}"
             for name, value in options.items() if value is not None]
    return ["-o", ",".join(words)] if words else []


class Mount:
    """A mount under way. Its log is judged at the test's end: a warning or an error that was
    not expected fails the test, and so does an expected one that never came."""

    def __init__(self, directory, arguments, env, foreground=True, wrapper=()):
        """wrapper: the words of a command that is to run bigdatafs."""
        directory.mkdir()
        self.path = directory / "mnt"
        self.path.mkdir()
        self.stderr = directory / "stderr"
        self.expected, self.allowed = [], []
        self.status, self.wanted_status = None, 0
        command = ["setpriv", "--pdeathsig", "TERM", *wrapper, system.BIGDATAFS, *arguments,
                   self.path]
        command = [str(word) for word in command]
        self.process = None
        if foreground:
            self.start_foreground([*command, "-f"], env)
        else:
            self.start_background(command, env)

    def start_foreground(self, command, env):
        with open(self.stderr, "wb") as stderr:
            self.process = subprocess.Popen(command, env=env, stdin=subprocess.DEVNULL,
                                            stdout=stderr, stderr=stderr, start_new_session=True)
        self.pid = self.process.pid
        if not system.await_mount(self.path, self.pid):
            self.await_end()
            raise AssertionError(f"bigdatafs exited with {self.status}: {self.log()}")

    def start_background(self, command, env):
        before = system.children()
        done = system.run(*command, env=env)
        self.stderr.write_text(done.stderr)
        assert done.returncode == 0, done.stderr
        new = [pid for pid in system.children() if pid not in before]
        assert len(new) == 1, f"one process in the background, not {new}"
        self.pid = new[0]

    def log(self):
        return self.stderr.read_text(errors="replace")

    def expect(self, pattern):
        """A warning or an error that matches must be in the log, and may be."""
        self.expected.append(pattern)

    def allow(self, pattern):
        """A warning or an error that matches may be in the log."""
        self.allowed.append(pattern)

    # The tree

    def __truediv__(self, name):
        return self.path / name

    def read(self, name):
        return (self.path / name).read_bytes()

    def lines(self, name):
        """.bigdatafs/errors or jobs: a JSON object a line."""
        return [json.loads(line) for line in self.read(f".bigdatafs/{name}").splitlines()]

    def names(self, directory="."):
        return sorted(os.listdir(self.path / directory))

    def active(self):
        """The connectors that are seen at the root."""
        return [name for name in self.names() if not name.startswith(".")]

    def archived(self):
        return self.names(".archived")

    def run(self, *command, **options):
        return system.run(*command, cwd=self.path, **options)

    # Its end

    def is_mounted(self):
        return str(self.path) in system.mounts()

    def signal(self, number):
        os.kill(self.pid, number)

    def await_end(self):
        self.status = system.await_end(self.pid)
        if self.process is not None:
            self.process.returncode = self.status
        return self.status

    def await_quiet(self):
        """Until the kernel knows all: a mount is busy while the program itself is on it, which
        removes through it what the service has deleted."""
        def knows():
            return b"\nbigdatafs_notifications_waiting 0\n" in self.read(".bigdatafs/metrics")
        system.eventually(knows, "that the kernel knows all")

    def unmount(self):
        """fusermount3 -u, and the program's exit status."""
        if os.access(self.path, os.X_OK):  # not another user's
            self.await_quiet()
        done = system.run("fusermount3", "-u", self.path)
        assert done.returncode == 0, done.stderr
        return self.await_end()

    def kill(self):
        """kill -9, which leaves a dead mount: taken away here."""
        self.wanted_status = -signal.SIGKILL
        self.signal(signal.SIGKILL)
        try:
            self.await_end()
        except TimeoutError:  # it waits in the kernel: nothing else ends that
            system.run("umount", "-f", self.path)
            raise
        system.run("fusermount3", "-u", "-z", self.path)

    def finish(self):
        """Unmounts unless that was done; what was wrong with it."""
        problems = []
        try:
            if self.status is None and self.is_mounted():
                self.unmount()
            elif self.status is None:
                self.await_end()
        except (AssertionError, TimeoutError, subprocess.TimeoutExpired) as failure:
            problems.append(f"no clean end: {failure}")
            system.kill_hard(self.pid)
        else:
            if self.status != self.wanted_status:
                problems.append(f"bigdatafs exited with {self.status}")
        return problems + self.log_problems()

    def log_problems(self):
        problems, met = [], set()
        for line in self.log().splitlines():
            known = LOG_LINE.fullmatch(line)
            if known and known["level"] in ("info", "debug"):
                continue
            matches = {p for p in self.expected if re.search(p, line)}
            met |= matches
            if not matches and not any(re.search(p, line) for p in self.allowed):
                problems.append(f"unexpected in the log: {line}")
        missing = [p for p in self.expected if p not in met]
        return problems + [f"never came in the log: {pattern}" for pattern in missing]
