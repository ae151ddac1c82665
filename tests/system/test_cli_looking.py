"""tp's verbs that look: ls, info, hz, bw, delay, echo, view, stat, shm, doctor, env; with a driver that lives and one that was killed."""

import os
import re
import signal
import struct
import subprocess

import numpy as np
import pytest
from cli import start_tp, tp
from harness.process import clean_environment, program
from harness.waiting import until

CONFIG = """
[policies]
announce_period_ms = 200
[profiles.small]
header_nslots = 8
payload_pools = [ { pool_id = 1, stride_bytes = 4096 }, { pool_id = 7, stride_bytes = 65536 } ]
[streams.cam1]
stream_id = 10000
profile = "small"
[streams.idle]
stream_id = 10001
profile = "small"
"""


@pytest.fixture
def camera(start, sandbox, driver):
    """A producer of 16x12x3 u8 frames at 100 Hz that has published some."""
    process = start_tp(start, sandbox, "pub", "cam1", "--pattern", "counter", "--shape", "12x16x3", "--hz", 100, "--client-id", 77)
    until(lambda: (stream(sandbox)["last_seq"] or 0) > 20, 30, lambda: f"frames; {process.describe()}")
    return process


def stream(sandbox, name="cam1"):
    return next(line for line in tp(sandbox, "ls", "--json").ok().of("stream") if name == line["name"])


def test_ls_shows_shape_rate_and_people(start, sandbox, camera):
    start_tp(start, sandbox, "sub", "cam1", "--client-id", 88)
    seen = until(lambda: (lambda s: s if 1 == s["consumers"] else None)(stream(sandbox)), 30, "the consumer")
    assert seen["stream_id"] == "10000" and seen["producer"] == "77" and seen["dtype"] == "uint8" and seen["dims"] == [12, 16, 3]
    assert 80 < seen["hz"] < 125 and abs(seen["bytes_per_second"] / 576 - seen["hz"]) < 1 and seen["header_nslots"] == 8 and seen["pools"] == 2
    assert int(seen["epoch"]) > 0 and os.path.isdir(seen["directory"])
    table = tp(sandbox, "ls").ok().text()
    assert re.search(r"^ *10000  cam1 +12x16x3  uint8 ", table, re.M) and re.search(r"10001  idle +- ", table)
    assert ["cam1", "idle"] == tp(sandbox, "ls", "--quiet").ok().text().split()
    assert 3 == len(tp(sandbox, "ls", "--json", "--count", 3, "--interval", 0.05).ok().lines()) / 2


def test_info_shows_leases_with_their_counts(start, sandbox, camera):
    start_tp(start, sandbox, "sub", "cam1", "--client-id", 88)

    def leases():
        found = {lease["client_id"]: lease for lease in tp(sandbox, "info", "cam1", "--json").ok().one("stream")["leases"]}
        return found if "88" in found and found["88"].get("frames", 0) > 10 and found.get("77", {}).get("frames", 0) > 10 else None
    found = until(leases, 30, "both leases with counts")
    assert found["77"]["role"] == "producer" and found["88"]["role"] == "consumer" and found["77"]["pid"] == camera.pid
    assert found["88"]["drops_gap"] == found["88"]["drops_late"] == 0
    text = tp(sandbox, "info", "10000").ok().text()
    assert "12x16x3 uint8" in text and re.search(r"^producer +77 ", text, re.M)
    assert "no frame in this epoch" in tp(sandbox, "info", "idle").ok().text() or "not provisioned" in tp(sandbox, "info", "idle").ok().text()


def test_hz_bw_and_delay_measure(sandbox, camera):
    hz = tp(sandbox, "hz", "cam1", "--seconds", 2, "--json").ok().lines()[-1]
    assert hz["type"] == "summary" and 90 < hz["hz"] < 110 and 0 < hz["interval_ns"]["p50"] < 15e6
    bw = tp(sandbox, "bw", "cam1", "--count", 50, "--json").ok().lines()[-1]
    assert 0.85 * 57600 < bw["bytes_per_second"] < 1.15 * 57600
    delay = tp(sandbox, "delay", "cam1", "--count", 50, "--json", "--interval", 0.1).ok()
    assert 0 < delay.lines()[-1]["latency_ns"]["p50"] <= delay.lines()[-1]["latency_ns"]["max"] < 1e9 and len(delay.of("interval")) >= 2
    for verb in ("hz", "bw", "delay"):
        assert "--- all" in tp(sandbox, verb, "cam1", "--count", 20).ok().text()


def test_echo_prints_headers_and_values(sandbox, camera):
    for frame in tp(sandbox, "echo", "cam1", "--count", 3, "--values", 5, "--json").ok().of("frame"):
        assert frame["values"] == [(frame["seq"] + i) % 256 for i in range(5)] and frame["dims"] == [12, 16, 3]
    assert "12x16x3 uint8  576 bytes" in tp(sandbox, "echo", "cam1", "--count", 1).ok().text()


def png_pixels(path, width, height):
    done = subprocess.run(["ffmpeg", "-v", "error", "-i", path, "-f", "rawvideo", "-pix_fmt", "rgb24", "-"], stdout=subprocess.PIPE, check=True)
    return np.frombuffer(done.stdout, dtype=np.uint8).reshape(height, width, 3)


def test_view_writes_the_picture_and_draws_it(sandbox, camera):
    path = os.path.join(sandbox.path, "frame.png")
    shown = tp(sandbox, "view", "cam1", "--png", path, "--json").ok().one("picture")
    assert (shown["width"], shown["height"]) == (16, 12)
    wanted = ((np.arange(576) + shown["seq"]) % 256).astype(np.uint8).reshape(12, 16, 3)
    assert np.array_equal(png_pixels(path, 16, 12), wanted)
    text = tp(sandbox, "view", "cam1", "--width", 16).ok().text()
    assert 6 == text.count("\x1b[0m\n") and 96 == text.count("\u2580")
    assert "cannot be written" in tp(sandbox, "view", "cam1", "--png", "/nonexistent/x.png").ends(1).complaint()
    assert ["frame.png"] == [name for name in os.listdir(sandbox.path) if "png" in name]


def test_view_of_what_is_no_picture_says_so(start, sandbox, driver):
    start_tp(start, sandbox, "pub", "idle", "--pattern", "ramp", "--shape", "5", "--hz", 50)
    assert "not a picture" in tp(sandbox, "view", "idle").ends(1).complaint()


def test_stat_shows_counters_of_aeron_and_of_ours(sandbox, camera):
    counters = tp(sandbox, "stat", "--json").ok()
    assert {"aeron", "tp driver", "tp stream", "tp lease"} <= {line["kind"] for line in counters.of("counter")}
    assert counters.one("summary")["alive"] is True
    assert "tp stream" in tp(sandbox, "stat").ok().text()
    assert all("lease" in line["label"] for line in tp(sandbox, "stat", "--json", "--name", "lease").of("counter"))


def test_stat_works_after_kill_9_of_the_driver(sandbox, driver, camera):
    driver.kill()
    done = tp(sandbox, "stat", "--json").ok()
    assert done.of("counter") and done.one("summary")["alive"] is False
    assert "is dead" in done.complaint() and str(driver.pid) in done.complaint()


def test_shm_inspect_prints_every_field(sandbox, camera):
    directory = stream(sandbox)["directory"]
    camera.signal(signal.SIGSTOP)
    with open(os.path.join(directory, "header.ring"), "rb") as file:
        ring = file.read()
    lines = tp(sandbox, "shm", "inspect", directory, "--json").ok()
    block = next(line for line in lines.of("superblock") if 1 == line["region_type"])
    magic, layout, epoch, stream_id, kind, pool, nslots, slot_bytes, stride, pid, begun, active = struct.unpack_from("<QIQIhHIIIQQQ", ring)
    assert int(block["magic"], 16) == magic == 0x544F504C53484D31 and block["layout_version"] == layout and block["epoch"] == str(epoch)
    assert block["stream_id"] == str(stream_id) == "10000" and block["region_type"] == kind and block["pool_id"] == str(pool)
    assert (block["nslots"], block["slot_bytes"], block["stride_bytes"], block["pid"]) == (nslots, slot_bytes, stride, pid)
    assert block["start_timestamp_ns"] == str(begun) and int(block["activity_timestamp_ns"]) >= active
    slots = lines.of("slot")
    assert 8 == len(slots)
    for slot in slots:
        at = 64 + 256 * slot["index"]
        word, length, payload_slot, pool, offset, time_ns, meta = struct.unpack_from("<QIIHIQI", ring, at)
        assert slot["seq"] == word >> 1 and slot["committed"] == bool(word & 1)
        if not slot["committed"]:
            continue
        assert (slot["values_len_bytes"], slot["payload_slot"], slot["pool_id"], slot["payload_offset"]) == (length, payload_slot, str(pool), offset)
        assert slot["timestamp_ns"] == str(time_ns) and slot["meta_version"] == str(meta) and slot["valid"] and slot["dims"] == [12, 16, 3]
        assert (slot["header_bytes"], slot["embedded_block_length"], slot["embedded_template_id"], slot["embedded_schema_id"]) == (192, 184, 52, 900)
    text = tp(sandbox, "shm", "inspect", "cam1", "--slots", 2).ok().text()
    assert "magic 0x544F504C53484D31" in text and 2 == text.count("  slot ")
    assert 3 == len(lines.of("superblock"))


def test_shm_inspect_refuses_what_is_no_region(sandbox, driver):
    assert "TP6" in tp(sandbox, "shm", "inspect", sandbox.write("header.ring", b"\0" * 10000)).ends(1).complaint()
    tp(sandbox, "shm", "inspect", "/nonexistent/x").ends(1)
    tp(sandbox, "shm", "inspect", sandbox.path + "/run").ends(1)
    tp(sandbox, "shm", "inspect", "12345").ends(4)


def states(sandbox):
    return {line["state"] for line in tp(sandbox, "shm", "ls", "--json", "--base-dir", sandbox.base).ok().of("region_directory")}


def test_shm_clean_refuses_a_live_driver_and_removes_a_dead_one(sandbox, driver, camera):
    live = states(sandbox)
    assert "live" in live and "stale" not in live
    before = sandbox.files(sandbox.base)
    done = tp(sandbox, "shm", "clean", "--json", "--base-dir", sandbox.base).ok()
    assert {"refused"} == {line["action"] for line in done.of("clean")} and 0 == done.one("summary")["removed"]
    assert before == sandbox.files(sandbox.base)
    driver.kill()
    camera.kill()
    until(lambda: {"stale"} == states(sandbox), 30, "stale")
    assert "would remove" in tp(sandbox, "shm", "clean", "--dry-run", "--base-dir", sandbox.base).ok().text()
    assert before == sandbox.files(sandbox.base)
    assert tp(sandbox, "shm", "clean", "--json", "--base-dir", sandbox.base).ok().one("summary")["removed"] >= 1
    assert [] == sandbox.files(sandbox.base)


def test_shm_clean_leaves_what_is_not_ours(sandbox, driver, camera):
    directory = stream(sandbox)["directory"]
    driver.kill()
    camera.kill()
    with open(os.path.join(directory, "notes.txt"), "w", encoding="utf-8") as file:
        file.write("keep me")
    done = tp(sandbox, "shm", "clean", "--json", "--base-dir", sandbox.base)
    assert os.path.exists(os.path.join(directory, "notes.txt"))
    assert [line for line in done.of("clean") if "no regions" in (line["why"] or "")]


def test_doctor_and_env_know_the_driver(sandbox, driver):
    findings = tp(sandbox, "doctor", "--json", "--base-dir", sandbox.base).ok().of("finding")
    assert [f for f in findings if "driver" == f["check"] and "ok" == f["level"] and "driver-01" in f["text"]]
    assert [f for f in findings if "media driver" == f["check"] and "ok" == f["level"] and sandbox.aeron in f["text"]]
    endpoint = tp(sandbox, "env", "--json").ok().one("endpoint")
    assert endpoint["instance"] == "driver-01" and endpoint["alive"] is True and endpoint["pid"] == driver.pid
    assert endpoint["aeron_dir"] == sandbox.aeron
    driver.kill()
    findings = tp(sandbox, "doctor", "--json", "--base-dir", sandbox.base).of("finding")
    assert [f for f in findings if "driver" == f["check"] and "warn" == f["level"] and "is dead" in f["text"]]


def test_doctor_says_which_rings_leave_the_cache__L_413(sandbox, camera):
    def said(size):
        findings = tp(sandbox, "doctor", "--json", "--base-dir", sandbox.base, TP_CACHE_BYTES=size).ok().of("finding")
        return [(f["level"], f["text"], f["fix"]) for f in findings if "cache" == f["check"]]

    assert camera.is_running()
    (level, text, fix), = said(str(8 * 65536 - 1))                        # of the larger pool; the other stream has no regions
    assert level == "info" and text.startswith("stream 10000: 8 slots of 64.0 KiB are 512.0 KiB, more than the last-level cache"), text
    assert "header_nslots = 4 would fit" in fix
    assert "not even one frame fits" in said("65535")[0][2]
    (level, text, _), = said("512K")
    assert level == "ok" and text.startswith("512.0 KiB, the ring of every stream in use fits")
    assert not said("0")


def in_namespace(script, *options):
    """Runs a shell script in namespaces of its own. $TP is the program."""
    if subprocess.run(["unshare", *options, "true"], stderr=subprocess.DEVNULL, check=False).returncode != 0:
        pytest.skip("namespaces are not allowed here")
    done = subprocess.run(["unshare", *options, "bash", "-ec", script], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60, check=False,
        env=clean_environment(TP=program("tp")), text=True)
    return done.stdout


@pytest.mark.root
def test_doctor_and_demo_see_a_small_dev_shm(sandbox):
    said = in_namespace('mount -t tmpfs -o size=64m,mode=1755 tmpfs /dev/shm; "$TP" doctor || true; "$TP" demo --seconds 2 || echo "code $?"', "-m")
    assert re.search(r"warn  /dev/shm size +64\.0 MiB is small", said) and re.search(r"warn  /dev/shm +has mode 1755", said)
    assert "error[TP6005]: /dev/shm has" in said and "--shm-size" in said and "code 1" in said


@pytest.mark.root
def test_doctor_sees_a_foreign_pid_namespace(sandbox, driver):
    said = in_namespace(f'mount -t proc proc /proc; TP_AERON_DIR={sandbox.aeron} TP_RUNTIME_DIR={sandbox.run} "$TP" doctor || true', "-m", "-p", "-f")
    assert "foreign pid namespace" in said and f"its pid {driver.pid} is not seen here" in said


def test_stat_of_an_external_media_driver_that_died_says_so_after_10_s(start, sandbox):
    media = start.driver(config=CONFIG, instance="media")
    other = start.driver(config=CONFIG, embedded=False, instance="other", base=sandbox.make("base2", 0o700))
    assert "tp driver" in tp(sandbox, "stat").ok().text()
    media.signal(signal.SIGSTOP)
    done = tp(sandbox, "stat", "--json").ok()
    assert done.one("summary")["alive"] is True and "is dead" not in done.complaint()
    until(lambda: "is dead" in tp(sandbox, "stat").ok().complaint(), 30, "the verdict")
    assert tp(sandbox, "stat", "--json").ok().one("summary")["heartbeat_age_ms"] > 10000
    assert other.pid != media.pid
