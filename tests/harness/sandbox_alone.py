"""bigdatafs-sandbox alone, without a mount: started with any options, asked over one connection."""

import http.client
import json
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

from harness import system

LIST = "/contents/v1/connectors"
KEY = {"X-API-KEY": "a-key"}
HANG = 60  # seconds after which a test is taken to hang; nothing is judged by it
MEMBERS = [
    "connector_id", "user_id", "org_id", "share_with_org", "label", "type", "created_at",
    "updated_at", "archived", "description", "config", "files_count", "last_sync_at",
    "last_sync_status", "last_sync_error_msg", "last_sync_count",
]
DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")


class Answer:
    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        self.bytes = response.read()

    @property
    def json(self):
        return json.loads(self.bytes)


class Sandbox:
    """A running sandbox and one connection to it that is kept alive."""

    def __init__(self, process, address):
        self.process = process
        self.address = address
        self.connection = self.connect()

    def connect(self):
        if self.address.startswith("unix:"):
            c = http.client.HTTPConnection("localhost", timeout=HANG)
            c.sock = socket.socket(socket.AF_UNIX)
            c.sock.settimeout(HANG)
            c.sock.connect(self.address[len("unix:"):])
            return c
        host, _, port = self.address[len("http://"):].rpartition(":")
        c = http.client.HTTPConnection(host.strip("[]"), int(port), timeout=HANG)
        c.connect()
        return c

    def request(self, method, path, body=None, headers=None):
        if isinstance(body, (dict, list)):
            body = json.dumps(body)
        self.connection.request(method, path, body, KEY if headers is None else headers)
        return Answer(self.connection.getresponse())

    def get(self, id, **headers):
        return self.request("GET", f"{LIST}/{id}", headers={**KEY, **headers})

    def list(self):
        answer = self.request("GET", LIST)
        assert answer.status == 200
        return answer.json["results"]

    def create(self, **members):
        answer = self.request("POST", LIST, {"type": "email", "label": "x", "config": {}, **members})
        assert answer.status == 200, answer.bytes
        return answer.json

    def archive(self, id):
        return self.request("DELETE", f"{LIST}/{id}")

    def force_delete(self, id):
        return self.request("DELETE", f"{LIST}/{id}?force_delete=true")

    def wait_for(self, id, wanted):
        """Asks for the connector until wanted(answer); every answer is an event to look at."""
        limit = time.monotonic() + HANG
        while not wanted(answer := self.get(id)):
            assert time.monotonic() < limit, f"still {answer.status} {answer.bytes!r}"
        return answer

    def end(self, number=signal.SIGTERM):
        self.connection.close()
        self.process.send_signal(number)
        return self.process.wait(HANG)


def spawn(*options, **more):
    return subprocess.Popen([system.SANDBOX, *map(str, options)], stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True, **more)


@pytest.fixture
def directory():
    """A directory whose path is short enough for Unix sockets."""
    path = Path(tempfile.mkdtemp(prefix="bdfs-"))
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def start(directory):
    """Starts sandboxes, on a Unix socket unless --listen says otherwise; their stderr stays empty."""
    started = []

    def start_one(*options, quiet=True, **more):
        if "--listen" not in options:
            options += ("--listen", f"unix:{directory}/socket")
        process = spawn(*options, **more)
        started.append((process, quiet))
        line = process.stdout.readline()
        assert line.startswith("listening on "), (line, process.stderr.read())
        return Sandbox(process, line[len("listening on "):].rstrip("\n"))

    yield start_one
    for process, quiet in started:
        if process.poll() is None:
            process.terminate()
        _, errors = process.communicate(timeout=HANG)
        assert errors == "" or not quiet
        assert process.returncode in (0, -signal.SIGKILL)


@pytest.fixture
def sandbox(start):
    return start("--seed", 30)


def assert_error(answer, status, code):
    assert answer.status == status, answer.bytes
    assert answer.headers["Content-Type"] == "application/json"
    error = answer.json
    assert list(error) == ["statusCode", "message", "errorCode", "requestId"]
    assert error["statusCode"] == status
    assert error["errorCode"] == code
    assert error["message"]
    assert error["requestId"] == answer.headers["x-request-id"]


def run(*options):
    return subprocess.run([system.SANDBOX, *map(str, options)], capture_output=True, text=True, timeout=HANG)


def most_files(connectors):
    return max(connectors, key=lambda c: c["files_count"])
