"""How old what one sees may be, and what may be asked for to know it."""

import errno
import os
import subprocess

import pytest

from harness import archive, connector, eventually, fails_with, in_background, uuid

NEVER = 300  # a ttl that no test outlives


def test_change_is_seen_after_ttl(mount, sandbox):
    served = sandbox(seed=2)
    first, second = served.ids()
    m = mount(served, ttl=1)
    before = m.read(f"{second}/label")
    served.client.put(first, label="another")
    eventually(lambda: m.read(f"{first}/label") == b"another\n")
    assert m.read(f"{second}/label") == before
    served.assert_deletes([])


def test_arrival_archive_and_end_are_seen_after_ttl(mount, sandbox):
    served = sandbox(seed=2, delete_rate=0)
    gone, away = served.ids()
    m = mount(served, ttl=1)
    new = served.client.create()["connector_id"]
    eventually(lambda: m.active() == sorted([gone, away, new]))
    served.client.archive(away)
    eventually(lambda: m.active() == sorted([gone, new]) and m.archived() == [away])
    served.client.hard_delete(gone)
    eventually(lambda: m.active() == [new])
    with pytest.raises(FileNotFoundError):
        os.stat(m / gone / "label")
    served.assert_deletes([])


def test_nothing_is_fetched_while_nobody_looks(mount, service):
    served = service(connector(1))
    m = mount(served, ttl=1)
    assert served.lists() == 1
    assert not served.await_requests(lambda r: True, count=2, deadline=3.5)
    assert m.active() == [uuid(1)]
    served.await_lists(2)
    served.assert_deletes([])


def test_nothing_is_fetched_within_ttl(mount, service):
    served = service(connector(1))
    m = mount(served, ttl=NEVER)
    for _ in range(100):
        assert m.active() == [uuid(1)] and m.archived() == []
        assert m.read(f"{uuid(1)}/label") == b"Connector 1\n"
    assert len(served.requests()) == 1
    served.assert_deletes([])


def test_all_who_wait_share_one_list(mount, service):
    served = service(connector(1))
    m = mount(served, ttl=3)
    label = m / uuid(1) / "label"
    assert not served.await_requests(lambda r: True, count=2, deadline=3.5)  # ttl passes
    served.hold("GET")
    readers = [in_background(label.read_bytes) for _ in range(8)]
    served.await_lists(2)
    assert not any(outcome for _, outcome in readers)
    served.release()
    for thread, _ in readers:
        thread.join(30)
    assert [outcome for _, outcome in readers] == [[0]] * 8
    assert served.lists() == 2
    served.assert_deletes([])


def test_all_who_ask_for_the_same_unknown_id_share_one_request(mount, service):
    served = service(connector(1))
    m = mount(served, ttl=NEVER)
    served.hold("GET")
    askers = [subprocess.Popen(["test", "-e", m / uuid(9)]) for _ in range(8)]
    assert served.await_requests(lambda r: r.id == uuid(9))
    served.release()
    assert [a.wait(timeout=30) for a in askers] == [1] * 8
    assert served.gets(uuid(9)) == 1
    served.assert_deletes([])


@pytest.mark.parametrize("directory", [".", ".archived"])
def test_unknown_id_is_asked_for_once(mount, service, directory):
    served = service(connector(1))
    m = mount(served, ttl=NEVER)
    for _ in range(3):
        with pytest.raises(FileNotFoundError):
            os.stat(m / directory / uuid(9))
    assert served.gets(uuid(9)) == 1 and len(served.requests()) == 2
    served.assert_deletes([])


@pytest.mark.parametrize("archived", [False, True])
def test_unknown_id_that_exists_is_there_at_once(mount, service, archived):
    served = service(connector(1))
    m = mount(served, ttl=NEVER)
    served.serve(connector(1), connector(2, archived=archived))
    home, other = (m / ".archived", m.path) if archived else (m.path, m / ".archived")
    assert (home / uuid(2) / "label").read_bytes() == b"Connector 2\n"
    assert uuid(2) in os.listdir(home) and uuid(2) not in os.listdir(other)
    assert served.lists() == 1 and served.gets(uuid(2)) == 1
    served.assert_deletes([])


@pytest.mark.parametrize("name", ["x", "connector.json", uuid(1) + "x", uuid(1)[:-1], ".git"])
def test_other_unknown_names_are_not_asked_for(mount, service, name):
    served = service(connector(1))
    m = mount(served, ttl=NEVER)
    with pytest.raises(FileNotFoundError):
        os.stat(m / name)
    assert len(served.requests()) == 1
    served.assert_deletes([])


def test_known_id_in_the_other_directory_is_not_asked_for(mount, service):
    served = service(connector(1), connector(2, archived=True))
    m = mount(served, ttl=NEVER)
    assert not os.path.exists(m / uuid(2)) and not os.path.exists(m / ".archived" / uuid(1))
    assert len(served.requests()) == 1
    served.assert_deletes([])


def test_own_change_is_seen_at_once(mount, service):
    served = service(connector(1), connector(2))
    m = mount(served, ttl=NEVER)
    assert m.active() == [uuid(1), uuid(2)] and m.archived() == []
    os.rmdir(m / uuid(1))
    assert m.active() == [uuid(2)] and m.archived() == [uuid(1)]
    assert m.read(f".archived/{uuid(1)}/archived") == b"true\n"
    served.assert_deletes([archive(uuid(1))])


def test_open_file_keeps_its_content(mount, service):
    served = service(connector(1, label="short"))
    m = mount(served, ttl=1)
    path = m / uuid(1) / "label"
    with open(path, "rb", buffering=0) as old:
        served.serve(connector(1, label="a longer label than before",
                               updated_at="2026-05-01T00:00:00Z"))
        eventually(lambda: path.read_bytes() == b"a longer label than before\n")
        assert os.fstat(old.fileno()).st_size == len(b"short\n")
        assert old.read() == b"short\n"
    assert os.stat(path).st_size == len(b"a longer label than before\n")
    served.assert_deletes([])


def test_changed_content_is_another_inode_with_the_same_time(mount, service):
    served = service(connector(1, label="one"))
    m = mount(served, ttl=1)
    path = m / uuid(1) / "label"
    before = os.stat(path)
    kept = os.stat(m / uuid(1) / "type").st_ino
    served.serve(connector(1, label="two"))
    eventually(lambda: path.read_bytes() == b"two\n")
    assert os.stat(path).st_ino != before.st_ino
    assert os.stat(m / uuid(1) / "type").st_ino == kept
    served.assert_deletes([])


def test_member_that_changes_its_shape(mount, service):
    served = service(connector(1, new="text"))
    m = mount(served, ttl=1)
    path = m / uuid(1) / "new"
    assert path.read_bytes() == b"text\n"
    served.serve(connector(1, new={"in": 1}))
    eventually(path.is_dir)
    assert (path / "in").read_bytes() == b"1\n"
    served.serve(connector(1))
    eventually(lambda: not path.exists())
    served.assert_deletes([])


def test_open_listing_neither_repeats_nor_loses(mount, service):
    old = [connector(n) for n in range(3000)]
    served = service(*old)
    m = mount(served, ttl=1)
    with os.scandir(m.path) as listing:
        seen = [next(listing).name for _ in range(10)]
        served.serve(*old[1000:], *(connector(n) for n in range(5000, 6000)))
        eventually(lambda: len(m.active()) == 3000 and uuid(5000) in m.active())
        seen += [entry.name for entry in listing]
    assert len(seen) == len(set(seen))
    assert {uuid(n) for n in range(1000, 3000)} <= set(seen)
    served.assert_deletes([])


def test_directory_of_a_connector_that_went_away(mount, service):
    served = service(connector(1), connector(2))
    m = mount(served, ttl=1)
    inside = os.open(m / uuid(1), os.O_RDONLY | os.O_DIRECTORY)
    try:
        served.serve(connector(2))
        eventually(lambda: m.active() == [uuid(2)])
        with fails_with(errno.ENOENT, errno.ESTALE):
            os.stat("label", dir_fd=inside)
    finally:
        os.close(inside)
    served.assert_deletes([])


def test_a_version_that_cannot_be_shown_does_not_leave_the_old_one(mount, service):
    served = service(connector(1), connector(2))
    m = mount(served, ttl=NEVER)
    assert m.read(f"{uuid(1)}/label") == b"Connector 1\n"
    served.serve(connector(1, **{f"x{n}": 1 for n in range(70000)}), connector(2))
    m.expect("the new files of .* cannot be shown: File too large")
    (m / ".bigdatafs/refresh").write_text("1")

    def error():
        try:
            return m.read(f"{uuid(1)}/label") and None
        except OSError as failure:
            return failure.errno

    assert eventually(error) == errno.EFBIG
    assert m.read(f"{uuid(2)}/label") == b"Connector 2\n"
    served.serve(connector(1, label="small again"), connector(2))
    (m / ".bigdatafs/refresh").write_text("1")
    eventually(lambda: not error())
    assert m.read(f"{uuid(1)}/label") == b"small again\n"
    served.assert_deletes([])
