#!/usr/bin/env python3
"""Seeds of the fuzz targets, from the golden messages and a few texts: seeds.py DIR writes DIR/<target>/<name>."""

import json
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
GOLDEN = ROOT / "tests/golden"
SCHEMAS = ("wire", "driver", "bridge", "join", "tracelink", "discovery")
TEXTS = ["shm:file?path=/dev/shm/tensorpool-svc/default/10000/1/header.ring", "shm:file?path=/dev/hugepages/p1|require_hugepages=true",
         "shm:file?path=/a|require_hugepages=false", "aeron:ipc?term-length=4m|tether=false", "aeron:udp?endpoint=localhost:40123|control=[::1]:1",
         "version=1\npid=1\ncontrol_channel=aeron:ipc\ncontrol_stream_id=1000\n# x\n"]
LINES = [{"cmd": "ping"}, {"cmd": "leases"}, {"cmd": "revoke", "lease": "1"}, {"cmd": "drain"}, {"cmd": "reload"}, {"cmd": "log", "level": "debug"}]


def golden(path):
    """The bytes of a golden file: hexadecimal, '#' comments, 00*26 for repeats."""
    data = bytearray()
    for word in re.sub(r"#.*", "", path.read_text(encoding="ascii")).split():
        byte, _, times = word.partition("*")
        data += bytes.fromhex(byte) * int(times or 1)
    return bytes(data)


def records(*messages):
    """A script for fuzz_attach: the messages one after the other, the clock moving in between."""
    return b"".join(bytes([1, len(message)]) + message + bytes([0, 2, 2, 255]) for message in messages) + bytes([3, 255, 0, 100])


def client_seeds(messages):
    """Scripts for fuzz_client: frames, a step in time, a message on its stream, bytes over a slot."""
    frames = bytes([2, 7, 3, 0, 2, 8, 2, 9, 3, 0, 0, 60])
    streams = {"qos": 2, "source": 3, "meta": 3, "blob": 3, "descriptor": 1}
    found = {"frames": frames * 3, "slot": frames + bytes([2, 1, 4, 0, 18, 0, 4, 1, 0, 0, 0]) + bytes([3, 0, 0, 200]),
             "superblock": frames + bytes([5, 0, 12, 8]) + bytes(8) + bytes([0, 100, 3, 0]),
             "truncate": frames + bytes([6, 0, 2, 3, 3, 0, 0, 60])}
    for name, data in messages.items():
        if name.startswith(("wire_", "driver_", "tracelink_")) and len(data) < 256:
            stream = next((number for word, number in streams.items() if word in name), 0)
            found[name] = frames + bytes([1, stream, len(data)]) + data + frames
    return found


def join_seeds(messages):
    """Scripts for fuzz_join: good maps of each kind with frames, bad maps between good ones, jumps in seq, every message on the control stream."""
    def rule(stream, kind, value, source=2):
        return bytes([stream, kind, source, 1 if kind == 1 else 0]) + value.to_bytes(8, "little")
    frames, look = bytes([2, 0, 3, 2, 1, 2]), bytes([3])
    found = {}
    for how, kind in ((0, 0), (4, 2), (1, 1), (17, 1), (33, 1), (2, 0), (10, 1), (34, 0)):
        head = bytes([how, 0, 70])
        for name, rules in {"offsets": rule(0, 0, 0) + rule(1, 0, 0), "window": rule(0, 0, 0) + rule(1, 1, 3), "far": rule(0, 0, 2**31 - 1),
                            "bad": rule(0, 1, 0) + rule(1, 2, 0)}.items():
            put = bytes([4, kind, len(rules) // 12]) + rules
            found[f"{name}{how}"] = head + put + (frames + look) * 3 + bytes([0, 60]) + look + put + bytes([6, 1]) + put + frames + look
            jump = bytes([5, 0]) + (2**62).to_bytes(8, "little") + bytes([5, 129]) + (2**62).to_bytes(8, "little")
            found[f"{name}-jump{how}"] = head + put + frames + look + jump + look + frames + look
    for name, data in messages.items():
        if name.startswith(("join_", "wire_0")) and len(data) < 256:
            found[name] = b"".join(bytes([how, 1, len(data)]) + data + frames + look for how in (0, 1))
    return found


def provider_seeds(messages):
    """Scripts for fuzz_provider: an announce that counts, a name, tags, a request; and every message on every stream."""
    def put(stream, data):
        return bytes([stream, len(data) % 256, len(data) // 256]) + data
    announce, name, request = (messages[key] for key in ("wire_01_pool_announce", "wire_07_source_announce", "discovery_1_request"))
    tags, later = put(6, b"cn"), put(5, bytes([100, 0]))
    ask = put(0, request[:0x28] + bytes(4) + request[0x3a:])            # without tags
    found = {"listed": put(4, announce) + put(3, name) + ask, "tags": tags + put(4, announce) + put(0, request),
             "deaf": put(7, b"") + ask * 4 + later * 3,
             "expiry": put(4, announce) + later * 30 + ask, "second": put(4, announce) + put(2, announce) + ask}
    for key, data in messages.items():
        if key.startswith(("wire_", "driver_", "discovery_")):
            found[key] = put(0, data) + put(4, data) + put(3, data) + ask
    return found


def supervisor_seeds(messages):
    """Scripts for fuzz_supervisor: hellos of ours with every configuration, and every message on every stream."""
    def put(what, data):
        return bytes([what, len(data) % 256, len(data) // 256]) + data
    hellos = b"".join(put(7, bytes([client, wish, wish, 5])) for client, wish in ((1, 2), (5, 2), (9, 3), (1, 9), (65, 4)))
    leases, later = put(6, bytes([1, 5, 65])), put(5, bytes([100, 0]))
    found = {f"hellos{choice}": bytes([choice]) + leases + hellos + later * 9 + put(6, b"") + hellos for choice in range(16)}
    for key, data in messages.items():
        if key.startswith("wire_"):
            found[key] = bytes([1]) + hellos + b"".join(put(stream, data) + later for stream in range(5))
    return found


def attach(**fields):
    values = {"correlation": 1, "stream": 10000, "client": 42, "role": 1, "layout": 0, "mode": 255, "huge": 0, "node": 0xFFFFFFFF, **fields}
    return bytes.fromhex("1b00010085030100") + values["correlation"].to_bytes(8, "little") + values["stream"].to_bytes(4, "little") + \
        values["client"].to_bytes(4, "little") + bytes([values["role"]]) + values["layout"].to_bytes(4, "little") + \
        bytes([values["mode"], values["huge"]]) + values["node"].to_bytes(4, "little")


def seeds():
    """{target: {name: bytes}}"""
    messages = {path.stem: golden(path) for path in sorted(GOLDEN.glob("*.hex"))}
    found = {f"fuzz_codec_{schema}": {name: data for name, data in messages.items() if name.startswith(schema + "_")} for schema in SCHEMAS}
    slot, superblock = messages["shm_slot"], messages["shm_superblock"]
    found["fuzz_shm"] = {"superblock": superblock, "slot": superblock + slot, "twice": superblock + slot + slot}
    sets = [data for name, data in messages.items() if name.startswith("tracelink_")]
    found["fuzz_trace"] = {"sets": b"".join(len(data).to_bytes(2, "little") + data for data in sets * 2)}
    found["fuzz_text"] = {f"text{number}": text.encode() for number, text in enumerate(TEXTS)}
    found["fuzz_config"] = {path.name: path.read_bytes() for path in sorted(ROOT.glob("**/*.toml")) if "build" not in path.parts}
    found["fuzz_config"]["small"] = b'[shm]\nbase_dir = "/dev/shm"\n[profiles.p]\nheader_nslots = 8\n' \
                                    b'payload_pools = [{ pool_id = 1, stride_bytes = 64 }]\n[streams.a]\nstream_id = 10000\nprofile = "p"\n'
    found["fuzz_config"]["services"] = b'[supervisor]\nper_consumer_enabled = true\nhealth = { drops = 2 }\n[supervisor.policies.a]\n' \
        b'streams = "1-9"\nconsumer_name = "v*"\nforce_mode = 2\n[discovery]\nchannel = "aeron:ipc"\nallowed_response_channels = ["aeron:ipc"]\n' \
        b'[[discovery.sources]]\nannounce_stream_id = 7\n[discovery.streams.s]\nstream_id = 10000\ndata_source_id = 5\ntags = ["a"]\n'
    driver = {name: data for name, data in messages.items() if name.startswith("driver_")}
    found["fuzz_attach"] = {name: records(data) for name, data in driver.items() if len(data) < 256}
    found["fuzz_attach"]["producer"] = records(attach(), attach(client=43, role=2), attach(client=44))
    found["fuzz_attach"]["dynamic"] = records(attach(stream=0, mode=2), attach(stream=20001, mode=2, client=43),
                                              attach(stream=0, mode=2, client=44, node=5))
    found["fuzz_attach"]["shutdown"] = records(attach(), bytes.fromhex("0900080085030100") + bytes(8) + b"\1\6\0\0\0secret\0\0\0\0")
    found["fuzz_attach"]["hello"] = records(messages["wire_02_consumer_hello_min"], messages["wire_02_consumer_hello"])
    whole = bytes([0, 1, 2, 200, 0, 0, 0, 1, 1, 0, 0, 0, 10, 15, 1, 1, 0, 150, 0, 10, 5, 2, 1, 2, 200, 0, 0, 0])       # announce, 150 + 50 bytes, end
    found["fuzz_blob"] = {"whole": whole, "two": whole + bytes([3, 0, 0, 255, 255, 0, 0]) + whole, "gap": whole[:14] + whole[21:]}
    found["fuzz_discovery_client"] = {name: bytes([6, 1]) + data for name, data in messages.items() if name.startswith("discovery_")}
    found["fuzz_client"] = client_seeds(messages)
    found["fuzz_join"] = join_seeds(messages)
    found["fuzz_provider"] = provider_seeds(messages)
    found["fuzz_supervisor"] = supervisor_seeds(messages)
    found["fuzz_admin"] = {f"line{number}": json.dumps(line).encode() + b"\n" for number, line in enumerate(LINES)}
    found["fuzz_admin"]["all"] = b"".join(found["fuzz_admin"].values())
    return found


def main():
    for target, files in seeds().items():
        folder = Path(sys.argv[1]) / target
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in files.items():
            (folder / name).write_bytes(data)
    return 0


if __name__ == "__main__":
    sys.exit(main())
