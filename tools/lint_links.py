#!/usr/bin/env python3
"""Links: every relative link of a Markdown file leads to a file of the tree."""

import re

import lintlib

LINK = re.compile(r"\[[^\]\n]*\]\(([^)\s]+)\)")


def check(root):
    problems = []
    for path in lintlib.files_below(root):
        if path.suffix != ".md":
            continue
        text = re.sub(r"```.*?```|`[^`\n]*`", "", lintlib.read(path), flags=re.S)
        for match in LINK.finditer(text):
            target = match.group(1).split("#")[0]
            if target and not re.match(r"[a-z]+:", target) and not (path.parent / target).exists():
                problems.append(f"{path.relative_to(root)}: the link to {match.group(1)} leads nowhere")
    return problems


CASES = [
    ("good links",
     {"a.md": "[b](docs/b.md) [c](docs/b.md#x) [d](https://example.org) [e](#f) [folder](docs/)\n", "docs/b.md": "[a](../a.md)\n"}, None),
    ("a link to nothing", {"a.md": "see [b](docs/b.md)\n"}, "leads nowhere"),
    ("a link from a folder", {"docs/a.md": "[b](docs/b.md)\n", "docs/b.md": "\n"}, "leads nowhere"),
    ("code is no link", {"a.md": "`x[1](y)`\n```\na[0](b)\n```\n"}, None),
]

if __name__ == "__main__":
    lintlib.main(__doc__, check, CASES)
