"""What a run starts, and takes away again: services, mounts, copies of their trees, servers."""

import os
import shutil
import signal
import subprocess
from contextlib import contextmanager

from benchmarks.measure import Failed
from benchmarks.report import say
from harness import system
from harness.world import World

LIMIT = 7200  # seconds, for whatever hangs


class Stage:
    def __init__(self, directory, options):
        self.directory, self.options = directory, options
        self.world = World(directory)
        self.world.watch(LIMIT)
        self.made, self.copies, self.numbers = {}, directory / "copies", {}
        self.problems = []
        self.copies.mkdir()
        done = system.run("mount", "-t", "tmpfs", "-o", "size=80%,nr_inodes=0,mode=0755",
                          "bigdatafs-bench", self.copies)
        if done.returncode != 0:
            raise Failed(f"no tmpfs: {done.stderr.strip()}")

    def fresh(self, name):
        """A directory of its own for what has this name."""
        self.numbers[name] = number = self.numbers.get(name, 0) + 1
        directory = self.directory / f"{name}{number}"
        directory.mkdir()
        return directory

    @contextmanager
    def process(self, command, log, pipe=False):
        """A server or a peer, as long as the body runs."""
        command = ["setpriv", "--pdeathsig", "TERM", *map(str, command)]
        with open(log, "wb") as stderr:
            process = subprocess.Popen(
                command, env=self.world.env | {"PYTHONPATH": os.environ.get("PYTHONPATH", "")},
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE if pipe else stderr,
                stderr=stderr, start_new_session=True)
        try:
            yield process
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                self.problems.append(f"{command[3]} had to be killed")
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
            if pipe:
                process.stdout.close()

    @contextmanager
    def service(self, size, latency=0, fresh=False):
        """A sandbox with so many connectors. The DELETEs that it sees must be declared, unless
        there are none; fresh: it is to be changed, and no other has its connectors."""
        db = None if fresh else self.directory / f"{size}.sqlite"
        sandbox = self.world.sandbox(seed=size, latency=latency or None, db=db, tcp=True)
        try:
            yield sandbox
        except Failed:  # is reported as that; which DELETEs it did not come to is not known
            sandbox.assert_deletes(sandbox.deletes())
            raise
        finally:
            if sandbox.declared is None:
                sandbox.assert_deletes([])
            self.problems += sandbox.finish()

    def mount(self, sandbox, source=None, foreground=True, **options):
        """bigdatafs, with the options that it has by itself."""
        options.setdefault("api_key_file", sandbox.key_file)
        options.setdefault("audit", self.fresh("audit") / "audit.jsonl")  # a mount reads all of it
        return self.world.mount(None, source or sandbox.source, foreground=foreground,
                                **options)

    def copy(self, sandbox, size, visible=False):
        """A copy in memory of the tree of a service with so many connectors, made once; visible:
        of what has no name that begins with a dot, which nginx does not list."""
        if (size, visible) not in self.made:
            say(f"copying the tree of {size:,} connectors")
            target = self.copies / f"{size}{'-visible' if visible else ''}"
            mount = self.mount(sandbox)
            words = ("--exclude=.*",) if visible else ()
            done = system.run("rsync", "-r", *words, f"{mount.path}/", target, deadline=600)
            mount.unmount()
            if done.returncode != 0:
                raise Failed(done.stderr)
            self.made[size, visible] = target
        return self.made[size, visible]

    def finish(self, failed):
        problems = self.problems + self.world.finish(failed)
        done = system.run("umount", self.copies)
        if done.returncode != 0:
            problems.append(done.stderr.strip())
            system.run("umount", "-l", self.copies)
        shutil.rmtree(self.directory, ignore_errors=True)
        return problems
