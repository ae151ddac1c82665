"""The demo of a pipeline: all is well, it notices each injected fault, and nothing is left whatever kills it."""

import os
import signal
import subprocess

import pytest
from cli import tp
from demos import failed_checks, left_of_demo, processes_of, says_what_it_found, start_demo
from harness.waiting import until

SECONDS = 4
ROLES = ["camera", "bikes", "small", "joined", "viewer"]
late = []                                                   # the run that two tests look at
SPEED = ("camera published", "bikes published", "joined", "viewer is spared")     # checks that may fail when others keep the machine busy


def demo(sandbox, *arguments):
    return tp(sandbox, "demo", "--pipeline", "--json", "--seconds", SECONDS, "--png", os.path.join(sandbox.path, "proof.png"), *arguments,
        timeout=120)


def judge(done):
    assert [] == failed_checks(done, SPEED), done.describe()
    summary = done.lines()[-1]
    assert list(summary["frames"]) == ROLES and all(count > 0 for count in summary["frames"].values())
    assert summary["joined"] > 0 and summary["derived"] == summary["frames"]["small"]
    assert summary["joined"] + sum(summary["unjoined_by_reason"].values()) == summary["derived"]
    assert summary["lineage_depth"] == 2 and summary["links"]["wrong"] == 0
    assert summary["links"]["right"] + summary["links"]["missing"] == summary["frames"]["small"] + summary["frames"]["joined"]
    last = summary["lineage"]
    assert "joined" == last["stream"] and ["bikes", "camera", "small"] == sorted(parent["stream"] for parent in last["parents"])
    small = next(parent for parent in last["parents"] if "small" == parent["stream"])
    camera = next(parent for parent in last["parents"] if "camera" == parent["stream"])
    assert [camera["trace_id"]] == [parent["trace_id"] for parent in small["parents"]]
    assert small["captured_ns"] == camera["captured_ns"] == last["captured_ns"]
    assert int(camera["published_ns"]) < int(small["published_ns"]) < int(last["published_ns"])
    assert summary["frames"]["viewer"] < summary["frames"]["joined"] / 2


@pytest.mark.repeats
def test_drawn_pictures_go_through_and_all_is_well(sandbox):
    done = demo(sandbox)
    judge(done)
    assert len(done.of("status")) >= SECONDS - 1 and [] == left_of_demo(done.pid)
    with open(os.path.join(sandbox.path, "proof.png"), "rb") as file:
        assert file.read(8) == b"\x89PNG\r\n\x1a\n"


def test_two_videos_go_through_and_all_is_well(sandbox):
    videos = []
    for name, size in (("one.mp4", "1280x720"), ("two.mp4", "640x272")):
        videos.append(os.path.join(sandbox.path, name))
        subprocess.run(["ffmpeg", "-v", "error", "-f", "lavfi", "-i", f"testsrc2=size={size}:rate=25:duration=2", "-pix_fmt", "yuv420p", videos[-1]],
            check=True)
    done = demo(sandbox, "--video", videos[0], "--second-video", videos[1])
    judge(done)
    assert done.lines()[-1]["source"] == "video"


@pytest.mark.parametrize("fault, check", [pytest.param("late", "joined", marks=pytest.mark.repeats), ("wrong-parent", "parents"),
    ("hide-one", "join adds up"), ("leave-file", "nothing left")])
def test_each_injected_fault_makes_it_fail(sandbox, fault, check):
    done = demo(sandbox, "--inject", fault).ends(1)
    if "late" == fault:
        late.append(done)
    assert failed_checks(done, [name for name in SPEED if name != check]) == [check], done.describe()
    assert [] == left_of_demo(done.pid)


def test_late_pictures_are_counted_as_such(sandbox):
    summary = (late[0] if late else demo(sandbox, "--inject", "late")).ends(1).lines()[-1]
    assert summary["unjoined_by_reason"]["other_time"] >= summary["derived"] // 5


def test_without_a_terminal_it_prints_plain_lines_and_the_lineage(sandbox):
    done = tp(sandbox, "demo", "--pipeline", "--seconds", 3, "--png", os.path.join(sandbox.path, "proof.png"), timeout=90)
    says_what_it_found(done, SPEED)
    assert "Where the last joined frame came from" in done.text() and "|-- " in done.text()


def started(start, sandbox, **more):
    return start_demo(start, sandbox, "joined", "--pipeline", **more)


def process_of(directory, role):
    found = []
    for pid in processes_of(directory):
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            if f"pipeline-{role}".encode() in file.read():
                found.append(pid)
    assert 1 == len(found), found
    return found[0]


@pytest.mark.parametrize("number", [pytest.param(signal.SIGKILL, marks=pytest.mark.repeats), signal.SIGINT])
def test_nothing_is_left_behind_when_it_is_killed_or_interrupted(start, sandbox, number):
    process, directory = started(start, sandbox)
    assert len(processes_of(directory)) >= 7
    os.kill(process.pid, number)
    until(lambda: [] == left_of_demo(process.pid) and [] == processes_of(directory), 30, lambda: f"{directory} {processes_of(directory)}")
    assert 0 != process.wait(30)


def test_a_process_that_dies_ends_the_demo_with_an_error(start, sandbox):
    process, directory = started(start, sandbox)
    os.kill(process_of(directory, "small"), signal.SIGKILL)
    assert 1 == process.wait(30)
    assert [] == left_of_demo(process.pid) and [] == processes_of(directory)


@pytest.mark.repeats
def test_counts_add_up_when_the_stage_stands_still_for_longer_than_a_ring(start, sandbox):
    process, directory = started(start, sandbox, seconds=12)
    frames = lambda: next(role["frames"] for role in process.json_lines()[-1]["processes"] if "camera" == role["name"])
    victim = process_of(directory, "small")
    os.kill(victim, signal.SIGSTOP)
    before = frames()
    until(lambda: frames() > before + 45, 30, process.describe)
    os.kill(victim, signal.SIGCONT)
    process.wait(60)
    *_, status, summary = process.json_lines()
    assert next(role["lost"] for role in status["processes"] if "small" == role["name"]) > 0
    assert [] == [check["name"] for check in summary["checks"] if not check["ok"] and check["name"] not in SPEED]


def test_a_video_that_cannot_be_read_is_an_error(sandbox):
    assert "cannot be read" in tp(sandbox, "demo", "--pipeline", "--second-video", "/nonexistent.mp4").ends(1).complaint()
    broken = sandbox.write("broken.mp4", b"no video")
    done = tp(sandbox, "demo", "--pipeline", "--second-video", broken, timeout=60).ends(1)
    assert "ffmpeg" in done.complaint() and [] == left_of_demo(done.pid)
