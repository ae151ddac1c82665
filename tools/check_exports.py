#!/usr/bin/env python3
"""Exports: what a library shows (nm -D) against tools/exports/<library>.txt and the TP_EXPORT declarations of include/. A static archive shows the
same as its shared library, that of the services besides what the client shows, and needs nothing of ours or of our dependencies."""

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


def in_archive(archive):
    """(global symbols, undefined symbols) of a static archive."""
    done = subprocess.run(["nm", "-g", str(archive)], stdout=subprocess.PIPE, text=True, check=True)
    pairs = [match.groups() for match in re.finditer(r"^[0-9a-f ]* (\w) (\S+)$", done.stdout, re.M)]
    return {name for kind, name in pairs if kind != "U"}, {name for kind, name in pairs if kind == "U"}


def judge_archive(name, shown, needed, listed):
    problems = [f"{name}: shows {symbol}, which its list has not" for symbol in sorted(shown - listed)]
    problems += [f"{name}: does not show {symbol} of its list" for symbol in sorted(listed - shown)]
    return problems + [f"{name}: needs {symbol}" for symbol in sorted(needed) if re.match(r"(tp[ic]?|aeron|hdr)_", symbol)]


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
        ("a good archive", judge_archive("lib.a", {"tp_a"}, {"malloc"}, listed), None),
        ("an archive with more", judge_archive("lib.a", {"tp_a", "tpi_b"}, set(), listed), "shows tpi_b"),
        ("an archive with less", judge_archive("lib.a", set(), set(), listed), "does not show tp_a"),
        ("an archive that is not whole", judge_archive("lib.a", {"tp_a"}, {"aeron_init"}, listed), "needs aeron_init"),
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
    for archive in [path for path in options.libraries if path.suffix == ".a"]:
        lists = ["libtensor_pool", archive.stem] if archive.stem == "libtensor_pool_services" else [archive.stem]
        problems += judge_archive(archive.name, *in_archive(archive), set().union(*(read_list(options.root, one) for one in lists)))
    for library in [path for path in options.libraries if path.suffix != ".a"]:
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
