"""The requests that a server saw, and the DELETEs that a test says it caused."""

from dataclasses import dataclass
from urllib.parse import parse_qs

LIST_PATH = "/contents/v1/connectors"
THIRD_PARTY = "third-party"  # User-Agent of the tests' own requests


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    query: str
    user_agent: str
    key: str = ""  # known to a scripted service only

    @property
    def id(self):
        return self.path[len(LIST_PATH) + 1:]

    @property
    def is_list(self):
        return self.method == "GET" and self.path == LIST_PATH


def archive(connector_id):
    """A DELETE that archives, for assert_deletes."""
    return (connector_id, False)


def hard(connector_id):
    """A DELETE that removes for good, for assert_deletes."""
    return (connector_id, True)


def once(deletes):
    """The same without what directly follows its like: a resent DELETE counts once."""
    return [item for i, item in enumerate(deletes) if i == 0 or item != deletes[i - 1]]


class Ledger:
    """Mixed into a server, which has seen(): every Request in order, its own and others'."""

    declared = None
    normal = staticmethod(list)

    def requests(self):
        """What others than the test itself asked for."""
        return [r for r in self.seen() if r.user_agent != THIRD_PARTY]

    def lists(self):
        return sum(r.is_list for r in self.requests())

    def gets(self, connector_id):
        return sum(r.method == "GET" and r.id == connector_id for r in self.requests())

    def deletes(self):
        """Each DELETE as (id, force), in order. A query that is neither is kept as it is."""
        forms = {(): False, (("force_delete", ("true",)),): True,
                 (("force_delete", ("false",)),): False}
        found = []
        for r in self.requests():
            if r.method == "DELETE":
                query = tuple((k, tuple(v)) for k, v in parse_qs(r.query).items())
                found.append((r.id, forms.get(query, r.query)))
        return found

    def assert_deletes(self, expected, resent=False, any_order=False):
        """The DELETEs so far are exactly these, and no other may follow until the test's end.
        resent: each may have been sent again, directly after itself."""
        self.normal = once if resent else sorted if any_order else list
        self.declared = self.normal(expected)
        assert self.normal(self.deletes()) == self.declared

    def verdict(self):
        """What is wrong at the test's end, once the mounts are gone."""
        if self.declared is None:
            return ["the test never called assert_deletes"]
        if self.normal(self.deletes()) != self.declared:
            return [f"declared DELETEs {self.declared}, sent were {self.deletes()}"]
        return []
