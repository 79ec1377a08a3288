#!/usr/bin/python3 -B
"""Checks the walls of the house: what each folder of fs/ may include (fs/README.md tells why).

    tests/walls.py [TOP]        TOP is the top of the source tree, by default this one's

Prints a line for each breach, with file, line and rule; the exit status is 1 if there is one.
"""

import re
import sys
from pathlib import Path

FLOORS = [["base"], ["connector", "kernel"], ["service"], ["catalogue"], ["deletion", "inode"],
          ["fuse"], ["mount"], ["main"]]
FLOOR = {folder: floor for floor, folders in enumerate(FLOORS, 1) for folder in folders}
LIBRARIES = {  # a header of the library, and who may include it
    r"<fuse": r"include/bigdatafs/kernel/libfuse\.h",
    r"bigdatafs/kernel/libfuse\.h": r"fs/(kernel|fuse|mount)/|include/bigdatafs/mount/options\.h",
    r"<curl/": r"fs/service/|fs/mount/source\.c",
    r"<cjson/": r"fs/(connector|service|sandbox)/|fs/deletion/(draft\.[ch]|job\.c|recovery\.c)",
}
TOP_LEVEL = {"meson.build", "README.md", "LICENSE", "fs", "include", "tests", "man"}
LINES_MAX = 500


def folder_of(path):
    """fs/inode/node.c, include/bigdatafs/inode/nodes.h: inode."""
    parts = path.split("/")
    return {"fs": parts[1], "include": parts[2]}[parts[0]] if len(parts) > 2 else "main"


def target_of(path, header, files):
    """The path of an included header of ours, None for a library's."""
    if not header.startswith('"'):
        return None
    beside = path.rsplit("/", 1)[0] + "/" + header.strip('"')
    return beside if beside in files else "include/" + header.strip('"')


def breach_of_include(path, header, first, files):
    """Which rule an include line breaks, or None."""
    for library, allowed in LIBRARIES.items():
        if re.search(library, header) and not re.match(allowed, path):
            return "only the folders named in tests/walls.py know this library"
    target, folder = target_of(path, header, files), folder_of(path)
    own = path.removesuffix(".c") + ".h"
    contract = own if own in files else own.replace("fs/", "include/bigdatafs/", 1)
    if path.endswith(".c") and contract in files and first and target != contract:
        return "a file includes its own contract first"
    if target is None:
        return None
    if target not in files:
        return "a private header stays in its folder"
    other = folder_of(target)
    if other == folder:
        return None
    if "sandbox" in (folder, other):
        return "the sandbox shares no code with the file system"
    if FLOOR[other] >= FLOOR[folder]:
        return f"{folder} is on floor {FLOOR[folder]}, {other} on {FLOOR[other]}: include downwards"
    return None


def circles(edges):
    """The lines whose include closes a circle between the files of one folder."""
    def reaches(start, goal, seen):
        if start == goal:
            return True
        seen.add(start)
        return any(reaches(to, goal, seen) for _, to in edges.get(start, ()) if to not in seen)
    return [where for start, targets in edges.items() for where, to in targets
            if reaches(to, start, set())]


def check_sources(top, breaches):
    files = {str(p.relative_to(top)): p.read_text().splitlines()
             for root in ("fs", "include") for p in sorted((top / root).rglob("*.[ch]"))}
    edges = {}
    for path, lines in files.items():
        if len(lines) > LINES_MAX:
            breaches.append(f"{path}:{LINES_MAX + 1}: a file has at most {LINES_MAX} lines")
        first = True
        for number, line in enumerate(lines, 1):
            include = re.match(r'\s*#\s*include\s+([<"].*[>"])', line)
            if not include:
                continue
            rule = breach_of_include(path, include[1], first, files)
            first = False
            if rule:
                breaches.append(f"{path}:{number}: {include[1]}: {rule}")
            target = target_of(path, include[1], files)
            if target in files and folder_of(target) == folder_of(path):
                start, to = (folder_of(p) + "/" + Path(p).stem for p in (path, target))
                if start != to:
                    edges.setdefault(start, []).append((f"{path}:{number}: {include[1]}", to))
    breaches += [f"{where}: the files of a folder form no circle" for where in circles(edges)]


def check_meson(top, breaches):
    order = re.findall(r"^subdir\('(\w+)'\)", (top / "fs/meson.build").read_text(), re.M)
    floors = [FLOOR[folder] for folder in order if folder in FLOOR]
    if floors != sorted(floors):
        breaches.append("fs/meson.build:1: the folders come in the order of the floors")
    for folder in order:
        text = (top / "fs" / folder / "meson.build").read_text()
        for source in sorted((top / "fs" / folder).glob("*.c")):
            if f"'{source.name}'" not in text:
                breaches.append(f"fs/{folder}/meson.build:1: {source.name} is not built")
        for number, line in enumerate(text.splitlines(), 1):
            for other in re.findall(r"(\w+)_room\b", line):
                if other != folder and FLOOR[other] >= FLOOR.get(folder, 0):
                    breaches.append(f"fs/{folder}/meson.build:{number}: {other}: link downwards")


def main():
    top = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent.parent).resolve()
    breaches = []
    for entry in sorted(top.iterdir()):
        if entry.name not in TOP_LEVEL and not re.match(r"\.|build", entry.name):
            breaches.append(f"{entry.name}:1: the top level holds {', '.join(sorted(TOP_LEVEL))}")
    check_sources(top, breaches)
    check_meson(top, breaches)
    print("\n".join(breaches), end="\n" if breaches else "")
    return 1 if breaches else 0


if __name__ == "__main__":
    sys.exit(main())
