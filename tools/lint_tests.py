#!/usr/bin/env python3
"""Tests that last (trap L4): no bare assert(), which -DNDEBUG takes away; daemons run as processes in system tests; no test is left out."""

import re

import lintlib

INCLUDE = re.compile(r"^\s*#\s*include\s*<(?:assert\.h|cassert)>", re.M)
CALL = re.compile(r"(?<![\w.>])assert\s*\(")
PROGRAM = re.compile(r"^\s*tp_program\(\s*(\w+)", re.M)
CASE = re.compile(r"^static void (\w+)\(void \*\*state\)\s*$", re.M)


def is_daemon(name):
    return name.startswith("tp_")


def check_asserts(root, path):
    text = lintlib.blank_comments(lintlib.read(path))
    problems = []
    for pattern, what in ((INCLUDE, "includes <assert.h>"), (CALL, "calls assert(), which is gone with -DNDEBUG")):
        problems += [f"{path.relative_to(root)}:{text.count(chr(10), 0, m.start()) + 1}: {what}" for m in pattern.finditer(text)]
    return problems


def check_cases(root, path):
    """A test function that no table names never runs; with static functions the compiler only warns."""
    text = lintlib.read(path)
    return [f"{path.relative_to(root)}: {name} is in no table of tests" for name in CASE.findall(text) if len(re.findall(rf"\b{name}\b", text)) < 2]


def check_daemons(root):
    system = "\n".join(lintlib.read(p) for p in sorted((root / "tests/system").rglob("*.py")))
    daemons = {name for p in sorted((root / "apps").rglob("CMakeLists.txt")) for name in PROGRAM.findall(lintlib.read(p)) if is_daemon(name)}
    return [f"apps/{name}: no system test starts it as a process (tests/system)" for name in sorted(daemons)
            if not re.search(rf"[\"'/]{name}\b", system)]


def check(root):
    problems = check_daemons(root)
    for path in lintlib.files_below(root):
        if path.suffix not in (".c", ".cpp", ".h"):
            continue
        problems += check_asserts(root, path)
        if path.name.endswith("_test.c"):
            problems += check_cases(root, path)
    return problems


TEST = "static void a(void **state)\n{\n    assert_true(1);\n}\nint main(void) { run(cmocka_unit_test(a)); }\n"
APP = {"apps/tp_x/CMakeLists.txt": "tp_program(tp_x SOURCES a.c)\n"}
CASES = [
    ("a good test", {"src/x/a_test.c": TEST}, None),
    ("static asserts and words in comments", {"src/x/a.c": "/* assert(x) */\n_Static_assert(1, \"assert(x)\");\n"}, None),
    ("a header that is gone in release builds", {"src/x/a_test.c": "#include <assert.h>\n"}, "includes <assert.h>"),
    ("a bare assert", {"tests/a_test.c": "int main(void) { assert(1 == 1); }\n"}, "a_test.c:1: calls assert()"),
    ("a test that never runs", {"src/x/a_test.c": TEST.replace("cmocka_unit_test(a)", "0")}, "a is in no table"),
    ("a daemon with a system test", {**APP, "tests/system/test_x.py": "run(\"tp_x\")\n"}, None),
    ("a daemon without one", {**APP, "tests/system/test_y.py": "run(\"tp_xy\")\n"}, "apps/tp_x: no"),
]

if __name__ == "__main__":
    lintlib.main(__doc__, check, CASES)
