#!/usr/bin/env python3
"""Exports: what a library shows (nm -D) against tools/exports/<library>.txt and the TP_EXPORT declarations of include/."""

import argparse
import re
import subprocess
import sys
from pathlib import Path

import lintlib

LISTS = "tools/exports"
SERVICES = "tp_services.h"


def exported(library):
    """{symbol: version node} of a shared library."""
    done = subprocess.run(["nm", "-D", "--defined-only", "--with-symbol-versions", str(library)], stdout=subprocess.PIPE, text=True, check=True)
    found = {}
    for line in done.stdout.splitlines():
        match = re.match(r"[0-9a-f]* +(\w) +([^@\s]+)(?:@@?(\S+))?$", line)
        if match and match.group(1) != "A":
            found[match.group(2)] = match.group(3) or ""
    return found


def declared(root):
    """Every function that a public header declares with TP_EXPORT."""
    names = {}
    for path in sorted((root / "include").rglob("*.h")):
        text = lintlib.blank_comments(lintlib.read(path))
        text = re.sub(r"^[ \t]*#.*$", "", text, flags=re.M)
        for match in re.finditer(r"\bTP_EXPORT\b([^;{]*?)\b(\w+)\s*\(", text):
            names[match.group(2)] = str(path.relative_to(root))
    return names


def judge_library(name, symbols, listed):
    """Problems of one library: symbols as exported() gives them, listed the public names of its list."""
    problems = []
    public = {symbol for symbol, node in symbols.items() if node == "TP_1"}
    for symbol, node in sorted(symbols.items()):
        if node != "TP_1" and not (node.startswith("TP_PRIVATE_") and re.match(r"tp[ic]_", symbol)):
            problems.append(f"{name}: shows {symbol} in node '{node}'; only tp_* in TP_1, tpi_* and tpc_* in TP_PRIVATE_<version>")
    problems += [f"{name}: shows {symbol}, which its list has not" for symbol in sorted(public - listed)]
    problems += [f"{name}: does not show {symbol} of its list" for symbol in sorted(listed - public)]
    return problems


def judge_declarations(declarations, public):
    problems = [f"{header}: declares {name}, which no library shows" for name, header in sorted(declarations.items()) if name not in public]
    undeclared = sorted(set(public) - set(declarations))
    return problems + [f"{public[name]}: shows {name}, which no public header declares" for name in undeclared]


def read_list(root, name):
    path = root / LISTS / f"{name}.txt"
    return {line.split("#")[0].strip() for line in lintlib.read(path).splitlines()} - {""} if path.exists() else set()


def self_test():
    listed = {"tp_a"}
    good = {"tp_a": "TP_1", "tpi_b": "TP_PRIVATE_1.2.3", "tpc_c": "TP_PRIVATE_1.2.3"}
    cases = [
        ("good", judge_library("lib", good, listed), None),
        ("a new symbol", judge_library("lib", {**good, "tp_d": "TP_1"}, listed), "which its list has not"),
        ("a lost symbol", judge_library("lib", {}, listed), "does not show tp_a"),
        ("an Aeron symbol", judge_library("lib", {**good, "aeron_init": "TP_PRIVATE_1.2.3"}, listed), "shows aeron_init"),
        ("a symbol without version", judge_library("lib", {**good, "tpi_x": ""}, listed), "in node ''"),
        ("declared and shown", judge_declarations({"tp_a": "x.h"}, {"tp_a": "lib"}), None),
        ("declared only", judge_declarations({"tp_a": "x.h"}, {}), "no library shows"),
        ("shown only", judge_declarations({}, {"tp_a": "lib"}), "no public header"),
    ]
    failed = [name for name, problems, expected in cases
              if (problems if expected is None else not any(expected in problem for problem in problems))]
    print(f"{len(cases)} cases, failed: {failed}")
    return 1 if failed else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parent.parent)
    parser.add_argument("--update", action="store_true", help="write the lists anew")
    parser.add_argument("--self-test", action="store_true")
    parser.add_argument("libraries", nargs="*", type=Path)
    options = parser.parse_args()
    if options.self_test:
        sys.exit(self_test())
    problems, public = [], {}
    for library in options.libraries:
        name = library.name.split(".so")[0]
        symbols = exported(library)
        shown = sorted(symbol for symbol, node in symbols.items() if node == "TP_1")
        public.update({symbol: name for symbol in shown})
        if options.update:
            (options.root / LISTS).mkdir(exist_ok=True)
            (options.root / LISTS / f"{name}.txt").write_text("".join(f"{symbol}\n" for symbol in shown))
        problems += judge_library(name, symbols, read_list(options.root, name))
    problems += judge_declarations(declared(options.root), public)
    for problem in problems:
        print(problem)
    print(f"{len(problems)} problems")
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
