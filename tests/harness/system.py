"""Processes, mounts, acts and waits. Every wait here has a deadline; passing it is a failure."""

import ctypes
import errno
import os
import re
import select
import signal
import subprocess
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

DEADLINE = 30.0  # seconds that anything awaited may take before the test fails
PR_SET_CHILD_SUBREAPER = 36

BUILD = Path(os.environ.get("BIGDATAFS_BUILD") or Path(__file__).parents[2] / "build").absolute()
BIGDATAFS = BUILD / "fs" / "bigdatafs"
SANDBOX = BUILD / "fs" / "sandbox" / "bigdatafs-sandbox"


def become_subreaper():
    """Orphans (daemons, a killed program's children) become children of this process."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "PR_SET_CHILD_SUBREAPER")


def processes():
    """All of them: {pid: (pid of the parent, command name)}, zombies too."""
    found = {}
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            stat = Path("/proc", entry, "stat").read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue
        name, rest = stat[stat.index("(") + 1:].rsplit(")", 1)
        found[int(entry)] = int(rest.split()[1]), name
    return found


def children(of=None):
    """The direct children of a process: {pid: command name}, zombies too."""
    of = of or os.getpid()
    return {pid: name for pid, (parent, name) in processes().items() if parent == of}


def descendants():
    """The children of this process, theirs, and so on."""
    found, parents = set(), {pid: parent for pid, (parent, _) in processes().items()}
    more = {os.getpid()}
    while more:
        more = {pid for pid, parent in parents.items() if parent in more}
        found |= more
    return found


def mountinfo():
    """The mounts of this machine: (mount point, device, file system type, source, options)."""
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        left, right = line.split(" - ", 1)
        fields, (fstype, source, *_) = left.split(" "), right.split(" ")
        point = re.sub(r"\\([0-7]{3})", lambda m: chr(int(m[1], 8)), fields[4])
        yield point, fields[2], fstype, source, fields[5].split(",")


def mounts():
    """{mount point: (file system type, source, options)}."""
    return {point: rest for point, _, *rest in mountinfo()}


def connections(directory):
    """The FUSE mounts at or below a directory: {mount point: number of the connection}."""
    return {point: int(device.split(":")[1]) for point, device, fstype, *_ in mountinfo()
            if f"{point}/".startswith(f"{directory}/") and fstype.split(".")[0] == "fuse"}


def await_mount(path, pid, deadline=DEADLINE):
    """Waits until path is a mount point (True) or the process has ended (False)."""
    pidfd = os.pidfd_open(pid)
    try:
        with open("/proc/self/mounts", "rb") as table:
            poller = select.poll()
            poller.register(table, select.POLLPRI | select.POLLERR)
            poller.register(pidfd, select.POLLIN)
            end = time.monotonic() + deadline
            while str(path) not in mounts():
                ready = [fd for fd, _ in poller.poll(max(0, end - time.monotonic()) * 1000)]
                if pidfd in ready:
                    return str(path) in mounts()
                if not ready:
                    raise TimeoutError(f"{path} is not mounted after {deadline} s")
        return True
    finally:
        os.close(pidfd)


def await_end(pid, deadline=DEADLINE):
    """Waits for a process to end, reaps it when it is a child: its exit status, else None."""
    try:
        pidfd = os.pidfd_open(pid)
    except ProcessLookupError:
        return None
    try:
        poller = select.poll()
        poller.register(pidfd, select.POLLIN)
        if not poller.poll(deadline * 1000):
            raise TimeoutError(f"process {pid} has not ended after {deadline} s")
    finally:
        os.close(pidfd)
    try:
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    except ChildProcessError:
        return None


def kill_hard(pid):
    """SIGKILL for a process and its group, when it leads one; reaps it."""
    try:
        if os.getpgid(pid) == pid:
            os.killpg(pid, signal.SIGKILL)
        else:
            os.kill(pid, signal.SIGKILL)
        await_end(pid)
    except ProcessLookupError:
        pass


def eventually(predicate, what="the condition", deadline=DEADLINE):
    """Asks again until predicate() is true, for what no event tells; returns its value."""
    end = time.monotonic() + deadline
    while not (value := predicate()):
        assert time.monotonic() < end, f"{what} did not come true within {deadline} s"
        select.select([], [], [], 0.01)
    return value


def run(*command, cwd=None, env=None, deadline=60, text=True):
    """Runs a command to its end without a terminal: CompletedProcess with output."""
    return subprocess.run([str(word) for word in command], cwd=cwd, env=env, timeout=deadline,
                          stdin=subprocess.DEVNULL, capture_output=True, text=text)


@contextmanager
def fails_with(*numbers):
    """The body must raise OSError with one of these errnos."""
    with pytest.raises(OSError) as failure:
        yield
    names = [errno.errorcode[n] for n in numbers]
    assert errno.errorcode[failure.value.errno] in names


def write(path, data=b"x", flags=os.O_WRONLY):
    """Opens, writes once, closes: the kernel passes on the errno of each."""
    fd = os.open(path, flags)
    try:
        return os.write(fd, data)
    finally:
        os.close(fd)


def in_background(act, *arguments):
    """A thread that does it, and the list that will hold its errno, or 0 for success."""
    outcome = []

    def body():
        try:
            act(*arguments)
            outcome.append(0)
        except OSError as failure:
            outcome.append(failure.errno)

    thread = threading.Thread(target=body, daemon=True)
    thread.start()
    return thread, outcome
