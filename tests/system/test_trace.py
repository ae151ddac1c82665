"""Trace links through real processes: sources, a stage that joins, the recorder, its SQLite file read by Python."""

import json
import os
import resource
import signal
import sqlite3
import subprocess
import time

import pytest

from cli import environment, start_tp, tp
from configs import FAST, RANGES, small
from harness.process import program
from harness.waiting import until

CONFIG = RANGES + FAST + "node_id_reuse_cooldown_ms = 10000\n" + small("cam1", "sum1", "sum2", header_nslots=256)


def source(start, sandbox, stream="cam1", hz=200, trace="1", **more):
    return start("tp", "pub", stream, "--pattern", "counter", "--shape", "8x8", "--hz", hz, "--quiet", environment=environment(sandbox,
        TP_TRACE=trace, **more), label=f"pub-{stream}")


def stage(start, sandbox, come_from, goes_to):
    path = os.path.join(os.path.dirname(program("tp")), "..", "examples", "traced_stage")
    if not os.path.exists(path):
        pytest.skip("examples are not built")
    return start(path, "0", come_from, goes_to, environment=environment(sandbox), label=f"stage-{goes_to}")


def record(start, sandbox, *arguments, db="t.db", **more):
    recorder = start_tp(start, sandbox, "trace", "record", "--json", "--db", f"{sandbox.path}/{db}", *arguments, **more)
    until(lambda: '"recording"' in recorder.out(), 30, "the recorder")
    return recorder


def finish(recorder, code=0):
    recorder.signal(signal.SIGTERM)
    recorder.expect(code)
    return [json.loads(line) for line in recorder.out().splitlines() if '"recorded"' in line][0]


def ask(sandbox, sql, *values, db="t.db"):
    connection = sqlite3.connect(f"file:{sandbox.path}/{db}?mode=ro", uri=True)
    try:
        return connection.execute(sql, values).fetchall()
    finally:
        connection.close()


def rows(sandbox, table, db="t.db"):
    return ask(sandbox, f"SELECT count(*) FROM {table}", db=db)[0][0]


def node_of(trace_id):
    return trace_id >> 12 & 1023


def test_a_chain_of_joins_is_recorded_and_answered__T_023_T_049_W_108(start, sandbox, driver):
    source(start, sandbox)
    first = stage(start, sandbox, 10000, 10001)
    second = stage(start, sandbox, 10001, 10002)
    recorder = record(start, sandbox)
    until(lambda: len(ask(sandbox, "SELECT 1 FROM frames WHERE stream_id = 10002")) > 20, 30, "frames of the second stage")
    summary = finish(recorder)
    assert summary["dropped"] == 0 and summary["lost"] == 0 and summary["bad_sets"] == 0
    assert summary["frames"] == rows(sandbox, "frames") and summary["links"] == rows(sandbox, "trace_links")
    last = ask(sandbox, "SELECT trace_id FROM frames WHERE stream_id = 10002 ORDER BY seq DESC LIMIT 1 OFFSET 3")[0][0]
    parents = [row[0] for row in ask(sandbox, "SELECT parent_trace_id FROM trace_links WHERE trace_id = ?", last)]
    assert 2 == len(parents)
    streams = {row[0] for parent in parents for row in ask(sandbox, "SELECT stream_id FROM frames WHERE trace_id = ?", parent)}
    assert streams == {10001}
    shown = tp(sandbox, "trace", "show", last, "--db", "t.db", "--json").ok().of("trace")
    assert [7, 1] == [len(shown), len([one for one in shown if one["depth"] == 0])]
    assert sorted(one["depth"] for one in shown) == [0, 1, 1, 2, 2, 2, 2]
    assert shown[0]["trace_id"] == str(last) and {link["trace_id"] for link in shown[0]["parents"]} == {str(parent) for parent in parents}
    assert all(link["hop_ns"] is not None and link["hop_ns"] >= 0 for one in shown for link in one["parents"])
    roots = [one for one in shown if one["depth"] == 2]
    assert all(frame["stream_id"] == "10000" for one in roots for frame in one["frames"])
    below = tp(sandbox, "trace", "show", hex(int(roots[0]["trace_id"])), "--children", "--db", "t.db", "--json").ok().of("trace")
    assert str(last) in {one["trace_id"] for one in below} and 3 == len(below)
    text = tp(sandbox, "trace", "show", last, "--db", "t.db").ok().text()
    assert text.startswith(f"0x{last:016x}") and 7 == text.count("node ")
    dot = tp(sandbox, "trace", "show", last, "--db", "t.db", "--dot").ok().text()
    assert dot.startswith("digraph") and 6 == dot.count(" -> ")
    for one in (first, second):
        one.signal(signal.SIGTERM)
        one.expect(0)


def test_node_ids_and_their_processes_are_in_the_store__T_011_T_013_T_017_D_094(start, sandbox, driver):
    a = source(start, sandbox, "cam1")
    b = source(start, sandbox, "sum1")
    recorder = record(start, sandbox)
    until(lambda: rows(sandbox, "trace_nodes") >= 2 and 2 == len(ask(sandbox, "SELECT DISTINCT stream_id FROM frames")), 30, "two nodes")
    finish(recorder)
    nodes = ask(sandbox, "SELECT node_id, process_id, start_time FROM trace_nodes")
    assert {row[1] for row in nodes} == {a.pid, b.pid}
    assert all(abs(row[2] / 1e9 - time.time()) < 120 for row in nodes)
    by_pid = {row[1]: row[0] for row in nodes}
    assert by_pid[a.pid] != by_pid[b.pid]
    for stream, process in ((10000, a), (10001, b)):
        ids = [row[0] for row in ask(sandbox, "SELECT trace_id FROM frames WHERE stream_id = ?", stream)]
        assert {node_of(one) for one in ids} == {by_pid[process.pid]}
    listed = tp(sandbox, "trace", "nodes", "--db", "t.db", "--json").ok().of("node")
    assert {(one["node_id"], one["process_id"]) for one in listed} == {(str(row[0]), str(row[1])) for row in nodes}


def test_a_configured_node_id_is_used__T_012(start, sandbox, driver):
    source(start, sandbox, TP_TRACE_NODE_ID="5")
    recorder = record(start, sandbox, "--stream", "cam1", "--stage", "cam1=77")
    until(lambda: rows(sandbox, "frames") > 10, 30, "frames")
    finish(recorder)
    assert {node_of(row[0]) for row in ask(sandbox, "SELECT trace_id FROM frames")} == {5}
    assert {row[0] for row in ask(sandbox, "SELECT stage_id FROM frames")} == {77}


def test_a_killed_process_leaves_its_node_id_to_nobody_for_a_while__T_016_T_019(start, sandbox, driver):
    a = source(start, sandbox)
    recorder = record(start, sandbox)
    until(lambda: rows(sandbox, "frames") > 10, 30, "frames")
    before = {node_of(row[0]) for row in ask(sandbox, "SELECT trace_id FROM frames")}
    a.signal(signal.SIGKILL)
    a.expect(-signal.SIGKILL)
    source(start, sandbox, "sum1")
    until(lambda: len(ask(sandbox, "SELECT 1 FROM frames WHERE stream_id = 10001")) > 10, 30, "frames of the next process")
    after = {node_of(row[0]) for row in ask(sandbox, "SELECT trace_id FROM frames WHERE stream_id = 10001")}
    assert not before & after
    finish(recorder)


def test_transactions_hold_about_50_ms_of_rows__T_046(start, sandbox, driver):
    source(start, sandbox, hz=1000)
    recorder = record(start, sandbox, "--stream", "cam1", "--seconds", 5)
    recorder.expect(0)
    summary = [json.loads(line) for line in recorder.out().splitlines() if '"recorded"' in line][0]
    assert summary["frames"] > 2000 and 20 <= summary["commits"] <= 500


def test_untraced_frames_are_left_out_unless_asked_for__T_027_T_047(start, sandbox, driver):
    source(start, sandbox, trace="0")
    without = record(start, sandbox, db="without.db")
    kept = record(start, sandbox, "--untraced", db="kept.db")
    until(lambda: rows(sandbox, "frames", db="kept.db") > 10, 30, "frames")
    assert finish(without)["frames"] == 0 and rows(sandbox, "frames", db="without.db") == 0
    finish(kept)
    assert {row[0] for row in ask(sandbox, "SELECT trace_id FROM frames", db="kept.db")} == {0}


def test_a_killed_recorder_leaves_a_whole_file_and_the_next_goes_on(start, sandbox, driver):
    source(start, sandbox, hz=1000)
    recorder = record(start, sandbox)
    until(lambda: rows(sandbox, "frames") > 100, 30, "frames")
    recorder.signal(signal.SIGKILL)
    recorder.expect(-signal.SIGKILL)
    connection = sqlite3.connect(f"{sandbox.path}/t.db")
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    before = connection.execute("SELECT count(*) FROM frames").fetchone()[0]
    connection.close()
    recorder = record(start, sandbox)
    until(lambda: rows(sandbox, "frames") > before + 100, 30, "more frames")
    finish(recorder)


def test_a_killed_producer_and_a_new_epoch_change_nothing_about_earlier_rows__T_029(start, sandbox, driver):
    recorder = record(start, sandbox, "--stream", "cam1")
    for _ in range(2):
        pub = source(start, sandbox)
        before = rows(sandbox, "frames")
        until(lambda: rows(sandbox, "frames") > before + 20, 30, "frames")
        pub.signal(signal.SIGTERM)
        pub.expect(0)
    finish(recorder)
    assert 2 == len(ask(sandbox, "SELECT DISTINCT epoch FROM frames"))
    ids = [row[0] for row in ask(sandbox, "SELECT trace_id FROM frames")]
    assert len(ids) == len(set(ids)) and 0 not in ids


def test_a_full_disk_costs_rows_and_nothing_else(start, sandbox, driver):
    source(start, sandbox, hz=1000)
    limit = 400 * 1024
    recorder = start_tp(start, sandbox, "trace", "record", "--json", "--db", f"{sandbox.path}/t.db", "--seconds", 12)
    until(lambda: '"recording"' in recorder.out(), 30, "the recorder")
    resource.prlimit(recorder.pid, resource.RLIMIT_FSIZE, (limit, limit))
    recorder.expect(6)
    summary = [json.loads(line) for line in recorder.out().splitlines() if '"recorded"' in line][0]
    assert summary["lost"] > 0 and summary["frames"] > 0
    connection = sqlite3.connect(f"{sandbox.path}/t.db")
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    connection.close()


def test_windows_are_stored_listed_and_expanded(start, sandbox, driver):
    source(start, sandbox)
    recorder = record(start, sandbox, "--stream", "cam1")
    until(lambda: rows(sandbox, "frames") > 20, 30, "frames")
    finish(recorder)
    epoch, low, t_low = ask(sandbox, "SELECT epoch, min(seq), min(t_ns) FROM frames")[0]
    lines = [{"trace_id": "4711", "in_stream_id": "10000", "epoch": str(epoch), "seq_start": str(low), "seq_end": str(low + 9)},
        {"trace_id": 4712, "in_stream_id": 10000, "epoch": epoch, "t_start_ns": str(t_low), "t_end_ns": str(t_low)}]
    text = "".join(json.dumps(line) + "\n" for line in lines).encode()
    tp(sandbox, "trace", "windows", "--add", "-", "--db", "t.db", stdin=text).ok()
    listed = tp(sandbox, "trace", "windows", "--db", "t.db", "--json").ok().of("window")
    assert [one["trace_id"] for one in listed] == ["4711", "4712"] and listed[0]["t_start_ns"] is None and listed[1]["seq_start"] is None
    done = tp(sandbox, "trace", "expand", "--db", "t.db", "--json").ok().one("expanded")
    assert done["windows"] == 2 and done["links"] == 11
    assert tp(sandbox, "trace", "expand", "--db", "t.db", "--json").ok().one("expanded")["links"] == 0
    assert 11 == len(tp(sandbox, "trace", "show", "4711", "--db", "t.db", "--json").ok().of("trace"))
    for bad in (b"{}\n", b"[]\n", b"nonsense\n", b'{"trace_id":"0","in_stream_id":"1","epoch":"1","seq_start":"1","seq_end":"2"}\n',
        b'{"trace_id":"1","in_stream_id":"1","epoch":"1","seq_start":"3","seq_end":"2"}\n', b'{"trace_id":"1","in_stream_id":"1","epoch":"1"}\n'):
        assert "line 1" in tp(sandbox, "trace", "windows", "--add", "-", "--db", "t.db", stdin=bad).ends(1).complaint()


# ---- files that are no store; these need no driver ----


def make(sandbox, *statements, name="bad.db"):
    connection = sqlite3.connect(f"{sandbox.path}/{name}")
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


def refused(sandbox, name="bad.db"):
    shown = tp(sandbox, "trace", "show", "1", "--db", name).ends(1).complaint()
    taken = tp(sandbox, "trace", "windows", "--add", "-", "--db", name, stdin=b"").ends(1).complaint()
    assert "TP5301" in shown and "TP5301" in taken, shown + taken
    return taken


def an_empty_store(sandbox, name):
    tp(sandbox, "trace", "windows", "--add", "-", "--db", name, stdin=b"").ok()


def test_keys_of_others_that_are_no_integers_do_not_keep_the_expansion_busy(sandbox):
    an_empty_store(sandbox, "odd.db")
    make(sandbox, "INSERT INTO trace_windows VALUES (7, 1, 1, 1, 2, NULL, NULL), ('x', 'y', 'z', 1, 2, NULL, NULL), (1.5, 1, 1, 1, 2, NULL, NULL)",
        name="odd.db")
    assert 1 == tp(sandbox, "trace", "expand", "--db", "odd.db", "--json").ok().one("expanded")["windows"]


def test_a_full_disk_is_named_and_a_reader_that_left_is_not(sandbox):
    an_empty_store(sandbox, "out.db")
    make(sandbox, "INSERT INTO trace_nodes VALUES (1, 2, 3), (4, 5, 6)", name="out.db")
    words = [program("tp"), "trace", "nodes", "--json", "--db", f"{sandbox.path}/out.db"]
    with open("/dev/full", "wb") as full:
        done = subprocess.run(words, stdout=full, stderr=subprocess.PIPE, timeout=60, check=False)
    assert 1 == done.returncode and b"No space left" in done.stderr, done
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(words, stdout=writer, stderr=subprocess.PIPE, timeout=60, check=False)
    os.close(writer)
    assert 0 == done.returncode and b"" == done.stderr, done


def test_files_of_others_are_refused_and_left_alone(sandbox):
    make(sandbox, "CREATE TABLE accounts (a)", "INSERT INTO accounts VALUES (1)")
    before = open(f"{sandbox.path}/bad.db", "rb").read()
    assert "another program" in refused(sandbox)
    assert before == open(f"{sandbox.path}/bad.db", "rb").read()
    with open(f"{sandbox.path}/text.db", "w", encoding="ascii") as file:
        file.write("no database at all, but long enough to look at\n" * 100)
    assert "not a database" in refused(sandbox, "text.db")
    os.mkdir(f"{sandbox.path}/folder.db")
    assert "regular file" in refused(sandbox, "folder.db")
    os.mkfifo(f"{sandbox.path}/pipe.db")
    assert "regular file" in refused(sandbox, "pipe.db")
    an_empty_store(sandbox, "good.db")
    os.symlink(f"{sandbox.path}/good.db", f"{sandbox.path}/link.db")
    assert "regular file" in refused(sandbox, "link.db")


def test_other_versions_and_other_tables_are_refused(sandbox):
    an_empty_store(sandbox, "version.db")
    make(sandbox, "PRAGMA user_version = 2", name="version.db")
    assert "schema version 2" in refused(sandbox, "version.db")
    an_empty_store(sandbox, "table.db")
    make(sandbox, "DROP TABLE trace_links", "CREATE VIEW trace_links AS SELECT 1 AS trace_id, 1 AS parent_trace_id", name="table.db")
    assert "trace_links" in refused(sandbox, "table.db")
    an_empty_store(sandbox, "index.db")
    make(sandbox, "DROP INDEX frames_trace_idx", name="index.db")
    assert "frames_trace_idx" in refused(sandbox, "index.db")


def test_damaged_files_and_circles_end_with_an_error_or_a_part(sandbox):
    an_empty_store(sandbox, "circle.db")
    make(sandbox, "INSERT INTO trace_links VALUES (1, 2), (2, 3), (3, 1), (1, 1)", name="circle.db")
    shown = tp(sandbox, "trace", "show", "1", "--db", "circle.db").ok().text()
    assert "see above" in shown and shown.count("\n") < 20
    assert 3 == len(tp(sandbox, "trace", "show", "1", "--db", "circle.db", "--json").ok().of("trace"))
    make(sandbox, "INSERT INTO trace_links WITH RECURSIVE n(i) AS (VALUES (10) UNION ALL SELECT i + 1 FROM n WHERE i < 20000) SELECT 9, i FROM n",
        name="circle.db")
    assert "only a part" in tp(sandbox, "trace", "show", "9", "--db", "circle.db").ok().complaint()
    with open(f"{sandbox.path}/circle.db", "r+b") as file:
        size = os.path.getsize(f"{sandbox.path}/circle.db")
        for at in range(4096, size, 512):
            file.seek(at)
            file.write(b"\xff" * 256)
    result = tp(sandbox, "trace", "show", "9", "--db", "circle.db")
    assert result.code == 1 and "TP5301" in result.complaint(), result.describe()


def test_wrong_words_and_unknown_ids_are_told(sandbox):
    assert "none of them" in tp(sandbox, "trace", "eat").ends(2).complaint()
    tp(sandbox, "trace").ends(2)
    tp(sandbox, "trace", "show").ends(2)
    for bad in ("0", "x", "0x", "-1", "18446744073709551616", "1x"):
        tp(sandbox, "trace", "show", bad).ends(2)
    assert "tp trace record" in tp(sandbox, "trace", "show", "1", "--db", "absent.db").ends(1).complaint()
    an_empty_store(sandbox, "empty.db")
    assert "TP1009" in tp(sandbox, "trace", "show", "0x66ddb6aa00005007", "--db", "empty.db").ends(1).complaint()
    tp(sandbox, "trace", "record", "--db", "empty.db", "--seconds", 1).ends(3)


def test_ids_above_2_to_63_survive__T_008(sandbox):
    high = 2 ** 64 - 5
    line = json.dumps({"trace_id": str(high), "in_stream_id": 1, "epoch": str(2 ** 64 - 2), "seq_start": 1, "seq_end": 2}).encode() + b"\n"
    tp(sandbox, "trace", "windows", "--add", "-", "--db", "t.db", stdin=line).ok()
    assert ask(sandbox, "SELECT trace_id, epoch FROM trace_windows") == [(-5, -2)]
    assert tp(sandbox, "trace", "windows", "--db", "t.db", "--json").ok().one("window")["trace_id"] == str(high)


def test_other_programs_may_read_while_it_is_written(start, sandbox, driver):
    source(start, sandbox, hz=500)
    recorder = record(start, sandbox)
    for _ in range(20):
        assert rows(sandbox, "frames") >= 0
    last = until(lambda: ask(sandbox, "SELECT trace_id FROM frames LIMIT 1"), 30, "a frame")[0][0]
    tp(sandbox, "trace", "show", last, "--db", "t.db").ok()
    finish(recorder)
