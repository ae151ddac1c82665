"""What goes wrong around the programs: memory is full, regions are damaged, processes die or stop. Always a clear message, never a hang."""

import os
import signal
import subprocess

import pytest

from harness import flow
from harness.process import clean_environment
from harness.waiting import holds, until


def pool_files(sandbox, stream=flow.STREAM):
    return [os.path.join(sandbox.base, name) for name in sandbox.files(sandbox.base) if name.endswith(".pool") and f"/{stream}/" in "/" + name]


# ---- memory ------------------------------------------------------------------------------------------------------------------------------

@pytest.fixture
def small_tmpfs(sandbox):
    """A file system of 2 MiB as base directory."""
    if 0 != os.geteuid():
        pytest.skip("needs root to mount")
    path = sandbox.make("small", 0o700)
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m,mode=0700", "tmpfs", path], capture_output=True, text=True, check=False)
    if 0 != done.returncode:
        pytest.skip("cannot mount a tmpfs here: " + done.stderr.strip())
    yield path
    subprocess.run(["umount", "-l", path], check=False)


def test_full_memory_is_an_answer_and_not_a_signal__D_179_D_180_D_201_M6(start, sandbox, small_tmpfs):
    text = flow.config(nslots=64, stride=1 << 20) + """
[profiles.q]
header_nslots = 4
payload_pools = [{ pool_id = 1, stride_bytes = 65536 }]
[streams.small]
stream_id = 10001
profile = "q"
"""
    driver = start.driver(config=text, base=small_tmpfs)
    large = flow.Publisher(start, hz=10)
    assert large.process.wait(30) in (1, 4), large.process.describe()
    assert "error[TP" in large.process.err() and "space" in large.process.err().lower(), large.process.describe()
    assert [] == [name for name in sandbox.files(small_tmpfs) if f"/{flow.STREAM}/" in "/" + name and name.endswith((".pool", ".ring"))]
    subscriber = flow.Subscriber(start, 10001, "--count", 20)
    flow.Publisher(start, 10001, shape="16x16")
    subscriber.process.expect(0, timeout=30)
    driver.stop()


def test_truncated_region_is_refused__W_213_M2_M6(start, sandbox):
    """Somebody who may write the files cuts one: a consumer that maps it afterwards says so and does not crash."""
    start.driver(config=flow.config())
    flow.Publisher(start)
    until(lambda: pool_files(sandbox), 30, "a pool file")
    first = flow.Subscriber(start)
    first.wait_for_frames(5)
    first.process.signal(signal.SIGINT)
    first.process.wait()
    for file in pool_files(sandbox):
        os.truncate(file, 4096)
    second = flow.Subscriber(start, flow.STREAM, "--timeout", 3)
    code = second.process.wait(30)
    assert code > 0, f"ended with {code}\n{second.process.describe()}"
    assert "error[TP" in second.process.err()
    assert [] == second.frames()


@pytest.mark.parametrize("size", [0, 4096])
def test_region_truncated_while_it_is_used_kills_nobody__M6(start, sandbox, size):
    """Members of the group may write the files, so they may cut them as well. Nothing that is wrong counts as right."""
    driver = start.driver(config=flow.config())
    publisher = flow.Publisher(start)
    subscriber = flow.Subscriber(start)
    subscriber.wait_for_frames()
    for name in sandbox.files(sandbox.base):
        if name.endswith((".pool", ".ring")):
            os.truncate(os.path.join(sandbox.base, name), size)
    holds(lambda: driver.is_running() and publisher.process.popen.poll() != -signal.SIGBUS and subscriber.process.popen.poll() != -signal.SIGBUS, 2.0,
        lambda: "\n".join(each.describe() for each in (driver, publisher.process, subscriber.process)))
    for each in (publisher.process, subscriber.process):
        if each.is_running():
            each.signal(signal.SIGINT)
        assert each.wait(20) >= 0, each.describe()
    subscriber.all_frames_are_right()
    healthy = flow.Publisher(start, label="healthy")
    after = flow.Subscriber(start, flow.STREAM, "--count", 10, label="after")
    after.process.expect(0, timeout=20)
    assert healthy.process.is_running() and driver.is_running()
    driver.stop()


# ---- media driver ------------------------------------------------------------------------------------------------------------------------

def test_client_without_media_driver_says_so__D_199(start, sandbox):
    for verb in (["sub", "10000"], ["pub", "10000", "--pattern", "counter"]):
        process = start("tp", *verb, "--aeron-dir", sandbox.aeron, "--timeout", 5)
        assert 3 == process.wait(30), process.describe()
        assert "error[TP3" in process.err() and "fix:" in process.err(), process.describe()


def test_client_without_driver_says_so__D_055(start, sandbox):
    """A media driver runs, no tensor pool driver answers."""
    other = sandbox.make("other-run", 0o700)
    start.driver(config=flow.config(control=1900), run=other)
    process = start("tp", "sub", "10000", "--aeron-dir", sandbox.aeron, "--timeout", 3)
    assert process.wait(30) in (3, 5), process.describe()
    assert "error[TP" in process.err(), process.describe()


def test_clients_end_or_wait_when_the_media_driver_dies__A4(start, sandbox):
    driver = start.driver(config=flow.config())
    publisher = flow.Publisher(start, flow.STREAM, "--timeout", 5)
    subscriber = flow.Subscriber(start, flow.STREAM, "--timeout", 5)
    subscriber.wait_for_frames()
    driver.signal(signal.SIGKILL)
    driver.wait()
    for each in (publisher.process, subscriber.process):
        assert each.wait(60) > 0, each.describe()
        assert "error[TP" in each.err(), each.describe()


# ---- the driver dies and comes back --------------------------------------------------------------------------------------------------------

@pytest.fixture
def media_driver(start, sandbox):
    """An Aeron media driver that outlives the driver under test: a second driver with other streams and directories embeds it."""
    run = sandbox.make("host-run", 0o700)
    base = sandbox.make("host-base", 0o700)
    return start.driver(config=flow.config(stream=19999, control=1900), run=run, base=base, instance="host")


def test_clients_reattach_after_a_driver_was_killed__D_154_D_155_D_158_D_159(start, sandbox, media_driver):
    driver = start.driver(config=flow.config(), embedded=False)
    publisher = flow.Publisher(start)
    subscribers = [flow.Subscriber(start, label=f"sub{i}") for i in range(2)]
    for each in subscribers:
        each.wait_for_frames()
    before = max(each.epoch() for each in subscribers)
    driver.signal(signal.SIGKILL)
    driver.wait()
    restarted = start.driver(config=flow.config(), embedded=False)
    for each in subscribers:
        each.wait_for_epoch_above(before)
        each.wait_for_frames()
    assert publisher.process.is_running() and media_driver.is_running()
    restarted.stop()


def test_clients_reattach_after_an_orderly_restart__D_153_D_154(start, media_driver):
    driver = start.driver(config=flow.config(), embedded=False)
    publisher = flow.Publisher(start)
    subscriber = flow.Subscriber(start)
    subscriber.wait_for_frames()
    before = subscriber.epoch()
    driver.stop()
    start.driver(config=flow.config(), embedded=False)
    subscriber.wait_for_epoch_above(before, timeout=30)
    subscriber.wait_for_frames()
    assert publisher.process.is_running()


def test_clients_reattach_after_a_driver_with_its_media_driver_was_killed__D_154_D_158(start):
    driver = start.driver(config=flow.config())
    publisher = flow.Publisher(start)
    subscriber = flow.Subscriber(start)
    subscriber.wait_for_frames()
    before = subscriber.epoch()
    driver.signal(signal.SIGKILL)
    driver.wait()
    start.driver(config=flow.config())
    subscriber.wait_for_epoch_above(before, timeout=30)
    subscriber.wait_for_frames()
    assert publisher.process.is_running()


# ---- clients die and stop -------------------------------------------------------------------------------------------------------------------

def accepted(publisher):
    """The publisher if it got its lease, None if it was refused."""
    until(lambda: not publisher.process.is_running() or publisher.is_publishing(), 30, publisher.process.describe)
    if publisher.process.is_running():
        return publisher
    assert 4 == publisher.process.wait() and "error[TP4012]" in publisher.process.err(), publisher.process.describe()
    return None


def test_killed_producer_is_replaced_by_the_next__D_102_D_131_D_136_D_139(start):
    start.driver(config=flow.config())
    first = flow.Publisher(start, hz=0)
    subscriber = flow.Subscriber(start, flow.STREAM, "--mode", "rate-limited", "--max-rate", 200)        # prints no gigabytes
    subscriber.wait_for_frames()
    before = subscriber.epoch()
    first.process.signal(signal.SIGKILL)
    first.process.wait()
    # The lease of the dead lives on for a while, and for as long a second producer is refused (D-053).
    next_one = until(lambda: accepted(flow.Publisher(start)), 30, "a second producer is accepted")
    subscriber.wait_for_epoch_above(before, timeout=30)
    assert next_one.process.is_running()
    subscriber.wait_for_frames()


def test_second_producer_is_rejected_with_4__D_053(start):
    start.driver(config=flow.config())
    first = flow.Publisher(start)
    subscriber = flow.Subscriber(start)
    subscriber.wait_for_frames()
    second = start("tp", "pub", flow.STREAM, "--pattern", "counter", "--timeout", 10, label="second")
    assert 4 == second.wait(30), second.describe()
    assert "error[TP4012]" in second.err(), second.describe()
    subscriber.wait_for_frames()
    assert first.process.is_running()


def test_stopped_consumer_stops_nobody_else__A1_A6(start):
    start.driver(config=flow.config())
    publisher = flow.Publisher(start, hz=1000)
    stopped = flow.Subscriber(start, label="stopped")
    other = flow.Subscriber(start, label="other")
    for each in (stopped, other):
        each.wait_for_frames()
    stopped.process.signal(signal.SIGSTOP)
    for _ in range(5):
        other.wait_for_frames(200, timeout=30)
    third = flow.Subscriber(start, label="third")
    third.wait_for_frames()
    assert publisher.process.is_running()
    stopped.process.signal(signal.SIGCONT)
    stopped.wait_for_frames(timeout=30)


def test_killed_consumer_leaves_the_others_alone__D_022_D_119(start):
    start.driver(config=flow.config())
    flow.Publisher(start)
    killed = flow.Subscriber(start, label="killed")
    other = flow.Subscriber(start, label="other")
    for each in (killed, other):
        each.wait_for_frames()
    epoch = other.epoch()
    killed.process.signal(signal.SIGKILL)
    killed.process.wait()
    other.wait_for_frames(100)
    assert other.epoch() == epoch


# ---- users ---------------------------------------------------------------------------------------------------------------------------------

@pytest.mark.root
@pytest.mark.parametrize("who", ["bob", "mallory"])
def test_group_reads_the_frames_and_strangers_do_not__W_243_W_245(start, sandbox, people, who):
    """Mode 640: bob of the same group may read, mallory may not."""
    reader = getattr(people, who)
    home = sandbox.make("alice", 0o755, people.alice)
    directory = os.path.join(home, "base")
    os.mkdir(directory)
    os.chown(directory, people.alice.uid, people.alice.gid)
    os.chmod(directory, 0o2750)
    text = flow.config().replace("[policies]", '[shm]\npermissions_mode = "660"\n[policies]')
    start.driver(config=text, base=directory, run=home, aeron=home + "/aeron", user=people.alice)
    environment = clean_environment(TP_RUNTIME_DIR=home)
    flow.Publisher(start, user=people.alice, environment=environment)
    subscriber = flow.Subscriber(start, flow.STREAM, "--timeout", 5, user=reader, environment=environment)
    if "bob" == who:
        subscriber.wait_for_frames()
        return
    assert subscriber.process.wait(30) > 0, subscriber.process.describe()
    assert "error[TP" in subscriber.process.err() and [] == subscriber.frames(), subscriber.process.describe()


def test_driver_that_is_stopped_ends_the_leases_and_resumes__D_103_D_154(start, media_driver):
    """A driver that does not run for longer than a lease: clients leave the regions by themselves and come back when it goes on."""
    driver = start.driver(config=flow.config(), embedded=False)
    flow.Publisher(start)
    subscriber = flow.Subscriber(start)
    subscriber.wait_for_frames()
    driver.signal(signal.SIGSTOP)
    count = lambda: subscriber.count()  # noqa: E731
    until(lambda: _stands_still(count), 30, lambda: f"frames flow without a driver\n{subscriber.process.describe()}")
    driver.signal(signal.SIGCONT)
    subscriber.wait_for_frames(timeout=30)


def _stands_still(count):
    before = count()
    try:
        holds(lambda: count() == before, 0.5, "frames")
    except AssertionError:
        return False
    return True


# ---- directories -------------------------------------------------------------------------------------------------------------------------------

def namespace_of(sandbox):
    user = os.path.join(sandbox.base, os.listdir(sandbox.base)[0])
    return os.path.join(user, "default")


@pytest.mark.parametrize("plant", ["writable", "link"])
def test_directory_that_becomes_unsafe_is_refused_at_the_next_creation__D_205_D_017_D_075_M10(start, sandbox, plant):
    driver = start.driver(config=flow.config(driver='stream_id_range = "20000-20009"', policies="allow_dynamic_streams = true"))
    path = namespace_of(sandbox)
    if "writable" == plant:
        os.chmod(path, 0o777)
    else:
        os.rename(path, path + "-away")
        target = sandbox.make("target", 0o700)
        os.symlink(target, path)
    refused = start("tp", "pub", 20000, "--pattern", "counter", "--shape", "8x8", "--timeout", 3, label="refused")
    assert 4 == refused.wait(30), refused.describe()
    assert "error[TP4004]" in refused.err(), refused.describe()
    assert driver.is_running()
    if "writable" == plant:
        os.chmod(path, 0o750)
    else:
        assert [] == os.listdir(target), "something was created behind the link"
        os.unlink(path)
        os.rename(path + "-away", path)
    subscriber = flow.Subscriber(start, 20000, "--count", 5)
    flow.Publisher(start, 20000, shape="8x8")
    subscriber.process.expect(0, timeout=30)
