"""bigdatafs-sandbox's hard deletes, which take their time and survive its end."""

import contextlib
import signal
import sqlite3

import pytest

from harness.sandbox_alone import LIST, assert_error, directory, most_files, sandbox, start


@pytest.mark.parametrize("value", ["true", "True", "1", "%74rue"])
def test_hard_delete(start, value):
    s = start("--seed", 20, "--delete-rate", 0)
    victim, *others = s.list()
    id = victim["connector_id"]
    answer = s.request("DELETE", f"{LIST}/{id}?force_delete={value}")
    assert (answer.status, answer.json) == (202, {"connector_id": id, "status": "deleting"})
    assert_error(s.wait_for(id, lambda a: a.status != 200), 404, "CONNECTOR_NOT_FOUND")
    assert_error(s.force_delete(id), 404, "CONNECTOR_NOT_FOUND")
    assert s.list() == others


@pytest.mark.parametrize("query", ["force_delete=", "force_delete", "force_delete=yes", "force_delete=TRUE",
                                   "force_delete=0", "force_delete=true&force_delete=true", "force_delete=%zz",
                                   "force_delete=false&force_delete=true", "force_delete=true%00"])
def test_doubtful_force_delete_does_nothing(sandbox, query):
    before = sandbox.list()
    for one in before[:3]:
        answer = sandbox.request("DELETE", f"{LIST}/{one['connector_id']}?{query}")
        assert_error(answer, 400, "INVALID_REQUEST")
    assert sandbox.list() == before


def test_files_count_falls_step_by_step(start):
    s = start("--seed", 20, "--delete-rate", 50)
    victim = most_files(s.list())
    id = victim["connector_id"]
    assert s.force_delete(id).status == 202
    seen = []

    def gone(answer):
        if answer.status == 200:
            assert answer.json == {**victim, "files_count": answer.json["files_count"]}
            seen.append(answer.json["files_count"])
        return answer.status == 404

    s.wait_for(id, gone)
    assert seen == sorted(seen, reverse=True)
    assert len(set(seen)) > 2 and seen[0] <= victim["files_count"]
    assert id not in [c["connector_id"] for c in s.list()]


def test_list_shows_the_falling_count(start):
    s = start("--seed", 20, "--delete-rate", 20)
    victim = most_files(s.list())
    s.force_delete(victim["connector_id"])
    fallen = s.wait_for(victim["connector_id"], lambda a: a.json["files_count"] < victim["files_count"])
    listed = next(c for c in s.list() if c["connector_id"] == victim["connector_id"])
    assert listed["files_count"] <= fallen.json["files_count"]


def test_while_a_hard_delete_goes_on(start):
    s = start("--seed", 20, "--delete-rate", 1)
    victim = most_files(s.list())
    id = victim["connector_id"]
    assert s.force_delete(id).status == 202
    assert s.force_delete(id).status == 202
    assert_error(s.archive(id), 409, "CONNECTOR_DELETING")
    assert_error(s.request("PUT", f"{LIST}/{id}", {"label": "x"}), 409, "CONNECTOR_DELETING")
    now = s.get(id).json
    assert now == {**victim, "files_count": now["files_count"]} and now["files_count"] > 0


def test_hard_deletes_go_on_in_parallel(start):
    s = start("--seed", 2000, "--delete-rate", 400)
    connectors = s.list()
    keep = connectors[::10]
    for one in connectors:
        if one not in keep:
            assert s.force_delete(one["connector_id"]).status == 202
    for one in connectors:
        if one not in keep:
            s.wait_for(one["connector_id"], lambda a: a.status == 404)
    assert s.list() == keep


def test_killed_in_the_middle_goes_on_after_restart(start, tmp_path):
    db = tmp_path / "db"
    first = start("--db", db, "--seed", 20, "--delete-rate", 5)
    before = first.list()
    victim = most_files(before)
    id = victim["connector_id"]
    archived = next(c for c in before if not c["archived"] and c["connector_id"] != id)["connector_id"]
    assert first.archive(archived).status == 200
    assert first.force_delete(id).status == 202
    fallen = first.wait_for(id, lambda a: a.json["files_count"] < victim["files_count"]).json
    assert first.end(signal.SIGKILL) == -signal.SIGKILL

    with contextlib.closing(sqlite3.connect(db)) as c:
        deleting, files = c.execute("SELECT deleting, files_count FROM connectors WHERE id = ?", (id,)).fetchone()
    assert deleting == 1 and 0 < files <= fallen["files_count"]

    second = start("--db", db, "--seed", 20, "--delete-rate", 0)
    second.wait_for(id, lambda a: a.status == 404)
    after = second.list()
    assert [c["connector_id"] for c in after] == [c["connector_id"] for c in before if c["connector_id"] != id]
    assert second.get(archived).json["archived"] is True
    assert second.end() == 0


def test_killed_right_after_the_answer(start, tmp_path):
    first = start("--db", tmp_path / "db", "--seed", 5, "--delete-rate", 1)
    id = most_files(first.list())["connector_id"]
    assert first.force_delete(id).status == 202
    first.end(signal.SIGKILL)
    second = start("--db", tmp_path / "db", "--delete-rate", 0)
    second.wait_for(id, lambda a: a.status == 404)
    assert len(second.list()) == 4
