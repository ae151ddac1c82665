"""tp pub and tp sub at the rates people use: many small frames, and large ones. The numbers are those of a small machine under load."""

from cli import start_tp, tp

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


def adds_up(summary):
    return summary["received"] + summary["lost"] == summary["last_seq"] - summary["first_seq"] + 1


def test_small_frames_at_100_khz(start, sandbox):
    start.driver(config=CONFIG)
    pub = start_tp(start, sandbox, "pub", "small", "--pattern", "counter", "--shape", 64, "--hz", 100000, "--count", 250000,
        "--wait-consumers", 1, "--json")
    done = tp(sandbox, "sub", "small", "--check", "--count", 200000, "--json", "--quiet", timeout=60).ok()
    summary = done.lines()[-1]
    assert 0 == summary["corrupt"] == summary["torn"] and adds_up(summary)
    assert summary["received"] >= 0.99 * (summary["received"] + summary["lost"]), summary
    pub.expect(0, 30)


def test_large_frames_at_200_hz(start, sandbox):
    start.driver(config=CONFIG)
    pub = start_tp(start, sandbox, "pub", "large", "--pattern", "counter", "--shape", 4194304, "--hz", 200, "--wait-consumers", 1, "--json")
    done = tp(sandbox, "sub", "large", "--check", "--count", 600, "--json", "--quiet", timeout=60).ok()
    summary = done.lines()[-1]
    assert 0 == summary["corrupt"] == summary["torn"] and adds_up(summary) and summary["received"] + summary["lost"] >= 600
    pub.kill()
