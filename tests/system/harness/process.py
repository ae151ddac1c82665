"""Processes under test: own session, killed with the tests, output in files, every wait with a deadline."""

import ctypes
import glob
import json
import os
import select
import shutil
import signal
import subprocess
import time

from harness.waiting import until

BIN = os.environ.get("TP_BIN_DIR", "")
_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)
_HANDLED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1)
_OURS = ("AERON_", "TP_", "DRIVER_", "SHM_", "POLICIES_", "SUPERVISOR_", "DISCOVERY_", "XDG_RUNTIME_DIR")


def program(name):
    path = os.path.join(BIN, name)
    assert os.access(path, os.X_OK), f"{path} is no program; set TP_BIN_DIR"
    return path


def for_everybody(sandbox):
    """The directory of copies that any user may run: the build tree may lie where only root gets in (below /root, say)."""
    copies = os.path.join(sandbox.path, "programs")
    if not os.path.isdir(copies):
        library = os.path.join(os.path.dirname(os.path.abspath(BIN)), "lib")
        os.mkdir(copies)
        for path in [program("tp"), program("tp_driver"), *glob.glob(os.path.join(library, "*.so.?"))]:
            shutil.copy(path, copies)
            os.chmod(os.path.join(copies, os.path.basename(path)), 0o755)
        os.chmod(copies, 0o755)
    return copies


def clean_environment(**more):
    """The environment without anything that our programs read."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith(_OURS)}
    environment.update(more)
    return environment


def _before_exec(user, groups, limits, parent):
    def run():
        for resource, values in limits:
            import resource as resources
            resources.setrlimit(resource, values)
        if user is not None:
            os.setgroups(groups)
            os.setgid(user.gid)
            os.setuid(user.uid)
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)          # after setuid, which clears it
        if os.getppid() != parent:
            os._exit(127)
    return run


class Process:
    def __init__(self, sandbox, name, arguments, user=None, groups=(), environment=None, limits=(), pass_fds=(), stdin=None, label=None,
                 prefix=()):
        self.name = label or name
        self.out_file = os.path.join(sandbox.path, f"{self.name}-{time.monotonic_ns()}.out")
        self.err_file = self.out_file[:-4] + ".err"
        self._lines, self._read = [], 0
        self.command = [*prefix, program(name), *arguments]
        environment = dict(environment) if environment is not None else clean_environment(TP_RUNTIME_DIR=sandbox.run)
        if user is not None:
            copies = for_everybody(sandbox)
            self.command = [*prefix, os.path.join(copies, name), *arguments]
            environment["LD_LIBRARY_PATH"] = copies
        with open(self.out_file, "wb") as out, open(self.err_file, "wb") as err:
            self.popen = subprocess.Popen(self.command, stdin=stdin or subprocess.DEVNULL, stdout=out, stderr=err, start_new_session=True, cwd="/",
                env=environment, pass_fds=pass_fds,
                preexec_fn=_before_exec(user, list(groups), limits, os.getpid()))
        self.pid = self.popen.pid

    def out(self):
        with open(self.out_file, encoding="utf-8", errors="replace") as file:
            return file.read()

    def err(self):
        with open(self.err_file, encoding="utf-8", errors="replace") as file:
            return file.read()

    def json_lines(self):
        """Complete JSON lines of standard output. Each is parsed once: who asks again and again would fall behind a program that says much."""
        with open(self.out_file, "rb") as file:
            file.seek(self._read)
            text = file.read()
        text = text[:text.rfind(b"\n") + 1]
        self._read += len(text)
        self._lines += [json.loads(line) for line in text.decode("utf-8", "replace").split("\n") if line.startswith("{")]
        return list(self._lines)

    def is_running(self):
        return self.popen.poll() is None

    def signal(self, number):
        """Sends it; what a program handles waits until the handler is there: before, it ends any program, whatever that would do later."""
        if number in _HANDLED:
            until(lambda: not self.is_running() or self._handles(number), 30, lambda: f"a handler of {number.name}\n{self.describe()}")
        self.popen.send_signal(number)

    def _handles(self, number):
        with open(f"/proc/{self.pid}/status", encoding="ascii", errors="replace") as file:
            masks = [int(line.split()[1], 16) for line in file if line.startswith(("SigCgt:", "SigBlk:"))]      # blocked: read from a descriptor
        return any(mask & 1 << (number - 1) for mask in masks)

    def wait(self, timeout=30):
        """The exit code; negative for a signal."""
        try:
            return self.popen.wait(timeout)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.name} (pid {self.pid}) still runs after {timeout} s\n{self.describe()}") from None

    def expect(self, code, timeout=30):
        found = self.wait(timeout)
        assert found == code, f"{self.name} ended with {found} instead of {code}\n{self.describe()}"
        return self

    def wait_for(self, text, timeout=30):
        """Until standard error holds that text."""
        until(lambda: text in self.err() or not self.is_running(), timeout, lambda: f"'{text}' in the log of\n{self.describe()}")
        assert text in self.err(), f"ended without saying '{text}'\n{self.describe()}"

    def kill(self):
        if self.is_running():
            try:
                os.killpg(self.pid, signal.SIGKILL)                       # its own session: nobody else is in that group
            except ProcessLookupError:
                pass
        self.popen.wait()

    def describe(self):
        state = "running" if self.is_running() else f"ended with {self.popen.returncode}"
        return f"$ {' '.join(self.command)} (pid {self.pid}, {state})\n--- stdout\n{self.out()[-4000:]}\n--- stderr\n{self.err()[-4000:]}"


class Daemon(Process):
    """A program that tells when it serves. Waits for that unless ready is False."""

    def __init__(self, sandbox, name, options, config=None, ready=True, timeout=30, **more):
        self.sandbox = sandbox
        if config is not None:
            options = [*options, "--config", sandbox.write(f"{name}-{time.monotonic_ns()}.toml", config)]
        read_end, write_end = os.pipe()
        try:
            super().__init__(sandbox, name, [*options, "--ready-fd", str(write_end)], pass_fds=(write_end,), **more)
        finally:
            os.close(write_end)
        try:
            if ready:
                readable, _, _ = select.select([read_end], [], [], timeout)
                told = os.read(read_end, 1) if readable else b""
                assert told == b"\n", f"not ready within {timeout} s\n{self.describe()}"
        except AssertionError:
            self.kill()
            raise
        finally:
            os.close(read_end)

    def stop(self, timeout=30):
        self.signal(signal.SIGTERM)
        return self.expect(0, timeout)


class Driver(Daemon):
    """tp_driver: ready when clients can attach."""

    def __init__(self, sandbox, *arguments, embedded=True, aeron=None, base=None, run=None, instance="driver-01", **more):
        self.aeron = aeron or sandbox.aeron
        self.instance = instance
        self.run = run or sandbox.run
        options = ["--aeron-dir", self.aeron, "--runtime-dir", self.run, "--instance-id", instance]
        if embedded:
            options.append("--embedded-media-driver")
        if base != "":
            options += ["--base-dir", base or sandbox.base]
        super().__init__(sandbox, "tp_driver", [*options, *arguments], label=instance, **more)

    def endpoint_file(self):
        return os.path.join(self.run, self.instance + ".endpoint")
