"""Sleeping readers over a real driver: the page handed over by its socket, to whom, and what happens when one of the processes dies."""

import os
import signal
import socket
import stat

import pytest
from harness import flow
from harness.process import clean_environment
from harness.waiting import until

PAGE = "/memfd:tp-wake"


def has_page(process):
    try:
        with open(f"/proc/{process.pid}/maps", encoding="utf-8") as maps:
            return PAGE in maps.read()
    except OSError:
        return False


def until_it_has_a_page(*users):
    for each in users:
        until(lambda each=each: has_page(each.process), 30, lambda each=each: f"no wake-up page\n{each.process.describe()}")


def switches(process):
    """How often the process's first thread has gone to sleep so far: the one that reads frames."""
    with open(f"/proc/{process.pid}/task/{process.pid}/status", encoding="utf-8") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("voluntary_ctxt_switches"))


def test_a_reader_sleeps_until_it_is_woken__L_201_L_209(start):
    start.driver(config=flow.config())
    publisher = flow.Publisher(start, hz=5)
    subscriber = flow.Subscriber(start)
    subscriber.wait_for_frames()
    until_it_has_a_page(publisher, subscriber)
    subscriber.wait_for_frames(2)
    before = switches(subscriber.process)
    subscriber.wait_for_frames(20)                     # four seconds; who polls sleeps a thousand times in each
    assert switches(subscriber.process) - before < 1500, subscriber.process.describe()


def test_a_killed_sleeper_is_forgotten__L_204(start):
    start.driver(config=flow.config())
    publisher = flow.Publisher(start, hz=50)
    killed = flow.Subscriber(start, label="killed")
    other = flow.Subscriber(start, label="other")
    for each in (killed, other):
        each.wait_for_frames()
    until_it_has_a_page(publisher, killed, other)
    killed.process.signal(signal.SIGKILL)
    killed.process.wait()
    other.wait_for_frames(50)
    assert publisher.process.is_running()


def test_readers_that_sleep_while_the_driver_is_killed_find_the_next_one__L_209(start):
    driver = start.driver(config=flow.config())
    publisher = flow.Publisher(start, hz=20)
    subscriber = flow.Subscriber(start)
    subscriber.wait_for_frames()
    until_it_has_a_page(publisher, subscriber)
    before = subscriber.epoch()
    driver.signal(signal.SIGKILL)
    driver.wait()
    start.driver(config=flow.config())
    subscriber.wait_for_epoch_above(before, timeout=30)
    subscriber.wait_for_frames(20)
    until_it_has_a_page(publisher, subscriber)


def test_without_the_socket_readers_poll__L_206(start, sandbox):
    start.driver(config=flow.config())
    os.remove(os.path.join(sandbox.run, "driver-01.wake"))
    publisher = flow.Publisher(start)
    subscriber = flow.Subscriber(start)
    subscriber.wait_for_frames(50)
    assert not has_page(publisher.process) and not has_page(subscriber.process)


# ---- users ---------------------------------------------------------------------------------------------------------------------------------

def says(path, user, request):
    """The socket's answer to that user: "" when it hangs up, None when the user does not get in."""
    read_end, write_end = os.pipe()
    child = os.fork()
    if 0 == child:
        try:
            os.setgroups([])
            os.setgid(user.gid)
            os.setuid(user.uid)
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(20)
                connection.connect(path)
                connection.sendall(request)
                os.write(write_end, b"+" + connection.recv(4096))
        finally:
            os._exit(0)
    os.close(write_end)
    with os.fdopen(read_end, "rb") as answer:
        told = answer.read()
    os.waitpid(child, 0)
    return told[1:].decode() if told else None


@pytest.mark.root
def test_the_group_is_woken_and_administers_nothing__L_207_P12(start, sandbox, people):
    home = sandbox.make("alice", 0o755, people.alice)
    base = os.path.join(home, "base")
    os.mkdir(base)
    os.chown(base, people.alice.uid, people.alice.gid)
    os.chmod(base, 0o2750)
    text = flow.config().replace("[policies]", '[shm]\npermissions_mode = "660"\n[policies]')
    driver = start.driver(config=text, base=base, run=home, aeron=home + "/aeron", user=people.alice)
    environment = clean_environment(TP_RUNTIME_DIR=home)
    publisher = flow.Publisher(start, hz=20, user=people.alice, environment=environment)
    subscriber = flow.Subscriber(start, user=people.bob, environment=environment)
    subscriber.wait_for_frames()
    until_it_has_a_page(publisher, subscriber)
    subscriber.wait_for_frames(20)
    path = os.path.join(home, "driver-01.wake")
    assert 0o660 == stat.S_IMODE(os.stat(path).st_mode)
    wake = b'{"cmd":"wake","stream":10000}\n'
    assert '{"ok":true}' in says(path, people.bob, wake)
    for command in (b"drain", b"leases", b"ping", b"reload"):
        assert '"ok":false' in says(path, people.bob, b'{"cmd":"' + command + b'"}\n')
    assert says(path, people.mallory, wake) is None
    assert says(os.path.join(home, "driver-01.sock"), people.bob, wake) is None
    assert driver.is_running()
