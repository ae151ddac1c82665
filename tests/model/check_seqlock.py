#!/usr/bin/env python3
"""The seqlock of src/shm/slot.h (trap M3, W-040, W-044, W-045), in two steps.

1. Model: every execution of one writer (two frames into one slot) and one reader, on a machine that reorders whatever its orders do not
   forbid. The recipe of 10-wire.md 8.5 must never accept a torn frame; with any one of its four orders taken away it must.
2. Code: slot.h compiled for AArch64, a weakly ordered machine, has those four orders where the model has them. Needs clang; without it
   this step is left out and said so (exit status 77 when nothing else failed).
"""
import pathlib
import re
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
BODY = ("header", "payload0", "payload1")
ORDERS = ("W0", "W1", "R0", "R1")           # as named in slot.h
FRAMES = (1, 2)                             # frame 0 lies in the slot when the story begins


class Op:
    def __init__(self, kind, place=None, value=None, order=None):
        self.kind, self.place, self.value, self.order = kind, place, value, order


def writer(orders):
    ops = []
    for seq in FRAMES:
        ops.append(Op("store", "word", seq << 1, "release"))
        if "W0" in orders:
            ops.append(Op("fence", order="release"))
        ops += [Op("store", place, seq) for place in BODY]
        ops.append(Op("store", "word", seq << 1 | 1, "release" if "W1" in orders else None))
    return ops


def reader(orders):
    ops = [Op("load", "word", order="acquire" if "R0" in orders else None)]
    ops += [Op("load", place) for place in BODY]
    if "R1" in orders:
        ops.append(Op("fence", order="acquire"))
    ops.append(Op("load", "word"))
    return ops


def ordered(first, second):
    """Whether first has to take effect before second, both of one thread, first earlier in the text."""
    if first.place is not None and first.place == second.place:
        return True                                             # coherence
    if first.kind == "load" and first.order == "acquire":
        return True
    if second.kind == "store" and second.order == "release":
        return True
    if second.kind == "fence":
        return first.kind == "fence" or second.order == "release" or first.kind == "load"
    if first.kind == "fence":
        return first.order == "acquire" or second.kind == "store"
    return False


def predecessors(ops):
    """Direct order; a chain through a fence is a chain of two."""
    return [sum(1 << i for i in range(j) if ordered(ops[i], ops[j])) for j in range(len(ops))]


def torn_frames(orders):
    """Executions in which a frame is accepted although a part of it belongs to another: (seq, what was loaded)."""
    threads = (writer(orders), reader(orders))
    before = tuple(predecessors(ops) for ops in threads)
    start_memory = tuple([("word", 1)] + [(place, 0) for place in BODY])
    stack = [(0, 0, start_memory, ())]
    seen, torn, accepted = set(), set(), set()
    while stack:
        state = stack.pop()
        if state in seen:
            continue
        seen.add(state)
        done = state[:2]
        memory, loaded = dict(state[2]), dict(state[3])
        if done[1] == (1 << len(threads[1])) - 1:
            first, last = loaded[0], loaded[len(threads[1]) - 1]
            if first & 1 and first == last:
                parts = tuple(value for at, value in sorted(loaded.items()) if 0 < at < len(threads[1]) - 1)
                accepted.add(first >> 1)
                if any(part != first >> 1 for part in parts):
                    torn.add((first >> 1, parts))
            continue
        for t, ops in enumerate(threads):
            for i, op in enumerate(ops):
                if done[t] >> i & 1 or before[t][i] & ~done[t]:
                    continue
                next_memory, next_loaded = dict(memory), dict(loaded)
                if op.kind == "store":
                    next_memory[op.place] = op.value
                elif op.kind == "load":
                    next_loaded[i] = memory[op.place]
                next_done = list(done)
                next_done[t] |= 1 << i
                stack.append((*next_done, tuple(sorted(next_memory.items())), tuple(sorted(next_loaded.items()))))
    return torn, accepted, len(seen)


def check_model():
    problems = []
    torn, accepted, states = torn_frames(set(ORDERS))
    print(f"model: {states} states, frames accepted whole: {sorted(accepted)}")
    if torn:
        problems.append(f"the full recipe accepts torn frames: {sorted(torn)[:3]}")
    if accepted != {0, *FRAMES}:
        problems.append(f"the full recipe does not accept every whole frame: {sorted(accepted)}")
    for order in ORDERS:
        torn, _, _ = torn_frames(set(ORDERS) - {order})
        print(f"model: without {order} {len(torn)} kinds of torn frames are accepted")
        if not torn:
            problems.append(f"without {order} nothing goes wrong: the model shows nothing")
    return problems


SOURCE = """
#include "shm/slot.h"
void begin(tpi_slot_word_t *slot, uint64_t seq, uint64_t *payload) { tpi_slot_begin(slot, seq); *payload = seq; }
void commit(tpi_slot_word_t *slot, uint64_t seq, const uint64_t *image) { tpi_slot_commit(slot, seq, image); }
void commit_parts(tpi_slot_word_t *slot, uint64_t seq, const uint64_t *image, const uint64_t *fields)
{
    tpi_slot_begin(slot, seq);
    tpi_slot_put_shape(slot, image);
    tpi_slot_put_place(slot, (uint32_t)fields[1], (uint16_t)fields[2]);
    tpi_slot_put_frame(slot, (uint32_t)fields[0], fields[3], (uint32_t)fields[4]);
    tpi_slot_end(slot, seq);
}
int open_slot(const tpi_slot_word_t *slot, uint64_t seq, uint64_t *word, uint64_t *image) { return (int)tpi_slot_open(slot, seq, word, image); }
int still(const tpi_slot_word_t *slot, uint64_t word, const uint64_t *payload, uint64_t *copy)
{
    *copy = *(const volatile uint64_t *)payload;
    return tpi_slot_still(slot, word);
}
"""

# What has to come, in this order, among the memory instructions of each function; "*" is any number of plain accesses.
SHAPES = {
    "begin": (r"stlr dmb:ish str", "in-progress word (release), fence W0, payload"),
    "commit": (r"(?:(?:ldr|ldp|str|stp) )+stlr", "body, then the committed word (release W1)"),
    "commit_parts": (r"stlr dmb:ish (?:(?:ldr|ldp|str|stp|strh|ldrh) )+stlr", "in-progress word, fence W0, fields, committed word (release W1)"),
    "open_slot": (r"ldar (?:(?:ldr|ldp|str|stp) )*(?:ldr|ldp|str|stp)", "word (acquire R0), then the body"),
    "still": (r"(?:ldr|str) (?:str )?dmb:ish(?:ld)? (?:str )?ldr(?: str)?", "payload, fence R1, word again"),
}


def memory_instructions(assembly, function):
    found = re.search(rf"^{function}:(.*?)^\s*\.size\s+{function}", assembly, re.M | re.S)
    if not found:
        return None
    ops = []
    for line in found.group(1).splitlines():
        match = re.match(r"\s+(stlr|ldar|ldapr|dmb|strh|ldrh|str|stp|ldr|ldp|stur|ldur)\s+(.*)", line)
        if match:
            name = {"stur": "str", "ldur": "ldr", "ldapr": "ldar"}.get(match.group(1), match.group(1))
            ops.append(f"dmb:{match.group(2).split()[0]}" if "dmb" == name else name)
    return " ".join(ops)


def check_code(compiler):
    problems = []
    command = [compiler, "--target=aarch64-linux-gnu", "-ffreestanding", "-std=c11", "-O2", "-S", "-x", "c", "-I", str(ROOT / "src"), "-o", "-", "-"]
    result = subprocess.run(command, input=SOURCE, capture_output=True, text=True, check=False)
    if result.returncode:
        return [f"slot.h does not compile for AArch64: {result.stderr.strip()[:500]}"]
    for function, (shape, meaning) in SHAPES.items():
        ops = memory_instructions(result.stdout, function)
        print(f"code: {function}: {ops}")
        if ops is None or not re.fullmatch(shape, ops):
            problems.append(f"AArch64 code of {function} is not: {meaning}; it is: {ops}")
    return problems


def main():
    problems = check_model()
    names = ["clang"] + [f"clang-{version}" for version in range(21, 13, -1)]
    compiler = next((found for name in names if (found := shutil.which(name))), None)
    if compiler:
        problems += check_code(compiler)
    for problem in problems:
        print(f"error: {problem}")
    if not compiler and not problems:
        print("skipped: no clang to compile slot.h for AArch64")
        return 77
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
