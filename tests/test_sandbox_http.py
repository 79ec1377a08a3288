"""bigdatafs-sandbox from outside: what it serves, to whom, and its access log."""

import http.client
import json
import stat
import uuid

import pytest

from harness.sandbox_alone import (
    DATE, KEY, LIST, MEMBERS, assert_error, directory, run, sandbox, start)


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
