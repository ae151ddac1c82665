"""tp without a driver: help, usage errors, completion, configuration files, doctor; and what it says when there is no driver."""

import json
import os
import re
import subprocess

import pytest
from cli import tp
from harness.process import clean_environment, program

VERBS = "demo ls info pub sub echo hz bw delay view top stat errors lease driver shm config doctor bench env version completion".split()


def test_every_verb_has_help_and_a_man_page(sandbox):
    overview = tp(sandbox, "--help").ok().text()
    for verb in VERBS:
        text = tp(sandbox, verb, "--help").ok().text()
        assert text.startswith(f"Usage: tp {verb}")
        for option in ("--json", "--count", "--seconds", "--help"):
            assert option in text
        assert re.search(rf"^  {verb} ", overview, re.M), verb
        assert tp(sandbox, "completion", "man", verb).ok().text().startswith(".TH TP-" + verb)
    assert "demo-producer" not in overview and "bench-publisher" not in overview and "--inject" not in tp(sandbox, "demo", "--help").text()
    assert tp(sandbox, "help", "pub").text() == tp(sandbox, "pub", "--help").text()


WRONG = [
    ([], "Usage"),
    (["suub"], "did you mean 'sub'"),
    (["sub"], "STREAM"),
    (["sub", "a", "b"], "2 given"),
    (["sub", "--cuont", "1", "x"], "did you mean '--count'"),
    (["sub", "10000", "--count", "0"], "whole number"),
    (["sub", "10000", "--count"], "needs a value"),
    (["sub", "10000", "--seconds", "nan"], "number"),
    (["pub", "10000", "--pattern", "snow"], "counter|ramp|noise"),
    (["pub", "10000", "--pattern", "ramp", "--shape", "3xx"], "--shape"),
    (["pub", "10000", "--pattern", "ramp", "--dtype", "u9"], "--dtype"),
    (["sub", "10000", "--json", "--out", "-"], "standard output"),
    (["sub", "10000", "--desc-id", "31000"], "--desc-channel"),
    (["sub", "10000", "--check=snow"], "counter|ramp|noise"),
    (["sub", "10000", "--max-rate", "5", "--mode", "stream"], "rate-limited"),
    (["config", "chekc"], "check|show|init"),
    (["shm", "lss"], "ls|inspect|clean"),
    (["completion", "csh"], "bash"), (["completion", "zsh", "pub"], "no further"),
    (["demo", "--seconds", "1"], "at least 2"),
    (["version", "--json=yes"], "takes no value"),
]
NEEDS_DRIVER = [["ls"], ["info", "cam1"], ["sub", "10000", "--count", "1"], ["pub", "10000", "--pattern", "counter", "--count", "1"], ["stat"],
                ["hz", "10000"], ["echo", "10000"], ["view", "10000"]]


@pytest.mark.parametrize("arguments, says", WRONG)
def test_wrong_usage_ends_with_2_and_says_what_is_wrong(sandbox, arguments, says):
    done = tp(sandbox, *arguments, stdin=b"").ends(2)
    assert says in done.complaint()
    assert b"" == done.out
    if arguments:
        assert done.complaint().startswith("error[TP1011]: ")


@pytest.mark.parametrize("arguments", NEEDS_DRIVER)
def test_without_a_media_driver_it_ends_with_3(sandbox, arguments):
    done = tp(sandbox, *arguments).ends(3)
    assert re.match(r"error\[TP\d{4}\]: ", done.complaint())
    assert b"" == done.out


def test_version_is_json_too(sandbox):
    assert re.match(r"tp \d+\.\d+\.\d+ ", tp(sandbox, "version").ok().text())
    assert re.match(r"\d+\.\d+\.\d+$", tp(sandbox, "version", "--json").ok().one("version")["version"])


def complete(sandbox, *words):
    """What bash offers for the last word."""
    script = 'source <("$1" completion bash); shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _tp 2>/dev/null; printf "%s\\n" "${COMPREPLY[@]}"'
    done = subprocess.run(["bash", "-c", script, "bash", program("tp"), *words], stdout=subprocess.PIPE, check=True, cwd=sandbox.path,
        env=clean_environment(TP_RUNTIME_DIR=sandbox.run, PATH=os.path.dirname(program("tp")) + ":" + os.environ["PATH"]))
    return done.stdout.decode().split()


def test_bash_completes_verbs_options_and_values(sandbox):
    assert set(VERBS) <= set(complete(sandbox, "tp", ""))
    assert complete(sandbox, "tp", "do") == ["doctor"] or set(complete(sandbox, "tp", "do")) == {"doctor"}
    assert "--pattern=" in complete(sandbox, "tp", "pub", "x", "--pat")
    assert {"counter", "ramp", "noise"} == set(complete(sandbox, "tp", "pub", "x", "--pattern", ""))
    assert {"check", "show", "init"} == set(complete(sandbox, "tp", "config", ""))
    assert not [word for word in complete(sandbox, "tp", "demo", "--") if "inject" in word]


def test_a_configuration_that_init_writes_passes_check(sandbox):
    path = os.path.join(sandbox.path, "new.toml")
    tp(sandbox, "config", "init", path).ok()
    assert "exists" in tp(sandbox, "config", "init", path).ends(1).complaint()
    tp(sandbox, "config", "check", path).ok()
    assert tp(sandbox, "config", "check", path, "--json").ok().one("check")["ok"] is True
    assert tp(sandbox, "config", "init").ok().text() == open(path, encoding="utf-8").read()
    settings = {line["name"]: line for line in tp(sandbox, "config", "show", path, "--json").ok().of("daemon_setting")}
    assert "driver.instance_id" in settings and "SHM_BASE_DIR" in settings["shm.base_dir"]["source"]


@pytest.mark.parametrize("service, key", [("driver", "driver.instance_id"), ("supervisor", "supervisor.force_mode"),
    ("discovery", "discovery.request_channel")])
def test_files_of_all_services_are_begun_told_apart_and_shown(sandbox, service, key):
    path = sandbox.path + "/of-service.toml"
    tp(sandbox, "config", "init", "--service", service, path).ok()
    tp(sandbox, "config", "check", path).ok()
    assert key in {line["name"] for line in tp(sandbox, "config", "show", path, "--json").ok().of("daemon_setting")}
    assert f"[{service}]" in tp(sandbox, "config", "show", path).ok().text()
    sandbox.write("of-service.toml", open(path, encoding="utf-8").read() + f"\n[{service}.nothing]\nx = 1\n")
    assert "nothing" in tp(sandbox, "config", "check", path).ends(1).complaint()


def test_a_drivers_file_shows_the_services_inside(sandbox):
    example = tp(sandbox, "config", "init").ok().text() + "\n[supervisor]\nforce_mode = 1\n[discovery]\nmax_results = 7\n"
    settings = {line["name"]: line for line in tp(sandbox, "config", "show", sandbox.write("d.toml", example), "--json").ok().of("daemon_setting")}
    assert "1" == settings["supervisor.force_mode"]["value"] and "7" == settings["discovery.max_results"]["value"]
    assert "7000" == settings["discovery.request_stream_id"]["value"] and "driver" in settings["discovery.request_stream_id"]["source"]


def test_a_wrong_configuration_is_refused_with_its_line(sandbox):
    text = '[driver]\ninstance_id = "a"\n[profiles.p]\nheader_nslots = 4\npayload_pools = [{ pool_id = 1, stride_byte = 64 }]\n'
    path = sandbox.write("wrong.toml", text)
    done = tp(sandbox, "config", "check", path).ends(1)
    assert re.search(r"error\[TP21\d\d\]: .*wrong\.toml:5", done.complaint()) and "stride_bytes" in done.complaint()
    line = tp(sandbox, "config", "check", path, "--json").ends(1).one("check")
    assert line["ok"] is False and re.match(r"TP21\d\d$", line["code"]) and "wrong.toml:5" in line["error"]
    tp(sandbox, "config", "check", "/nonexistent.toml").ends(1)


def test_env_tells_where_each_setting_comes_from(sandbox):
    settings = {line["name"]: line for line in tp(sandbox, "env", "--json", "--driver", "rig-b").ok().of("setting")}
    by_source = {line["source"] for line in settings.values()}
    assert any("TP_AERON_DIR" in source for source in by_source) and any("default" in source for source in by_source)
    assert [line for line in settings.values() if "rig-b" == line["value"] and "setter" in line["source"]]
    daemon = {line["name"]: line for line in tp(sandbox, "env", "--json").ok().of("daemon_setting")}
    assert daemon["shm.base_dir"]["value"].strip('"') == sandbox.base


def test_doctor_finds_the_missing_driver_and_prints_fixes(sandbox):
    done = tp(sandbox, "doctor", "--json", "--base-dir", sandbox.base).ends(1)
    findings = done.of("finding")
    assert [f for f in findings if "media driver" == f["check"] and "fail" == f["level"] and sandbox.aeron in f["text"] and f["fix"]]
    assert {"/dev/shm size", "clock source", "hugepages", "memlock limit"} <= {f["check"] for f in findings}
    assert all(f["fix"] for f in findings if f["level"] in ("fail", "warn") and f["check"] != "driver" or f["fix"] is not None)
    assert done.one("summary")["ok"] is False


def test_doctor_sees_a_base_directory_open_to_all(sandbox):
    os.chmod(sandbox.base, 0o777)
    found = [f for f in tp(sandbox, "doctor", "--json", "--base-dir", sandbox.base).ends(1).of("finding") if "base directory" == f["check"]]
    assert "fail" == found[0]["level"] and "chmod" in found[0]["fix"]


def test_json_output_is_one_object_a_line(sandbox):
    clean = ["shm", "clean", "--dry-run", "--json", "--base-dir", sandbox.base]
    for arguments in (["doctor", "--json"], ["env", "--json"], ["shm", "ls", "--json"], clean):
        for line in tp(sandbox, *arguments).text().splitlines():
            assert isinstance(json.loads(line), dict)
