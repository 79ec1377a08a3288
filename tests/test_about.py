"""The directory .bigdatafs: what the mount says of itself."""

import errno
import os
import re

import pytest

from harness import Answer, archive, connector, eventually, fails_with, hard, uuid

NEVER = 300
REPORTS = ["errors", "jobs", "metrics", "status"]
CONTROLS = ["archive", "force_delete", "refresh"]


def test_listing_and_modes(mount, service):
    served = service(connector(1))
    m = mount(served, ttl=NEVER)
    assert sorted(os.listdir(m / ".bigdatafs")) == sorted([*REPORTS, *CONTROLS])
    for name in REPORTS:
        status = os.stat(m / ".bigdatafs" / name)
        assert status.st_mode & 0o777 == 0o444
        assert status.st_size == len(m.read(f".bigdatafs/{name}")) or name == "metrics"
    for name in CONTROLS:
        assert os.stat(m / ".bigdatafs" / name).st_mode & 0o777 == 0o600
        assert m.read(f".bigdatafs/{name}") == b""
    with fails_with(errno.ENOENT):
        os.stat(m / ".bigdatafs/nothing")
    with fails_with(errno.EPERM):
        os.unlink(m / ".bigdatafs/status")
    with fails_with(errno.EPERM):
        os.rmdir(m / ".bigdatafs")
    assert served.lists() == 1
    served.assert_deletes([])


def test_status_counts(mount, service):
    served = service(connector(1), connector(2), connector(3, archived=True))
    m = mount(served, ttl=NEVER)
    status = m.read(".bigdatafs/status").decode()
    assert "connectors: 2\n" in status and "archived: 1\n" in status
    assert f"source: {served.source}\n" in status and "list: good\n" in status
    served.assert_deletes([])


def test_refresh_takes_the_list_now(mount, service):
    served = service(connector(1))
    m = mount(served, ttl=NEVER)
    served.serve(connector(2))
    (m / ".bigdatafs/refresh").write_text("1\n")
    assert m.active() == [uuid(2)]
    assert served.lists() == 2
    served.assert_deletes([])


def test_refresh_that_fails_says_so_and_status_too(mount, service):
    served = service(connector(1))
    m = mount(served, ttl=NEVER, timeout=2)
    served.answer_list(Answer.error(401))
    m.expect("list")
    with fails_with(errno.EACCES):
        (m / ".bigdatafs/refresh").write_text("1\n")
    status = m.read(".bigdatafs/status").decode()
    assert "list: stale" in status and "HTTP 401" in status and "hint: " in status
    last = m.lines("errors")[-1]
    assert last["operation"] == "list" and last["status"] == 401 and last["errno"] == "EACCES"
    assert m.active() == [uuid(1)]
    served.assert_deletes([])


def test_errors_say_who_asked_and_what_to_do(mount, service):
    served = service(connector(1))
    m = mount(served, ttl=NEVER)
    served.answer_delete(Answer.error(403))
    m.expect("403")
    assert m.read(".bigdatafs/errors") == b""
    with fails_with(errno.EACCES):
        os.rmdir(m / uuid(1))
    line, = m.lines("errors")
    assert line["operation"] == "archive" and line["id"] == uuid(1)
    assert line["pid"] == os.getpid() and line["uid"] == os.getuid()
    assert line["status"] == 403 and line["errno"] == "EACCES" and line["hint"]
    served.assert_deletes([archive(uuid(1))])


def test_jobs_show_a_hard_delete_until_it_is_over(mount, sandbox):
    served = sandbox(seed=3, delete_rate=1)
    m = mount(served, ttl=NEVER)
    target = m.active()[0]
    assert m.lines("jobs") == []
    (m / target / ".force_delete").write_text("1")
    job, = m.lines("jobs")
    assert job["id"] == target and job["state"] == "deleting"
    assert job["label"] + "\n" == (m / target / "label").read_text()
    served.assert_deletes([hard(target)])


SAMPLE = re.compile(r"^[a-z_]+ [0-9]+$")


def test_metrics_are_prometheus_text(mount, service):
    served = service(connector(1))
    m = mount(served, ttl=NEVER)
    os.rmdir(m / uuid(1))
    text = m.read(".bigdatafs/metrics").decode()
    kinds, values = {}, {}
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split()
            assert kind in ("counter", "gauge") and name not in kinds
            kinds[name] = kind
        elif not line.startswith("# HELP "):
            assert SAMPLE.match(line), line
            name, value = line.split()
            values[name] = int(value)
    assert set(kinds) == set(values)
    assert all(name.endswith("_total") == (kinds[name] == "counter") for name in kinds)
    assert values["bigdatafs_archives_total"] == 1
    assert values["bigdatafs_connectors_archived"] == 1
    served.assert_deletes([archive(uuid(1))])


@pytest.mark.parametrize("name", REPORTS)
def test_an_open_report_keeps_its_content(mount, service, name):
    served = service(connector(1), connector(2))
    m = mount(served, ttl=NEVER)
    with open(m / ".bigdatafs" / name, "rb") as report:
        size = os.fstat(report.fileno()).st_size
        os.rmdir(m / uuid(1))
        assert len(report.read()) == size
    served.assert_deletes([archive(uuid(1))])


@pytest.mark.parametrize("silent", [False, True])
def test_reports_are_there_without_any_list(mount, service, silent):
    """They say why nothing else is."""
    served = service(connector(1))
    if silent:
        served.hold("GET")
    else:
        served.answer_list(Answer.error(403))
    m = mount(served, ttl=NEVER, timeout=1, nofail=True)
    m.expect("could not be fetched")
    why, number = ("no answer", errno.ETIMEDOUT) if silent else ("HTTP 403", errno.EACCES)
    error, *_ = m.lines("errors")
    assert error["operation"] == "list" and error["hint"]
    status = m.read(".bigdatafs/status").decode()
    assert "list: none" in status and why in status and "hint: " in status
    assert m.read(".bigdatafs/jobs") == b""
    assert b"\nbigdatafs_list_age_seconds 0\n" in m.read(".bigdatafs/metrics")
    with fails_with(number):
        os.listdir(m.path)
    with fails_with(number):
        os.stat(m / uuid(1))
    with fails_with(errno.ENOENT):
        os.stat(m / "no-id")
    served.release()
    served.assert_deletes([])


def test_reports_never_wait_for_the_service(mount, service):
    served = service(connector(1))
    m = mount(served, ttl=1, timeout=20)
    m.allow("list|asked")
    served.hold("GET")
    eventually(lambda: "list age: 0 s" not in m.read(".bigdatafs/status").decode())
    for name in REPORTS:
        m.read(f".bigdatafs/{name}")
    os.statvfs(m.path)
    os.stat(m.path)
    assert served.lists() <= 2
    served.release()
    served.assert_deletes([])
