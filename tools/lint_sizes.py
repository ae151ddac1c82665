#!/usr/bin/env python3
"""Sizes: no file over 800 lines, no function over 70. tools/sizes_exceptions.txt lists what is larger and only gets shorter."""

import ast
import re

import lintlib

MAX_FILE = 800
MAX_FUNCTION = 70
MAX_EXCEPTIONS = 0      # lower it when an exception goes; it never rises
EXCEPTIONS = "tools/sizes_exceptions.txt"
C_SUFFIXES = {".c", ".h", ".cpp", ".hpp"}


def function_name(head):
    names = re.findall(r"([~\w:]+)\s*\(", head)
    return next((name for name in names if name not in ("__attribute__", "noexcept", "alignas", "decltype")), "(unnamed)")


def c_functions(text):
    """(name, first line, lines) of every function body of a C or C++ file."""
    text = lintlib.blank_comments(text)
    text = re.sub(r"^[ \t]*#(?:[^\n\\]|\\\n|\\.)*", lambda m: re.sub(r"[^\n]", " ", m.group(0)), text, flags=re.M)
    found = []
    stack = []          # what each open brace belongs to: ("function", name, start), ("namespace",) or ("other",)
    start = 0           # where the current declaration begins
    for match in re.finditer(r"[{};]", text):
        at, sign = match.start(), match.group(0)
        inside = any(entry[0] == "function" for entry in stack)
        if sign == "{":
            head = text[start:at].strip()
            if inside:
                stack.append(("other",))
            elif re.match(r'(inline\s+)?namespace\b|extern\s*"', head):
                stack.append(("namespace",))
            elif re.search(r"\)\s*(const|noexcept|override|\s)*$", head) and "=" not in head.split("(")[0]:
                stack.append(("function", function_name(head), start + len(text[start:at]) - len(text[start:at].lstrip())))
            else:
                stack.append(("other",))
        elif sign == "}" and stack:
            entry = stack.pop()
            if entry[0] == "function":
                first = text.count("\n", 0, entry[2]) + 1
                found.append((entry[1], first, text.count("\n", 0, at) + 2 - first))
        if not any(entry[0] == "function" for entry in stack):
            start = at + 1
    return found


def python_functions(text):
    nodes = (node for node in ast.walk(ast.parse(text)) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)))
    return [(node.name, node.lineno, node.end_lineno - node.lineno + 1) for node in nodes]


def too_large(root):
    """{'path' or 'path function': lines} of everything over a limit, and problems met on the way."""
    large, problems = {}, []
    for path in lintlib.files_below(root):
        if path.suffix not in C_SUFFIXES | {".py", ".sh", ""}:
            continue
        name = str(path.relative_to(root))
        text = lintlib.read(path)
        python = path.suffix == ".py" or re.match(r"#!.*python", text)
        lines = text.count("\n") + (0 if text.endswith("\n") or not text else 1)
        if lines > MAX_FILE:
            large[name] = lines
        try:
            functions = c_functions(text) if path.suffix in C_SUFFIXES else python_functions(text) if python else []
        except SyntaxError as error:
            problems.append(f"{name}: {error}")
            continue
        for function, _, length in functions:
            if length > MAX_FUNCTION:
                large[f"{name} {function}"] = length
    return large, problems


def read_exceptions(root):
    path = root / EXCEPTIONS
    lines = lintlib.read(path).splitlines() if path.exists() else []
    rows = [line.split("#")[0].split() for line in lines]
    return {" ".join(row[:-1]): int(row[-1]) for row in rows if row}


def check(root):
    large, problems = too_large(root)
    exceptions = read_exceptions(root)
    if len(exceptions) > MAX_EXCEPTIONS:
        problems.append(f"{EXCEPTIONS}: {len(exceptions)} exceptions, at most {MAX_EXCEPTIONS}: the list only gets shorter")
    for what, lines in large.items():
        limit = MAX_FUNCTION if " " in what else MAX_FILE
        if what not in exceptions:
            problems.append(f"{what}: {lines} lines, at most {limit}")
        elif lines != exceptions[what]:
            problems.append(f"{what}: {lines} lines, {EXCEPTIONS} says {exceptions[what]}: never more, and lower the entry when it shrinks")
    problems += [f"{EXCEPTIONS}: '{what}' is within its limit, remove the entry" for what in exceptions if what not in large]
    return problems


def c_function(lines):
    return "static int f(int a,\n    int b)\n{\n" + "    a++;\n" * (lines - 4) + "}\n"


CASES = [
    ("a function of 70 lines", {"src/a.c": c_function(70)}, None),
    ("a function of 71 lines", {"src/a.c": c_function(71)}, "src/a.c f: 71 lines"),
    ("braces in strings and comments", {"src/a.c": 'int g(void) { return \'{\'; } /* { */ // {\nconst char *s = "{{";\n' + c_function(70)}, None),
    ("one function after another", {"src/a.c": c_function(40) + c_function(40)}, None),
    ("a long table is no function", {"src/a.c": "static const int t[] =\n{\n" + "    1,\n" * 90 + "};\n"}, None),
    ("a long macro before a function", {"src/a.c": "#define X(a) \\\n" + "    { a; } \\\n" * 80 + "    a\n" + c_function(60)}, None),
    ("a long function with an attribute", {"src/a.c": "__attribute__((noinline)) " + c_function(71)}, "src/a.c f: 71 lines"),
    ("a long function in a namespace", {"src/a.cpp": "namespace x\n{\n" + c_function(71) + "}\n"}, "src/a.cpp f: 71 lines"),
    ("a file of 800 lines", {"src/a.h": "\n" * 800}, None),
    ("a file of 801 lines", {"src/a.h": "\n" * 801}, "src/a.h: 801 lines"),
    ("a long Python function", {"tools/a.py": "def f():\n" + "    x = 1\n" * 70}, "tools/a.py f: 71 lines"),
    ("a new exception", {"src/a.h": "\n" * 801, EXCEPTIONS: "src/a.h 801\n"}, "only gets shorter"),
    ("an exception for nothing", {"src/a.h": "\n", EXCEPTIONS: "src/a.h 801\n"}, "remove the entry"),
    ("an exception that grew", {"src/a.h": "\n" * 802, EXCEPTIONS: "src/a.h 801\n"}, "never more"),
]

if __name__ == "__main__":
    lintlib.main(__doc__, check, CASES)
