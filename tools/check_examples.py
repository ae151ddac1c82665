#!/usr/bin/env python3
"""Examples: the marked part of examples/producer.c and consumer.c, and the programs in README.md, are the text of docs/design/api.md."""

import re

import lintlib

MARK = "/* --- docs/design/api.md --- */"
DOCUMENT = "docs/design/api.md"


def documented(path):
    """{'producer': [lines], 'consumer': [lines]} of the C blocks of a document that begin with /* producer or /* consumer."""
    programs = {}
    for block in re.findall(r"^```c\n(.*?)^```", lintlib.read(path), re.M | re.S):
        for piece in re.split(r"\n\s*\n", block.strip()):
            match = re.match(r"/\* (producer|consumer)\b", piece)
            if match:
                programs[match.group(1)] = [line.strip() for line in piece.splitlines()]
    return programs


def marked(text):
    parts = text.split(MARK)
    return [line.strip() for line in parts[1].strip().splitlines()] if len(parts) == 3 else None


def check(root):
    problems = []
    programs = documented(root / DOCUMENT)
    if (root / "README.md").exists() and documented(root / "README.md") != programs:
        problems.append(f"README.md: its programs differ from those of {DOCUMENT}")
    for name in ("producer", "consumer"):
        path = f"examples/{name}.c"
        if name not in programs:
            problems.append(f"{DOCUMENT}: has no program '/* {name} */'")
            continue
        lines = marked(lintlib.read(root / path))
        if lines is None:
            problems.append(f"{path}: has not two lines {MARK}")
        elif lines != programs[name]:
            wrong = next((pair for pair in zip(lines, programs[name]) if pair[0] != pair[1]), ("", "a different number of lines"))
            problems.append(f"{path}: differs from {DOCUMENT}: '{wrong[0]}' for '{wrong[1]}'")
    return problems


DOC = {DOCUMENT: "text\n```c\n/* producer: x */\na();\n    b();\n\n/* consumer */\nc();\n```\n"}
PRODUCER = f"int main(void)\n{{\n    {MARK}\n    /* producer: x */\n    a();\n        b();\n    {MARK}\n}}\n"
CONSUMER = f"{MARK}\n/* consumer */\nc();\n{MARK}\n"
CASES = [
    ("the same text", {**DOC, "examples/producer.c": PRODUCER, "examples/consumer.c": CONSUMER}, None),
    ("another call", {**DOC, "examples/producer.c": PRODUCER.replace("b()", "d()"), "examples/consumer.c": CONSUMER}, "'d();' for 'b();'"),
    ("a missing line", {**DOC, "examples/producer.c": PRODUCER.replace("b();", ""), "examples/consumer.c": CONSUMER}, "differs"),
    ("a line more", {**DOC, "examples/producer.c": PRODUCER, "examples/consumer.c": CONSUMER.replace("c();", "c();\nd();")}, "differs"),
    ("the same text in the README", {**DOC, "examples/producer.c": PRODUCER, "examples/consumer.c": CONSUMER, "README.md": DOC[DOCUMENT]}, None),
    ("another text in the README",
     {**DOC, "examples/producer.c": PRODUCER, "examples/consumer.c": CONSUMER, "README.md": DOC[DOCUMENT].replace("a()", "d()")}, "README.md: its"),
    ("no marks", {**DOC, "examples/producer.c": PRODUCER, "examples/consumer.c": "c();\n"}, "has not two lines"),
    ("a document without programs", {DOCUMENT: "", "examples/producer.c": PRODUCER, "examples/consumer.c": CONSUMER}, "has no program"),
]

if __name__ == "__main__":
    lintlib.main(__doc__, check, CASES)
