"""How long things take and what idle processes cost, on this machine and now: printed, never judged. bench/times.py BUILD_DIR."""

import contextlib
import os
import re
import select
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent / "suite"))
from place import PATIENCE, Failed, end, environment, start_driver  # noqa: E402

STREAM = 10000
ROUNDS = 20                            # attaches
RESTARTS = 5
IDLE_SECONDS = 10
CONFIG = f"""
[profiles.bench]
header_nslots = 64
payload_pools = [{{ pool_id = 1, stride_bytes = 65536 }}]
[streams.bench]
stream_id = {STREAM}
profile = "bench"
"""


class Bench:
    def __init__(self, build, folder, stack):
        self.build, self.folder, self.stack = build, Path(folder), stack
        self.environment = environment(self.folder)

    def start(self, program, *arguments, **more):
        process = subprocess.Popen([str(program), *map(str, arguments)], stdin=subprocess.DEVNULL, env=self.environment, **more)
        self.stack.callback(end, process)
        return process

    def driver(self):
        """A driver with its media driver, once it is ready."""
        process = start_driver(self.build, self.folder, CONFIG)
        self.stack.callback(end, process)
        return process

    def probe(self, *arguments):
        """bench/attach: one line on its standard output for each thing that happened."""
        return self.start(self.build / "bench" / "attach", STREAM, *arguments, stdout=subprocess.PIPE, text=True, bufsize=1)


def line_of(process):
    if not select.select([process.stdout], [], [], PATIENCE)[0]:
        sys.exit(f"bench: nothing happened for {PATIENCE} s")
    line = process.stdout.readline()
    if not line:
        sys.exit(f"bench: the client ended with {process.wait()}")
    return line.split()


def cpu_seconds(pid):
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def share_of_a_core(pids):
    time.sleep(1)
    before = [cpu_seconds(pid) for pid in pids]
    began = time.monotonic()
    time.sleep(IDLE_SECONDS)
    seconds = time.monotonic() - began
    return [100 * (cpu_seconds(pid) - start) / seconds for pid, start in zip(pids, before)]


def show(title, values, unit="ms"):
    print(f"{title:<56} median {statistics.median(values):8.2f} {unit}   best {min(values):8.2f} {unit}   worst {max(values):8.2f} {unit}   "
        f"of {len(values)}", flush=True)


def show_share(title, share):
    print(f"{title:<56} {share:.2f} % of a core over {IDLE_SECONDS} s", flush=True)


def attach_times(bench):
    probe = bench.probe("attach", ROUNDS)
    rows = [[int(word) / 1e6 for word in line_of(probe)] for _ in range(ROUNDS)]
    for title, column in (("attach of a producer", 0), ("attach of a consumer", 1), ("attach of both to the first frame", 2)):
        show(title, [row[column] for row in rows])
    end(probe)


def idle_costs(bench, driver):
    show_share("idle driver with embedded media driver, no clients", share_of_a_core([driver.pid])[0])
    for how, title in (("idle", "idle client with a producer and a consumer"), ("wait", "client that waits for frames that do not come")):
        probe = bench.probe(how)
        line_of(probe)
        shares = share_of_a_core([driver.pid, probe.pid])
        if "idle" == how:
            show_share("idle driver with embedded media driver, one such client", shares[0])
        show_share(title, shares[1])
        end(probe)


def reattach_times(bench, driver):
    """From the moment the successor is ready, and from the kill, to the first frame of the new epoch."""
    probe = bench.probe("follow")
    line_of(probe)
    since_ready, since_kill = [], []
    for _ in range(RESTARTS):
        killed = time.monotonic_ns()
        driver.send_signal(signal.SIGKILL)
        driver.wait()
        driver = bench.driver()
        ready = time.monotonic_ns()
        frame = int(line_of(probe)[0])
        since_ready.append(max(0, frame - ready) / 1e6)
        since_kill.append((frame - killed) / 1e6)
    show("frames again after the successor is ready", since_ready)
    show("frames again after kill -9 of driver and media driver", since_kill)
    end(probe)


def rates(bench):
    """tp pub and tp sub, 64 bytes at 100 kHz."""
    tp = bench.build / "bin" / "tp"
    bench.start(tp, "pub", STREAM, "--pattern", "counter", "--shape", 64, "--hz", 100000, "--wait-consumers", 1, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL)
    done = subprocess.run([tp, "sub", str(STREAM), "--count", "200000", "--quiet"], env=bench.environment, stdin=subprocess.DEVNULL, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    for line in done.stdout.splitlines():
        if re.match(r"received|lost|latency", line):
            print(f"{'tp sub of 64 B at 100 kHz through 64 slots':<56} {line}", flush=True)


def main():
    build = Path(sys.argv[1]).resolve()
    # Whatever ends this process, the directory goes: a shell waits for the end of its input.
    folder = tempfile.mkdtemp(prefix="tp-bench-", dir="/dev/shm")
    guard = subprocess.Popen(["/bin/sh", "-c", 'cat >/dev/null; rm -rf -- "$1"', "sh", folder], stdin=subprocess.PIPE, start_new_session=True)
    try:
        with contextlib.ExitStack() as stack:
            bench = Bench(build, folder, stack)
            driver = bench.driver()
            attach_times(bench)
            idle_costs(bench, driver)
            reattach_times(bench, driver)
            rates(bench)
    except Failed as problem:
        sys.exit(f"bench: {problem}")
    finally:
        guard.stdin.close()
        guard.wait()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
