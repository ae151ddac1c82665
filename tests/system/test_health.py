"""What a supervisor finds wrong is seen in the log, in Aeron counters, and in tp top."""

from cli import start_tp, tp
from harness.waiting import until
from test_services import SUPERVISOR, STREAMS

WATCHFUL = STREAMS + SUPERVISOR + "[supervisor.health]\nno_consumers_ms = 1000\nclear_ms = 0\n"


def conditions(sandbox):
    return [line for line in tp(sandbox, "top", "--json", "--count", 1, "--interval", 0.05).ok().lines() if "condition" == line["type"]]


def test_a_stream_that_nobody_reads_is_shown_until_somebody_does(start, sandbox):
    driver = start.driver(config=WATCHFUL)
    start_tp(start, sandbox, "pub", "cam1", "--pattern", "counter", "--shape", "100", "--hz", 50)
    found = until(lambda: [c for c in conditions(sandbox) if c["value"]], 30, "a condition")[0]      # its value follows its counter
    assert ("stream_unread", "10000", "0") == (found["kind"], found["stream_id"], found["client_id"])
    assert found["value"] >= 1000 == found["bound"] and found["age_ns"] >= 0
    assert "! stream_unread  stream 10000  " in tp(sandbox, "top", "--plain", "--count", 1, "--interval", 0.05).ok().text()
    shown = [c for c in tp(sandbox, "stat", "--json", "--name", "tp-health").ok().lines() if "tp health" == c.get("kind")]
    assert 1 == len(shown) and shown[0]["label"].startswith("tp-health: kind=stream_unread stream=10000 client=0 "), shown
    assert "TP5210" in driver.err()
    start_tp(start, sandbox, "sub", "cam1", "--quiet")
    until(lambda: not conditions(sandbox), 30, "nothing wrong any more")
    driver.stop()
