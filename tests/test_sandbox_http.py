"""bigdatafs-sandbox from outside: its HTTP, its database, its options, its beginning and end."""

import contextlib
import gzip
import http.client
import json
import os
import re
import resource
import shutil
import signal
import socket
import sqlite3
import stat
import subprocess
import tempfile
import time
import uuid
from pathlib import Path

import pytest

BINARY = Path(os.environ.get("BIGDATAFS_BUILD", "build")) / "fs/sandbox/bigdatafs-sandbox"
LIST = "/contents/v1/connectors"
KEY = {"X-API-KEY": "a-key"}
HANG = 60  # seconds after which a test is taken to hang; nothing is judged by it
MEMBERS = [
    "connector_id", "user_id", "org_id", "share_with_org", "label", "type", "created_at",
    "updated_at", "archived", "description", "config", "files_count", "last_sync_at",
    "last_sync_status", "last_sync_error_msg", "last_sync_count",
]
DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")


class Answer:
    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        self.bytes = response.read()

    @property
    def json(self):
        return json.loads(self.bytes)


class Sandbox:
    """A running sandbox and one connection to it that is kept alive."""

    def __init__(self, process, address):
        self.process = process
        self.address = address
        self.connection = self.connect()

    def connect(self):
        if self.address.startswith("unix:"):
            c = http.client.HTTPConnection("localhost", timeout=HANG)
            c.sock = socket.socket(socket.AF_UNIX)
            c.sock.settimeout(HANG)
            c.sock.connect(self.address[len("unix:"):])
            return c
        host, _, port = self.address[len("http://"):].rpartition(":")
        c = http.client.HTTPConnection(host.strip("[]"), int(port), timeout=HANG)
        c.connect()
        return c

    def request(self, method, path, body=None, headers=None):
        if isinstance(body, (dict, list)):
            body = json.dumps(body)
        self.connection.request(method, path, body, KEY if headers is None else headers)
        return Answer(self.connection.getresponse())

    def get(self, id, **headers):
        return self.request("GET", f"{LIST}/{id}", headers={**KEY, **headers})

    def list(self):
        answer = self.request("GET", LIST)
        assert answer.status == 200
        return answer.json["results"]

    def create(self, **members):
        answer = self.request("POST", LIST, {"type": "email", "label": "x", "config": {}, **members})
        assert answer.status == 200, answer.bytes
        return answer.json

    def archive(self, id):
        return self.request("DELETE", f"{LIST}/{id}")

    def force_delete(self, id):
        return self.request("DELETE", f"{LIST}/{id}?force_delete=true")

    def wait_for(self, id, wanted):
        """Asks for the connector until wanted(answer); every answer is an event to look at."""
        limit = time.monotonic() + HANG
        while not wanted(answer := self.get(id)):
            assert time.monotonic() < limit, f"still {answer.status} {answer.bytes!r}"
        return answer

    def end(self, number=signal.SIGTERM):
        self.connection.close()
        self.process.send_signal(number)
        return self.process.wait(HANG)


def spawn(*options, **more):
    return subprocess.Popen([BINARY, *map(str, options)], stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True, **more)


@pytest.fixture
def directory():
    """A directory whose path is short enough for Unix sockets."""
    path = Path(tempfile.mkdtemp(prefix="bdfs-"))
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def start(directory):
    """Starts sandboxes, on a Unix socket unless --listen says otherwise; their stderr stays empty."""
    started = []

    def start_one(*options, quiet=True, **more):
        if "--listen" not in options:
            options += ("--listen", f"unix:{directory}/socket")
        process = spawn(*options, **more)
        started.append((process, quiet))
        line = process.stdout.readline()
        assert line.startswith("listening on "), (line, process.stderr.read())
        return Sandbox(process, line[len("listening on "):].rstrip("\n"))

    yield start_one
    for process, quiet in started:
        if process.poll() is None:
            process.terminate()
        _, errors = process.communicate(timeout=HANG)
        assert errors == "" or not quiet
        assert process.returncode in (0, -signal.SIGKILL)


@pytest.fixture
def sandbox(start):
    return start("--seed", 30)


def assert_error(answer, status, code):
    assert answer.status == status, answer.bytes
    assert answer.headers["Content-Type"] == "application/json"
    error = answer.json
    assert list(error) == ["statusCode", "message", "errorCode", "requestId"]
    assert error["statusCode"] == status
    assert error["errorCode"] == code
    assert error["message"]
    assert error["requestId"] == answer.headers["x-request-id"]


def run(*options):
    return subprocess.run([BINARY, *map(str, options)], capture_output=True, text=True, timeout=HANG)


# Reading


def test_list_is_compact_and_complete(sandbox):
    answer = sandbox.request("GET", LIST)
    assert answer.headers["Content-Type"] == "application/json"
    text = answer.bytes.decode()
    assert text.startswith('{"results":[{"connector_id":"')
    assert json.dumps(json.loads(text), separators=(",", ":"), ensure_ascii=False) == text
    results = answer.json["results"]
    assert len(results) == 30
    for one in results:
        assert list(one) == MEMBERS
        assert uuid.UUID(one["connector_id"]).version == 7
        assert DATE.fullmatch(one["created_at"]) and DATE.fullmatch(one["updated_at"])
        assert one["created_at"] <= one["updated_at"]
    assert [c["created_at"] for c in results] == sorted(c["created_at"] for c in results)


def test_get_is_the_element_of_the_list(sandbox):
    for one in sandbox.list():
        assert sandbox.get(one["connector_id"]).json == one


def test_get_takes_any_spelling_of_the_id(sandbox):
    one = sandbox.list()[0]
    id = one["connector_id"]
    assert sandbox.get(id.upper()).json == one
    assert sandbox.get("".join(f"%{ord(c):02x}" for c in id)).json == one


@pytest.mark.parametrize("id", ["x", "019a9612-bfad-758c-884e-37dd8c6ad2c", "%00", "%2F", "%zz", "%",
                                "019a9612xbfad-758c-884e-37dd8c6ad2cb", "g19a9612-bfad-758c-884e-37dd8c6ad2cb",
                                "019a9612-bfad-758c-884e-37dd8c6ad2cb%00", "y" * 4000])
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_bad_id(sandbox, method, id):
    assert_error(sandbox.request(method, f"{LIST}/{id}"), 400, "INVALID_CONNECTOR_ID")


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
@pytest.mark.parametrize("query", ["", "?force_delete=true"])
def test_unknown_connector(sandbox, method, query):
    answer = sandbox.request(method, f"{LIST}/{uuid.uuid4()}{query}", {"label": "x"})
    assert_error(answer, 404, "CONNECTOR_NOT_FOUND")


@pytest.mark.parametrize("path", ["/", "/contents/v1", f"{LIST}/", f"{LIST}s", "/contents%2Fv1/connectors",
                                  f"{LIST}/{uuid.uuid4()}/files", "/contents//v1/connectors"])
def test_unknown_route_is_the_gateway_s_answer(sandbox, path):
    for headers in (KEY, {}):
        answer = sandbox.request("GET", path, headers=headers)
        assert (answer.status, answer.bytes) == (403, b'{"message":"Missing Authentication Token"}')


@pytest.mark.parametrize("method, path, allow", [
    ("PUT", LIST, "GET, POST"), ("DELETE", LIST, "GET, POST"), ("PATCH", LIST, "GET, POST"),
    ("POST", f"{LIST}/{uuid.uuid4()}", "GET, PUT, DELETE")])
def test_wrong_method(sandbox, method, path, allow):
    answer = sandbox.request(method, path, "{}")
    assert_error(answer, 405, "METHOD_NOT_ALLOWED")
    assert answer.headers["Allow"] == allow


def test_request_ids_are_unique(sandbox):
    ids = {sandbox.get("x").json["requestId"] for _ in range(50)}
    ids |= {sandbox.request("GET", LIST).headers["x-request-id"] for _ in range(50)}
    assert len(ids) == 100


# The key


@pytest.mark.parametrize("headers", [{}, {"X-API-KEY": ""}])
@pytest.mark.parametrize("method, path", [("GET", LIST), ("POST", LIST), ("DELETE", f"{LIST}/{uuid.uuid4()}")])
def test_no_key(sandbox, method, path, headers):
    assert_error(sandbox.request(method, path, headers=headers), 401, "UNAUTHORIZED")


def test_key_file(start, tmp_path):
    (tmp_path / "key").write_text("secret-1\nanother line\n")
    s = start("--api-key-file", tmp_path / "key", "--seed", 2)
    assert s.request("GET", LIST, headers={"X-API-KEY": "secret-1"}).status == 200
    for wrong in ("secret-", "secret-2", "secret-11", "another line", "secret-1secret-1"):
        assert_error(s.request("GET", LIST, headers={"X-API-KEY": wrong}), 401, "UNAUTHORIZED")
    id = s.request("GET", LIST, headers={"X-API-KEY": "secret-1"}).json["results"][0]["connector_id"]
    assert s.request("DELETE", f"{LIST}/{id}").status == 401
    assert s.request("GET", f"{LIST}/{id}", headers={"X-API-KEY": "secret-1"}).json["archived"] is False


@pytest.mark.parametrize("content", [None, "", "\nsecret\n", "x" * 5000])
def test_unusable_key_file(tmp_path, content):
    if content is not None:
        (tmp_path / "key").write_text(content)
    ended = run("--api-key-file", tmp_path / "key")
    assert ended.returncode == 1
    assert ended.stdout == "" and "key file" in ended.stderr and "secret" not in ended.stderr


# Creating and updating


def test_create_email(sandbox):
    answer = sandbox.request("POST", LIST, {
        "type": "email", "label": "Zürich / \"Öl\" \\ 🌱\n", "description": "d", "share_with_org": True,
        "config": {"allowed_emails": ["a@example.com"], "email": "mine@x", "user_password": "pw", "extra": {"a": [1]}}})
    assert answer.status == 200
    one = answer.json
    assert list(one) == MEMBERS
    assert uuid.UUID(one["connector_id"]).version == 7
    assert one["label"] == "Zürich / \"Öl\" \\ 🌱\n"
    assert (one["type"], one["description"], one["share_with_org"]) == ("email", "d", True)
    assert (one["archived"], one["files_count"], one["last_sync_at"]) == (False, 0, None)
    assert one["created_at"] == one["updated_at"]
    config = one["config"]
    assert re.fullmatch("[0-9a-f]{12}", config["email_hash"])
    assert config["email_hash"] in config["email"] and "@" in config["email"]
    assert config["allowed_emails"] == ["a@example.com"] and config["extra"] == {"a": [1]}
    assert b"user_password" not in answer.bytes
    assert sandbox.get(one["connector_id"]).json == one
    assert sandbox.list()[-1] == one


def test_create_the_other_types(sandbox):
    one = sandbox.create(type="investment_research", config={"user_id": "u", "user_password": "pw"})
    assert one["config"] == {"user_id": "u"} and one["description"] is None and one["share_with_org"] is False
    assert sandbox.create(type="sharepoint", config={"secret": "s"})["config"] == {}
    first, second = sandbox.create(), sandbox.create()
    assert first["config"]["email"] != second["config"]["email"]
    assert first["connector_id"] != second["connector_id"]


GOOD = {"type": "email", "label": "x", "config": {}}


@pytest.mark.parametrize("body", [
    None, "", "{", "[]", "1", json.dumps(GOOD) + " x", b'{"type":"email","label":"\xff","config":{}}',
    '{"type":"email","label":"a\\u0000b","config":{}}', {**GOOD, "type": "dropbox"}, {**GOOD, "type": None},
    {**GOOD, "label": 1}, {**GOOD, "config": []}, {**GOOD, "description": 1}, {**GOOD, "share_with_org": "true"},
    {**GOOD, "config": {"allowed_emails": "a@b"}}, {**GOOD, "config": {"allowed_emails": [1]}},
    {**GOOD, "type": "investment_research"}, {"label": "x", "config": {}}, {"type": "email", "config": {}},
    {"type": "email", "label": "x"}, "[" * 100000])
def test_create_refuses(sandbox, body):
    assert_error(sandbox.request("POST", LIST, body), 400, "INVALID_REQUEST")
    assert len(sandbox.list()) == 30


def test_body_limit(sandbox):
    fits = json.dumps({**GOOD, "description": ""})
    fits = fits.replace('""', '"' + "x" * ((1 << 20) - len(fits)) + '"')
    assert len(fits) == 1 << 20
    assert sandbox.request("POST", LIST, fits).status == 200
    assert_error(sandbox.request("POST", LIST, fits + " "), 413, "PAYLOAD_TOO_LARGE")
    assert_error(sandbox.request("POST", LIST, fits * 4), 413, "PAYLOAD_TOO_LARGE")
    assert len(sandbox.list()) == 31


def test_update_replaces_and_clears(sandbox):
    one = sandbox.create(description="d", share_with_org=True, config={"allowed_emails": ["a@example.com"]})
    path = f"{LIST}/{one['connector_id']}"
    kept = {"email_hash": one["config"]["email_hash"], "email": one["config"]["email"]}
    new = sandbox.request("PUT", path, {"label": "new", "description": "e", "share_with_org": True,
                                        "config": {"allowed_emails": ["b@example.com"], "email": "mine"}}).json
    assert (new["label"], new["description"], new["share_with_org"]) == ("new", "e", True)
    assert new["config"] == {"allowed_emails": ["b@example.com"], **kept}
    assert new["created_at"] == one["created_at"] and new["updated_at"] > one["updated_at"]
    bare = sandbox.request("PUT", path, {"label": "bare"}).json
    assert (bare["label"], bare["description"], bare["share_with_org"]) == ("bare", None, False)
    assert bare["config"] == {"allowed_emails": [], **kept}
    assert sandbox.get(one["connector_id"]).json == bare


def test_update_takes_what_get_gave(sandbox):
    for one in sandbox.list():
        answer = sandbox.request("PUT", f"{LIST}/{one['connector_id']}", one)
        assert answer.status == 200
        assert {**answer.json, "updated_at": None} == {**one, "updated_at": None}


@pytest.mark.parametrize("change", [{"type": "sharepoint"}, {"archived": True}, {"label": None}, {"config": []}])
def test_update_refuses(sandbox, change):
    one = sandbox.create()
    answer = sandbox.request("PUT", f"{LIST}/{one['connector_id']}", {"label": "y", **change})
    assert_error(answer, 400, "INVALID_REQUEST")
    assert sandbox.get(one["connector_id"]).json == one


def test_update_does_not_unarchive(sandbox):
    id = sandbox.create()["connector_id"]
    sandbox.archive(id)
    assert_error(sandbox.request("PUT", f"{LIST}/{id}", {"label": "y", "archived": False}), 400, "INVALID_REQUEST")
    assert sandbox.request("PUT", f"{LIST}/{id}", {"label": "y"}).json["archived"] is True


def test_update_refuses_another_config_of_other_types(sandbox):
    id = sandbox.create(type="investment_research", config={"user_id": "u"})["connector_id"]
    answer = sandbox.request("PUT", f"{LIST}/{id}", {"label": "y", "config": {"user_id": "v"}})
    assert_error(answer, 400, "INVALID_REQUEST")


# Archiving


@pytest.mark.parametrize("query", ["", "?force_delete=false", "?x=1&force_delete=false", "?force_deleted=true"])
def test_archive_is_idempotent(sandbox, query):
    before = next(c for c in sandbox.list() if not c["archived"] and c["files_count"])
    path = f"{LIST}/{before['connector_id']}{query}"
    first = sandbox.request("DELETE", path)
    assert first.status == 200
    assert first.json["updated_at"] > before["updated_at"]
    assert first.json == {**before, "archived": True, "updated_at": first.json["updated_at"]}
    second = sandbox.request("DELETE", path)
    assert (second.status, second.json) == (200, first.json)
    assert sandbox.get(before["connector_id"]).json == first.json
    assert first.json in sandbox.list()


# Hard deletes


def most_files(connectors):
    return max(connectors, key=lambda c: c["files_count"])


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


# Conditional requests and gzip


def test_etag_of_the_list(sandbox):
    first = sandbox.request("GET", LIST)
    tag = first.headers["ETag"]
    for value in (tag, tag.removeprefix("W/"), f'"other", {tag}', "*"):
        answer = sandbox.request("GET", LIST, headers={**KEY, "If-None-Match": value})
        assert (answer.status, answer.bytes, answer.headers["ETag"]) == (304, b"", tag)
    assert sandbox.request("GET", LIST, headers={**KEY, "If-None-Match": '"other"'}).bytes == first.bytes

    id = first.json["results"][0]["connector_id"]
    seen = {tag}
    for change in (lambda: sandbox.create(), lambda: sandbox.archive(id),
                   lambda: sandbox.request("PUT", f"{LIST}/{id}", {"label": "y"})):
        change()
        answer = sandbox.request("GET", LIST, headers={**KEY, "If-None-Match": tag})
        assert answer.status == 200 and answer.headers["ETag"] not in seen
        tag = answer.headers["ETag"]
        seen.add(tag)
    sandbox.archive(id)  # changes nothing the second time
    assert sandbox.request("GET", LIST, headers={**KEY, "If-None-Match": tag}).status == 304


def test_etag_follows_a_hard_delete(start):
    s = start("--seed", 5, "--delete-rate", 10)
    victim = most_files(s.list())
    tags = [s.request("GET", LIST).headers["ETag"], s.get(victim["connector_id"]).headers["ETag"]]
    s.force_delete(victim["connector_id"])
    s.wait_for(victim["connector_id"], lambda a: a.json["files_count"] < victim["files_count"])
    assert s.request("GET", LIST, headers={**KEY, "If-None-Match": tags[0]}).status == 200
    assert s.get(victim["connector_id"], **{"If-None-Match": tags[1]}).status == 200


def test_etag_of_a_connector(sandbox):
    one, other = (c["connector_id"] for c in sandbox.list()[:2])
    tag = sandbox.get(one).headers["ETag"]
    sandbox.request("PUT", f"{LIST}/{other}", {"label": "y"})
    answer = sandbox.get(one, **{"If-None-Match": tag})
    assert (answer.status, answer.bytes) == (304, b"")
    sandbox.request("PUT", f"{LIST}/{one}", {"label": "y"})
    assert sandbox.get(one, **{"If-None-Match": tag}).json["label"] == "y"


def test_last_modified(sandbox):
    id = sandbox.list()[0]["connector_id"]
    for path in (f"{LIST}/{id}", LIST):
        date = sandbox.request("GET", path).headers["Last-Modified"]
        assert sandbox.request("GET", path, headers={**KEY, "If-Modified-Since": date}).status == 304
        later = date.replace("2025", "2035").replace("2026", "2036")
        assert sandbox.request("GET", path, headers={**KEY, "If-Modified-Since": later}).status == 200
        both = {**KEY, "If-Modified-Since": date, "If-None-Match": '"other"'}
        assert sandbox.request("GET", path, headers=both).status == 200
    dates = [sandbox.request("GET", path).headers["Last-Modified"] for path in (f"{LIST}/{id}", LIST)]
    sandbox.request("PUT", f"{LIST}/{id}", {"label": "y"})
    for path, date in zip((f"{LIST}/{id}", LIST), dates):
        assert sandbox.request("GET", path, headers={**KEY, "If-Modified-Since": date}).status == 200


def test_tags_of_another_database_do_not_match(start, directory):
    first, second = (start("--seed", 5, "--listen", f"unix:{directory}/{n}") for n in range(2))
    tag = first.request("GET", LIST).headers["ETag"]
    assert second.request("GET", LIST, headers={**KEY, "If-None-Match": tag}).status == 200


@pytest.mark.parametrize("value, packed", [("gzip", True), ("deflate, gzip;q=0.5", True), ("*", True), (None, False),
                                           ("gzip;q=0", False), ("identity", False), ("gzip;q=0.000, *", False)])
def test_gzip(sandbox, value, packed):
    headers = {**KEY, "Accept-Encoding": value or "identity"}
    for path in (LIST, f"{LIST}/{sandbox.list()[0]['connector_id']}"):
        plain = sandbox.request("GET", path, headers={**KEY, "Accept-Encoding": "identity"}).bytes
        for _ in range(2):
            answer = sandbox.request("GET", path, headers=headers)
            assert (answer.headers["Content-Encoding"] == "gzip") == packed
            assert answer.headers["Vary"] == "Accept-Encoding"
            assert (gzip.decompress(answer.bytes) if packed else answer.bytes) == plain


# Seeding


def test_seed_is_the_same_for_the_same_number(start, directory):
    a, b, c = (start("--seed", n, "--listen", f"unix:{directory}/{i}").list() for i, n in enumerate((40, 40, 41)))
    assert a == b
    assert not {x["connector_id"] for x in a} & {x["connector_id"] for x in c}


def test_seed_is_various(start):
    s = start("--seed", 1000)
    connectors = s.list()
    assert len({c["connector_id"] for c in connectors}) == 1000
    assert {c["type"] for c in connectors} == {"email", "investment_research", "sharepoint"}
    assert 50 <= sum(c["archived"] for c in connectors) <= 150
    assert {c["type"] for c in connectors if c["archived"]} == {"email", "investment_research", "sharepoint"}
    labels = {c["label"] for c in connectors}
    assert any(" " in x for x in labels) and any("/" in x for x in labels) and any(not x.isascii() for x in labels)
    assert len(labels) < 1000
    failed = [c for c in connectors if c["last_sync_error_msg"]]
    assert failed and all(c["last_sync_status"] == "FAILED" for c in failed)
    assert any(c["last_sync_at"] is None for c in connectors) and any(c["description"] is None for c in connectors)
    counts = [c["files_count"] for c in connectors]
    assert min(counts) == 0 and max(counts) == 200
    for c in connectors:
        expected = {"email": {"allowed_emails", "email_hash", "email"}, "investment_research": {"user_id"},
                    "sharepoint": set()}[c["type"]]
        assert set(c["config"]) == expected
        assert c["updated_at"] < "2026-11"


def test_seed_leaves_a_database_alone(start, tmp_path):
    first = start("--db", tmp_path / "db", "--seed", 3, "--delete-rate", 0)
    ids = [c["connector_id"] for c in first.list()]
    tag = first.request("GET", LIST).headers["ETag"]
    assert first.end() == 0
    second = start("--db", tmp_path / "db", "--seed", 50, "--delete-rate", 0)
    assert [c["connector_id"] for c in second.list()] == ids
    assert second.request("GET", LIST).headers["ETag"] == tag
    for id in ids:
        second.force_delete(id)
        second.wait_for(id, lambda a: a.status == 404)
    assert second.end() == 0
    assert start("--db", tmp_path / "db", "--seed", 50).list() == []


def test_without_seed_the_list_is_empty(start):
    assert start().request("GET", LIST).bytes == b'{"results":[]}'


# The access log


def test_access_log(start, tmp_path):
    log = tmp_path / "log"
    s = start("--seed", 3, "--access-log", log)
    requests = [("GET", LIST, KEY), ("GET", f"{LIST}/x%20y?a=b&c=%41", {**KEY, "User-Agent": 'agent "1"'}),
                ("GET", LIST, {}), ("DELETE", f"{LIST}/{uuid.uuid4()}?force_delete=true", KEY), ("GET", "/x", KEY)]
    for n, (method, path, headers) in enumerate(requests, 1):
        answer = s.request(method, path, headers=headers)
        lines = log.read_text().splitlines()
        assert len(lines) == n  # the line is there when the answer is
        line = json.loads(lines[-1])
        assert list(line) == ["time", "method", "path", "query", "status", "key", "user_agent", "bytes", "request_id"]
        assert DATE.fullmatch(line["time"])
        assert (line["method"], line["status"]) == (method, answer.status)
        assert (line["path"], line["query"]) == (path.partition("?")[0], path.partition("?")[2])
        assert (line["key"], line["user_agent"]) == ("X-API-KEY" in headers, headers.get("User-Agent"))
        assert (line["bytes"], line["request_id"]) == (len(answer.bytes), answer.headers["x-request-id"])
    assert KEY["X-API-KEY"] not in log.read_text()
    assert stat.S_IMODE(log.stat().st_mode) == 0o600
    s.end()
    start("--access-log", log).list()
    assert len(log.read_text().splitlines()) == len(requests) + 1


def test_access_log_survives_odd_bytes(start, tmp_path):
    s = start("--access-log", tmp_path / "log")
    s.connection.sock.sendall(b"GET /a\xff\"\\b HTTP/1.1\r\nHost: x\r\nUser-Agent: \xfe\r\n\r\n")
    response = http.client.HTTPResponse(s.connection.sock)
    response.begin()
    assert response.status == 403
    line = json.loads((tmp_path / "log").read_bytes())
    assert (line["path"], line["user_agent"]) == ('/a\ufffd"\\b', "\ufffd")


# Latency and connections


def test_a_delayed_answer_delays_no_other_request(start):
    s = start("--seed", 2, "--latency", 60000)
    s.connection.request("GET", LIST, headers=KEY)
    other = s.connect()
    # Whoever waits for the first answer cannot say "continue" to the second request.
    other.sock.sendall(f"POST {LIST} HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n".encode())
    assert other.sock.recv(100).startswith(b"HTTP/1.1 100 ")
    s.connection.sock.setblocking(False)
    with pytest.raises(BlockingIOError):
        s.connection.sock.recv(1)
    assert s.end() == 0  # though both wait


def test_many_delayed_requests_in_flight(start, tmp_path):
    s = start("--seed", 300, "--latency", 20, "--access-log", tmp_path / "log")
    ids = [c["connector_id"] for c in s.list()]
    connections = [s.connect() for _ in ids]
    for c, id in zip(connections, ids):
        c.request("DELETE", f"{LIST}/{id}", headers=KEY)
    for c, id in zip(connections, ids):
        answer = Answer(c.getresponse())
        assert (answer.status, answer.json["connector_id"], answer.json["archived"]) == (200, id, True)
        c.close()
    assert len((tmp_path / "log").read_text().splitlines()) == 301


def test_a_thousand_connections(start):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
    try:
        s = start("--seed", 1)  # which inherits the low limit, and raises it
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 4096)), hard))
    connections = [s.connect() for _ in range(1000)]
    for c in connections:
        c.request("GET", LIST, headers=KEY)
    for c in connections:
        assert Answer(c.getresponse()).status == 200
    for c in connections:  # all were open at once
        c.close()


@pytest.mark.parametrize("listen", ["127.0.0.1:0", "[::1]:0", "localhost:0"])
def test_tcp_keeps_connections_alive(start, listen):
    s = start("--seed", 3, "--listen", listen)
    assert re.fullmatch(r"http://(127\.0\.0\.1|\[::1\]):[1-9]\d*", s.address)
    end = s.connection.sock.getsockname()
    for _ in range(3):
        assert len(s.list()) == 3
        assert s.get("x").status == 400
        assert s.request("POST", LIST, "x" * (1 << 20) + "y").status == 413
    assert s.connection.sock.getsockname() == end


def test_unix_keeps_connections_alive(sandbox):
    sock = sandbox.connection.sock
    for _ in range(3):
        assert len(sandbox.list()) == 30
        assert sandbox.create()["label"] == "x" and sandbox.archive(sandbox.list()[-1]["connector_id"]).status == 200
        sandbox.force_delete(id := sandbox.list()[-1]["connector_id"])
        sandbox.wait_for(id, lambda a: a.status == 404)
    assert sandbox.connection.sock is sock


def test_a_client_that_leaves_harms_nobody(start):
    s = start("--seed", 2000)
    for request in (f"GET {LIST} HTTP/1.1\r\nHost: x\r\nX-API-KEY: k\r\n\r\n", f"POST {LIST} HTTP/1.1\r\nHo",
                    f"POST {LIST} HTTP/1.1\r\nHost: x\r\nX-API-KEY: k\r\nContent-Length: 100\r\n\r\nhalf"):
        for _ in range(20):
            c = s.connect()
            c.sock.sendall(request.encode())
            c.close()
    assert len(s.list()) == 2000


# Beginning and end


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
