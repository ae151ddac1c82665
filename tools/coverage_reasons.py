#!/usr/bin/env python3
"""docs/coverage.md: which lines of src no test reaches, and why, function by function.

Reasons are kept in docs/coverage.tsv (file, function, reason; '*' for every function of a file), so that they survive edits of the lines. Called
by `./run check coverage` with gcovr's report: prints lines without a reason, and reasons for which every line is reached. --write makes the page.

usage: tools/coverage_reasons.py REPORT.json [--write]
"""

import argparse
import bisect
import json
import pathlib
import sys

import lintlib

ROOT = pathlib.Path(__file__).resolve().parent.parent
REASONS = "docs/coverage.tsv"
PAGE = "docs/coverage.md"
HEAD = """# Lines that no test reaches

Made by `tools/coverage_reasons.py build/coverage/report/all.json --write` from gcovr's report and `docs/coverage.tsv`; do not edit.

Measured over unit, scenario and system tests without the soak, the configuration matrix and the exchange with the foreign peer. Lines that run
only in processes which end by a signal count as not reached. `./run check coverage` prints the lines of `src` for which no reason stands here.

"""


def reasons_in(root):
    """{file: {function: reason}}"""
    found = {}
    for number, line in enumerate(lintlib.read(root / REASONS).splitlines(), 1):
        parts = line.split("\t")
        if len(parts) != 3 or not all(parts):
            sys.exit(f"{REASONS}:{number}: not three columns: file, function, reason")
        found.setdefault(parts[0], {})[parts[1]] = parts[2]
    return found


def missed_in(report):
    """{file: (lines, {function: [line numbers not reached]})} of src"""
    found = {}
    for file in report["files"]:
        if not file["file"].startswith("src/"):
            continue
        starts = sorted((one["lineno"], plain(one.get("name", ""))) for one in file.get("functions", []))
        code = [line for line in file["lines"] if not line.get("gcovr/noncode")]
        missed = {}
        for line in code:
            if not line["count"]:
                at = bisect.bisect_right(starts, (line["line_number"], "\x7f")) - 1
                missed.setdefault(starts[at][1] if at >= 0 else "-", []).append(line["line_number"])
        found[file["file"]] = (len(code), missed)
    return found


def plain(name):
    """The name alone of what C++ calls (anonymous namespace)::name(arguments)."""
    return name.replace("(anonymous namespace)::", "").split("(")[0]


def reason_of(reasons, file, function):
    return reasons.get(file, {}).get(function) or reasons.get(file, {}).get("*")


def judge(missed, reasons):
    """(texts about lines without a reason, texts about reasons without a line)"""
    bare, idle = [], []
    for file, (_, functions) in sorted(missed.items()):
        for function, lines in functions.items():
            if not reason_of(reasons, file, function):
                bare += [f"{file}:{line}: {function}: no test, no reason" for line in lines]
    for file, functions in sorted(reasons.items()):
        for function in functions:
            hit = missed.get(file, (0, {}))[1]
            if "*" != function and function not in hit or "*" == function and not hit:
                idle.append(f"{REASONS}: {file}: {function}: every line is reached")
    return bare, idle


def page(missed, reasons):
    modules = {}
    for file, (lines, functions) in missed.items():
        total = modules.setdefault("/".join(file.split("/")[:2]), [0, 0])
        total[0] += lines
        total[1] += sum(len(one) for one in functions.values())
    out = [HEAD, "| Module | Lines | Not reached | Reached |\n| --- | ---: | ---: | ---: |\n"]
    for module, (lines, bare) in sorted(modules.items()):
        out.append(f"| {module} | {lines} | {bare} | {100 * (lines - bare) / max(lines, 1):.1f} % |\n")
    for file, (_, functions) in sorted(missed.items()):
        groups = {}
        for function, lines in functions.items():
            groups.setdefault(reason_of(reasons, file, function) or "**no reason yet**", []).append((function, len(lines)))
        if groups:
            out.append(f"\n## {file}\n\n| Lines | Where | Why |\n| ---: | --- | --- |\n")
        for reason, where in sorted(groups.items(), key=lambda one: -sum(count for _, count in one[1])):
            names = ", ".join(f"`{name}`" for name, _ in sorted(where))
            out.append(f"| {sum(count for _, count in where)} | {names} | {reason} |\n")
    return "".join(out)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("report", help="gcovr --json")
    parser.add_argument("--write", action="store_true", help=f"write {PAGE}")
    options = parser.parse_args()
    missed = missed_in(json.loads(pathlib.Path(options.report).read_text(encoding="utf-8")))
    reasons = reasons_in(ROOT)
    bare, idle = judge(missed, reasons)
    for text in bare + idle:
        print(text)
    count = sum(len(lines) for _, functions in missed.values() for lines in functions.values())
    print(f"{count} lines of src not reached, {len(bare)} without a reason")
    if options.write:
        (ROOT / PAGE).write_text(page(missed, reasons), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
