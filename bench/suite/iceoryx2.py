#!/usr/bin/env python3
"""
Fetches and builds the iceoryx2 peer: bench/suite/iceoryx2.py DEPS_DIR BUILD_DIR. The crates are fetched once by cargo into DEPS_DIR/iceoryx2-VERSION,
versions and checksums are those of bench/peers/iceoryx2/Cargo.lock.in, and reused without network; what is built lies there too. BUILD_DIR gets the
library that bench/peers/iceoryx2/peer.c is linked with.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent / "peers" / "iceoryx2"
VERSION = "0.10.0"
LIBRARY = "libbench_peer_iceoryx2.a"
CONFIG = '[source.crates-io]\nreplace-with = "fetched"\n[source.fetched]\ndirectory = "crates"\n'


def run(command, folder):
    done = subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if 0 != done.returncode:
        sys.exit(f"bench: {' '.join(command)} failed: {done.stdout[-3000:]}")
    return done.stdout


def locked(made, pinned):
    """The committed lock file with the name of the registry that cargo uses here."""
    source = next(line for line in made.splitlines() if line.startswith("source = "))
    return pinned.replace('source = "@REGISTRY@"', source)


def place_of(deps):
    return Path(deps).resolve() / f"iceoryx2-{VERSION}"


def fetch(deps):
    """The folder with manifest and crates."""
    place = place_of(deps)
    if not (place / ".complete").exists():
        shutil.rmtree(place / "crates", ignore_errors=True)
        (place / ".cargo").mkdir(parents=True, exist_ok=True)
        (place / ".cargo" / "config.toml").unlink(missing_ok=True)
        for name in ("Cargo.toml", "lib.rs"):
            shutil.copyfile(HERE / name, place / name)
        print(f"bench: fetching iceoryx2 {VERSION} with cargo", file=sys.stderr)
        (place / "Cargo.lock").unlink(missing_ok=True)
        run(["cargo", "generate-lockfile", "--quiet"], place)
        made = (place / "Cargo.lock").read_text(encoding="utf-8")
        (place / "Cargo.lock").write_text(locked(made, (HERE / "Cargo.lock.in").read_text(encoding="utf-8")), encoding="utf-8")
        run(["cargo", "vendor", "--quiet", "--locked", "crates"], place)
        (place / ".cargo" / "config.toml").write_text(CONFIG, encoding="ascii")
        (place / ".complete").touch()
    return place


def build(deps, out):
    place = fetch(deps)
    for name in ("Cargo.toml", "lib.rs"):
        if (place / name).read_bytes() != (HERE / name).read_bytes():
            shutil.copyfile(HERE / name, place / name)
    made = place / "target" / "release" / LIBRARY
    if not made.exists():
        print("bench: building the iceoryx2 peer with cargo; a few minutes, once", file=sys.stderr)
    run(["cargo", "build", "--release", "--offline", "--locked", "--quiet"], place)
    target = Path(out) / LIBRARY
    os.makedirs(out, exist_ok=True)
    shutil.copyfile(made, target)                      # newer than what it is made of, for ninja


def main():
    if 3 != len(sys.argv):
        sys.exit(__doc__)
    build(sys.argv[1], sys.argv[2])


if __name__ == "__main__":
    main()
