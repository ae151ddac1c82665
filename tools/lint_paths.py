#!/usr/bin/env python3
"""Paths: no path of one person's machine and no host name of a package registry anywhere in the tree."""

import re

import lintlib

# Written in pieces, so that this file does not find itself.
HOSTS = [".".join(parts) for parts in (
    ("crates", "io"), ("pypi", "org"), ("pythonhosted", "org"), ("repo", "maven", "apache", "org"), ("maven", "org"), ("npmjs", "org"),
    ("proxy", "golang", "org"), ("deb", "debian", "org"), ("security", "debian", "org"), ("snapshot", "debian", "org"), ("rubygems", "org"))]
HOST = re.compile(r"(?<![\w-])(?:[\w-]+\.)*(" + "|".join(re.escape(host) for host in HOSTS) + r")(?![\w-])", re.I)
MACHINE = re.compile(r"(?<![\w.$})/])(/" + "work" + r"/|/home/(?!<|user\b|alice\b)\w+|/" + "root" + r"/|/Users/\w+|[A-Z]:\\\\Users)")


def check(root):
    problems = []
    for path in lintlib.files_below(root):
        data = path.read_bytes()
        if b"\0" in data:
            continue
        for number, line in enumerate(data.decode("utf-8", "replace").splitlines(), 1):
            where = f"{path.relative_to(root)}:{number}"
            host, machine = HOST.search(line), MACHINE.search(line)
            if host:
                problems.append(f"{where}: names the registry host {host.group(0)}")
            if machine:
                problems.append(f"{where}: has the machine path {machine.group(1)}")
    return problems


CASES = [
    ("ordinary paths",
     {"a.md": "/dev/shm/aeron-alice /usr/bin/python3 /home/user src/work/x ./root/ ${x}/root/ http://www.apache.org/licenses\n"}, None),
    ("a registry", {"a.sh": "curl https://static." + HOSTS[0] + "/x\n"}, "registry host"),
    ("a registry, bare", {"a.toml": 'index = "' + HOSTS[1] + '"\n'}, "registry host"),
    ("a machine path", {"CMakeLists.txt": "set(X /" + "work/deps)\n"}, "machine path"),
    ("a home", {"run": "cd /home" + "/bob/project\n"}, "machine path"),
    ("root's home", {"run": "cd /" + "root/project\n"}, "machine path"),
]

if __name__ == "__main__":
    lintlib.main(__doc__, check, CASES)
