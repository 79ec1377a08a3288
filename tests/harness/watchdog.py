"""Ends a test that hangs, and says first where all of its processes stand.

No signal interrupts a wait for a mount in the kernel: the connection of the mount is aborted. What
the test started is killed, and the test itself gets an exception; the run goes on. If that does
not end the test, the run ends."""

import ctypes
import faulthandler
import os
import shutil
import signal
import subprocess
import threading
from pathlib import Path

from harness import system

LIMIT = 300  # seconds for one test, set-up and end included; BIGDATAFS_TEST_LIMIT replaces it
GRACE = 120  # seconds more for the end of a test that was interrupted
PATIENCE = 60  # seconds that looking at the processes may take, and 20 for gdb with one of them
STATUS = 70  # of a run that was ended
MNT_FORCE, MNT_DETACH = 1, 2

output = 2  # where it says so; pytest captures what a test writes, so conftest.py makes it a copy


class Hang(Exception):
    pass


def limit():
    return float(os.environ.get("BIGDATAFS_TEST_LIMIT") or LIMIT)


def say(text):
    os.write(output, f"{text}\n".encode(errors="replace"))


def content(path):
    try:
        return path.read_text(errors="replace").strip()
    except OSError as failure:
        return failure.strerror


def say_threads(pid):
    """Where each thread of a process stands in the kernel, and in its own code if gdb is there."""
    process = Path(f"/proc/{pid}")
    say(f"--- process {pid}, {content(process / 'comm')}")
    try:
        tasks = sorted(process.joinpath("task").iterdir(), key=lambda task: int(task.name))
    except OSError as failure:
        say(failure.strerror)
        return
    for task in tasks:
        state = [line for line in content(task / "status").splitlines()
                 if line.startswith("State:")]
        say(f"thread {task.name}, {content(task / 'comm')}: {' '.join(state)}")
        for name in ("wchan", "syscall", "stack"):
            say(f"{name}: {content(task / name)}")
    if content(process / "comm").startswith("bigdatafs") and shutil.which("gdb"):
        command = ["gdb", "-iex", "set debuginfod enabled off", "-p", str(pid), "-batch",
                   "-ex", "thread apply all bt"]
        try:
            subprocess.run(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                           timeout=20)
        except subprocess.TimeoutExpired as failure:
            say(failure)


def users(points):
    """The processes that have something open at or below these mount points, or stand there."""
    def uses(process):
        links = [process / "cwd", process / "root"]
        try:
            links += process.joinpath("fd").iterdir()
        except OSError:
            pass
        for link in links:
            try:
                target = os.readlink(link)
            except OSError:
                continue
            if any(f"{target}/".startswith(f"{point}/") for point in points):
                return True
        return False
    return {int(entry.name) for entry in Path("/proc").iterdir()
            if entry.name.isdigit() and uses(entry)}


def abort(connection, point):
    """Whoever waits for this mount gets an error."""
    try:
        Path(f"/sys/fs/fuse/connections/{connection}/abort").write_text("1")
    except OSError:  # not there in a container
        ctypes.CDLL(None).umount2(os.fsencode(point), MNT_FORCE | MNT_DETACH)


class Watchdog(threading.Thread):
    """For what happens below a directory, and in the descendants that were not there before."""

    def __init__(self, directory, before, limit, grace, release):
        super().__init__(daemon=True, name="watchdog")
        self.directory, self.limit, self.grace, self.release = directory, limit, grace, release
        self.before = before
        self.lock, self.over = threading.Lock(), threading.Event()
        signal.signal(signal.SIGALRM, self.interrupt)
        self.start()

    def interrupt(self, *_):
        raise Hang(f"the test took more than {self.limit:g} s")

    def cancel(self):
        with self.lock:
            self.over.set()

    def run(self):
        if self.over.wait(self.limit):
            return
        looking = threading.Thread(target=self.look, daemon=True)
        looking.start()
        looking.join(PATIENCE)
        with self.lock:
            if self.over.is_set():
                return
            signal.pthread_kill(threading.main_thread().ident, signal.SIGALRM)
        self.end()
        if not self.over.wait(self.grace):
            say(f"=== it has not ended after {self.grace:g} s more: the run ends")
            faulthandler.dump_traceback(output)
            self.end()
            os._exit(STATUS)

    def started(self):
        return system.descendants() - self.before

    def look(self):
        say(f"\n=== more than {self.limit:g} s in {self.directory}: where all stand")
        faulthandler.dump_traceback(output)
        connections = system.connections(self.directory)
        for point, number in connections.items():
            waiting = content(Path(f"/sys/fs/fuse/connections/{number}/waiting"))
            say(f"--- mount {point}, requests under way: {waiting}")
        for pid in sorted(self.started() | users(connections) | {os.getpid()}):
            say_threads(pid)
        say("=== end of where all stand")

    def end(self):
        for point, number in system.connections(self.directory).items():
            abort(number, point)
        for pid in self.started():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.release()
