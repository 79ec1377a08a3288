"""Tables, for people while the run goes on and as markdown at its end; the machine they are of."""

import os
import re
import sys
from pathlib import Path

from benchmarks.measure import Failed, output


def say(text):
    print(text, file=sys.stderr, flush=True)


def seconds(value):
    if value is None:
        return "-"
    return f"{value * 1000:.1f} ms" if value < 1 else f"{value:.2f} s"


def times(value):
    return "-" if value is None else f"{value:.2f}"


def mebibytes(value):
    return "-" if value is None else f"{value / (1 << 20):.1f} MiB"


def count(value):
    return "-" if value is None else f"{value:,.0f}"


WORDS = {"task", "subject", "how", "latency", "pass", "answers", "what", "why"}  # not numbers


class Table:
    def __init__(self, title, *columns):
        self.title, self.columns, self.rows, self.notes = title, columns, [], []

    def add(self, *cells):
        self.rows.append([str(cell) for cell in cells])

    def note(self, text):
        if text not in self.notes:
            self.notes.append(text)

    def text(self):
        lines = [self.columns, *self.rows]
        widths = [max(len(line[i]) for line in lines) for i in range(len(self.columns))]
        body = ["  ".join(cell.ljust(w) if column in WORDS else cell.rjust(w)
                          for cell, w, column in zip(line, widths, self.columns)).rstrip()
                for line in lines]
        return "\n".join([f"\n== {self.title}", *body, *(f"({note})" for note in self.notes)])

    def markdown(self):
        rule = ["---" if column in WORDS else "---:" for column in self.columns]
        lines = [[cell.replace("|", "\\|") for cell in line]
                 for line in (self.columns, rule, *self.rows)]
        return "\n".join([f"**{self.title}**", "", *(f"| {' | '.join(line)} |" for line in lines),
                          *(f"\n{note}" for note in self.notes)])


class Report:
    def __init__(self):
        self.tables = []

    def add(self, table):
        self.tables.append(table)
        print(table.text(), flush=True)

    def print_markdown(self):
        print("\n-- the same as markdown\n")
        print(f"{machine()}\n")
        print("\n\n".join(table.markdown() for table in self.tables), flush=True)


def version(command, pattern=r"\d+\.[\w.+-]+"):
    """The first thing that looks like a version in what a command says."""
    try:
        found = re.search(pattern, output(f"{command} 2>&1"))
    except Failed:
        return "missing"
    return found[0] if found else "unknown"


def machine():
    """The machine and what ran on it, in one paragraph."""
    cpu = re.search(r"model name\s*:\s*(.*)", Path("/proc/cpuinfo").read_text())
    memory_kib = int(re.search(r"MemTotal:\s*(\d+)", Path("/proc/meminfo").read_text())[1])
    packaged = {name: version(f"dpkg-query -W -f '${{Version}}' {name}", r"\S+")
                for name in ("libfuse3-3", "libcurl4", "rclone", "httpdirfs", "sshfs",
                             "nginx-light", "nghttp2-proxy", "curl", "jq")}
    return (f"{cpu[1] if cpu else 'unknown CPU'}, {os.cpu_count()} cores, "
            f"{memory_kib / (1 << 20):.0f} GiB, Linux {os.uname().release}, load average "
            f"{os.getloadavg()[1]:.1f}; "
            + ", ".join(f"{name} {what}" for name, what in packaged.items()))
