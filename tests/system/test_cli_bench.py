"""tp bench: what it prints and that nothing is left. Nothing here judges a time."""

import os
import signal

import pytest
from cli import start_tp, tp
from demos import left_of_demo, processes_of
from harness.waiting import until

SHORT = ("--seconds", 1, "--count", 2, "--sizes", "64,4K,1M", "--consumers", "1,4")
CONFIG = """
[profiles.one]
header_nslots = 256
payload_pools = [ { pool_id = 1, stride_bytes = 4096 }, { pool_id = 2, stride_bytes = 1048576 } ]
[streams.free]
stream_id = 10000
profile = "one"
"""
LATENCY = {"type", "bytes", "p50_ns", "p99_ns", "p999_ns", "max_ns", "times_floor", "count", "lost"}
THROUGHPUT = {"type", "bytes", "frames_per_second", "bytes_per_second", "memcpy_bytes_per_second", "of_memcpy", "count", "lost"}
PUBLISH = {"type", "consumers", "p50_ns", "p99_ns", "times_first", "count", "lost"}


def judge(done, stream_sizes):
    kinds = [line["type"] for line in done.lines()]
    assert kinds == ["machine", "floor"] + ["latency"] * 3 + ["throughput"] * 3 + ["publish"] * 2 + ["summary"]
    machine, floor = done.one("machine"), done.one("floor")
    assert machine["cpu"] and machine["cpus"] >= 1 and machine["rounds"] == 2
    assert machine["pinned"] is None or 2 == len(set(machine["pinned"]))
    for line in [floor, *done.of("latency")]:
        assert set(line) == LATENCY and 0 < line["p50_ns"] <= line["p99_ns"] and line["count"] > 0, line
    assert [line["bytes"] for line in done.of("latency")] == stream_sizes == [line["bytes"] for line in done.of("throughput")]
    for line in done.of("throughput"):
        assert set(line) == THROUGHPUT and line["frames_per_second"] > 0 and line["memcpy_bytes_per_second"] > 0 and line["count"] > 0, line
        assert line["bytes_per_second"] == pytest.approx(line["frames_per_second"] * line["bytes"])
    for line in done.of("publish"):
        assert set(line) == PUBLISH and 0 < line["p50_ns"] <= line["p99_ns"] and line["count"] > 0, line
    assert [line["consumers"] for line in done.of("publish")] == [1, 4]
    summary = done.one("summary")
    assert 2 == summary["rounds"] <= summary["latency_tries"] and summary["unsteady_rounds"] <= 2


def test_it_measures_with_a_driver_of_its_own_and_leaves_nothing(sandbox):
    done = tp(sandbox, "bench", *SHORT, "--json", timeout=120).ok()
    judge(done, [64, 4096, 1 << 20])
    assert [] == left_of_demo(done.pid)


def test_people_get_tables(sandbox):
    text = tp(sandbox, "bench", *SHORT, timeout=120).ok().text()
    for word in ("last-level cache", "floor: two cache lines", "1.0 MiB", "OF MEMCPY", "4 consumers", "medians of 2 rounds"):
        assert word in text, text


def test_it_measures_a_stream_of_a_running_driver_by_name(sandbox, start):
    start.driver(config=CONFIG)
    done = tp(sandbox, "bench", "free", "--aeron-dir", sandbox.aeron, *SHORT, "--json", timeout=120)
    judge(done.ok(), [64, 4096, 1 << 20])
    assert [] == left_of_demo(done.pid)
    done = tp(sandbox, "bench", "free", "--aeron-dir", sandbox.aeron, "--sizes", "64,2M")
    assert 2 == done.code and "do not fit" in done.complaint()


def test_a_stream_with_a_producer_is_not_disturbed(sandbox, start):
    start.driver(config=CONFIG)
    producer = start_tp(start, sandbox, "pub", "free", "--pattern", "counter", "--shape", 64, "--hz", 100)
    until(lambda: [s for s in tp(sandbox, "ls", "--json").of("stream") if s["epoch"] != "0"], 30, "a producer")
    assert 4 == tp(sandbox, "bench", "free", "--aeron-dir", sandbox.aeron, *SHORT).code
    assert producer.is_running()


@pytest.mark.parametrize("wrong", [("--sizes", "0"), ("--sizes", "4K,64"), ("--sizes", "65M"), ("--consumers", "129"), ("--consumers", ""),
    ("--cpus", "1"), ("--cpus", "1,1"), ("--count", 102), ("10000",), ("--driver", "other")])
def test_wrong_usage_is_said_and_starts_nothing(sandbox, wrong):
    done = tp(sandbox, "bench", *wrong)
    assert 2 == done.code and "bench" in done.complaint() and [] == left_of_demo(done.pid)


def begun(start, sandbox):
    process = start_tp(start, sandbox, "bench", "--json", "--seconds", 60, "--count", 100)
    until(lambda: process.json_lines(), 60, process.describe)
    assert 1 == len(left_of_demo(process.pid))
    return process, left_of_demo(process.pid)[0]


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_nothing_is_left_whatever_ends_it(start, sandbox, how):
    process, directory = begun(start, sandbox)
    assert len(processes_of(directory)) >= 3
    os.kill(process.pid, how)
    until(lambda: [] == left_of_demo(process.pid) and [] == processes_of(directory), 30, lambda: f"{directory} {processes_of(directory)}")
    assert 0 != process.wait(30)
