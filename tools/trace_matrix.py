#!/usr/bin/env python3
"""Requirements: docs/spec, the lines that enforce them and the tests that prove them, as generated documents; rows without either fail.

An enforcing line carries the id in a comment: at its end, or alone in front of the statement or definition. A comment at a prototype,
at a type or its members, or at the head of a file explains, and does not count. A test carries the id at the end of its name: what__W_160.

Rows of the local extensions, L-101 and so on, may go without level: | L-101 | text |. They count as MUST.

  tools/trace_matrix.py                     checks
  tools/trace_matrix.py --write             writes the documents anew (also the way out of a merge conflict in them)
  tools/trace_matrix.py --results DIR       writes DIR/REQUIREMENTS_TEST_CHECKLIST.md with what the last ctest in DIR said
"""

import re
import subprocess
import sys
from pathlib import Path

import lint_trace_ids
import lintlib

MATRIX = "docs/TRACEABILITY_MATRIX_SHM_ALL.md"
CHECKLIST = "docs/REQUIREMENTS_TEST_CHECKLIST.md"
COUNTS = "docs/README.md"
MARKS = ("<!-- counted by tools/trace_matrix.py -->", "<!-- end of the count -->")
REVIEW = "docs/spec/by-review.tsv"          # id, what was looked at, why no test
DEFERRED = "docs/spec/deferred.tsv"         # id or letter of a part, reason
OPEN = "docs/spec/open.tsv"                 # rows that must be closed; the list only shrinks
LEVELS = ("MUST", "MUST NOT", "SHOULD", "SHOULD NOT", "MAY")
LEVEL = r"\(?(?:MUST NOT|MUST|SHOULD NOT|SHOULD|MAY)\)?"
ROW = re.compile(rf"^\|\s*(?:([A-Z]-\d+[a-z]?)\s*\|\s*({LEVEL})|(L-\d+[a-z]?))\s*\|(.*)\|\s*$", re.M)     # our own rows may go without level
ID = re.compile(r"(?<![\w-])([WDSXTJBRPIL]-\d+[a-z]?)\b(?:\s*\.\.\s*(?:[A-Z]-)?(\d+))?")
TEST = re.compile(r"^\s*(?:(?:public |static )*void|def|async def)\s+(\w+?)__(\w+)\s*\(", re.M)
SOURCES = {"src": (".c", ".cpp", ".h", ".in", ".txt"), "apps": (".c", ".cpp", ".h"), "include": (".h",), "schemas": (".xml",)}
COMMENT = re.compile(r'"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'|(?P<c>//[^\n]*|/\*.*?\*/)', re.S)


class Row:
    def __init__(self, part, ident, level, text):
        cells = [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", text)]
        self.part, self.id, self.level = part, ident, level
        self.text, self.verify = cells[0], cells[1] if len(cells) > 1 else ""
        self.code, self.tests = [], []          # "file: function", (file, name)

    letter = property(lambda self: self.id[0])
    kind = property(lambda self: self.level.strip("()"))
    must = property(lambda self: self.kind.startswith("MUST"))

    def lacks(self):
        return [what for what, found in (("line", self.code), ("test", self.tests)) if not found]


def rows_of(root):
    rows = {}
    for path in sorted((root / "docs/spec").glob("*.md")):
        for ident, level, own, text in ROW.findall(lintlib.read(path)):
            rows[ident or own] = Row(path.name, ident or own, level or "MUST", text)
    return rows


def ids_in(text):
    """'W-012, D-036..D-038' -> {'W-012', 'D-036', 'D-037', 'D-038'}"""
    found = set()
    for first, last in ID.findall(text):
        found.add(first)
        if last:
            digits = re.sub(r"\D", "", first)
            found |= {f"{first[0]}-{number:0{len(digits)}d}" for number in range(int(digits), min(int(last), int(digits) + 99) + 1)}
    return found


def definition(line):
    """The name that a line at the left margin defines or declares, or nothing."""
    macro = re.match(r"#\s*define\s+(\w+)", line)
    if macro:
        return macro.group(1)
    if not re.match(r"[A-Za-z_]", line):
        return ""
    call = re.match(r"_Static_assert|TPI_\w+\(", line)
    if call:
        return ""
    name = re.search(r"(\w+)\s*\(", line) or re.search(r"(\w+)\s*(?:\[[^\]]*\])*\s*(?:=|$|;)", line)
    return name.group(1) if name else ""


def is_prototype(lines, at):
    """Whether what begins at this line is a declaration without body."""
    text = " ".join(lines[at:at + 12])
    end = re.search(r"[;{=]", text)
    return bool(re.match(r"[A-Za-z_]", lines[at])) and "(" in text[:end.start() if end else None] and bool(end) and ";" == end.group(0) \
        and not text.startswith("_Static_assert")


def is_member(lines, at):
    """Whether the line only declares: a type, or a member of one."""
    top = next((lines[n] for n in range(at, -1, -1) if re.match(r"[A-Za-z_#]", lines[n])), "")
    return bool(re.match(r"(?:typedef\s+)?(?:enum|struct|union)\b[^(=]*$", top))


def places_in(path, text):
    """[(line number, ids, where)] of the enforcing lines of a source file."""
    if path.suffix in (".xml", ".in", ".txt"):
        return [(number, ids_in(line), "") for number, line in enumerate(text.splitlines(), 1) if ids_in(line)]
    code = lintlib.blank_comments(text, strings=False).splitlines()
    found = []
    for match in COMMENT.finditer(text):
        piece = match.group("c")
        if not piece and not ids_in(match.group(0)):
            continue
        number = text.count("\n", 0, match.start())
        ids = ids_in(match.group(0))
        if not ids or number >= len(code):
            continue
        if not piece and not code[number].lstrip().startswith(("_Static_assert", "#error")):
            continue                                            # an id in a text that is shown to somebody
        if not code[number].strip():                            # alone: it belongs to what comes next
            if 0 == number:
                continue                                        # the head of the file
            number = match.end() and text.count("\n", 0, match.end())
            while number < len(code) and not code[number].strip():
                number += 1
            if number >= len(code) or code[number].lstrip().startswith("#include"):
                continue
        if is_prototype(code, number) or is_member(code, number):
            continue
        where = next((definition(code[n]) for n in range(number, -1, -1) if definition(code[n])), "")
        found.append((number + 1, ids, where))
    return found


def enforcing(root):
    """[(relative path, line number, ids, where)]"""
    found = []
    for path in lintlib.files_below(root):
        name = path.relative_to(root)
        if path.suffix in SOURCES.get(name.parts[0], ()) and not path.stem.endswith("_test") and not path.stem.startswith("test_"):
            found += [(str(name), *place) for place in places_in(path, lintlib.read(path))]
    return found


def tests_in(root):
    """[(relative path, name, ids)]"""
    found = []
    for path in lintlib.files_below(root):
        name = path.relative_to(root)
        if path.suffix in (".c", ".cpp", ".py", ".java") and name.parts[0] in ("src", "tests", "apps"):
            for match in TEST.finditer(lintlib.read(path)):
                found.append((str(name), match.group(1), lint_trace_ids.split_ids(match.group(2)) or []))
    return found


def table(root, name):
    """{first column: other columns} of a list; lines that begin with # are remarks."""
    if not (root / name).exists():
        return {}
    lines = [line for line in lintlib.read(root / name).splitlines() if line.strip() and not line.startswith("#")]
    return {line.split("\t")[0]: line.split("\t")[1:] for line in lines}


class Trace:
    def __init__(self, root):
        self.root, self.rows = root, rows_of(root)
        self.review, self.deferred, self.open = (table(root, name) for name in (REVIEW, DEFERRED, OPEN))
        self.unknown = []
        for path, line, ids, where in enforcing(root):
            for ident in sorted(ids):
                if ident in self.rows:
                    self.rows[ident].code.append(f"{path}: {where}" if where else path)
                elif ident not in known(root):
                    self.unknown.append(f"{path}:{line}: {ident} stands nowhere in docs/spec")
        for path, name, ids in tests_in(root):
            for ident in ids:
                if ident in self.rows:
                    self.rows[ident].tests.append((path, name))
                elif ident not in known(root):
                    self.unknown.append(f"{path}: {name}: {ident} stands neither in docs/spec nor in traps.md")

    def later(self, row):
        reason = self.deferred.get(row.id) or self.deferred.get(row.letter)
        return reason[0] if reason else ""

    def state(self, row):
        """closed, review, later, open, or missing (a MUST that no list excuses) or none (a SHOULD or MAY without)."""
        if not row.lacks():
            return "closed"
        if row.id in self.review:
            return "review"
        if self.later(row):
            return "later"
        if not row.must:
            return "none"
        return "open" if row.id in self.open else "missing"

    def remark(self, row):
        state = self.state(row)
        return {"review": f"by review: {self.review[row.id][0] if row.id in self.review else ''}", "later": f"later: {self.later(row)}",
                "open": "open", "missing": "open"}.get(state, "")


KNOWN = {}


def known(root):
    if root not in KNOWN:
        KNOWN[root] = lint_trace_ids.known_ids(root)
    return KNOWN[root]


def cell(text):
    return text.replace("|", "\\|")


def short(text, width=110):
    return text if len(text) <= width else text[:width].rsplit(" ", 1)[0] + " ..."


def listed(names):
    return "<br>".join(dict.fromkeys(names))


def matrix(trace):
    lines = ["# Requirements, lines and tests", "",
             "Written by `tools/trace_matrix.py --write`; do not edit, and solve a conflict by writing it anew. Each numbered row of",
             "[spec/](spec/) with the functions whose lines carry its id and the tests that carry it in their names. Rows of parts still to come",
             f"stand in [deferred.tsv]({DEFERRED[5:]}), rows that only a review can judge in [by-review.tsv]({REVIEW[5:]}), rows still to be",
             f"closed in [open.tsv]({OPEN[5:]})."]
    part = None
    for row in trace.rows.values():
        if row.part != part:
            part = row.part
            lines += ["", f"## [{part}](spec/{part})", "", "| Id | Level | Requirement | Enforced by | Tests |", "| --- | --- | --- | --- | --- |"]
        tests = [f"{path}: {name.replace('_', ' ')}" for path, name in row.tests]
        remark = trace.remark(row)
        shown = [cell(short(row.text)), cell(listed(row.code)) or remark, cell(listed(tests)) or remark]
        lines.append(f"| {row.id} | {row.level} | {' | '.join(shown)} |")
    return "\n".join(lines) + "\n"


def checklist(trace, verdicts=None):
    lines = ["# Checklist: MUST and SHOULD rows and their tests", "",
             "Written by `tools/trace_matrix.py --write`; do not edit, and solve a conflict by writing it anew. What the last ctest run said",
             "stands in `build/release/REQUIREMENTS_TEST_CHECKLIST.md`, the same list with one more column, which `./run test` writes."]
    if verdicts is not None:
        lines[2:] = [f"Written by `tools/trace_matrix.py --results` from the last ctest run in {verdicts.folder}, which ended {verdicts.ended}."]
    part = None
    for row in trace.rows.values():
        if "MAY" == row.kind:
            continue
        if row.part != part:
            part = row.part
            more = ("", "") if verdicts is None else (" Passed |", " --- |")
            lines += ["", f"## {part}", "", f"| Id | Level | How to verify | Tests |{more[0]}", f"| --- | --- | --- | --- |{more[1]}"]
        tests = [f"{path}: {name.replace('_', ' ')}" for path, name in row.tests]
        shown = [row.id, row.level, cell(short(row.verify or row.text)), cell(listed(tests)) or trace.remark(row) or "-"]
        text = f"| {' | '.join(shown)} |"
        lines.append(text if verdicts is None else f"{text} {verdicts.of(row)} |")
    return "\n".join(lines) + "\n"


def counts(trace):
    lines = ["| Level | Rows | With line and test | By review | Parts still to come | Open | SHOULD and MAY without both |",
             "| --- | --- | --- | --- | --- | --- | --- |"]
    for level in LEVELS:
        states = [trace.state(row) for row in trace.rows.values() if row.kind == level]
        number = {state: states.count(state) for state in ("closed", "review", "later", "open", "missing", "none")}
        shown = [len(states), number["closed"], number["review"], number["later"], number["open"] + number["missing"], number["none"]]
        lines.append(f"| {level} | {' | '.join(str(one) for one in shown)} |")
    return "\n".join(lines) + "\n"


def with_counts(text, trace):
    before, mark, rest = text.partition(MARKS[0])
    _, end, after = rest.partition(MARKS[1])
    return f"{before}{MARKS[0]}\n{counts(trace)}{MARKS[1]}{after}" if mark and end else None


class Verdicts:
    """What the last ctest run in a build tree said about every test."""

    def __init__(self, build):
        log = build / "Testing/Temporary/LastTest.log"
        if not log.exists():
            sys.exit(f"{log} does not exist. Fix: run ctest in {build} first")
        self.folder, self.cases, self.programs, text = build.name, {}, set(), lintlib.read(log)
        self.ended = (re.findall(r"^End testing: (.*)$", text, re.M) or ["never"])[-1]
        for piece in re.split(r"^\d+/\d+ Testing: ", text, flags=re.M)[1:]:
            program = piece.split("\n", 1)[0].strip()
            self.programs.add(program)
            found = re.findall(r"^\[\s+(OK|FAILED|SKIPPED|ERROR)\s+\] (\w+?)__", piece, re.M)
            found += [(verdict, name) for name, verdict in re.findall(r"::(\w+?)__\w+(?:\[.*?\])? (PASSED|FAILED|SKIPPED|ERROR)", piece)]
            for verdict, name in found:
                said = {"OK": "yes", "PASSED": "yes", "SKIPPED": "skipped"}.get(verdict, "NO")
                self.cases[program, name] = "NO" if "NO" == self.cases.get((program, name)) else said

    def test(self, path, name):
        """The verdict of a test of this file; several when the file runs it in several programs."""
        stem = re.sub(r"^test_|_test$", "", Path(path).stem)
        own = {f"unit_{Path(path).parent.name}_{stem}", f"scenario_{stem}", f"system_{stem}"} & self.programs
        said = [verdict for (program, case), verdict in self.cases.items() if case == name and (program in own or not own)]
        return said or ["not run"]

    def of(self, row):
        said = [verdict for path, name in row.tests for verdict in self.test(path, name)]
        for worst in ("NO", "not run", "skipped"):
            if worst in said:
                return worst if "not run" != worst or set(said) == {"not run"} else "yes, some not run"
        return "yes" if said else "-"


def first_list(root):
    """The rows that were open when the list was made, from the repository's history; nothing without one."""
    if not (root / ".git").exists():
        return None
    call = ["git", "-C", str(root), "-c", "safe.directory=*"]
    quiet = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "text": True, "check": False}
    made = subprocess.run(call + ["log", "--reverse", "--format=%H", "--", OPEN], **quiet)
    if made.returncode or not made.stdout.strip():
        return None
    shown = subprocess.run(call + ["show", f"{made.stdout.split()[0]}:{OPEN}"], **quiet)
    return {line.split("\t")[0] for line in shown.stdout.splitlines()} if 0 == shown.returncode else None


def shrink(trace):
    """The list of open rows without those that are closed now."""
    path = trace.root / OPEN
    remarks = [line for line in lintlib.read(path).splitlines() if line.startswith("#")]
    lines = [f"{ident}\t{', '.join(trace.rows[ident].lacks())}" for ident in trace.open if "open" == state_of(trace, ident)]
    path.write_text("\n".join(list(dict.fromkeys(remarks)) + lines) + "\n", encoding="utf-8")


def state_of(trace, ident):
    return trace.state(trace.rows[ident]) if ident in trace.rows else ""


def check_lists(trace):
    problems = []
    for name, entries in ((REVIEW, trace.review), (DEFERRED, trace.deferred), (OPEN, trace.open)):
        for ident, columns in entries.items():
            if ident not in trace.rows and not (DEFERRED == name and any(ident == row.letter for row in trace.rows.values())):
                problems.append(f"{name}: {ident} is no row of docs/spec")
            elif not columns or not columns[0].strip() or (REVIEW == name and len(columns) < 2):
                problems.append(f"{name}: {ident} gives no reason")
    problems += [f"{OPEN}: {ident} is closed. Fix: tools/trace_matrix.py --write" for ident in trace.open
                 if state_of(trace, ident) in ("closed", "review", "later")]
    first = first_list(trace.root)
    if first is not None:
        problems += [f"{OPEN}: {ident} is new; the list only shrinks" for ident in trace.open if ident not in first]
    return problems


def check(root, options):
    if options.write and (root / OPEN).exists():
        shrink(Trace(root))
    trace = Trace(root)
    problems = list(dict.fromkeys(trace.unknown)) + check_lists(trace)
    for row in trace.rows.values():
        if "missing" == trace.state(row):
            what = {"line": "no line carries it in a comment", "test": f"no test carries it (a name that ends with __{row.id.replace('-', '_')})"}
            problems.append(f"{row.id}: {row.level} without {' and '.join(row.lacks())}: {'; '.join(what[one] for one in row.lacks())}")
    readme = lintlib.read(root / COUNTS) if (root / COUNTS).exists() else ""
    for name, text in ((MATRIX, matrix(trace)), (CHECKLIST, checklist(trace)), (COUNTS, with_counts(readme, trace))):
        if text is None:
            problems.append(f"{name} has no place for the count between {MARKS[0]} and {MARKS[1]}")
        elif options.write:
            (root / name).write_text(text, encoding="utf-8")
        elif not (root / name).exists() or text != lintlib.read(root / name):
            problems.append(f"{name} is out of date. Fix: tools/trace_matrix.py --write")
    if options.results:
        (options.results / Path(CHECKLIST).name).write_text(checklist(trace, Verdicts(options.results)), encoding="utf-8")
    return problems


def arguments(parser):
    parser.add_argument("--write", action="store_true", help="write the documents anew, and take closed rows out of the list of open ones")
    parser.add_argument("--results", type=Path, metavar="DIR", help="a build tree: write the checklist with the verdicts of its last ctest run")


SPEC = {"docs/spec/10-a.md": "| W-001 | (MUST) | First \\| row. | Look. |\n| W-002 | SHOULD | Second. | |\n| S-001 | MUST | Third. | x |\n",
        DEFERRED: "S\tthe services\n", COUNTS: f"{MARKS[0]}\n{MARKS[1]}\n"}
CODE = {"src/x/a.c": "int f(int a)\n{\n    if (a) { return 1; }    /* W-001 */\n    return 0;\n}\n"}
PROOF = {"src/x/a_test.c": "static void x__W_001(void **state)\n"}
OURS = {"docs/spec/95-l.md": "Rows L-101 to L-199, so L-103 is free.\n\n| Id | Rule |\n| --- | --- |\n| L-101 | Ours. |\n"}
CASES = [
    ("a row with line and test, documents not written", {**SPEC, **CODE, **PROOF}, "MATRIX_SHM_ALL.md is out of date"),
    ("no line", {**SPEC, **PROOF}, "W-001: (MUST) without line"),
    ("no test", {**SPEC, **CODE}, "W-001: (MUST) without test"),
    ("a prototype enforces nothing", {**SPEC, **PROOF, "src/x/a.h": "int b;\n/* W-001 */\nint f(int a);\n"}, "W-001: (MUST) without line"),
    ("a member enforces nothing", {**SPEC, **PROOF, "src/x/a.h": "int b;\nstruct s\n{\n    int c;    /* W-001 */\n};\n"}, "(MUST) without line"),
    ("the head of a file enforces nothing", {**SPEC, **PROOF, "src/x/a.c": "/* W-001 */\nint f(int a)\n{\n}\n"}, "W-001: (MUST) without line"),
    ("a part that is not deferred", {**SPEC, **CODE, **PROOF, DEFERRED: ""}, "S-001: MUST without line and test"),
    ("a test with an unknown id", {**SPEC, **CODE, "src/x/a_test.c": "static void x__W_009(void **state)\n"}, "W-009 stands neither"),
    ("a Java test with an unknown id", {**SPEC, **CODE, "tests/X.java": "    public static void x__W_009()\n"}, "W-009 stands neither"),
    ("a line with an unknown id", {**SPEC, **PROOF, "src/x/a.c": CODE["src/x/a.c"].replace("W-001", "W-008")}, "W-008 stands nowhere"),
    ("an open row that is closed", {**SPEC, **CODE, **PROOF, OPEN: "W-001\ttest\n"}, "W-001 is closed"),
    ("an open row", {**SPEC, OPEN: "W-001\tline, test\n"}, "is out of date"),
    ("a row of ours", {**SPEC, **CODE, **PROOF, **OURS, "src/x/b.c": "int b = 1;    /* L-101 */\n"}, "L-101: MUST without test"),
    ("a test of a row of ours", {**SPEC, **CODE, **OURS, "src/x/a_test.c": "static void y__L_101(void **state)\n"}, "L-101: MUST without line"),
    ("a row of ours with a level", {**SPEC, **CODE, **PROOF, "docs/spec/95-l.md": "| L-102 | MUST NOT | x |\n"}, "L-102: MUST NOT without line and"),
    ("a test with an unknown row of ours", {**SPEC, **CODE, **OURS, "src/x/a_test.c": "static void y__L_103(void **state)\n"}, "L-103 stands"),
    ("a line with an unknown row of ours", {**SPEC, **PROOF, **OURS, "src/x/a.c": "int b = 1;    /* L-103 */\n"}, "L-103 stands nowhere"),
    ("a list with a row that does not exist", {**SPEC, **CODE, **PROOF, REVIEW: "W-007\ta\tb\n"}, "W-007 is no row"),
    ("a review without reason", {**SPEC, REVIEW: "W-001\ta\n"}, "W-001 gives no reason"),
]


def quiet_when_written(case):
    """The documents that --write made are up to date, in a tree of its own."""
    import argparse
    import tempfile
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for path, text in {**SPEC, **case}.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text, encoding="utf-8")
        first = check(root, argparse.Namespace(write=True, results=None))
        second = check(root, argparse.Namespace(write=False, results=None))
        text = lintlib.read(root / MATRIX)
    good = not first and not second and "| W-001 | (MUST) | First \\| row. | src/x/a.c: f | src/x/a_test.c: x |" in text
    print(f"{'ok' if good else 'FAILED'}: documents just written are up to date")
    return 0 if good else 1


if __name__ == "__main__":
    if "--self-test" in sys.argv and quiet_when_written({**CODE, **PROOF}):
        sys.exit(1)
    lintlib.main(__doc__.split("\n", maxsplit=1)[0], check, CASES, arguments)
