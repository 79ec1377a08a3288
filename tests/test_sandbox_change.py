"""Connectors of bigdatafs-sandbox are created, updated and archived."""

import json
import re
import uuid

import pytest

from harness.sandbox_alone import LIST, MEMBERS, assert_error, directory, sandbox, start


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


def test_a_secret_that_stands_twice_is_not_shown(sandbox):
    body = '{"type":"email","label":"x","config":{"user_password":"one","user_password":"two"}}'
    answer = sandbox.request("POST", LIST, body)
    assert answer.status == 200 and b"user_password" not in answer.bytes
    assert "user_password" not in sandbox.get(answer.json["connector_id"]).json["config"]


def test_the_address_is_the_service_s_however_often_it_is_sent(sandbox):
    body = '{"type":"email","label":"x","config":{%s"extra":1}}' % ('"email":"mine@x","email_hash":"mine",' * 2)
    answer = sandbox.request("POST", LIST, body)
    config = answer.json["config"]
    assert answer.bytes.count(b'"email"') == 2 and b"mine" not in answer.bytes and config["extra"] == 1
    assert sandbox.request("PUT", f"{LIST}/{answer.json['connector_id']}", body).json["config"] == config


GOOD = {"type": "email", "label": "x", "config": {}}


@pytest.mark.parametrize("body", [
    None, "", "{", "[]", "1", json.dumps(GOOD) + " x", b'{"type":"email","label":"\xff","config":{}}',
    '{"type":"email","label":"a\\u0000b","config":{}}', '{"type":"email","label":"a\\u00zzb","config":{}}',
    '{"type":"email","label":"a\\u00', {**GOOD, "type": "dropbox"}, {**GOOD, "type": None},
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
