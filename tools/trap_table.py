#!/usr/bin/env python3
"""Traps: each trap of docs/design/traps.md has a test and a faulty variant; docs/guide/traps-and-tests.md, written by --write, lists them."""

import re

import lintlib

TRAPS = "docs/design/traps.md"
PAGE = "docs/guide/traps-and-tests.md"
FAULTS = "tests/faults"
LATER = {}                                                                     # {trap: part whose module is still to come}
# Guards that are no tests with a name: (ctest, file that adds it, text that stands there).
GUARDS = {
    "M3": [("model_seqlock", "tests/model/CMakeLists.txt", "NAME model_seqlock")],
    "L4": [("lint_tests", "tools/CMakeLists.txt", "tp_lint(tests lint_tests.py"),
           ("the system tests", "tests/system/CMakeLists.txt", "NAME system_${name}")],
    "L5": [("install_tree and one test a route: find_package, pkg_config, add_subdirectory", "tests/install/CMakeLists.txt", "NAME install_${route}"),
           ("install_default_build_type", "tests/install/CMakeLists.txt", "NAME install_default_build_type"),
           ("lint_pins", "tools/CMakeLists.txt", "tp_lint(pins lint_pins.py")],
    "L6": [("lint_headers", "tools/CMakeLists.txt", "tp_lint(headers lint_headers.py")],
}
TEST = re.compile(r"^\s*(?:static\s+void|def|async def)\s+(\w+?)__(\w+)\s*\(", re.M)
HEAD = f"""# Traps and their tests

Written by `tools/trap_table.py --write`; do not edit. Each trap of [traps.md](../design/traps.md) with the tests that carry its number, and its
faulty variants ([tests/faults](../../{FAULTS}/)): patches that fall into the trap, which `./run check faults` applies one by one
to see the tests fail.
"""


def traps_of(root):
    """{id: (severity, what goes wrong)} in the order of the document."""
    rows = re.findall(r"^\|\s*([AMPL]\d+)\s*\|\s*(\w)\s*\|\s*(.*?)\s*\|", lintlib.read(root / TRAPS), re.M)
    return {trap: (letter, what) for trap, letter, what in rows}


def tests_of(root):
    """{trap: {path: [name, ...]}}"""
    found = {}
    for path in lintlib.files_below(root):
        name = path.relative_to(root)
        if path.suffix not in (".c", ".cpp", ".py") or name.parts[0] not in ("src", "tests", "apps"):
            continue
        for match in TEST.finditer(lintlib.read(path)):
            for trap in re.findall(r"(?:^|_)([AMPL]\d+)(?=_|$)", match.group(2)):
                found.setdefault(trap, {}).setdefault(str(name), []).append(match.group(1))
    return found


def variants_of(root):
    found = {}
    for path in sorted((root / FAULTS).glob("*.patch")):
        named = re.search(r"^# trap: *(.+)$", lintlib.read(path), re.M)
        for trap in re.findall(r"[A-Z]\d+", re.sub(r"[A-Z]-\d+", "", named.group(1))) if named else []:
            found.setdefault(trap, []).append(path.stem)
    return found


def guards_of(root, trap):
    """(ctest names, problems)"""
    rows = [(name, (root / path).exists() and text in lintlib.read(root / path), path) for name, path, text in GUARDS.get(trap, [])]
    return [name for name, there, _ in rows if there], [f"{trap}: {path} does not add {name}" for name, there, path in rows if not there]


def page(root):
    lines, tests, variants = [HEAD], tests_of(root), variants_of(root)
    for trap, (letter, what) in traps_of(root).items():
        guards, _ = guards_of(root, trap)
        lines += [f"## {trap} ({letter})", "", what, ""]
        if trap in LATER and trap not in tests:
            lines += [f"Comes with {LATER[trap]}.", ""]
            continue
        lines += [f"- `{path}`: " + ", ".join(name.replace("_", " ") for name in names) for path, names in sorted(tests.get(trap, {}).items())]
        lines += [f"- ctest: {name}" for name in guards]
        lines += [f"- faulty: {', '.join(name.split('-', 1)[1].replace('-', ' ') for name in variants[trap])}"] if trap in variants else []
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def check(root, options):
    problems, tests, variants = [], tests_of(root), variants_of(root)
    for trap in traps_of(root):
        guards, missing = guards_of(root, trap)
        problems += missing
        if trap in LATER:
            continue
        if trap not in tests and not guards:
            problems.append(f"{trap}: no test carries it (a name that ends with __{trap})")
        if trap not in variants:
            problems.append(f"{trap}: no faulty variant {FAULTS}/{trap}-<what>.patch")
    text = page(root)
    if options.write:
        (root / PAGE).parent.mkdir(parents=True, exist_ok=True)
        (root / PAGE).write_text(text, encoding="utf-8")
    elif not (root / PAGE).exists() or text != lintlib.read(root / PAGE):
        problems.append(f"{PAGE} is out of date. Fix: tools/trap_table.py --write")
    return problems


DOC = {TRAPS: "| # | | Trap | Ours |\n| M1 | C | wraps | no |\n"}
GOOD = {**DOC, "src/x/a_test.c": "static void x__M1(void **state)\n", "tests/faults/M1-a.patch": "# trap: M1, W-1\n"}
CASES = [
    ("a trap with test and variant", {**GOOD, PAGE: HEAD + "\n## M1 (C)\n\nwraps\n\n- `src/x/a_test.c`: x\n- faulty: a\n"}, None),
    ("a page out of date", {**GOOD, PAGE: HEAD}, "is out of date"),
    ("a trap without test", {**DOC, "tests/faults/M1-a.patch": "# trap: M1\n"}, "M1: no test"),
    ("M11 is not M1", {**DOC, "src/x/a_test.c": "static void x__M11(void **state)\n"}, "M1: no test"),
    ("a trap without variant", {**DOC, "src/x/a_test.c": "static void x__W_001_M1(void **state)\n"}, "M1: no faulty variant"),
    ("a guard that is gone", {TRAPS: "| L6 | W | headers | x |\n", "tools/CMakeLists.txt": ""}, "does not add lint_headers"),
]


def arguments(parser):
    parser.add_argument("--write", action="store_true", help=f"write {PAGE}")


if __name__ == "__main__":
    lintlib.main(__doc__, check, CASES, arguments)
