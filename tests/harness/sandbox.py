"""bigdatafs-sandbox as a child process, on a Unix socket or on loopback."""

import json
import os
import re
import select
import subprocess

from harness import system
from harness.client import Client
from harness.ledger import Ledger, Request


class Sandbox(Ledger):
    """source and key are what a mount needs; the client is the third party's hand."""

    def __init__(self, directory, env, seed=3, delete_rate=None, latency=None, db=None,
                 tcp=False, key="sandbox-test-key"):
        directory.mkdir()
        self.directory, self.env, self.key = directory, env, key
        self.key_file = directory / "key"
        self.key_file.write_text(key + "\n")
        self.key_file.chmod(0o600)
        self.access_log = directory / "access.log"
        self.stderr = directory / "stderr"
        self.options = ["--seed", seed, "--db", db or directory / "db.sqlite"]
        for name, value in (("--delete-rate", delete_rate), ("--latency", latency)):
            if value is not None:
                self.options += [name, value]
        self.listen = "127.0.0.1:0" if tcp else f"unix:{directory}/socket"
        self.process = None
        self.start()

    def start(self):
        lifeline, self.lifeline = os.pipe()  # the sandbox ends when this process does
        command = [system.SANDBOX, "--listen", self.listen, *self.options,
                   "--access-log", self.access_log, "--api-key-file", self.key_file,
                   "--lifeline", lifeline]
        with open(self.stderr, "ab") as stderr:
            self.process = subprocess.Popen(
                [str(word) for word in command], env=self.env, pass_fds=[lifeline],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=stderr,
                start_new_session=True)
        os.close(lifeline)
        if not select.select([self.process.stdout], [], [], system.DEADLINE)[0]:
            raise TimeoutError("the sandbox says nothing")
        line = self.process.stdout.readline().decode()
        said = re.fullmatch(r"listening on (\S+)\n", line)
        assert said, f"the sandbox said {line!r}; {self.stderr.read_text()}"
        self.source = said[1]
        if not self.source.startswith("unix:"):
            self.listen = self.source[len("http://"):]  # the same port after a restart
        self.client = Client(self.source, self.key)

    def seen(self):
        if not self.access_log.exists():
            return []
        requests = []
        for line in self.access_log.read_text().splitlines(keepends=True):
            if line.endswith("\n"):  # else it is being written: its request is not answered
                entry = json.loads(line)
                requests.append(Request(entry["method"], entry["path"], entry["query"],
                                        entry["user_agent"]))
        return requests

    def ids(self, archived=False):
        """The ids of the connectors that are (not) archived, in the order served."""
        return [c["connector_id"] for c in self.client.list() if c["archived"] == archived]

    def end(self, signal_number):
        if self.process is None:
            return None
        self.process.send_signal(signal_number)
        self.process.returncode = status = system.await_end(self.process.pid)
        self.process.stdout.close()
        os.close(self.lifeline)
        self.process = None
        return status

    def stop(self):
        return self.end(15)

    def kill(self):
        return self.end(9)

    def restart(self):
        self.stop()
        self.start()

    def finish(self):
        """Ends it; what was wrong with it."""
        status = self.stop()
        problems = [] if status in (None, 0) else [f"the sandbox exited with {status}"]
        return problems + [f"the sandbox says: {line}"
                           for line in self.stderr.read_text().splitlines()]
