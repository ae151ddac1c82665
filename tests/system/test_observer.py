"""`tp sub --observe`: a reader of the ring that nobody knows of, through producers and drivers."""

import signal

from cli import adds_up, start_tp, tp
from configs import FAST, RANGES
from harness.waiting import until

CONFIG = RANGES + FAST + """[profiles.small]
header_nslots = 1024
payload_pools = [ { pool_id = 1, stride_bytes = 4096 } ]
[streams.cam1]
stream_id = 10000
profile = "small"
"""


def publish(start, sandbox):
    return start_tp(start, sandbox, "pub", "cam1", "--pattern", "counter", "--shape", "100", "--hz", 100, "--json")


def frames_of(observer):
    return [line for line in observer.json_lines() if "frame" == line["type"]]


def test_an_observer_sees_every_frame_and_takes_no_lease__L_110_L_111_L_107(start, sandbox, driver):
    camera = publish(start, sandbox)
    observer = start_tp(start, sandbox, "sub", "cam1", "--observe", "--check", "--json", "--seconds", 120)
    until(lambda: len(frames_of(observer)) >= 100, 60, lambda: observer.describe())
    assert ["producer"] == [line["role"] for line in tp(sandbox, "lease", "ls", "--json").ok().of("lease")]
    observer.signal(signal.SIGINT)
    observer.expect(0)
    frames = frames_of(observer)
    assert [frame["seq"] for frame in frames] == list(range(frames[0]["seq"], frames[0]["seq"] + len(frames)))
    assert all(frame["no_descriptor"] and frame["trace"] is None and frame["check"] for frame in frames)
    summary = observer.json_lines()[-1]
    assert summary["observer"] and summary["from_ring"] == summary["received"] == len(frames) and 0 == summary["lost"] and adds_up(summary), summary
    camera.signal(signal.SIGINT)
    camera.expect(0)


def test_an_observer_lives_through_producers_and_drivers__L_113(start, sandbox, driver):
    observer = start_tp(start, sandbox, "sub", "cam1", "--observe", "--check", "--json", "--seconds", 120)

    def more():
        before = len(frames_of(observer))
        until(lambda: len(frames_of(observer)) >= before + 20, 60, lambda: observer.describe())

    camera = publish(start, sandbox)                                      # there was nothing when the observer came
    more()
    camera.signal(signal.SIGKILL)
    camera.wait()
    until(lambda: [] == tp(sandbox, "lease", "ls", "--json").ok().of("lease"), 60, "the dead producer's lease has not ended")
    camera = publish(start, sandbox)
    more()
    driver.signal(signal.SIGKILL)
    driver.wait()
    again = start.driver(config=CONFIG)
    more()                                                                # the producer attaches again by itself
    observer.signal(signal.SIGINT)
    observer.expect(0)
    summary = observer.json_lines()[-1]
    assert summary["epochs"] >= 3 and 0 == summary["corrupt"] and 0 == summary["torn"], summary
    camera.signal(signal.SIGINT)
    camera.wait()
    again.stop()


def test_options_that_tell_others_of_a_reader_exclude_observing(sandbox):
    for words in (["--no-recover"], ["--client-id", 7], ["--desc-channel", "aeron:ipc", "--desc-id", 5]):
        said = tp(sandbox, "sub", "10000", "--observe", *words).ends(2).complaint()
        assert "--observe" in said, said
    assert "exclude" in tp(sandbox, "sub", "10000", "--recover", "--no-recover").ends(2).complaint()
