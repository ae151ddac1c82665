"""Private directories below /dev/shm. A directory belongs to the process that holds the lock of its .owner file; what dead owners left is removed."""

import errno
import fcntl
import itertools
import os
import shutil
import subprocess

PREFIX = "/dev/shm/tp-test-"
_numbers = itertools.count()


def _mounts_below(path):
    with open("/proc/self/mounts", encoding="utf-8", errors="replace") as mounts:
        return [line.split()[1] for line in mounts if line.split()[1].startswith(path + "/")]


def remove_tree(path):
    for mount in reversed(_mounts_below(path)):
        subprocess.run(["umount", "-l", mount], check=False)
    shutil.rmtree(path, ignore_errors=True)


def _is_dead(path):
    owner = path[len(PREFIX):].split("-")[0]
    has_ended = owner.isdigit() and not os.path.isdir(f"/proc/{owner}")        # of other names their own programs take care (tests/leftovers.c)
    try:
        fd = os.open(os.path.join(path, ".owner"), os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return has_ended
    except OSError:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)         # taken: it ended, in whatever pid namespace, or it is about to take it
        return has_ended
    except OSError as error:
        return error.errno not in (errno.EWOULDBLOCK, errno.EAGAIN)
    finally:
        os.close(fd)


def remove_dead():
    for name in os.listdir("/dev/shm"):
        path = os.path.join("/dev/shm", name)
        if path.startswith(PREFIX) and _is_dead(path):
            remove_tree(path)


class Sandbox:
    """Directories of one test: base (region files), run (endpoint files), aeron (a path, made by the media driver), anything else below path."""

    def __init__(self, guardian):
        self.path = f"{PREFIX}{os.getpid()}-{next(_numbers)}"
        guardian.watch_directory(self.path)
        os.mkdir(self.path, 0o755)
        os.chmod(self.path, 0o755)
        self._owner = os.open(os.path.join(self.path, ".owner"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._owner, fcntl.LOCK_EX)
        self.base = self.make("base", 0o700)
        self.run = self.make("run", 0o700)
        self.aeron = os.path.join(self.path, "aeron")

    def make(self, name, mode=0o755, owner=None):
        path = os.path.join(self.path, name)
        os.mkdir(path)
        if owner is not None:
            os.chown(path, owner.uid, owner.gid)
        os.chmod(path, mode)
        return path

    def write(self, name, text, mode=0o644):
        path = os.path.join(self.path, name)
        with open(path, "wb" if isinstance(text, bytes) else "w") as out:
            out.write(text)
        os.chmod(path, mode)
        return path

    def files(self, below):
        """Every file below a directory, relative to it."""
        found = []
        for root, _, names in os.walk(below):
            found += [os.path.relpath(os.path.join(root, name), below) for name in names]
        return sorted(found)

    def close(self):
        remove_tree(self.path)
        os.close(self._owner)
