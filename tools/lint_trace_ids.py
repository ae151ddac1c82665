#!/usr/bin/env python3
"""Trace ids: every requirement or trap id at the end of a test's name stands in docs/spec or docs/design/traps.md."""

import re

import lintlib

TEST = re.compile(r"^\s*(?:static\s+void|def|async def)\s+(\w+?__(\w+))\s*\(", re.M)
ONE_ID = re.compile(r"(?:([A-Z])_(\d{1,4}[a-z]?)|([A-Z])(\d{1,2}))(?:_|$)")


def known_ids(root):
    known = set()
    for path in sorted((root / "docs/spec").glob("*.md")):
        text = lintlib.read(path)
        known |= {one for one in re.findall(r"\b[A-Z]-\d+[a-z]?\b", text) if not one.startswith("L-")}
        known |= set(re.findall(r"^\|\s*(L-\d+[a-z]?)\s*\|", text, re.M))          # ours: only with a row of their own
    for path in sorted((root / "docs/design").glob("traps.md")):
        known |= set(re.findall(r"^\|\s*([A-Z]\d+)\s*\|", lintlib.read(path), re.M))
    return known


def split_ids(tail):
    """'W_160_W_161_M6' -> ['W-160', 'W-161', 'M6']; None when it is not made of ids."""
    tail = tail.replace("__", "_")
    found, at = [], 0
    while at < len(tail):
        match = ONE_ID.match(tail, at)
        if not match:
            return None
        found.append(f"{match.group(1)}-{match.group(2)}" if match.group(1) else match.group(3) + match.group(4))
        at = match.end()
    return found


def check(root):
    problems = []
    known = known_ids(root)
    for path in lintlib.files_below(root):
        if path.suffix not in (".c", ".cpp", ".py") or "tools" in path.relative_to(root).parts[:1]:
            continue
        text = lintlib.read(path)
        for match in TEST.finditer(text):
            where = f"{path.relative_to(root)}:{text.count(chr(10), 0, match.start(1)) + 1}"
            ids = split_ids(match.group(2))
            if ids is None:
                problems.append(f"{where}: {match.group(1)}: what follows '__' is no list of ids")
            else:
                problems += [f"{where}: {match.group(1)}: {one} stands neither in docs/spec nor in traps.md" for one in ids if one not in known]
    return problems


DOCS = {"docs/spec/a.md": "| W-160 | x |\n| D-102 | y |\n| O-19 |\n| L-101 | z, unlike L-102 |\n", "docs/design/traps.md": "| M6 | F | x |\n"}
CASES = [
    ("known ids", {**DOCS, "src/a_test.c": "static void x__W_160_D_102_M6(void **state)\nstatic void y__O_19__M6(void **state)\n"}, None),
    ("an extension of ours", {**DOCS, "src/a_test.c": "static void x__L_101(void **state)\n"}, None),
    ("an extension of ours without row", {**DOCS, "src/a_test.c": "static void x__L_102(void **state)\n"}, "L-102 stands neither"),
    ("a name without ids", {**DOCS, "src/a_test.c": "static void z(void **state)\n"}, None),
    ("a requirement that does not exist", {**DOCS, "src/a_test.c": "static void x__W_161(void **state)\n"}, "W-161 stands neither"),
    ("a trap that does not exist", {**DOCS, "src/a_test.c": "static void x__W_160_M7(void **state)\n"}, "M7 stands neither"),
    ("no id", {**DOCS, "src/a_test.c": "static void x__later(void **state)\n"}, "no list of ids"),
    ("a Python test", {**DOCS, "tests/test_a.py": "def test_x__W_999(tmp_path):\n    pass\n"}, "W-999 stands neither"),
]

if __name__ == "__main__":
    lintlib.main(__doc__, check, CASES)
