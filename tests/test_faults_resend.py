"""When the service is busy or down: how long it is left alone, and who fails without asking it."""

import errno
import os
import signal
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime

import pytest

from harness import (Answer, archive, connector, eventually, fails_with, hard, in_background,
                     uuid, write)
from harness.audit import AuditLog
from harness.faults import ACTS, cut, instead
from harness.ledger import LIST_PATH

NEVER = 300
HOUR = 3600


@pytest.fixture
def audit_lines(tmp_path):
    return AuditLog(tmp_path / "audit.jsonl")


def busy(status, seconds, form):
    """An error with Retry-After, as seconds or as an HTTP-date."""
    def answer():
        value = str(seconds)
        if form == "date":
            then = datetime.now(timezone.utc) + timedelta(seconds=seconds)
            value = format_datetime(then, usegmt=True)
        return Answer.error(status, Retry_After=value)
    return instead(answer)


BUSY = pytest.mark.parametrize("status, number", [(429, errno.EAGAIN), (503, errno.EIO)])
FORMS = pytest.mark.parametrize("form", ["seconds", "date"])


@FORMS
@BUSY
def test_retry_after_is_waited_for(mount, service, status, number, form):
    """Two attempts fit into the deadline when the wait is honoured, and many when it is not."""
    served = service(connector(1), tcp=True)
    served.answer_delete(busy(status, 4, form))
    m = mount(served, ttl=NEVER, timeout=6)
    m.expect(f"archive .* failed.*{status}")
    with fails_with(number):
        os.rmdir(m / uuid(1))
    eventually(lambda: served.faults() == ["instead"] * 2)
    assert m.active() == [uuid(1)]
    served.assert_deletes([archive(uuid(1))] * 2)


@FORMS
@BUSY
@pytest.mark.parametrize("act", ACTS)
def test_retry_after_beyond_the_deadline_ends_it_at_once(mount, service, act, status, number,
                                                         form):
    """At once: the deadline is later than the end of this test's time."""
    do, sent = ACTS[act]
    served = service(connector(1), tcp=True)
    served.answer_delete(busy(status, HOUR, form), times=1)
    m = mount(served, ttl=NEVER, timeout=600)
    if act == "hard" and status == 503:
        do(m)  # a GET shows it still there
        eventually(lambda: m.active() == [])
        served.assert_deletes([sent] * 2)
    else:
        m.expect(f"failed.*{status}")
        with fails_with(number):
            do(m)
        assert m.active() == [uuid(1)]
        served.assert_deletes([sent])
    eventually(lambda: served.faults() == ["instead"])


@pytest.mark.parametrize("value", ["-1", "soon", "", "99999999999999999999", "1.5", "0",
                                   "Thu, 01 Jan 1970 00:00:00 GMT"])
def test_odd_retry_after(mount, service, value):
    """What says nothing, or lies in the past, leaves the back-off as it is."""
    served = service(connector(1), tcp=True)
    served.answer_delete(instead(Answer.error(503, Retry_After=value)), times=1)
    m = mount(served, ttl=NEVER, timeout=20)
    os.rmdir(m / uuid(1))
    assert m.archived() == [uuid(1)]
    eventually(lambda: served.faults() == ["instead"])
    served.assert_deletes([archive(uuid(1))] * 2)


# One pacer for all


def test_429_holds_back_every_request(mount, service):
    served = service(connector(1), connector(2), tcp=True)
    served.answer_delete(busy(429, HOUR, "seconds"), times=1)
    m = mount(served, ttl=NEVER, timeout=5)
    m.expect("429")
    with fails_with(errno.EAGAIN):
        os.rmdir(m / uuid(1))
    asked = len(served.requests())
    with fails_with(errno.EAGAIN):
        os.stat(m / uuid(9))
    with fails_with(errno.EAGAIN):
        os.rmdir(m / uuid(2))
    with fails_with(errno.EAGAIN):
        ACTS["hard"][0](m)
    assert len(served.requests()) == asked, "nobody was asked"
    assert m.active() == [uuid(1), uuid(2)]
    eventually(lambda: served.faults() == ["instead"])
    served.assert_deletes([archive(uuid(1))])


def test_429_that_comes_while_another_waits_for_the_pacer(mount, service):
    """The wait grows beyond the deadline of one that was never sent: that is a 429 for it too."""
    served = service(connector(1), connector(2), connector(3), tcp=True)
    m = mount(served, ttl=NEVER, timeout=20)
    m.expect("429")
    served.hold("DELETE", f"{LIST_PATH}/{uuid(1)}")
    served.answer("DELETE", f"{LIST_PATH}/{uuid(1)}", busy(429, HOUR, "seconds"), times=1)
    served.answer("GET", f"{LIST_PATH}/{uuid(8)}", busy(429, 3, "seconds"), times=1)
    first, held = in_background(ACTS["hard"][0], m)
    served.await_deletes(1)
    second, paced = in_background(os.stat, m / uuid(8))

    third, waiting = in_background(os.stat, m / uuid(9))
    eventually(lambda: served.await_requests(lambda r: r.id == uuid(8), 1))
    served.release()
    for thread in (first, second, third):
        thread.join()
    assert held == [errno.EAGAIN]
    assert (paced, waiting) == ([errno.EAGAIN], [errno.EAGAIN])
    assert served.gets(uuid(9)) == 0
    served.assert_deletes([hard(uuid(1))])


@pytest.mark.parametrize("act", ACTS)
def test_not_implemented_is_an_answer(mount, service, audit_lines, act):
    do, sent = ACTS[act]
    served = service(connector(1), tcp=True)
    served.answer_delete(instead(Answer.error(501)))
    m = mount(served, ttl=NEVER, audit=audit_lines.file)
    m.expect("501")
    with fails_with(errno.EOPNOTSUPP):
        do(m)
    assert audit_lines.one("outcome")["result"] == "failed"
    eventually(lambda: served.faults() == ["instead"])
    assert served.gets(uuid(1)) == 0
    served.assert_deletes([sent])


def test_refused_after_a_lost_answer_is_not_sent_a_third_time(mount, service, audit_lines):
    """The first may be what the second was refused for: what became of it is not known."""
    do, sent = ACTS["hard"]
    served = service(connector(1), tcp=True)
    served.answer_delete(instead(Answer.error(409)))
    served.answer_delete(cut("before any byte"), times=1)
    m = mount(served, ttl=NEVER, audit=audit_lines.file)
    m.expect("409")
    with fails_with(errno.EBUSY):
        do(m)
    outcome = audit_lines.one("outcome")
    assert (outcome["result"], outcome["requests"]) == ("unknown", 2)
    served.assert_deletes([sent] * 2)


def test_who_waits_behind_others_429_gets_that(mount, service):
    """Only one of them is sent: 429 holds back the others beyond their time."""
    served = service(*(connector(n) for n in range(1, 10)), tcp=True)
    served.answer_delete(busy(429, 20, "seconds"))
    served.answer_delete(busy(429, 1, "seconds"), times=1)
    m = mount(served, "-d", ttl=NEVER, timeout=5)
    m.expect("429")
    acts = [in_background(write, m / uuid(1) / ".force_delete", b"1")]
    eventually(lambda: "resending" in m.log(), "that the first one is held back")
    acts += [in_background(write, m / uuid(n) / ".force_delete", b"1") for n in range(2, 10)]
    for thread, _ in acts:
        thread.join(30)
    assert [outcome for _, outcome in acts] == [[errno.EAGAIN]] * 9
    sent = served.deletes()
    assert sent[0] == hard(uuid(1)) and 2 <= len(sent) < 9, "who was held back was not sent"
    served.assert_deletes(sent)


# The circuit


def try_to_archive(m):
    try:
        os.rmdir(m / uuid(1))
        return 0
    except OSError as failure:
        return failure.errno


def take_down(served, how):
    if how == "refuses":
        served.refuse()
        return
    answer = cut("before any byte") if how == "breaks off" else instead(Answer.error(500))
    for method in ("GET", "DELETE"):
        served.answer(method, ".*", answer)


def bring_back(served, how):
    if how == "refuses":
        served.accept_again()
    served.forget_rules()


@pytest.mark.parametrize("how, number", [("refuses", errno.EHOSTUNREACH),
                                         ("breaks off", errno.EIO), ("500", errno.EIO)])
def test_circuit(mount, service, audit_lines, how, number):
    served = service(connector(1), connector(2), tcp=True)
    m = mount(served, "-d", ttl=NEVER, timeout=2, audit=audit_lines.file)
    m.expect("the service does not answer .*: operations fail at once")
    m.allow("archive of|hard delete of|cannot be asked for|similar lines")
    take_down(served, how)
    failures = set()

    def opened():
        failures.add(try_to_archive(m))
        return "operations fail at once" in m.log()

    eventually(opened)
    assert failures <= {number, errno.ETIMEDOUT}
    sent, seen = served.deletes(), len(audit_lines.of("outcome"))
    for do, _ in ACTS.values():
        with fails_with(number):
            do(m)
    with fails_with(number):
        os.stat(m / uuid(9))
    assert served.deletes() == sent and served.gets(uuid(9)) == 0, "nobody was asked"
    assert [line["requests"] for line in audit_lines.of("outcome")[seen:]] == [0, 0]
    hints = [line["hint"] for line in m.lines("errors") if line["operation"] != "get"]
    assert hints and not any("audit log" in hint for hint in hints), "it is not that"
    assert m.active() == [uuid(1), uuid(2)], "what is known is still served"
    bring_back(served, how)
    eventually(lambda: "the service answers again" in m.log())
    probes = served.gets("00000000-0000-0000-0000-000000000000")
    asked = served.gets(uuid(1))  # what became of a DELETE with 500 is asked for as well
    assert probes + asked > 0, "something in the background found that out"
    os.rmdir(m / uuid(1))
    assert m.archived() == [uuid(1)]
    served.assert_deletes([*sent, archive(uuid(1))])
    if how != "refuses":
        eventually(lambda: len(served.faults()) >= len(sent))


def test_circuit_that_opens_on_lists_serves_the_last_one(mount, service):
    served = service(connector(1), tcp=True)
    m = mount(served, "-d", ttl=NEVER, timeout=2)
    m.expect("operations fail at once")
    m.expect("could not be fetched")
    m.allow("similar lines")
    take_down(served, "500")

    def opened():
        m.signal(signal.SIGHUP)
        assert m.active() == [uuid(1)]
        return "operations fail at once" in m.log()

    eventually(opened)
    lists = served.lists()
    m.signal(signal.SIGHUP)
    assert m.active() == [uuid(1)] and m.read(f"{uuid(1)}/label") == b"Connector 1\n"
    eventually(lambda: "instead" in served.faults())
    bring_back(served, "500")
    served.serve(connector(2))
    eventually(lambda: "the service answers again" in m.log())
    m.signal(signal.SIGHUP)
    eventually(lambda: m.active() == [uuid(2)])
    assert served.lists() > lists
    served.assert_deletes([])
