"""The life of the driver process: start, signals, crash, restart, a second driver, a media driver that is not there."""

import json
import os
import signal
import stat

from harness.process import clean_environment
from harness.waiting import holds, until

CONFIG = """
[policies]
shutdown_timeout_ms = 300
[profiles.p]
header_nslots = 8
payload_pools = [{ pool_id = 1, stride_bytes = 4096 }]
[streams.s]
stream_id = 10000
profile = "p"
"""
SLOW_END = CONFIG.replace("= 300", "= 600000")
CLEAN = CONFIG.replace("[policies]", "[policies]\ncleanup_shm_on_exit = true")


def test_driver_starts_stops_and_leaves_nothing__D_204(start, sandbox):
    driver = start.driver(config=CLEAN)
    assert os.path.exists(driver.endpoint_file())
    assert os.path.exists(sandbox.aeron + "/cnc.dat")
    assert "tp_driver ready: instance driver-01" in driver.err()
    driver.stop()
    assert [] == os.listdir(sandbox.run)
    assert not os.path.exists(sandbox.aeron)
    assert [] == sandbox.files(sandbox.base)
    assert [] == os.listdir(sandbox.base)


def test_driver_without_file_serves_built_in_streams__D_185(start):
    driver = start.driver("--set", "policies.shutdown_timeout_ms=100")
    assert "dynamic streams on" in driver.err()
    driver.stop()


def test_endpoint_file_can_be_read_and_not_written_by_others__D_198(start):
    driver = start.driver(config=CONFIG)
    status = os.stat(driver.endpoint_file())
    assert 0o644 == stat.S_IMODE(status.st_mode)
    assert status.st_uid == os.geteuid()
    with open(driver.endpoint_file(), encoding="utf-8") as file:
        text = file.read()
    for part in [str(driver.pid), driver.aeron, "1000", "aeron:ipc?term-length=4m"]:
        assert part in text
    driver.stop()


def test_interrupt_ends_the_driver_like_a_termination__D_152(start):
    driver = start.driver(config=CONFIG)
    driver.signal(signal.SIGINT)
    driver.expect(0)
    assert "SIGINT" in driver.err()


def test_first_signal_drains_and_a_second_one_ends_at_once__D_150(start):
    driver = start.driver(config=SLOW_END)
    driver.signal(signal.SIGTERM)
    driver.wait_for("draining")
    holds(driver.is_running, 0.5, "the driver did not wait for shutdown_timeout_ms")
    driver.signal(signal.SIGTERM)
    driver.expect(0, timeout=30)


def test_hangup_and_broken_pipe_do_not_end_the_driver__D_001(start):
    driver = start.driver(config=CONFIG)
    driver.signal(signal.SIGHUP)
    driver.wait_for("reloaded: 0 keys changed")
    driver.signal(signal.SIGPIPE)
    holds(driver.is_running, 0.3, "the driver ended")
    driver.stop()


def test_killed_driver_can_be_started_again_at_once__D_157_D_161(start, sandbox):
    for _ in range(3):
        driver = start.driver(config=CONFIG)
        driver.signal(signal.SIGKILL)
        assert -signal.SIGKILL == driver.wait()
        assert os.path.exists(driver.endpoint_file()), "a killed driver cannot have removed it"
    driver = start.driver(config=CLEAN)
    driver.stop()
    assert [] == os.listdir(sandbox.run)
    assert [] == os.listdir(sandbox.base)


def test_driver_without_media_driver_ends_with_3_and_says_how_to_start_one__D_207(start, sandbox):
    driver = start.failing_driver(embedded=False, config=CONFIG).expect(3, timeout=30)
    assert "error[TP3001]" in driver.err() and sandbox.aeron in driver.err() and "fix:" in driver.err() and "--embedded-media-driver" in driver.err()
    assert [] == os.listdir(sandbox.run)


def test_dead_media_driver_is_told_from_none__D_207(start, sandbox):
    first = start.driver(config=CONFIG)
    first.signal(signal.SIGKILL)
    first.wait()
    driver = start.failing_driver(embedded=False, config=CONFIG).expect(3, timeout=30)
    assert "error[TP300" in driver.err() and sandbox.aeron in driver.err()


def test_second_driver_of_the_same_instance_is_refused__D_002(start, sandbox):
    first = start.driver(config=CONFIG)
    other_base = sandbox.make("other", 0o700)
    second = start.failing_driver(config=CONFIG, aeron=sandbox.path + "/aeron2", base=other_base)
    assert 1 == second.wait(), second.describe()
    assert "error[TP6007]" in second.err() and "driver-01" in second.err()
    assert first.is_running() and os.path.exists(first.endpoint_file())
    first.stop()


def test_second_driver_of_the_same_stream_is_refused__D_002_D_196(start, sandbox):
    first = start.driver(config=CONFIG)
    second = start.failing_driver(config=CONFIG, aeron=sandbox.path + "/aeron2", instance="driver-02")
    assert 1 == second.wait(), second.describe()
    assert "error[TP6007]" in second.err() and "10000" in second.err() and str(first.pid) in second.err()
    assert first.is_running()
    third = start.driver(config=CONFIG.replace("10000", "10001"), aeron=sandbox.path + "/aeron3", instance="driver-03")
    third.stop()
    first.stop()


def test_two_drivers_share_one_media_driver_on_different_control_streams__D_196(start, sandbox):
    first = start.driver(config=CONFIG)
    text = CONFIG.replace("10000", "10001") + "[driver]\ncontrol_stream_id = 1500\n"
    second = start.driver(config=text, embedded=False, instance="driver-02")
    second.stop()
    assert first.is_running()
    first.stop()


def test_driver_ends_with_3_when_its_media_driver_dies__D_155(start, sandbox):
    first = start.driver(config=CONFIG)
    second = start.driver(config=CONFIG.replace("10000", "10001") + "[driver]\ncontrol_stream_id = 1500\n", embedded=False, instance="driver-02")
    first.signal(signal.SIGKILL)
    assert 3 == second.wait(timeout=40), second.describe()
    assert "error[TP3002]" in second.err()


def test_log_lines_can_be_json__D_207(start):
    driver = start.driver("--log-json", config=CONFIG)
    driver.stop()
    assert all(line.startswith('{"time":"') for line in driver.err().splitlines()), driver.err()
    assert '"text":"tp_driver ready' in driver.err()


def test_errors_of_the_start_have_the_format_of_the_log__D_207(start):
    driver = start.failing_driver("--log-json", config=CONFIG.replace("stride_bytes", "stride_byte")).expect(1)
    lines = [json.loads(line) for line in driver.err().splitlines()]
    assert "error" == lines[-1]["level"] and 2103 == lines[-1]["code"] and "did you mean 'stride_bytes'" in lines[-1]["text"], driver.describe()
    text = start.failing_driver(config=CONFIG.replace("stride_bytes", "stride_byte")).expect(1).err()
    assert text.startswith("error[TP2103]: ") and "did you mean 'stride_bytes'" in text


def test_driver_without_media_driver_in_its_path_uses_the_variable__D_186(start, sandbox):
    environment = clean_environment(TP_RUNTIME_DIR=sandbox.run, AERON_DIR=sandbox.path + "/from-variable", SHM_BASE_DIR=sandbox.base,
        DRIVER_MEDIA_DRIVER="embedded", POLICIES_SHUTDOWN_TIMEOUT_MS="100")
    process = start("tp_driver", environment=environment)
    until(lambda: "ready" in process.err() or not process.is_running(), 30, process.describe)
    assert os.path.exists(sandbox.path + "/from-variable/cnc.dat"), process.describe()
    process.signal(signal.SIGTERM)
    process.expect(0)
