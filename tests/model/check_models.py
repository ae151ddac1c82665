#!/usr/bin/env python3
"""
The models of this directory, searched exhaustively by spin: slot.pml (the seqlock under release-acquire memory, traps M3 and M4) and lease.pml
(leases and epochs across restarts of the driver). As they stand nothing may go wrong; with any one rule taken away something must, or the model
shows nothing.
"""
import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
SECONDS = 500
SLOT = ["WITHOUT_W0", "WITHOUT_W1", "WITHOUT_R0", "WITHOUT_R1", "WITHOUT_MARK", "WITHOUT_SECOND_LOOK"]
LEASE = ["FAULT_DIRECTORIES_ARE_NOT_READ", "FAULT_SECOND_PRODUCER", "FAULT_ATTACH_KEEPS_THE_EPOCH", "FAULT_END_KEEPS_THE_EPOCH",
    "FAULT_KEEPALIVE_REVIVES", "FAULT_WRITER_FOLLOWS_ANNOUNCES"]
FRAMES = 3
# (model, definition or None, whether an assertion has to break)
RUNS = [("lease", None, False), ("slot", None, False)] + [("slot", name, True) for name in SLOT] + [("lease", name, True) for name in LEASE] + \
    [("slot", f"REACH={frame}", True) for frame in range(FRAMES + 1)]          # a frame can be accepted at all


def switches(model):
    return set(re.findall(r"\b((?:WITHOUT|FAULT)_\w+)", (HERE / f"{model}.pml").read_text())) - {"WITHOUT_x", "FAULT_x", "WITHOUT_", "FAULT_"}


def search(run):
    """What is wrong with the outcome, or None; and a line about it."""
    model, definition, must_break = run
    name = f"{model}{' -D' + definition if definition else ''}"
    with tempfile.TemporaryDirectory() as place:
        try:
            subprocess.run(["spin", *([f"-D{definition}"] if definition else []), "-a", str(HERE / f"{model}.pml")], cwd=place, check=True,
                capture_output=True, text=True, timeout=SECONDS)
            optimise = "-O2" if run == RUNS[0] else "-O0"
            subprocess.run(["cc", optimise, "-w", "-DSAFETY", "-DHC4", "-DMEMLIM=4000", "-o", "pan", "pan.c"], cwd=place, check=True,
                capture_output=True, text=True, timeout=SECONDS)
            text = subprocess.run(["./pan", "-m400000", "-w24"], cwd=place, check=True, capture_output=True, text=True, timeout=SECONDS).stdout
        except subprocess.CalledProcessError as error:
            return f"{name}: {error}\n{error.stdout}{error.stderr}", name
        except subprocess.TimeoutExpired as error:
            return f"{name}: {error}", name
    errors = int(re.search(r"errors: (\d+)", text).group(1))
    states = int(re.search(r"^ *(\d+) states, stored", text, re.M).group(1))
    broken = re.search(r"assertion violated (.*)", text)
    said = f"{name}: {states} states, {broken.group(0) if broken else 'nothing goes wrong' if not errors else 'ERROR'}"
    if "max search depth too small" in text or "Search not completed" in text and not errors:
        return f"{name}: the search was cut short\n{text}", said
    if must_break and not broken:
        return f"{name}: nothing goes wrong: the model shows nothing\n{text}", said
    if not must_break and errors:
        return f"{name}: {errors} errors\n{text}", said
    return None, said


def main():
    problems = [f"{model}.pml: {name} is searched by nobody" for model, names in (("slot", SLOT), ("lease", LEASE))
        for name in sorted(switches(model) ^ set(names))]
    with concurrent.futures.ThreadPoolExecutor(int(os.environ.get("TP_JOBS", os.cpu_count() or 1))) as pool:
        for problem, said in pool.map(search, RUNS):
            print(said, flush=True)
            problems += [problem] if problem else []
    for problem in problems:
        print(f"error: {problem}")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
