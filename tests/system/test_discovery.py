"""Streams by name with real processes: two drivers with one stream id, one with an embedded provider, tp_discoveryd for both, and tp."""

import re

import pytest
from cli import start_tp, tp
from configs import FAST, discovery, small
from harness.waiting import until

FIRST = FAST + small("cam1", "left")
EMBEDDED = FIRST + """
[discovery]
[discovery.streams.cam1]
stream_id = 10000
data_source_id = 77
tags = [ "nir", "roof" ]
"""
SECOND = """
[driver]
control_stream_id = 2000
descriptor_stream_id = 2100
qos_stream_id = 2200
metadata_stream_id = 2300
[shm]
namespace = "second"
""" + FAST + small("cam1")
IPC = "aeron:ipc?term-length=4m"
BOTH = discovery(1000, "drv-a") + f"""[[discovery.sources]]
announce_channel = "{IPC}"
announce_stream_id = 2000
metadata_channel = "{IPC}"
metadata_stream_id = 2300
driver_instance_id = "drv-b"
driver_control_channel = "{IPC}"
driver_control_stream_id = 2000
"""


def publish(start, sandbox, stream, name, hz=50):
    return start_tp(start, sandbox, "pub", stream, "--pattern", "counter", "--shape", "16", "--dtype", "u8", "--hz", hz, "--name", name)


def discovered(sandbox, count, *more):
    def look():
        found = tp(sandbox, "discover", "--json", *more)
        return found.one("discovery")["results"] if 0 == found.code and count == len(found.one("discovery")["results"]) else None
    return until(look, 30, f"{count} streams; {tp(sandbox, 'discover').describe()}")


@pytest.fixture
def embedded(start):
    return start.driver(instance="drv-a", config=EMBEDDED)


@pytest.fixture
def two_drivers(start, sandbox):
    first = start.driver(instance="drv-a", config=FIRST)
    second = start.driver(instance="drv-b", embedded=False, config=SECOND)
    return first, second


def test_embedded_provider_lists_what_its_driver_announces(start, sandbox, embedded):
    publish(start, sandbox, "cam1", "eye")
    found = discovered(sandbox, 1, "--name", "eye")[0]
    assert "10000" == found["stream_id"] and "eye" == found["data_source_name"] and "77" == found["data_source_id"]
    assert ["nir", "roof"] == sorted(found["tags"]) and "drv-a" == found["driver_instance_id"] and 1000 == found["driver_control_stream_id"]
    assert 64 == found["header_nslots"] == found["pools"][0]["nslots"] and 256 == found["header_slot_bytes"] and 8 == found["max_dims"]
    for filters, count in ((("--tag", "nir"), 1), (("--tag", "nir", "--tag", "roof"), 1), (("--tag", "NIR"), 0), (("--stream", 10000), 1),
            (("--stream", 1), 0), (("--source-id", 77), 1), (("--source-id", 78), 0), (("--name", "e*"), 1), (("--name", "E*"), 0),
            (("--producer", found["producer_id"]), 1), (("--name", "Eye"), 0)):
        assert count == len(tp(sandbox, "discover", "--json", *filters).ok().one("discovery")["results"]), filters
    assert re.search(r"10000  eye +nir,roof|10000  eye +roof,nir", tp(sandbox, "discover").ok().text())


def test_words_name_all_endpoints(start, sandbox, embedded):
    publish(start, sandbox, "cam1", "eye")
    discovered(sandbox, 1, "--name", "eye")
    answer = tp(sandbox, "discover", sandbox.aeron, IPC, 7000, IPC, 7104, "--json").ok().one("discovery")
    assert 1 == answer["status"] and "" == answer["error"] and 0 != int(answer["request_id"])
    assert 1 <= len(answer["results"]) and "0" != answer["results"][0]["epoch"]
    assert 0 == len(tp(sandbox, "discover", sandbox.aeron, IPC, 7000, IPC, 7104, 4711, "--json").ok().one("discovery")["results"])
    tp(sandbox, "discover", sandbox.aeron, IPC).ends(2)
    tp(sandbox, "discover", sandbox.aeron, IPC, 0, IPC, 7104).ends(2)


def test_names_of_sources_lead_to_their_streams(start, sandbox, embedded):
    publish(start, sandbox, "cam1", "eye")
    discovered(sandbox, 1, "--name", "eye")
    summary = tp(sandbox, "sub", "eye", "--count", 20, "--seconds", 20, "--json", "--check=counter", "--quiet").ok()
    assert 20 == summary.one("summary")["received"]
    assert "10000" == tp(sandbox, "info", "eye", "--json").ok().one("stream")["stream_id"]
    assert re.search(r"^ok +discovery +a provider answers on stream 7000", tp(sandbox, "doctor").text(), re.M)


def test_without_a_provider_names_come_from_the_counters(start, sandbox):
    start.driver(config=FIRST)
    publish(start, sandbox, "cam1", "eye")
    assert 5 == tp(sandbox, "sub", "cam1", "--count", 5, "--seconds", 20, "--json", "--quiet").ok().one("summary")["received"]
    assert "no stream is named 'eye'" in tp(sandbox, "info", "eye").ends(2).complaint()
    assert "did you mean 'left'" in tp(sandbox, "info", "lefd").ends(2).complaint()
    gone = tp(sandbox, "discover", "--timeout", 0.3).ends(3)
    assert "no discovery provider answers" in gone.complaint() and "nobody subscribes" in gone.complaint()
    assert re.search(r"^info +discovery +no provider answers", tp(sandbox, "doctor").text(), re.M)


def test_two_drivers_with_one_stream_id_are_told_apart(start, sandbox, two_drivers):
    publish(start, sandbox, "cam1@drv-a", "eye", 20)
    publish(start, sandbox, "cam1@drv-b", "eye", 50)

    def both():
        found = tp(sandbox, "ls", "--json").ok().of("stream")
        return found if 2 == sum(1 for line in found if "10000" == line["stream_id"] and line["producer"]) else None
    streams = {line["driver"]: line for line in until(both, 30, "both producers") if "10000" == line["stream_id"]}
    assert streams["drv-a"]["producer"] != streams["drv-b"]["producer"]
    for driver in ("drv-a", "drv-b"):
        found = tp(sandbox, "info", f"cam1@{driver}", "--json").ok().one("stream")
        assert driver == found["driver"] and [streams[driver]["producer"]] == [lease["client_id"] for lease in found["leases"]]
        again = tp(sandbox, "--driver", driver, "info", "10000", "--json").ok().one("stream")
        assert driver == again["driver"] and 1 == len(again["leases"])
        regions = tp(sandbox, "shm", "inspect", f"cam1@{driver}", "--json").ok().text()
        assert streams[driver]["epoch"] in regions
        leases = tp(sandbox, "lease", "ls", f"10000@{driver}", "--json").ok().of("lease")
        assert [streams[driver]["producer"]] == [lease["client_id"] for lease in leases]
    tree = [line for line in tp(sandbox, "top", "--json", "--count", 1).ok().of("stream") if "10000" == line["stream_id"]]
    assert [[streams[line["driver"]]["producer"]] for line in tree] == [[lease["client_id"] for lease in line["clients"]] for line in tree]
    for name in ("cam1", "10000"):
        refused = tp(sandbox, "info", name).ends(2).complaint()
        assert "more than one stream" in refused and "at drv-a" in refused and "at drv-b" in refused


def test_registry_of_two_drivers_leads_to_the_one_that_is_named(start, sandbox, two_drivers):
    start.service("tp_discoveryd", config=BOTH)
    publish(start, sandbox, "cam1@drv-a", "eye", 20)
    publish(start, sandbox, "cam1@drv-b", "eye", 50)
    found = discovered(sandbox, 2, "--name", "eye")
    assert ["drv-a", "drv-b"] == [line["driver_instance_id"] for line in found]
    assert "at drv-b" in tp(sandbox, "sub", "eye", "--count", 1).ends(2).complaint()
    for driver, line in zip(("drv-a", "drv-b"), found):
        summary = tp(sandbox, "sub", f"eye@{driver}", "--count", 10, "--seconds", 20, "--json", "--check=counter", "--quiet").ok().one("summary")
        assert 10 == summary["received"] and summary["epoch"] == line["epoch"]
