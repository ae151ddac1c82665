#!/usr/bin/env python3
"""docs/guide/troubleshooting.md: what errors.def says of every error, and by symptom where to look. The page is written by --write."""

import re

import lintlib

ERRORS = "include/tensor_pool/common/errors.def"
PAGE = "docs/guide/troubleshooting.md"
PARTS = {1: "Calls", 2: "Configuration and frames", 3: "Media driver and driver", 4: "Answers of the driver", 5: "Data", 6: "Shared memory"}
HEAD = """# Troubleshooting

Made by `tools/troubleshooting.py --write` from `include/tensor_pool/common/errors.def`; do not edit.

`tp doctor` looks for everything that usually goes wrong and prints the fix of each finding. An error has a code that never changes
(`TP3001`), the same in the log, in `tp_errcode()` and on the command line, then the thing, its value and the bound, and where something
useful can be said the reason (`why:`, `tp_errwhy()`) and the remedy (`fix:`, `tp_errfix()`).

## By symptom

| What you see | Look at |
| --- | --- |
| a client finds no driver | `tp env`: which Aeron directory, which endpoint file, and where each setting came from; `tp doctor` |
| it works as root but not as a user, or the other way round | both have their own default Aeron directory and runtime directory: name them \
(`--aeron-dir`, `TP_RUNTIME_DIR`) |
| it works on the host but not in a container | `/dev/shm` of the container: its size (`--shm-size`), and whether it is that of the host; \
pid namespace; `tp doctor` sees both |
| frames are lost | `tp top`: who falls behind; `tp sub STREAM --json` ends with `lost_by_reason`; `tp errors` |
| frames are torn | the consumer takes longer than a slot lives (`tp info STREAM`: slot life): more slots, copy first, or a rate cap |
| latency grows | `tp delay STREAM`, `tp top` (behind): a consumer that reads every frame but slower than they come |
| the producer gets TP_LEASE_LOST now and then | its process stood still for longer than a lease lives (3 s by default): debugger, swap, \
SIGSTOP; `tp driver log` says expired or revoked |
| a reader that waits takes CPU, or wakes a millisecond late | it polls: nobody wakes it. `grep tp-wake /proc/PID/maps` of reader and \
producer: without that page the driver is a foreign one, its socket `<instance>.wake` beside the endpoint file is gone, or the user may not \
connect (`shm.permissions_mode` lets the group read?); a client whose log level is debug says why |
| `/dev/shm` fills up | `tp shm ls`: who; `tp shm clean` removes what dead drivers left |
| a driver does not start: TP6007 | another one serves that stream or has that instance id: `tp env`, `tp driver status` |
| a driver is up, but nothing of a changed file is in force | `tp driver reload`; what needs a restart is named |
| a stream is not found by its name | `tp discover`: ends with 3 when nobody answers; `tp ls` has the names of the driver's file. Names that \
producers announce need a `[discovery]` table or `tp_discoveryd` |
| a consumer gets no private stream, or another mode than it asked for | the supervisor's rules and ranges decide: its log, \
`tp top` (`no_private_id`), SIGUSR1 for its state; inside of the driver only consumers with a lease get one |
| a key of `[supervisor]` or `[discovery]` has no effect after a reload | these take effect with a restart, as the log said at SIGHUP |
| a join gives nothing, or less than its inputs | `tp join --map FILE`: why frames did not join; the reasons stand in \
[JOINS_USAGE.md](../JOINS_USAGE.md) |
| `tp trace show` knows a frame but not its parents | the recorder was not there yet, its queue was full (it says so at its end), or the \
stage sends no links: \
[TRACELINK_USAGE.md](../TRACELINK_USAGE.md) |
| frames stop while somebody debugs a consumer | not with this library: nobody waits for a consumer. A foreign subscriber that does not \
poll stops an IPC stream: `tp stat` |
"""


def errors(root):
    """[(name, code, text, when, do)]"""
    text = lintlib.read(root / ERRORS)
    found = []
    for match in re.finditer(r'^TP_ERROR\((\w+),\s*(\d+), "([^"]*)"\)\n((?:    /\*.*?\*/)?)', text, re.M | re.S):
        note = re.sub(r"\s+", " ", match.group(4).strip()[2:-2]).strip()
        parts = re.match(r"When: (.*)\. Do: (.*)\.$", note)
        found.append((match.group(1), int(match.group(2)), match.group(3), *(parts.groups() if parts else (None, None))))
    return found


def cell(text):
    return text.replace("|", "\\|")


def page(found):
    out = [HEAD]
    for part, title in PARTS.items():
        rows = [row for row in found if row[1] // 1000 == part]
        if not rows:
            continue
        out += [f"## {title}\n", "| Code | Name | Says | When | Do |", "| --- | --- | --- | --- | --- |"]
        out += [f"| TP{code} | `{name}` | {cell(text)} | {cell(when or '')} | {cell(do or '')} |" for name, code, text, when, do in rows]
        out.append("")
    return "\n".join(out)


def check(root, options):
    found = errors(root)
    problems = [f"{ERRORS}: {name} has no comment 'When: ... . Do: ... .' below it" for name, _, _, when, _ in found if when is None]
    listed = len(re.findall(r"^TP_ERROR\(", lintlib.read(root / ERRORS), re.M))
    if listed != len(found):
        problems.append(f"{ERRORS}: {listed} errors, {len(found)} understood")
    text = page(found)
    if options.write:
        (root / PAGE).write_text(text, encoding="utf-8")
    elif not (root / PAGE).exists() or text != lintlib.read(root / PAGE):
        problems.append(f"{PAGE} is out of date. Fix: tools/troubleshooting.py --write")
    return problems


ROW = 'TP_ERROR(TP_EX,  1001, "x is wrong")\n'
NOTE = "    /* When: a | b.\n       Do: c. */\n"
CASES = [
    ("an error with its note", {ERRORS: ROW + NOTE, PAGE: page([("TP_EX", 1001, "x is wrong", "a | b", "c")])}, None),
    ("a page out of date", {ERRORS: ROW + NOTE, PAGE: HEAD}, "is out of date"),
    ("an error without a note", {ERRORS: ROW, PAGE: HEAD}, "TP_EX has no comment"),
    ("a note without a remedy", {ERRORS: ROW + "    /* When: a. */\n", PAGE: HEAD}, "TP_EX has no comment"),
]


def arguments(parser):
    parser.add_argument("--write", action="store_true", help=f"write {PAGE}")


if __name__ == "__main__":
    lintlib.main(__doc__, check, CASES, arguments)
