"""Every system that is built here, measured in short by each verb: judged by its shape, never by its time. And whatever kills it, nothing is left."""

import json
import os
import subprocess
import time
from pathlib import Path

import pytest

BENCH = Path(os.environ["TP_BUILD_DIR"]) / "bench"
PATIENCE = 120
NOT_HERE = 77
SYSTEMS = ("floor", "aeron", "iceoryx", "zeromq", "nng", "iceoryx2")           # ours needs a driver: test_smoke.py
TIMES = {"p50_ns", "p99_ns", "p999_ns", "min_ns", "max_ns", "count"}
RATE = {"frames_per_s", "bytes_per_s", "lost", "count"}
VERBS = [(TIMES, "latency", "--size", "64", "--frames", "200"), (TIMES, "latency", "--size", "131072", "--frames", "50", "--depth", "8"),
         (TIMES, "publish", "--consumers", "3", "--depth", "128", "--frames", "640"), (RATE, "rate", "--frames", "5000"),
         (RATE, "rate", "--size", "131072", "--depth", "8", "--frames", "200", "--checksum"), (TIMES, "attach", "--frames", "2"),
         (TIMES, "wake", "--frames", "20"), (TIMES, "wake", "--frames", "20", "--one-cpu")]


@pytest.fixture(params=SYSTEMS)
def program(request):
    path = BENCH / f"peer_{request.param}"
    if not path.exists():
        pytest.skip(f"{path} is not built")
    return path


@pytest.fixture
def folder(tmp_path_factory):
    made = Path(f"/dev/shm/tp-bench-test-{os.getpid()}")
    made.mkdir()
    yield made
    subprocess.run(["/bin/sh", "-c", 'rm -rf -- "$1" "$1"_*', "sh", str(made)], check=True)


def words(program, folder, *arguments):
    cpus = sorted(os.sched_getaffinity(0))
    return [str(program), *arguments, "--cpu", f"{cpus[0]},{cpus[-1]}", "--dir", str(folder)]


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: " ".join(verb[1:]))
def test_each_verb_prints_one_line_with_its_keys(program, folder, verb):
    keys, *arguments = verb
    done = subprocess.run(words(program, folder, *arguments), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE, check=False)
    if NOT_HERE == done.returncode:
        assert done.stderr.strip() and "" == done.stdout
        pytest.skip(done.stderr.strip().splitlines()[-1])
    assert 0 == done.returncode, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    assert 1 == len(lines) and lines[0]["what"] == arguments[0] and keys <= set(lines[0]), done.stdout
    if keys is TIMES:
        assert 0 < lines[0]["min_ns"] <= lines[0]["p50_ns"] <= lines[0]["p99_ns"] <= lines[0]["max_ns"] * 1.001
    else:
        assert lines[0]["frames_per_s"] > 0 and 0 == lines[0]["lost"]


def descendants(pid):
    found = []
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found += [int(child) for child in path.read_text(encoding="ascii").split()]
        except OSError:
            pass
    return found + [below for child in found for below in descendants(child)]


def lives(pid):
    try:
        return "Z" != Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()[0]
    except OSError:
        return False


def until(condition, what):
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, what()
        time.sleep(0.02)


def test_a_killed_run_ends_its_roles_and_its_daemon(program, folder):
    least = {"peer_aeron": 4, "peer_iceoryx": 4}.get(program.name, 2)          # two roles; keeper and daemon
    process = subprocess.Popen(words(program, folder, "latency", "--frames", "50000000"), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE, text=True)
    until(lambda: len(descendants(process.pid)) >= least or process.poll() is not None, lambda: descendants(process.pid))
    if NOT_HERE == process.poll():
        pytest.skip(process.communicate()[1])
    started = descendants(process.pid)
    process.kill()
    process.wait()
    process.stderr.close()
    until(lambda: not any(map(lives, started)), lambda: [pid for pid in started if lives(pid)])
