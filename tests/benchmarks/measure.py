"""Commands timed, and what becomes of the times."""

import os
import select
import signal
import statistics
import subprocess
import time
from pathlib import Path


class Failed(Exception):
    """What was to be measured did not work; its text says why."""


class TooSlow(Failed):
    """It was ended when its time was over."""


class Samples:
    """Numbers under keys; a key that has none has no median."""

    def __init__(self):
        self.of = {}

    def add(self, key, *values):
        self.of.setdefault(key, []).extend(values)

    def count(self, key):
        return len(self.of.get(key, []))

    def median(self, key):
        return statistics.median(self.of[key]) if self.of.get(key) else None

    def ratio(self, key, base):
        """The median of one key in multiples of another's."""
        mine, theirs = self.median(key), self.median(base)
        return mine / theirs if mine is not None and theirs else None


def finish(process, end):
    """Waits for a process that leads its group; ends the group when it takes too long. By poll:
    Popen.wait with a time limit looks only every so often, which would be measured too."""
    pidfd = os.pidfd_open(process.pid)
    try:
        poller = select.poll()
        poller.register(pidfd, select.POLLIN)
        if not poller.poll(max(0, end - time.monotonic()) * 1000):
            os.killpg(process.pid, signal.SIGKILL)
            raise TooSlow("it took too long")
    finally:
        os.close(pidfd)
        process.wait()


def timed(command, cwd, processes=1, limit=300):
    """Seconds that a shell command takes, in so many processes at once. Its output goes to memory:
    grep notices /dev/null, and stops at its first match."""
    outputs = [os.memfd_create("output") for _ in range(processes)]
    running, start = [], time.monotonic()
    try:
        for output in outputs:
            running.append(subprocess.Popen(
                ["sh", "-c", command], cwd=cwd, stdin=subprocess.DEVNULL, stdout=output,
                stderr=subprocess.PIPE, start_new_session=True))
        for process in running:
            finish(process, start + limit)
        seconds = time.monotonic() - start
        for process in running:
            if process.returncode != 0:
                said = process.stderr.read().decode(errors="replace").strip().splitlines()
                raise Failed(f"{command}: {said[0] if said else f'status {process.returncode}'}")
        return seconds
    finally:
        for process in running:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
            process.stderr.close()
        for output in outputs:
            os.close(output)


def output(command, cwd=None, limit=300):
    """What a shell command prints, untimed."""
    try:
        done = subprocess.run(["sh", "-c", command], cwd=cwd, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=limit)
    except subprocess.TimeoutExpired as failure:
        raise TooSlow(str(failure)) from None
    if done.returncode != 0:
        raise Failed(f"{command}: {done.stderr.strip() or f'status {done.returncode}'}")
    return done.stdout


def memory(pids):
    """(most, now): resident bytes of processes, each one's most added up."""
    most = now = 0
    for pid in pids:
        try:
            lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        except (FileNotFoundError, ProcessLookupError):
            continue
        fields = dict(line.split(":", 1) for line in lines if ":" in line)
        most += int(fields.get("VmHWM", "0 kB").split()[0]) << 10
        now += int(fields.get("VmRSS", "0 kB").split()[0]) << 10
    return most, now
