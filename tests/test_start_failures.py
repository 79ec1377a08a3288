"""Every start that fails ends with status 1, says why in a sentence, and leaves nothing behind.

System calls are made to fail by strace; each test sees in its log that the fault fired."""

import os
import re
import signal
import subprocess

import pytest

from harness import system


@pytest.fixture
def point(tmp_path):
    path = tmp_path / "point"
    path.mkdir()
    return path


def run_with_fault(tmp_path, fault, *arguments, key=None):
    """bigdatafs run to its end under a fault: its result, and how often the fault fired. A sandbox,
    which has no key, is left alone by it."""
    log = tmp_path / "strace.log"
    env = dict(os.environ, XDG_STATE_HOME=str(tmp_path), ASAN_OPTIONS="detect_leaks=0")
    if key is not None:
        env["BIGDATA_API_KEY"] = key
    follow = ["-f"] if key is not None else []
    command = ["strace", *follow, "-qq", "-o", log, "-e", f"inject={fault}", system.BIGDATAFS,
               *arguments]
    done = subprocess.run(command, env=env, stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=60)
    return done, log.read_text().count("(INJECTED)")


def assert_one_sentence(done, fired, point, *words):
    assert fired > 0, "the fault never fired"
    assert done.returncode == 1, done
    lines = done.stderr.splitlines()
    assert len(lines) == 1 and lines[0].startswith("bigdatafs: "), done.stderr
    for word in words:
        assert word in lines[0]
    assert str(point) not in system.mounts()


@pytest.mark.parametrize("when", range(1, 5))
def test_what_cannot_be_watched_is_said(point, tmp_path, service, when):
    """The loop's own timer, the signals, and the wake-ups of the two helper threads."""
    served = service()
    done, fired = run_with_fault(tmp_path, f"epoll_ctl:error=ENOSPC:when={when}", "-f",
                                 served.source, point, key=served.key)
    assert_one_sentence(done, fired, point, "No space left on device")
    served.assert_deletes([])


def test_a_sandbox_that_cannot_be_heard_is_said(point, tmp_path):
    """The third that the loop watches is what the sandbox says."""
    done, fired = run_with_fault(tmp_path, "epoll_ctl:error=ENOSPC:when=3", "-f",
                                 "--sandbox", point)
    assert_one_sentence(done, fired, point, "sandbox", "No space left on device")


@pytest.mark.parametrize("call, words", [
    ("epoll_create1:error=EMFILE:when=1", "Too many open files"),
    ("timerfd_create:error=EMFILE:when=1", "Too many open files"),
    ("signalfd4:error=EMFILE:when=1", "Too many open files"),
    ("eventfd2:error=EMFILE:when=1", "Too many open files"),
])
def test_what_cannot_be_had_is_said(point, tmp_path, service, call, words):
    served = service()
    done, fired = run_with_fault(tmp_path, call, "-f", served.source, point,
                                 key=served.key)
    assert_one_sentence(done, fired, point, words)
    served.assert_deletes([])


@pytest.mark.parametrize("call, words", [
    ("pipe2:error=EMFILE:when=1", "Too many open files"),
    ("mkdir:error=ENOSPC:when=1", "No space left on device"),
])
def test_no_room_for_a_sandbox_is_said(point, tmp_path, call, words):
    done, fired = run_with_fault(tmp_path, call, "-f", "--sandbox", point)
    assert_one_sentence(done, fired, point, "sandbox", words)


@pytest.mark.parametrize("call, words", [
    ("chdir:error=EACCES:when=1", "cannot go to the background: Permission denied"),
    ("dup2:error=EBUSY:when=1", "cannot go to the background: Device or resource busy"),
])
def test_no_way_to_the_background_is_said(point, tmp_path, service, call, words):
    served = service()
    done, fired = run_with_fault(tmp_path, call, served.source, point, key=served.key)
    assert_one_sentence(done, fired, point, words)
    served.assert_deletes([])


def test_no_new_process_is_said(point, tmp_path, service):
    served = service()
    done, fired = run_with_fault(tmp_path, "clone:error=EAGAIN:when=1", served.source,
                                 point, key=served.key)
    assert_one_sentence(done, fired, point, "cannot go to the background", "try -f")
    served.assert_deletes([])


def children(pid):
    path = f"/proc/{pid}/task/{pid}/children"
    with open(path) as file:
        return [int(child) for child in file.read().split()]


def test_a_start_that_is_killed_is_said(point, tmp_path, service):
    served = service()
    served.hold("GET")
    env = dict(os.environ, BIGDATA_API_KEY=served.key, XDG_STATE_HOME=str(tmp_path))
    starting = subprocess.Popen([system.BIGDATAFS, served.source, point], env=env,
                                stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    served.await_lists(1)
    (child,) = children(starting.pid)
    os.kill(child, signal.SIGKILL)
    served.release()
    _, said = starting.communicate(timeout=60)
    assert starting.returncode == 1
    assert re.fullmatch(r"bigdatafs: killed by signal 9 \(Killed\) before .*\n", said)
    served.assert_deletes([])
