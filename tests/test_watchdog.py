"""The watchdog of the tests, in runs of pytest of their own."""

import os
import re
import sys
from pathlib import Path

from harness import run, system, watchdog

TESTS = Path(__file__).parent

HANGS = """
import os, signal, subprocess
from pathlib import Path
from harness import eventually

def test_that_hangs(world, sandbox, mount, monkeypatch):
    m = mount(sandbox())
    assert m.active()  # before its first answer a client would wait elsewhere
    m.signal(signal.SIGSTOP)
    os.waitid(os.P_PID, m.pid, os.WSTOPPED | os.WNOWAIT)
    client = subprocess.Popen(["stat", m / "a-name-to-look-up"])
    wchan = Path(f"/proc/{client.pid}/wchan")
    eventually(lambda: wchan.read_text() == "request_wait_answer", "that the client waits")
    monkeypatch.setenv("BIGDATAFS_TEST_LIMIT", "0.01")
    world.watch()
    client.wait()

def test_after_it(sandbox, mount):
    served = sandbox()
    assert mount(served).active()
    served.assert_deletes([])
"""

IS_DEAF = """
import signal

def test_that_is_deaf(world, sandbox, mount):
    mount(sandbox())
    world.watch(limit=0.01, grace=0.01)
    while True:
        try:
            signal.pause()
        except Exception:
            pass
"""


def pytest(directory, text):
    """Runs these tests, with the fixtures of ours."""
    (directory / "test_it.py").write_text(text)
    env = {**os.environ, "PYTHONPATH": str(TESTS), "BIGDATAFS_BUILD": str(system.BUILD),
           "BIGDATAFS_TEST_LIMIT": str(watchdog.limit() / 4)}  # for what hangs otherwise
    done = run(sys.executable, "-B", "-m", "pytest", "-p", "no:cacheprovider", "-p", "conftest",
               "--basetemp", directory / "inner", "test_it.py", cwd=directory, env=env,
               deadline=watchdog.limit())
    print(done.stdout, done.stderr)
    return done


def sections(text):
    """{command name: where its threads stand}."""
    found = re.findall(r"^--- process \d+, (.+)\n((?:(?!---|===).*\n)*)", text, re.M)
    return dict(found)


def test_hang_is_shown_and_ended(tmp_path):
    done = pytest(tmp_path, HANGS)
    assert done.returncode == 1
    assert "Hang: the test took more than 0.01 s" in done.stdout
    assert "1 failed, 1 passed, 1 error" in done.stdout  # the end of what was killed is no clean one
    stand = sections(done.stderr)
    assert "State:\tT (stopped)" in stand["bigdatafs"]
    assert "wchan: request_wait_answer" in stand["stat"]
    assert "thread " in stand["bigdatafs-sandb"]
    assert re.search(r"in wait\n(.*\n)*.* in test_that_hangs\n", done.stderr)  # Python's own


def test_run_ends_when_the_test_does_not(tmp_path):
    done = pytest(tmp_path, IS_DEAF)
    assert done.returncode == watchdog.STATUS
    assert "it has not ended after 0.01 s more: the run ends" in done.stderr
    assert {"bigdatafs", "bigdatafs-sandb"} <= set(sections(done.stderr))
    assert not system.connections(tmp_path)
