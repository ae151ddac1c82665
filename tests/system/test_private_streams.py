"""Private streams of consumers over a real media driver: granted by the driver or the producer, capped, declined, closed with their consumer."""

import signal

import pytest
from cli import adds_up, publish_counter, start_tp, subscribe, tp
from configs import FAST, small
from harness.waiting import until

STREAMS = FAST + small("cam1", header_nslots=1024)
RANGES = """
[driver]
descriptor_stream_id_range = "31500-31509"
control_stream_id_range = "32500-32509"
"""
SILENT = """
[driver]
answer_hello = "never"
"""
OWN = ("--desc-channel", "aeron:ipc", "--desc-id", 31001, "--ctrl-channel", "aeron:ipc", "--ctrl-id", 32001)


def publications_of(sandbox, stream_id):
    """How many counters of the media driver tell of a publication on that Aeron stream."""
    counters = tp(sandbox, "stat", "--json", "--all").ok().lines()
    return [c for c in counters if "label" in c and c["label"].startswith("pub-pos") and f" {stream_id} " in c["label"]]


def test_ids_of_the_driver_are_served_by_the_producer__W_130_W_137(start, sandbox):
    start.driver(config=RANGES + STREAMS)
    publish_counter(start, sandbox)
    summary = subscribe(sandbox, "--seconds", 3, *OWN)
    assert "31500" == summary["descriptor_stream_id"] and "32500" == summary["control_stream_id"], summary
    assert summary["received"] > 200 and 0 == summary["lost_by_reason"]["gap"] and adds_up(summary), summary


def test_producer_grants_what_was_asked_for_when_the_driver_is_silent__W_130_W_137_O_28(start, sandbox):
    start.driver(config=SILENT + STREAMS)
    publish_counter(start, sandbox)
    summary = subscribe(sandbox, "--seconds", 4, *OWN)
    assert "31001" == summary["descriptor_stream_id"] and "32001" == summary["control_stream_id"], summary
    assert summary["received"] > 300 and 0 == summary["lost_by_reason"]["gap"] and adds_up(summary), summary


def test_nobody_grants_when_nobody_may__W_151(start, sandbox):
    start.driver(config=SILENT + STREAMS)
    publish_counter(start, sandbox, "--answer-hello", "never")
    summary = subscribe(sandbox, "--seconds", 3, *OWN)
    assert "0" == summary["descriptor_stream_id"] and "0" == summary["control_stream_id"] and summary["received"] > 200, summary


def test_granted_rate_is_capped_at_the_producer_and_leaves_others_alone__W_134_W_135(start, sandbox):
    start.driver(config=SILENT + STREAMS)
    publish_counter(start, sandbox, "--answer-hello", "always")
    other = start_tp(start, sandbox, "sub", "cam1", "--json", "--quiet", "--seconds", 6)
    summary = subscribe(sandbox, "--seconds", 5, "--mode", "rate-limited", "--max-rate", 10, *OWN)
    assert "31001" == summary["descriptor_stream_id"] and "rate-limited" == summary["mode"], summary
    assert 25 <= summary["received"] <= 60, summary
    assert summary["lost_by_reason"]["gap"] + summary["lost_by_reason"]["skipped"] > 200 and adds_up(summary), summary
    other.expect(0)
    assert other.json_lines()[-1]["received"] > 400 and 0 == other.json_lines()[-1]["thinned"]


def test_declined_rate_is_kept_locally__W_151_W_191(start, sandbox):
    start.driver(config=STREAMS)                          # no ranges: the driver declines
    publish_counter(start, sandbox)
    summary = subscribe(sandbox, "--seconds", 4, "--mode", "rate-limited", "--max-rate", 10, *OWN)
    assert "0" == summary["descriptor_stream_id"], summary
    assert 30 <= summary["received"] <= 50 and summary["thinned"] > 200, summary


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL])
def test_private_publications_end_with_their_consumer__W_132_W_152(start, sandbox, end):
    start.driver(config=SILENT + STREAMS)
    pub = publish_counter(start, sandbox, "--answer-hello", "always")
    sub = start_tp(start, sandbox, "sub", "cam1", "--json", "--quiet", *OWN)
    until(lambda: publications_of(sandbox, 31001) and publications_of(sandbox, 32001), 30, "the private publications")
    sub.signal(end)
    until(lambda: not publications_of(sandbox, 31001) and not publications_of(sandbox, 32001), 30, "the end of the private publications")
    assert publications_of(sandbox, 1100)
    assert pub.is_running()


def test_newest_only_never_works_off_a_backlog(start, sandbox):
    start.driver(config=STREAMS)
    publish_counter(start, sandbox, "--wait-consumers", 1)
    summary = tp(sandbox, "sub", "cam1", "--json", "--quiet", "--newest", "--seconds", 2).ok().lines()[-1]
    assert summary["received"] > 0 and adds_up(summary), summary
