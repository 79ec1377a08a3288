"""bigdatafs-sandbox's conditional requests, and compressed answers."""

import gzip

import pytest

from harness.sandbox_alone import KEY, LIST, directory, most_files, sandbox, start


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
