#!/usr/bin/env python3
"""Layers: every #include of src/ and apps/ against src/layers.txt; Aeron only in bus, generated codecs only in codec, public headers clean."""

import re

import lintlib

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.M)
SOURCES = {".c", ".h", ".cpp", ".hpp"}
STANDARD_C = {f"{name}.h" for name in "assert ctype errno inttypes limits signal stdarg stdbool stddef stdint stdio stdlib string time".split()}
AERON = re.compile(r"(^|/)aeron\w*\.h$|^aeron/|^aeronmd/")
GENERATED = re.compile(r"^(sbe|generated|shm_tensorpool\w*|tensorpool_\w+|tensor_pool_\w+|gen)/|"
                       r"(^|/)(messageHeader|groupSizeEncoding|varAsciiEncoding)\.h$")
FOREIGN = re.compile(r"\baeron_(?:\w+_)?t\b|\bAERON_\w+|\baeron_\w+\s*\(|\bsbe_\w+_t\b|\bSBE_\w+|\bsbe_\w+\s*\(")


def read_layers(root, problems):
    rows, reserved = {}, {}
    for number, line in enumerate(lintlib.read(root / "src/layers.txt").splitlines(), 1):
        line = line.split("#")[0].strip()
        if not line:
            continue
        module, _, allowed = line.partition(":")
        for name in allowed.split():
            if name != "public" and name not in rows:
                problems.append(f"src/layers.txt:{number}: row '{module}' names '{name}', which is no earlier row")
        if "/" in module:
            reserved[module.strip()] = set(allowed.split())
            problems += [f"src/layers.txt:{number}: src/{module.strip()} does not exist"] if not (root / "src" / module.strip()).exists() else []
        else:
            rows[module.strip()] = set(allowed.split())
    for header, modules in reserved.items():
        for module in set(rows) - modules:
            rows[module].add(f"not {header}")
    return rows


def judge_include(module, allowed, kind, target):
    """What is wrong with this include in that module, or None. allowed: its row, and the headers that other modules have for themselves."""
    if AERON.search(target):
        return None if module == "bus" else f"includes Aeron's <{target}>; only bus may"
    if GENERATED.search(target) and not target.startswith("tensor_pool/"):
        return None if module == "codec" else f"includes the generated <{target}>; only codec may"
    if target.startswith("tensor_pool/"):
        return None if "public" in allowed else f"includes the public <{target}>; its row does not allow it"
    if kind == "<":
        return None
    first, slash, _ = target.partition("/")
    if first != module and f"not {target}" in allowed:
        return f'includes "{target}", which src/layers.txt gives to others'
    if not slash:
        return None if module in ("apps", "codec") else f'includes "{target}" without its path below src/'
    if first == module or first in allowed or module == "apps" and first in ("apps", "tp"):
        return None
    return f"includes \"{target}\"; the row of '{module}' in src/layers.txt does not name '{first}'"


def check_module(root, module, allowed, folder, problems):
    for path in sorted(folder.rglob("*")):
        if path.suffix not in SOURCES:
            continue
        text = lintlib.blank_comments(lintlib.read(path), strings=False)
        for match in INCLUDE.finditer(text):
            wrong = judge_include(module, allowed, match.group(1), match.group(2))
            if wrong:
                problems.append(f"{path.relative_to(root)}:{text.count(chr(10), 0, match.start()) + 1}: {wrong}")


def check_public(root, problems):
    for path in sorted((root / "include").rglob("*.h")):
        text = lintlib.blank_comments(lintlib.read(path), strings=False)
        name = path.relative_to(root)
        for match in INCLUDE.finditer(text):
            target = match.group(2)
            if target not in STANDARD_C and not target.startswith("tensor_pool/"):
                problems.append(f"{name}: public header includes <{target}>; standard C and <tensor_pool/...> only")
        for match in FOREIGN.finditer(text):
            problems.append(f"{name}: public header names '{match.group(0).strip()}' of Aeron or SBE")


def check_cmake(root, rows, problems):
    """The DEPS of tp_module() are the row."""
    for path in sorted((root / "src").glob("*/CMakeLists.txt")):
        for match in re.finditer(r"^\s*tp_module\s*\(\s*(\w+)([^)]*)\)", lintlib.read(path), re.M):
            deps = re.search(r"\bDEPS\s+((?:[a-z_]+\s*)+)", match.group(2))
            deps = set(deps.group(1).split()) if deps else set()
            row = rows.get(match.group(1))
            if row is None:
                problems.append(f"{path.relative_to(root)}: module '{match.group(1)}' has no row in src/layers.txt")
            elif not deps <= row:
                problems.append(f"{path.relative_to(root)}: DEPS of '{match.group(1)}' has {sorted(deps - row)}, its row has not")


def check(root):
    problems = []
    rows = read_layers(root, problems)
    for folder in sorted(p for p in (root / "src").iterdir() if p.is_dir() and p.name != "exports"):
        if folder.name not in rows:
            problems.append(f"src/{folder.name}: has no row in src/layers.txt")
            continue
        check_module(root, folder.name, rows[folder.name], folder, problems)
    if (root / "apps").exists():
        check_module(root, "apps", rows.get("apps", set()), root / "apps", problems)
    check_public(root, problems)
    check_cmake(root, rows, problems)
    return problems


LAYERS = "common: public\ncodec: common public\nbus: common public\nconfig: common public\napps: config public\n"


def case(name, expected, files):
    return (name, {"src/layers.txt": LAYERS, "include/tensor_pool/x.h": "#include <stdint.h>\n", **files}, expected)


CASES = [
    case("allowed includes", None, {"src/codec/a.c":
                                    '#include "codec/a.h"\n#include "common/err.h"\n#include <tensor_pool/x.h>\n#include <stdio.h>\n',
                                    "src/bus/b.c": "#include <aeronc.h>\n", "src/codec/CMakeLists.txt": "tp_module(codec DEPS common)\n"}),
    case("a module outside the row", "does not name 'bus'", {"src/codec/a.c": '#include "bus/bus.h"\n'}),
    case("an include hidden behind spaces", "does not name 'bus'", {"src/codec/a.c": ' #  include "bus/bus.h"\n'}),
    case("an include in a comment", None, {"src/codec/a.c": '/* #include "bus/bus.h" */\n'}),
    case("Aeron outside bus", "only bus may", {"src/codec/a.c": "#include <aeronc.h>\n"}),
    case("Aeron outside bus, by folder", "only bus may", {"src/common/a.c": '#include "concurrent/aeron_atomic.h"\n'}),
    case("generated codecs outside codec", "only codec may", {"src/bus/a.c": '#include "shm_tensorpool_control/qosProducer.h"\n'}),
    case("no path", "without its path", {"src/bus/a.c": '#include "bus.h"\n'}),
    case("an app that reaches inside", "does not name 'bus'", {"apps/a.c": '#include "bus/bus.h"\n'}),
    case("a header for one module", None, {"src/layers.txt": LAYERS + "codec/a.h: bus\n", "src/codec/a.h": '#include "codec/a.h"\n'}),
    case("a header for another module", "gives to others", {"src/layers.txt": LAYERS.replace("config: common", "config: common codec")
                                                            + "codec/a.h: bus\n", "src/codec/a.h": "\n", "src/config/b.c": '#include "codec/a.h"\n'}),
    case("a reserved header that is gone", "does not exist", {"src/layers.txt": LAYERS + "codec/a.h: bus\n"}),
    case("a module without a row", "has no row", {"src/new/a.c": "\n"}),
    case("a later row", "no earlier row", {"src/layers.txt": "common: codec\ncodec: common\n"}),
    case("a system header in a public header", "standard C", {"include/tensor_pool/y.h": "#include <sys/mman.h>\n"}),
    case("an Aeron type in a public header", "aeron_t", {"include/tensor_pool/y.h": "typedef struct aeron_stct aeron_t;\n"}),
    case("an Aeron word in a comment", None, {"include/tensor_pool/y.h": "/* as aeron_t does */\nconst char *aeron_dir;\n"}),
    case("CMake wider than the row", "its row has not", {"src/codec/CMakeLists.txt": "tp_module(codec DEPS common bus)\n"}),
]

if __name__ == "__main__":
    lintlib.main(__doc__, check, CASES)
