"""What the service or the network does wrong, and what programs are told."""

import errno
import os

import pytest

from harness import (Answer, archive, connector, eventually, fails_with, hard, in_background,
                     uuid, write)
from harness.audit import AuditLog
from harness.service import LIST_PATH, closed_port

NEVER = 300

STATUSES = [
    (400, errno.EINVAL), (422, errno.EINVAL), (401, errno.EACCES), (403, errno.EACCES),
    (404, errno.ENOENT), (405, errno.EOPNOTSUPP), (501, errno.EOPNOTSUPP), (409, errno.EBUSY),
    (423, errno.EBUSY), (429, errno.EAGAIN), (500, errno.EIO), (502, errno.EIO),
    (503, errno.EIO), (504, errno.ETIMEDOUT), (418, errno.EIO), (301, errno.EIO),
]
IDS = [f"{status}-{errno.errorcode[number]}" for status, number in STATUSES]

ACTS = {
    "rmdir": (lambda m: os.rmdir(m / uuid(1)), archive(uuid(1))),
    "mv": (lambda m: os.rename(m / uuid(1), m / ".archived" / uuid(1)), archive(uuid(1))),
    "force_delete": (lambda m: write(m / uuid(1) / ".force_delete", b"1"), hard(uuid(1))),
}


@pytest.mark.parametrize("status, number", STATUSES, ids=IDS)
@pytest.mark.parametrize("act", ["rmdir", "force_delete"])
def test_status_of_a_delete(mount, service, act, status, number):
    do, sent = ACTS[act]
    served = service(connector(1))
    served.answer_delete(Answer.error(status, "no, for this reason"))
    m = mount(served, ttl=NEVER, timeout=1)
    m.expect(rf"\b{status}\b.*no, for this reason")
    with fails_with(number):
        do(m)
    if status != 404:
        assert m.active() == [uuid(1)] and m.archived() == []
        assert m.read(f"{uuid(1)}/.force_delete") == b"idle\n"
    served.assert_deletes([sent], resent=True)


PAGE = Answer(404, b"<html>404 page not found</html>", {"Content-Type": "text/html"})
LOGIN = Answer(200, b"<html>Please sign in</html>", {"Content-Type": "text/html"})
ONE = f"{LIST_PATH}/{uuid(1)}"


@pytest.mark.parametrize("page", [PAGE, LOGIN], ids=["404", "login"])
@pytest.mark.parametrize("act", ["rmdir", "force_delete"])
def test_page_of_a_gateway_is_no_answer(mount, service, tmp_path, act, page):
    """Neither a success nor a failure: what became of the DELETE is unknown."""
    do, sent = ACTS[act]
    served, audit = service(connector(1)), AuditLog(tmp_path / "audit.jsonl")
    served.answer_delete(page)
    served.answer("GET", ONE, page)
    m = mount(served, ttl=NEVER, audit=audit.file)
    m.expect("failed")
    m.allow("cannot be asked")
    with fails_with(errno.EIO):
        do(m)
    assert m.active() == [uuid(1)] and m.archived() == []
    assert audit.one("outcome")["result"] == "unknown"
    assert m.read(f"{uuid(1)}/.force_delete") == b"idle\n"
    served.assert_deletes([sent])


@pytest.mark.parametrize("act", ["rmdir", "force_delete"])
def test_page_of_a_gateway_after_an_outage(mount, service, tmp_path, act):
    """The text/plain 404 of a gateway whose service has just answered 502."""
    do, sent = ACTS[act]
    served, audit = service(connector(1)), AuditLog(tmp_path / "audit.jsonl")
    served.answer_delete(PAGE)
    served.answer_delete(Answer(502, b"bad gateway"), times=1)
    served.answer("GET", ONE, PAGE)
    m = mount(served, ttl=NEVER, audit=audit.file)
    m.expect("failed")
    m.allow("cannot be asked")
    with fails_with(errno.EIO):
        do(m)
    assert m.active() == [uuid(1)]
    assert audit.one("outcome")["result"] == "unknown" and audit.of("resolved") == []
    served.assert_deletes([sent] * (2 if act == "rmdir" else 1))


def test_page_of_a_gateway_is_not_the_end_of_a_job(mount, service):
    served = service(connector(1))
    served.answer_delete(Answer(202))
    served.answer("GET", ONE, PAGE, times=2)
    m = mount(served, ttl=NEVER)
    write(m / uuid(1) / ".force_delete", b"1")
    eventually(lambda: served.gets(uuid(1)) >= 3)
    assert m.active() == [uuid(1)]
    assert m.read(f"{uuid(1)}/.force_delete") == b"deleting\n"
    served.assert_deletes([hard(uuid(1))])


def test_one_404_is_not_the_end_of_a_job(mount, service, tmp_path):
    """A replica that lags says it once, and the next answer has the connector."""
    served, audit = service(connector(1)), AuditLog(tmp_path / "audit.jsonl")
    served.answer_delete(Answer(202))
    served.answer("GET", ONE, Answer.error(404), times=1)
    m = mount(served, ttl=NEVER, audit=audit.file)
    write(m / uuid(1) / ".force_delete", b"1")
    eventually(lambda: served.gets(uuid(1)) >= 3)
    assert m.active() == [uuid(1)] and audit.of("resolved") == []
    assert m.read(f"{uuid(1)}/.force_delete") == b"deleting\n"
    served.serve()
    eventually(lambda: m.active() == [])
    eventually(lambda: audit.of("resolved"))
    assert audit.one("resolved")["result"] == "gone"
    served.assert_deletes([hard(uuid(1))])


def test_archive_that_is_carried_out_after_a_504(mount, service, tmp_path):
    served, audit = service(connector(1)), AuditLog(tmp_path / "audit.jsonl")
    served.answer_delete(Answer.error(504))
    m = mount(served, ttl=NEVER, timeout=1, audit=audit.file)
    m.expect("504")
    with fails_with(errno.ETIMEDOUT):
        os.rmdir(m / uuid(1))
    assert audit.one("outcome")["result"] == "unknown"
    eventually(lambda: served.gets(uuid(1)) >= 1, "a look that comes too early")
    served.serve(connector(1, archived=True))
    eventually(lambda: m.archived() == [uuid(1)])
    eventually(lambda: audit.of("resolved"))
    assert audit.one("resolved")["result"] == "archived"
    served.assert_deletes([archive(uuid(1))], resent=True)


def test_archive_that_is_carried_out_after_a_202(mount, service, tmp_path):
    """rmdir waits a moment for it; what comes later still is not recorded as failed."""
    served, audit = service(connector(1)), AuditLog(tmp_path / "audit.jsonl")
    served.answer_delete(Answer(202))
    m = mount(served, ttl=NEVER, audit=audit.file)
    m.allow("archive of .* failed")
    thread, _ = in_background(os.rmdir, m / uuid(1))
    eventually(lambda: served.gets(uuid(1)) >= 1, "a look that comes too early")
    served.serve(connector(1, archived=True))
    thread.join()
    eventually(lambda: m.archived() == [uuid(1)])
    assert audit.one("outcome")["result"] in ("done", "unknown")
    if audit.one("outcome")["result"] == "unknown":  # a busy machine
        eventually(lambda: audit.of("resolved"))
        assert audit.one("resolved")["result"] == "archived"
    served.assert_deletes([archive(uuid(1))])


@pytest.mark.parametrize("status, number", [
    (401, errno.EACCES), (403, errno.EACCES), (500, errno.EIO), (504, errno.ETIMEDOUT),
    (429, errno.EAGAIN), (302, errno.EIO)])
def test_status_of_the_first_list(mount, service, status, number):
    served = service(connector(1))
    served.answer_list(Answer.error(status))
    m = mount(served, timeout=1, nofail=True)
    m.expect(rf"\b{status}\b")
    with fails_with(number):
        os.listdir(m.path)
    served.forget_rules()
    eventually(lambda: listed(m) == [uuid(1)])
    served.assert_deletes([])


def listed(m):
    try:
        return m.active()
    except OSError:
        return None


@pytest.mark.parametrize("status, number", [(403, errno.EACCES), (500, errno.EIO)])
def test_status_of_an_unknown_id(mount, service, status, number):
    served = service(connector(1))
    served.answer("GET", f"{LIST_PATH}/.+", Answer.error(status))
    m = mount(served, ttl=NEVER, timeout=1)
    m.expect(rf"\b{status}\b")
    with fails_with(number):
        os.stat(m / uuid(9))
    assert m.active() == [uuid(1)]
    served.assert_deletes([])


# Lists that must not be believed

WHOLE = b'{"results": []}'
BAD_LISTS = {
    "cut short": Answer(raw=b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n" + WHOLE),
    "cut inside": Answer(body=b'{"results": ['),
    "cut at the end": Answer(body=b'{"results": []'),
    "cut chunks": Answer(raw=b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nf\r\n"
                         + WHOLE + b"\r\n"),
    "an array": Answer(body=b"[]"),
    "no results": Answer(body=b"{}"),
    "null results": Answer(body=b'{"results": null}'),
    "results are an object": Answer(body=b'{"results": {}}'),
    "elements are no objects": Answer(body=b'{"results": [1, 2]}'),
    "more after it": Answer(body=WHOLE + b"{}"),
    "results twice": Answer(body=b'{"results": [], "results": []}'),
    "empty": Answer(body=b""),
    "HTML": Answer(body=b"<html><body>Service maintenance</body></html>"),
    "not UTF-8 and no JSON": Answer(body=b"\xff\xfe\x00"),
    "an element too large": Answer(body=b'{"results": [{"x": "' + b"x" * (2 << 20) + b'"}]}'),
    "nested too deep": Answer(body=b'{"results": [' + b'{"x": ' * 100000),
    "no answer": Answer(raw=b""),
    "not HTTP": Answer(raw=b"SSH-2.0-OpenSSH_9.2\r\n"),
    "204": Answer(204),
    "401": Answer.error(401),
    "500": Answer.error(500),
    "redirect": Answer(307, headers={"Location": LIST_PATH}),
}

# Asked for again at once: the good answer may come before the refresh has failed.
RESENT = {"cut short", "cut chunks", "no answer", "not HTTP", "500"}


@pytest.mark.parametrize("bad", BAD_LISTS)
def test_bad_list_never_replaces_a_good_one(mount, service, bad):
    served = service(connector(1), connector(2, archived=True))
    m = mount(served, ttl=1, timeout=1)
    served.answer_list(BAD_LISTS[bad])
    (m.allow if bad in RESENT else m.expect)("list")
    while served.lists() < 4:
        assert m.active() == [uuid(1)] and m.archived() == [uuid(2)]
        assert m.read(f"{uuid(1)}/label") == b"Connector 1\n"
    served.forget_rules()
    served.serve(connector(3))
    eventually(lambda: m.active() == [uuid(3)])
    served.assert_deletes([])


@pytest.mark.parametrize("bad", ["cut short", "cut inside", "HTML", "no results", "redirect"])
def test_bad_first_list(mount, service, bad):
    served = service(connector(1))
    served.answer_list(BAD_LISTS[bad])
    m = mount(served, timeout=1, nofail=True)
    m.expect("list")
    with fails_with(errno.EIO):
        os.listdir(m.path)
    served.assert_deletes([])


# Redirects


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("act", ["rmdir", "force_delete"])
def test_redirect_is_never_followed(mount, service, act, status):
    do, sent = ACTS[act]
    elsewhere = service(connector(1), tcp=True)
    served = service(connector(1), tcp=True)
    target = f"{elsewhere.source}{LIST_PATH}/{uuid(1)}"
    served.answer_delete(Answer(status, headers={"Location": target}))
    m = mount(served, ttl=NEVER, timeout=1)
    m.expect(str(status))
    with fails_with(errno.EIO):
        do(m)
    assert elsewhere.seen() == []
    elsewhere.assert_deletes([])
    served.assert_deletes([sent], resent=True)


# Nobody there


@pytest.mark.parametrize("tcp", [False, True], ids=["unix", "tcp"])
@pytest.mark.parametrize("act", ACTS)
def test_service_is_gone(mount, sandbox, act, tcp):
    served = sandbox(seed=2, tcp=tcp)
    first, second = served.ids()
    m = mount(served, ttl=NEVER, timeout=1)
    label = m.read(f"{first}/label")
    served.kill()
    m.expect("refused|reach|connect")
    with fails_with(errno.EHOSTUNREACH):
        {"rmdir": lambda: os.rmdir(m / first),
         "mv": lambda: os.rename(m / first, m / ".archived" / first),
         "force_delete": lambda: write(m / first / ".force_delete", b"1")}[act]()
    assert m.active() == sorted([first, second]) and m.read(f"{first}/label") == label
    assert m.unmount() == 0
    served.assert_deletes([])


def test_service_comes_back(mount, sandbox):
    served = sandbox(seed=1)
    target = served.ids()[0]
    m = mount(served, ttl=NEVER, timeout=1)
    served.stop()
    m.expect("refused|reach|connect")
    with fails_with(errno.EHOSTUNREACH):
        os.rmdir(m / target)
    served.start()
    os.rmdir(m / target)
    assert m.archived() == [target]
    served.assert_deletes([archive(target)])


def test_refused_from_the_start(mount, service, world):
    holder, port = closed_port()
    with holder:
        m = mount(None, f"http://127.0.0.1:{port}", nofail=True, timeout=1,
                  env={"BIGDATA_API_KEY": "a-key"})
        m.expect("refused|reach|connect")
        with fails_with(errno.EHOSTUNREACH):
            os.listdir(m.path)
        assert m.unmount() == 0


@pytest.mark.parametrize("act", ACTS)
def test_deadline(mount, service, act):
    do, sent = ACTS[act]
    served = service(connector(1))
    m = mount(served, ttl=NEVER, timeout=2)
    served.hold("DELETE")
    m.expect("deadline|time|2 s")
    with fails_with(errno.ETIMEDOUT):
        do(m)
    served.release()
    served.assert_deletes([sent], resent=True)


def test_deadline_of_a_list_serves_the_last_one(mount, service):
    served = service(connector(1))
    m = mount(served, ttl=1, timeout=1)
    served.hold("GET")
    m.expect("list")
    while served.lists() < 3:
        assert m.active() == [uuid(1)]
    served.assert_deletes([])


# Sent again


@pytest.mark.parametrize("answer", [Answer.error(503), Answer.error(500), Answer.error(429),
                                    Answer.error(429, Retry_After="1"),
                                    Answer.error(503, Retry_After="1")],
                         ids=["503", "500", "429", "429 in 1 s", "503 in 1 s"])
@pytest.mark.parametrize("act", ACTS)
def test_delete_is_resent(mount, service, act, answer):
    do, sent = ACTS[act]
    served = service(connector(1), connector(2))
    served.answer_delete(answer, times=1)
    m = mount(served, ttl=NEVER, timeout=20)
    do(m)
    eventually(lambda: m.active() == [uuid(2)])
    served.assert_deletes([sent, sent])


@pytest.mark.parametrize("answer", [Answer.error(503), Answer.error(429), Answer(raw=b"")],
                         ids=["503", "429", "lost"])
def test_list_is_resent(mount, service, answer):
    served = service(connector(1))
    served.answer_list(answer, times=1)
    m = mount(served, ttl=NEVER, timeout=20)
    assert m.active() == [uuid(1)] and served.lists() == 2
    served.assert_deletes([])


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 422])
def test_refusal_is_not_resent(mount, service, status):
    served = service(connector(1))
    served.answer_delete(Answer.error(status))
    m = mount(served, ttl=NEVER)
    m.expect(str(status))
    with pytest.raises(OSError):
        os.rmdir(m / uuid(1))
    served.assert_deletes([archive(uuid(1))])


def test_archive_whose_answer_was_lost_and_that_is_gone_is_success(mount, service):
    served = service(connector(1))
    served.answer_delete(Answer.error(404))
    served.answer_delete(Answer(raw=b""), times=1)
    m = mount(served, ttl=NEVER, timeout=20)
    os.rmdir(m / uuid(1))
    assert m.active() == []
    served.assert_deletes([archive(uuid(1))] * 2)


@pytest.mark.parametrize("still_there", [True, False])
def test_hard_delete_whose_answer_was_lost_asks_first(mount, service, still_there):
    served = service(connector(1))
    served.answer_delete(Answer(raw=b""), times=1)
    if not still_there:
        served.answer("GET", f"{LIST_PATH}/{uuid(1)}", Answer.error(404))
    m = mount(served, ttl=NEVER, timeout=20)
    write(m / uuid(1) / ".force_delete", b"1")
    eventually(lambda: m.active() == [])
    methods = [r.method for r in served.requests() if r.id == uuid(1)]
    wanted = ["DELETE", "GET", "DELETE"] if still_there else ["DELETE", "GET"]
    assert methods[:len(wanted)] == wanted
    served.assert_deletes([hard(uuid(1))] * (2 if still_there else 1))


# The key


@pytest.mark.parametrize("tcp", [False, True], ids=["unix", "tcp"])
def test_every_request_has_the_key_and_a_user_agent(mount, service, tcp):
    served = service(connector(1), tcp=tcp)
    m = mount(served, ttl=NEVER)
    assert not os.path.exists(m / uuid(9))
    os.rmdir(m / uuid(1))
    assert len(served.requests()) >= 3
    assert {r.key for r in served.requests()} == {served.key}
    assert all(r.user_agent.startswith("bigdatafs/") for r in served.requests())
    served.assert_deletes([archive(uuid(1))])
