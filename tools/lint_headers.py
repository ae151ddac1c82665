#!/usr/bin/env python3
"""Headers: each public one compiles alone as C11 and as C++17, each internal one as C11; a guard named after its path; a comment at each function."""

import re
import subprocess
from concurrent.futures import ThreadPoolExecutor

import lintlib

FLAGS = ["-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fsyntax-only"]


def compile_alone(command, language, include, path_name):
    done = subprocess.run(command + ["-x", language, "-"], input=f"#include <{include}>\n#include <{include}>\nint tp_header_stands_alone;\n",
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode == 0:
        return []
    first = next((line for line in done.stdout.splitlines() if "error" in line), done.stdout.strip())
    return [f"{path_name}: does not compile alone as {language}: {first}"]


def check_compiles(root, options, pool):
    jobs = []
    for path in sorted((root / "include").rglob("*.h")):
        include = str(path.relative_to(root / "include"))
        name = path.relative_to(root)
        base = FLAGS + [f"-I{root / 'include'}"]
        jobs.append(pool.submit(compile_alone, [options.cc, "-std=c11"] + base, "c", include, name))
        jobs.append(pool.submit(compile_alone, [options.cxx, "-std=c++17"] + base, "c++", include, name))
    for path in sorted((root / "src").rglob("*.h")):
        include = str(path.relative_to(root / "src"))
        module = path.relative_to(root / "src").parts[0]
        also = [f"-isystem{folder}" for name, folders in options.also if name == module for folder in folders]
        command = [options.cc, "-std=gnu11", "-D_GNU_SOURCE"] + FLAGS + [f"-I{root / 'include'}", f"-I{root / 'src'}"] + also
        jobs.append(pool.submit(compile_alone, command, "c", include, path.relative_to(root)))
    return [problem for job in jobs for problem in job.result()]


def check_guard(root, path, text):
    below = path.relative_to(root)
    parts = below.parts[1:]
    prefix = "" if parts[0] == "tensor_pool" else "TPI_"
    guard = prefix + "_".join(re.sub(r"[^A-Za-z0-9]", "_", part) for part in parts).upper()
    guards = re.findall(r"^#ifndef (\w+)\n#define (\w+)$", text, re.M)
    return [] if (guard, guard) in guards else [f"{below}: has no guard {guard}"]


def check_comments(root, path, text):
    """A TP_EXPORT declaration has a comment right above or behind it, or stands in a group of declarations that begins with one."""
    problems = []
    lines = text.splitlines()
    blank = lintlib.blank_comments(text).splitlines()
    for number, line in enumerate(lines):
        if not re.match(r"\s*TP_EXPORT\b", line) or re.search(r"\*/\s*$", line):
            continue
        above = number - 1
        while above >= 0 and blank[above].strip() and not blank[above].strip().startswith(("}", "typedef", "#")):
            above -= 1
        if above < 0 or not lines[above].strip() or blank[above].strip():
            problems.append(f"{path.relative_to(root)}:{number + 1}: public function without a comment above: {line.strip()}")
    return problems


def check(root, options):
    problems = []
    for folder in ("include", "src"):
        for path in sorted((root / folder).rglob("*.h")):
            text = lintlib.read(path)
            problems += check_guard(root, path, text)
            if folder == "include":
                problems += check_comments(root, path, text)
    with ThreadPoolExecutor(2) as pool:
        problems += check_compiles(root, options, pool)
    return problems


def header(body, guard="TENSOR_POOL_A_H"):
    return f"#ifndef {guard}\n#define {guard}\n#define TP_EXPORT\n{body}\n#endif\n"


CASES = [
    ("a good header", {"include/tensor_pool/a.h": header("#include <stdint.h>\n/* Does a. */\nTP_EXPORT uint8_t a(void);")}, None),
    ("two functions share a comment",
     {"include/tensor_pool/a.h": header("/* Does a or b. */\nTP_EXPORT int a(void);\nTP_EXPORT int b(void);")}, None),
    ("a header that needs another one", {"include/tensor_pool/a.h": header("/* a */\nTP_EXPORT uint8_t a(void);")}, "alone as c:"),
    ("a header for C only", {"include/tensor_pool/a.h": header("/* a */\nTP_EXPORT int a(int class);")}, "alone as c++:"),
    ("an internal header that needs another one", {"src/x/a.h": header("uint8_t a(void);", "TPI_X_A_H")}, "alone as c:"),
    ("a comment heads a group, one member has its own behind",
     {"include/tensor_pool/a.h":
      header("/* Does. */\nTP_EXPORT int a(void);  /* a */\nTP_EXPORT int b(int c,\n    int d);\nTP_EXPORT int e(void);")}, None),
    ("a function after a type",
     {"include/tensor_pool/a.h": header("/* a */\ntypedef int a_t;\nTP_EXPORT int b(void);")}, "without a comment"),
    ("a function without a comment",
     {"include/tensor_pool/a.h": header("/* a */\nTP_EXPORT int a(void);\n\nTP_EXPORT int b(void);")}, "without a comment"),
    ("a wrong guard", {"include/tensor_pool/a.h": header("", "A_H")}, "no guard TENSOR_POOL_A_H"),
]


def arguments(parser):
    parser.add_argument("--cc", default="cc", help="C compiler")
    parser.add_argument("--also", default=[], action="append", type=lambda text: (text.split("=")[0], text.split("=")[1].split(";")),
                        help="MODULE=FOLDER;FOLDER: include folders of the headers of one module")
    parser.add_argument("--cxx", default="c++", help="C++ compiler")


if __name__ == "__main__":
    lintlib.main(__doc__, check, CASES, arguments)
