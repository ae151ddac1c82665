"""What clients do to the files of the driver, seen by strace: they open regions, and nothing else."""

import contextlib
import os
import re
import shutil
import signal
import subprocess

import pytest

from harness import flow
from harness.process import Driver, Process, clean_environment
from harness.sandbox import Sandbox
from harness.waiting import until

CALLS = ("open,openat,openat2,creat,mkdir,mkdirat,mknod,mknodat,unlink,unlinkat,rmdir,rename,renameat,renameat2,link,linkat,symlink,symlinkat,"
    "truncate,ftruncate,fallocate,chmod,fchmod,fchmodat,chown,fchown,lchown,fchownat,getdents,getdents64,mmap,mprotect")
CHANGING = ("creat", "mkdir", "mknod", "unlink", "rmdir", "rename", "link", "symlink", "truncate", "ftruncate", "fallocate", "chmod", "fchmod",
    "chown", "fchown", "lchown")


def can_trace():
    if shutil.which("strace") is None:
        return False
    return 0 == subprocess.run(["strace", "-o", "/dev/null", "true"], capture_output=True, check=False).returncode


pytestmark = pytest.mark.skipif(not can_trace(), reason="strace is missing or may not trace here")


class Traced:
    """A client under strace, which runs beside it (-D), so that signals reach the client."""

    def __init__(self, sandbox, name, make):
        self.file = f"{sandbox.path}/{name}.strace"
        self.base = sandbox.base + "/"
        self.client = make(prefix=["strace", "-D", "-f", "-q", "-y", "-s", "512", "-e", "trace=" + CALLS, "-o", self.file])

    def lines(self):
        with open(self.file, encoding="utf-8", errors="replace") as trace:
            return [re.sub(r"^\d+\s+", "", line.strip()) for line in trace]

    def calls(self):
        """The calls on anything below the base directory, once the trace is complete."""
        process = self.client.process
        until(lambda: not process.is_running(), 30, process.describe)
        until(lambda: any(line.startswith("+++") for line in self.lines()[-1:]), 30, "the end of the trace")
        return [line for line in self.lines() if self.base in line]


@pytest.fixture(scope="module")
def traces(guardian):
    """A producer that was killed, a second one, and a consumer that saw both; all were attached and exchanged frames."""
    with contextlib.ExitStack() as stack:
        sandbox = stack.enter_context(contextlib.closing(Sandbox(guardian)))

        def start(name, *arguments, **more):
            process = Process(sandbox, name, [str(argument) for argument in arguments], **more)
            stack.callback(process.kill)
            return process

        driver = Driver(sandbox, config=flow.config())
        stack.callback(driver.kill)
        first = Traced(sandbox, "first", lambda **more: flow.Publisher(start, hz=50, **more))
        consumer = Traced(sandbox, "consumer", lambda **more: flow.Subscriber(start, **more))
        consumer.client.wait_for_frames(timeout=30)
        epoch = consumer.client.epoch()
        first.client.process.signal(signal.SIGKILL)
        second = Traced(sandbox, "second", lambda **more: retry(lambda: flow.Publisher(start, hz=50, **more)))
        consumer.client.wait_for_epoch_above(epoch, timeout=30)
        for each in (second, consumer):
            each.client.process.signal(signal.SIGINT)
        yield {"producer": first.calls() + second.calls(), "consumer": consumer.calls()}


def retry(make):
    """The lease of the killed producer has to expire first."""
    def attempt():
        publisher = make()
        until(lambda: not publisher.process.is_running() or publisher.is_publishing(), 30, publisher.process.describe)
        return publisher if publisher.process.is_running() else None
    return until(attempt, 30, "a second producer is accepted")


def name_of(call):
    return call.split("(", 1)[0]


def test_clients_create_remove_and_change_no_files__D_005_D_006_D_007_D_182(traces):
    for who, calls in traces.items():
        assert calls, f"{who} touched nothing below the base directory"
        for call in calls:
            changing = name_of(call).removesuffix("at").removesuffix("at2") in CHANGING or "O_CREAT" in call or "O_TRUNC" in call
            assert not changing, f"{who}: {call}"


def test_clients_list_no_directories__W_229_W_230(traces):
    for who, calls in traces.items():
        assert [] == [call for call in calls if name_of(call).startswith("getdents")], who


def test_regions_are_opened_without_following_links_and_as_the_role_demands__W_237(traces):
    for who, calls in traces.items():
        opened = [call for call in calls if name_of(call).startswith("open") and re.search(r'"[^"]*(header\.ring|\.pool)"', call)]
        assert len(opened) >= 2, f"{who} opened no ring and no pool: {calls}"
        for call in opened:
            assert "O_NOFOLLOW" in call or "RESOLVE_NO_SYMLINKS" in call, f"{who}: {call}"
            if "consumer" == who:
                assert "O_RDONLY" in call, f"{who}: {call}"


def test_settings_of_clients_do_not_move_regions__D_011(guardian):
    """Clients that are told another base directory and namespace: they use the driver's files, and make none."""
    with contextlib.ExitStack() as stack:
        sandbox = stack.enter_context(contextlib.closing(Sandbox(guardian)))
        elsewhere = sandbox.make("elsewhere", 0o700)

        def start_with(allowed):
            environment = clean_environment(TP_RUNTIME_DIR=sandbox.run, TP_AERON_DIR=sandbox.aeron, TP_ALLOWED_BASE_DIRS=allowed,
                SHM_BASE_DIR=elsewhere, SHM_NAMESPACE="mine")
            process = Process(sandbox, "tp", ["pub", "10000", "--pattern", "counter", "--shape", "16", "--dtype", "u8", "--hz", "50"],
                environment=environment)
            stack.callback(process.kill)
            return process

        driver = Driver(sandbox, config=flow.config())
        stack.callback(driver.kill)
        for allowed in (elsewhere, f"{elsewhere}:{sandbox.base}"):
            client = start_with(allowed)
            mapped = until(lambda: maps_of(client), 30, client.describe)
            assert all(path.startswith(sandbox.base + "/tensorpool-") for path in mapped), mapped
            client.signal(signal.SIGINT)
            client.wait()
        assert [] == os.listdir(elsewhere)


def maps_of(process):
    """Region files in the memory of a process."""
    try:
        with open(f"/proc/{process.pid}/maps", encoding="utf-8") as maps:
            return sorted({line.split(None, 5)[5].strip() for line in maps if line.rstrip().endswith((".pool", "header.ring"))})
    except FileNotFoundError:
        return []


def test_consumer_never_maps_a_region_for_writing__D_006(traces):
    maps = [call for call in traces["consumer"] if name_of(call) == "mmap" and re.search(r"(header\.ring|\.pool)>", call)]
    assert len(maps) >= 2, traces["consumer"]
    for call in maps:
        assert "PROT_WRITE" not in call, call
