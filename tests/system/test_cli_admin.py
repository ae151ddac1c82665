"""tp lease, driver, errors, top: what an administrator sees and does, with drivers that live, are killed, or were never there."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time

import pytest
from cli import environment, start_tp, tp
from configs import FAST, small
from harness.process import program
from harness.waiting import until

CONFIG = FAST + "shutdown_timeout_ms = 300\n" + small("cam1", "idle", header_nslots=64)        # 0.6 s of frames: a busy machine loses none


@pytest.fixture
def camera(start, sandbox, driver):
    process = start_tp(start, sandbox, "pub", "cam1", "--pattern", "counter", "--shape", "12x16x3", "--hz", 100, "--client-id", 77)
    until(lambda: leases(sandbox), 30, lambda: f"a lease; {process.describe()}")
    return process


def leases(sandbox, *words):
    return tp(sandbox, "lease", "ls", *words, "--json").ok().of("lease")


def test_lease_ls_shows_who_holds_what(start, sandbox, camera):
    start_tp(start, sandbox, "sub", "cam1", "--client-id", 88)
    found = until(lambda: (lambda l: l if 2 == len(l) and l[1]["pid"] else None)(leases(sandbox)), 30, "two leases")
    assert [(line["role"], line["client_id"], line["stream_id"], line["name"]) for line in found] == \
        [("producer", "77", "10000", "cam1"), ("consumer", "88", "10000", "cam1")]
    assert found[0]["pid"] == camera.pid and 0 <= found[0]["keepalive_age_ns"] < 3e9 and 0 < found[0]["expires_in_ns"] <= 3e9
    assert [] == leases(sandbox, "idle") and found[0]["lease_id"] == leases(sandbox, "10000")[0]["lease_id"]
    assert re.search(rf"^ *{found[0]['lease_id']} +10000  cam1  producer +77 +{camera.pid} ", tp(sandbox, "lease", "ls").ok().text(), re.M)
    assert sorted(tp(sandbox, "lease", "ls", "-q").ok().text().split()) == sorted(line["lease_id"] for line in found)
    assert "no leases" in tp(sandbox, "lease", "ls", "idle").ok().text()


def test_a_revoked_producer_attaches_again_with_another_lease(sandbox, camera):
    before = leases(sandbox)[0]["lease_id"]
    assert before == tp(sandbox, "lease", "revoke", before, "--json").ok().one("revoked")["lease_id"]
    after = until(lambda: [line for line in leases(sandbox) if line["lease_id"] != before], 30, "another lease")
    assert after[0]["client_id"] == "77"
    assert "does not exist" in tp(sandbox, "lease", "revoke", before).ends(4).complaint()
    assert tp(sandbox, "lease", "revoke", before, after[0]["lease_id"]).ends(4).text() == f"revoked {after[0]['lease_id']}\n"
    assert "leases_revoked" in tp(sandbox, "errors").ok().text()


@pytest.mark.parametrize("words", [["lease"], ["lease", "rm"], ["lease", "revoke"], ["lease", "revoke", "x"], ["lease", "revoke", "-1"],
    ["lease", "revoke", "18446744073709551616"], ["lease", "ls", "cam1", "idle"], ["lease", "ls", "cam"], ["driver"], ["driver", "kill"],
    ["driver", "drain", "now"], ["driver", "status", "--timeout", "x"], ["top", "x"], ["top", "--sort", "age"], ["errors", "x"]])
def test_wrong_usage_ends_with_2_and_a_remedy(sandbox, driver, words):
    complaint = tp(sandbox, *words).ends(2).complaint()
    assert complaint.startswith("error[TP") and ("fix: tp " in complaint or "did you mean" in complaint)


@pytest.mark.parametrize("words", [["lease", "ls"], ["lease", "revoke", "1"], ["driver", "status"], ["driver", "drain"], ["driver", "reload"],
    ["driver", "log"], ["errors"], ["top"], ["top", "--json"]])
def test_without_a_driver_the_exit_code_is_3(sandbox, words):
    assert "error[TP3" in tp(sandbox, *words).ends(3).complaint()


@pytest.mark.parametrize("words", [["lease", "ls"], ["driver", "status"], ["driver", "drain", "--wait"]])
def test_a_killed_driver_is_no_driver_and_a_stopped_one_does_not_answer(sandbox, driver, words):
    driver.signal(signal.SIGSTOP)
    begun = time.monotonic()
    assert "did not answer" in tp(sandbox, *words, "--timeout", 0.3).ends(5).complaint()
    assert time.monotonic() - begun < 20
    driver.kill()
    complaint = tp(sandbox, *words).ends(3).complaint()
    assert "is dead" in complaint and "fix: start one" in complaint


def test_two_drivers_have_to_be_told_apart(start, sandbox, driver):
    start.driver(config=CONFIG.replace("10000", "10002").replace("10001", "10003"), instance="second", embedded=False)
    complaint = tp(sandbox, "driver", "status").ends(2).complaint()
    assert "driver-01" in complaint and "second" in complaint and "--driver" in complaint
    assert "second" == tp(sandbox, "driver", "status", "--driver", "second", "--json").ok().one("driver")["instance"]
    assert "second" == tp(sandbox, "driver", "status", "--json", TP_DRIVER="second").ok().one("driver")["instance"]
    assert "'third'" in tp(sandbox, "driver", "status", "--driver", "third").ends(3).complaint()


def test_driver_status_and_drain(sandbox, driver, camera):
    status = tp(sandbox, "driver", "status", "--json").ok().one("driver")
    assert status["state"] == "running" and status["leases"] == 1 and status["pid"] == driver.pid
    assert re.search(r"^state +running$", tp(sandbox, "driver", "status").ok().text(), re.M)
    assert tp(sandbox, "driver", "drain", "--wait", "--json").ok().one("drain")["ended"] is True
    driver.expect(0)
    tp(sandbox, "driver", "status").ends(3)


def test_errors_tells_the_last_words_of_a_dead_driver(sandbox, driver, camera):
    tp(sandbox, "lease", "revoke", leases(sandbox)[0]["lease_id"]).ok()
    camera.kill()
    driver.kill()
    done = tp(sandbox, "errors", "--json").ok()
    assert [line for line in done.of("error") if "leases_revoked" in line["text"] and 1 == line["count"] and "driver" == line["source"]]
    assert done.one("summary")["alive"] is False and "is dead" in done.complaint()
    assert "no errors" in tp(sandbox, "errors", "--name", "no such text").ok().text()


def test_errors_counts_what_a_slow_consumer_loses(start, sandbox, camera):
    sub = start_tp(start, sandbox, "sub", "cam1", "--client-id", 88)
    until(lambda: 2 == len(leases(sandbox)) and leases(sandbox)[1]["pid"], 30, "the consumer")
    sub.signal(signal.SIGSTOP)
    seen = top_stream(sandbox)["last_seq"]
    until(lambda: top_stream(sandbox)["last_seq"] > seen + 100, 30, "frames")
    sub.signal(signal.SIGCONT)
    lost = until(lambda: [line for line in tp(sandbox, "errors", "--json").ok().of("error") if "consumer" == line["source"]], 30, "losses")
    assert "consumer 88" in lost[0]["text"] and lost[0]["count"] > 0


def top_stream(sandbox, *words):
    lines = tp(sandbox, "top", "--json", "--count", 1, "--interval", 0.2, *words).ok().of("stream")
    return next(line for line in lines if "cam1" == line["name"])


def test_top_shows_the_tree_with_rates(start, sandbox, camera):
    start_tp(start, sandbox, "sub", "cam1", "--client-id", 88)
    until(lambda: 2 == len(leases(sandbox)) and leases(sandbox)[1]["pid"], 30, "the consumer")
    one = until(lambda: (lambda s: s if 2 == len([c for c in s["clients"] if c["measured"]]) else None)(top_stream(sandbox)), 30, "rates")
    people = {person["role"]: person for person in one["clients"]}
    assert people["producer"]["client_id"] == "77" and people["producer"]["pid"] == camera.pid and people["consumer"]["drops"] == 0
    lines = tp(sandbox, "top", "--json", "--count", 2, "--interval", 1).ok()
    assert [1, 2] == [line["round"] for line in lines.of("round")] and lines.of("round")[0]["alive"] is True
    for line in lines.of("stream"):
        for person in line["clients"]:
            assert 50 < person["hz"] < 200 and abs(person["bytes_per_second"] - 576 * person["hz"]) < 576
    text = tp(sandbox, "top", "--count", 1, "--interval", 0.3).ok().text()
    assert re.search(r"^10000 +cam1 +12x16x3 uint8 .*\n  producer 77 .* seq \d+ .*\n  consumer 88 .* lost 0 ", text, re.M)


def test_top_sorts_and_filters(sandbox, camera):
    def order(*words):
        return [line["name"] for line in tp(sandbox, "top", "--json", "--count", 1, "--interval", 0, *words).ok().of("stream")]
    assert order() == ["cam1", "idle"] and order("--reverse") == ["idle", "cam1"]
    assert order("--sort", "name", "--reverse") == ["idle", "cam1"] and order("--sort", "hz", "--reverse") == ["idle", "cam1"]
    assert order("--name", "idl") == ["idle"] and order("--name", "10000") == ["cam1"] and order("--name", "none") == []


class Terminal:
    """tp on a terminal of that size."""

    def __init__(self, sandbox, *words, rows=24, columns=80):
        self.fd, slave = pty.openpty()
        self.resize(rows, columns)
        self.process = subprocess.Popen([program("tp"), *words], stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
            env={**environment(sandbox), "TERM": "xterm"})
        os.close(slave)
        self.shown = ""

    def resize(self, rows, columns):
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def type(self, keys):
        os.write(self.fd, keys.encode())

    def read(self):
        while select.select([self.fd], [], [], 0.05)[0]:
            try:
                self.shown += os.read(self.fd, 65536).decode("utf-8", "replace")
            except OSError:
                break
        return self.shown

    def sees(self, text, timeout=30):
        until(lambda: text in self.read(), timeout, lambda: f"{text!r} in {self.shown[-2000:]!r}")

    def close(self):
        self.process.kill()
        self.process.wait()
        os.close(self.fd)


@pytest.fixture
def terminal(sandbox):
    made = []

    def make(*words, **size):
        made.append(Terminal(sandbox, *words, **size))
        return made[-1]
    yield make
    for one in made:
        one.close()


def test_top_fills_a_terminal_and_obeys_keys(sandbox, camera, terminal):
    screen = terminal("top", "--interval", "0.2")
    screen.sees("q end")
    screen.sees("cam1")
    screen.type("s")
    screen.sees("by ")
    screen.type("/none\n")
    screen.sees("no stream passes")
    screen.type("/\n")
    screen.type("q")
    until(lambda: screen.process.poll() is not None, 30, "the end")
    assert 0 == screen.process.returncode and "\x1b[?1049l" in screen.read()        # the screen is given back


@pytest.mark.parametrize("rows,columns", [(1, 1), (2, 3), (3, 200), (24, 20)])
def test_top_survives_a_narrow_terminal_and_an_interrupt(sandbox, camera, terminal, rows, columns):
    screen = terminal("top", "--interval", "0.1", rows=rows, columns=columns)
    screen.sees("\x1b[")
    for size in ((40, 100), (1, 1), (rows, columns)):
        screen.resize(*size)
        os.killpg(screen.process.pid, signal.SIGWINCH)
        screen.type("j" + "\x1b[6~")
        screen.read()
    assert screen.process.poll() is None
    os.killpg(screen.process.pid, signal.SIGINT)
    until(lambda: screen.read() is not None and screen.process.poll() is not None, 30, "the end")
    assert 0 == screen.process.returncode


def test_top_goes_on_when_the_driver_dies_and_comes_back(start, sandbox, driver, terminal):
    screen = terminal("top", "--interval", "0.1", columns=150)
    screen.sees("idle")
    driver.kill()
    screen.sees("is dead")
    start.driver(config=CONFIG.replace("idle", "risen"))
    screen.sees("risen")


def test_closed_pipes_and_full_disks_end_programs_in_order(sandbox, camera):
    for words in (["top", "--interval", "0"], ["lease", "ls", "--watch", "--interval", "0.01"], ["errors", "--watch", "--interval", "0.01"]):
        process = subprocess.Popen([program("tp"), *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(sandbox))
        process.stdout.read(10)
        process.stdout.close()
        assert 0 == process.wait(30), words
        with open("/dev/full", "wb") as full:
            done = subprocess.run([program("tp"), *words], stdout=full, stderr=subprocess.PIPE, env=environment(sandbox), timeout=30, check=False)
        assert 1 == done.returncode and b"error[TP1007]" in done.stderr, words


def test_driver_reload_names_what_changed_and_what_needs_a_restart(sandbox, driver):
    assert "nothing differs" in tp(sandbox, "driver", "reload").ok().text()
    path = next(driver.command[i + 1] for i, word in enumerate(driver.command) if "--config" == word)
    with open(path, "w", encoding="utf-8") as file:
        file.write(CONFIG.replace("announce_period_ms = 200", "announce_period_ms = 300") + '[streams.new]\nstream_id = 10007\nprofile = "small"\n')
    done = tp(sandbox, "driver", "reload", "--json").ok().one("reload")
    assert done["added"] == [10007] and done["restart"] == ["policies.announce_period_ms"] and done["instance"] == "driver-01"
    assert re.search(r"^needs restart +policies.announce_period_ms$", tp(sandbox, "driver", "reload").ok().text(), re.M)
    with open(path, "w", encoding="utf-8") as file:
        file.write(CONFIG.replace("stride_bytes = 4096", "stride_byte = 4096"))
    complaint = tp(sandbox, "driver", "reload").ends(4).complaint()
    assert "error[TP21" in complaint and "stride_byte" in complaint
    assert "[TP21" in tp(sandbox, "driver", "log", "--count", 5).ok().text()
    assert [line for line in tp(sandbox, "errors", "--json").ok().of("error") if "driver log" == line["source"] and "stride_byte" in line["text"]]


def test_driver_log_shows_lines_and_sets_the_level(start, sandbox, driver):
    assert re.search(r"^20\d\d-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} info: ", tp(sandbox, "driver", "log").ok().text(), re.M)
    assert tp(sandbox, "driver", "log", "debug").ok().text() == "log level debug\n"
    assert tp(sandbox, "driver", "log", "info", "--json").ok().one("log_level")["level"] == "info"
    assert "loud" in tp(sandbox, "driver", "log", "loud").ends(4).complaint()
    assert 2 == len(tp(sandbox, "driver", "log", "--count", 2, "--json").ok().of("log"))
    follower = start_tp(start, sandbox, "driver", "log", "--follow", "--interval", "0.05")
    tp(sandbox, "driver", "reload").ok()
    until(lambda: "reload" in follower.out().lower() or not follower.is_running(), 30, follower.describe)
    driver.kill()
    assert 3 == follower.wait(30), follower.describe()


def test_driver_streams_shows_what_the_driver_says_of_its_streams(sandbox, camera):
    streams = {line["name"]: line for line in tp(sandbox, "driver", "streams", "--json").ok().of("driver_stream")}
    assert streams["idle"]["state"] == "idle" and streams["cam1"]["state"] == "live" and streams["cam1"]["producer"]["client"] == 77
    assert 1 == len(tp(sandbox, "driver", "streams", "cam1", "--json").ok().of("driver_stream"))
    text = tp(sandbox, "driver", "streams").ok().text()
    assert re.search(r"^10000  cam1 +live .* granted 1", text, re.M) and "  producer 77" in text


def test_drain_now_does_not_wait(sandbox, driver):
    assert tp(sandbox, "driver", "drain", "--now", "--wait", "--json").ok().one("drain")["ended"] is True
    driver.expect(0)


@pytest.mark.parametrize("words", [["--help"], ["help", "pub"], ["pub", "--help"], ["completion", "bash"], ["completion", "man"]])
def test_help_on_a_full_disk_is_a_failure(sandbox, words):
    with open("/dev/full", "wb") as full:
        done = subprocess.run([program("tp"), *words], stdout=full, stderr=subprocess.PIPE, env=environment(sandbox), timeout=30, check=False)
    assert 1 == done.returncode and b"error[TP1007]" in done.stderr


def test_names_that_are_nowhere_are_refused(sandbox, driver):
    assert "unknown verb 'pus'; did you mean 'pub'?" in tp(sandbox, "help", "pus").ends(2).complaint()
    assert "did you mean" not in tp(sandbox, "foo").ends(2).complaint()
    assert "/nonexistent" in tp(sandbox, "shm", "clean", "--base-dir", "/nonexistent").ends(1).complaint()
    assert "tp ls" in tp(sandbox, "driver", "streams", "nosuch").ends(2).complaint()
    assert "did you mean 'cam1'" in tp(sandbox, "driver", "streams", "cam2").ends(2).complaint()
    assert "tp lease ls" in tp(sandbox, "lease", "revoke", "5").ends(4).complaint()


def test_without_a_media_driver_the_remedy_is_named(sandbox):
    complaint = tp(sandbox, "ls").ends(3).complaint()
    assert "error[TP3001]" in complaint and "why: cnc.dat does not exist" in complaint and "fix: start one" in complaint


def test_top_knows_no_place_in_the_stream_of_a_client_that_lost_its_lease(start, sandbox, driver, camera):
    start_tp(start, sandbox, "sub", "cam1", "--client-id", 88)
    until(lambda: [c for c in top_stream(sandbox)["clients"] if "88" == c["client_id"] and c.get("last_seq")], 30, "frames")
    driver.signal(signal.SIGSTOP)
    until(lambda: all(not 0 < c.get("last_seq", 0) < 2 ** 63 for c in top_stream(sandbox)["clients"]), 30, "the loss")
    assert all(0 == c.get("behind", 0) for c in top_stream(sandbox)["clients"])
    assert "18446744073709551615" not in tp(sandbox, "info", "cam1").ok().text()


def test_a_second_producer_is_told_how_to_end_the_first_one(sandbox, camera):
    done = tp(sandbox, "pub", "cam1", "--pattern", "counter", "--shape", "4x4", "--count", 1, "--timeout", 2).ends(4)
    assert "error[TP4012]" in done.complaint() and "client 77," in done.complaint()
    revoke = re.search(r"or: tp (lease revoke \d+)$", done.complaint(), re.M).group(1)
    assert "revoked" in tp(sandbox, *revoke.split()).ok().text()


@pytest.mark.parametrize("verb", ["ls", "stat"])
def test_watching_goes_on_with_the_next_driver(start, sandbox, driver, verb):
    watcher = start_tp(start, sandbox, verb, "--watch", "--json", "--interval", "0.05")
    until(lambda: "idle" in watcher.out() or not watcher.is_running(), 30, watcher.describe)
    driver.kill()
    start.driver(config=CONFIG.replace("idle", "risen"))
    until(lambda: "risen" in watcher.out() or not watcher.is_running(), 30, watcher.describe)
    assert watcher.is_running(), watcher.describe()
