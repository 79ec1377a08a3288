"""What bigdatafs-sandbox is filled with at its beginning."""

from harness.sandbox_alone import LIST, directory, start


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
