"""A driver that sleeps: who wakes it, and who is served without. What the doorbell page says is judged, never how long something took."""

import os
import struct

from harness import flow
from harness.waiting import until

RINGS, ASLEEP = 64, 128                     # offsets in the page, docs/spec/95-local-extensions.md 7.3


def word(sandbox, offset):
    with open(sandbox.aeron + "/tensor_pool.doorbell", "rb") as file:
        return struct.unpack_from("<I", file.read(4096), offset)[0]


def voluntary_switches(driver):
    """How often the media driver's thread went to sleep."""
    for task in os.listdir(f"/proc/{driver.pid}/task"):
        with open(f"/proc/{driver.pid}/task/{task}/status", encoding="ascii") as file:
            text = file.read()
        if "tp-aeron" in text:
            return int(text.split("\nvoluntary_ctxt_switches:")[1].split()[0])
    raise AssertionError("no thread of the media driver")


def test_a_sleeping_driver_is_rung_for_by_our_clients__L_301_L_306(start, sandbox):
    start.driver(config=flow.config())
    until(lambda: word(sandbox, ASLEEP), 30, "sleep")
    before = word(sandbox, RINGS)
    flow.Publisher(start)
    subscriber = flow.Subscriber(start)
    subscriber.wait_for_frames(50)
    subscriber.all_frames_are_right()
    assert word(sandbox, RINGS) > before


def test_clients_without_a_doorbell_are_served_when_a_sleep_is_over__L_301(start, sandbox):
    start.driver(config=flow.config())
    os.unlink(sandbox.aeron + "/tensor_pool.doorbell")      # the driver keeps its own; clients find none
    flow.Publisher(start)
    subscriber = flow.Subscriber(start)
    subscriber.wait_for_frames(50)
    subscriber.all_frames_are_right()


def test_an_idle_driver_sleeps_much_longer_than_a_millisecond__L_302_L_307(start):
    driver = start.driver(config=flow.config())
    begun = voluntary_switches(driver)
    clock = os.times().elapsed
    until(lambda: voluntary_switches(driver) > begun + 30, 60, "30 sleeps")
    assert os.times().elapsed - clock > 0.3     # a busy machine makes it longer; 1 ms each would be a tenth of it


def test_a_killed_driver_leaves_nothing_that_the_next_one_cannot_use__L_301(start, sandbox):
    driver = start.driver(config=flow.config())
    publisher, subscriber = flow.Publisher(start), flow.Subscriber(start)
    subscriber.wait_for_frames(10)
    epoch = subscriber.epoch()
    driver.kill()
    start.driver(config=flow.config())      # clears the directory, doorbell and all
    subscriber.wait_for_epoch_above(epoch)
    subscriber.wait_for_frames(10)
    assert publisher.process.is_running()
    assert word(sandbox, RINGS) > 0
