"""One table of options: the program takes what --help and the manual say, with those ranges."""

import re
from pathlib import Path

import pytest

MANUAL = Path(__file__).parent.parent / "man/bigdatafs.1"


def manual_options():
    """The OPTIONS section: each option with the text below it."""
    text = MANUAL.read_text().replace("\\-", "-")
    section = re.search(r"^\.SH OPTIONS\n(.*?)^\.SH ", text, re.S | re.M)[1]
    entries = re.split(r"^\.TP\n", section, flags=re.M)[1:]
    # .BR sandbox [ =\c continues on the next line.
    heads = [re.sub(r"\\c\n\.IR (\S+) ]", r"\1]", entry).partition("\n") for entry in entries]
    options = {}
    for head, _, body in heads:
        plain = re.sub(r'^\.\w+ |\\f.|"', "", head).replace(" ", "")
        for name in plain.split(","):
            options[re.split(r"[=\[]", name)[0]] = " ".join(body.split())
    return options


def help_options(program):
    """--help: each option with its argument ("" for none) and its default, as text."""
    done = program("--help")
    assert done.returncode == 0 and done.stderr == ""
    rows = re.findall(r"^  (-\w, --\w+|[a-z_-][^ \n]*) +.*?(?:\((\d+)\))?$", done.stdout, re.M)
    options = {}
    for spelling, default in rows:
        for name in spelling.split(", "):
            bare, _, argument = re.sub(r"[\[\]]", "", name).partition("=")
            options[bare] = (argument, default)
    del options["allow_other"]  # and others of mount(8), which are not this program's
    return options


def numbers():
    """Each option of the manual that is a number: name, least, most, base."""
    found = {}
    for name, body in manual_options().items():
        limits = re.search(r"\((\d+) to (\d+); default (\d+)\)", body)
        if limits:
            found[name] = tuple(map(int, limits.groups()))
    return found


def test_help_and_manual_have_the_same_options(program):
    told = {name for name in help_options(program) if name != "SOURCE"}
    known = set(manual_options())
    assert told - known == set()
    assert {name for name in known if name in told} == told
    # What the manual alone has is mount(8)'s.
    assert known - told <= {"allow_other", "nosuid", "nodev", "noexec", "noatime..."}


def test_help_fits_a_terminal(program):
    assert max(map(len, program("--help").stdout.splitlines())) <= 100


def test_defaults_are_the_same_in_help_and_manual(program):
    shown = help_options(program)
    limits = numbers()
    assert {"ttl", "stale", "timeout", "guard", "parallel"} <= set(limits)
    for name, (_, _, default) in limits.items():
        assert shown[name][1] == str(default)


@pytest.fixture
def said_of(program, tmp_path):
    """said_of(option): what a start says that can only fail: its mount point is not there. None when
    it says just that, so that the option was taken."""
    def say(option):
        done = program("unix:/nonexistent/socket", tmp_path / "nowhere", "-o", option)
        assert done.returncode == 2
        return None if "nowhere does not exist" in done.stderr else done.stderr
    return say


@pytest.mark.parametrize("name", sorted(numbers()))
def test_ranges_are_those_of_the_manual(said_of, name):
    least, most, _ = numbers()[name]
    for value in (least, most):
        assert said_of(f"{name}={value}") is None
    for value in (least - 1, most + 1, f"{least}x", ""):
        assert f"{name} must be a number from {least} to {most}" in said_of(f"{name}={value}")


@pytest.mark.parametrize("name, least, most, beyond", [
    ("uid", "0", "4294967294", "4294967295"), ("gid", "0", "4294967294", "4294967295"),
    ("umask", "0", "777", "1000"), ("umask", "0", "777", "8")])
def test_ids_and_modes_have_edges(said_of, name, least, most, beyond):
    assert said_of(f"{name}={least}") is None and said_of(f"{name}={most}") is None
    assert f"{name} must be" in said_of(f"{name}={beyond}")


@pytest.mark.parametrize("option", [
    "_netdev", "defaults", "auto", "noauto", "user", "user=somebody", "nouser", "users",
    "comment=words", "x-systemd.automount"])
def test_what_mount_needs_is_taken(said_of, option):
    assert said_of(option) is None
