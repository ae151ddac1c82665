"""The method, as arithmetic: which rounds count, what their result is. Measures nothing itself."""

import statistics

FLOOR_TOLERANCE = 0.15                 # both floors of a round that counts agree within this
TRIES = 30
ROUNDS = 7
QUICK_TRIES = 10
QUICK_ROUNDS = 3


def agree(first, second, tolerance=FLOOR_TOLERANCE):
    """Whether two floors differ by no more than that part of the smaller one."""
    least = min(first, second)
    return least > 0 and max(first, second) - least <= tolerance * least


def mean(runs):
    """{key: mean of the runs} of the numbers that all of them have."""
    keys = [key for key in runs[0] if all(isinstance(run.get(key), (int, float)) for run in runs)]
    return {key: statistics.fmean(run[key] for run in runs) for key in keys}


class Round:
    """One interleaved round: floor, ours, peer, peer, ours, floor."""

    def __init__(self, floors, ours, peer):
        self.floors, self.ours, self.peer = floors, mean(ours), mean(peer)

    def counts(self):
        return agree(*self.floors)

    def ratio(self, key):
        return self.ours[key] / self.peer[key]


def interleaved(floor, ours, peer):
    """Measures one round. The three arguments measure one run each: floor gives a number, the others a dictionary of numbers."""
    floors = [floor()]
    of_ours = [ours()]
    of_peer = [peer(), peer()]
    of_ours.append(ours())
    floors.append(floor())
    return Round(floors, of_ours, of_peer)


def collect(measure, rounds, tries, report=None):
    """([rounds that count], tries made): measures until enough rounds count or the tries are used up."""
    counted = []
    made = 0
    while len(counted) < rounds and made < tries:
        measured = measure()
        made += 1
        if measured.counts():
            counted.append(measured)
        if report:
            report(measured, len(counted), made)
    return counted, made


class Result:
    """The median of some values, with the smallest and the largest as spread."""

    def __init__(self, values):
        self.values = sorted(values)
        self.value = statistics.median(values) if values else None
        self.spread = [self.values[0], self.values[-1]] if values else None


def is_met(value, sense, limit):
    if value is None or limit is None:
        return False
    return value <= limit if "<=" == sense else value >= limit
