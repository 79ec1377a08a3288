"""Ctrl-C, and the end of the program, while a deletion waits: what was sent is followed and on
record, and nothing is sent for somebody who waits no more."""

import errno
import os
import signal
import subprocess

import pytest

from harness import (Answer, archive, connector, eventually, fails_with, hard, in_background, uuid,
                     write)
from harness.audit import AuditLog
from harness.faults import ACTS, instead
from harness.ledger import LIST_PATH
from harness.system import await_end

NEVER = 300
COMMANDS = {"archive": ["rmdir", uuid(1)],
            "hard": ["sh", "-c", f"echo 1 > {uuid(1)}/.force_delete"]}
ONE = f"{LIST_PATH}/{uuid(1)}"


@pytest.fixture
def audit_lines(tmp_path):
    return AuditLog(tmp_path / "audit.jsonl")


def busy(status, seconds):
    return instead(Answer.error(status, Retry_After=str(seconds)))


def ask(m, act):
    return subprocess.Popen(COMMANDS[act], cwd=m.path, stdin=subprocess.DEVNULL,
                            stderr=subprocess.DEVNULL)


def interrupt(asking):
    """The process ends by the signal: its system call returned."""
    asking.send_signal(signal.SIGINT)
    asking.returncode = await_end(asking.pid)
    assert asking.returncode != 0


HANDLED = """
import os, signal, sys
signal.signal(signal.SIGWINCH, lambda *_: print("handled", flush=True))
print("ready", flush=True)
fd = os.open(sys.argv[1], os.O_WRONLY)
sys.exit(os.write(fd, b"1") != 1)  # Python writes again after EINTR
"""


def test_write_again_after_a_signal_joins(mount, service, audit_lines):
    """As after the resize of a terminal: the second write waits for the deletion of the first."""
    served = service(connector(1), tcp=True)
    m = mount(served, ttl=NEVER, audit=audit_lines.file)
    served.hold("DELETE")
    asking = subprocess.Popen(["/usr/bin/python3", "-c", HANDLED, m / uuid(1) / ".force_delete"],
                              stdout=subprocess.PIPE, text=True)
    assert asking.stdout.readline() == "ready\n"
    served.await_deletes()
    asking.send_signal(signal.SIGWINCH)
    assert asking.stdout.readline() == "handled\n"
    served.release()
    asking.stdout.close()
    asking.returncode = await_end(asking.pid)
    assert asking.returncode == 0
    eventually(lambda: m.active() == [])
    assert audit_lines.one("intent")["pid"] == asking.pid
    assert audit_lines.one("outcome")["result"] == "done"
    served.assert_deletes([hard(uuid(1))])


def outcome_of(audit_lines):
    eventually(lambda: audit_lines.of("outcome"), "the outcome")
    return audit_lines.one("outcome")


@pytest.mark.parametrize("act", ACTS)
def test_refused_after_the_interrupt_is_not_sent_again(mount, service, audit_lines, act):
    served = service(connector(1), tcp=True)
    served.answer_delete(busy(429, 1), times=1)
    m = mount(served, ttl=NEVER, timeout=30, audit=audit_lines.file)
    m.expect("429")
    served.hold("DELETE")
    asking = ask(m, act)
    served.await_deletes()
    interrupt(asking)
    served.release()
    outcome = outcome_of(audit_lines)
    assert (outcome["result"], outcome["status"], outcome["requests"]) == ("failed", 429, 1)
    eventually(lambda: served.faults() == ["instead"])
    assert m.active() == [uuid(1)] and m.read(f"{uuid(1)}/.force_delete") == b"idle\n"
    served.assert_deletes([ACTS[act][1]])


@pytest.mark.parametrize("act", ACTS)
def test_interrupt_while_the_pacer_holds_it_back(mount, service, audit_lines, act):
    """The 429 was a DELETE too: it stays on record."""
    served = service(connector(1), tcp=True)
    served.answer_delete(busy(429, 20), times=1)
    m = mount(served, "-d", ttl=NEVER, timeout=60, audit=audit_lines.file)
    asking = ask(m, act)
    eventually(lambda: "HTTP 429" in m.log() and "resending" in m.log(), "the pacer's turn")
    interrupt(asking)
    outcome = outcome_of(audit_lines)
    assert (outcome["result"], outcome["errno"], outcome["requests"]) == ("failed", "EINTR", 1)
    eventually(lambda: served.faults() == ["instead"])
    assert m.read(".bigdatafs/jobs") == b""
    served.assert_deletes([ACTS[act][1]])


def test_interrupt_before_an_archive_is_sent_again(mount, service, audit_lines):
    """It may have been carried out, or yet be: GETs find out whether it was."""
    served = service(connector(1), tcp=True)
    served.answer_delete(busy(503, 20), times=1)
    m = mount(served, "-d", ttl=NEVER, timeout=60, audit=audit_lines.file)
    asking = ask(m, "archive")
    eventually(lambda: "HTTP 503" in m.log() and "resending" in m.log(), "the pause")
    interrupt(asking)
    outcome = outcome_of(audit_lines)
    assert (outcome["result"], outcome["errno"], outcome["requests"]) == ("unknown", "EINTR", 1)
    assert served.gets(uuid(1)) >= 1
    eventually(lambda: served.faults() == ["instead"])
    served.assert_deletes([archive(uuid(1))])


def test_interrupt_before_a_hard_delete_is_sent_again(mount, service, audit_lines):
    """The GET shows it still there, and nobody wants another DELETE any more."""
    served = service(connector(1), tcp=True)
    served.answer_delete(busy(503, 0), times=1)
    m = mount(served, ttl=NEVER, timeout=60, audit=audit_lines.file)
    m.expect("503")
    served.hold("GET", ONE)
    asking = ask(m, "hard")
    served.await_requests(lambda r: r.method == "GET" and r.id == uuid(1))
    interrupt(asking)
    served.release()
    outcome = outcome_of(audit_lines)
    assert (outcome["result"], outcome["requests"]) == ("unknown", 1)
    eventually(lambda: audit_lines.of("resolved"), "what became of it")
    assert audit_lines.one("resolved")["result"] == "still there"
    eventually(lambda: served.faults() == ["instead"])
    served.assert_deletes([hard(uuid(1))])


@pytest.mark.parametrize("act", ACTS)
def test_end_of_the_program_counts_what_was_sent(mount, service, audit_lines, act):
    served = service(connector(1), tcp=True)
    m = mount(served, ttl=NEVER, audit=audit_lines.file)
    m.expect("the program ended before the answer came")
    served.hold("DELETE")
    asking = ask(m, act)
    served.await_deletes()
    m.signal(signal.SIGTERM)
    assert m.await_end() == 0
    asking.wait(30)
    outcome = audit_lines.one("outcome")
    assert (outcome["result"], outcome["errno"], outcome["requests"]) == ("unknown", "EIO", 1)
    served.release()
    served.assert_deletes([ACTS[act][1]])


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_no_deletion_is_begun_after_a_signal_to_end(mount, service, audit_lines, number):
    """Who ends the program to stop a script of deletions stops it; the one under way is awaited."""
    served = service(connector(1), connector(2))
    m = mount(served, ttl=NEVER, audit=audit_lines.file)
    m.expect(f"hard delete of {uuid(2)} refused: the program is ending, nothing was sent")
    control = m / uuid(2) / ".force_delete"
    assert control.read_bytes() == b"idle\n"
    served.hold("DELETE")
    thread, outcome = in_background(os.rmdir, m / uuid(1))
    served.await_deletes()
    m.signal(number)
    with fails_with(errno.EIO):
        write(control, b"1")
    served.release()
    assert m.await_end() == 0
    thread.join(30)
    assert outcome == [0] and audit_lines.one("intent")["id"] == uuid(1)
    served.assert_deletes([archive(uuid(1))])


def test_archive_that_was_accepted_but_not_shown_is_unknown(mount, service, audit_lines):
    """200 without the connector, and no GET that tells: it did not fail for sure."""
    served = service(connector(1), tcp=True)
    served.answer_delete(instead(Answer(200), applied=True))
    served.answer("GET", ONE, instead(Answer.error(403)), times=1)
    m = mount(served, ttl=NEVER, audit=audit_lines.file)
    m.expect("403")
    with fails_with(errno.EACCES):
        os.rmdir(m / uuid(1))
    assert audit_lines.one("outcome")["result"] == "unknown"
    eventually(lambda: audit_lines.of("resolved"), "what became of it")
    assert audit_lines.one("resolved")["result"] == "archived"
    assert m.archived() == [uuid(1)]
    eventually(lambda: served.faults() == ["instead"] * 2)
    served.assert_deletes([archive(uuid(1))])


@pytest.mark.parametrize("act", ACTS)
def test_nothing_is_sent_once_who_asked_has_gone(mount, service, audit_lines, act):
    """The connection that it waited for comes later: the DELETE was not sent, and is not."""
    served = service(connector(1), tcp=True)
    m = mount(served, ttl=NEVER, audit=audit_lines.file)
    served.let_wait()
    asking = ask(m, act)
    eventually(served.somebody_connects, "a connection that is waited for")
    interrupt(asking)
    served.accept_again()
    outcome = outcome_of(audit_lines)
    assert (outcome["result"], outcome["requests"]) == ("failed", 0)
    assert "before it was sent" in outcome["reason"]
    with fails_with(errno.ENOENT):
        os.stat(m / uuid(9))  # by a new connection, as the DELETE would have been
    assert served.gets(uuid(9)) == 1
    served.assert_deletes([])
