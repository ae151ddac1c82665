"""The rows: what is measured for each target, and its limit. Sizes and counts are those of the full run; quick ones stand beside them."""

from dataclasses import dataclass, field

KIB, MIB = 1 << 10, 1 << 20


@dataclass(frozen=True)
class Run:
    """One run of a peer: system, verb and its options. quick: options that replace those in the quick run."""
    system: str
    verb: str
    options: dict
    quick: dict = field(default_factory=dict)

    def arguments(self, quick):
        options = {**self.options, **(self.quick if quick else {})}
        words = [self.verb]
        for key, value in options.items():
            words += [f"--{key}"] if value is True else [f"--{key}", str(value)]
        return words

    def option(self, name, default):
        return self.options.get(name, default)


@dataclass(frozen=True)
class Figure:
    """What is read out of the rounds: one line of the result."""
    name: str
    key: str                           # of the runs whose ratio it is, or the name in a program's lines
    limit: float
    sense: str = "<="
    stretch: float = None
    unit: str = "ratio"


@dataclass(frozen=True)
class Ratio:
    """Interleaved rounds of two runs; a figure is the median of ours / peer."""
    target: int
    group: str
    ours: Run
    peer: Run
    figures: tuple
    in_quick: bool = True


@dataclass(frozen=True)
class Program:
    """A program of its own (bench/README.md): once a round, or a single time."""
    target: int
    group: str
    command: tuple                     # below build/<preset>/bench
    figures: tuple
    quick: tuple = ()                  # arguments added in the quick run
    full: tuple = ()                   # and in the full one
    once: bool = False
    seconds: int = 300                 # at most, for one call


def size_name(size):
    return f"{size // MIB} MiB" if size >= MIB else f"{size // KIB} KiB" if size >= KIB else f"{size} B"


def depth_of(size):
    return 64 if size <= 64 * KIB else 8


def latency(system, size, **more):
    frames = 20000 if size <= 64 * KIB else 5000 if size < 4 * MIB else 1500
    fewer = 10000 if size <= 64 * KIB else 2000 if size < 4 * MIB else 500
    return Run(system, "latency", {"size": size, "frames": frames, "depth": depth_of(size), "settle": SETTLE, **more}, {"frames": fewer})


def publish(system, consumers):
    return Run(system, "publish", {"consumers": consumers, "frames": 64 * 400, "depth": 128}, {"frames": 64 * 150})


def rate(system, size=64, **more):
    frames = 2000000 if size <= KIB else max(2000, 8 * (1 << 30) // size)
    depth = 256 if size <= KIB else 8
    return Run(system, "rate", {"size": size, "frames": frames, "depth": depth, **more}, {"frames": frames // 4})


def attach(system):
    return Run(system, "attach", {"size": 64 * KIB, "depth": 64, "frames": 25}, {"frames": 10})


def wake(system, **more):
    return Run(system, "wake", {"frames": 2000, "depth": 64, **more}, {"frames": 500})


SETTLE = 100000                        # frames: once round the longest log of anybody here, 3 terms of 4 MiB
LATENCY_SIZES = (64, KIB, 64 * KIB, MIB, 4 * MIB)
QUICK_SIZES = (64, 64 * KIB, 4 * MIB)
PUBLISH_CONSUMERS = (1, 2, 4, 8, 16, 32, 64, 128)
ANCHOR = "iceoryx2"


def _latency_rows():
    for size in LATENCY_SIZES:
        name = f"latency {size_name(size)}"
        yield Ratio(1, name, latency("ours", size), latency(ANCHOR, size), (
            Figure(f"{name} p50", "p50_ns", 0.60, stretch=0.45), Figure(f"{name} p99", "p99_ns", 0.60, stretch=0.45)), size in QUICK_SIZES)
    for size in LATENCY_SIZES:
        name = f"follow {size_name(size)}"
        yield Ratio(2, name, latency("ours", size, option="follow"), latency(ANCHOR, size), (
            Figure(f"{name} p50", "p50_ns", 0.35, stretch=0.30), Figure(f"{name} p99", "p99_ns", 0.35, stretch=0.30)), size in QUICK_SIZES)


def rows():
    """All rows, in the order of the targets."""
    no_byte = {"no-touch": True, "fill": 64}                  # a device has written the rest: what is left is ours
    small = latency("ours", 64, **no_byte)
    small = Run(small.system, small.verb, {**small.options, "depth": depth_of(4 * MIB)}, small.quick)
    return (
        *_latency_rows(),
        Ratio(3, "size", latency("ours", 4 * MIB, **no_byte), small, (Figure("latency 4 MiB / 64 B p50", "p50_ns", 1.05),)),
        Ratio(4, "publish growth", publish("ours", 128), publish("ours", 1), (Figure("publish cost 128 / 1 consumers", "p50_ns", 1.3),)),
        Ratio(4, "publish", publish("ours", 128), publish(ANCHOR, 128), (
            Figure("publish cost at 128 consumers", "p50_ns", 1 / 40, stretch=1 / 60),)),
        Program(5, "stopped", ("stopped",), (
            Figure("frames lost by others", "frames lost by others", 0, unit="frames"),
            Figure("p99 against the run before", "p99 against the run before", 2.0)),
            ("--seconds", "10"), ("--seconds", "60"), once=True),
        Ratio(6, "rate", rate("ours"), rate(ANCHOR), (Figure("64-byte frames per second", "frames_per_s", 2.0, ">=", 4.0),)),
        Program(7, "fill", ("fill",), (Figure("fill", "fill", 0.95, ">="), Figure("fill streaming", "fill streaming", 1.2, ">="))),
        Program(8, "wake", ("wake",), (
            Figure("wake two cpus", "wake two cpus", 1.15), Figure("wake one cpu", "wake one cpu", 1.8),
            Figure("sleeping reader", "sleeping reader", 0.1, unit="%"))),
        Program(9, "idle", ("idle",), (
            Figure("idle cpu", "idle cpu", 0.5, stretch=0.2, unit="%"),
            Figure("idle anonymous memory", "idle anonymous memory", 8, unit="MiB"),
            Figure("idle shared memory", "idle shared memory", 16, unit="MiB")), once=True),
        Ratio(10, "attach", attach("ours"), attach(ANCHOR), (Figure("attach", "p50_ns", 1.5, stretch=1.0),)),
        Program(11, "instructions", ("run",), (
            Figure("claim + commit, 64 B", "claim + commit, 64 B", 250, stretch=200, unit="instructions"),
            Figure("poll + read, 64 B", "poll + read, 64 B", 380, stretch=300, unit="instructions"),
            Figure("poll + read, batches of ten, 64 B", "poll + read, batches of ten, 64 B", 200, stretch=150, unit="instructions")), once=True),
        Ratio(12, "tracing", latency("ours", 64, option="traced"), latency("ours", 64), (Figure("tracing on / off p50", "p50_ns", 1.05),)),
        Program(13, "torn", ("torn",), (Figure("torn frames accepted", "torn frames accepted", 0, unit="frames"),),
            ("--reads", "100000000"), ("--reads", "1000000000"), once=True, seconds=3600),
    )


@dataclass(frozen=True)
class Curve:
    """What no target asks for: one figure of every system that is there, over sizes or consumers. For the plots, full run only."""
    group: str
    title: str
    key: str
    unit: str
    runs: tuple                        # (label of the abscissa, system -> Run)


def curves():
    return (
        Curve("curve latency", "Latency, one way, p50", "p50_ns", "ns",
            tuple((size_name(size), lambda system, size=size: latency(system, size)) for size in LATENCY_SIZES)),
        Curve("curve latency p99", "Latency, one way, p99", "p99_ns", "ns",
            tuple((size_name(size), lambda system, size=size: latency(system, size)) for size in LATENCY_SIZES)),
        Curve("curve publish", "Cost of publishing, by consumers", "p50_ns", "ns",
            tuple((str(count), lambda system, count=count: publish(system, count)) for count in PUBLISH_CONSUMERS)),
        Curve("curve rate", "Throughput, all bytes written, one byte per page read", "bytes_per_s", "B/s",
            tuple((size_name(size), lambda system, size=size: rate(system, size)) for size in (64, KIB, 64 * KIB, MIB, 4 * MIB))),
        Curve("curve checksum", "Throughput, everything checksummed", "bytes_per_s", "B/s",
            tuple((size_name(size), lambda system, size=size: rate(system, size, checksum=True)) for size in (64 * KIB, MIB, 4 * MIB))),
        Curve("curve wake", "Waking a sleeping reader, p50", "p50_ns", "ns",
            (("two CPUs", wake), ("one CPU", lambda system: wake(system, **{"one-cpu": True})))),
        Curve("curve attach", "Attach to the first frame, p50", "p50_ns", "ns", (("64 slots of 64 KiB", attach),)),
    )
