"""A reader against a writer that never stops, in a ring of two slots: no torn frame is ever taken for a whole one. bench/torn.c does the reading."""

import os

from harness.process import BIN

TORN = os.path.join(os.path.dirname(os.path.abspath(BIN)), "bench", "torn")
READS = int(os.environ.get("TP_TORN_READS", 0)) or (200_000 if os.environ.get("TP_INSTRUMENTED") else 10_000_000)


def test_no_torn_frame_is_accepted_from_a_ring_of_two_slots__W_047_W_050__M4(sandbox, start):
    process = start(TORN, "--reads", READS, "--dir", sandbox.make("torn"), label="torn").expect(0, 600)
    said, = process.json_lines()
    assert said["value"] == 0, said                                       # torn frames accepted
    assert said["reads"] >= READS and said["written"] > READS // 1000, said
    assert said["refused"] > 0, said                                      # there was something to be caught
