"""What is in the tree: names, contents, attributes; and that ordinary tools like it."""

import errno
import json
import mmap
import os
import re
import stat
from datetime import datetime, timezone

import pytest

from harness import connector, eventually, fails_with, uuid

QUIET = 300  # a ttl that no test outlives


def nanoseconds(text):
    """Of a date as the service writes them, exact where datetime is not."""
    whole, fraction, zone = re.fullmatch(r"([^.]+?)(?:\.(\d+))?(Z|[+-]\d\d:\d\d)", text).groups()
    seconds = int(datetime.fromisoformat(whole + zone.replace("Z", "+00:00")).timestamp())
    return seconds * 10**9 + int((fraction or "0").ljust(9, "0"))


def everything(path):
    """{relative path: lstat} of a tree, its top included as "."."""
    found = {".": os.lstat(path)}
    for directory, directories, files in os.walk(path):
        for name in directories + files:
            full = os.path.join(directory, name)
            found[os.path.relpath(full, path)] = os.lstat(full)
    return found


# The root


def test_root_shows_active_connectors_and_archived_ones_apart(mount, service):
    served = service(connector(1), connector(2, archived=True), connector(3))
    m = mount(served, ttl=QUIET)
    assert m.active() == [uuid(1), uuid(3)]
    assert ".archived" in m.names()
    assert m.archived() == [uuid(2)]
    assert m.read(f".archived/{uuid(2)}/archived") == b"true\n"
    served.assert_deletes([])


def test_star_meets_each_active_connector_once(mount, sandbox):
    served = sandbox(seed=5)
    served.client.archive(served.ids()[0])
    m = mount(served, ttl=QUIET)
    done = m.run("sh", "-c", 'for c in */; do echo "${c%/}"; done')
    assert sorted(done.stdout.split()) == sorted(served.ids())
    served.assert_deletes([])


def test_no_connectors_is_an_empty_root(mount, service):
    served = service()
    m = mount(served, ttl=QUIET)
    assert m.active() == [] and m.archived() == []
    served.assert_deletes([])


@pytest.mark.parametrize("bad", ["not-a-uuid", "..", "", 5, None, ..., uuid(1) + "0",
                                 uuid(1)[:-1] + "/", "019a9612bfad758c884e000000000009"])
def test_connector_without_a_uuid_is_left_out(mount, service, bad):
    served = service(connector(1), connector(2, connector_id=bad), connector(3))
    m = mount(served, ttl=QUIET)
    m.expect("left out")
    assert m.active() == [uuid(1), uuid(3)] and m.archived() == []
    served.assert_deletes([])


def test_duplicate_id_is_left_out(mount, service):
    served = service(connector(1, label="first"), connector(2), connector(1, label="second"))
    m = mount(served, ttl=QUIET)
    m.expect("left out")
    assert m.active() == [uuid(1), uuid(2)]
    assert m.read(f"{uuid(1)}/label") == b"first\n"
    served.assert_deletes([])


# Files of a connector

SHAPES = [
    ('"text"', b"text\n"),
    ('""', b"\n"),
    ('"a\\nb"', b"a\nb\n"),
    ('"a\\u0000b"', b"a\0b\n"),
    ('"\\u00e9\\ud83d\\ude00"', "\u00e9\U0001f600\n".encode()),
    ('"\\"\\\\\\/"', b'"\\/\n'),
    ("3200", b"3200\n"),
    ("-7", b"-7\n"),
    ("0", b"0\n"),
    ("0.5", b"0.5\n"),
    ("9007199254740991", b"9007199254740991\n"),
    ("9007199254740992", b"9007199254740992\n"),
    ("-9007199254740992", b"-9007199254740992\n"),
    ("true", b"true\n"),
    ("false", b"false\n"),
    ("null", b""),
    ("[]", b""),
    ('["a", "b"]', b"a\nb\n"),
    ('[1, true, "x", 2.5]', b"1\ntrue\nx\n2.5\n"),
]


@pytest.mark.parametrize("value, content", SHAPES, ids=[value for value, _ in SHAPES])
def test_content_of_a_member(mount, service, value, content):
    text = json.dumps(connector(1)).replace('"type"', f'"new": {value}, "type"')
    served = service(text)
    m = mount(served, ttl=QUIET)
    assert m.read(f"{uuid(1)}/new") == content
    assert os.stat(m / uuid(1) / "new").st_size == len(content)
    assert m.read(f"{uuid(1)}/type") == b"email\n"
    served.assert_deletes([])


def test_reference_connector_file_by_file(mount, service):
    served = service(connector(1))
    m = mount(served, ttl=QUIET)
    assert m.names(uuid(1)) == sorted(["connector.json", ".force_delete", *connector(1)])
    assert m.names(f"{uuid(1)}/config") == ["allowed_emails", "email", "email_hash"]
    assert m.read(f"{uuid(1)}/config/allowed_emails") == b"user@example.com\nadmin@example.com\n"
    assert m.read(f"{uuid(1)}/description") == b""
    assert m.read(f"{uuid(1)}/created_at") == b"2026-02-11T11:01:09.574095Z\n"
    served.assert_deletes([])


def test_absent_member_has_no_file(mount, service):
    served = service(connector(1, description=..., files_count=..., config=...))
    m = mount(served, ttl=QUIET)
    assert not {"description", "files_count", "config"} & set(m.names(uuid(1)))
    served.assert_deletes([])


def test_object_is_a_directory_by_the_same_rules(mount, service):
    served = service(connector(1, box={"a": "b", "none": None, "empty": {}, "in": {"n": 1}}))
    m = mount(served, ttl=QUIET)
    box = f"{uuid(1)}/box"
    assert m.names(box) == ["a", "empty", "in", "none"]
    assert m.read(f"{box}/a") == b"b\n" and m.read(f"{box}/none") == b""
    assert m.names(f"{box}/empty") == [] and m.read(f"{box}/in/n") == b"1\n"
    served.assert_deletes([])


@pytest.mark.parametrize("value", [[[1]], [{"a": 1}], ["x", []], [{"a": [{"b": None}]}, 2]])
def test_array_of_arrays_or_objects_is_json(mount, service, value):
    served = service(connector(1, many=value))
    m = mount(served, ttl=QUIET)
    assert "many" not in m.names(uuid(1))
    assert json.loads(m.read(f"{uuid(1)}/many.json")) == value
    served.assert_deletes([])


def test_nesting_deeper_than_8_is_json(mount, service):
    deep = {"end": "x"}
    for _ in range(11):
        deep = {"d": deep}
    served = service(connector(1, **deep))
    m = mount(served, ttl=QUIET)
    assert m.names(uuid(1) + "/d" * 7) == ["d"]
    assert m.names(uuid(1) + "/d" * 8) == ["d.json"]
    left = json.loads(m.read(uuid(1) + "/d" * 8 + "/d.json"))
    assert left == {"d": {"d": {"end": "x"}}}
    served.assert_deletes([])


def test_connector_json_is_the_whole_object_in_order(mount, service):
    whole = connector(1, zebra=[{"a": None}], big=9007199254740991, label="\u00e9\n\"")
    served = service(whole)
    m = mount(served, ttl=QUIET)
    text = m.read(f"{uuid(1)}/connector.json")
    pairs = json.loads(text, object_pairs_hook=list)
    assert pairs == json.loads(json.dumps(whole), object_pairs_hook=list)
    assert text.endswith(b"}\n") and len(text.splitlines()) > len(whole)
    served.assert_deletes([])


ESCAPES = [
    ("a/b", "a%2Fb"), ("../../x", "%2E.%2F..%2Fx"), (".", "%2E"), ("..", "%2E."),
    (".hidden", "%2Ehidden"), (".force_delete", "%2Eforce_delete"), ("", "%~e"),
    ("50%", "50%25"), ("a\x01b", "a%01b"), ("a\nb", "a%0Ab"), ("a\x7fb", "a%7Fb"),
    ("a\x00b", "a%00b"), ("\u00e9 x", "\u00e9 x"), ("n" * 255, "n" * 255),
]


@pytest.mark.parametrize("name, shown", ESCAPES, ids=[shown[:20] for _, shown in ESCAPES])
def test_name_of_a_member_never_leaves_its_directory(mount, service, name, shown):
    served = service(connector(1, config={name: "x"}))
    m = mount(served, ttl=QUIET)
    assert m.names(f"{uuid(1)}/config") == [shown]
    assert m.read(f"{uuid(1)}/config/{shown}") == b"x\n"
    served.assert_deletes([])


def test_names_too_long_are_cut_and_stay_distinct(mount, service):
    served = service(connector(1, config={"n" * 300: "1", "n" * 299 + "m": "2"}))
    m = mount(served, ttl=QUIET)
    names = m.names(f"{uuid(1)}/config")
    assert len(set(names)) == 2
    assert all(re.fullmatch(r"n+%~h[0-9a-f]{16}", n) and len(n) <= 255 for n in names)
    assert {m.read(f"{uuid(1)}/config/{n}") for n in names} == {b"1\n", b"2\n"}
    served.assert_deletes([])


def test_duplicate_members_are_both_shown(mount, service):
    served = service(json.dumps(connector(1, config="@")).replace(
        '"@"', '{"x": "1", "x": "2", "x": {"in": 3}}'))
    m = mount(served, ttl=QUIET)
    config = f"{uuid(1)}/config"
    assert m.names(config) == ["x", "x%~2", "x%~3"]
    assert m.read(f"{config}/x") == b"1\n" and m.read(f"{config}/x%~2") == b"2\n"
    assert m.read(f"{config}/x%~3/in") == b"3\n"
    served.assert_deletes([])


def test_member_cannot_take_the_place_of_our_own_files(mount, service):
    served = service(connector(1, **{"connector.json": "mine", ".force_delete": "mine"}))
    m = mount(served, ttl=QUIET)
    assert json.loads(m.read(f"{uuid(1)}/connector.json"))["connector_id"] == uuid(1)
    assert m.read(f"{uuid(1)}/.force_delete") == b"idle\n"
    assert m.read(f"{uuid(1)}/%2Eforce_delete") == b"mine\n"
    served.assert_deletes([])


# Attributes


@pytest.mark.parametrize("date", [
    "2026-02-11T11:01:09.574102Z", "2026-02-11T11:01:09Z", "2026-02-11T11:01:09.5Z",
    "2026-02-11T11:01:09.123456789Z", "2026-02-11T12:01:09.574102+01:00",
    "2024-02-29T23:59:59.999999-03:30"])
def test_times_are_exact(mount, service, date):
    synced = "2026-04-07T09:36:34.195040Z"
    served = service(connector(1, updated_at=date, last_sync_at=synced))
    m = mount(served, ttl=QUIET)
    for name, status in everything(m / uuid(1)).items():
        wanted = nanoseconds(synced if name.startswith("last_sync_") else date)
        assert (status.st_mtime_ns, status.st_ctime_ns) == (wanted, wanted), name
    served.assert_deletes([])


def test_sync_files_of_a_connector_never_synced(mount, service):
    served = service(connector(1, last_sync_at=None))
    m = mount(served, ttl=QUIET)
    updated = nanoseconds(connector(1)["updated_at"])
    assert os.stat(m / uuid(1) / "last_sync_at").st_mtime_ns == updated
    served.assert_deletes([])


def test_nonsense_dates_are_no_error(mount, service):
    served = service(connector(1, updated_at="yesterday", created_at=None, last_sync_at=17))
    m = mount(served, ttl=QUIET)
    assert m.read(f"{uuid(1)}/updated_at") == b"yesterday\n"
    now = datetime.now(timezone.utc).timestamp()
    assert 0 <= os.stat(m / uuid(1) / "updated_at").st_mtime <= now
    served.assert_deletes([])


def test_sizes_links_modes_and_inodes(mount, sandbox):
    served = sandbox(seed=4)
    served.client.archive(served.ids()[0])
    m = mount(served, ttl=QUIET)
    seen = everything(m.path)
    assert len({s.st_ino for s in seen.values()}) == len(seen)
    for name, status in seen.items():
        full = m.path / name
        if stat.S_ISDIR(status.st_mode):
            below = [e for e in os.scandir(full) if e.is_dir(follow_symlinks=False)]
            assert status.st_nlink == 2 + len(below), name
            assert stat.S_IMODE(status.st_mode) == 0o755, name
        else:
            control = full.name in (".force_delete", "refresh", "archive", "force_delete")
            assert stat.S_IMODE(status.st_mode) == (0o600 if control else 0o444), name
            with open(full, "rb") as file:  # metrics is another file, of another size, each time
                size = os.fstat(file.fileno()).st_size
                assert size == len(file.read()) or control, name
            assert size == status.st_size or full.name == "metrics", name
        assert (status.st_uid, status.st_gid) == (os.getuid(), os.getgid()), name
    served.assert_deletes([])


def test_umask_uid_and_gid_options(mount, sandbox):
    served = sandbox(seed=1)
    m = mount(served, ttl=QUIET, umask="077", uid=1234, gid=2345)
    connector_id = served.ids()[0]
    for name, mode in ((".", 0o700), ("label", 0o400), (".force_delete", 0o600)):
        status = os.stat(m / connector_id / name)
        assert stat.S_IMODE(status.st_mode) == mode, name
        assert (status.st_uid, status.st_gid) == (1234, 2345), name
    served.assert_deletes([])


def test_inodes_are_stable_over_refresh_and_remount(mount, service):
    served = service(connector(1), connector(2, archived=True))
    inodes = []
    for _ in range(2):
        m = mount(served, ttl=QUIET)
        inodes.append({name: s.st_ino for name, s in everything(m.path).items()})
        lists = served.lists()
        m.signal(1)
        served.await_lists(lists + 1)
        inodes.append({name: s.st_ino for name, s in everything(m.path).items()})
        m.unmount()
    assert inodes == [inodes[0]] * 4
    served.assert_deletes([])


# What root may write to, and the service did not serve


@pytest.mark.parametrize("name", ["label", "config/email", "connector.json"])
def test_a_refused_store_leaves_what_the_service_served(mount, service, name):
    served = service(connector(1), connector(2))
    m = mount(served, ttl=QUIET)
    path = m / uuid(1) / name
    right = path.read_bytes()
    fd = os.open(path, os.O_RDWR)
    try:
        with mmap.mmap(fd, len(right)) as mapping:
            mapping[:1] = b"!"
            with fails_with(errno.EIO, errno.EPERM):
                mapping.flush()
                os.fsync(fd)
            eventually(lambda: mapping[:] == right, "that the mapping shows what was served")
    finally:
        os.close(fd)
    assert path.read_bytes() == right
    assert [line["errno"] for line in m.lines("errors")] == ["EPERM"]
    served.assert_deletes([])


@pytest.mark.parametrize("name", [f"{uuid(1)}/label", ".bigdatafs/status"])
def test_a_refused_write_leaves_what_the_service_served(mount, service, name):
    served = service(connector(1))
    m = mount(served, ttl=QUIET)
    fd = os.open(m / name, os.O_RDWR)
    try:
        right = os.pread(fd, 65536, 0)
        with mmap.mmap(fd, len(right), access=mmap.ACCESS_READ) as reader:
            assert reader[:] == right
            with fails_with(errno.EPERM):
                os.write(fd, b"!" * len(right))
            eventually(lambda: reader[:] == right, "that the mapping shows what was served")
            assert os.pread(fd, 65536, 0) == right
    finally:
        os.close(fd)
    assert m.lines("errors") == []
    served.assert_deletes([])


# Ordinary tools

TOOLS = [
    "ls -l", "ls -la", "ls -lR", "ls -lLaRi --full-time", "find .", "find . -newer .",
    "find . -name label -printf '%s %T+ %p\\n'", "du -ab", "du -s", "stat -- *", "df .",
    "grep -r email", "cat */label", "wc -c */*_at", "jq -e .connector_id */connector.json",
    "tar -cf $OUT/all.tar .", "cp -r . $OUT/copy && diff -r -x metrics . $OUT/copy",
    "cp -a . $OUT/copy && diff -r -x metrics . $OUT/copy",
    "rsync -a ./ $OUT/copy/ && diff -r -x metrics . $OUT/copy",
    "rsync -ac ./ $OUT/copy/ && rsync -aci --exclude metrics --out-format=CHANGED:%n ./ $OUT/copy/",
    "find . -type f -exec md5sum {} +", "find . -type f -print0 | xargs -0 cat",
    "test -d . -a -r . && cd */config && ls",
]


@pytest.mark.parametrize("command", TOOLS)
def test_tools_succeed_and_say_nothing(mount, sandbox, tmp_path, command):
    served = sandbox(seed=1)
    m = mount(served, ttl=QUIET)
    (tmp_path / "out").mkdir()
    done = m.run("bash", "-o", "pipefail", "-c", command,
                 env={**os.environ, "OUT": str(tmp_path / "out")})
    assert (done.returncode, done.stderr) == (0, "")
    assert "CHANGED:" not in done.stdout
    served.assert_deletes([])


def test_newer_and_sort_by_time(mount, service, tmp_path):
    served = service(*(connector(n, updated_at=f"2026-02-0{n}T00:00:00Z") for n in (2, 3, 1)))
    m = mount(served, ttl=QUIET)
    done = m.run("ls", "-t")
    assert done.stdout.split() == [uuid(3), uuid(2), uuid(1)]
    done = m.run("find", ".", "-maxdepth", "1", "-name", "019*", "-newer", uuid(2))
    assert done.stdout.split() == [f"./{uuid(3)}"]
    served.assert_deletes([])


def test_one_request_for_a_thousand_connectors(mount, sandbox):
    served = sandbox(seed=1000)
    m = mount(served, ttl=QUIET)
    done = m.run("ls", "-lR")
    assert (done.returncode, done.stderr) == (0, "")
    assert len(served.requests()) == 1 and served.lists() == 1
    done = m.run("grep", "-rlxE", "true|false", "--include=archived", ".")
    assert len(done.stdout.split()) == 1000 and done.stderr == ""
    assert len(served.requests()) == 1
    served.assert_deletes([])
