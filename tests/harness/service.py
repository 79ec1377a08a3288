"""An HTTP server inside the test, for answers that no decent service gives.

It serves the list and the connectors that it was given as text, archives and removes on DELETE,
and answers by script where a test says so. A held request waits for release(). What goes wrong
by script (faults.py) or in a TLS handshake is recorded, so that a test can see that it did.
"""

import copy
import json
import re
import socket
import socketserver
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path

from harness.ledger import LIST_PATH, Ledger, Request
from harness.system import DEADLINE


def uuid(n):
    return f"019a9612-bfad-758c-884e-{n:012x}"


def connector(n, **members):
    """A connector as the service's reference shows it, with members changed, added, or
    (given as ...) left out."""
    c = {
        "connector_id": uuid(n), "user_id": "user_id_001", "org_id": "org_id_001",
        "share_with_org": True, "label": f"Connector {n}", "type": "email",
        "created_at": "2026-02-11T11:01:09.574095Z", "updated_at": "2026-02-11T11:01:09.574102Z",
        "archived": False, "description": None,
        "config": {"allowed_emails": ["user@example.com", "admin@example.com"],
                   "email_hash": "a1b2c3d4e5f6", "email": "connector@bigdata.com"},
        "files_count": 10, "last_sync_at": "2026-04-07T09:36:34.195040Z",
        "last_sync_status": "SUCCESS", "last_sync_error_msg": None, "last_sync_count": 3200,
    }
    c.update(members)
    return {name: value for name, value in c.items() if value is not ...}


@dataclass
class Answer:
    """One scripted answer. raw replaces everything; b"" closes the connection unanswered.
    act(handler, request) answers in its own way and closes the connection (faults.py)."""

    status: int = 200
    body: bytes = b""
    headers: dict = field(default_factory=dict)
    raw: bytes = None
    act: object = None

    @staticmethod
    def error(status, message="the reason given", **headers):
        body = {"statusCode": status, "message": message, "errorCode": "SCRIPTED",
                "requestId": "request-1"}
        return Answer(status, json.dumps(body).encode(),
                      {name.replace("_", "-"): value for name, value in headers.items()})


class Rule:
    def __init__(self, method, path, answer, times):
        self.method, self.path, self.answer, self.left = method, re.compile(path), answer, times

    def takes(self, request):
        if self.left == 0 or request.method != self.method:
            return False
        return self.path.fullmatch(request.path) is not None


class Service(Ledger):
    key = "service-test-key"

    def __init__(self, directory, connectors=(), tcp=False, tls=None, host="127.0.0.1"):
        """tls: an ssl.SSLContext, which makes it https, over TCP; host: in the URL."""
        directory.mkdir()
        self.key_file = directory / "key"
        self.key_file.write_text(self.key)
        self.key_file.chmod(0o600)
        self.changed = threading.Condition()  # guards all that follows
        self.log, self.rules, self.gates = [], [], []
        self.fired, self.handshakes, self.sockets = [], [], []
        self.closing, self.filler = False, None
        self.tls = tls
        self.serve(*connectors)
        if tcp or tls:
            self.server = tcp_server()
            scheme = "https" if tls else "http"
            self.source = f"{scheme}://{host}:{self.server.server_address[1]}"
        else:
            self.server = Unix(str(directory / "socket"), Handler)
            self.source = f"unix:{directory}/socket"
        self.server.service = self
        self.listen()

    def listen(self):
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,))
        self.thread.start()

    # What the test says

    def serve(self, *connectors):
        """From now on the list holds these: objects, or JSON text as it is to be sent."""
        with self.changed:
            self.texts = [c if isinstance(c, str) else json.dumps(c, ensure_ascii=False)
                          for c in connectors]

    def answer(self, method, path, answer, times=-1):
        """The next requests (all by default) of a method and path (a pattern) get this answer;
        the newest rule comes first."""
        with self.changed:
            self.rules.insert(0, Rule(method, path, answer, times))

    def answer_list(self, answer, times=-1):
        self.answer("GET", LIST_PATH, answer, times)

    def answer_delete(self, answer, times=-1):
        self.answer("DELETE", LIST_PATH + "/.*", answer, times)

    def forget_rules(self):
        with self.changed:
            self.rules.clear()

    def hold(self, method, path=LIST_PATH + ".*"):
        """Requests of a method and path are recorded and then wait for release()."""
        with self.changed:
            self.gates.append((method, re.compile(path)))

    def release(self):
        with self.changed:
            self.gates.clear()
            self.changed.notify_all()

    def refuse(self):
        """Over TCP: from now on connections are refused, and those there are end."""
        self.server.shutdown()
        self.thread.join()
        self.server.socket.shutdown(socket.SHUT_RDWR)  # keeps the port
        with self.changed:
            for connection in self.sockets:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass  # it has ended already

    def let_wait(self):
        """Over TCP: from now on who connects gets no answer; those there are end."""
        self.refuse()
        self.server.socket.listen(0)
        self.filler = socket.create_connection(self.server.server_address)  # the queue is full

    def somebody_connects(self):
        """Whether anyone waits for a connection to this service."""
        port, syn_sent = f"{self.server.server_address[1]:04X}", "02"
        table = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()]
        return any(line[2].endswith(f":{port}") and line[3] == syn_sent for line in table)

    def accept_again(self):
        if self.filler:
            self.filler.close()
        self.server.socket.listen()
        self.listen()

    # What the test asks

    def seen(self):
        with self.changed:
            return list(self.log)

    def await_requests(self, predicate, count=1, deadline=DEADLINE):
        """Waits until count requests satisfy the predicate; False when the deadline passed."""
        with self.changed:
            return self.changed.wait_for(
                lambda: sum(map(predicate, self.log)) >= count, timeout=deadline)

    def await_lists(self, count):
        assert self.await_requests(lambda r: r.is_list, count), f"no {count} lists came"

    def await_deletes(self, count=1):
        assert self.await_requests(lambda r: r.method == "DELETE", count), f"no {count} DELETEs"

    def faults(self):
        """The names of the faults that happened, in order. One is noted after its answer is on its
        way, so the client may know of it first: await it."""
        with self.changed:
            return [name for name, _ in self.fired]

    def await_fault(self, name, count=1):
        with self.changed:
            assert self.changed.wait_for(
                lambda: sum(n == name for n, _ in self.fired) >= count, timeout=DEADLINE), name

    def finish(self):
        with self.changed:
            self.closing = True
            self.changed.notify_all()
        if self.thread.is_alive():
            self.server.shutdown()
            self.thread.join()
        self.server.server_close()
        return []

    # What the handler needs

    def note_fault(self, name, nth):
        """A fault happened to the nth request of its connection."""
        with self.changed:
            self.fired.append((name, nth))
            self.changed.notify_all()

    def true_answer(self, request, applied):
        """What the service would have answered; applied: and does what was asked."""
        with self.changed:
            before = copy.copy(self.texts)
            answer = self.routine(request)
            if not applied:
                self.texts = before
            return answer

    def secure(self, connection):
        """The server's side of a handshake; None, and a record of it, when the client refuses."""
        with self.changed:
            self.sockets.append(connection)
        if self.tls is None:
            return connection
        try:
            secured = self.tls.wrap_socket(connection, server_side=True)
        except OSError as failure:
            with self.changed:
                self.handshakes.append(str(failure))
                self.changed.notify_all()
            return None
        with self.changed:
            self.handshakes.append("done")
            self.sockets.append(secured)
            self.changed.notify_all()
        return secured

    def respond(self, request):
        with self.changed:
            self.log.append(request)
            self.changed.notify_all()
            self.changed.wait_for(lambda: self.closing or not any(
                method == request.method and path.fullmatch(request.path)
                for method, path in self.gates))
            for rule in self.rules:
                if rule.takes(request):
                    rule.left -= 1
                    return rule.answer
            return self.routine(request)

    def routine(self, request):
        if request.key != self.key:
            return Answer.error(401, "invalid key")
        if request.is_list:
            return Answer(body=('{"results": [' + ",\n".join(self.texts) + "]}").encode())
        for i, text in enumerate(self.texts):
            c = json.loads(text)
            if c.get("connector_id") != request.id:
                continue
            if request.method == "DELETE" and "force_delete=true" in request.query:
                del self.texts[i]
                return Answer(202)
            if request.method == "DELETE":
                c["archived"] = True
                text = self.texts[i] = json.dumps(c, ensure_ascii=False)
            return Answer(body=text.encode())
        return Answer.error(404, "Connector not found")


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    nth = 0  # request of this connection

    def handle_any(self):
        path, _, query = self.path.partition("?")
        request = Request(self.command, path, query, self.headers.get("User-Agent", ""),
                          self.headers.get("X-API-KEY", ""))
        self.nth += 1
        answer = self.server.service.respond(request)
        if answer.act is not None:
            self.close_connection = True
            answer.act(self, request)
            return
        if answer.raw is not None:
            self.wfile.write(answer.raw)
            self.close_connection = True
            return
        self.send_response(answer.status)
        headers = {"Content-Type": "application/json", "Content-Length": len(answer.body)}
        for name, value in {**headers, **answer.headers}.items():
            self.send_header(name, str(value))
        self.end_headers()
        self.wfile.write(answer.body)

    do_GET = do_DELETE = do_PUT = do_POST = handle_any

    def handle(self):
        try:
            super().handle()
        except (BrokenPipeError, ConnectionResetError):
            pass  # the mount gave up waiting, as some tests want it to

    def address_string(self):
        return "mount"

    def log_message(self, *_):
        pass


class Securing:
    """Mixed into a server: hands connections on once their handshake, if any, is done."""

    def finish_request(self, request, client_address):
        secured = self.service.secure(request)
        if secured is None:
            return
        try:
            super().finish_request(secured, client_address)
        finally:
            secured.close()


class Tcp(Securing, socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128


class Unix(Securing, socketserver.ThreadingUnixStreamServer):
    daemon_threads = True
    request_queue_size = 128


def tcp_server():
    """On a port that was asked for by its number: refuse() then keeps it, as it does not keep one
    that the kernel chose."""
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind(("127.0.0.1", 0))
        return Tcp(holder.getsockname(), Handler)


def closed_port():
    """A loopback port that nobody listens on: bound, so that nobody else takes it."""
    holder = socket.socket()
    holder.bind(("127.0.0.1", 0))
    return holder, holder.getsockname()[1]
