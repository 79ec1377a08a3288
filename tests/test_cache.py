"""What the kernel keeps: a warm tree costs no call, a change costs what changed, and what is kept is
one version of each file."""

import errno
import json
import os
import subprocess
import sys

import pytest

from harness import (archive, connector, eventually, fails_with, in_background, run, uuid,
                     write)
from harness.ledger import LIST_PATH

NEVER = 300
TIMES = 5
WALKS = {
    "grep -r": ["grep", "-r", "--exclude-dir=.bigdatafs", "no such word", "."],
    "ls -lR": ["sh", "-c", "ls -lR [0-9a-f]* .archived"],
    "find": ["find", ".", "-path", "./.bigdatafs", "-prune", "-o", "-print"],
    "cat": ["sh", "-c", "cat */* */config/* >/dev/null 2>&1; true"],
}


STATFS = {"grep -r": 1, "find": 1}  # what fts(3) asks, once, and the kernel never keeps


def metric(m, name):
    for line in m.read(".bigdatafs/metrics").decode().splitlines():
        if line.startswith(f"bigdatafs_{name} "):
            return int(line.split()[1])
    raise AssertionError("no such metric")


def calls(m):
    """Requests of the kernel so far, by a metric whose reading costs some itself."""
    return metric(m, "fuse_requests_total")


def cost(m, act):
    """How many requests an act makes the kernel send, those of reading the metric aside."""
    _, second, third = calls(m), calls(m), calls(m)
    act()
    return calls(m) - third - (third - second)


def least(measure):
    """Of some times: the kernel may drop what it keeps at any time, and asks once more then."""
    return min(measure() for _ in range(TIMES))


def walk(m, name="grep -r"):
    done = m.run(*WALKS[name])
    assert done.stderr == "", done.stderr


def warm(m, name="grep -r"):
    """A READ makes the kernel forget the access time, so the second pass asks for attributes."""
    for _ in range(2):
        walk(m, name)


@pytest.mark.parametrize("name", WALKS)
def test_a_warm_walk_costs_no_call(mount, sandbox, name):
    served = sandbox(seed=50)
    m = mount(served, ttl=NEVER)
    assert cost(m, lambda: walk(m, name)) > 50
    warm(m, name)
    assert least(lambda: cost(m, lambda: walk(m, name))) == STATFS.get(name, 0)
    assert served.lists() == 1
    served.assert_deletes([])


@pytest.mark.parametrize("served_by", ["sandbox", "service"], ids=["304", "200"])
def test_after_a_refresh_that_changed_nothing_a_walk_costs_no_call(mount, request, served_by):
    server = request.getfixturevalue(served_by)
    served = server(seed=50) if served_by == "sandbox" else server(*map(connector, range(1, 51)))
    m = mount(served, ttl=NEVER)

    def after_refresh():
        warm(m)
        (m / ".bigdatafs/refresh").write_text("1")
        return cost(m, lambda: walk(m))

    assert least(after_refresh) == STATFS["grep -r"]
    if served_by == "sandbox":  # which has an ETag for its list
        entries = map(json.loads, served.access_log.read_text().splitlines())
        assert [e["status"] for e in entries if e["path"] == LIST_PATH] == [200] + TIMES * [304]
    assert served.lists() == 1 + TIMES
    served.assert_deletes([])


@pytest.mark.parametrize("way", ["rmdir", "bulk"])
def test_what_is_cached_answers_while_a_deletion_waits_for_the_service(mount, service, way):
    served = service(*map(connector, range(1, 11)))
    m = mount(served, ttl=NEVER)
    warm(m)
    served.hold("DELETE")
    act = (os.rmdir, m / uuid(1)) if way == "rmdir" else \
        (write, m / ".bigdatafs/archive", uuid(1).encode())
    thread, outcome = in_background(*act)
    served.await_deletes()
    for n in range(2, 11):
        done = run("cat", m / uuid(n) / "label", m / uuid(n) / "config/email", deadline=20)
        assert done.stdout == f"Connector {n}\nconnector@bigdata.com\n"
        assert run("ls", "-l", m / uuid(n), m / uuid(n) / "config", deadline=20).returncode == 0
    assert m.read(".bigdatafs/status").decode().count("deletions under way: 1") == 1
    assert os.statvfs(m.path).f_files == 10 and not outcome
    served.release()
    thread.join()
    assert outcome == [0]
    served.assert_deletes([archive(uuid(1))])


def test_a_change_costs_what_changed_alone(mount, service):
    labels = {n: f"Connector {n}" for n in range(1, 51)}
    served = service(*map(connector, labels))
    m = mount(served, ttl=NEVER)
    changes = iter(labels)

    def after_change():
        warm(m)
        n = next(changes)
        labels[n] = f"changed {n}"
        served.serve(*(connector(i, label=label) for i, label in labels.items()))
        (m / ".bigdatafs/refresh").write_text("1")
        return cost(m, lambda: walk(m))

    # Its two new files, each looked up and read, its directory listed anew, and a statfs.
    assert least(after_change) == 8
    for n, label in labels.items():
        assert m.read(f"{uuid(n)}/label").decode() == label + "\n"
    served.assert_deletes([])


def test_who_reads_two_files_is_handed_the_others(mount, service):
    served = service(*map(connector, range(1, 31)))
    m = mount(served, ttl=NEVER)
    m.run("ls", "-lR", ".")  # cat(1) below, since Python's open() asks whether it is a terminal
    others = iter(range(1, 31))

    def costs_nothing():
        directory = m / uuid(next(others))
        names = ["user_id", "connector.json", "config/email", "files_count"]
        run("cat", directory / "label", directory / "type")
        return cost(m, lambda: run("cat", *(directory / name for name in names))) == 0

    eventually(costs_nothing, "a connector whose files were in the page cache in time")
    for n in range(1, 31):
        assert json.loads(m.read(f"{uuid(n)}/connector.json")) == connector(n)
    served.assert_deletes([])


READER = """
import json, os, sys
root, ids, rounds = sys.argv[1], sys.argv[3:], int(sys.argv[2])
newest = {i: 0 for i in ids}
for _ in range(rounds):
    for i in ids:
        for name in ("connector.json", "label", "number", "config/list"):
            try:
                fd = os.open(f"{root}/{i}/{name}", os.O_RDONLY)
            except FileNotFoundError:
                continue  # between two versions the name is another file
            size = os.fstat(fd).st_size
            data = b"".join(iter(lambda: os.read(fd, 65536), b""))
            os.close(fd)
            assert len(data) == size, (i, name, size, data)
            text = json.loads(data)["label"] if name == "connector.json" else data.decode()
            words = text.split()
            assert words and len(set(words)) == 1, (i, name, data)
            number = int(words[0])
            assert len(words) == number % 97 + 1, (i, name, data)
print("all right")
"""


def version_of(n, number):
    text = " ".join([str(number)] * (number % 97 + 1))
    return connector(n, label=text, number=text,
                     config={"list": [str(number)] * (number % 97 + 1)})


def test_no_reader_meets_two_versions_in_one(mount, service):
    """Every content tells its version and how long it has to be."""
    count = 8
    ids = [uuid(n) for n in range(1, count + 1)]
    served = service(*(version_of(n, 1) for n in range(1, count + 1)))
    m = mount(served, ttl=NEVER)
    readers = [subprocess.Popen([sys.executable, "-c", READER, m.path, "150", *ids],
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
               for _ in range(4)]
    number = 1
    try:
        while any(reader.poll() is None for reader in readers):
            number += 1
            served.serve(*(version_of(n, number + n) for n in range(1, count + 1)))
            (m / ".bigdatafs/refresh").write_text("1")
            shown = m.read(f"{uuid(1)}/number").decode().split()
            assert shown == [str(number + 1)] * ((number + 1) % 97 + 1), "not seen at once"
    except BaseException:
        for reader in readers:
            reader.kill()
        raise
    for reader in readers:
        output, _ = reader.communicate()
        assert (reader.returncode, output) == (0, "all right\n")
    assert number > 20
    served.assert_deletes([])


TREES_MAX = 8 << 20  # VERSION_TREES_BYTES
BIG = 400  # connectors, of some 35 KB each as files: more than that


def big(n, number=1):
    """Two files that tell whose they are, and connector.json with both."""
    return connector(n, label=f"{n} {number} " * 1200, number=str(number),
                     config={"long": f"{n} long " * 1200})


def read_again(path):
    """A file's bytes as the program has them: what the kernel kept of them is dropped first."""
    fd = os.open(path, os.O_RDONLY)
    try:
        os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
        return b"".join(iter(lambda: os.read(fd, 1 << 16), b""))
    finally:
        os.close(fd)


def check_all(m, number_of):
    """Each file of each connector is right, and was read from the program. Says how many
    connectors' files had to be made for that."""
    before, made = calls(m), metric(m, "trees_made_total")
    for n in range(1, BIG + 1):
        c, directory = big(n, number_of(n)), m / uuid(n)
        assert json.loads(read_again(directory / "connector.json")) == c
        assert read_again(directory / "label") == c["label"].encode() + b"\n"
        assert read_again(directory / "config/long") == c["config"]["long"].encode() + b"\n"
        assert read_again(directory / "number") == f"{number_of(n)}\n".encode()
    assert calls(m) - before >= 4 * BIG
    assert metric(m, "tree_bytes") <= TREES_MAX
    return metric(m, "trees_made_total") - made


def test_more_than_is_held_ready_reads_right(mount, service):
    """The kernel knows every inode, and the program no longer has what is behind most of them."""
    served = service(*map(big, range(1, BIG + 1)))
    m = mount(served, ttl=NEVER)
    for name in WALKS:
        walk(m, name)
        assert metric(m, "tree_bytes") <= TREES_MAX
    assert check_all(m, lambda n: 1) >= BIG // 2
    assert cost(m, lambda: m.run("ls", "-lR", uuid(1), uuid(BIG))) <= 20
    served.assert_deletes([])


def test_what_is_not_held_ready_changes_and_goes(mount, service):
    """What is the same in two versions, and what names went, takes the old one's files to tell."""
    served = service(*map(big, range(1, BIG + 1)))
    m = mount(served, ttl=NEVER)
    walk(m, "ls -lR")
    inode = os.stat(m / uuid(1) / "config/long").st_ino
    walk(m, "cat")  # the first ones' are not held
    config = os.open(m / uuid(7) / "config", os.O_PATH)
    with open(m / uuid(1) / "label", "rb") as label:
        served.serve(*(connector(n, archived=True) if n == 7 else big(n, 2 - n % 2)
                       for n in range(1, BIG + 1)))
        assert os.stat("long", dir_fd=config).st_size == len(big(7)["config"]["long"]) + 1
        (m / ".bigdatafs/refresh").write_text("1")
        with fails_with(errno.ENOENT):
            os.stat("long", dir_fd=config)
        os.close(config)
        served.serve(*(big(n, 2) for n in range(1, BIG + 1)))
        (m / ".bigdatafs/refresh").write_text("1")
        assert label.read() == big(1)["label"].encode() + b"\n"
    assert os.stat(m / uuid(1) / "config/long").st_ino == inode
    assert check_all(m, lambda n: 2) > BIG // 4
    served.assert_deletes([])
