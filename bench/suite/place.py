"""Where a run lives: a directory of its own on /dev/shm, a driver of its own, processes that end with the suite, whatever ends that."""

import ctypes
import json
import os
import select
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

PATIENCE = 60
NOT_HERE = 77
NOT_OURS = ("AERON_", "TP_", "DRIVER_", "SHM_", "POLICIES_", "SUPERVISOR_", "DISCOVERY_", "XDG_RUNTIME_DIR")
PREFIX = "tp-bench-"
FIRST_STREAM = 20000
FLOOR_FRAMES = 5000
# At the end of its input, which comes with the end of the suite, the directory goes, and what iceoryx and iceoryx2 name after it.
GUARD = 'cat >/dev/null; sleep 0.2; rm -rf -- "$1" "$1"_*'
_libc = ctypes.CDLL(None, use_errno=True)


class NotHere(Exception):
    """Cannot be measured on this machine or in this build; the text says why."""


class Failed(Exception):
    """A program failed; the text is what it said."""


def _ends_with_us(cpus=None):
    parent = os.getpid()

    def run():
        _libc.prctl(1, signal.SIGKILL, 0, 0, 0)        # PR_SET_PDEATHSIG
        if os.getppid() != parent:
            os._exit(127)
        if cpus:
            os.sched_setaffinity(0, cpus)
    return run


def driver_config(size, depth):
    """One profile for streams that are made on demand."""
    stride = max(64, (size + 63) // 64 * 64)
    return f"""
[driver]
stream_id_range = "{FIRST_STREAM}-29999"
[policies]
allow_dynamic_streams = true
default_profile = "bench"
lease_keepalive_interval_ms = 20000
[profiles.bench]
header_nslots = {depth}
payload_pools = [{{ pool_id = 1, stride_bytes = {stride} }}]
"""


def environment(folder):
    """Of processes that live below folder; nothing of whoever started us leads them elsewhere."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith(NOT_OURS)}
    clean.update(TP_RUNTIME_DIR=str(folder / "run"), TP_ALLOWED_BASE_DIRS=str(folder / "base"))
    return clean


def start_driver(build, folder, config, **more):
    """A driver with its media driver below folder, once it is ready."""
    for name in ("run", "base"):
        (folder / name).mkdir(mode=0o700, exist_ok=True)
    (folder / "driver.toml").write_text(config, encoding="ascii")
    read_end, write_end = os.pipe()
    with open(folder / "driver.log", "w", encoding="utf-8") as log:
        process = subprocess.Popen([build / "bin" / "tp_driver", "--embedded-media-driver", "--config", folder / "driver.toml", "--aeron-dir",
            folder / "aeron", "--base-dir", folder / "base", "--runtime-dir", folder / "run", "--ready-fd", str(write_end)], pass_fds=(write_end,),
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment(folder), **more)
    os.close(write_end)
    ready = select.select([read_end], [], [], PATIENCE)[0] and b"\n" == os.read(read_end, 1)
    os.close(read_end)
    if not ready:
        end(process)
        raise Failed("the driver does not start: " + (folder / "driver.log").read_text()[-2000:])
    return process


class Place:
    """The directory and everything that was started in it. A context manager."""

    def __init__(self, build, cpus):
        self.build, self.cpus = Path(build), cpus
        self.streams = FIRST_STREAM
        self.running = []

    def __enter__(self):
        self.folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir="/dev/shm"))
        self.guard = subprocess.Popen(["/bin/sh", "-c", GUARD, "sh", str(self.folder)], stdin=subprocess.PIPE, start_new_session=True)
        return self

    def __exit__(self, *_):
        for process in reversed(self.running):
            end(process)
        self.guard.stdin.close()
        self.guard.wait()

    def others(self):
        """The CPUs for whoever is not measured."""
        return os.sched_getaffinity(0) - set(self.cpus) or None

    def new_folder(self):
        return Path(tempfile.mkdtemp(prefix="run-", dir=self.folder))

    def remove(self, folder):
        shutil.rmtree(folder, ignore_errors=True)

    def stream(self):
        """Never used before, with room behind it for the rounds of an attach."""
        self.streams += 100
        if self.streams > 29000:
            self.streams = FIRST_STREAM + 100
        return self.streams

    def start_driver(self, folder, size, depth):
        process = start_driver(self.build, folder, driver_config(size, depth), preexec_fn=_ends_with_us(self.others()))
        self.running.append(process)
        return process

    def stop(self, process):
        end(process)
        self.running.remove(process)

    def call(self, command, folder, seconds, cpus=None):
        """Runs a program to its end: the objects of its lines of JSON."""
        process = subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True, env=environment(folder), preexec_fn=_ends_with_us(cpus))
        self.running.append(process)
        try:
            out, errors = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            raise Failed(f"{' '.join(map(str, command))}: not finished after {seconds} s") from None
        finally:
            self.stop(process)
        last = (errors.strip().splitlines() or ["it does not say why"])[-1]
        if NOT_HERE == process.returncode:
            raise NotHere(last)
        if 0 != process.returncode:
            raise Failed(f"{' '.join(map(str, command))} ended with {process.returncode}: {errors.strip()[-1000:]}")
        return [json.loads(line) for line in out.splitlines() if line.startswith("{")]


def end(process):
    """In order, so that its lease ends at once."""
    if process.poll() is None:
        process.terminate()
    try:
        process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


class Systems:
    """Runs of peers and programs; a driver for ours."""

    def __init__(self, place, quick):
        self.place, self.quick = place, quick
        self.cpu = ",".join(map(str, place.cpus))

    def program(self, name):
        path = self.place.build / "bench" / name
        if not path.exists():
            raise NotHere(f"bench/{name} is not built here")
        return path

    def peer(self, run, folder):
        command = [self.program(f"peer_{run.system}"), *run.arguments(self.quick), "--cpu", self.cpu, "--stream", self.place.stream(),
            "--dir", self.place.folder]
        return self.place.call(command, folder, 300)[0]

    def floor(self):
        command = [self.program("peer_floor"), "latency", "--frames", FLOOR_FRAMES, "--cpu", self.cpu]
        return self.place.call(command, self.place.folder, 300)[0]["p50_ns"]

    def instructions(self):
        """{name: count} of bench/run, in the source tree."""
        command = [Path(__file__).resolve().parent.parent / "run", self.place.build, "--json", "--only", "64 B"]
        return {made["name"]: made["value"] for made in self.place.call(command, self.place.folder, 1200)}

    def drivers(self, folder, runs):
        """{(size, depth): folder}: a driver for each geometry that ours needs."""
        places = {}
        for run in runs:
            key = geometry(run)
            if "ours" == run.system and key not in places:
                places[key] = Path(tempfile.mkdtemp(prefix="driver-", dir=folder))
                self.place.start_driver(places[key], *key)
        return places


def geometry(run):
    return run.option("size", 64), run.option("depth", 64)
