"""Running `tp demo` from the tests: its verdict, its processes, what it leaves."""

import os

from cli import start_tp
from harness.waiting import until


def failed_checks(done, speed):
    """Those that say something of the demo, not of the machine (speed); the verdict has to follow from all of them."""
    summary = done.lines()[-1]
    failed = [check["name"] for check in summary["checks"] if not check["ok"]]
    assert summary["type"] == "summary" and summary["ok"] is (not failed) and done.code == (1 if failed else 0), done.describe()
    return [name for name in failed if name not in speed]


def says_what_it_found(done, speed):
    """The same for plain lines."""
    failed = [line for line in done.text().splitlines() if line.startswith("FAIL")]
    assert all(any(check in line for check in speed) for line in failed), done.describe()
    assert ("All is well" if not failed else "The demo failed") in done.text() and done.code == (1 if failed else 0)
    assert "\x1b" not in done.text()


def left_of_demo(pid):
    """The directories of the demo with that pid."""
    return sorted(name for name in os.listdir("/dev/shm") if name.startswith(f"tp-demo-{os.geteuid()}-{pid}-"))


def processes_of(directory):
    """Processes that have the directory's name in their environment: everything the demo started but its guardian."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/environ", "rb") as file:
                if directory.encode() in file.read():
                    found.append(int(pid))
        except OSError:
            pass
    return found


def start_demo(start, sandbox, counted, *arguments, seconds=60):
    """A demo that has counted some frames under that name, and its directory."""
    process = start_tp(start, sandbox, "demo", *arguments, "--json", "--seconds", seconds, "--png", os.path.join(sandbox.path, "proof.png"))
    until(lambda: [line for line in process.json_lines() if line[counted] > 5], 40, process.describe)
    assert 1 == len(left_of_demo(process.pid))
    return process, left_of_demo(process.pid)[0]
