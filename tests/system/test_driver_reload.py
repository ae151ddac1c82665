"""SIGHUP and the socket's request to reload, on real processes: what changes, what does not, and what a wrong file does."""

import json
import os
import re
import signal
import socket

from cli import start_tp
from harness.waiting import holds, until

CONFIG = """
[policies]
shutdown_timeout_ms = 100
announce_period_ms = 100
[profiles.p]
header_nslots = 8
payload_pools = [{ pool_id = 1, stride_bytes = 4096 }]
[streams.s]
stream_id = 10000
profile = "p"
"""


def config_file(driver):
    return driver.command[driver.command.index("--config") + 1]


def rewrite(driver, text):
    """As editors do: a new file in the place of the old one."""
    name = config_file(driver)
    with open(name + ".new", "w", encoding="utf-8") as file:
        file.write(text)
    os.rename(name + ".new", name)


def ask(driver, **request):
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(20)
        s.connect(os.path.join(driver.run, driver.instance + ".sock"))
        s.sendall(json.dumps(request).encode() + b"\n")
        answer = b""
        while not answer.endswith(b"\n"):
            part = s.recv(65536)
            assert part, f"closed after {answer!r}\n{driver.describe()}"
            answer += part
    return json.loads(answer)


def stream(driver, number=10000):
    return ask(driver, cmd="streams", stream=number)["streams"][0]


def test_hangup_changes_the_geometry_and_clients_go_on__D_133(start, sandbox):
    driver = start.driver(config=CONFIG)
    pub = start_tp(start, sandbox, "pub", "10000", "--shape", "16", "--dtype", "u8", "--hz", "50", "--pattern=counter")
    sub = start_tp(start, sandbox, "sub", "10000", "--json")
    until(lambda: stream(driver)["producer"] and len(stream(driver)["consumers"]) == 1, 30,
        lambda: "producer and consumer attach\n" + pub.describe() + sub.describe())
    before = stream(driver)
    rewrite(driver, CONFIG.replace("header_nslots = 8", "header_nslots = 16"))
    driver.signal(signal.SIGHUP)
    driver.wait_for("1 with another geometry")
    until(lambda: stream(driver)["producer"] and stream(driver)["nslots"] == 16, 30, "the producer attaches to the new geometry")
    after = stream(driver)
    assert int(after["epoch"]) > int(before["epoch"])
    assert after["consumers"][0]["lease"] == before["consumers"][0]["lease"]
    lines = len(sub.out().splitlines())
    until(lambda: len(sub.out().splitlines()) > lines or not sub.is_running(), 30, "the consumer goes on")
    assert pub.is_running() and sub.is_running(), pub.describe() + sub.describe()
    driver.stop()


def test_wrong_file_changes_nothing_and_is_told_with_line_and_column__D_207(start):
    driver = start.driver(config=CONFIG)
    rewrite(driver, CONFIG.replace("announce_period_ms", "anounce_period_ms"))
    answer = ask(driver, cmd="reload")
    assert not answer["ok"] and 2103 == answer["error"]["code"]
    assert config_file(driver) + ":4:1:" in answer["error"]["message"] and "announce_period_ms" in answer["error"]["fix"]
    driver.signal(signal.SIGHUP)
    until(lambda: 2 == driver.err().count("not reloaded, nothing changes"), 30, "the signal reloads")
    os.unlink(config_file(driver))
    assert not ask(driver, cmd="reload")["ok"]
    holds(driver.is_running, 0.3, "the driver ended")
    assert 3 == driver.err().count("not reloaded, nothing changes")
    told = ask(driver, cmd="errors")["errors"]
    assert any(2103 == e["code"] and e["count"] >= 2 and "not reloaded" in e["text"] for e in told), told
    driver.stop()


def test_what_needs_a_restart_is_named_in_answer_and_log(start):
    driver = start.driver(config=CONFIG)
    rewrite(driver, CONFIG.replace("announce_period_ms = 100", "announce_period_ms = 200") + '[streams.t]\nstream_id = 10001\nprofile = "p"\n')
    answer = ask(driver, cmd="reload")
    assert answer["ok"] and ["policies.announce_period_ms"] == answer["restart"] and [10001] == answer["added"], answer
    assert "needs a restart" in driver.err() and "policies.announce_period_ms" in driver.err()
    assert "idle" == stream(driver, 10001)["state"]
    lines = ask(driver, cmd="log", level="debug")
    assert "debug" == lines["level"] and any("needs a restart" in line["text"] for line in lines["lines"])
    driver.stop()


def test_tools_and_driver_log_in_one_format_with_the_same_codes(start, sandbox):
    driver = start.driver("--log-json", config=CONFIG)
    for options in (["--log-json"], []):
        pub = start_tp(start, sandbox, "pub", "10000", "--pattern=counter", "--shape", "16", "--dtype", "u8", "--hz", "50", *options)
        until(lambda: stream(driver)["producer"], 30, pub.describe)
        assert ask(driver, cmd="revoke", lease=stream(driver)["producer"]["lease"])["ok"]
        until(lambda: "revoked" in pub.err(), 30, pub.describe)
        pub.signal(signal.SIGINT)
        pub.wait()
        if options:
            lines = [json.loads(line) for line in pub.err().splitlines()]
            assert 4019 in [line["code"] for line in lines], pub.describe()
            assert all({"time", "level", "code", "text"} == set(line) for line in lines + [json.loads(each) for each in driver.err().splitlines()])
        else:
            assert re.search(r"^warn \[TP4019\]: ", pub.err(), re.M), pub.describe()
    driver.stop()
