"""Waiting: always for something, never longer than a deadline."""

import time


def until(condition, timeout, what):
    """Polls until condition() is true and returns its value; fails with what after timeout seconds."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() >= deadline:
            raise AssertionError(f"not within {timeout} s: {what() if callable(what) else what}")
        time.sleep(0.005)


def holds(condition, seconds, what):
    """Fails as soon as condition() is false within that time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        assert condition(), what() if callable(what) else what
        time.sleep(0.01)
