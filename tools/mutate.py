#!/usr/bin/env python3
"""Disables enforcing lines one at a time and expects the tests that carry their id to fail.

Lines and tests are those of tools/trace_matrix.py; tools/mutants.py takes a condition, a statement or a value away. What is built and run is a
copy below build/mutate: this tree is not touched. Lines that only the compiler judges, or whose tests are all system tests (see --system),
are left out. "BY OTHERS": tests failed, but none that carries the id, so either the line or the tests carry the wrong one.

usage: ./run mutate [--sample N] [--seed S] [--id W-051]... [--file src/shm/slot.h] [--system]
"""

import argparse
import fcntl
import importlib.machinery
import importlib.util
import json
import os
import pathlib
import random
import re
import shlex
import sys
import time

import lintlib
import mutants
import trace_matrix

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = ROOT / "build" / "mutate"


def faults():
    """The script of the faulty variants: it copies, configures, builds and judges."""
    loader = importlib.machinery.SourceFileLoader("faults", str(ROOT / "tests/faults/run"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("faults", loader))
    loader.exec_module(module)
    return module


class Place:
    def __init__(self, path, line, ident, where):
        self.path, self.line, self.id, self.where = path, line, ident, where


def program_of(path):
    """The ctest of a test file, by the names that CMake gives."""
    path = pathlib.PurePath(path)
    stem = re.sub(r"^test_|_test$", "", path.stem)
    if path.parts[0] in ("src", "apps"):
        return f"unit_{path.parts[1]}_{stem}"
    return f"{path.parts[1]}_{stem}"


def programs_of(root, path):
    """Its own program, or those of the tests that include the header of a file full of shared tests."""
    path = pathlib.PurePath(path)
    if path.suffix != ".c" or path.stem.endswith("_test"):
        return [program_of(path)]
    near = sorted((root / path.parent).glob("*_test.c"))
    return [program_of(one.relative_to(root)) for one in near if f"/{path.stem}.h\"" in lintlib.read(one)]


def tests_by_id(root, with_system):
    """{id: {program: {names of cases}}}"""
    found = {}
    for path, name, ids in trace_matrix.tests_in(root):
        if path.endswith(".py") and not with_system:
            continue
        for program in programs_of(root, path):
            for ident in ids:
                found.setdefault(ident, {}).setdefault(program, set()).add(name)
    return found


def places(root, options, tests):
    found, without = [], 0
    rows = trace_matrix.rows_of(root)
    for path, line, ids, where in trace_matrix.enforcing(root):
        if not path.endswith((".c", ".h")) or options.file and options.file not in path:
            continue
        for ident in sorted(ids & rows.keys()):
            if options.id and ident not in options.id:
                continue
            if ident in tests:
                found.append(Place(path, line, ident, where))
            else:
                without += 1
    return found, without


class Tree:
    """The copy, its build and clang's view of it."""

    def __init__(self, helper):
        self.helper, self.source, self.build = helper, BUILD / "source", BUILD / "tree"
        self.source.mkdir(parents=True, exist_ok=True)
        self.lock = open(BUILD / "lock", "w", encoding="ascii")          # held until this process ends
        try:
            fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            sys.exit(f"{BUILD} is in use by another run")
        helper.copy_tree(self.source)
        os.environ["CMAKE_EXPORT_COMPILE_COMMANDS"] = "ON"
        helper.configure(self.source, self.build)
        self.commands = {entry["file"]: entry for entry in json.loads((self.build / "compile_commands.json").read_text())}
        self.programs = self.all_programs()

    def all_programs(self):
        _, output = self.helper.call(["ctest", "--show-only=json-v1"], self.build)
        return {test["name"] for test in json.loads(output)["tests"]}

    def named(self, programs, with_system):
        """Scenarios on the real bus are called system tests."""
        found = {}
        for program, cases in programs.items():
            real = program.replace("scenario_", "system_")
            if program in self.programs or real not in self.programs:
                found[program] = cases
            elif with_system:
                found[real] = cases
        return found

    def unit_for(self, path):
        """A file that is compiled and reads this one."""
        full = str(self.source / path)
        if full in self.commands:
            return full
        name = path.removeprefix("src/").removeprefix("include/")
        near = sorted(self.commands, key=lambda one: (pathlib.Path(one).parent != pathlib.Path(full).parent, one))
        for one in near:
            if one.startswith(str(self.source)) and one.endswith(".c") and re.search(rf'[<"]{re.escape(name)}[>"]', lintlib.read(one)):
                return one
        raise mutants.Nothing("no compiled file includes it")

    def view(self, path):
        unit = self.unit_for(path)
        words = shlex.split(self.commands[unit]["command"])
        kept = [word for at, word in enumerate(words) if re.match(r"-[DI]|-std|-isystem", word) or words[at - 1] in ("-isystem", "-I", "-D")]
        return mutants.Source(self.source / path, unit, kept + ["-I/usr/lib/llvm-14/lib/clang/14.0.6/include", f"-I{self.source}/src"])


def targets_of(tree, programs):
    """System tests run the programs themselves: with one of them everything is built."""
    return ["all"] if any(program.startswith("system_") for program in programs) else sorted(programs)


def try_one(tree, place, wanted, rng, timeout):
    """(verdict, remark)"""
    try:
        text, what = mutants.mutant(tree.view(place.path), place.line, rng)
    except mutants.Nothing as why:
        return "left out", str(why)
    file = tree.source / place.path
    before = file.read_text()
    what = re.sub(r"\s+", " ", what)[:100]
    try:
        file.write_text(text)
        code, output = tree.helper.call(tree.helper.ninja(targets_of(tree, wanted)), tree.build, 1800)
        if code:
            error = re.search(r"error: (.*)", output)
            return "compiler", f"{what}: {error.group(1)[:80] if error else output[-200:]}"
        others = set()
        for program, cases in sorted(wanted.items()):
            code, output = tree.helper.call(["ctest", "-V", "-R", f"^{re.escape(program)}$"], tree.build, timeout)
            failed = tree.helper.failed_cases(output)
            if code is None or (code and any(name.startswith(case + "__") or name == case for name in failed for case in cases)):
                return "killed", f"{what} ({program}{', frozen' if code is None else ''})"
            if code:
                others |= failed
        if others:
            return "BY OTHERS", f"{what}: {', '.join(sorted(others))}"
        return "SURVIVED", f"{what}: {', '.join(sorted(wanted))} passed"
    finally:
        file.write_text(before)


def baseline(tree, chosen, tests):
    """The programs that fail without any fault prove nothing."""
    programs = sorted({program for place in chosen for program in tests[place.id] if program in tree.programs})
    code, output = tree.helper.call(tree.helper.ninja(targets_of(tree, programs)), tree.build, 1800)
    if code:
        sys.exit("the unchanged tree does not build:\n" + output[-4000:])
    code, output = tree.helper.call(["ctest", "-j", os.environ.get("TP_JOBS", "2"), "-R", f"^({'|'.join(programs)})$"], tree.build, 1800)
    broken = set(re.findall(r"^\s*\d+ - (\w+) \(", output, re.M)) if code else set()
    for program in sorted(broken):
        print(f"left out: {program} fails on the unchanged tree", flush=True)
    return set(programs) - broken


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--sample", type=int, default=20, metavar="N", help="how many lines (20)")
    parser.add_argument("--seed", type=int, default=int(time.time()), metavar="S", help="for the same lines and faults again")
    parser.add_argument("--id", action="append", metavar="ID", help="only lines with this id; all of them unless --sample says less")
    parser.add_argument("--file", metavar="PART", help="only files whose path contains this")
    parser.add_argument("--system", action="store_true", help="also run system tests (slow)")
    parser.add_argument("--timeout", type=float, default=120, metavar="SECONDS", help="a test that takes longer has noticed (120)")
    parser.add_argument("--self-test", action="store_true", help="check how lines are disabled")
    options = parser.parse_args()
    if options.self_test:
        return mutants.self_test()
    rng = random.Random(options.seed)
    tests = tests_by_id(ROOT, options.system)
    found, without = places(ROOT, options, tests)
    chosen = rng.sample(found, min(options.sample, len(found)))
    print(f"{len(found)} lines with a test ({without} without, or with system tests only), {len(chosen)} chosen, --seed {options.seed}", flush=True)
    if not chosen:
        return 1
    tree = Tree(faults())
    tests = {ident: tree.named(programs, options.system) for ident, programs in tests.items()}
    usable = baseline(tree, chosen, tests)
    count = {}
    for number, place in enumerate(chosen):
        wanted = {program: cases for program, cases in tests[place.id].items() if program in usable}
        verdict, remark = "left out", "no test"
        if wanted:
            verdict, remark = try_one(tree, place, wanted, random.Random(options.seed * 1000 + number), options.timeout)
        count[verdict] = count.get(verdict, 0) + 1
        print(f"{verdict:9} {place.id} {place.path}:{place.line} {place.where}: {remark}", flush=True)
    print(", ".join(f"{verdict} {number}" for verdict, number in sorted(count.items())))
    return 1 if count.get("SURVIVED") or count.get("BY OTHERS") else 0


if __name__ == "__main__":
    sys.exit(main())
