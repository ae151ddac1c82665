#!/usr/bin/env python3
"""Runs driver, producer and consumer of the smallest programs together, in private directories: run_examples.py TP_DRIVER PRODUCER CONSUMER."""

import os
import re
import select
import signal
import subprocess
import sys
import tempfile

FRAMES = 200
SECONDS = 60        # the end of patience, not a duration


def start_driver(program, folder):
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
    driver_program, producer_program, consumer_program = sys.argv[1:]
    with tempfile.TemporaryDirectory(prefix="tp-examples-", dir="/dev/shm") as folder:
        os.mkdir(f"{folder}/shm", 0o700)
        os.mkdir(f"{folder}/run", 0o700)
        children = []
        try:
            driver = start_driver(driver_program, folder)
            children.append(driver)
            environment = {**os.environ, "TP_RUNTIME_DIR": f"{folder}/run"}
            producer = subprocess.Popen([producer_program, str(SECONDS)], env=environment, stdin=subprocess.DEVNULL)
            children.append(producer)
            consumer = subprocess.run([consumer_program, str(FRAMES)], env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
                                      timeout=SECONDS, check=False)
            print(consumer.stdout, end="")
            if consumer.returncode != 0 or not re.match(rf"{FRAMES} frames used, \d+ discarded", consumer.stdout):
                sys.exit(f"the consumer ended with {consumer.returncode}")
            end(producer, "the producer")
            end(driver, "the driver")
        finally:
            for child in children:
                if child.poll() is None:
                    child.kill()
                    child.wait()


if __name__ == "__main__":
    main()
