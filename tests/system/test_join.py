"""Joins over the real bus: producers of different rates, an input that dies, one whose epoch changes, a map that comes late."""

import os
import signal
import time

from cli import start_tp, tp
from configs import small
from harness.waiting import until

CONFIG = small("a", "b", "c", header_nslots=1024)


def map_file(sandbox, name, head, *inputs):
    path = os.path.join(sandbox.path, name)
    with open(path, "w", encoding="utf-8") as file:
        file.write("[join]\nout_stream = 20000\n" + head + "".join("[[join.inputs]]\n" + text + "\n" for text in inputs))
    return path


def pub(start, sandbox, stream, hz, *more):
    return start_tp(start, sandbox, "pub", stream, "--pattern", "counter", "--shape", "64", "--hz", str(hz), "--json", *more)


def balanced(summary):
    """Every frame that was announced is somewhere, in all and input by input."""
    for part in [summary] + summary["inputs"]:
        assert part["frames"] == part["joined"] + part["waiting"] + sum(part["unjoined"].values()), part
    return summary


def test_a_camera_with_faster_sensors(start, sandbox):
    start.driver(config=CONFIG)
    makers = [pub(start, sandbox, "a", 30), pub(start, sandbox, "b", 200), pub(start, sandbox, "c", 97)]
    merge = map_file(sandbox, "time.toml", 'kind = "timestamp"\nlateness_ns = 20000000\n', "stream = 10000", "stream = 10001\nwindow = 20000000",
        "stream = 10002")
    done = tp(sandbox, "join", "--map", merge, "--count", 40, "--json", "--timeout", 20)
    assert 0 == done.code, done.describe()
    *outputs, summary = done.lines()
    assert 40 == len(outputs) == balanced(summary)["outputs"]
    times = [int(line["out_time_ns"]) for line in outputs]
    assert times == sorted(times)
    windows = [len(line["inputs"][1]["seqs"]) for line in outputs]
    assert 2 <= sum(windows) / len(windows) <= 6, windows
    assert all(line["valid"] for line in outputs)
    assert 0 < summary["skew_ns"]["p50"] < 30e6
    for maker in makers:
        maker.kill()


def test_an_input_that_dies_is_left_out(start, sandbox):
    start.driver(config=CONFIG + "[policies]\nlease_keepalive_interval_ms = 20000\n")        # no new epoch meanwhile: that input would block (O-5)
    left, right = pub(start, sandbox, "a", 100), pub(start, sandbox, "b", 100)
    merge = map_file(sandbox, "stale.toml", 'kind = "latest"\ntolerates_misalignment = true\nstale_timeout_ms = 300\nanchor = 10000\n',
        "stream = 10000", "stream = 10001")
    join = start_tp(start, sandbox, "join", "--map", merge, "--json", "--timeout", "20")
    until(lambda: any(0 == line["absent"] for line in join.json_lines()), 30, join.describe)
    right.kill()
    until(lambda: 1 == join.json_lines()[-1]["absent"], 30, join.describe)
    join.signal(signal.SIGINT)
    join.expect(0, 60)
    *outputs, summary = join.json_lines()
    assert 0 == outputs[0]["absent"] and 1 == outputs[-1]["absent"]
    assert "absent" == outputs[-1]["inputs"][1]["state"]
    assert balanced(summary)["partial"] == sum(line["absent"] for line in outputs)
    left.kill()


def test_an_input_of_a_new_epoch_and_a_map_that_comes_late(start, sandbox):
    start.driver(config=CONFIG)
    left = pub(start, sandbox, "a", 100)
    right = pub(start, sandbox, "b", 100, "--count", "100")
    merge = map_file(sandbox, "late.toml", 'kind = "timestamp"\nmatch = "nearest"\nepoch = 7\n', "stream = 10000", "stream = 10001")
    join = start_tp(start, sandbox, "join", "--map", merge, "--from-control", "--count", "200", "--json", "--timeout", "30")
    time.sleep(0.5)
    authority = start_tp(start, sandbox, "join", "--map", merge, "--publish-map", "--seconds", "15", "--json")
    until(join.json_lines, 30, join.describe)
    right.expect(0)
    again = pub(start, sandbox, "b", 100)
    join.expect(0, 60)
    *outputs, summary = join.json_lines()
    assert 200 == len(outputs)
    assert {"7"} == {line["epoch"] for line in outputs}
    assert summary["requests"] >= 1 and 1 == summary["maps"]
    assert summary["unjoined"]["no_map"] > 0
    seqs = [int(line["inputs"][1]["seqs"][0]) for line in outputs]
    assert any(later < earlier for earlier, later in zip(seqs, seqs[1:])), "the second producer starts over"
    balanced(summary)
    for maker in (left, again, authority):
        maker.kill()


def test_wrong_maps_are_refused_with_their_line(sandbox):
    merge = map_file(sandbox, "wrong.toml", "latenes_ns = 1\n", "stream = 1")
    done = tp(sandbox, "join", "--map", merge)
    assert 0 != done.code and "wrong.toml:3:1" in done.complaint() and "lateness_ns" in done.complaint(), done.describe()
    assert 2 == tp(sandbox, "join").code
    example = tp(sandbox, "join", "--example")
    assert 0 == example.code and "[[join.inputs]]" in example.text()
