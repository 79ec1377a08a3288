"""HTTP/2 where the service speaks it: one connection carries everything."""

import os

import pytest

from harness import archive, eventually, hard, write
from harness.certificates import Authority
from harness.frontend import Frontend

NEVER = 300


@pytest.fixture
def front(tmp_path):
    started = []

    def start(server, **options):
        authority = Authority(tmp_path / "authority")
        started.append(Frontend(tmp_path / "front", authority, server.source, **options))
        return started[0], authority

    yield start
    for frontend in started:
        frontend.stop()


def mounted(mount, served, frontend, authority, **options):
    return mount(None, frontend.source, ttl=NEVER, cacert=authority.certificate,
                 api_key_file=served.key_file, **options)


def test_everything_goes_over_one_connection(mount, sandbox, front):
    served = sandbox(seed=120, delete_rate=0, latency=20, tcp=True)
    frontend, authority = front(served)
    m = mounted(mount, served, frontend, authority, parallel=100)
    ids = m.active()
    write(m / ".bigdatafs/archive", "".join(f"{i}\n" for i in ids[:80]).encode())
    os.rmdir(m / ids[80])
    write(m / ids[81] / ".force_delete", b"1")
    (m / ".bigdatafs/refresh").write_text("1")
    eventually(lambda: ids[81] not in m.active())
    assert set(m.archived()).issuperset(ids[:81])
    seen = frontend.requests()
    assert {protocol for _, protocol, _ in seen} == {"h2"}
    assert len({port for port, _, _ in seen}) == 1
    assert sum(method == "DELETE" for _, _, method in seen) == 82
    served.assert_deletes([*(archive(i) for i in ids[:81]), hard(ids[81])], any_order=True)


def test_more_at_once_than_the_service_has_streams(mount, sandbox, front):
    """What is over the service's limit waits its turn, or takes another connection."""
    served = sandbox(seed=150, latency=20, tcp=True)
    frontend, authority = front(served, streams=8)
    m = mounted(mount, served, frontend, authority, parallel=64)
    ids = m.active()
    write(m / ".bigdatafs/archive", "".join(f"{i}\n" for i in ids).encode())
    assert m.active() == [] and set(m.archived()).issuperset(ids)
    assert {protocol for _, protocol, _ in frontend.requests()} == {"h2"}
    served.assert_deletes([archive(i) for i in ids], any_order=True)
