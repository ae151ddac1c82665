#!/usr/bin/env python3
"""
Everything at once, for long: a producer flat out, eight consumers that are killed and started again at random, a driver that is killed and
started again, over one media driver that stays. Nothing may crash, no frame may be accepted that is not what was published, each loss has to
be counted, and memory must not grow.

    tests/system/soak.py --minutes 15
"""

import argparse
import os
import random
import signal
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
os.environ.setdefault("TP_BIN_DIR", os.path.join(HERE, "..", "..", "build", "release", "bin"))

from cli import adds_up  # noqa: E402
from harness import flow, sandbox as sandboxes  # noqa: E402
from harness.guardian import Guardian  # noqa: E402
from harness.process import Driver, Process  # noqa: E402

CONSUMERS = 8
NO_DRIVER, TIMEOUT = 3, 5               # exit codes of a client that starts while the driver is away
ENDED = (0, 6)                          # in order; 6: frames were overwritten while they were read, which was noticed and they were dropped
MIB = 1 << 20
RESTARTS_MAX = 4                        # of a consumer without a frame between, before that counts as a fault


class Fault(Exception):
    """The first one ends the run."""


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=15)
    parser.add_argument("--seconds", type=float, help="instead of --minutes")
    parser.add_argument("--driver-every", type=float, default=30, metavar="S", help="kill the driver every S seconds (default 30)")
    parser.add_argument("--consumer-every", type=float, default=0.5, metavar="S", help="end a consumer every S seconds (default 0.5)")
    parser.add_argument("--hz", type=int, default=0, help="frames a second, 0 = flat out (default)")
    parser.add_argument("--shape", default="128x256", help="bytes of a frame (default 128x256)")
    parser.add_argument("--seed", type=int, default=None, help="of the order of events (default: another one each time, printed)")
    return parser.parse_args()


def rss(pid):
    with open(f"/proc/{pid}/statm", encoding="ascii") as file:
        pages = file.read().split()
    return (int(pages[1]) - int(pages[2])) * os.sysconf("SC_PAGE_SIZE")          # without what is shared: that is counted as files


def open_files(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def bytes_below(*paths):
    total = 0
    for path in paths:
        for root, _, names in os.walk(path):
            for name in names:
                try:
                    total += 512 * os.lstat(os.path.join(root, name)).st_blocks
                except FileNotFoundError:
                    pass
    return total


class Series:
    """One figure over time. It grows when the last quarter of the run exceeds the second one by more than the allowance."""

    def __init__(self, name, allowance, unit=1):
        self.name, self.allowance, self.unit = name, allowance, unit
        self.values = []

    def add(self, value):
        self.values.append(value)

    def quarters(self):
        n = len(self.values)
        return [max(self.values[n * i // 4:max(n * (i + 1) // 4, n * i // 4 + 1)], default=0) for i in range(4)]

    def grows(self):
        first, second, _, last = self.quarters()
        return last > max(first, second) * 1.1 + self.allowance

    def describe(self):
        return f"{self.name}: " + ", ".join(f"{value / self.unit:.1f}" for value in self.quarters()) + " (largest of each quarter)"


class Soak:
    def __init__(self, options, sandbox):
        self.options, self.sandbox = options, sandbox
        self.random = random.Random(options.seed)
        self.totals = dict.fromkeys(("received", "lost", "torn", "corrupt", "consumers started", "consumers killed", "consumers ended",
            "consumers without a driver", "ledgers checked", "drivers killed", "drivers stopped"), 0)
        self.reasons = {}
        self.back_ms = []
        self.driver = None
        self.driver_since = 0.0
        self.fruitless = 0
        self.consumers = []
        text = flow.config(stride=1 << 16)
        self.config = text.replace("announce_period_ms = 100", "announce_period_ms = 250")
        self.media = Driver(sandbox, config=flow.config(stream=19999, control=1900), run=sandbox.make("host-run", 0o700),
            base=sandbox.make("host-base", 0o700), instance="host")
        self.start_driver()
        self.producer = Process(sandbox, "tp", ["pub", str(flow.STREAM), "--pattern", "counter", "--shape", options.shape, "--hz", str(options.hz),
            "--timeout", "60", "--json"], label="pub")
        self.series = [Series("media driver, own memory, MiB", 8 * MIB, MIB), Series("producer, own memory, MiB", 4 * MIB, MIB),
            Series("regions, MiB", 4 * MIB, MIB), Series("Aeron directory, MiB", 64 * MIB, MIB), Series("open files of the media driver", 64)]

    # ---- processes ------------------------------------------------------------------------------------------------------------------------

    def start_driver(self):
        self.driver = Driver(self.sandbox, config=self.config, embedded=False, timeout=60)
        self.driver_since = time.monotonic()

    def start_consumer(self):
        consumer = Process(self.sandbox, "tp", ["sub", str(flow.STREAM), "--check=counter", "--json", "--quiet"], label="sub")
        consumer.since = time.monotonic()
        self.totals["consumers started"] += 1
        return consumer

    def forget(self, process):
        for path in (process.out_file, process.err_file):
            os.unlink(path)

    def judge(self, consumer):
        """The summary of a consumer that ended in order."""
        summaries = [line for line in consumer.json_lines() if "summary" == line["type"]]
        if 1 != len(summaries):
            raise Fault(f"no summary\n{consumer.describe()}")
        summary = summaries[0]
        for name in ("received", "lost", "torn", "corrupt"):
            self.totals[name] += summary[name]
        for reason, count in summary["lost_by_reason"].items():
            self.reasons[reason] = self.reasons.get(reason, 0) + count
        if summary["corrupt"] or not summary["checked"] or summary["lost_by_reason"]["bad_header"]:
            raise Fault(f"frames that were never published\n{consumer.describe()}")
        if 1 == summary["epochs"] and 0 == summary["remaps"]:
            self.totals["ledgers checked"] += 1
            if not adds_up(summary):
                raise Fault(f"the frames do not add up: {summary}")
        return summary

    def end_consumer(self, consumer):
        """Kills it, or asks it to end and looks at what it says."""
        if self.random.random() < 0.5:
            consumer.kill()
            self.totals["consumers killed"] += 1
        else:
            consumer.signal(signal.SIGINT)
            code = consumer.wait(60)
            self.totals["consumers ended"] += 1
            if code in ENDED:
                if self.judge(consumer)["received"]:
                    self.fruitless = 0
            else:
                self.excuse(consumer, code)
        self.forget(consumer)

    def excuse(self, consumer, code):
        """A consumer may fail to start while the driver is away; nothing else is an excuse."""
        away = consumer.since < self.driver_since + 10
        if code not in (NO_DRIVER, TIMEOUT, 130) or not away:
            raise Fault(f"a consumer ended with {code}\n{consumer.describe()}")
        self.totals["consumers without a driver"] += 1

    def replace_consumer(self):
        i = self.random.randrange(len(self.consumers))
        self.end_consumer(self.consumers[i])
        self.consumers[i] = self.start_consumer()

    def restart_driver(self):
        if self.random.random() < 0.75:
            self.driver.kill()
            self.totals["drivers killed"] += 1
        else:
            self.driver.stop(60)
            self.totals["drivers stopped"] += 1
        self.forget(self.driver)
        self.start_driver()
        probe = Process(self.sandbox, "tp", ["sub", str(flow.STREAM), "--check=counter", "--json", "--quiet", "--count", "3", "--timeout", "30"],
            label="probe")
        code = probe.wait(60)
        if code not in ENDED:
            raise Fault(f"no frames after the driver came back: {code}\n{probe.describe()}\n{self.producer.describe()}\n{self.driver.describe()}")
        self.back_ms.append(1000 * (time.monotonic() - self.driver_since))
        self.judge(probe)
        self.forget(probe)

    # ---- running --------------------------------------------------------------------------------------------------------------------------

    def look(self):
        """Nobody may have ended whom we did not end."""
        for process in (self.media, self.producer, self.driver):
            if not process.is_running():
                raise Fault(f"{process.name} has ended\n{process.describe()}")
        for i, consumer in enumerate(self.consumers):
            if not consumer.is_running():
                self.excuse(consumer, consumer.wait())
                self.forget(consumer)
                self.consumers[i] = self.start_consumer()
                self.fruitless += 1
                if self.fruitless > RESTARTS_MAX * CONSUMERS:
                    raise Fault("consumers find no driver again and again")
        for series, value in zip(self.series, (rss(self.media.pid), rss(self.producer.pid), bytes_below(self.sandbox.base),
                bytes_below(self.sandbox.aeron), open_files(self.media.pid))):
            series.add(value)

    def run(self, seconds):
        self.consumers = [self.start_consumer() for _ in range(CONSUMERS)]
        end = time.monotonic() + seconds
        next_driver = time.monotonic() + self.options.driver_every
        next_look = 0.0
        while time.monotonic() < end:
            if time.monotonic() >= next_look:
                self.look()
                next_look = time.monotonic() + 1
            if time.monotonic() >= next_driver:
                self.restart_driver()
                next_driver = time.monotonic() + self.options.driver_every
            self.replace_consumer()
            time.sleep(self.options.consumer_every)
        for consumer in self.consumers:
            consumer.signal(signal.SIGINT)
            code = consumer.wait(60)
            if code in ENDED:
                self.judge(consumer)
            else:
                self.excuse(consumer, code)
        self.producer.signal(signal.SIGINT)
        code = self.producer.wait(60)
        if 0 != code:
            raise Fault(f"the producer ended with {code}\n{self.producer.describe()}")
        self.driver.stop(60)
        if not self.totals["received"]:
            raise Fault("no frame was received")
        if seconds >= 120:                                # shorter runs are over before anything has settled
            for series in self.series:
                if series.grows():
                    raise Fault(f"grows: {series.describe()}")

    def report(self):
        for name, value in self.totals.items():
            print(f"{name}{' (noticed and dropped)' if 'torn' == name else ''}: {value}")
        print("lost by reason: " + ", ".join(f"{reason} {count}" for reason, count in sorted(self.reasons.items()) if count))
        if self.back_ms:
            print(f"frames again after a restart, ms: median {sorted(self.back_ms)[len(self.back_ms) // 2]:.0f}, worst {max(self.back_ms):.0f}")
        for series in self.series:
            print(series.describe())
        print("producer: " + " ".join(str(line) for line in self.producer.json_lines()[-1:]))

    def close(self):
        for process in [*self.consumers, self.producer, self.driver, self.media]:
            process.kill()


def main():
    options = arguments()
    if options.seed is None:
        options.seed = random.randrange(1 << 32)
    print(f"seed {options.seed}", flush=True)
    seconds = options.seconds if options.seconds is not None else 60 * options.minutes
    sandboxes.remove_dead()
    guardian = Guardian()
    sandbox = sandboxes.Sandbox(guardian)
    soak = None
    code = 0
    try:
        soak = Soak(options, sandbox)
        soak.run(seconds)
    except (Fault, AssertionError) as fault:
        print(f"fault: {fault}")
        code = 1
    finally:
        if soak is not None:
            soak.report()
            soak.close()
        sandbox.close()
        guardian.close()
    print("soak: " + ("passed" if 0 == code else "FAILED"))
    return code


if __name__ == "__main__":
    sys.exit(main())
