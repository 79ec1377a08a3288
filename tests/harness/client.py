"""A third party: changes connectors over HTTP while a mount is looking on."""

import http.client
import json
import socket
from urllib.parse import urlsplit

from harness.ledger import LIST_PATH, THIRD_PARTY


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path, timeout):
        super().__init__("localhost", timeout=timeout)
        self.socket_path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.socket_path)


class Client:
    def __init__(self, source, key):
        self.source, self.key = source, key

    def connect(self):
        if self.source.startswith("unix:"):
            return UnixConnection(self.source[len("unix:"):], timeout=30)
        return http.client.HTTPConnection(urlsplit(self.source).netloc, timeout=30)

    def request(self, method, path, body=None):
        """(status, object or None)."""
        connection = self.connect()
        headers = {"User-Agent": THIRD_PARTY, "X-API-KEY": self.key}
        if body is not None:
            body, headers["Content-Type"] = json.dumps(body), "application/json"
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            text = answer.read()
            return answer.status, json.loads(text) if text else None
        finally:
            connection.close()

    def expect(self, wanted, method, path, body=None):
        status, answer = self.request(method, path, body)
        assert status in wanted, f"{method} {path}: {status} {answer}"
        return answer

    def list(self):
        return self.expect([200], "GET", LIST_PATH)["results"]

    def get(self, connector_id):
        """The connector, or None when there is none."""
        status, answer = self.request("GET", f"{LIST_PATH}/{connector_id}")
        assert status in (200, 404), f"{status} {answer}"
        return answer if status == 200 else None

    def create(self, label="made by a third party", type="email", config=None, **members):
        body = {"type": type, "label": label, "config": config or {}, **members}
        return self.expect([200, 201], "POST", LIST_PATH, body)

    def put(self, connector_id, **members):
        return self.expect([200], "PUT", f"{LIST_PATH}/{connector_id}", members)

    def archive(self, connector_id):
        return self.expect([200], "DELETE", f"{LIST_PATH}/{connector_id}")

    def hard_delete(self, connector_id):
        path = f"{LIST_PATH}/{connector_id}?force_delete=true"
        return self.expect([200, 202], "DELETE", path)
