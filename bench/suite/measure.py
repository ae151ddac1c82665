"""Measures the rows: from a row and the systems to its lines of the result."""

import sys

import method
from place import Failed, NotHere, geometry
from rows import Ratio


def line(target, figure, values, rounds, wanted, tries, more=None):
    """One object of the output. A row whose rounds did not count is not met, whatever its value."""
    result = method.Result(values)
    enough = rounds >= wanted
    made = {
        "target": target, "name": figure.name, "value": result.value, "limit": figure.limit, "sense": figure.sense,
        "met": enough and method.is_met(result.value, figure.sense, figure.limit), "rounds": rounds, "tries": tries, "unit": figure.unit,
        "spread": result.spread, "stretch": figure.stretch,
        "stretch_met": enough and method.is_met(result.value, figure.sense, figure.stretch),
    }
    made.update(more or {})
    if not enough:
        made["reason"] = f"only {rounds} of {wanted} rounds counted: the floors of the others did not agree, the machine is not quiet"
    return made


def missing(target, figure, reason):
    return {"target": target, "name": figure.name, "value": None, "limit": figure.limit, "sense": figure.sense, "met": False, "rounds": 0, "tries": 0,
            "unit": figure.unit, "spread": None, "stretch": figure.stretch, "stretch_met": False, "reason": reason}


class Measure:
    def __init__(self, systems, quick, say=None):
        self.systems, self.quick, self.say = systems, quick, say or (lambda text: None)
        self.rounds = method.QUICK_ROUNDS if quick else method.ROUNDS
        self.tries = method.QUICK_TRIES if quick else method.TRIES
        self.single = {}               # what single runs gave, by their arguments

    def row(self, row):
        """The lines of a row; one that cannot be measured says why in its lines."""
        try:
            return self.ratio(row) if isinstance(row, Ratio) else self.program(row)
        except (NotHere, Failed) as problem:
            if isinstance(problem, Failed):
                print(f"bench: {row.group}: {problem}", file=sys.stderr)
            return [missing(row.target, figure, str(problem)) for figure in row.figures]

    # ---- two runs against each other ----

    def round(self, ours, peer):
        place = self.systems.place
        folder = place.new_folder()
        before = list(place.running)
        try:
            drivers = self.systems.drivers(folder, (ours, peer))

            def measured(run):
                return lambda: self.systems.peer(run, drivers.get(geometry(run), folder) if "ours" == run.system else folder)
            return method.interleaved(self.systems.floor, measured(ours), measured(peer))
        finally:
            for process in [p for p in place.running if p not in before]:
                place.stop(process)
            place.remove(folder)

    def ratio(self, row):
        def report(made, counted, tries):
            first = row.figures[0]
            self.say(f"{row.group}: {first.name} {made.ratio(first.key):.3f}, floors {made.floors[0]:.0f} and {made.floors[1]:.0f} ns, "
                f"{counted} of {self.rounds} after {tries}")
        counted, tries = method.collect(lambda: self.round(row.ours, row.peer), self.rounds, self.tries, report)
        lines = []
        for figure in row.figures:
            more = {side: method.Result([getattr(r, attribute)[figure.key] for r in counted]).value for side, attribute in
                    (("ours", "ours"), ("peer", "peer"))}
            for key, other in (("p99", "p99_ns"), ("p999", "p999_ns")):
                if "p50_ns" == figure.key:
                    more[key] = method.Result([r.ratio(other) for r in counted]).value
            if counted:
                more["floor"] = method.Result([f for r in counted for f in r.floors]).value
            lines.append(line(row.target, figure, [r.ratio(figure.key) for r in counted], len(counted), self.rounds, tries, more))
        return lines

    # ---- a program of its own ----

    def call(self, row):
        place = self.systems.place
        folder = place.new_folder()
        try:
            command = [self.systems.program(row.command[0]), *row.command[1:], *(row.quick if self.quick else row.full)]
            if self.quick:
                command.append("--quick")
            command += ["--cpu", self.systems.cpu, "--dir", folder]
            return {made["name"]: made for made in place.call(command, folder, row.seconds)}
        finally:
            place.remove(folder)

    def between_floors(self, row):
        floors = [self.systems.floor()]
        lines = self.call(row)
        floors.append(self.systems.floor())
        return ProgramRound(floors, lines)

    def program(self, row):
        if "instructions" == row.group:
            return self.instructions(row)
        if row.once:
            counted, tries, wanted = [ProgramRound([1, 1], self.call(row))], 1, 1
        else:
            wanted = self.rounds
            counted, tries = method.collect(lambda: self.between_floors(row), self.rounds, self.tries,
                lambda made, count, tried: self.say(f"{row.group}: {count} of {self.rounds} after {tried}"))
        return [self.figure(row, figure, counted, wanted, tries) for figure in row.figures]

    def figure(self, row, figure, counted, wanted, tries):
        found = [r.lines[figure.key] for r in counted if figure.key in r.lines]
        values = [one["value"] for one in found if one["value"] is not None]
        if counted and not values:
            return missing(row.target, figure, found[0].get("reason", "not told") if found else f"bench/{row.command[0]} does not tell it")
        more = {key: value for key, value in (found[0] if found else {}).items() if key not in ("name", "value", "unit")}
        return line(row.target, figure, values, len(values), wanted, tries, more)

    # ---- instruction counts ----

    def instructions(self, row):
        counts = self.systems.instructions()
        return [line(row.target, figure, [counts[figure.key]], 1, 1, 1) if counts.get(figure.key) else
                missing(row.target, figure, "bench/run does not count it") for figure in row.figures]

    # ---- curves ----

    def curve(self, curve, names):
        """{system: [value or None for each abscissa]}, single runs: for the eye, not for a target."""
        values = {}
        for system in names:
            try:
                self.systems.program(f"peer_{system}")
            except NotHere as problem:
                self.say(f"{curve.group}: {problem}")
                continue
            values[system] = [self.point(make(system), curve.key, f"{curve.group}: {system} {label}") for label, make in curve.runs]
        return {system: points for system, points in values.items() if any(p is not None for p in points)}

    def point(self, run, key, title):
        arguments = (run.system, *run.arguments(self.quick))
        if arguments not in self.single:
            self.single[arguments] = self.run_once(run, title)
        value = self.single[arguments].get(key)
        if value is not None:
            self.say(f"{title}: {value:.0f}")
        return value

    def run_once(self, run, title):
        place = self.systems.place
        folder = place.new_folder()
        before = list(place.running)
        try:
            drivers = self.systems.drivers(folder, (run,))
            return self.systems.peer(run, drivers.get(geometry(run), folder))
        except (NotHere, Failed) as problem:
            self.say(f"{title}: {problem}")
            return {}
        finally:
            for process in [p for p in place.running if p not in before]:
                place.stop(process)
            place.remove(folder)


class ProgramRound:
    def __init__(self, floors, lines):
        self.floors, self.lines = floors, lines

    def counts(self):
        return method.agree(*self.floors)
