"""The arithmetic of the method and the shape of its output: which rounds count, what the median is, what a line holds. Nothing is measured."""

import json
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

import iceoryx2  # noqa: E402
import main  # noqa: E402
import measure  # noqa: E402
import method  # noqa: E402
import output  # noqa: E402
import rows  # noqa: E402
from place import Failed, NotHere, driver_config  # noqa: E402


def made(floors, ours=1.0, peer=2.0):
    return method.Round(floors, [{"p50_ns": ours}, {"p50_ns": ours}], [{"p50_ns": peer}, {"p50_ns": peer}])


def test_a_round_counts_when_both_floors_agree_within_15_percent():
    assert method.agree(100, 115) and method.agree(115, 100)
    assert not method.agree(100, 115.1) and not method.agree(115.1, 100)
    assert not method.agree(0, 0)


def test_the_order_of_a_round_is_floor_ours_peer_peer_ours_floor():
    order = []

    def measured(name, result):
        return lambda: order.append(name) or result
    one = method.interleaved(measured("floor", 100), measured("ours", {"p50_ns": 3}), measured("peer", {"p50_ns": 6}))
    assert order == ["floor", "ours", "peer", "peer", "ours", "floor"]
    assert one.ratio("p50_ns") == 0.5 and one.counts()


def test_a_round_takes_the_mean_of_both_runs_of_a_system():
    one = method.Round((1, 1), [{"p50_ns": 10, "system": "ours"}, {"p50_ns": 20, "system": "ours"}], [{"p50_ns": 30}, {"p50_ns": 30}])
    assert one.ratio("p50_ns") == 0.5
    assert "system" not in one.ours


def test_rounds_that_do_not_count_are_measured_again():
    measured = iter([made((100, 200)), made((100, 101)), made((100, 150)), made((100, 100))])
    counted, tries = method.collect(lambda: next(measured), 2, 30)
    assert 2 == len(counted) and 4 == tries


def test_tries_have_an_end():
    counted, tries = method.collect(lambda: made((100, 200)), 7, 30)
    assert [] == counted and 30 == tries
    assert 30 == method.TRIES and 7 == method.ROUNDS and 3 == method.QUICK_ROUNDS


def test_the_result_is_the_median_with_the_ends_as_spread():
    result = method.Result([3.0, 1.0, 2.0, 100.0, 1.5])
    assert result.value == 2.0 and result.spread == [1.0, 100.0]
    assert method.Result([]).value is None and method.Result([]).spread is None


def test_a_limit_belongs_to_what_is_met_on_either_side():
    assert method.is_met(0.6, "<=", 0.6) and not method.is_met(0.601, "<=", 0.6)
    assert method.is_met(2.0, ">=", 2.0) and not method.is_met(1.999, ">=", 2.0)
    assert not method.is_met(None, "<=", 1) and not method.is_met(1, "<=", None)


class FakeSystems:
    """Answers as peers and programs do."""
    cpu = "0,1"

    def __init__(self, floors=(100, 100), lines=(), problem=None):
        self.floors, self.lines, self.problem, self.calls = list(floors), lines, problem, 0
        self.place = self
        self.running = []

    def floor(self):
        self.calls += 1
        return self.floors[self.calls % len(self.floors)]

    def peer(self, run, _folder):
        if self.problem:
            raise self.problem
        value = 100 if "ours" == run.system else 200
        return {"p50_ns": value, "p99_ns": 3 * value, "p999_ns": 9 * value, "frames_per_s": value}

    def call(self, _command, _folder, _seconds):
        if self.problem:
            raise self.problem
        return list(self.lines)

    def program(self, name):
        return name

    def drivers(self, _folder, _runs):
        return {}

    def new_folder(self):
        return Path("/nowhere")

    def remove(self, _folder):
        pass


RATIO = rows.Ratio(1, "latency 64 B", rows.latency("ours", 64), rows.latency("iceoryx2", 64), (
    rows.Figure("latency 64 B p50", "p50_ns", 0.60, stretch=0.45), rows.Figure("latency 64 B p99", "p99_ns", 0.40)))
PROGRAM = rows.Program(7, "fill", ("fill",), (rows.Figure("fill", "fill", 0.95, ">="), rows.Figure("fill streaming", "fill streaming", 1.2, ">=")))


def test_a_line_has_the_keys_that_were_promised():
    lines = measure.Measure(FakeSystems(), quick=True).row(RATIO)
    p50, p99 = (json.loads(output.json_line(one)) for one in lines)
    assert (p50["target"], p50["name"], p50["value"], p50["limit"], p50["met"], p50["rounds"]) == (1, "latency 64 B p50", 0.5, 0.60, True, 3)
    assert p50["spread"] == [0.5, 0.5] and p50["unit"] == "ratio" and not p50["stretch_met"] and p50["ours"] == 100 and p50["peer"] == 200
    assert p99["value"] == 0.5 and not p99["met"] and p50["p999"] == 0.5


def test_too_few_rounds_are_not_met_and_say_why():
    line = measure.Measure(FakeSystems(floors=(100, 200)), quick=True).row(RATIO)[0]
    assert line["value"] is None and not line["met"] and 0 == line["rounds"] and method.QUICK_TRIES == line["tries"]
    assert "not quiet" in line["reason"]


def test_what_is_not_here_says_so_and_is_not_met():
    for problem in (NotHere("bench/peer_iceoryx2 is not built here"), Failed("peer_ours ended with 1")):
        line = measure.Measure(FakeSystems(problem=problem), quick=False).row(RATIO)[0]
        assert line["value"] is None and not line["met"] and line["reason"] == str(problem) and "not available" == output.verdict(line)


def test_a_program_is_called_once_a_round_and_its_names_are_looked_up():
    systems = FakeSystems(lines=({"name": "fill", "value": 0.97, "unit": "ratio", "ours": 9.7},
        {"name": "fill streaming", "value": None, "reason": "small cache"}))
    fill, streaming = measure.Measure(systems, quick=True).row(PROGRAM)
    assert fill["met"] and 0.97 == fill["value"] and 3 == fill["rounds"] and 9.7 == fill["ours"]
    assert streaming["value"] is None and "small cache" == streaming["reason"]


def test_every_target_has_a_row_and_every_name_is_there_once():
    all_rows = rows.rows()
    assert {row.target for row in all_rows} == set(range(1, 14))
    names = [figure.name for row in all_rows for figure in row.figures]
    assert len(names) == len(set(names))
    assert all(figure.sense in ("<=", ">=") for row in all_rows for figure in row.figures)


def test_the_quick_run_takes_the_options_that_are_meant_for_it():
    run = rows.Run("ours", "latency", {"size": 64, "frames": 1000, "no-touch": True}, {"frames": 10})
    assert run.arguments(False) == ["latency", "--size", "64", "--frames", "1000", "--no-touch"]
    assert run.arguments(True) == ["latency", "--size", "64", "--frames", "10", "--no-touch"]


def test_only_takes_part_of_a_name_or_a_target():
    assert main.is_wanted(RATIO, ["64 B"]) and main.is_wanted(RATIO, ["1"]) and main.is_wanted(RATIO, None)
    assert not main.is_wanted(RATIO, ["10"]) and not main.is_wanted(RATIO, ["4"]) and not main.is_wanted(RATIO, ["fill"])


def test_tables_name_result_limit_and_verdict():
    lines = measure.Measure(FakeSystems(), quick=True).row(RATIO)
    for text in (output.table(lines), output.markdown(lines)):
        assert "latency 64 B p50" in text and "0.500" in text and "<= 0.600 [0.450]" in text and "not met" in text
    assert 4 == len(output.markdown(lines).splitlines())


def test_a_driver_has_the_geometry_of_its_row():
    text = driver_config(100, 8)
    assert "header_nslots = 8" in text and "stride_bytes = 128" in text
    assert "stride_bytes = 64 " in driver_config(8, 64)


def test_the_pinned_lock_file_gets_the_registry_that_cargo_names():
    assert 'x\nsource = "here"\n' == iceoryx2.locked('a\nsource = "here"\nb\n', 'x\nsource = "@REGISTRY@"\n')
    text = (iceoryx2.HERE / "Cargo.lock.in").read_text()
    assert 'name = "iceoryx2"\nversion = "0.10.0"' in text
    assert text.count("@REGISTRY@") == text.count("checksum = ")


def test_a_curve_has_a_point_for_each_label_and_leaves_out_who_is_not_there():
    systems = FakeSystems()
    systems.peer = lambda run, _folder: {"p50_ns": 1, "p99_ns": 2} if "ours" == run.system else (_ for _ in ()).throw(NotHere("no"))
    made_curves = rows.curves()
    values = measure.Measure(systems, quick=False).curve(made_curves[0], ("ours", "nng"))
    assert values == {"ours": [1] * len(rows.LATENCY_SIZES)}


def test_plots_are_svg(tmp_path):
    pytest.importorskip("pygal")
    lines = measure.Measure(FakeSystems(), quick=True).row(RATIO)
    curve = rows.curves()[0]
    paths = output.plot_curves([(curve, {"ours": [1, 2, None, 4, 5]})], tmp_path) + output.plot_targets(lines, tmp_path)
    assert ["curve_latency.svg", "targets.svg"] == [path.name for path in paths]
    assert all("<svg" in path.read_text(encoding="utf-8") for path in paths)
