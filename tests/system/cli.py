"""Running `tp` from the tests: one process, its exit code, its lines."""

import json
import subprocess

from harness.process import clean_environment, program


class Result:
    def __init__(self, code, out, err, pid):
        self.code, self.out, self.err, self.pid = code, out, err, pid

    def text(self):
        return self.out.decode("utf-8", "replace")

    def complaint(self):
        return self.err.decode("utf-8", "replace")

    def lines(self):
        return [json.loads(line) for line in self.text().splitlines()]

    def of(self, kind):
        return [line for line in self.lines() if kind == line["type"]]

    def one(self, kind):
        found = self.of(kind)
        assert 1 == len(found), self.describe()
        return found[0]

    def ok(self):
        return self.ends(0)

    def ends(self, code):
        assert self.code == code, self.describe()
        return self

    def describe(self):
        return f"exit code {self.code}\n--- stdout\n{self.text()[-4000:]}\n--- stderr\n{self.complaint()[-4000:]}"


def environment(sandbox, **more):
    return clean_environment(TP_RUNTIME_DIR=sandbox.run, TP_ALLOWED_BASE_DIRS=sandbox.base, SHM_BASE_DIR=sandbox.base,
        TP_AERON_DIR=sandbox.aeron, **more)


def tp(sandbox, *arguments, stdin=None, timeout=120, cwd=None, **more):
    """Runs tp to its end."""
    process = subprocess.Popen([program("tp"), *[str(argument) for argument in arguments]], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE, env=environment(sandbox, **more), cwd=cwd or sandbox.path)
    try:
        out, err = process.communicate(stdin, timeout)
    finally:
        process.kill()
    return Result(process.returncode, out, err, process.pid)


def start_tp(start, sandbox, *arguments, **more):
    """Starts tp and returns the harness's Process."""
    return start("tp", *arguments, environment=environment(sandbox), label=f"tp-{arguments[0]}", **more)


def publish_counter(start, sandbox, *arguments):
    """100 bytes at 100 Hz on cam1, with a second left for readers at the end."""
    return start_tp(start, sandbox, "pub", "cam1", "--pattern", "counter", "--shape", "100", "--hz", 100, "--linger", 1, *arguments)


def subscribe(sandbox, *arguments):
    """Reads and checks cam1; the summary."""
    return tp(sandbox, "sub", "cam1", "--json", "--check", "--quiet", *arguments).ok().lines()[-1]


def adds_up(summary):
    """Whether each frame from the first to the last one seen is accounted for. Frames met while nothing was mapped lie outside of these."""
    outside = sum(summary["lost_by_reason"][reason] for reason in ("not_mapped", "epoch", "bad_descriptor", "regression"))
    return summary["received"] + summary["lost"] + summary["thinned"] - outside == summary["last_seq"] - summary["first_seq"] + 1
