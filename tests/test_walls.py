"""The walls between the folders of the source: tests/walls.py passes, and fails where it should."""

import shutil
import subprocess
from pathlib import Path

import pytest

TOP = Path(__file__).parent.parent


def walls(top):
    return subprocess.run([TOP / "tests/walls.py", top], capture_output=True, text=True)


@pytest.fixture
def house(tmp_path):
    """A copy of the source that a test may break."""
    top = tmp_path / "house"
    for part in ("fs", "include"):
        shutil.copytree(TOP / part, top / part)
    return top


def add_line(path, line):
    lines = path.read_text().splitlines()
    last = max(n for n, text in enumerate(lines) if text.startswith("#include"))
    lines.insert(last + 1, line)
    path.write_text("\n".join(lines) + "\n")
    return last + 2


def test_the_house_stands(house):
    result = walls(TOP)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    assert walls(house).returncode == 0


@pytest.mark.parametrize("path, line, rule", [
    ("fs/catalogue/catalogue.c", '#include "bigdatafs/inode/nodes.h"', "include downwards"),
    ("fs/inode/node.c", '#include "bigdatafs/deletion/deletion.h"', "include downwards"),
    ("fs/catalogue/catalogue.c", "#include <fuse_lowlevel.h>", "know this library"),
    ("fs/deletion/deletion.c", "#include <curl/curl.h>", "know this library"),
    ("fs/fuse/session.c", "#include <cjson/cJSON.h>", "know this library"),
    ("fs/mount/mount.c", '#include "http.h"', "a private header stays in its folder"),
    ("fs/sandbox/main.c", '#include "bigdatafs/base/buf.h"', "shares no code"),
    ("fs/catalogue/refresh.h", '#include "bigdatafs/catalogue/catalogue.h"', "form no circle"),
])
def test_a_breach_is_named_with_file_line_and_rule(house, path, line, rule):
    number = add_line(house / path, line)
    result = walls(house)
    assert result.returncode == 1
    assert any(text.startswith(f"{path}:{number}: ") and rule in text
               for text in result.stdout.splitlines()), result.stdout


def test_a_folder_links_lower_ones_alone(house):
    meson = house / "fs/base/meson.build"
    meson.write_text(meson.read_text().replace("dependencies: [", "dependencies: [mount_room, "))
    assert "fs/base/meson.build" in walls(house).stdout


def test_a_source_that_is_not_built_is_named(house):
    (house / "fs/base/lost.c").write_text("int lost;\n")
    assert "lost.c is not built" in walls(house).stdout


def test_a_file_that_is_too_long_is_named(house):
    with open(house / "fs/base/buf.c", "a") as file:
        file.write("/* */\n" * 500)
    assert "fs/base/buf.c:501: a file has at most 500 lines" in walls(house).stdout


def test_nothing_else_lies_at_the_top(house):
    (house / "notes.txt").touch()
    assert "notes.txt:1: " in walls(house).stdout
