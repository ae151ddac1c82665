"""Frames on their way: publishers and subscribers made of the program tp, and what can be said of them from outside."""

from harness.waiting import until

STREAM = 10000


def config(stream=STREAM, nslots=64, stride=16384, policies="", driver="", profile="", control=1000):
    """A driver configuration of one stream. Short intervals, so that the tests need not wait long for what lasts intervals."""
    return f"""
[driver]
control_stream_id = {control}
{driver}
[policies]
announce_period_ms = 100
lease_keepalive_interval_ms = 100
lease_expiry_grace_intervals = 20
shutdown_timeout_ms = 200
{policies}
[profiles.p]
header_nslots = {nslots}
payload_pools = [{{ pool_id = 1, stride_bytes = {stride} }}]
{profile}
[streams.s]
stream_id = {stream}
profile = "p"
"""


class Publisher:
    def __init__(self, start, stream=STREAM, *arguments, hz=200, shape="64x64", label="pub", **more):
        self.process = start("tp", "pub", stream, "--pattern", "counter", "--shape", shape, "--hz", hz, "--timeout", 60, *arguments,
            label=label, **more)

    def is_publishing(self):
        """It says so once a second."""
        return " frames " in self.process.out()


class Subscriber:
    def __init__(self, start, stream=STREAM, *arguments, label="sub", **more):
        self.process = start("tp", "sub", stream, "--check=counter", "--json", *arguments, label=label, **more)

    def frames(self):
        return [line for line in self.process.json_lines() if "frame" == line.get("type")]

    def count(self):
        return len(self.frames())

    def epoch(self):
        frames = self.frames()
        return int(frames[-1]["epoch"]) if frames else 0

    def wait_for_frames(self, more=10, timeout=30):
        """Until so many further frames came; all of them must be right."""
        goal = self.count() + more
        until(lambda: self.count() >= goal or not self.process.is_running(), timeout,
            lambda: f"{self.count()} of {goal} frames\n{self.process.describe()}")
        assert self.count() >= goal, self.process.describe()
        self.all_frames_are_right()

    def wait_for_epoch_above(self, epoch, timeout=30):
        until(lambda: self.epoch() > epoch or not self.process.is_running(), timeout,
            lambda: f"a frame of an epoch above {epoch}\n{self.process.describe()}")
        assert self.epoch() > epoch, self.process.describe()

    def all_frames_are_right(self):
        wrong = [line for line in self.frames() if not line["check"]]
        assert not wrong, f"{len(wrong)} frames differ from what was published, the first is {wrong[0]}"
