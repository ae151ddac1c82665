"""tp as producer and consumer of a real driver: contents, shapes, files, limits, exit codes."""

import io
import os
import signal
import subprocess
import zlib

import numpy as np
import pytest
from cli import adds_up, environment, start_tp, tp
from configs import FAST, RANGES
from harness.process import program
from harness.waiting import until

CONFIG = RANGES + FAST + """allow_dynamic_streams = true
default_profile = "small"
[profiles.small]
header_nslots = 64
payload_pools = [ { pool_id = 1, stride_bytes = 4096 }, { pool_id = 2, stride_bytes = 1048576 } ]
[profiles.tiny]
header_nslots = 4
payload_pools = [ { pool_id = 1, stride_bytes = 4096 } ]
[streams.cam1]
stream_id = 10000
profile = "small"
[streams.thermal]
stream_id = 10001
profile = "small"
[streams.narrow]
stream_id = 10002
profile = "tiny"
"""


def publish(start, sandbox, stream, *arguments):
    return start_tp(start, sandbox, "pub", stream, "--wait-consumers", 1, "--linger", 1, *arguments)


def counter(seq, length):
    return ((np.arange(length, dtype=np.uint64) + np.uint64(seq)) % np.uint64(256)).astype(np.uint8).tobytes()


def test_counter_frames_arrive_with_the_bytes_everybody_can_compute(start, sandbox, driver):
    pub = publish(start, sandbox, "cam1", "--pattern", "counter", "--shape", "30x40", "--dtype", "u16", "--hz", 50, "--json")
    done = tp(sandbox, "sub", "cam1", "--json", "--count", 20, "--check", "--max-lost", 0).ok()
    frames = done.of("frame")
    assert 20 == len(frames)
    assert [frame["seq"] for frame in frames] == list(range(frames[0]["seq"], frames[0]["seq"] + 20))
    for frame in frames:
        assert frame["bytes"] == 2400 and frame["dims"] == [30, 40] and frame["dtype"] == "uint16" and frame["strides"] == [80, 2]
        assert frame["crc32"] == zlib.crc32(counter(frame["seq"], 2400)) and frame["check"] is True
        assert frame["stream_id"] == "10000" and isinstance(frame["epoch"], str) and frame["latency_ns"] > 0 and frame["trace"] is None
    summary = done.lines()[-1]
    assert summary["type"] == "summary" and summary["ok"] and summary["received"] == 20 and summary["corrupt"] == 0 and summary["torn"] == 0
    assert summary["lost"] == sum(summary["lost_by_reason"].values()) == 0
    pub.signal(signal.SIGINT)
    pub.expect(0)
    assert pub.json_lines()[-1]["published"] >= 20


@pytest.mark.parametrize("pattern", ["ramp", "noise"])
@pytest.mark.parametrize("dtype", ["u8", "i16", "f32", "f64"])
def test_other_patterns_are_verified_and_told_apart(start, sandbox, driver, pattern, dtype):
    publish(start, sandbox, 10000, "--pattern", pattern, "--shape", "100", "--dtype", dtype, "--hz", 100)
    tp(sandbox, "sub", 10000, f"--check={pattern}", "--count", 10).ok()
    other = "noise" if "ramp" == pattern else "ramp"
    done = tp(sandbox, "sub", 10000, f"--check={other}", "--count", 3, "--json").ends(6)
    assert done.lines()[-1]["corrupt"] == 3 and "error[TP5201]" in done.complaint()


def test_raw_frames_of_a_pipe_arrive_unchanged(start, sandbox, driver):
    data = np.random.default_rng(1).integers(0, 256, (10, 24, 32, 3), dtype=np.uint8)
    raw = sandbox.write("frames.raw", data.tobytes())
    out = os.path.join(sandbox.path, "got.raw")
    with open(raw, "rb") as stdin:
        pub = start_tp(start, sandbox, "pub", "cam1", "--wait-consumers", 1, "--shape", "24x32x3", "--hz", 50, stdin=stdin)
    tp(sandbox, "sub", "cam1", "--out", out, "--count", 10, "--max-lost", 0).ok()
    pub.expect(0)
    assert open(out, "rb").read() == data.tobytes()


def test_raw_input_that_ends_within_a_frame_is_an_error(sandbox, driver):
    assert "ended within a frame: 50 of 100" in tp(sandbox, "pub", "cam1", "--shape", "100", stdin=b"x" * 250, timeout=30).ends(1).complaint()
    assert "before the first frame" in tp(sandbox, "pub", "cam1", "--shape", "100", stdin=b"").ends(1).complaint()


ARRAYS = [np.arange(60, dtype="<u2").reshape(3, 4, 5), np.linspace(-1, 1, 7), np.asfortranarray(np.arange(12, dtype="<i4").reshape(3, 4))]


@pytest.mark.parametrize("array", ARRAYS, ids=["c-order", "vector", "fortran"])
def test_arrays_survive_the_way_through_npy_files(start, sandbox, driver, array):
    path = os.path.join(sandbox.path, "in.npy")
    np.save(path, array)
    publish(start, sandbox, "cam1", path, "--hz", 50)
    one = os.path.join(sandbox.path, "one.npy")
    three = os.path.join(sandbox.path, "three.npy")
    tp(sandbox, "sub", "cam1", "--out", one, "--count", 1).ok()
    tp(sandbox, "sub", "cam1", "--out", three, "--count", 3).ok()
    got = np.load(one)
    assert got.dtype == array.dtype and np.array_equal(got, array)
    stacked = np.load(three)
    axis = stacked.ndim - 1 if np.isfortran(array) else 0
    assert 3 == stacked.shape[axis] and np.array_equal(np.take(stacked, 2, axis), array)


def test_split_publishes_each_frame_of_an_array_once(start, sandbox, driver):
    array = np.arange(5 * 6 * 7, dtype="<f4").reshape(5, 6, 7)
    path = os.path.join(sandbox.path, "in.npy")
    out = os.path.join(sandbox.path, "out.npy")
    np.save(path, array)
    pub = publish(start, sandbox, "cam1", path, "--split", "--hz", 50, "--json")
    tp(sandbox, "sub", "cam1", "--out", out, "--count", 5).ok()
    pub.expect(0)
    assert pub.json_lines()[-1]["published"] == 5
    assert np.array_equal(np.load(out), array)


def test_bad_npy_files_are_refused(sandbox, driver):
    good = io.BytesIO()
    np.save(good, np.zeros(10, dtype=">u2"))
    big_endian = sandbox.write("big.npy", good.getvalue())
    cut = sandbox.write("cut.npy", good.getvalue().replace(b">u2", b"<u2")[:-1])
    assert "big-endian" in tp(sandbox, "pub", "cam1", big_endian).ends(1).complaint()
    assert "shorter than its header" in tp(sandbox, "pub", "cam1", cut).ends(1).complaint()
    assert "not a .npy file" in tp(sandbox, "pub", "cam1", sandbox.write("x.npy", "hello, world")).ends(1).complaint()


def test_names_work_and_unknown_ones_get_the_nearest(sandbox, driver):
    done = tp(sandbox, "sub", "thermall", "--count", 1).ends(2)
    assert "thermal" in done.complaint() and done.complaint().startswith("error[TP1009]")
    assert "10777" in tp(sandbox, "info", "10777").ends(4).complaint()


def test_a_second_producer_is_rejected_with_4(start, sandbox, driver):
    publish(start, sandbox, "cam1", "--pattern", "counter", "--client-id", 4711)
    until(lambda: tp(sandbox, "ls", "--json").of("stream")[0]["producer"] == "4711", 30, "the producer's lease")
    done = tp(sandbox, "pub", "cam1", "--pattern", "counter", "--count", 1).ends(4)
    assert "error[TP4012]" in done.complaint()
    tp(sandbox, "sub", 10555, "--count", 1).ends(4)


def test_silence_ends_with_5(sandbox, driver):
    done = tp(sandbox, "sub", "cam1", "--timeout", 1).ends(5)
    assert "error[TP1004]" in done.complaint()
    tp(sandbox, "view", "cam1", "--timeout", 0.5).ends(5)
    tp(sandbox, "pub", "cam1", "--pattern", "ramp", "--wait-consumers", 1, "--timeout", 0.5).ends(5)
    tp(sandbox, "sub", "cam1", "--seconds", 0.5).ok()


def last_seq(sandbox, stream):
    return next(line["last_seq"] or 0 for line in tp(sandbox, "ls", "--json").of("stream") if str(stream) == str(line["stream_id"]))


def test_losses_are_counted_and_limited(start, sandbox, driver):
    publish(start, sandbox, "narrow", "--pattern", "counter", "--shape", "100", "--hz", 2000)
    sub = start_tp(start, sandbox, "sub", "narrow", "--json", "--check", "--max-lost", 0)
    frames = lambda: len(sub.json_lines())  # noqa: E731
    until(lambda: frames() > 10, 30, "frames")
    sub.signal(signal.SIGSTOP)
    stopped_at, published_at = frames(), last_seq(sandbox, 10002)
    until(lambda: last_seq(sandbox, 10002) > published_at + 200, 30, "frames that nobody reads")
    sub.signal(signal.SIGCONT)
    until(lambda: frames() > stopped_at + 10, 30, "frames after the pause")
    sub.signal(signal.SIGINT)
    sub.expect(6, 30)
    summary = sub.json_lines()[-1]
    assert summary["lost"] > 100 and summary["corrupt"] == 0
    assert adds_up(summary)
    assert summary["lost"] == sum(summary["lost_by_reason"].values())


def test_frames_that_fit_no_pool_are_refused_with_a_remedy(sandbox, driver):
    done = tp(sandbox, "pub", "cam1", "--pattern", "counter", "--shape", "1048577", "--count", 1).ends(1)
    assert "error[TP2201]: frame of 1,048,577 bytes fits no pool" in done.complaint() and "stride_bytes = 1048640" in done.complaint()


def test_rate_limited_consumers_get_fewer_frames_and_lose_none(start, sandbox, driver):
    publish(start, sandbox, "cam1", "--pattern", "counter", "--shape", "100", "--hz", 100)
    done = tp(sandbox, "sub", "cam1", "--mode", "rate-limited", "--max-rate", 10, "--count", 20, "--json", "--max-lost", 0).ok()
    summary = done.lines()[-1]
    assert 20 == summary["received"] and summary["thinned"] > 50 and 0 == summary["lost"]


def test_own_descriptor_and_control_streams(start, sandbox, driver):
    publish(start, sandbox, "cam1", "--pattern", "counter", "--shape", "100", "--hz", 100, "--publish-time")
    done = tp(sandbox, "sub", "cam1", "--json", "--count", 30, "--check", "--desc-channel", "aeron:ipc", "--desc-id", 31001,
        "--ctrl-channel", "aeron:ipc", "--ctrl-id", 32001).ok()
    frames = done.of("frame")
    assert 30 == len(frames) and all(int(frame["publish_timestamp_ns"]) >= int(frame["timestamp_ns"]) for frame in frames)


def test_dynamic_streams_are_made_on_demand(start, sandbox, driver):
    publish(start, sandbox, 20003, "--pattern", "counter", "--shape", "10", "--hz", 100)
    until(lambda: "20003" in [line["stream_id"] for line in tp(sandbox, "ls", "--json").of("stream")], 30, "the stream")
    tp(sandbox, "sub", 20003, "--check", "--count", 5).ok()


def test_a_closed_pipe_ends_a_reader_quietly(start, sandbox, driver):
    publish(start, sandbox, "cam1", "--pattern", "counter", "--shape", "10", "--hz", 200)
    sub = start_tp(start, sandbox, "sub", "cam1", "--json")
    until(lambda: len(sub.json_lines()) > 3, 30, "frames")
    sub.kill()
    pipe = subprocess.Popen(f"'{program('tp')}' sub cam1 --json | head -n 3", shell=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env=environment(sandbox))
    out, err = pipe.communicate(timeout=30)
    assert 3 == out.count(b"\n")
    assert [] == [line for line in err.splitlines() if not line.startswith(b"error[TP5201]")]     # a busy machine may lose it a frame


def test_interrupted_readers_still_print_their_summary(start, sandbox, driver):
    publish(start, sandbox, "cam1", "--pattern", "counter", "--shape", "10", "--hz", 100)
    sub = start_tp(start, sandbox, "sub", "cam1", "--json")
    until(lambda: len(sub.json_lines()) > 3, 30, "frames")
    sub.signal(signal.SIGINT)
    sub.expect(0)
    assert sub.json_lines()[-1]["type"] == "summary"


def test_the_death_of_the_driver_ends_publishing_with_3_and_reading_with_5(start, sandbox, driver):
    pub = start_tp(start, sandbox, "pub", "cam1", "--pattern", "counter", "--shape", "10", "--hz", 100, "--timeout", 2, "--json")
    sub = start_tp(start, sandbox, "sub", "cam1", "--json", "--check", "--timeout", 2)
    until(lambda: len(sub.json_lines()) > 50, 30, sub.describe)
    driver.kill()
    assert "TP3002" in pub.expect(3, 30).err() and "TP3101" in pub.err()
    sub.expect(5, 30)
    summary = sub.json_lines()[-1]
    assert summary["received"] > 0 and adds_up(summary)
    assert summary["epoch"] != "0"
