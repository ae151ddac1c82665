"""Metadata of a stream through real processes: given with tp pub, read by tp info, tp echo and in frames."""

import signal

from cli import start_tp, tp
from configs import FAST, RANGES, small
from harness.waiting import until

CONFIG = RANGES + FAST + small("cam1", "thermal")


def publish(start, sandbox, stream, *arguments):
    return start_tp(start, sandbox, "pub", stream, "--pattern", "counter", "--shape", "30x40", "--hz", 50, *arguments)


def source_of(sandbox, stream="cam1"):
    return tp(sandbox, "info", stream, "--meta", "--json").ok().one("stream")["source"]


def test_a_late_reader_obtains_name_attributes_and_version__W_179_W_180_W_181(start, sandbox, driver):
    publish(start, sandbox, "cam1", "--meta", "gain=3", "--meta", "exposure=10 ms", "--meta", "empty=")
    until(lambda: tp(sandbox, "info", "cam1", "--json").ok().one("stream")["hz"] > 0, 30, "frames")
    source = source_of(sandbox)
    assert source["name"] == "cam1" and source["summary"] == "uint8 30x40" and source["meta_version"] == "1"
    assert [(a["key"], a["format"], a["value"]) for a in source["attributes"]] == [("gain", "text/plain", "3"), ("exposure", "text/plain", "10 ms"),
        ("empty", "text/plain", "")]
    text = tp(sandbox, "info", "cam1", "--meta").ok().text()
    assert "cam1: uint8 30x40, metadata version 1" in text and "exposure = 10 ms" in text
    frames = tp(sandbox, "sub", "cam1", "--json", "--count", 5).ok().of("frame")
    assert 5 == len(frames) and all(frame["meta_version"] == "1" for frame in frames)
    shown = tp(sandbox, "echo", "cam1", "--meta", "--json", "--count", 1).ok()
    assert shown.one("source")["source"]["attributes"][0]["key"] == "gain"


def test_a_source_without_metadata_says_so__O_63(start, sandbox, driver):
    publish(start, sandbox, "10001")
    until(lambda: tp(sandbox, "info", "thermal", "--json").ok().one("stream")["hz"] > 0, 30, "frames")
    source = source_of(sandbox, "thermal")
    assert source["name"] == "" and source["meta_version"] == "0" and source["attributes"] is None
    frames = tp(sandbox, "sub", "thermal", "--json", "--count", 2).ok().of("frame")
    assert all(frame["meta_version"] is None for frame in frames)


def test_metadata_of_a_killed_producer_are_over__W_180(start, sandbox, driver):
    pub = publish(start, sandbox, "cam1", "--meta", "gain=3")
    until(lambda: tp(sandbox, "info", "cam1", "--json").ok().one("stream")["hz"] > 0, 30, "frames")
    assert source_of(sandbox)["meta_version"] == "1"
    pub.signal(signal.SIGKILL)
    pub.expect(-signal.SIGKILL)
    until(lambda: source_of(sandbox) is None, 30, "the end of its metadata")
    until(lambda: tp(sandbox, "info", "cam1", "--json").ok().one("stream")["producer"] is None, 30, "the end of its lease")
    publish(start, sandbox, "cam1", "--meta", "gain=4")
    until(lambda: (source_of(sandbox) or {}).get("attributes") is not None, 30, "the next producer")
    assert source_of(sandbox)["attributes"][0]["value"] == "4"


def test_what_is_no_attribute_is_refused(sandbox, driver):
    done = tp(sandbox, "pub", "cam1", "--pattern", "counter", "--meta", "gain").ends(2)
    assert "KEY=VALUE" in done.complaint()
    assert "same key" in tp(sandbox, "pub", "cam1", "--pattern", "counter", "--meta", "a=1", "--meta", "a=2").ends(1).complaint()
    assert "US-ASCII" in tp(sandbox, "pub", "cam1", "--pattern", "counter", "--meta", "größe=1").ends(1).complaint()
