#!/usr/bin/env python3
"""
Runs examples together, in private directories: run_examples.py DRIVER [PRODUCER] CONSUMER. DRIVER is tp_driver or the example "embedded", which
brings supervisor and discovery provider; a PRODUCER with blanks is a whole command; CONSUMER says "N frames used, ..." at its end.
"""

import os
import re
import select
import shlex
import signal
import subprocess
import sys
import tempfile

FRAMES = 200
SECONDS = 60        # the end of patience, not a duration


def start_driver(program, folder):
    if os.path.basename(program) == "embedded":
        driver = subprocess.Popen([program, folder], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        if not select.select([driver.stdout], [], [], SECONDS)[0] or not driver.stdout.readline().startswith(b"ready"):
            driver.kill()
            sys.exit("the embedded services did not become ready")
        return driver
    ready, told = os.pipe()
    driver = subprocess.Popen([program, "--embedded-media-driver", "--aeron-dir", f"{folder}/aeron", "--base-dir", f"{folder}/shm", "--runtime-dir",
                               f"{folder}/run", "--ready-fd", str(told)], pass_fds=[told], stdin=subprocess.DEVNULL)
    os.close(told)
    if not select.select([ready], [], [], SECONDS)[0] or os.read(ready, 1) != b"\n":
        driver.kill()
        sys.exit("the driver did not become ready")
    os.close(ready)
    return driver


def end(process, what):
    process.send_signal(signal.SIGTERM)
    code = process.wait(SECONDS)
    if code != 0:
        sys.exit(f"{what} ended with {code}")


def main():
    driver_program, *producer_programs, consumer_program = sys.argv[1:]
    with tempfile.TemporaryDirectory(prefix="tp-examples-", dir="/dev/shm") as folder:
        os.mkdir(f"{folder}/shm", 0o700)
        os.mkdir(f"{folder}/run", 0o700)
        children = []
        try:
            driver = start_driver(driver_program, folder)
            children.append(driver)
            environment = {**os.environ, "TP_RUNTIME_DIR": f"{folder}/run", "TP_TRACE": "1"}
            for program in producer_programs:
                command = shlex.split(program) if " " in program else [program, str(SECONDS)]
                children.append(subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL))
            consumer = subprocess.run([consumer_program, str(FRAMES)], env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
                                      timeout=SECONDS, check=False)
            print(consumer.stdout, end="")
            if consumer.returncode != 0 or not re.search(rf"^{FRAMES} frames used, \d+ discarded", consumer.stdout, re.M):
                sys.exit(f"the consumer ended with {consumer.returncode}")
            for child in reversed(children):
                end(child, os.path.basename(child.args[0]))
        finally:
            for child in children:
                if child.poll() is None:
                    child.kill()
                    child.wait()


if __name__ == "__main__":
    main()
