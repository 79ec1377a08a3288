"""A proxy between a mount and a service, which does to requests what networks do.

drop    the connection is closed before the request is forwarded
lose    the request is forwarded and the connection closed instead of answered
503     answered so, not forwarded
429     the same, with Retry-After: 0 or 1
delay   the request or its answer is kept back for a while

The kinds come in turns, in an order that the seed gives, so that a run of a few hundred requests
meets all of them. What was asked, and what became of it, is on record.
"""

import http.client
import random
import socketserver
import threading
from dataclasses import dataclass

from harness.client import Client
from harness.ledger import LIST_PATH
from harness.system import DEADLINE

KINDS = ("drop", "lose", "503", "429", "delay")
BROKEN = ("drop", "lose", "503")  # the service may have acted, as far as the asker can tell
DELAY_MAX = 0.3
HOP_BY_HOP = {"connection", "transfer-encoding", "content-length", "keep-alive"}


@dataclass
class Exchange:
    """One request. status is the service's answer, None when it was not asked or said nothing."""

    method: str
    path: str
    query: str
    fault: str = None
    status: int = None
    answered: bool = False  # the service's answer went out whole

    @property
    def id(self):
        return self.path[len(LIST_PATH) + 1:]

    @property
    def force(self):
        return "force_delete=true" in self.query

    @property
    def is_delete(self):
        return self.method == "DELETE"

    @property
    def is_list(self):
        return self.path == LIST_PATH

    @property
    def retried(self):
        """Whether a fault gives cause to ask again."""
        return self.fault is not None and self.fault != "delay"


class Proxy:
    """Stands in a mount's way: source and key_file are what the mount needs."""

    def __init__(self, directory, served, seed):
        directory.mkdir()
        self.key_file, self.upstream = served.key_file, Client(served.source, served.key)
        self.changed = threading.Condition()  # guards all that follows
        self.random = random.Random(f"proxy {seed}")
        self.rate, self.turns = 0.0, []
        self.log, self.under_way = [], 0
        self.closing = threading.Event()
        self.fired = dict.fromkeys(KINDS, 0)
        self.source = f"unix:{directory}/socket"
        self.server = Server(str(directory / "socket"), Handler)
        self.server.proxy = self
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()

    # What the test says and asks

    def faults(self, rate):
        """This share of the requests from now on meets a fault."""
        with self.changed:
            self.rate = rate

    def mark(self):
        with self.changed:
            return len(self.log)

    def since(self, mark=0):
        with self.changed:
            return self.log[mark:]

    def await_idle(self):
        """Waits until no request is under way, so that none can reach the service any more."""
        with self.changed:
            assert self.changed.wait_for(lambda: self.under_way == 0, DEADLINE), \
                "a request stays under way"

    # A server of the test's world

    def seen(self):
        return self.since()

    def verdict(self):
        return []

    def finish(self):
        self.closing.set()
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()
        return []

    # What the handler needs

    def begin(self, method, target):
        path, _, query = target.partition("?")
        with self.changed:
            exchange = Exchange(method, path, query)
            if self.random.random() < self.rate:
                if not self.turns:
                    self.turns = self.random.sample(KINDS, len(KINDS))
                exchange.fault = self.turns.pop()
                self.fired[exchange.fault] += 1
            self.log.append(exchange)
            self.under_way += 1
            return exchange, self.random.random()

    def end(self):
        with self.changed:
            self.under_way -= 1
            self.changed.notify_all()


class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        upstream = None
        try:
            while (request := self.read_request()) is not None:
                upstream = upstream or self.server.proxy.upstream.connect()
                exchange, chance = self.server.proxy.begin(*request[:2])
                try:
                    if not self.exchange(exchange, chance, upstream, *request):
                        return
                finally:
                    self.server.proxy.end()
        except (OSError, http.client.HTTPException):
            pass  # one of the two sides went away
        finally:
            if upstream is not None:
                upstream.close()

    def read_request(self):
        """(method, target, headers), or None at the end. A mount's requests have no body."""
        words = self.rfile.readline(65536).split()
        if len(words) != 3:
            return None
        headers = []
        while (line := self.rfile.readline(65536)).strip():
            name, _, value = line.decode("latin-1").partition(":")
            headers.append((name, value.strip()))
        return words[0].decode(), words[1].decode(), headers

    def exchange(self, exchange, chance, upstream, method, target, headers):
        """Whether the connection lives on."""
        if exchange.fault == "drop":
            return False
        if exchange.fault in ("503", "429"):
            again = f"Retry-After: {int(chance * 2)}\r\n" if exchange.fault == "429" else ""
            self.wfile.write(f"HTTP/1.1 {exchange.fault} Fault\r\n{again}"
                             "Content-Length: 0\r\n\r\n".encode())
            return True
        before = exchange.fault == "delay" and chance < 0.5
        after = exchange.fault == "delay" and not before
        if before:
            self.server.proxy.closing.wait(chance * 2 * DELAY_MAX)
        answer = self.forward(exchange, upstream, method, target, headers)
        if after:
            self.server.proxy.closing.wait((chance * 2 - 1) * DELAY_MAX)
        if exchange.fault == "lose":
            return False
        self.wfile.write(answer)
        exchange.answered = True
        return True

    @staticmethod
    def forward(exchange, upstream, method, target, headers):
        upstream.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
        for name, value in headers:
            upstream.putheader(name, value)
        upstream.endheaders()
        answer = upstream.getresponse()
        body = answer.read()
        exchange.status = answer.status
        lines = [f"HTTP/1.1 {answer.status} {answer.reason}"]
        lines += [f"{name}: {value}" for name, value in answer.getheaders()
                  if name.lower() not in HOP_BY_HOP]
        if answer.status not in (204, 304):
            lines.append(f"Content-Length: {len(body)}")
        return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


class Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128
