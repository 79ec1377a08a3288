"""bigdatafs-sandbox's connections: delayed answers, many at once, kept alive, left."""

import re
import resource

import pytest

from harness.sandbox_alone import KEY, LIST, Answer, directory, sandbox, start


def test_a_delayed_answer_delays_no_other_request(start):
    s = start("--seed", 2, "--latency", 60000)
    s.connection.request("GET", LIST, headers=KEY)
    other = s.connect()
    # Whoever waits for the first answer cannot say "continue" to the second request.
    other.sock.sendall(f"POST {LIST} HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n".encode())
    assert other.sock.recv(100).startswith(b"HTTP/1.1 100 ")
    s.connection.sock.setblocking(False)
    with pytest.raises(BlockingIOError):
        s.connection.sock.recv(1)
    assert s.end() == 0  # though both wait


def test_many_delayed_requests_in_flight(start, tmp_path):
    s = start("--seed", 300, "--latency", 20, "--access-log", tmp_path / "log")
    ids = [c["connector_id"] for c in s.list()]
    connections = [s.connect() for _ in ids]
    for c, id in zip(connections, ids):
        c.request("DELETE", f"{LIST}/{id}", headers=KEY)
    for c, id in zip(connections, ids):
        answer = Answer(c.getresponse())
        assert (answer.status, answer.json["connector_id"], answer.json["archived"]) == (200, id, True)
        c.close()
    assert len((tmp_path / "log").read_text().splitlines()) == 301


def test_a_thousand_connections(start):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
    try:
        s = start("--seed", 1)  # which inherits the low limit, and raises it
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 4096)), hard))
    connections = [s.connect() for _ in range(1000)]
    for c in connections:
        c.request("GET", LIST, headers=KEY)
    for c in connections:
        assert Answer(c.getresponse()).status == 200
    for c in connections:  # all were open at once
        c.close()


@pytest.mark.parametrize("listen", ["127.0.0.1:0", "[::1]:0", "localhost:0"])
def test_tcp_keeps_connections_alive(start, listen):
    s = start("--seed", 3, "--listen", listen)
    assert re.fullmatch(r"http://(127\.0\.0\.1|\[::1\]):[1-9]\d*", s.address)
    end = s.connection.sock.getsockname()
    for _ in range(3):
        assert len(s.list()) == 3
        assert s.get("x").status == 400
        assert s.request("POST", LIST, "x" * (1 << 20) + "y").status == 413
    assert s.connection.sock.getsockname() == end


def test_unix_keeps_connections_alive(sandbox):
    sock = sandbox.connection.sock
    for _ in range(3):
        assert len(sandbox.list()) == 30
        assert sandbox.create()["label"] == "x" and sandbox.archive(sandbox.list()[-1]["connector_id"]).status == 200
        sandbox.force_delete(id := sandbox.list()[-1]["connector_id"])
        sandbox.wait_for(id, lambda a: a.status == 404)
    assert sandbox.connection.sock is sock


def test_a_client_that_leaves_harms_nobody(start):
    s = start("--seed", 2000)
    for request in (f"GET {LIST} HTTP/1.1\r\nHost: x\r\nX-API-KEY: k\r\n\r\n", f"POST {LIST} HTTP/1.1\r\nHo",
                    f"POST {LIST} HTTP/1.1\r\nHost: x\r\nX-API-KEY: k\r\nContent-Length: 100\r\n\r\nhalf"):
        for _ in range(20):
            c = s.connect()
            c.sock.sendall(request.encode())
            c.close()
    assert len(s.list()) == 2000
