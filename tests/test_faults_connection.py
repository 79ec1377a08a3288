"""Answers that are lost, cut, late or nonsense on their way: what a deletion then does, what it
sends again, and what the tree keeps."""

import errno
import os
import signal

import pytest

from harness import Answer, archive, connector, eventually, fails_with, hard, uuid
from harness.audit import AuditLog
from harness.faults import (ACTS, CLOSE, RESET, SILENCE, STAGES, cut, drip, instead,
                            wrong_length)
from harness.ledger import LIST_PATH

NEVER = 300
ONE = f"{LIST_PATH}/{uuid(1)}"

CUTS = [*((stage, RESET) for stage in STAGES),
        *((stage, CLOSE) for stage in ("before any byte", "in the headers", "in the body"))]
CUT_IDS = [f"{end} {stage}" for stage, end in CUTS]
APPLIED = pytest.mark.parametrize("applied", [True, False], ids=["applied", "not applied"])


@pytest.fixture
def audit_lines(tmp_path):
    return AuditLog(tmp_path / "audit.jsonl")


def methods(served):
    """What was asked about connector 1."""
    return [r.method for r in served.requests() if r.id == uuid(1)]


# A DELETE whose answer is lost


@APPLIED
@pytest.mark.parametrize("stage, end", CUTS, ids=CUT_IDS)
def test_archive_whose_answer_is_cut(mount, service, audit_lines, stage, end, applied):
    served = service(connector(1), connector(2), tcp=True)
    served.answer_delete(cut(stage, end, applied), times=1)
    m = mount(served, ttl=NEVER, timeout=20, audit=audit_lines.file)
    os.rmdir(m / uuid(1))
    assert m.active() == [uuid(2)] and m.archived() == [uuid(1)]
    eventually(lambda: served.faults() == ["cut"])
    served.assert_deletes([archive(uuid(1))] * 2)
    assert audit_lines.one("outcome")["requests"] == 2, "every DELETE is ours, none is libcurl's"


@APPLIED
@pytest.mark.parametrize("stage, end", CUTS, ids=CUT_IDS)
def test_hard_delete_whose_answer_is_cut(mount, service, stage, end, applied):
    served = service(connector(1), connector(2), tcp=True)
    served.answer_delete(cut(stage, end, applied), times=1)
    m = mount(served, ttl=NEVER, timeout=20)
    ACTS["hard"][0](m)
    wanted = ["DELETE", "GET"] if applied else ["DELETE", "GET", "DELETE"]
    assert methods(served)[:len(wanted)] == wanted
    eventually(lambda: served.faults() == ["cut"])
    eventually(lambda: m.active() == [uuid(2)])
    served.assert_deletes([hard(uuid(1))] * (1 if applied else 2))


def test_hard_delete_is_resent_three_times_at_most(mount, service, audit_lines):
    """Each time only after a GET that shows the connector still there."""
    served = service(connector(1), tcp=True)
    served.answer_delete(cut("before any byte"))
    m = mount(served, ttl=NEVER, timeout=60, audit=audit_lines.file)
    m.expect("hard delete .* failed")
    with fails_with(errno.EIO):
        ACTS["hard"][0](m)
    assert methods(served)[:8] == ["DELETE", "GET"] * 4
    assert audit_lines.one("outcome")["requests"] == 4
    assert m.active() == [uuid(1)]
    served.assert_deletes([hard(uuid(1))] * 4)
    eventually(lambda: served.faults() == ["cut"] * 4)


def test_hard_delete_is_not_resent_when_nothing_tells_of_it(mount, service):
    served = service(connector(1), tcp=True)
    served.answer_delete(cut("before any byte"))
    served.answer("GET", ONE, Answer.error(503))
    m = mount(served, ttl=NEVER, timeout=2)
    m.expect("hard delete .* failed")
    with fails_with(errno.EIO):
        ACTS["hard"][0](m)
    assert methods(served)[:2] == ["DELETE", "GET"]
    served.forget_rules()
    assert m.active() == [uuid(1)]
    served.assert_deletes([hard(uuid(1))])
    eventually(lambda: served.faults() == ["cut"])


@pytest.mark.parametrize("act", ACTS)
def test_404_to_a_resent_delete_is_success(mount, service, act):
    do, sent = ACTS[act]
    served = service(connector(1), connector(2), tcp=True)
    served.answer_delete(Answer.error(404))
    served.answer_delete(cut("before any byte"), times=1)
    m = mount(served, ttl=NEVER, timeout=20)
    do(m)
    assert m.active() == [uuid(2)] and m.archived() == []
    eventually(lambda: served.faults() == ["cut"])
    served.assert_deletes([sent] * 2)


@pytest.mark.parametrize("act", ACTS)
def test_connection_that_died_while_idle(mount, service, audit_lines, act):
    """The server closes a connection that it kept alive, just as a DELETE arrives on it: libcurl
    takes that for a reason to send once more by itself."""
    do, sent = ACTS[act]
    served = service(connector(1), tcp=True)
    served.answer_delete(cut("before any byte", CLOSE), times=1)
    m = mount(served, ttl=NEVER, timeout=20, audit=audit_lines.file)
    do(m)
    eventually(lambda: served.fired)
    assert [(name, nth > 1) for name, nth in served.fired] == [("cut", True)], "was it kept alive?"
    wanted = {"archive": ["DELETE", "DELETE"], "hard": ["DELETE", "GET", "DELETE"]}[act]
    assert methods(served)[:len(wanted)] == wanted
    assert audit_lines.one("outcome")["requests"] == 2
    served.assert_deletes([sent] * 2)


SLOW = {"silence": lambda applied: cut("before any byte", SILENCE, applied),
        "silence in the headers": lambda applied: cut("in the headers", SILENCE, applied),
        "silence in the body": lambda applied: cut("in the body", SILENCE, applied),
        "drip": drip}


# What was not applied is looked at for 15 s before that is believed: once is enough.
@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("slow, applied", [*((slow, True) for slow in SLOW), ("silence", False)])
def test_delete_whose_answer_never_ends(mount, service, audit_lines, slow, act, applied):
    do, sent = ACTS[act]
    served = service(connector(1), connector(2), tcp=True)
    served.answer_delete(SLOW[slow](applied))
    m = mount(served, ttl=NEVER, timeout=1, audit=audit_lines.file)
    m.expect(f"{act}.* failed")
    with fails_with(errno.ETIMEDOUT):
        do(m)
    served.await_fault("drip" if slow == "drip" else "cut")
    assert audit_lines.one("outcome")["result"] == "unknown"
    became = {"archive": "archived", "hard": "gone"}[act] if applied else "still there"
    eventually(lambda: audit_lines.of("resolved"))
    assert audit_lines.one("resolved")["result"] == became
    assert m.active() == ([uuid(2)] if applied else [uuid(1), uuid(2)])
    assert m.archived() == ([uuid(1)] if became == "archived" else [])
    served.assert_deletes([sent])


# A DELETE whose answer arrives, and is nonsense

NONSENSE = {
    "no JSON": b"<html>Done</html>",
    "cut JSON": b'{"connector_id": "',
    "an array": b"[]",
    "another connector": b'{"connector_id": "' + uuid(7).encode() + b'", "archived": true}',
    "nested too deep": b'{"x": ' * 100000,
    "too large": b'{"x": "' + b"x" * (3 << 20) + b'"}',
    "binary": bytes(range(256)),
    "empty": b"",
}


ACT_NAMES = {"archive": "archive", "hard": "hard delete"}


@APPLIED
@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("nonsense", NONSENSE)
def test_answer_of_a_delete_is_nonsense(mount, service, nonsense, act, applied):
    """A GET tells whether an archive was carried out. A hard delete is accepted by a 2xx without a
    body or with JSON that bears it out; anything else says nothing, and a GET tells. Only an
    answer too large to be read to its end counts as lost, after which it is sent again."""
    do, sent = ACTS[act]
    served = service(connector(1), connector(2), tcp=True)
    served.answer_delete(instead(Answer(200, NONSENSE[nonsense]), applied), times=1)
    m = mount(served, ttl=NEVER, timeout=20)
    accepted = act == "hard" and nonsense in ("an array", "empty", "too large")
    if not applied and not accepted:
        m.expect(f"{ACT_NAMES[act]} .* failed")
        with fails_with(errno.EIO):
            do(m)
        assert m.active() == [uuid(1), uuid(2)] and m.archived() == []
    else:
        do(m)
        if applied:
            eventually(lambda: m.active() == [uuid(2)])
            assert m.archived() == ([uuid(1)] if act == "archive" else [])
    eventually(lambda: served.faults() == ["instead"])
    lost = (nonsense, act, applied) == ("too large", "hard", False)
    if lost:
        assert methods(served)[:3] == ["DELETE", "GET", "DELETE"]
    served.assert_deletes([sent] * (2 if lost else 1))


@pytest.mark.parametrize("change", [+20, -20], ids=["too long", "too short"])
@pytest.mark.parametrize("act", ACTS)
def test_wrong_content_length_of_a_delete(mount, service, act, change):
    do, sent = ACTS[act]
    served = service(connector(1), connector(2), tcp=True)
    served.answer_delete(wrong_length(change if act == "archive" else abs(change), True), times=1)
    m = mount(served, ttl=NEVER, timeout=20)
    do(m)
    eventually(lambda: m.active() == [uuid(2)])
    eventually(lambda: served.faults() == ["wrong length"])
    resent = act == "archive" and change > 0
    served.assert_deletes([sent] * (2 if resent else 1))


def test_text_of_the_service_stays_in_its_line(mount, service):
    served = service(connector(1), tcp=True)
    served.answer_delete(instead(Answer.error(
        403, "no\nbigdatafs: info: forged\r\x1b[2J\x7f and more")))
    m = mount(served, ttl=NEVER, timeout=5)
    m.expect("archive .* failed.*no.bigdatafs: info: forged.*and more")
    with fails_with(errno.EACCES):
        os.rmdir(m / uuid(1))
    assert not [c for c in m.log() if c != "\n" and (c < " " or c == "\x7f")]
    eventually(lambda: served.faults() == ["instead"])
    served.assert_deletes([archive(uuid(1))])


# One connector that is asked for


@pytest.mark.parametrize("nonsense", NONSENSE)
def test_nonsense_about_an_unknown_id(mount, service, nonsense):
    served = service(connector(1), tcp=True)
    served.answer("GET", f"{LIST_PATH}/.+", instead(Answer(200, NONSENSE[nonsense])))
    m = mount(served, ttl=NEVER, timeout=5)
    m.allow(uuid(9))
    with fails_with(errno.EIO):
        os.stat(m / uuid(9))
    eventually(lambda: set(served.faults()) == {"instead"})
    assert m.active() == [uuid(1)]
    served.assert_deletes([])


# Lists

LISTS = {**{f"{end} {stage}": cut(stage, end) for stage, end in CUTS},
         "Content-Length too long": wrong_length(+20)}
MALFORMED = {"Content-Length too short": wrong_length(-20),
             "no JSON": instead(Answer(200, b"<html>Welcome</html>")),
             "huge element": instead(Answer(200, b'{"results": [{"x": "' + b"x" * (3 << 20))),
             "nested too deep": instead(Answer(200, b'{"results": [' + b'{"x": [' * 100000))}


@pytest.mark.parametrize("broken", LISTS)
def test_list_that_breaks_off_is_asked_for_again(mount, service, broken):
    served = service(connector(1), tcp=True)
    m = mount(served, ttl=NEVER, timeout=20)
    served.serve(connector(1), connector(2))
    served.answer_list(LISTS[broken], times=1)
    m.signal(signal.SIGHUP)
    eventually(lambda: m.active() == [uuid(1), uuid(2)])
    eventually(lambda: served.lists() == 3 and len(served.faults()) == 1)
    served.assert_deletes([])


@pytest.mark.parametrize("bad", MALFORMED)
def test_malformed_list_changes_nothing(mount, service, bad):
    served = service(connector(1), connector(2, archived=True), tcp=True)
    m = mount(served, ttl=NEVER, timeout=5)
    served.serve(connector(3))
    served.answer_list(MALFORMED[bad], times=1)
    m.expect("list of connectors could not be fetched")
    m.signal(signal.SIGHUP)
    eventually(lambda: "could not be fetched" in m.log())
    eventually(lambda: len(served.faults()) == 1)
    assert m.active() == [uuid(1)] and m.archived() == [uuid(2)]
    m.signal(signal.SIGHUP)
    eventually(lambda: m.active() == [uuid(3)])
    served.assert_deletes([])


@pytest.mark.parametrize("slow", SLOW)
def test_list_that_never_ends_changes_nothing(mount, service, slow):
    served = service(connector(1), tcp=True)
    m = mount(served, ttl=NEVER, timeout=1)
    served.serve(connector(3))
    served.answer_list(SLOW[slow](False), times=1)
    m.expect("list of connectors could not be fetched")
    m.signal(signal.SIGHUP)
    served.await_fault("drip" if slow == "drip" else "cut")
    assert m.active() == [uuid(1)] and m.read(f"{uuid(1)}/label") == b"Connector 1\n"
    eventually(lambda: "could not be fetched" in m.log())
    m.signal(signal.SIGHUP)
    eventually(lambda: m.active() == [uuid(3)])
    served.assert_deletes([])


# A list that loses connectors


def numbered(*numbers):
    return [connector(n) for n in numbers]


@pytest.mark.parametrize("count", [2, 10, 200])
def test_list_that_loses_half_is_not_believed(mount, service, count):
    """The service still has what its list lacks, and says so when asked."""
    served = service(*numbered(*range(1, count + 1)), tcp=True)
    m = mount(served, ttl=NEVER, timeout=5)
    before = m.active()
    half = [text.encode() for text in served.texts[::2]]
    served.answer_list(instead(Answer(200, b'{"results": [' + b",".join(half) + b"]}")), times=1)
    m.expect("the list lacks .* connectors that the service still has")
    m.signal(signal.SIGHUP)
    eventually(lambda: "the list lacks" in m.log())
    eventually(lambda: served.faults() == ["instead"])
    assert m.active() == before and len(before) == count
    served.assert_deletes([])


@pytest.mark.parametrize("count", [2, 10, 200])
def test_list_that_lacks_what_is_gone_is_believed(mount, service, count):
    served = service(*numbered(*range(1, count + 1)), tcp=True)
    m = mount(served, ttl=NEVER, timeout=5)
    served.serve(*numbered(*range(1, count + 1, 2)))
    m.signal(signal.SIGHUP)
    eventually(lambda: m.active() == [uuid(n) for n in range(1, count + 1, 2)])
    served.assert_deletes([])


def test_list_lacks_connectors_and_nobody_tells_of_them(mount, service):
    served = service(*numbered(1, 2, 3), tcp=True)
    m = mount(served, ttl=NEVER, timeout=1)
    served.serve(connector(1))
    served.answer("GET", f"{LIST_PATH}/.+", cut("before any byte"))
    m.expect("the list lacks")
    m.signal(signal.SIGHUP)
    eventually(lambda: "the list lacks" in m.log())
    eventually(lambda: "cut" in served.faults())
    assert m.active() == [uuid(1), uuid(2), uuid(3)]
    served.assert_deletes([])


def test_connector_that_comes_back_after_404(mount, service):
    served = service(*numbered(1, 2), tcp=True)
    served.answer_delete(instead(Answer.error(404)), times=1)
    m = mount(served, ttl=NEVER, timeout=5)
    m.expect("404")
    with fails_with(errno.ENOENT):
        os.rmdir(m / uuid(1))
    eventually(lambda: served.faults() == ["instead"])
    assert m.active() == [uuid(2)] and not os.path.exists(m / uuid(1))
    m.signal(signal.SIGHUP)
    eventually(lambda: m.active() == [uuid(1), uuid(2)])
    assert m.read(f"{uuid(1)}/label") == b"Connector 1\n"
    os.rmdir(m / uuid(1))
    assert m.archived() == [uuid(1)]
    served.assert_deletes([archive(uuid(1))] * 2)
