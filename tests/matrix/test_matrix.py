"""
How driver and clients can be set up, each way with real processes that move checked frames. The table covers every pair of values of two columns
that can go together; test_table_covers_all_pairs proves it.
"""

import itertools
import os
import subprocess

import pytest

from cli import tp
from harness.waiting import until

CLIENT = os.environ.get("TP_MATRIX_CLIENT", "")
STATIC, DYNAMIC = 10000, 20005
WISH, RANGE = 31007, range(31000, 31100)
HUGE_BYTES = 2 << 20
RATE_HZ, PUBLISHED_HZ = 20, 200
COUNT = 40

COLUMNS = {
    "media driver": ("embedded", "external"),
    "client": ("invoker", "agent"),
    "stream": ("static", "dynamic"),
    "pools": (1, 4),
    "descriptors": ("shared", "private"),
    "pages": ("unspecified", "standard", "huge"),
    "mode": ("stream", "granted", "declined"),
}
TABLE = [
    ("external", "invoker", "static", 4, "private", "standard", "granted"),
    ("embedded", "agent", "dynamic", 1, "shared", "standard", "stream"),
    ("external", "invoker", "dynamic", 1, "shared", "huge", "declined"),
    ("embedded", "agent", "static", 4, "shared", "unspecified", "declined"),
    ("external", "agent", "dynamic", 1, "private", "unspecified", "granted"),
    ("embedded", "invoker", "static", 4, "private", "huge", "stream"),
    ("external", "invoker", "dynamic", 4, "shared", "unspecified", "stream"),
    ("embedded", "agent", "static", 1, "private", "huge", "granted"),
    ("embedded", "invoker", "static", 1, "shared", "standard", "declined"),
]


def can_go_together(*values):
    """A reduced rate is granted on a private stream; a consumer that is declined one stays on the shared stream."""
    return not {("granted", "shared"), ("declined", "private")} & set(itertools.permutations(values, 2))


def pairs():
    """Every pair of (column, value) that can go together."""
    cells = [[(name, value) for value in values] for name, values in COLUMNS.items()]
    return {frozenset(pair) for a, b in itertools.combinations(cells, 2) for pair in itertools.product(a, b)
        if can_go_together(pair[0][1], pair[1][1])}


def test_table_covers_all_pairs():
    assert all(can_go_together(*row) for row in TABLE) and len(set(TABLE)) == len(TABLE)
    covered = {frozenset(pair) for row in TABLE for pair in itertools.combinations(zip(COLUMNS, row), 2)}
    missing = sorted(sorted(map(str, pair)) for pair in pairs() - covered)
    assert not missing, missing
    assert covered <= pairs(), sorted(map(str, covered - pairs()))


# ---- the driver ----------------------------------------------------------------------------------------------------------------------------

def config(pools, descriptors, huge):
    strides = (64, 256, 1024, 4096) if 4 == pools else (4096,)
    listed = ", ".join(f"{{ pool_id = {i + 1}, stride_bytes = {stride} }}" for i, stride in enumerate(strides))
    private = f'descriptor_stream_id_range = "{RANGE[0]}-{RANGE[-1]}"' if "private" == descriptors else ""
    return f"""
[driver]
stream_id_range = "20000-20009"
{private}
[shm]
page_size_bytes = {HUGE_BYTES if huge else 4096}
[policies]
allow_dynamic_streams = true
announce_period_ms = 200
lease_keepalive_interval_ms = 200
lease_expiry_grace_intervals = 15
shutdown_timeout_ms = 50
[profiles.p]
header_nslots = 64
payload_pools = [{listed}]
[streams.s]
stream_id = {STATIC}
profile = "p"
"""


@pytest.fixture
def huge_base(sandbox):
    """A hugetlbfs of our own, or None when this host has no huge pages to give or lets us mount nothing."""
    path = sandbox.make("huge", 0o700)
    with open("/proc/meminfo", encoding="ascii") as file:
        free = {line.split()[0]: int(line.split()[1]) for line in file}.get("HugePages_Free:", 0)
    command = ["mount", "-t", "hugetlbfs", "-o", f"mode=0700,pagesize={HUGE_BYTES}", "hugetlbfs", path]
    done = subprocess.run(command, capture_output=True, check=False) if 0 == os.geteuid() and free >= 16 else None
    mounted = done is not None and 0 == done.returncode
    yield path if mounted else None
    if mounted:
        subprocess.run(["umount", "-l", path], check=False)


class Setting:
    """One row of the table: a driver, and clients that are run in its way."""

    def __init__(self, start, sandbox, row, base):
        self.media, self.mode_of_client, stream, self.pools, self.descriptors, self.pages, self.mode = row
        self.start, self.sandbox = start, sandbox
        self.stream = STATIC if "static" == stream else DYNAMIC
        if "external" == self.media:
            start.driver(config=config(1, "shared", False).replace("[driver]", "[driver]\ncontrol_stream_id = 1900"), instance="host",
                run=sandbox.make("host-run", 0o700), base=sandbox.make("host-base", 0o700))
        self.driver = start.driver(config=config(self.pools, self.descriptors, base is not None), embedded="embedded" == self.media, base=base)
        self.policy = {"unspecified": 0, "standard": 1, "huge": 2}[self.pages]

    def publisher(self):
        return self.start(CLIENT, "pub", self.stream, self.mode_of_client, self.policy, label="matrix-pub")

    def subscriber(self):
        rate = 0 if "stream" == self.mode else RATE_HZ
        wish = WISH if "private" == self.descriptors or "declined" == self.mode else 0
        return self.start(CLIENT, "sub", self.stream, self.mode_of_client, self.policy, self.pools, wish, rate, COUNT, label="matrix-sub")

    def listeners(self):
        """The Aeron streams that somebody listens to. Labels are "sub-pos: registration session stream channel"."""
        found = tp(self.sandbox, "stat", "--all", "--json").ok().lines()
        return {int(line["label"].split()[3]) for line in found if str(line.get("label", "")).startswith("sub-pos: ")}


@pytest.mark.parametrize("row", TABLE, ids=["-".join(map(str, row)) for row in TABLE])
def test_checked_frames_flow(start, sandbox, huge_base, row):
    is_huge = "huge" == row[5]
    setting = Setting(start, sandbox, row, huge_base if is_huge else None)
    if is_huge and huge_base is None:
        refused = setting.publisher()
        assert 4 == refused.wait(30) and "TP4016" in refused.err(), refused.describe()
        assert [] == [name for name in sandbox.files(sandbox.base) if name.endswith((".pool", ".ring"))]
        setting.policy = 0
    publisher = setting.publisher()
    subscriber = setting.subscriber()
    until(lambda: subscriber.json_lines() or not subscriber.is_running(), 60, lambda: subscriber.describe() + publisher.describe())
    assert subscriber.is_running(), subscriber.describe() + publisher.describe()
    [summary] = subscriber.json_lines()
    assert summary["right"] >= COUNT and 0 == summary["wrong"] + summary["bad_header"], summary
    own = {stream for stream in setting.listeners() if stream in RANGE}
    assert (1 if "private" == setting.descriptors else 0) == len(own), setting.listeners()
    if "declined" == setting.mode:                  # thinned out here
        assert summary["rate"] > COUNT, summary
    elif "granted" == setting.mode:                 # the producer's affair, but for the frames before the grant: a hello goes out once a second
        assert summary["rate"] < 0.75 * COUNT * (PUBLISHED_HZ / RATE_HZ - 1), summary
    else:
        assert 0 == summary["rate"], summary
    if "stream" != setting.mode:
        assert summary["took_ms"] > 1000 * (COUNT - 2) / RATE_HZ * 0.8, summary
    regions = [name for name in sandbox.files(huge_base if is_huge and huge_base else sandbox.base) if name.endswith(".pool")]
    assert regions and all(f"/{setting.stream}/" in name for name in regions), regions
    for each in (subscriber, publisher):
        each.signal(15)
        each.expect(0)
    setting.driver.stop()
