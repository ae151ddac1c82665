"""The demo: all is well, it notices each injected fault, and nothing is left whatever kills it."""

import json
import os
import signal
import subprocess

import pytest
from cli import tp
from demos import failed_checks, left_of_demo, processes_of, says_what_it_found, start_demo
from harness.waiting import until

SECONDS = 5


def demo(sandbox, *arguments):
    return tp(sandbox, "demo", "--json", "--seconds", SECONDS, "--png", os.path.join(sandbox.path, "proof.png"), *arguments, timeout=90)


drawn = []                                                  # the run that two tests look at

SPEED = ("published", "fast gets them")                     # checks of the demo that fail when others keep the machine busy


def judge(done):
    assert [] == failed_checks(done, SPEED), done.describe()
    summary = done.lines()[-1]
    fast, slow, killed = summary["consumers"]
    assert [consumer["name"] for consumer in summary["consumers"]] == ["fast", "slow", "killed"]
    assert fast["received"] > 0 and slow["lost"] > 0 and slow["lost_by_reason"]["overwritten"] > 0
    for consumer in summary["consumers"]:
        assert 0 == consumer["torn"] == consumer["corrupt"] and consumer["lost"] == sum(consumer["lost_by_reason"].values())
        assert 0 < consumer["latency_ns"]["p50"] <= consumer["latency_ns"]["p99"] <= consumer["latency_ns"]["max"]
        for life in consumer["lives"]:
            assert life["received"] + life["lost"] == life["published_since_joined"] > 0
    assert [True, False] == [life["killed"] for life in killed["lives"]]


def test_a_drawn_picture_goes_through_and_all_is_well(sandbox):
    done = demo(sandbox)
    drawn.append(done)
    judge(done)
    assert len(done.of("status")) >= SECONDS - 1 and [] == left_of_demo(done.pid)
    with open(os.path.join(sandbox.path, "proof.png"), "rb") as file:
        assert file.read(8) == b"\x89PNG\r\n\x1a\n"
    assert not [name for name in os.listdir(sandbox.path) if name.endswith(".part")]


def test_a_video_goes_through_and_all_is_well(sandbox):
    video = os.path.join(sandbox.path, "test.mp4")
    subprocess.run(["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc2=size=1280x720:rate=25:duration=2", "-pix_fmt", "yuv420p", video],
        check=True)
    done = demo(sandbox, "--video", video)
    judge(done)
    assert done.lines()[-1]["source"] == "video"


@pytest.mark.parametrize("fault, check", [("corrupt", "content"), ("hide-loss", "slow adds up"), ("leave-file", "nothing left")])
def test_each_injected_fault_makes_it_fail(sandbox, fault, check):
    done = demo(sandbox, "--inject", fault).ends(1)
    assert failed_checks(done, SPEED) == [check], done.describe()
    assert [] == left_of_demo(done.pid)


def test_without_a_terminal_it_prints_plain_lines(sandbox):
    done = tp(sandbox, "demo", "--seconds", 3, "--png", os.path.join(sandbox.path, "proof.png"), timeout=60)
    says_what_it_found(done, SPEED)
    assert "nothing left" in done.text()


def started(start, sandbox):
    return start_demo(start, sandbox, "published")


@pytest.mark.repeats
def test_kill_9_leaves_nothing_behind(start, sandbox):
    process, directory = started(start, sandbox)
    assert len(processes_of(directory)) >= 5
    os.kill(process.pid, signal.SIGKILL)
    until(lambda: [] == left_of_demo(process.pid) and [] == processes_of(directory), 30, lambda: f"{directory} {processes_of(directory)}")


def test_an_interrupt_leaves_nothing_behind(start, sandbox):
    process, directory = started(start, sandbox)
    process.signal(signal.SIGINT)
    assert 0 != process.wait(30)
    assert [] == left_of_demo(process.pid) and [] == processes_of(directory)


def guardians_of(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
        children = [int(child) for child in file.read().split()]
    return [child for child in children if "tp-demo-guard" in open(f"/proc/{child}/comm", encoding="ascii").read()]


def test_the_next_run_removes_what_a_dead_demo_and_its_dead_guardian_left(start, sandbox):
    process, directory = started(start, sandbox)
    guardians = guardians_of(process.pid)
    assert 1 == len(guardians)
    os.kill(guardians[0], signal.SIGKILL)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    until(lambda: [] == processes_of(directory), 30, "the end of its processes")
    found = [f for f in tp(sandbox, "doctor", "--json").of("finding") if "demos" in f["text"]]
    assert found or [] == left_of_demo(process.pid)                    # another demo of this user may have been quicker
    tp(sandbox, "demo", "--json", "--seconds", 2, "--png", os.path.join(sandbox.path, "proof.png"), timeout=60)
    assert [] == left_of_demo(process.pid)


def test_a_living_demo_is_not_cleaned_away(start, sandbox):
    process, directory = started(start, sandbox)
    tp(sandbox, "demo", "--json", "--seconds", 2, "--png", os.path.join(sandbox.path, "other.png"), timeout=60)      # cleans first
    assert [directory] == left_of_demo(process.pid)
    assert process.is_running()
    process.signal(signal.SIGTERM)
    process.wait(30)


def test_a_video_that_cannot_be_read_is_an_error(sandbox):
    assert "cannot be read" in tp(sandbox, "demo", "--video", "/nonexistent.mp4").ends(1).complaint()
    broken = sandbox.write("broken.mp4", b"no video")
    done = tp(sandbox, "demo", "--video", broken, timeout=60).ends(1)
    assert "ffmpeg" in done.complaint() and [] == left_of_demo(done.pid)


def test_json_lines_are_objects(sandbox):
    done = drawn[0] if drawn else demo(sandbox)
    assert all(isinstance(json.loads(line), dict) for line in done.text().splitlines()) and done.lines()[-1]["type"] == "summary"
