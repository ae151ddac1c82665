#!/usr/bin/env python3
"""Format: tabs, trailing blanks, line ends, line length, last newline; braces and NULL comparisons of C as the house writes them (docs/adr/0002)."""

import re

import lintlib

MAX_LINE = 150
CODE = {".c", ".h", ".cpp", ".hpp"}
TEXT = CODE | {".py", ".sh", ".cmake", ".md", ".xml", ".json", ".toml", ".txt", ".def", ".map", ".in", ".yml", ".yaml", ".rs"}
NAMES = {"run", "CMakeLists.txt", ".clang-format", ".clang-tidy", ".editorconfig", ".gitattributes", ".gitignore"}
LONG_LINES_ALLOWED = {".md", ".json", ".txt", ".xml"}
MERGE = re.compile(r"(?:<{7}|>{7}) ")
BRACES = [
    (re.compile(r"\)\s*(?:const\s*|noexcept\s*)*\{\s*$"), "'{' belongs on a line of its own, or the whole block on one line"),
    (re.compile(r"\b(?:else|do)\s*\{\s*$"), "'{' belongs on a line of its own"),
    (re.compile(r"^\s*\}\s*else\b"), "'else' belongs on a line of its own"),
    (re.compile(r"[=!]= NULL\b"), "write NULL first: NULL == p"),
]


def check_text(name, suffix, text):
    problems = []
    if "\r" in text:
        problems.append(f"{name}: has carriage returns")
    if text and not text.endswith("\n"):
        problems.append(f"{name}: the last line has no newline")
    if text.endswith("\n\n"):
        problems.append(f"{name}: ends with empty lines")
    for number, line in enumerate(text.split("\n"), 1):
        if "\t" in line:
            problems.append(f"{name}:{number}: has a tab")
        if MERGE.match(line):
            problems.append(f"{name}:{number}: a merge left its mark")
        if line != line.rstrip():
            problems.append(f"{name}:{number}: has trailing blanks")
        if len(line) > MAX_LINE and suffix not in LONG_LINES_ALLOWED:
            problems.append(f"{name}:{number}: {len(line)} columns, at most {MAX_LINE}")
    return problems


def check_braces(name, text):
    problems = []
    for number, line in enumerate(lintlib.blank_comments(text).split("\n"), 1):
        if line.rstrip().endswith("\\") or re.match(r"\s*#", line) or re.search(r"\[[^\]]*\]\s*\([^)]*\)\s*\{\s*$", line):   # macro, lambda
            continue
        problems += [f"{name}:{number}: {wrong}" for pattern, wrong in BRACES
                     if pattern.search(line) and not re.search(r"\(\s*[\w ]+(\[\w*\])?\s*\)\s*\{\s*$", line.split("=")[-1] if "=" in line else "")]
    return problems


def check(root):
    problems = []
    for path in lintlib.files_below(root):
        if path.suffix not in TEXT and path.name not in NAMES:
            continue
        name = path.relative_to(root)
        text = path.read_bytes().decode("utf-8", "replace")
        problems += check_text(name, path.suffix, text)
        if path.suffix in CODE and name.parts[0] != "examples":     # they quote the document, which saves lines
            problems += check_braces(name, text)
    return problems


CASES = [
    ("house style", {"a.c": "static int f(int a)\n{\n    if (NULL == p) { return -1; }\n    x_t x = {\n        1 };\n    return 0;\n}\n"}, None),
    ("a compound literal", {"a.c": "    *p = (x_t){\n        .a = 1 };\n"}, None),
    ("a lambda", {"a.cpp": "    std::sort(a, b, [](int x, int y) {\n        return x < y; });\n"}, None),
    ("a tab", {"a.c": "\tint a;\n"}, "has a tab"),
    ("trailing blanks", {"a.py": "x = 1 \n"}, "trailing blanks"),
    ("the mark of a merge", {"a.cmake": "<" * 7 + " HEAD\n"}, "a merge left its mark"),
    ("a long line", {"a.c": "x" * 151 + "\n"}, "151 columns"),
    ("a line of 150 columns", {"a.c": "x" * 150 + "\n"}, None),
    ("no last newline", {"a.md": "x"}, "no newline"),
    ("carriage returns", {"CMakeLists.txt": "x\r\n"}, "carriage returns"),
    ("a function brace at the end of the line", {"a.c": "int f(void) {\n}\n"}, "line of its own"),
    ("an if brace at the end of the line", {"a.c": "    if (x) {\n"}, "line of its own"),
    ("an else on the line of a brace", {"a.c": "    } else\n"}, "'else' belongs"),
    ("NULL second", {"a.c": "    if (p == NULL) { return; }\n"}, "NULL first"),
    ("NULL second in a comment", {"a.c": "/* p == NULL */\n"}, None),
]

if __name__ == "__main__":
    lintlib.main(__doc__, check, CASES)
