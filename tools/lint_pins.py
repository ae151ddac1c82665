#!/usr/bin/env python3
"""Dependencies that are fetched (trap L5): each folder of third_party holds a SHA-256, nothing names a branch, versions are exact."""

import re

import lintlib

SHA256 = re.compile(r"\b[0-9a-f]{64}\b")
BRANCH = re.compile(r"\bGIT_TAG\b|\bFetchContent_Declare\b|\bExternalProject_Add\b|git clone|/archive/(?:master|main|HEAD)\b|refs/heads/")
CARGO = re.compile(r"^[\w-]+ *= *(?:\{.*version *= *)?\"([^\"]+)\"", re.M)
PYTHON = re.compile(r"^(?!#|\s|-)(\S.*)$", re.M)


def check_file(root, path):
    text = lintlib.read(path)
    name = path.relative_to(root)
    problems = [f"{name}:{text.count(chr(10), 0, m.start()) + 1}: '{m.group(0)}' follows a branch, or a source without checksum"
                for m in BRANCH.finditer(text)]
    if "Cargo.toml" == path.name:
        section = text.partition("[dependencies]")[2]
        problems += [f"{name}: version \"{version}\" is not exact (\"=x.y.z\")" for version in CARGO.findall(section) if not version.startswith("=")]
    if path.name.startswith("requirements"):
        problems += [f"{name}: '{line}' has no exact version with a hash" for line in PYTHON.findall(text)
                     if "==" not in line or "--hash=" not in line]
    return problems


def check(root):
    problems = []
    for folder in sorted(p for p in (root / "third_party").glob("*") if p.is_dir()):
        files = [p for p in lintlib.files_below(root) if folder in p.parents]
        if files and not any(SHA256.search(lintlib.read(p)) for p in files):
            problems.append(f"{folder.relative_to(root)}: no file holds a SHA-256 checksum")
        for path in files:
            problems += check_file(root, path)
    return problems


SUM = "set(X_SHA256 " + "0" * 63 + "a)\n"
CASES = [
    ("a pinned dependency", {"third_party/x/x.cmake": SUM}, None),
    ("no checksum", {"third_party/x/x.cmake": "set(X_VERSION 1.2.3)\n"}, "no file holds a SHA-256"),
    ("a branch", {"third_party/x/x.cmake": SUM + "FetchContent_Declare(x GIT_TAG main)\n"}, "follows a branch"),
    ("an archive of a branch", {"third_party/x/x.cmake": SUM + "# https://example.org/x/archive/main.zip\n"}, "'/archive/main'"),
    ("exact versions", {"third_party/x/Cargo.toml": "# " + SUM + "[dependencies]\nx = \"=1.2.3\"\n",
                        "third_party/x/requirements.txt": "x==1.1 --hash=sha256:0\n"}, None),
    ("a range of versions", {"third_party/x/Cargo.toml": "# " + SUM + "[dependencies]\nx = \"1.2\"\n"}, "is not exact"),
    ("a package without hash", {"third_party/x/requirements.txt": "# " + SUM + "x==1.2\n"}, "with a hash"),
]

if __name__ == "__main__":
    lintlib.main(__doc__, check, CASES)
