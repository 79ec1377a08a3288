"""The same commands on all subjects: against tmpfs, which is the limit, and against the peers."""

import math
import time
from contextlib import ExitStack

from benchmarks import servers, subjects
from benchmarks.measure import Failed, Samples, TooSlow, memory, output, timed
from benchmarks.report import Table, count, mebibytes, say, seconds, times

WORD = "FAILED"
VISIBLE_FIND = "find . -name '.?*' -prune -o"
ALL = {"ls -lR": "ls -lR", "find": "find .", "grep -r": f"grep -r {WORD} .",
       "cat of all": "xargs -0 -a {files} cat", "cat */label": "cat */label"}
VISIBLE = ALL | {"find": f"{VISIBLE_FIND} -print",
                 "grep -r": f"grep -r --exclude-dir='.?*' --exclude='.*' {WORD} ."}
PATIENCE = 40  # seconds for one pass
PEER_BUDGET = 6  # seconds for a task on a subject, where a pass of many takes as long
SHORT = 0.5  # seconds: what takes less is measured several times in a mount
AT_LATENCY = ("ls -lR", "cat of all", "cat */label")


class Comparison:
    """Rounds of one task after the other, in each of which every subject has its turn."""

    def __init__(self, stage, title, files, tasks, four, budget=math.inf):
        self.stage, self.tasks, self.four, self.budget = stage, tasks, four, budget
        self.title, self.files = title, files
        self.samples, self.spent, self.failures, self.answers = Samples(), {}, {}, {}
        self.given_up = {}

    def run(self, compared):
        repeat, budget = self.stage.options.repeat, min(self.budget, self.stage.options.budget)
        for turn in range(repeat):
            for task, command in self.tasks.items():
                order = compared[turn % len(compared):] + compared[:turn % len(compared)]
                for subject in order:
                    key = subject.name, task
                    if subject.name in self.given_up:
                        self.failures.setdefault(key, self.given_up[subject.name])
                    if key in self.failures or self.spent.get(key, 0) >= budget:
                        continue
                    say(f"{self.title}: {task} on {subject.name}, {turn + 1} of {repeat}")
                    self.measure(subject, task, command.format(files=self.files))

    def measure(self, subject, task, command):
        key = subject.name, task
        try:
            start = time.monotonic()
            with subject.mounted() as mounted:
                self.samples.add((*key, "mount"), time.monotonic() - start)
                self.passes(subject, task, command, mounted)
            if self.four:
                with subject.mounted() as mounted:
                    self.one(key, "cold 4", command, mounted, processes=4)
        except (Failed, TimeoutError) as failure:
            self.failures[key] = str(failure)
            if isinstance(failure, TooSlow):
                self.failures[key] = f"more than {PATIENCE} s"
                self.given_up[subject.name] = f"not tried: {task} took more than {PATIENCE} s"
            say(f"{subject.name}, {task}: {failure}")

    def passes(self, subject, task, command, mounted):
        """Cold; the second, before which the kernel forgot access times; then the warm ones."""
        key = subject.name, task
        first = self.one(key, "cold", command, mounted)
        second = self.one(key, "second", command, mounted)
        repeats = min(5, max(1, math.ceil(SHORT / second)))
        for _ in range(repeats):
            self.one(key, "warm", command, mounted)
        for _ in range(repeats if self.four else 0):
            self.one(key, "warm 4", command, mounted, processes=4)
        if (subject.name, task) not in self.answers:
            self.answers[subject.name, task] = output(f"{command} | wc -lc", mounted.path).split()
        most, now = memory(mounted.pids())
        self.samples.add((*key, "most"), most)
        self.samples.add((*key, "now"), now)
        say(f"    {first:.3f} s cold, {second:.3f} s then")

    def one(self, key, which, command, mounted, processes=1):
        before = mounted.requests() if which != "cold" else 0
        took = timed(command, mounted.path, processes, PATIENCE)
        self.samples.add((*key, which), took)
        self.spent[key] = self.spent.get(key, 0) + took
        if before is not None:
            after = mounted.requests()
            self.samples.add((*key, which, "requests"),
                             *([] if after is None else [after - before]))
        return took

    # What it comes to

    def table(self, names, base, passes):
        """base(samples, task, which): the key that others are compared with."""
        compared = [which for which in passes if which not in ("mount", "second")]
        table = Table(self.title, "task", "subject", *passes, "n",
                      *(f"{which}, ratio" for which in compared))
        for task in self.tasks:
            for name in names:
                key = name, task
                if key in self.failures:
                    table.note(f"{name}, {task}: {self.failures[key]}")
                    continue
                if not self.samples.count((*key, "cold")):
                    continue
                ratios = [self.samples.ratio((*key, which), base(self.samples, task, which))
                          for which in compared]
                table.add(task, name, *(seconds(self.samples.median((*key, which)))
                                        for which in passes),
                          self.samples.count((*key, "cold")), *map(times, ratios))
        self.check_answers(table, names)
        return table

    def check_answers(self, table, names):
        """The same tree must give the same output everywhere; ls prints owners, links and times,
        which differ, so its lines alone count."""
        for task in self.tasks:
            answers = {name: self.answers[name, task] for name in names
                       if (name, task) in self.answers}
            lines = {name: int(a[0]) for name, a in answers.items()}
            size = {name: int(a[1]) for name, a in answers.items()}
            wrong = lines if len(set(lines.values())) > 1 else \
                size if task != "ls -lR" and len(set(size.values())) > 1 else None
            if wrong:
                what = "lines" if wrong is lines else "bytes"
                table.note(f"not the same answer to {task}: " + ", ".join(
                    f"{name} {number:,} {what}" for name, number in wrong.items()))

    def memory_table(self, names):
        table = Table(f"{self.title}: resident memory", "subject", "most", "after the task")
        for name in names:
            worst = [max(self.samples.of[key]) if self.samples.of.get(key) else 0
                     for key in self.keys(name, "most")]
            left = [max(self.samples.of[key]) if self.samples.of.get(key) else 0
                    for key in self.keys(name, "now")]
            if max(worst, default=0):
                table.add(name, mebibytes(max(worst)), mebibytes(max(left)))
        return table

    def keys(self, name, which):
        return [(name, task, which) for task in self.tasks]

    def request_table(self, name):
        table = Table(f"{self.title}: requests to the service", "task", "cold, mount included",
                      "second", "warm")
        for task in self.tasks:
            table.add(task, *(count(max(self.samples.of.get((name, task, which, "requests"), [0])))
                              for which in ("cold", "second", "warm")))
        return table


def file_list(stage, copy, name, visible):
    """The files of a copy, in the order of their names, for xargs. Without .bigdatafs, whose
    files are never twice the same."""
    path = stage.directory / name
    condition = VISIBLE_FIND if visible else "find . -path ./.bigdatafs -prune -o"
    output(f"{condition} -type f -print0 | LC_ALL=C sort -z > {path}", copy)
    return path


def tmpfs(stage, report):
    """bigdatafs against tmpfs with a copy of the tree, dot files and all."""
    for size in [n for n in (10, 1000, 10000) if n in stage.options.sizes]:
        with stage.service(size) as sandbox:
            copy = stage.copy(sandbox, size)
            files = file_list(stage, copy, f"files-{size}", visible=False)
            comparison = Comparison(stage, f"{size:,} connectors, against tmpfs", files, ALL,
                                    four=True)
            comparison.run([subjects.Bigdatafs(stage, sandbox), subjects.Tmpfs(copy)])
        names = ["bigdatafs", "tmpfs"]
        table = comparison.table(names, lambda _, task, which: ("tmpfs", task, which),
                                 ["mount", "cold", "second", "warm", "cold 4", "warm 4"])
        table.note("ratio: to tmpfs; on tmpfs nothing is ever cold")
        if size == 1000:
            table.note("10 / 1,000 / 10,000 connectors; 100,000 in a tmpfs would take 8 GB: see "
                       "the cost of an operation at 100,000 connectors")
        report.add(table)
        report.add(comparison.memory_table(names))
        report.add(comparison.request_table("bigdatafs"))


def peers_at(stage, size, latency, stack, sandbox, table_notes):
    """The subjects that can be had, on servers that are up as long as the stack is."""
    copy = stage.copy(sandbox, size, visible=True)
    found = [subjects.Bigdatafs(stage, sandbox)]

    def try_to(name, make):
        try:
            found.extend(make())
        except (Failed, AssertionError, OSError, TimeoutError) as failure:
            table_notes.append(f"{name} is missing: {failure}")
            say(table_notes[-1])

    def on_nginx():
        port = stack.enter_context(servers.nginx(stage, copy))
        port = stack.enter_context(servers.delayed(stage, port, latency))
        return port

    def on_sshd():
        port, keys = stack.enter_context(servers.sshd(stage))
        port = stack.enter_context(servers.delayed(stage, port, latency))
        servers.program("sshfs")
        kinds = (True,) if latency else (False, True)
        return [subjects.sshfs(stage, port, keys, copy, tuned) for tuned in kinds]

    def on_http(name, make):
        servers.program(name)
        return make(http[0])

    http = []
    try_to("nginx", lambda: http.append(on_nginx()) or [])
    if http:
        kinds = ["rclone cached"] if latency else list(subjects.RCLONE)
        try_to("rclone", lambda: on_http("rclone", lambda port: [
            subjects.rclone(stage, port, kind) for kind in kinds]))
        try_to("httpdirfs", lambda: on_http("httpdirfs", lambda port: [
            subjects.httpdirfs(stage, port)]))
    try_to("sshfs", on_sshd)
    return found, copy


def best_peer(samples, names):
    def base(_, task, which):
        known = [(samples.median((name, task, which)), name) for name in names
                 if samples.count((name, task, which))]
        return (min(known)[1], task, which) if known else None
    return base


def compare_peers(stage, report, size, latency):
    notes, title = [], f"{size:,} connectors, {latency} ms, against other file systems"
    tasks = VISIBLE if not latency else {task: VISIBLE[task] for task in AT_LATENCY}
    with ExitStack() as stack:
        sandbox = stack.enter_context(stage.service(size, latency))
        compared, copy = peers_at(stage, size, latency, stack, sandbox, notes)
        files = file_list(stage, copy, f"visible-{size}", visible=True)
        comparison = Comparison(stage, title, files, tasks, four=False, budget=PEER_BUDGET)
        comparison.run(compared)
    names = [subject.name for subject in compared]
    table = comparison.table(names, best_peer(comparison.samples, names[1:]),
                             ["mount", "cold", "second", "warm"])
    table.note("mount is not part of cold; bigdatafs fetches its list then, the peers nothing")
    table.note("ratio: to the best peer; names that begin with a dot are left out, as nginx does "
               "not list them; httpdirfs does not show empty files")
    for text in notes:
        table.note(text)
    report.add(table)
    report.add(comparison.memory_table(names))


def peers(stage, report):
    """Against rclone and httpdirfs on nginx, and sshfs: 0 ms for many, latency for few."""
    sizes, latencies = stage.options.sizes, stage.options.latencies
    for size in [n for n in (10, 1000) if n in sizes]:
        if 0 in latencies:
            compare_peers(stage, report, size, 0)
    for latency in [ms for ms in latencies if ms and 10 in sizes]:
        compare_peers(stage, report, 10, latency)
    table = Table("not measured", "what", "why")
    table.add("peers at 10,000 and 100,000", "a request per file and pass: hours")
    table.add("peers at 1,000 with latency", "18,000 requests in a row, 15 minutes at 50 ms")
    report.add(table)
