#!/usr/bin/env python3
"""The benchmark suite: `./run bench` builds and calls it. One line per target, see docs/performance.md; the method is bench/README.md's."""

import argparse
import os
import signal
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import output  # noqa: E402
import rows  # noqa: E402
from measure import Measure  # noqa: E402
from place import Place, Systems  # noqa: E402

SYSTEMS = ("floor", "ours", "iceoryx2", "aeron", "iceoryx", "zeromq", "nng")


def arguments():
    parser = argparse.ArgumentParser(prog="./run bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", metavar="BUILD", help=argparse.SUPPRESS)
    parser.add_argument("--quick", action="store_true", help="3 rounds, fewer sizes, against iceoryx2 only")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="one object per row and line")
    form.add_argument("--markdown", action="store_true", help="a table for docs/performance.md")
    parser.add_argument("--only", metavar="NAME", action="append", help="rows with it in their name, or with that number; may be repeated")
    parser.add_argument("--cpu", metavar="A,B", help="CPUs of the two busy processes (default: the first two)")
    parser.add_argument("--list", action="store_true", help="names of the rows, nothing is measured")
    return parser.parse_args()


def is_wanted(row, only):
    names = [row.group, *(figure.name for figure in getattr(row, "figures", ()))]
    target = str(getattr(row, "target", ""))
    return not only or any(word == target or not word.isdigit() and word in name for word in only for name in names)


def chosen_cpus(text):
    allowed = sorted(os.sched_getaffinity(0))
    cpus = [int(word) for word in text.split(",")] if text else allowed[:2]
    if 2 != len(set(cpus)) or not set(cpus) <= set(allowed):
        sys.exit(f"bench: two different CPUs of {','.join(map(str, allowed))} are needed: the two ends of a measurement both spin")
    return cpus


def measured(options, wanted, curves, say):
    """(lines, [(curve, values)])"""
    lines, drawn = [], []
    with Place(Path(options.build).resolve(), chosen_cpus(options.cpu)) as place:
        measure = Measure(Systems(place, options.quick), options.quick, say)
        for row in wanted:
            for made in measure.row(row):
                lines.append(made)
                if options.json:
                    print(output.json_line(made), flush=True)
        for curve in curves:
            drawn.append((curve, measure.curve(curve, SYSTEMS)))
    return lines, drawn


def main():
    options = arguments()
    wanted = [row for row in rows.rows() if is_wanted(row, options.only) and (options.only or not options.quick or getattr(row, "in_quick", True))]
    curves = [] if options.quick else [curve for curve in rows.curves() if is_wanted(curve, options.only)]
    if options.list:
        print("\n".join(figure.name for row in wanted for figure in row.figures))
        return
    if not wanted and not curves:
        sys.exit("bench: no row has that name; ./run bench --list tells them")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    began = time.monotonic()

    def say(text):
        print(f"{time.monotonic() - began:6.1f} s  {text}", file=sys.stderr, flush=True)
    lines, drawn = measured(options, wanted, curves, say)
    if options.markdown:
        print(output.markdown(lines))
    elif not options.json:
        print(output.table(lines))
    folder = Path(options.build).resolve().parent / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "results.json").write_text("".join(output.json_line(made) + "\n" for made in lines), encoding="utf-8")
    plots = output.plot_curves(drawn, folder)
    plots = plots if plots is None else plots + (output.plot_targets(lines, folder) or [])
    say(f"results in {folder}" if plots is not None else f"results in {folder}; no plots: python3-pygal is not installed")


if __name__ == "__main__":
    main()
