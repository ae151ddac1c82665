"""tp_supervisord and tp_discoveryd as processes, and both inside of tp_driver: life, bad files, who answers, private streams, ids."""

import os
import signal
import subprocess

import pytest
from cli import adds_up, publish_counter, start_tp, subscribe, tp
from configs import FAST, discovery, silent, small, supervisor
from harness.process import clean_environment, program
from harness.waiting import until

STREAMS = FAST + "shutdown_timeout_ms = 200\n" + small("cam1", header_nslots=1024)
SILENT = silent(STREAMS)
SUPERVISOR = supervisor(20)
DISCOVERY = discovery()
SERVICES = [("tp_supervisord", SUPERVISOR), ("tp_discoveryd", DISCOVERY)]
WISH = ("--desc-channel", "aeron:ipc?term-length=4m", "--desc-id", 31001, "--ctrl-channel", "aeron:ipc?term-length=4m", "--ctrl-id", 32001)


def run(name, *arguments, **variables):
    return subprocess.run([program(name), *[str(a) for a in arguments]], env=clean_environment(**variables), stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=30, check=False)


def publish(start, sandbox):
    return publish_counter(start, sandbox, "--answer-hello", "never")


# ---- life


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("name, config", SERVICES)
def test_a_service_starts_beside_a_driver_and_ends_in_order__S_002(start, name, config, end):
    driver = start.driver(config=SILENT)
    service = start.service(name, config=config)
    assert f"{name} ready: " in service.err()
    service.signal(end)
    service.expect(0)
    assert f"{name} ended" in service.err() and driver.is_running()
    start.service(name, config=config).stop()
    driver.stop()


@pytest.mark.parametrize("name, config", SERVICES)
def test_a_service_without_media_driver_ends_with_3_and_says_so(start, name, config):
    service = start.service(name, config=config, ready=False).expect(3)
    assert "error[TP3001]" in service.err() and "fix:" in service.err()


@pytest.mark.parametrize("name, config", SERVICES)
def test_a_service_ends_with_3_when_its_media_driver_dies(start, name, config):
    driver = start.driver(config=SILENT)
    service = start.service(name, config=config)
    driver.signal(signal.SIGKILL)
    driver.wait()
    assert 3 == service.wait(timeout=40), service.describe()


@pytest.mark.parametrize("name, config", SERVICES)
def test_lines_of_a_service_can_be_json(start, name, config):
    driver = start.driver(config=SILENT)
    service = start.service(name, "--log-json", config=config).stop()
    assert all(line.startswith('{"time":"') for line in service.err().splitlines()), service.err()
    driver.stop()


@pytest.mark.parametrize("name, config", SERVICES)
def test_hangup_names_what_would_change_with_a_restart(start, sandbox, name, config):
    start.driver(config=SILENT)
    file = sandbox.write("service.toml", config)
    service = start.service(name, "--config", file)
    service.signal(signal.SIGHUP)
    service.wait_for("the configuration is that in force")
    table = "supervisor" if "supervisor" in name else "discovery"
    key = "consumer_stale_ms" if "supervisor" == table else "max_results"
    sandbox.write("service.toml", config + f"{key} = 77\n")
    service.signal(signal.SIGHUP)
    service.wait_for(f"{table}.{key} differs from the value in force; it takes effect with a restart")
    sandbox.write("service.toml", config + f"{key}s = 77\n")
    service.signal(signal.SIGHUP)
    service.wait_for(f"did you mean '{key}'?")
    assert service.is_running()
    service.stop()


@pytest.mark.parametrize("name", ["tp_supervisord", "tp_discoveryd"])
def test_pages_and_example_are_made_of_the_options(sandbox, name):
    example = run(name, "--print-example").stdout
    file = sandbox.write("example.toml", example)
    assert 0 == run(name, "--check-config", "--config", file).returncode == run(name, "--check", "--config", file).returncode
    shown = run(name, "--print-config", "--config", file)
    assert 0 == shown.returncode and f"# {file}:" in shown.stdout
    assert 0 == run(name, "--check", "--config", sandbox.write("shown.toml", shown.stdout)).returncode
    assert run(name, "--print-man").stdout.startswith(f".TH {name.upper()} 1 ")
    assert run(name, "--list-keys").stdout.count(" = ") > 10
    for shell in ["bash", "zsh", "fish"]:
        assert "check-config" in run(name, "--print-completion", "bash").stdout and name in run(name, "--print-completion", shell).stdout
    assert 2 == run(name, "--no-such-option").returncode


# ---- bad files: the program ends by itself before it looks for a media driver (that would be exit code 3)

BAD_SUPERVISOR = [
    ("per_consumer_descriptor_base = 31000", "per_consumer_descriptor_base"), ("per_consumer_control_base = 31000", "per_consumer_control_base"),
    ("force_mode = 3", "force_mode"), ("force_mode = -1", "force_mode"), ("consumer_capacity = 0", "consumer_capacity"),
    ('consumer_capacity = "9"', "consumer_capacity"), ("consumer_stale_ms = 4294967296", "consumer_stale_ms"),
    ("per_consumer_enabled = 1", "per_consumer_enabled"), ("control_channel = 5", "control_channel"), ("control_stream_id = 0", "control_stream_id"),
    ("qos_stream_id = 2147483648", "qos_stream_id"),
    ("per_consumer_control_base = 2147483647\nper_consumer_control_range = 2", "per_consumer_control"),
    ("per_consumer_control_base = 1300\nper_consumer_control_range = 1", "metadata_stream_id"),
    ("per_consumer_control_base = 1100\nper_consumer_control_range = 1", "descriptor"),
    ("per_consumer_control_base = 50\nper_consumer_control_range = 10\nper_consumer_descriptor_base = 59\n"
        "per_consumer_descriptor_range = 1", "overlap"),
    ("force_mod = 1", "did you mean 'force_mode'?"), ("[supervisor", ":3:"),
]


@pytest.mark.parametrize("lines, told", BAD_SUPERVISOR)
def test_bad_supervisor_ends_before_it_says_anything__S_065_S_066_S_075(sandbox, lines, told):
    text = "[supervisor]\n\n" + lines + "\n"
    alone = run("tp_supervisord", "--config", sandbox.write("a.toml", text), "--aeron-dir", sandbox.aeron)
    assert 1 == alone.returncode and told in alone.stderr and "error[TP21" in alone.stderr, alone.stderr
    inside = run("tp_driver", "--config", sandbox.write("b.toml", text + STREAMS), "--aeron-dir", sandbox.aeron, "--runtime-dir", sandbox.run,
        "--base-dir", sandbox.base, "--embedded-media-driver")
    assert 1 == inside.returncode and "error[TP21" in inside.stderr and not os.path.exists(sandbox.aeron), inside.stderr


@pytest.mark.parametrize("lines, told", [
    ("[driver]\nstream_id_range = \"31619-31700\"\n", "31600-31619"), ("[driver]\ndescriptor_stream_id_range = \"31601-31700\"\n", "31601-31700"),
    ("[streams.other]\nstream_id = 31600\nprofile = \"small\"\n", "31600-31619")])
def test_private_ranges_that_meet_the_drivers_ids_are_refused_and_both_are_named__S_041_S_075_I_001(sandbox, lines, told):
    file = sandbox.write("b.toml", SUPERVISOR + STREAMS + lines)
    done = run("tp_driver", "--check", "--config", file)
    assert 1 == done.returncode and told in done.stderr and "per_consumer_descriptor_range" in done.stderr, done.stderr


@pytest.mark.parametrize("number", range(9))
def test_each_required_key_of_discovery_is_missed__X_098(sandbox, number):
    lines = DISCOVERY.strip().split("\n")
    key = lines[1 + number].split()[0]
    done = run("tp_discoveryd", "--config", sandbox.write("a.toml", "\n".join(lines[:1 + number] + lines[2 + number:])), "--aeron-dir", sandbox.aeron)
    assert 1 == done.returncode and f"discovery.{key} is missing" in done.stderr, done.stderr


@pytest.mark.parametrize("old, new, told", [
    ("request_stream_id = 7000", "request_stream_id = 0", "request_stream_id"), ("= 1300", "= 2147483648", "metadata_stream_id"),
    ('= "driver-01"', "= 7", "driver_instance_id"),
    ('driver_control_channel = "aeron:ipc?term-length=4m"', 'driver_control_channel = ""', "driver_control"),
    ("driver_control_stream_id = 1000", "driver_control_stream_id = 0", "driver_control_stream_id"),
    ("[discovery]", "[discovery]\nannounce_period_ms = 0", "announce_period_ms"), ("[discovery]", "[discovery]\nmax_results = 65535", "max_results"),
    ("[discovery]", "[discovery]\nmax_results = 0", "max_results"), ("[discovery]", "[discovery", ":2:"),
    ("[discovery]", "[discovery]\nmax_result = 1", "did you mean 'max_results'?")])
def test_bad_discovery_ends_before_it_says_anything__X_098(sandbox, old, new, told):
    assert old in DISCOVERY
    done = run("tp_discoveryd", "--config", sandbox.write("a.toml", DISCOVERY.replace(old, new, 1)), "--aeron-dir", sandbox.aeron)
    assert 1 == done.returncode and told in done.stderr and "error[TP21" in done.stderr, done.stderr


@pytest.mark.parametrize("lines, told", [("max_results = 0", "max_results"), ("request_stream_id = 0", "request_stream_id"),
    ('driver_control_channel = ""', "driver_control_channel"), ("announce_period_ms = 0", "announce_period_ms"), ("channels = 1", "unknown key")])
def test_bad_discovery_inside_of_a_driver_ends_it__X_098(sandbox, lines, told):
    done = run("tp_driver", "--config", sandbox.write("a.toml", "[discovery]\n" + lines + STREAMS), "--aeron-dir", sandbox.aeron, "--runtime-dir",
        sandbox.run, "--base-dir", sandbox.base, "--embedded-media-driver")
    assert 1 == done.returncode and told in done.stderr and "error[TP21" in done.stderr and not os.path.exists(sandbox.aeron), done.stderr


def test_what_is_shown_says_why_the_driver_is_silent(sandbox):
    shown = run("tp_driver", "--print-config", "--config", sandbox.write("a.toml", SUPERVISOR + STREAMS)).stdout
    line = [line for line in shown.splitlines() if line.startswith("answer_hello ")][0]
    assert '"never"' in line and "[supervisor]" in line, line


@pytest.mark.parametrize("name", ["tp_supervisord", "tp_discoveryd"])
def test_unreadable_files_end_a_service__S_075_X_098(sandbox, name):
    for file in [sandbox.path + "/none.toml", sandbox.path, sandbox.write("binary.toml", bytes(range(256)))]:
        done = run(name, "--config", file, "--aeron-dir", sandbox.aeron)
        assert 1 == done.returncode and "error[TP21" in done.stderr, done.stderr


# ---- who answers


def test_the_supervisors_process_assigns_private_streams__S_002_S_007_S_038(start, sandbox):
    start.driver(config=SILENT)
    start.service("tp_supervisord", config=SUPERVISOR)
    publish(start, sandbox)
    summary = subscribe(sandbox, "--seconds", 5, *WISH)
    assert 31600 <= int(summary["descriptor_stream_id"]) < 31620 and 32600 <= int(summary["control_stream_id"]) < 32620, summary
    assert summary["received"] > 300 and 0 == summary["lost_by_reason"]["gap"] and adds_up(summary), summary


def test_without_supervisor_frames_flow_all_the_same__S_001(start, sandbox):
    start.driver(config=SILENT)
    publish(start, sandbox)
    summary = subscribe(sandbox, "--seconds", 3, *WISH)
    assert "0" == summary["descriptor_stream_id"] and summary["received"] > 200 and adds_up(summary), summary


def test_table_makes_the_driver_supervise_and_keep_silent_itself__S_003_S_063_S_064_S_073(start, sandbox):
    ranges = '[driver]\ndescriptor_stream_id_range = "31600-31700"\ncontrol_stream_id_range = "32600-32700"\n'
    driver = start.driver(config=ranges + SUPERVISOR + STREAMS)
    publish(start, sandbox)
    summary = subscribe(sandbox, "--seconds", 5, *WISH)
    assert 31600 <= int(summary["descriptor_stream_id"]) < 31620 and 32600 <= int(summary["control_stream_id"]) < 32620, summary
    assert summary["received"] > 300 and 0 == summary["lost_by_reason"]["gap"] and adds_up(summary), summary
    answered = [c["value"] for c in tp(sandbox, "stat", "--json", "--all").ok().lines() if "name=hello_answered" in c.get("label", "")]
    assert ["0"] == [str(value) for value in answered], answered
    driver.stop()


def test_streams_of_a_consumer_that_detached_are_handed_out_again__S_073(start, sandbox):
    start.driver(config=SUPERVISOR.replace("range = 20", "range = 1") + "consumer_stale_ms = 0\n" + STREAMS)
    publish(start, sandbox)
    for _ in range(2):
        summary = subscribe(sandbox, "--seconds", 4, *WISH)
        assert "31600" == summary["descriptor_stream_id"] and "32600" == summary["control_stream_id"], summary


def test_rules_decide_for_some_consumers(start, sandbox):
    rule = '[supervisor.policies.viewers]\nconsumer_name = "viewer*"\nper_consumer_enabled = false\n'
    start.driver(config=SUPERVISOR + rule + STREAMS)
    publish(start, sandbox)
    viewer = start_tp(start, sandbox, "sub", "cam1", "--json", "--quiet", "--seconds", 5, "--client-name", "viewer-7", *WISH)
    other = subscribe(sandbox, "--seconds", 5, "--client-name", "recorder", *WISH)
    viewer.expect(0)
    assert "0" == viewer.json_lines()[-1]["descriptor_stream_id"], viewer.describe()
    assert 31600 <= int(other["descriptor_stream_id"]) < 31620, other


@pytest.mark.parametrize("uri, warns", [("aeron:udp?endpoint=10.20.0.7:40456", False), ("bridge://7", False), ("foo://x", True), ("", True)])
def test_a_fallback_that_nobody_understands_is_warned_of__S_024(start, uri, warns):
    start.driver(config=SILENT)
    service = start.service("tp_supervisord", config=f'[supervisor]\nforce_no_shm = true\npayload_fallback_uri = "{uri}"\n')
    assert warns == ("supervisor.payload_fallback_uri" in service.err()), service.describe()
    service.stop()


def test_reload_names_keys_of_services_that_need_a_restart(start, sandbox):
    file = sandbox.write("driver.toml", SUPERVISOR + STREAMS)
    driver = start.driver("--config", file)
    sandbox.write("driver.toml", SUPERVISOR.replace("= 31600", "= 31700") + "[discovery]\n" + STREAMS)
    driver.signal(signal.SIGHUP)
    driver.wait_for("supervisor.per_consumer_descriptor_base differs from the value in force; it takes effect with a restart")
    driver.wait_for("discovery.max_results differs")
    driver.wait_for("reloaded: 0 keys changed")
    assert "that in force" not in driver.err()
    sandbox.write("driver.toml", SUPERVISOR.replace("range = 20", "range = 0", 1) + STREAMS)
    driver.signal(signal.SIGHUP)
    driver.wait_for("per_consumer_descriptor_range")
    sandbox.write("driver.toml", STREAMS)                  # the table is gone: the supervisor stays until the restart, the driver silent
    driver.signal(signal.SIGHUP)
    until(lambda: 2 == driver.err().count("reloaded: 0 keys changed"), 10, driver.describe)
    publish(start, sandbox)
    assert 31600 <= int(subscribe(sandbox, "--seconds", 4, *WISH)["descriptor_stream_id"]) < 31620


# ---- every id another one

IDS = """
[driver]
control_channel = "aeron:ipc?term-length=1m"
control_stream_id = 5001
announce_stream_id = 5002
descriptor_stream_id = 5003
qos_stream_id = 5004
metadata_stream_id = 5005
[policies]
announce_period_ms = 200
[profiles.small]
header_nslots = 1024
payload_pools = [ { pool_id = 9, stride_bytes = 4096 } ]
[streams.cam1]
stream_id = 77
profile = "small"
"""
OTHER_SUPERVISOR = SUPERVISOR.replace("31600", "6100").replace("32600", "6200")


@pytest.mark.parametrize("embedded", [True, False])
def test_the_whole_system_works_with_every_id_changed__I_004(start, sandbox, embedded):
    if embedded:
        start.driver(config=IDS + OTHER_SUPERVISOR + "[discovery]\nrequest_stream_id = 5006\n")
    else:
        start.driver(config=IDS.replace("[policies]", 'answer_hello = "never"\n[policies]'))
        start.service("tp_supervisord", config=OTHER_SUPERVISOR + 'control_channel = "aeron:ipc?term-length=1m"\ncontrol_stream_id = 5001\n'
            "announce_stream_id = 5002\nmetadata_stream_id = 5005\nqos_stream_id = 5004\n")
        text = DISCOVERY
        for old, new in [("1001", "5002"), ("1300", "5005"), ("= 1000", "= 5001"), ("= 7000", "= 5006"), ("4m", "1m")]:
            assert old in text
            text = text.replace(old, new)
        start.service("tp_discoveryd", config=text)
    publish(start, sandbox)
    summary = subscribe(sandbox, "--seconds", 5, *WISH)
    assert 6100 <= int(summary["descriptor_stream_id"]) < 6120 and 6200 <= int(summary["control_stream_id"]) < 6220, summary
    assert summary["received"] > 300 and 0 == summary["lost_by_reason"]["gap"] and adds_up(summary), summary
    alone = {"TP_DISCOVERY_STREAM_ID": "5006", "TP_DISCOVERY_CHANNEL": "aeron:ipc?term-length=1m"}      # the endpoint file tells of an embedded one
    found = tp(sandbox, "discover", "--json", **({} if embedded else alone)).ok().text()
    assert '"77"' in found, found
    labels = [c["label"] for c in tp(sandbox, "stat", "--json", "--all").ok().lines() if "label" in c]
    for usual in [1000, 1001, 1100, 1200, 1300, 7000, 7001, 7002, 7003]:
        assert not [label for label in labels if label.startswith(("pub-pos", "sub-pos")) and f" {usual} " in label], (usual, labels)
