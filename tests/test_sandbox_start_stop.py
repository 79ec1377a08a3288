"""How bigdatafs-sandbox starts, refuses to start, and ends."""

import contextlib
import os
import re
import signal
import sqlite3
import stat

import pytest

from harness.sandbox_alone import HANG, Sandbox, directory, run, start


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_signals_end_it_cleanly(start, directory, number):
    s = start("--seed", 3)
    assert stat.S_IMODE((directory / "socket").stat().st_mode) == 0o600
    assert len(s.list()) == 3
    assert s.end(number) == 0
    assert list(directory.iterdir()) == []


def test_lifeline(start, directory):
    (directory / "run").mkdir()
    reader, writer = os.pipe()
    s = start("--lifeline", reader, "--listen", f"unix:{directory}/run/socket", pass_fds=[reader])
    os.close(reader)
    os.write(writer, b"still here")
    assert s.list() == []
    assert s.process.poll() is None
    os.close(writer)
    assert s.process.wait(HANG) == 0
    assert not (directory / "run").exists()


def test_lifeline_leaves_a_directory_that_is_in_use(start, directory):
    (directory / "run").mkdir()
    (directory / "run/file").touch()
    reader, writer = os.pipe()
    s = start("--lifeline", reader, "--listen", f"unix:{directory}/run/socket", pass_fds=[reader])
    os.close(reader)
    os.close(writer)
    assert s.process.wait(HANG) == 0
    assert [p.name for p in (directory / "run").iterdir()] == ["file"]


def test_a_dead_socket_is_replaced(start, directory):
    start().end(signal.SIGKILL)
    assert (directory / "socket").exists()
    assert start("--seed", 2).list()


def test_a_live_socket_is_left_alone(start, directory):
    s = start("--seed", 2)
    ended = run("--listen", f"unix:{directory}/socket")
    assert (ended.returncode, ended.stdout) == (1, "") and "answers" in ended.stderr
    assert len(s.list()) == 2
    assert len(Sandbox(s.process, s.address).list()) == 2


def test_a_file_at_the_socket_s_path_is_left_alone(directory):
    (directory / "file").write_text("mine")
    ended = run("--listen", f"unix:{directory}/file")
    assert ended.returncode == 1 and "no socket" in ended.stderr
    assert (directory / "file").read_text() == "mine"


def test_a_successor_s_socket_is_left_alone(start, directory):
    first = start()
    (directory / "socket").unlink()
    second = start("--seed", 2)
    assert first.end() == 0
    assert len(Sandbox(second.process, second.address).list()) == 2


def test_a_database_has_one_user(start, tmp_path):
    start("--db", tmp_path / "db")
    ended = run("--db", tmp_path / "db")
    assert (ended.returncode, ended.stdout) == (1, "") and "locked" in ended.stderr


def test_a_foreign_database_is_refused(tmp_path):
    with contextlib.closing(sqlite3.connect(tmp_path / "db")) as c:
        c.execute("CREATE TABLE mine(x)")
    ended = run("--db", tmp_path / "db", "--seed", 3)
    assert ended.returncode == 1 and "another program" in ended.stderr
    with contextlib.closing(sqlite3.connect(tmp_path / "db")) as c:
        assert c.execute("SELECT name FROM sqlite_master").fetchall() == [("mine",)]


@pytest.mark.parametrize("options", [
    ["--listen", "0.0.0.0:80"], ["--listen", "[::]:80"], ["--listen", "example.com:80"], ["--listen", "127.0.0.1"],
    ["--listen", "127.0.0.1:"], ["--listen", "127.0.0.1:65536"], ["--listen", "127.0.0.1:-1"], ["--listen", "unix:"],
    ["--listen", "unix:/" + "x" * 200], ["--seed", "x"], ["--seed", "-1"], ["--seed", ""], ["--seed", "1000001"],
    ["--delete-rate", "1.5"], ["--latency", "60001"], ["--latency", "99999999999999999999"], ["--lifeline", "987"],
    ["--lifeline", "x"], ["--seed"], ["--unknown"], ["argument"]])
def test_bad_usage(options):
    ended = run(*options)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.count("\n") == 1


@pytest.mark.parametrize("options", [["--db", "/nonexistent/db"], ["--access-log", "/nonexistent/log"],
                                     ["--listen", "unix:/nonexistent/socket"]])
def test_cannot_start(options):
    ended = run(*options)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.count("\n") == 1


def test_help_and_version():
    for option in ("-h", "--help"):
        ended = run(option)
        assert ended.returncode == 0 and ended.stderr == ""
        for name in ("listen", "db", "seed", "api-key-file", "delete-rate", "latency", "access-log", "lifeline"):
            assert f"--{name}" in ended.stdout
    for option in ("-V", "--version"):
        assert re.fullmatch(r"bigdatafs-sandbox \d+\.\d+\.\d+\n", run(option).stdout)
