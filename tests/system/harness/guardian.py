"""
A process that outlives the tests by a moment: it reads what was made from a pipe, and when the pipe ends, because the tests ended or were
killed, it removes all of it. Processes need no guardian: the kernel kills them with their parent (PR_SET_PDEATHSIG).
"""

import os
import subprocess
import sys
import time

if __name__ == "__main__":
    sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from harness import sandbox, users  # noqa: E402


class Guardian:
    def __init__(self):
        self._process = subprocess.Popen([sys.executable, "-B", os.path.abspath(__file__)], stdin=subprocess.PIPE, start_new_session=True)

    def _tell(self, line):
        self._process.stdin.write((line + "\n").encode())
        self._process.stdin.flush()

    def watch_directory(self, path):
        self._tell("directory " + path)

    def watch_user(self, name):
        self._tell("user " + name)

    def watch_group(self, name):
        self._tell("group " + name)

    def close(self):
        self._process.stdin.close()
        self._process.wait(timeout=60)


def main():
    made = [line.rstrip("\n").split(" ", 1) for line in sys.stdin]
    # Killed children may still write while they die: a directory is gone when it stays gone.
    for _ in range(20):
        left = [path for kind, path in made if kind == "directory" and os.path.isdir(path)]
        for path in left:
            sandbox.remove_tree(path)
        if not left:
            break
        time.sleep(0.05)
    for kind, name in made:
        if kind == "user":
            users.remove_user(name)
    for kind, name in made:
        if kind == "group":
            users.remove_group(name)


if __name__ == "__main__":
    main()
