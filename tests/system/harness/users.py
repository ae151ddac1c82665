"""Unprivileged users that a test needs, made and removed by root."""

import grp
import itertools
import os
import pwd
import re
import subprocess
import time

_numbers = itertools.count()
_NAME = re.compile(r"^tptest(\d+)[ug]\d+$")


class User:
    def __init__(self, name):
        entry = pwd.getpwnam(name)
        self.name, self.uid, self.gid = name, entry.pw_uid, entry.pw_gid


def _run(*command):
    for _ in range(20):                                    # the password file may be locked by others
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        if done.returncode != 1 and done.returncode != 10:
            break
        time.sleep(0.1)
    return done


def make_group(guardian):
    name = f"tptest{os.getpid()}g{next(_numbers)}"
    guardian.watch_group(name)
    done = _run("groupadd", name)
    assert 0 == done.returncode, done.stdout.decode()
    return name


def make_user(guardian, group):
    name = f"tptest{os.getpid()}u{next(_numbers)}"
    guardian.watch_user(name)
    done = _run("useradd", "--no-create-home", "--home-dir", "/nonexistent", "--no-user-group", "--gid", group, "--shell", "/usr/sbin/nologin", name)
    assert 0 == done.returncode, done.stdout.decode()
    return User(name)


def remove_user(name):
    try:
        pwd.getpwnam(name)
    except KeyError:
        return
    _run("userdel", "--force", name)


def remove_group(name):
    try:
        grp.getgrnam(name)
    except KeyError:
        return
    _run("groupdel", name)


def remove_dead():
    """Users and groups of test processes that are no more."""
    if 0 != os.geteuid():
        return
    dead = lambda name: (match := _NAME.match(name)) and not os.path.isdir(f"/proc/{match.group(1)}")  # noqa: E731
    for entry in pwd.getpwall():
        if dead(entry.pw_name):
            remove_user(entry.pw_name)
    for entry in grp.getgrall():
        if dead(entry.gr_name):
            remove_group(entry.gr_name)
