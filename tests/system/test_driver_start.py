"""What ends the start of a driver: every rule of 20-driver.md 11.3, with key, value and bound in the message."""

import os
import subprocess

import pytest

from harness.process import clean_environment, program

PROFILE = '[profiles.p]\nheader_nslots = 8\npayload_pools = [{ pool_id = 1, stride_bytes = 64 }]\n'
STREAM = '[streams.s]\nstream_id = 10000\nprofile = "p"\n'
REST = PROFILE + STREAM


def pools(text):
    return f"[profiles.p]\nheader_nslots = 8\npayload_pools = {text}\n{STREAM}"


# text of the file, error code, what the message holds: place, key, value, bound
BAD = {
    "base not absolute": ('[shm]\nbase_dir = "shm"\n' + REST, 2106, [":2:1", "shm.base_dir", "shm", "absolute"]),
    "base with a blank": ('[shm]\nbase_dir = "/dev/shm/a b"\n' + REST, 2106, [":2:1", "shm.base_dir", "/dev/shm/a b", "0x20"]),
    "base outside": ('[shm]\nbase_dir = "/dev/shm/x"\nallowed_base_dirs = ["/dev/shm/y"]\n' + REST, 2106,
        [":2:1", "shm.base_dir", "/dev/shm/x", "shm.allowed_base_dirs", "/dev/shm/y"]),
    "namespace empty": ('[shm]\nnamespace = ""\n' + REST, 2105, [":2:1", "shm.namespace", "empty"]),
    "namespace leads elsewhere": ('[shm]\nnamespace = "../x"\n' + REST, 2106, [":2:1", "shm.namespace", "../x"]),
    "mode not octal": ('[shm]\npermissions_mode = "689"\n' + REST, 2104, [":2:1", "shm.permissions_mode", "689", "octal"]),
    "mode too high": ('[shm]\npermissions_mode = "1777"\n' + REST, 2105, [":2:1", "shm.permissions_mode", "1777", "777"]),
    "slot bytes": ('[profiles.p]\nheader_slot_bytes = 128\npayload_pools = [{ pool_id = 1, stride_bytes = 64 }]\n' + STREAM, 2105,
        [":2:1", "profiles.p.header_slot_bytes", "128", "256"]),
    "control id 0": ("[driver]\ncontrol_stream_id = 0\n" + REST, 2105, [":2:1", "driver.control_stream_id", "= 0 ", "1..2147483647"]),
    "announce id too high": ("[driver]\nannounce_stream_id = 2147483648\n" + REST, 2105,
        [":2:1", "driver.announce_stream_id", "2147483648", "1..2147483647"]),
    "qos id negative": ("[driver]\nqos_stream_id = -5\n" + REST, 2105, [":2:1", "driver.qos_stream_id", "-5", "1..2147483647"]),
    "no profile": (STREAM, 2106, ["profiles", "none is defined", "at least 1"]),
    "slots no power of two": ('[profiles.p]\nheader_nslots = 100\npayload_pools = [{ pool_id = 1, stride_bytes = 64 }]\n' + STREAM, 2106,
        [":2:1", "profiles.p.header_nslots", "100", "power of two"]),
    "no pool": (pools("[]"), 2106, [":3:1", "profiles.p.payload_pools", "0 entries", "1..64"]),
    "pool ids not unique": (pools("[{ pool_id = 1, stride_bytes = 64 }, { pool_id = 1, stride_bytes = 128 }]"), 2106,
        [":1:", "profiles.p", "pool_id = 1", "twice"]),
    "pool id 0": (pools("[{ pool_id = 0, stride_bytes = 64 }]"), 2105, [":3:", "pool_id", "= 0 ", "1..65535"]),
    "stride 0": (pools("[{ pool_id = 1, stride_bytes = 0 }]"), 2105, [":3:", "stride_bytes", "= 0 ", "64.."]),
    "stride 100": (pools("[{ pool_id = 1, stride_bytes = 100 }]"), 2106, [":3:", "stride_bytes", "100", "multiple of 64", "128"]),
    "stream id 0": (PROFILE + '[streams.s]\nstream_id = 0\nprofile = "p"\n', 2105, [":5:1", "streams.s.stream_id", "= 0 "]),
    "stream ids not unique": (REST + '[streams.t]\nstream_id = 10000\nprofile = "p"\n', 2106,
        [":7:", "streams.t.stream_id", "10000", "streams.s"]),
    "stream of no profile": (PROFILE + '[streams.s]\nstream_id = 1\nprofile = "q"\n', 2106, [":4:", "streams.s.profile", "'q'"]),
    "nothing to serve": (PROFILE, 2106, ["streams", "none is defined", "policies.allow_dynamic_streams"]),
    "default profile unknown": (
        '[driver]\nstream_id_range = "20000-20001"\n[policies]\nallow_dynamic_streams = true\ndefault_profile = "q"\n' + PROFILE, 2106,
        [":5:1", "policies.default_profile", "'q'"]),
    "range upside down": ('[driver]\nstream_id_range = "20001-20000"\n' + REST, 2105,
        [":2:1", "driver.stream_id_range", "20001-20000", "start <= end"]),
    "ranges overlap": ('[driver]\nstream_id_range = "20000-20009"\ncontrol_stream_id_range = "20009-20020"\n' + REST, 2105,
        [":3:1", "driver.control_stream_id_range", "20009-20020", "driver.stream_id_range", "20000-20009"]),
    "range holds control id": ('[driver]\nstream_id_range = "999-1001"\n' + REST, 2105,
        [":2:1", "driver.stream_id_range", "999-1001", "driver.control_stream_id = 1000"]),
    "range holds a stream": ('[driver]\nstream_id_range = "9999-10001"\n' + REST, 2105,
        [":2:1", "driver.stream_id_range", "9999-10001", "streams.s.stream_id = 10000"]),
    "unknown key": ("[profiles.p]\nstride_byte = 64\npayload_pools = []\n", 2103, [":2:1", "unknown key 'stride_byte' in [profiles.p]"]),
    "unknown pool key": (pools("[{ pool_id = 1, stride_byte = 64 }]"), 2103, [":3:", "unknown key 'stride_byte'", "did you mean 'stride_bytes'?"]),
    "wrong type": ('[policies]\nprefault_shm = "yes"\n' + REST, 2104, [":2:1", "policies.prefault_shm", "yes", "true or false"]),
    "no TOML": ("[driver\n", 2102, [":1:"]),
}


@pytest.mark.parametrize("case", BAD)
def test_start_is_refused_with_key_value_and_bound__D_207_D_208_D_169_D_170_D_188_D_189_D_190_D_191(start, sandbox, case):
    text, code, holds = BAD[case]
    driver = start.failing_driver(config=text, base="").expect(1)
    for part in [f"error[TP{code}]", *holds]:
        assert part in driver.err(), f"'{part}' is missing in\n{driver.describe()}"
    assert "" == driver.out()
    assert not os.path.exists(sandbox.aeron), "a media driver was started for a configuration that is refused"


def test_unknown_table_only_warns__D_208(start):
    driver = start.driver(config=REST + "[bridge]\nx = 1\n[polices]\ny = 1\n")
    assert "table [bridge] is not read by the driver" in driver.err()
    assert "unknown table [polices] is ignored; the nearest known one is [policies]" in driver.err()
    driver.stop()


def test_variable_that_does_not_parse_ends_the_start__D_186_D_207(start, sandbox):
    environment = clean_environment(TP_RUNTIME_DIR=sandbox.run, DRIVER_CONTROL_STREAM_ID="x1")
    driver = start.failing_driver(environment=environment).expect(1)
    assert "error[TP2107]: DRIVER_CONTROL_STREAM_ID: driver.control_stream_id = x1 is not a decimal integer" in driver.err()


def test_variable_reaches_the_running_driver__D_187(start, sandbox):
    environment = clean_environment(TP_RUNTIME_DIR=sandbox.run, DRIVER_CONTROL_STREAM_ID="1717")
    driver = start.driver(environment=environment, config="[driver]\ncontrol_stream_id = 1616\n" + REST)
    with open(driver.endpoint_file(), encoding="utf-8") as file:
        assert "1717" in file.read()
    driver.stop()


def test_file_that_is_not_there_is_named__D_207(start, sandbox):
    driver = start.failing_driver("--config", sandbox.path + "/none.toml").expect(1)
    assert "error[TP2101]" in driver.err() and sandbox.path + "/none.toml" in driver.err() and "fix:" in driver.err()


@pytest.mark.parametrize("arguments", ["--nonsense", "--set novalue", "--set a.b=1", "--ready-fd 999", "--log-level loud", "stray"])
def test_wrong_usage_ends_with_2__D_207(start, arguments):
    process = start("tp_driver", *arguments.split()).expect(2)
    assert process.err() != ""


def run(*arguments):
    return subprocess.run([program("tp_driver"), *arguments], env=clean_environment(), stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=30, check=False)


def test_example_passes_its_own_check_and_shows_its_sources__D_107(sandbox):
    example = run("--print-example")
    assert 0 == example.returncode
    file = sandbox.write("driver.toml", example.stdout)
    checked = run("--check", "--config", file)
    assert 0 == checked.returncode and "ok" in checked.stdout, checked.stderr
    shown = run("--print-config", "--config", file, "--namespace", "lab")
    assert 0 == shown.returncode and "# --namespace" in shown.stdout and f"# {file}:" in shown.stdout
    again = run("--check", "--config", sandbox.write("shown.toml", shown.stdout))
    assert 0 == again.returncode, again.stderr
    assert 1 == run("--check", "--config", sandbox.write("bad.toml", "[driver]\nx = 1\n")).returncode


@pytest.mark.parametrize("name, page", [("tp_driver", "driver"), ("tp_supervisord", "supervisor"), ("tp_discoveryd", "discovery")])
def test_reference_page_is_up_to_date__D_107_D_184(name, page):
    page = f"docs/guide/{page}-configuration.md"
    printed = subprocess.run([program(name), "--print-reference"], env=clean_environment(), capture_output=True, text=True, timeout=30,
        check=True).stdout
    with open(os.path.join(os.environ["TP_SOURCE_DIR"], page), encoding="utf-8") as file:
        assert file.read() == printed, f"run: {name} --print-reference > {page}"
