"""What is compared, each mounted and unmounted in the same way.

A subject has a name and mounted(), a context whose value has path, pids() (of the processes that
serve it) and requests() (asked of the service so far, None when nobody counts them).
"""

import os
import shutil
from contextlib import contextmanager
from pathlib import Path

from benchmarks import servers
from benchmarks.measure import Failed
from harness import system

HOUR = 3600
RCLONE = {
    "rclone": [],
    "rclone tuned": ["--dir-cache-time", "1h", "--attr-timeout", "1h", "--buffer-size", "0",
                     "--transfers", "16", "--checkers", "32", "--no-checksum"]}
RCLONE["rclone cached"] = [*RCLONE["rclone tuned"], "--vfs-cache-mode", "full",
                           "--vfs-cache-max-age", "1h", "--vfs-fast-fingerprint"]
SSHFS_TUNED = {
    "dir_cache": "yes", "dcache_timeout": HOUR, "kernel_cache": True, "entry_timeout": HOUR,
    "attr_timeout": HOUR, "negative_timeout": HOUR, "compression": "no",
    "Ciphers": "aes128-gcm@openssh.com"}


class Mounted:
    def __init__(self, path, pids=lambda: [], requests=lambda: None):
        self.path, self.pids, self.requests = path, pids, requests


class Bigdatafs:
    name = "bigdatafs"

    def __init__(self, stage, sandbox, **options):
        self.stage, self.sandbox, self.options = stage, sandbox, options

    @contextmanager
    def mounted(self):
        before = len(self.sandbox.requests())
        mount = self.stage.mount(self.sandbox, foreground=False, **self.options)
        try:
            yield Mounted(mount.path, lambda: [mount.pid],
                          lambda: len(self.sandbox.requests()) - before)
        finally:
            mount.unmount()


class Tmpfs:
    """There is nothing to mount: its first pass is as warm as any."""

    name = "tmpfs"

    def __init__(self, copy):
        self.copy = copy

    @contextmanager
    def mounted(self):
        yield Mounted(self.copy)


class Peer:
    """A program that mounts, in the foreground."""

    def __init__(self, stage, name, command, helpers=list):
        self.stage, self.name, self.command, self.helpers = stage, name, command, helpers

    @contextmanager
    def mounted(self):
        directory = self.stage.fresh(self.name.replace(" ", "-"))
        path, log = directory / "mnt", directory / "log"
        path.mkdir()
        with self.stage.process(self.command(path, directory), log) as process:
            try:
                if not system.await_mount(path, process.pid):
                    said = log.read_text(errors="replace").strip().splitlines()
                    raise Failed(said[-1] if said else "it ended without a word")
                os.statvfs(path)  # sshfs connects with the first request
                yield Mounted(path, lambda: family(process.pid) + self.helpers())
            finally:
                unmount(path)
        shutil.rmtree(self.stage.copies / directory.name, ignore_errors=True)


def unmount(path):
    """By whichever fusermount is there; lazily when somebody still holds it."""
    for words in (["fusermount3", "-u"], ["fusermount3", "-u", "-z"]):
        if str(path) in system.mounts():
            system.run(*words, path)


def family(pid):
    """The process and all that it started."""
    found = [pid]
    for child in system.children(of=pid):
        found += family(child)
    return found


def sftp_servers():
    """The other ends of this run's sshfs: children of its sshd."""
    return [pid for pid in family(os.getpid()) if command_name(pid) == "sftp-server"]


def command_name(pid):
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except (FileNotFoundError, ProcessLookupError):
        return None


def rclone(stage, port, name):
    """Its cache is in memory, as the files that it caches are."""
    def command(path, directory):
        return [servers.program("rclone"), "mount", ":http:", path,
                "--http-url", f"http://127.0.0.1:{port}/", "--config", directory / "config",
                "--cache-dir", stage.copies / directory.name, "--read-only", *RCLONE[name]]

    return Peer(stage, name, command)


def httpdirfs(stage, port):
    def command(path, _):
        return [servers.program("httpdirfs"), "-f", "--no-range-check",
                f"http://127.0.0.1:{port}/", path]

    return Peer(stage, "httpdirfs", command)


def sshfs(stage, port, keys, root, tuned):
    def command(path, _):
        options = {"port": port, "IdentityFile": keys / "user_key", "IdentitiesOnly": "yes",
                   "UserKnownHostsFile": "/dev/null", "StrictHostKeyChecking": "no",
                   "LogLevel": "ERROR", **(SSHFS_TUNED if tuned else {})}
        words = ",".join(k if v is True else f"{k}={v}" for k, v in options.items())
        return [servers.program("sshfs"), "-f", f"root@127.0.0.1:{root}", path, "-o", words]

    return Peer(stage, "sshfs tuned" if tuned else "sshfs", command, sftp_servers)
