"""The suite from end to end on a cheap row: judged by its shape, never by its time. And whatever kills it, nothing is left behind."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

MAIN = Path(__file__).resolve().parent / "main.py"
BUILD = os.environ["TP_BUILD_DIR"]
PATIENCE = 300


def suite(*arguments, **more):
    return subprocess.Popen([sys.executable, "-B", str(MAIN), BUILD, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True, **more)


def ours(pid):
    """Directories that a suite of that process id has made: its guard is the child that names them."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().decode(errors="replace").split("\0")
            parent = path.with_name("stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()[1]
        except OSError:
            continue
        if int(parent) == pid and "/bin/sh" == words[0]:
            found += [Path(word) for word in words if word.startswith("/dev/shm/tp-bench-")]
    return found


def until(condition):
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.05)
    return False


def test_a_row_is_a_line_of_json_with_the_promised_keys():
    process = suite("--quick", "--json", "--only", "tracing")
    out, errors = process.communicate(timeout=PATIENCE)
    assert 0 == process.returncode, errors
    lines = [json.loads(line) for line in out.splitlines()]
    assert [(12, "tracing on / off p50")] == [(line["target"], line["name"]) for line in lines], errors
    line = lines[0]
    assert {"value", "limit", "met", "rounds", "tries", "spread", "unit"} <= set(line)
    assert 1 <= line["tries"] <= 10 and 0 <= line["rounds"] <= 3 and isinstance(line["met"], bool), errors
    if line["rounds"]:
        assert line["value"] > 0 and line["spread"][0] <= line["value"] <= line["spread"][1]
        assert line["ours"] > 0 and line["floor"] > 0


def test_what_nobody_built_is_told_as_not_available():
    process = suite("--quick", "--json", "--only", "publish cost at 128", env={**os.environ, "PATH": "/usr/bin:/bin"})
    out, errors = process.communicate(timeout=PATIENCE)
    assert 0 == process.returncode, errors
    line = json.loads(out)
    assert line["value"] is not None or line["reason"]


def test_a_name_that_no_row_has_is_refused():
    process = suite("--quick", "--only", "no such row")
    out, errors = process.communicate(timeout=PATIENCE)
    assert 0 != process.returncode and "no row has that name" in errors and "" == out


def test_a_killed_suite_leaves_nothing_behind():
    process = suite("--only", "tracing")
    made = []
    assert until(lambda: made.extend(ours(process.pid)) or any(list(path.glob("run-*/driver-*/aeron*")) for path in made))
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert until(lambda: not any(path.exists() for path in made)), made
