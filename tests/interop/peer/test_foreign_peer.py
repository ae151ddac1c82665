"""
A producer and a consumer in Java, written from docs/spec and sharing nothing with the C library, against tp_driver, `tp pub` and `tp sub`:
on the C media driver, embedded and of another process, and on the Java media driver.
"""

import json
import os
import re
import signal
import socket
import struct
import subprocess
import time

import pytest

from harness import flow
from harness.waiting import until

PEER = os.environ.get("TP_PEER", "")
GOLDEN = os.path.join(os.environ.get("TP_SOURCE_DIR", ""), "tests", "golden")
OURS, THEIRS = 10000, 10001                 # streams whose producer is `tp pub`, and the foreign one
ANNOUNCE_MS = 250
PATIENCE_MS = 1000                          # the announce period that the foreign side reckons with: a busy machine may hold it up for a while
LEASE_MS = 2500
NSLOTS = 64
STRIDE = 4096
EXPIRED, REVOKED = 2, 3
CONFIG = f"""
[policies]
announce_period_ms = {ANNOUNCE_MS}
lease_keepalive_interval_ms = {LEASE_MS // 8}
lease_expiry_grace_intervals = 8
shutdown_timeout_ms = 100
[profiles.p]
header_nslots = {NSLOTS}
payload_pools = [{{ pool_id = 1, stride_bytes = 64 }}, {{ pool_id = 2, stride_bytes = {STRIDE} }}]
[streams.ours]
stream_id = {OURS}
profile = "p"
[streams.theirs]
stream_id = {THEIRS}
profile = "p"
"""


class Foreign:
    """One Java process and what it said."""

    def __init__(self, start, sandbox, verb, stream, *options, label=None):
        self.process = start(PEER, verb, "--stream", stream, "--aeron-dir", sandbox.aeron, "--base", sandbox.base, "--announce-period-ms",
            PATIENCE_MS, *options, label=label or f"java-{verb}")

    def lines(self, kind):
        return [line for line in self.process.json_lines() if kind == line["type"]]

    def wait_for(self, kind, count=1, timeout=30):
        until(lambda: len(self.lines(kind)) >= count or not self.process.is_running(), timeout,
            lambda: f"{count} x {kind}\n{self.process.describe()}")
        found = self.lines(kind)
        assert len(found) >= count, self.process.describe()
        return found

    def wait_for_frames_above(self, epoch, count=10, timeout=30):
        good = lambda: [frame for frame in self.frames() if int(frame["epoch"]) > epoch]  # noqa: E731
        until(lambda: len(good()) >= count or not self.process.is_running(), timeout,
            lambda: f"{count} frames of an epoch above {epoch}\n{self.process.describe()}")
        assert len(good()) >= count, self.process.describe()
        return good()

    def frames(self):
        """Every payload is right, and every slot holds the bytes of its fields and zeros."""
        found = self.lines("frame")
        wrong = [frame for frame in found if not frame["check"] or not frame["exact"]]
        assert not wrong and not self.lines("invalid"), f"{wrong[:1]}\n{self.process.describe()}"
        return found

    def epochs(self):
        return [int(line["epoch"]) for line in self.lines("attached")]

    def end(self):
        """Detaches in order."""
        self.process.signal(signal.SIGTERM)
        self.process.expect(0)
        assert [0] == [line["code"] for line in self.lines("detached")], self.process.describe()
        return self.lines("summary")[0]


@pytest.fixture
def foreign(start, sandbox):
    return lambda verb, stream, *options, **more: Foreign(start, sandbox, verb, stream, *options, **more)


@pytest.fixture
def outside_media_driver(start, sandbox):
    """The C media driver of another process."""
    return start.driver(config=flow.config(stream=19999, control=1900), run=sandbox.make("host-run", 0o700), base=sandbox.make("host-base", 0o700),
        instance="host")


def java_media_driver(start, sandbox):
    process = start(PEER, "media-driver", "--aeron-dir", sandbox.aeron, label="java-media-driver")
    until(lambda: process.json_lines() or not process.is_running(), 30, process.describe)
    assert process.is_running(), process.describe()
    return process


@pytest.fixture
def driver(request, start, sandbox):
    """tp_driver on the media driver that the test names; embedded by default."""
    media = getattr(request, "param", "embedded")
    if "external" == media:
        request.getfixturevalue("outside_media_driver")
    elif "java" == media:
        java_media_driver(start, sandbox)
    return start.driver(config=CONFIG, embedded="embedded" == media)


def admin(driver, **command):
    """One command over the driver's local socket."""
    with open(driver.endpoint_file(), encoding="utf-8") as file:
        path = re.search(r"(/\S+\.sock)", file.read()).group(1).strip('",')
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as peer:
        peer.settimeout(10)
        peer.connect(path)
        peer.sendall((json.dumps(command) + "\n").encode())
        answer = b""
        while not answer.endswith(b"\n"):
            part = peer.recv(65536)
            assert part, "the driver closed the socket"
            answer += part
    answer = json.loads(answer)
    assert answer["ok"], answer
    return answer


# ---- frames ------------------------------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("driver", ["embedded", "external", "java"], indirect=True)
def test_frames_flow_between_ours_and_the_foreign_peer__D_053(start, foreign, driver):
    """Both ways at once, and from foreign to foreign, each byte checked by the receiver."""
    theirs = foreign("produce", THEIRS, "--hz", 200, "--bytes", 1000)
    consumers = [foreign("consume", stream, label=f"java-consume-{stream}") for stream in (OURS, THEIRS)]
    subscriber = flow.Subscriber(start, THEIRS)
    flow.Publisher(start, OURS, hz=200, shape="7x11")
    small = foreign("produce", OURS, "--only-once", "true", label="second")
    subscriber.wait_for_frames(50)
    for each in consumers:
        each.wait_for("frame", 50)
    assert {77} == {frame["bytes"] for frame in consumers[0].frames()} and {1000} == {frame["bytes"] for frame in consumers[1].frames()}
    assert {2} == {frame["pool"] for frame in consumers[0].frames()}
    small.process.expect(0)
    assert [3] == [line["code"] for line in small.lines("refused")], small.process.describe()
    ended = theirs.end()
    assert "0" == ended["dropped"], ended
    subscriber.all_frames_are_right()
    for each in consumers:
        summary = each.end()
        assert summary["wrong"] == summary["invalid"] == "0", summary
    assert driver.is_running()


def test_private_streams_with_one_foreign_side__P8(start, foreign):
    """The driver grants both consumers a stream of their own: ours publishes there, the foreign producer never heard of such streams."""
    start.driver(config='[driver]\ndescriptor_stream_id_range = "31000-31099"\n' + CONFIG)
    foreign("produce", THEIRS, "--hz", 100)
    flow.Publisher(start, OURS, hz=200)
    limited = foreign("consume", OURS, "--private", 31005, "--max-rate", 20, label="limited")
    private = flow.Subscriber(start, THEIRS, "--desc-channel", "aeron:ipc?term-length=4m", "--desc-id", 31007)
    granted = limited.wait_for("configured")[0]
    assert granted["descriptors"] in range(31000, 31100) and "RATE_LIMITED" == granted["mode"]
    began = int(private.frames()[-1]["seq"]) if private.frames() else 0
    private.wait_for_frames(300)                # three seconds: longer than it takes to notice that nobody publishes there
    assert int(private.frames()[-1]["seq"]) >= began + 299
    own = lambda: [int(frame["seq"]) for frame in limited.frames() if frame["on"] == granted["descriptors"]]  # noqa: E731
    until(lambda: len(own()) >= 20, 30, limited.process.describe)
    steps = [b - a for a, b in zip(own(), own()[1:])]
    assert sum(steps) / len(steps) > 5, steps   # 200 a second are published, 20 granted


# ---- leases ------------------------------------------------------------------------------------------------------------------------------

def test_foreign_lease_lives_by_keepalives_and_dies_without__D_102_D_131(start, foreign, driver):
    """One lease is kept; the other is not, gets its notice, and its owner attaches again. Two of these pass while the first lives on."""
    kept = foreign("produce", THEIRS, label="kept")
    mute = foreign("produce", OURS, "--mute", "true", label="mute")
    follower = foreign("consume", OURS)
    first = int(mute.wait_for("attached")[0]["epoch"])
    kept.wait_for("attached")
    follower.wait_for_frames_above(0)
    leases = [line["lease"] for line in mute.wait_for("attached", 3, timeout=60)]
    assert 3 == len(set(leases[:3])) and mute.epochs()[0] < mute.epochs()[1] < mute.epochs()[2], mute.process.describe()
    assert {EXPIRED} == {line["reason"] for line in mute.lines("revoked")}, mute.process.describe()
    follower.wait_for_frames_above(first)
    assert 1 == len(kept.lines("attached")) and not kept.lines("unmapped"), kept.process.describe()
    assert int(kept.end()["keepalives"]) >= 4


def test_foreign_lease_is_revoked_and_taken_again__D_112_D_130(start, foreign, driver):
    producer = foreign("produce", THEIRS)
    subscriber = flow.Subscriber(start, THEIRS)
    follower = foreign("consume", THEIRS)
    subscriber.wait_for_frames()
    first = int(producer.lines("attached")[0]["epoch"])
    follower.wait_for_frames_above(0)
    [lease] = [lease for lease in admin(driver, cmd="leases")["leases"] if "producer" == lease["role"]]
    assert lease["lease"] == producer.lines("attached")[0]["lease"] and lease["epoch"] == str(first)
    admin(driver, cmd="revoke", lease=lease["lease"])
    assert REVOKED == producer.wait_for("revoked")[0]["reason"]
    second = int(producer.wait_for("attached", 2)[1]["epoch"])
    assert second > first
    subscriber.wait_for_epoch_above(first)
    follower.wait_for_frames_above(first)
    mine = follower.lines("attached")[0]["lease"]
    admin(driver, cmd="revoke", lease=mine)
    assert REVOKED == follower.wait_for("revoked")[0]["reason"]
    follower.wait_for("attached", 2)
    producer.end()
    # A detached producer leaves an empty, later epoch behind (D-132).
    until(lambda: any(int(line["epoch"]) > second for line in follower.lines("mapped")), 30, follower.process.describe)
    assert not [lease for lease in admin(driver, cmd="leases")["leases"] if "producer" == lease["role"]]
    follower.end()


@pytest.mark.parametrize("how", ["killed", "stopped"])
def test_foreign_clients_attach_again_to_the_next_driver__D_159(start, foreign, sandbox, outside_media_driver, how):
    """After three announce periods of silence, or at once when regions of another driver are announced, and a backoff."""
    driver = start.driver(config=CONFIG, embedded=False)
    producer = foreign("produce", THEIRS, "--hz", 100)
    consumer = foreign("consume", THEIRS)
    subscriber = flow.Subscriber(start, THEIRS)
    consumer.wait_for_frames_above(0)
    subscriber.wait_for_frames()
    before = producer.epochs()[-1]
    if "killed" == how:
        driver.signal(signal.SIGKILL)
        driver.wait()
    else:
        driver.stop()
        assert producer.wait_for("shutdown") and consumer.wait_for("shutdown")
    start.driver(config=CONFIG, embedded=False)
    backoffs = [len(each.lines("backoff")) for each in (producer, consumer)]
    for each, before_it in zip((producer, consumer), backoffs):
        each.wait_for("attached", 2)
        assert len(each.lines("backoff")) <= before_it + 2, each.process.describe()        # silence noticed, and one request that nobody answered
    assert producer.epochs()[-1] > before
    consumer.wait_for_frames_above(before)
    subscriber.wait_for_epoch_above(before)
    subscriber.wait_for_frames()


# ---- bytes -------------------------------------------------------------------------------------------------------------------------------

def test_golden_bytes_by_hand_written_tables():
    done = subprocess.run([PEER, "golden", GOLDEN], capture_output=True, text=True, timeout=60, check=False)
    assert 0 == done.returncode and 64 + 256 == json.loads(done.stdout)["bytes"], done.stdout + done.stderr


def superblock(path):
    with open(path, "rb") as file:
        return struct.unpack("<QIQIhHIIIQQQ", file.read(64))


def expected_slot(seq, length, stamp):
    """Section 6.2, byte by byte: SlotHeader, length, embedded header, TensorHeader, zeros."""
    slot = struct.pack("<QIIHIQI26x", seq << 1 | 1, length, seq % NSLOTS, 1 if length <= 64 else 2, 0, stamp, 0xFFFFFFFF)
    slot += struct.pack("<IHHHH", 192, 184, 52, 900, 1)
    slot += struct.pack("<hhBBBI8i8i109x", 1, 1, 1, 0, 0, 0, length, *[0] * 7, *[0] * 8)
    assert 256 == len(slot)
    return slot


def test_every_byte_the_foreign_producer_leaves_behind__W_221(foreign, driver, sandbox):
    """A short stream, then the files are read as they lie there: superblocks of the driver, slots and payloads of the peer."""
    began_ns = time.monotonic_ns()
    producer = foreign("produce", THEIRS, "--bytes", 60)
    [attached] = producer.wait_for("attached")
    epoch = int(attached["epoch"])
    consumer = foreign("consume", THEIRS, "--count", 40)            # a producer publishes when somebody listens
    consumer.process.expect(0)
    ring = producer.lines("mapped")[0]["uri"][len("shm:file?path="):]
    directory = os.path.dirname(ring)
    assert directory.endswith(f"/default/{THEIRS}/{epoch}") and ["1.pool", "2.pool", "header.ring"] == sorted(os.listdir(directory))
    magic = 0x544F504C53484D31
    last = max(int(frame["seq"]) for frame in consumer.frames())
    for name, head in (("header.ring", (1, 0, NSLOTS, 256, 0)), ("1.pool", (2, 1, NSLOTS, 64, 64)), ("2.pool", (2, 2, NSLOTS, STRIDE, STRIDE))):
        path = os.path.join(directory, name)
        found = superblock(path)
        assert found[:9] == (magic, 1, epoch, THEIRS, *head) and found[9] == driver.pid, found
        assert began_ns < found[10] <= found[11] <= time.monotonic_ns(), found
        assert os.path.getsize(path) == 64 + NSLOTS * (head[4] or 256)
        until(lambda path=path, before=found[11]: superblock(path)[11] > before, 10, "activity is refreshed")
    producer.process.signal(signal.SIGSTOP)                         # nothing moves while we look
    with open(ring, "rb") as file:
        slots = file.read()[64:]
    with open(os.path.join(directory, "1.pool"), "rb") as file:
        payloads = file.read()[64:]
    committed = 0
    for i in range(NSLOTS):
        image = slots[256 * i:256 * (i + 1)]
        word, = struct.unpack_from("<Q", image)
        if not word & 1:
            continue
        committed += 1
        seq = word >> 1
        assert seq % NSLOTS == i and image == expected_slot(seq, 60, struct.unpack_from("<Q", image, 22)[0]), f"slot {i}: {image.hex()}"
        assert payloads[64 * i:64 * i + 60] == bytes((seq + k) & 255 for k in range(60))
        assert payloads[64 * i + 60:64 * (i + 1)] == bytes(4)
    assert committed >= min(40, NSLOTS - 1) and last
    producer.process.signal(signal.SIGCONT)
    producer.end()
