"""tp pub and tp sub at the rates people use: many small frames, and large ones. Whatever the machine is too slow for is lost, and counted."""

from cli import adds_up, start_tp, tp

CONFIG = """
[profiles.small]
header_nslots = 16384
payload_pools = [ { pool_id = 1, stride_bytes = 64 } ]
[profiles.large]
header_nslots = 64
payload_pools = [ { pool_id = 1, stride_bytes = 4194304 } ]
[streams.small]
stream_id = 10000
profile = "small"
[streams.large]
stream_id = 10001
profile = "large"
"""


def judge(done, frames):
    """6 is the answer to frames that were overwritten while they were read, which a machine with enough to do may bring about."""
    summary = done.lines()[-1]
    assert (0 if 0 == summary["torn"] else 6) == done.code and 0 == summary["corrupt"], done.describe()
    assert adds_up(summary)
    assert frames == summary["received"], summary


def test_small_frames_at_100_khz(start, sandbox):
    start.driver(config=CONFIG)
    pub = start_tp(start, sandbox, "pub", "small", "--pattern", "counter", "--shape", 64, "--hz", 100000, "--wait-consumers", 1, "--json")
    judge(tp(sandbox, "sub", "small", "--check", "--count", 200000, "--json", "--quiet"), 200000)
    pub.kill()


def test_large_frames_at_200_hz(start, sandbox):
    start.driver(config=CONFIG)
    pub = start_tp(start, sandbox, "pub", "large", "--pattern", "counter", "--shape", 4194304, "--hz", 200, "--wait-consumers", 1, "--json")
    judge(tp(sandbox, "sub", "large", "--check", "--count", 600, "--json", "--quiet"), 600)
    pub.kill()
