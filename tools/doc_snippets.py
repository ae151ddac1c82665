#!/usr/bin/env python3
"""Code in documents is true: every C block of docs/ (but the specification and docs/design, whose programs check_examples.py knows) compiles
without a warning, and every TOML block and every examples/*.toml passes the check of its program: that of `tp config check`.

A C block that has an #include is a file of its own; any other is the inside of a function, which sees the declarations of the comment above it,
<!-- c: tp_client_t *client; -->, and may return an int. A TOML block below <!-- toml --> is no whole configuration and is not checked.
"""

import re
import subprocess
import tempfile
from pathlib import Path

import lintlib

FLAGS = ["-std=c11", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-Wno-unused-variable", "-Wno-unused-parameter",
         "-Wno-unused-but-set-variable", "-Wno-unused-function", "-fsyntax-only"]
LEFT_OUT = ("docs/spec/", "docs/design/", "docs/TRACEABILITY", "docs/REQUIREMENTS")
PRELUDE = "#include <inttypes.h>\n#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n#include <tensor_pool/tp_services.h>\n"


def documents(root):
    for path in lintlib.files_below(root):
        name = path.relative_to(root).as_posix()
        if name.endswith(".md") and name.startswith("docs/") and not name.startswith(LEFT_OUT):
            yield name, lintlib.read(path)


def blocks(text, language):
    """(line, note above, body)"""
    for match in re.finditer(rf"(?:<!-- {language}(?::(.*?))? ?-->\n)?^```{language}\n(.*?)^```$", text, re.M | re.S):
        noted = match.group(0).startswith("<!--")
        yield text.count("\n", 0, match.start(2)) + 1, (match.group(1) or "") if noted else None, match.group(2)


def program(name, line, note, body):
    if "#include" in body:
        return f'#line {line} "{name}"\n{body}'
    return f'{PRELUDE}int snippet(void);\n{note or ""}\nint snippet(void)\n{{\n#line {line} "{name}"\n{body}return 0;\n}}\n'


def run(command, text=None):
    done = subprocess.run(command, input=text, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    return done.returncode, done.stdout.strip()


def check(root, options):
    problems = []
    include = str(Path(options.include or root / "include"))
    for name, text in documents(root):
        for line, note, body in blocks(text, "c"):
            code, said = run([options.cc, *FLAGS, "-I", include, "-x", "c", "-"], program(name, line, note, body))
            if code != 0:
                problems.append(f"{name}:{line}: C block does not compile:\n{said}")
        for line, note, body in blocks(text, "toml"):
            if note is None and options.tp:
                problems += check_toml(options.tp, f"{name}:{line}", body)
    for path in sorted((root / "examples").glob("*.toml")) if options.tp else []:
        problems += check_toml(options.tp, f"examples/{path.name}", lintlib.read(path))
    return problems


def check_toml(tp, name, body):
    with tempfile.NamedTemporaryFile("w", suffix=".toml") as file:
        file.write(body)
        file.flush()
        code, said = run([tp, "config", "check", file.name])
    return [] if code == 0 else [f"{name}: {said}"]


STUB = {"include/tensor_pool/tp_services.h": "typedef struct tp_client tp_client_t;\nint tp_x(tp_client_t *client);\n"}
CASES = [
    ("a fragment with its declarations", {**STUB, "docs/a.md": "<!-- c: static tp_client_t *client; -->\n```c\ntp_x(client);\n```\n"}, None),
    ("a whole file", {**STUB, "docs/a.md": "```c\n#include <tensor_pool/tp_services.h>\nint main(void) { return 0; }\n```\n"}, None),
    ("a call that is gone", {**STUB, "docs/a.md": "text\n```c\ntp_y(NULL);\n```\n"}, "docs/a.md:3"),
    ("a wrong argument", {**STUB, "docs/b.md": "```c\ntp_x(1);\n```\n"}, "docs/b.md:2"),
    ("the specification is not compiled", {**STUB, "docs/spec/a.md": "```c\nx\n```\n"}, None),
]


def arguments(parser):
    parser.add_argument("--cc", default="cc", help="C compiler")
    parser.add_argument("--include", default=None, help="directory of the public headers (default: include/ of the tree)")
    parser.add_argument("--tp", default=None, help="tp; without it no configuration is checked")


if __name__ == "__main__":
    lintlib.main(__doc__, check, CASES, arguments)
