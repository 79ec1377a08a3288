"""The API key: renewed when it changes or is refused, and in nothing that the program writes."""

import errno
import os
import resource
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

import pytest

from harness import (Answer, archive, connector, eventually, fails_with, hard, in_background,
                     uuid, write)
from harness.audit import AuditLog
from harness.faults import ACTS, cut, instead
from harness.ledger import LIST_PATH
from harness.system import BIGDATAFS, run

NEVER = 300
NEW = "another-key-0123456789"


@pytest.fixture
def audit_lines(tmp_path):
    return AuditLog(tmp_path / "audit.jsonl")


def replace(file, key):
    """As one replaces a key: whole, under the old name."""
    other = file.with_name("key.new")
    other.write_text(key + "\n")
    other.chmod(0o600)
    other.rename(file)


def keys(served, method=None):
    return [r.key for r in served.requests() if method in (None, r.method)]


@pytest.mark.parametrize("act", ACTS)
def test_new_key_of_a_changed_file_is_used(mount, service, act):
    do, sent = ACTS[act]
    served = service(connector(1), tcp=True)
    old = served.key
    m = mount(served, ttl=NEVER)
    replace(served.key_file, NEW)
    served.key = NEW
    do(m)
    assert keys(served, "DELETE") == [NEW], "it was never sent with the old one"
    assert keys(served)[0] == old
    served.assert_deletes([sent])


def test_key_file_written_in_place(mount, service):
    served = service(connector(1), tcp=True)
    m = mount(served, ttl=NEVER)
    served.key_file.write_text(NEW)
    served.key = NEW
    os.rmdir(m / uuid(1))
    assert keys(served, "DELETE") == [NEW]
    served.assert_deletes([archive(uuid(1))])


@pytest.mark.parametrize("act", ACTS)
def test_401_has_the_key_read_again_and_the_request_resent_once(mount, service, act):
    """The file changes while the request is under way: only the refusal can tell."""
    do, sent = ACTS[act]
    served = service(connector(1), tcp=True)
    old = served.key
    m = mount(served, ttl=NEVER, timeout=20)
    served.hold("DELETE")
    thread, outcome = in_background(do, m)
    served.await_deletes(1)
    replace(served.key_file, NEW)
    served.key = NEW
    served.release()
    thread.join()
    assert outcome == [0]
    assert keys(served, "DELETE") == [old, NEW]
    served.assert_deletes([sent] * 2)


@pytest.mark.parametrize("act", ACTS)
def test_401_twice_is_the_end(mount, service, act):
    do, sent = ACTS[act]
    served = service(connector(1), tcp=True)
    old = served.key
    m = mount(served, ttl=NEVER, timeout=20)
    m.expect("401")
    served.hold("DELETE")
    thread, outcome = in_background(do, m)
    served.await_deletes(1)
    replace(served.key_file, NEW)
    served.key = "a-third-one"
    served.release()
    thread.join()
    assert outcome == [errno.EACCES]
    assert keys(served, "DELETE") == [old, NEW]
    assert m.active() == [uuid(1)]
    served.assert_deletes([sent] * 2)


def test_401_of_several_at_once(mount, service):
    """All were sent with the old key, so all are sent again with the new one."""
    served = service(*[connector(n) for n in range(1, 5)], tcp=True)
    m = mount(served, ttl=NEVER, timeout=20)
    m.allow("401")
    served.hold("DELETE")
    acts = [in_background(write, m / uuid(n) / ".force_delete", b"1") for n in range(1, 5)]
    served.await_deletes(4)
    replace(served.key_file, NEW)
    served.key = NEW
    served.release()
    for thread, _ in acts:
        thread.join()
    assert [outcome for _, outcome in acts] == [[0]] * 4
    served.assert_deletes([hard(uuid(n)) for n in range(1, 5) for _ in range(2)], any_order=True)


@pytest.mark.parametrize("bad", ["gone", "readable by others", "empty", "two words"])
def test_key_file_that_cannot_be_used_leaves_the_old_key(mount, service, bad):
    served = service(connector(1), tcp=True)
    m = mount(served, ttl=NEVER)
    m.expect({"gone": "No such file", "readable by others": "chmod 600", "empty": "empty",
              "two words": "holds spaces"}[bad])
    if bad == "gone":
        served.key_file.unlink()
    elif bad == "readable by others":
        served.key_file.write_text("a-leaked-key")
        served.key_file.chmod(0o644)
    else:
        served.key_file.write_text({"empty": "", "two words": "two words"}[bad])
    os.rmdir(m / uuid(1))
    assert keys(served, "DELETE") == ["service-test-key"]
    served.assert_deletes([archive(uuid(1))])


# Its file system hangs


@pytest.fixture
def hanging(mount, service):
    """A mount whose key file is in another mount, and what makes that one hang: the file changes,
    so that the kernel has to ask for it, and its program is stopped."""
    served = service(connector(1), connector(2), connector(3), tcp=True)
    keeper = service(connector(9, label=served.key))
    keys_mount = mount(keeper, ttl=NEVER, umask="077")
    m = mount(served, ttl=NEVER, api_key_file=keys_mount / uuid(9) / "label")

    def hang():
        keeper.serve(connector(9, label=NEW))
        keys_mount.signal(signal.SIGHUP)
        eventually(lambda: NEW in keys_mount.read(f"{uuid(9)}/connector.json").decode())
        keys_mount.await_quiet()
        keys_mount.signal(signal.SIGSTOP)

    yield served, m, hang, lambda: keys_mount.signal(signal.SIGCONT)
    keys_mount.signal(signal.SIGCONT)
    keeper.assert_deletes([])


def test_key_file_that_hangs_leaves_the_last_key(hanging):
    served, m, hang, go_on = hanging
    old = served.key
    m.expect("the API key file does not answer")
    assert (m / uuid(2) / "label").read_text()  # rmdir locks the root: the name is known before
    hang()
    thread, outcome = in_background(os.rmdir, m / uuid(1))
    assert (m / uuid(2) / "connector.json").read_text()
    thread.join()
    assert outcome == [0]
    os.rmdir(m / uuid(2))
    assert keys(served, "DELETE") == [old, old]
    go_on()
    served.key = NEW
    m.allow("401")
    unknown = iter(range(100, 10000))

    def new_key_is_used():
        with fails_with(errno.ENOENT, errno.EACCES):
            os.stat(m / uuid(next(unknown)))
        return keys(served)[-1] == NEW

    eventually(new_key_is_used)
    os.rmdir(m / uuid(3))
    assert keys(served, "DELETE") == [old, old, NEW]
    served.assert_deletes([archive(uuid(n)) for n in (1, 2, 3)])


@pytest.mark.skipif(b"__asan_" in BIGDATAFS.read_bytes(),
                    reason="its leak check waits for the thread that hangs")
def test_key_file_that_hangs_does_not_hold_up_the_end(hanging):
    served, m, hang, _ = hanging
    m.expect("the API key file does not answer")
    hang()
    os.rmdir(m / uuid(1))
    m.signal(signal.SIGTERM)
    assert m.await_end() == 0 and not m.is_mounted()
    served.assert_deletes([archive(uuid(1))])


# It is in nothing that the program writes


def everything_under(directory):
    """The bytes of all files, and all names, of a tree."""
    for where, directories, files in os.walk(directory):
        for name in [*directories, *files]:
            path = os.path.join(where, name)
            yield name.encode()
            if os.path.islink(path):
                yield os.fsencode(os.readlink(path))
        for name in files:
            try:
                with open(os.path.join(where, name), "rb") as file:
                    yield file.read()
            except OSError:
                pass  # a file that cannot be read shows nothing


@pytest.mark.parametrize("source", ["file", "environment"])
def test_key_is_in_nothing_that_is_written(mount, service, audit_lines, world, source):
    served = service(connector(1), connector(2), connector(3), connector(4), tcp=True)
    secret = served.key
    given = ({"api_key_file": None, "env": {"BIGDATA_API_KEY": secret}}
             if source == "environment" else {})
    m = mount(served, "-d", ttl=NEVER, timeout=2, audit=audit_lines.file, **given)
    m.expect("401")
    m.expect("403")
    m.allow(".")
    served.answer_delete(cut("before any byte"), times=1)
    os.rmdir(m / uuid(1))
    ACTS["hard"][0](m / ".archived")
    for status in (401, 403):
        served.answer_delete(instead(Answer.error(status)), times=1)
        with fails_with(errno.EACCES):
            os.rmdir(m / uuid(2))
    served.answer("GET", f"{LIST_PATH}.*", Answer.error(401))
    m.signal(signal.SIGHUP)
    eventually(lambda: "could not be fetched" in m.log())
    with fails_with(errno.EACCES):
        os.stat(m / uuid(9))
    found = b"\n".join(everything_under(m.path))
    assert b"Connector 3" in found, "the tree was read"
    assert "resending" in m.log() and len(audit_lines.lines()) >= 8
    assert secret.encode() not in found
    assert secret not in m.log() and secret not in audit_lines.file.read_text()
    for name in ("cmdline", "environ"):
        with open(f"/proc/{m.pid}/{name}", "rb") as file:
            assert secret.encode() not in file.read(), name
    for text in everything_under(world.directory / "home"):
        assert secret.encode() not in text
    eventually(lambda: served.faults() == ["cut", "instead", "instead"])
    served.assert_deletes([archive(uuid(1)), archive(uuid(1)), hard(uuid(1)),
                           archive(uuid(2)), archive(uuid(2))])


@pytest.mark.parametrize("status", [403, 401])
def test_key_that_the_service_repeats_is_not_passed_on(mount, service, audit_lines, status):
    """Some gateways put the key that they refuse into their message."""
    served = service(connector(1), tcp=True)
    repeated = Answer.error(status, f"the key {served.key} may not do that")
    served.answer_delete(instead(repeated))
    served.answer("GET", f"{LIST_PATH}/.+", instead(repeated))
    m = mount(served, "-d", ttl=NEVER, timeout=2, audit=audit_lines.file)
    m.expect(str(status))
    with fails_with(errno.EACCES):
        os.rmdir(m / uuid(1))
    with fails_with(errno.EACCES):
        os.stat(m / uuid(9))
    eventually(lambda: set(served.faults()) == {"instead"})
    assert served.key not in audit_lines.file.read_text()
    assert served.key not in m.log()
    served.assert_deletes([archive(uuid(1))])


# Core files


def dumps_core(pid):
    """Whether the kernel wrote a core file for a process that crashes."""
    os.kill(pid, signal.SIGABRT)
    status = os.waitpid(pid, 0)[1]
    assert os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGABRT
    return os.WCOREDUMP(status)


@pytest.fixture
def cores(tmp_path):
    """Crashes leave core files: another program's does."""
    soft, hard = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
    other = subprocess.Popen(["sleep", "60"], cwd=tmp_path)
    dumped = dumps_core(other.pid)
    other.returncode = -signal.SIGABRT
    if not dumped:
        pytest.skip("this machine writes no core files")
    yield
    resource.setrlimit(resource.RLIMIT_CORE, (soft, hard))


def test_key_is_in_no_core_file(cores, mount, service):
    served = service(connector(1), tcp=True)
    m = mount(served, ttl=NEVER)
    assert not dumps_core(m.pid)
    m.status = m.wanted_status = m.process.returncode = -signal.SIGABRT
    run("fusermount3", "-u", "-z", m.path)
    served.assert_deletes([])


@pytest.mark.skipif(b"libasan" in BIGDATAFS.read_bytes(), reason="its leak check attaches to it")
def test_only_root_may_look_into_the_process(service, world):
    """Core files that are piped to a program know no limit; like ptrace(2), they are for processes
    that their user may look into, and whose files in /proc are then that user's."""
    nobody = 65534
    served = service(connector(1), tcp=True)
    served.hold("GET")  # it gets as far as having sent the key
    with tempfile.TemporaryDirectory() as directory:
        os.chown(directory, nobody, nobody)
        program = shutil.copy(BIGDATAFS, directory)
        process = subprocess.Popen(
            ["setpriv", f"--reuid={nobody}", f"--regid={nobody}", "--clear-groups", program,
             served.source, directory, "-f"], env={**world.env, "BIGDATA_API_KEY": served.key},
            stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            served.await_lists(1)
            assert f"Uid:\t{nobody}" in Path(f"/proc/{process.pid}/status").read_text()
            assert os.stat(f"/proc/{process.pid}/environ").st_uid == 0
        finally:
            process.kill()
            process.wait()
    served.assert_deletes([])
