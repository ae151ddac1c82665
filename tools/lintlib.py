"""What all checks share: finding files, reporting, and the self-test that feeds a check good and bad snippets."""

import argparse
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

SKIPPED_FOLDERS = {".git", "build", "__pycache__", ".pytest_cache"}


def files_below(root):
    """Every file that belongs to the tree: what git knows or would add, or simply every file when this is no git checkout."""
    root = Path(root)
    if (root / ".git").exists():
        listed = subprocess.run(["git", "-C", str(root), "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
                                stdout=subprocess.PIPE, check=False)
        if listed.returncode == 0:
            names = sorted({name for name in listed.stdout.decode().split("\0") if name})
            return [root / name for name in names if (root / name).is_file()]
    found = []
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(f for f in folders if f not in SKIPPED_FOLDERS)
        found += [Path(folder) / name for name in sorted(names)]
    return found


def read(path):
    return Path(path).read_text(encoding="utf-8", errors="replace")


def blank_comments(text, strings=True):
    """C source with comments (and the insides of strings) replaced by spaces; line numbers stay."""
    def replace(match):
        piece = match.group(0)
        if piece[0] in "\"'":
            return piece[0] + re.sub(r"[^\n]", " ", piece[1:-1]) + piece[-1] if strings else piece
        return re.sub(r"[^\n]", " ", piece)
    return re.sub(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', replace, text, flags=re.S)


def run_self_test(check, cases):
    """cases: (name, {path: text}, expected part of a problem, or None where the snippet is good)."""
    failed = 0
    for name, files, expected in cases:
        with tempfile.TemporaryDirectory() as folder:
            for path, text in files.items():
                target = Path(folder) / path
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_text(text, encoding="utf-8")
            problems = check(Path(folder))
        found = not problems if expected is None else any(expected in problem for problem in problems)
        print(f"{'ok' if found else 'FAILED'}: {name}")
        if not found:
            failed += 1
            print(f"    expected {expected!r}, got {problems}")
    if not any(expected for _, _, expected in cases):
        print("FAILED: no case with a bad snippet")
        failed += 1
    return 1 if failed else 0


def main(description, check, cases, arguments=None):
    """The main() of every check. arguments(parser) adds options; check(root) or check(root, options) returns problems."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--root", default=Path(__file__).resolve().parent.parent, type=Path, help="the tree to check")
    parser.add_argument("--self-test", action="store_true", help="check that bad snippets are found")
    if arguments:
        arguments(parser)
    options = parser.parse_args()
    judge = (lambda root: check(root, options)) if arguments else check
    if options.self_test:
        sys.exit(run_self_test(judge, cases))
    problems = judge(options.root)
    for problem in problems:
        print(problem)
    print(f"{len(problems)} problems")
    sys.exit(1 if problems else 0)
