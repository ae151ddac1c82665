"""Supervisor and discovery are killed and started again under load: no frame is lost, no private stream changes hands, and their state comes back."""

import re
import signal
import time

import pytest
from cli import adds_up, start_tp, tp
from configs import discovery, silent, small, supervisor
from harness.waiting import holds, until

PERIOD_S = 1.0
STREAMS = "[policies]\nannounce_period_ms = 1000\nshutdown_timeout_ms = 200\n" + small("cam1", header_nslots=4096, stride_bytes=1024)
SILENT = silent(STREAMS)
SUPERVISOR = supervisor(4)
DISCOVERY = discovery()
FIRST, END = 31600, 31604


def private_publications(sandbox):
    """Which publication serves which private descriptor stream: a publication that was closed and opened again has another registration."""
    counters = tp(sandbox, "stat", "--json", "--all").ok().lines()
    found = {}
    for label in (c["label"] for c in counters if c.get("label", "").startswith("pub-pos")):
        stream = [number for number in map(int, re.findall(r" (\d+)\b", label)) if FIRST <= number < END]
        if stream:
            found[stream[0]] = label
    return found


def registry(supervisor):
    """Which private descriptor stream each consumer has, as the supervisor itself tells at SIGUSR1."""
    told = len(supervisor.json_lines())
    supervisor.signal(signal.SIGUSR1)
    until(lambda: len(supervisor.json_lines()) > told, 10, supervisor.describe)
    return {consumer["consumer"]: int(consumer["descriptor_stream"]) for consumer in supervisor.json_lines()[-1]["consumers"]}


def publish(start, sandbox):
    return start_tp(start, sandbox, "pub", "cam1", "--pattern", "counter", "--shape", "64", "--hz", 500, "--linger", 2, "--answer-hello", "never")


def subscribe(start, sandbox, wish, name):
    wishes = ("--desc-channel", "aeron:ipc?term-length=4m", "--desc-id", wish) if wish else ()
    return start_tp(start, sandbox, "sub", "cam1", "--json", "--quiet", "--check", "--client-name", name, *wishes)


def finish(sub, private):
    """Ends it; not one frame may be missing."""
    sub.signal(signal.SIGINT)
    sub.wait()
    summary = sub.json_lines()[-1]
    assert 0 == summary["lost"] == summary["corrupt"] and summary["received"] > 1000 and adds_up(summary), sub.describe()
    number = int(summary["descriptor_stream_id"])
    assert (FIRST <= number < END) if private else 0 == number, sub.describe()
    return number


def test_killed_services_cost_no_frame_and_no_private_stream_changes_hands__S_002_S_070(start, sandbox):
    start.driver(config=SILENT)
    services = {name: start.service(name, config=text) for name, text in [("tp_supervisord", SUPERVISOR), ("tp_discoveryd", DISCOVERY)]}
    publish(start, sandbox)
    subs = [subscribe(start, sandbox, wish, f"c{wish}") for wish in (1, 2, 0)]
    until(lambda: 2 == len(private_publications(sandbox)), 30, "two private streams")
    held = private_publications(sandbox)
    until(lambda: 3 == len(registry(services["tp_supervisord"])), 30, "three consumers in the registry")
    known = registry(services["tp_supervisord"])
    assert set(held) | {0} == set(known.values()), f"{known} but {held}"
    for number in range(2):
        for service in services.values():
            service.signal(signal.SIGKILL)
        for service in services.values():
            service.wait()
        holds(lambda: all(sub.is_running() for sub in subs), 1.0, "a consumer ended with the services")
        services["tp_supervisord"] = start.service("tp_supervisord", config=SUPERVISOR)
        supervised = time.monotonic()
        services["tp_discoveryd"] = start.service("tp_discoveryd", config=DISCOVERY)
        provided = time.monotonic()
        newcomer = subscribe(start, sandbox, 3, f"n{number}")                 # any id will do for it: it must wait until the others were heard
        until(lambda: '"10000"' in tp(sandbox, "discover", "--json", "--timeout", 2).text(), 30, "the stream in the provider's list")
        assert time.monotonic() - provided < 3 * PERIOD_S + 2, "the provider's list took longer than three announce periods"
        until(lambda: known.items() <= registry(services["tp_supervisord"]).items(), 30, "all consumers in the registry, with what they hold")
        assert time.monotonic() - supervised < 3 * PERIOD_S + 2, "the registry took longer than three announce periods"
        until(lambda: 3 == len(private_publications(sandbox)), 30, "a private stream of the newcomer")
        now = private_publications(sandbox)
        assert held.items() <= now.items(), f"a private stream was closed or changed hands: {held} became {now}"
        newcomer.signal(signal.SIGINT)
        newcomer.wait()
        assert int(newcomer.json_lines()[-1]["descriptor_stream_id"]) not in held, newcomer.describe()
        until(lambda: held == private_publications(sandbox), 30, "the end of the newcomer's stream")
    assert {finish(subs[0], True), finish(subs[1], True)} == set(held) and 0 == finish(subs[2], False)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_frames_flow_while_no_service_is_there__S_001(start, sandbox, number):
    start.driver(config=SILENT)
    services = [start.service("tp_supervisord", config=SUPERVISOR), start.service("tp_discoveryd", config=DISCOVERY)]
    publish(start, sandbox)
    sub = subscribe(start, sandbox, 1, "c1")
    until(lambda: 1 == len(private_publications(sandbox)), 30, "a private stream")
    held = private_publications(sandbox)
    for service in services:
        service.signal(number)
        service.wait()
    holds(lambda: sub.is_running() and held == private_publications(sandbox), 8, "the private stream ended with the supervisor")
    finish(sub, True)


def test_restarted_driver_with_both_services_serves_everybody_again__S_003(start, sandbox):
    host = start.driver(config=STREAMS.replace("10000", "19999").replace("cam1", "other") + "[driver]\ncontrol_stream_id = 1900\n",
        instance="host", run=sandbox.make("host-run", 0o700))
    text = SUPERVISOR + "[discovery]\n" + STREAMS.replace("announce_period_ms = 1000", "announce_period_ms = 200\nlease_keepalive_interval_ms = 200")
    driver = start.driver(config=text, embedded=False)
    publish(start, sandbox)
    sub = start_tp(start, sandbox, "sub", "cam1", "--json", "--check", "--desc-channel", "aeron:ipc?term-length=4m", "--desc-id", 1)
    until(lambda: 1 == len(private_publications(sandbox)), 30, "a private stream")
    frames = len(sub.json_lines())
    driver.signal(signal.SIGKILL)
    driver.wait()
    driver = start.driver(config=text, embedded=False)
    until(lambda: len(sub.json_lines()) > frames + 1000 and sub.is_running(), 60, sub.describe)
    until(lambda: '"10000"' in tp(sandbox, "discover", "--json", "--timeout", 2).text(), 30, "the stream in the provider's list")
    until(lambda: 1 == len(registry(driver)), 30, "the consumer in the registry")
    until(lambda: 1 == len(private_publications(sandbox)), 30, "a private stream")
    sub.signal(signal.SIGINT)
    sub.wait()
    frames = [line for line in sub.json_lines() if "frame" == line["type"]]
    assert all(line["check"] for line in frames) and 2 <= len({line["epoch"] for line in frames}), sub.describe()
    assert host.is_running()
