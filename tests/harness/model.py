"""What a tree may show, and which DELETEs a mount may send: a model to compare a mount with.

A connector's life goes one way: ACTIVE, ARCHIVED, GONE. The service's state of it is asked for
directly, so it is known; the mount may lag behind, but never goes back. So the tree shows each
connector somewhere from its floor, the latest state that the mount showed or reported, up to the
truth. UNSEEN is the floor of one that the mount need not know yet.

A step is some operations at once. When all have ended, check_step says whether each ended as it
may have, and whether each DELETE was asked for: one per operation, and one more only for each that
a fault hit. A hard delete is sent again only after a GET found the connector still there.
"""

import json
import time
from collections import Counter
from dataclasses import dataclass, field

from harness.proxy import BROKEN

UNSEEN, ACTIVE, ARCHIVED, GONE = -1, 0, 1, 2
FAULT_ERRORS = {"EIO", "ETIMEDOUT", "EAGAIN", "EHOSTUNREACH", "SAME"}
ARCHIVES = {"rmdir", "os.rmdir", "rm", "mv"}
# What calls rmdir(2) in passing, and asks for nothing to be archived.
PASSING = {"mv back", "tar -U", "rmdir -p", "removedirs", "declined"}
HIDES = {"unlink", "rm", "tar -U", "removedirs"}
HIDE_S = 62  # 60 in the mount, after the last name that an operation hid
NAME_FILES = {"cat", "unlink", "touch", "wrong", "delete"}
READS = {"stat", "ls", "cat", "touch", "unlink", "wrong"}


@dataclass
class Known:
    floor: int
    truth: int
    labels: list  # every label it ever had, in order, no two alike
    label_floor: int = 0  # the mount has shown this one: no older may come
    hidden_until: float = 0.0  # of time.monotonic: names of it may have been unlinked in the mount
    followed: bool = False  # a hard delete through the mount was accepted
    doomed: bool = False  # the service accepted a hard delete, whoever asked for it


    @property
    def hidden(self):
        return time.monotonic() < self.hidden_until


@dataclass
class Operation:
    kind: str
    id: str = ""
    place: int = ACTIVE
    command: list = field(default_factory=list)
    error: str = ""  # the errno's name, "" for success
    output: str = ""
    inside: bool = False  # what went wrong is about files below the path that was named

    def __str__(self):
        return f"{self.kind} {self.id} ({' '.join(self.command)}): {self.error or 'success'}"


class Model:
    def __init__(self, objects):
        self.known = {}
        for c in objects:
            self.add(c, floor=ARCHIVED if c["archived"] else ACTIVE)

    def add(self, c, floor=UNSEEN):
        truth = ARCHIVED if c["archived"] else ACTIVE
        self.known[c["connector_id"]] = Known(floor, truth, [c["label"]])

    def learn(self, objects):
        """The service's list as it is now."""
        served = {c["connector_id"]: c for c in objects}
        for connector_id, known in self.known.items():
            c = served.pop(connector_id, None)
            truth = GONE if c is None else ARCHIVED if c["archived"] else ACTIVE
            assert truth >= known.truth, f"{connector_id} came back at the service"
            known.truth = truth
        assert not served, f"nobody created {sorted(served)}"

    def synchronized(self):
        for known in self.known.values():
            known.floor = known.truth
            known.label_floor = len(known.labels) - 1

    # One step

    def check_step(self, operations, third, before, exchanges, excused):
        """third: (kind, id) of what a third party did. before: the truths at the step's start,
        by id. excused: a fault hit this step, or the circuit is open."""
        self.note_hidden(operations)
        asked = Counter()
        for op in operations:
            if op.kind in ARCHIVES or op.kind == "delete":
                asked[op.id, op.kind == "delete"] += 1
        sent = self.check_deletes(asked, exchanges)
        self.check_truths(third, before, exchanges)
        for op in operations:
            if op.error == "SAME" and self.is_missing(op, before):
                op.error = "EPERM"  # mv met the name that had just left, under its old place as well
            assert op.error not in FAULT_ERRORS or excused, f"no fault excuses: {op}"
            if op.error not in FAULT_ERRORS:
                self.check_operation(op, before, sent, any(e.is_list for e in exchanges), sum(
                    n for (connector_id, _), n in asked.items() if connector_id == op.id) > 1)
        self.note_floors(operations)

    def note_hidden(self, operations):
        """rm hides what it meets on its way, and ends there when something else is in its way."""
        for op in operations:
            if op.kind in HIDES:
                self.known[op.id].hidden_until = time.monotonic() + HIDE_S

    def check_deletes(self, asked, exchanges):
        """What was sent, by id and force: [Exchange]."""
        sent = {}
        for e in exchanges:
            if e.is_delete:
                sent.setdefault((e.id, e.force), []).append(e)
        for (connector_id, force), attempts in sent.items():
            what = f"{connector_id}, force {force}: {attempts}"
            count = asked[connector_id, force]
            assert count > 0, f"a DELETE that nobody asked for: {what}"
            known = self.known[connector_id]
            assert not known.followed, f"a DELETE of what is being deleted: {what}"
            assert sum(not e.retried for e in attempts) <= count, f"one DELETE too many: {what}"
            if force and count == 1:
                check_resends(attempts, exchanges)
        return sent

    def check_truths(self, third, before, exchanges):
        for e in exchanges:
            if e.is_delete and e.force and e.status == 202:
                self.known[e.id].doomed = True
        for kind, connector_id in third:
            if kind == "hard":
                self.known[connector_id].doomed = True
        archived = {e.id for e in exchanges if e.is_delete and not e.force and e.status == 200}
        archived |= {connector_id for kind, connector_id in third if kind == "archive"}
        for connector_id, was in before.items():
            known = self.known[connector_id]
            assert known.truth == was or known.truth != ARCHIVED or connector_id in archived, \
                f"{connector_id} is archived, and no request did it"
            assert known.truth == was or known.truth != GONE or known.doomed, \
                f"{connector_id} is gone, and no request did it"

    def is_missing(self, op, before):
        """Whether the mount may not have had the connector where the operation looked for it."""
        known = self.known[op.id]
        base = before[op.id] if known.floor == UNSEEN else known.floor
        return not base == op.place == known.truth

    def check_operation(self, op, before, sent, listed, contended):
        if op.kind == "rmdir .archived":
            assert op.error == "EPERM", op
            return
        if op.kind in PASSING:
            assert op.error != "" or op.kind in ("declined", "removedirs"), op
            return
        if op.kind == "grep":
            self.check_grep(op, before)
            return
        known = self.known[op.id]
        there = known.floor <= op.place <= known.truth
        missing = self.is_missing(op, before)
        if op.error in ("ENOENT", "EPERM") and known.hidden and op.kind in NAME_FILES:
            return  # the file that it names; an echo to a hidden one would create it
        if op.kind == "ls" and op.error == "ENOENT" and known.hidden and op.inside:
            return  # a file that it had in its list was unlinked before it asked for it
        if op.error == "ENOENT":
            assert missing, op
        elif op.kind in READS:
            assert op.error == ("EINVAL" if op.kind == "wrong" else "") and there, op
            if op.kind == "cat":
                self.check_label(op.id, op.output)
        elif op.kind == "rmdir archived":
            assert op.error == "EPERM" and there, op
        elif op.error == "EBUSY":
            assert contended or known.followed or known.doomed, op
        elif op.kind in ARCHIVES:
            self.check_archive(op, known, sent, missing, listed)
        else:
            self.check_hard_delete(op, known, sent, contended)

    def check_archive(self, op, known, sent, missing, listed):
        if op.kind == "rm" and op.error == "ENOTEMPTY":  # names came, or came back, in its midst
            return
        if op.kind == "rm" and op.error == "EISDIR":  # its id was there at rm's second look alone
            assert (op.id, False) not in sent, op
            return
        if op.error == "EPERM":  # rename of what has just left its place
            assert op.kind == "mv" and missing, op
            return
        assert op.error == "", op
        if (op.id, False) not in sent:
            assert op.kind == "rm" and missing, f"said to be done, and nothing was sent: {op}"
        else:
            assert known.truth >= ARCHIVED, f"said to be archived, and is not: {op}"

    def check_hard_delete(self, op, known, sent, contended):
        assert op.error == "", op
        if known.followed or contended:
            return
        assert (op.id, True) in sent, f"said to be accepted, and nothing was sent: {op}"
        assert known.doomed or known.truth == GONE, f"said to be accepted, and was not: {op}"

    def check_label(self, connector_id, text):
        known = self.known[connector_id]
        assert text in [label + "\n" for label in known.labels[known.label_floor:]], \
            f"label of {connector_id}: {text!r}, not one of {known.labels[known.label_floor:]}"
        known.label_floor = known.labels.index(text[:-1])

    def check_grep(self, op, before):
        """grep -H '' */label over the root."""
        found = dict(line.split("/label:", 1) for line in op.output.splitlines())
        for connector_id, label in found.items():
            known = self.known[connector_id]
            assert known.floor <= ACTIVE <= known.truth, f"{connector_id} is not there: {op}"
            self.check_label(connector_id, label + "\n")
        for connector_id, known in self.known.items():
            if known.floor == known.truth == ACTIVE and not known.hidden:
                assert connector_id in found, f"{connector_id} is missing: {op}"

    def note_floors(self, operations):
        for op in operations:
            if op.error != "":
                continue
            known = self.known.get(op.id)
            if op.kind in READS or op.kind == "rmdir archived":
                known.floor = max(known.floor, op.place)
            if op.kind in ARCHIVES and known.truth >= ARCHIVED:
                known.floor = max(known.floor, ARCHIVED)
            if op.kind == "delete":
                known.followed = True

    # The tree

    def check_tree(self, active, archived):
        """Two listings, the root's made first."""
        strangers = (set(active) | set(archived)) - set(self.known)
        assert not strangers, f"nobody created {strangers}"
        for connector_id, known in self.known.items():
            shown = [place for place, names in ((ACTIVE, active), (ARCHIVED, archived))
                     if connector_id in names]
            for place in shown:
                assert known.floor <= place <= known.truth, \
                    f"{connector_id} is shown in {place}, not in {known.floor} to {known.truth}"
            if not shown and known.floor != UNSEEN:
                assert known.truth == GONE, f"{connector_id} is not shown any more"
                known.floor = GONE
            known.floor = max([known.floor, *shown])


def check_resends(attempts, exchanges):
    """A hard delete that may have been carried out is sent again only after a GET."""
    for first, again in zip(attempts, attempts[1:]):
        if first.fault not in BROKEN:
            continue
        start, end = (next(i for i, e in enumerate(exchanges) if e is one)
                      for one in (first, again))
        assert any(e.method == "GET" and e.id == first.id and e.status == 200 and e.answered
                   for e in exchanges[start:end]), \
            f"resent although nobody looked: {exchanges[start:end + 1]}"


def files_of(c):
    """The files of a connector's directory as the contract has them, connector.json aside."""
    files = {}

    def put(name, value):
        if isinstance(value, dict):
            for member, inner in value.items():
                put(f"{name}/{member}", inner)
        elif isinstance(value, list):
            files[name] = "".join(line(one) for one in value)
        else:
            files[name] = "" if value is None else line(value)

    def line(value):
        return (value if isinstance(value, str) else json.dumps(value)) + "\n"

    for member, value in c.items():
        put(member, value)
    return files


def check_contents(directory, c, hidden=False):
    """Every file of a connector's directory equals what the service serves; hidden: of those that
    are shown."""
    wanted = {**files_of(c), ".force_delete": "idle\n"}
    found = {str(path.relative_to(directory)): path.read_bytes().decode()
             for path in directory.rglob("*") if not path.is_dir()}
    if not hidden or "connector.json" in found:
        assert json.dumps(json.loads(found.pop("connector.json"))) == json.dumps(c)
    assert found == (wanted if not hidden else {n: wanted.get(n) for n in found})
