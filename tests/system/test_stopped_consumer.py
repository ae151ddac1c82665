"""One of nine consumers of a stream stands still (SIGSTOP): the eight others lose nothing, with default settings. bench/stopped.c does the reading.

The ring holds two seconds at this rate and is overrun many times during the stop, and so is the room of the descriptors: their stream is short, so
that the bus refuses them a moment after the stop. What the eight skip (10-wire.md W-125) because the machine did not let them run while 256 frames
were written is told apart by the program. TP_STOPPED_SECONDS and TP_STOPPED_HZ change the run.
"""

import os

from harness.process import BIN

STOPPED = os.path.join(os.path.dirname(os.path.abspath(BIN)), "bench", "stopped")
INSTRUMENTED = bool(os.environ.get("TP_INSTRUMENTED"))
SECONDS = int(os.environ.get("TP_STOPPED_SECONDS", 0)) or (5 if INSTRUMENTED else 10)
HZ = int(os.environ.get("TP_STOPPED_HZ", 0)) or (1000 if INSTRUMENTED else 10000 if os.environ.get("TP_STOPPED_QUIET") else 2000)
SLOTS = 4096 if HZ > 4000 else 1024


def test_a_stopped_consumer_costs_the_others_no_frame__L_101_L_104(sandbox, start):
    process = start(STOPPED, "--seconds", SECONDS, "--hz", HZ, "--slots", SLOTS, "--channel", "aeron:ipc?term-length=64k", "--dir",
                    sandbox.make("stopped"), label="stopped").expect(0, 600)
    said, lateness = process.json_lines()
    print(said, lateness)
    assert said["frames"] == said["last_seq"] + 1, said                   # the producer was never held up
    assert said["refused"] > HZ // 2, said                                # descriptors stopped for everybody for a while
    assert said["from_ring"] > 2 * HZ, said                               # and were not needed
    assert said["late_descriptors"] > 0, said
    assert said["value"] == 0, said                                       # lost by the eight
    assert said["ledgers_add_up"], said                                   # of all nine
    assert said["stopped_received"] > 0 and said["stopped_last_seq"] == said["last_seq"], said         # it went on
    assert said["stopped_lost"] > SECONDS * HZ - SLOTS - 2 * HZ, said
