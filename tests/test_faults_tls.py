"""Whom the program trusts: certificates, and where its key goes."""

import errno
import os
import socket

import pytest

from harness import Answer, archive, connector, eventually, fails_with, hard, uuid
from harness.certificates import Authority, self_signed
from harness.faults import ACTS, instead
from harness.ledger import LIST_PATH

NEVER = 300


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path / "authority")


def wrong(kind, authority, tmp_path):
    """(an ssl.SSLContext that must not be trusted, the certificates to trust)"""
    if kind == "expired":
        return authority.context(days=(-3, -1)), authority.certificate
    if kind == "not yet valid":
        return authority.context(days=(1, 2)), authority.certificate
    if kind == "wrong host":
        return authority.context("DNS:elsewhere.example"), authority.certificate
    if kind == "wrong address":
        return authority.context("IP:127.0.0.2"), authority.certificate
    if kind == "self-signed":
        return self_signed(tmp_path / "server"), authority.certificate
    if kind == "another authority":
        return Authority(tmp_path / "other", "Other").context(), authority.certificate
    assert kind == "not in the system's"
    return authority.context(), None


WRONG = ["expired", "not yet valid", "wrong host", "wrong address", "self-signed",
         "another authority", "not in the system's"]


@pytest.mark.parametrize("act", ACTS)
def test_good_certificate(mount, service, authority, act):
    do, sent = ACTS[act]
    served = service(connector(1), connector(2), tls=authority.context())
    m = mount(served, ttl=NEVER, timeout=10, cacert=authority.certificate)
    assert m.active() == [uuid(1), uuid(2)]
    do(m)
    eventually(lambda: m.active() == [uuid(2)])
    assert served.handshakes[0] == "done"
    assert {r.key for r in served.requests()} == {served.key}
    served.assert_deletes([sent])


@pytest.mark.parametrize("kind", WRONG)
def test_wrong_certificate_ends_the_start(program, service, authority, tmp_path, kind):
    context, trusted = wrong(kind, authority, tmp_path)
    served = service(connector(1), tls=context)
    words = f"api_key_file={served.key_file},timeout=5"
    words += f",cacert={trusted}" if trusted else ""
    point = tmp_path / "point"
    point.mkdir()
    done = program(served.source, point, "-f", "-o", words)
    assert done.returncode == 1 and "certificate" in done.stderr
    assert not os.path.ismount(point)
    eventually(lambda: len(served.handshakes) > 0)
    assert served.seen() == [], "no request, so no key"
    served.assert_deletes([])


@pytest.mark.parametrize("kind", WRONG)
def test_wrong_certificate_with_nofail(mount, service, authority, tmp_path, kind):
    context, trusted = wrong(kind, authority, tmp_path)
    served = service(connector(1), tls=context)
    m = mount(served, ttl=NEVER, timeout=5, cacert=trusted, nofail=True)
    m.expect("certificate")
    with fails_with(errno.EIO):
        os.listdir(m.path)
    with fails_with(errno.EIO):
        os.stat(m / uuid(1))
    eventually(lambda: len(served.handshakes) > 0, "a handshake that failed")
    assert served.seen() == []
    served.assert_deletes([])


@pytest.mark.parametrize("act", ACTS)
def test_certificate_that_is_replaced_by_a_wrong_one(mount, service, authority, tmp_path, act):
    """A DELETE goes to nobody who cannot show who they are."""
    do, sent = ACTS[act]
    served = service(connector(1), tls=authority.context())
    m = mount(served, ttl=NEVER, timeout=5, cacert=authority.certificate)
    served.refuse()
    served.tls = self_signed(tmp_path / "server")
    before = len(served.handshakes)
    served.accept_again()
    m.expect("failed.*certificate")
    with fails_with(errno.EIO):
        do(m)
    eventually(lambda: len(served.handshakes) > before, "it was asked")
    assert served.handshakes[-1] != "done"
    assert m.active() == [uuid(1)]
    served.assert_deletes([])


def test_server_that_speaks_no_tls(program, service, tmp_path):
    served = service(connector(1), tcp=True)
    point = tmp_path / "point"
    point.mkdir()
    done = program(served.source.replace("http:", "https:"), point, "-f", "-o",
                   f"api_key_file={served.key_file},timeout=2")
    assert done.returncode == 1 and "TLS" in done.stderr
    assert served.seen() == []
    served.assert_deletes([])


def test_server_that_is_silent_in_the_handshake(program, service, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        key = tmp_path / "key"
        key.write_text("a-key")
        key.chmod(0o600)
        point = tmp_path / "point"
        point.mkdir()
        done = program(f"https://127.0.0.1:{silent.getsockname()[1]}", point, "-f", "-o",
                       f"api_key_file={key},timeout=1")
        assert done.returncode == 1 and "deadline" in done.stderr
        connection, _ = silent.accept()
        with connection:
            said = connection.recv(65536)
    assert said[:1] == b"\x16", "a ClientHello came"
    assert b"a-key" not in said


# Redirects


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("tls", [False, True], ids=["http", "https"])
def test_key_never_follows_a_redirect(mount, service, authority, status, tls):
    context = authority.context("IP:127.0.0.1,DNS:localhost") if tls else None
    elsewhere = service(connector(1), tcp=True, tls=context, host="localhost")
    served = service(connector(1), tcp=True, tls=context)
    there = Answer.error(status, Location=f"{elsewhere.source}{LIST_PATH}")
    m = mount(served, ttl=NEVER, timeout=2, cacert=authority.certificate)
    served.answer("GET", f"{LIST_PATH}.*", instead(there))
    served.answer_delete(instead(there))
    m.expect(str(status))
    with fails_with(errno.EIO):
        os.stat(m / uuid(9))
    with fails_with(errno.EIO):
        os.rmdir(m / uuid(1))
    with fails_with(errno.EIO):
        ACTS["hard"][0](m)
    eventually(lambda: served.faults().count("instead") >= 3)
    assert elsewhere.sockets == [] and elsewhere.seen() == []
    elsewhere.assert_deletes([])
    served.assert_deletes([archive(uuid(1)), hard(uuid(1))])
