"""
Directories of several users: whose they are, who can write them, who gets in. Root bypasses modes, so the processes run as users made for
the test.
"""

import os
import resource
import socket
import stat

import pytest

pytestmark = pytest.mark.root

CONFIG = """
[policies]
shutdown_timeout_ms = 100
[profiles.p]
header_nslots = 8
payload_pools = [{ pool_id = 1, stride_bytes = 4096 }]
[streams.s]
stream_id = 10000
profile = "p"
"""


def driver_of(start, sandbox, user, base, ready=True, instance="driver-01", **more):
    """A driver run by that user with runtime and Aeron directories of its own."""
    home = sandbox.make(f"{user.name}-{instance}", 0o700, user)
    make = start.driver if ready else start.failing_driver
    return make(config=CONFIG, base=base, user=user, run=home, aeron=home + "/aeron", instance=instance, **more)


@pytest.fixture
def shared_base(sandbox, people):
    """A base directory that the group may use: sticky, so that nobody removes what another one made."""
    base = sandbox.make("shared", 0o755)
    os.chown(base, 0, people.alice.gid)
    os.chmod(base, 0o3770)
    return base


def test_two_users_share_a_base_and_no_directory__D_196_W_222_W_243_W_245(start, sandbox, people, shared_base):
    first = driver_of(start, sandbox, people.alice, shared_base)
    second = driver_of(start, sandbox, people.bob, shared_base)
    names = sorted(os.listdir(shared_base))
    assert [f"tensorpool-{people.alice.name}", f"tensorpool-{people.bob.name}"] == names
    for user, name in ((people.alice, names[0]), (people.bob, names[1])):
        for root, directories, files in os.walk(os.path.join(shared_base, name)):
            for path in [root, *[os.path.join(root, each) for each in directories + files]]:
                status = os.lstat(path)
                assert status.st_uid == user.uid, path
                assert 0 == stat.S_IMODE(status.st_mode) & 0o007, f"{path} has mode {stat.S_IMODE(status.st_mode):o}"
    first.stop()
    second.stop()


def test_driver_of_a_user_without_access_is_refused__D_205_W_245(start, sandbox, people, shared_base):
    driver = driver_of(start, sandbox, people.mallory, shared_base, ready=False).expect(1)
    assert "error[TP1010]" in driver.err() and shared_base in driver.err(), driver.describe()


def test_unprivileged_driver_runs__D_001(start, sandbox, people):
    base = sandbox.make("own", 0o700, people.alice)
    driver = driver_of(start, sandbox, people.alice, base)
    driver.stop()


def plant_link(sandbox, people, base):
    target = sandbox.make("target", 0o700, people.alice)
    os.rmdir(base)
    os.symlink(target, base)


def plant_foreign(sandbox, people, base):
    os.chown(base, people.bob.uid, people.bob.gid)
    os.chmod(base, 0o777)


def plant_writable(sandbox, people, base):
    os.chmod(base, 0o777)


def plant_foreign_user_directory(sandbox, people, base):
    os.chmod(base, 0o1777)
    path = os.path.join(base, f"tensorpool-{people.alice.name}")
    os.mkdir(path)
    os.chown(path, people.bob.uid, people.bob.gid)
    os.chmod(path, 0o777)


def plant_link_as_user_directory(sandbox, people, base):
    target = sandbox.make("elsewhere", 0o700, people.alice)
    os.symlink(target, os.path.join(base, f"tensorpool-{people.alice.name}"))


def plant_writable_namespace(sandbox, people, base):
    user = os.path.join(base, f"tensorpool-{people.alice.name}")
    for path in (user, user + "/default"):
        os.mkdir(path)
        os.chown(path, people.alice.uid, people.alice.gid)
        os.chmod(path, 0o770)
    os.chmod(user + "/default", 0o777)


def plant_file_as_namespace(sandbox, people, base):
    user = os.path.join(base, f"tensorpool-{people.alice.name}")
    os.mkdir(user)
    os.chown(user, people.alice.uid, people.alice.gid)
    with open(user + "/default", "w", encoding="utf-8") as out:
        out.write("no directory")


PLANTS = [plant_link, plant_foreign, plant_writable, plant_foreign_user_directory, plant_link_as_user_directory, plant_writable_namespace,
    plant_file_as_namespace]


@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: plant.__name__)
def test_planted_directory_ends_the_start__D_205_M10(start, sandbox, people, plant):
    base = sandbox.make("planted", 0o700, people.alice)
    plant(sandbox, people, base)
    before = sandbox.files(sandbox.path + "/target") if os.path.isdir(sandbox.path + "/target") else []
    driver = driver_of(start, sandbox, people.alice, base, ready=False).expect(1)
    assert "error[TP6002]" in driver.err() and base in driver.err(), driver.describe()
    for name in ("target", "elsewhere"):
        if os.path.isdir(f"{sandbox.path}/{name}"):
            assert before == sandbox.files(f"{sandbox.path}/{name}"), "something was created behind the link"


def test_trusted_directories_are_accepted__D_205(start, sandbox, people):
    """Both sides of each rule: root's sticky directory open to all, an own one, an existing own user directory."""
    base = sandbox.make("open", 0o755)
    os.chmod(base, 0o1777)
    driver_of(start, sandbox, people.alice, base).stop()
    driver_of(start, sandbox, people.alice, base, instance="again").stop()


def test_first_user_does_not_lock_out_the_second__D_205_D_196(start, sandbox, people):
    """Nobody made the base: the first driver does, and the driver of another user works in it all the same."""
    parent = sandbox.make("parent", 0o755)
    os.chmod(parent, 0o1777)
    base = parent + "/tensorpool"
    first = driver_of(start, sandbox, people.alice, base)
    assert 0o1777 == os.stat(base).st_mode & 0o7777 and people.alice.uid == os.stat(base).st_uid
    second = driver_of(start, sandbox, people.bob, base, instance="second")
    assert {f"tensorpool-{people.alice.name}", f"tensorpool-{people.bob.name}"} == set(os.listdir(base))
    second.stop()
    first.stop()


def test_region_that_cannot_be_locked_is_fatal_when_locking_is_asked_for__D_192(start, sandbox, people):
    base = sandbox.make("locked", 0o700, people.alice)
    home = sandbox.make("alice-home", 0o700, people.alice)
    text = CONFIG.replace("[policies]", "[policies]\nmlock_shm = true")
    driver = start.failing_driver(config=text, base=base, user=people.alice, run=home, aeron=home + "/aeron",
        limits=[(resource.RLIMIT_MEMLOCK, (0, 0))]).expect(1)
    assert "error[TP6009]" in driver.err() and "policies.mlock_shm = true" in driver.err() and "RLIMIT_MEMLOCK" in driver.err(), driver.describe()
    unlimited = start.driver(config=text.replace("mlock_shm = true", "mlock_shm = false"), base=base, user=people.alice, run=home,
        aeron=home + "/aeron", limits=[(resource.RLIMIT_MEMLOCK, (0, 0))])
    unlimited.stop()


def test_base_that_another_user_made_may_be_shared_when_it_is_sticky__D_205(start, sandbox, people):
    """ADR 4: the first driver of a host makes the base with mode 1777; others use it and are told whose it is."""
    base = sandbox.make("first", 0o755)
    os.chown(base, people.bob.uid, people.bob.gid)
    os.chmod(base, 0o1777)
    driver = driver_of(start, sandbox, people.alice, base)
    assert "warn" in driver.err() and base in driver.err() and f"uid {people.bob.uid}" in driver.err(), driver.describe()
    driver.stop()
    os.chmod(base, 0o1775)
    refused = driver_of(start, sandbox, people.alice, base, ready=False, instance="refused").expect(1)
    assert "error[TP6002]" in refused.err() and base in refused.err()


def ask_as(user, path):
    """What the driver's socket says to that user: its answer, "" when it hangs up, None when the user does not get in."""
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
                try:
                    connection.sendall(b'{"cmd":"drain"}\n')
                    os.write(write_end, b"+" + connection.recv(4096))
                except (BrokenPipeError, ConnectionResetError):
                    os.write(write_end, b"+")
        finally:
            os._exit(0)
    os.close(write_end)
    with os.fdopen(read_end, "rb") as answer:
        told = answer.read()
    os.waitpid(child, 0)
    return told[1:].decode() if told else None


def test_socket_serves_its_owner_and_nobody_else__P12(start, sandbox, people, shared_base):
    driver = driver_of(start, sandbox, people.alice, shared_base)
    path = os.path.join(driver.run, driver.instance + ".sock")
    assert 0o600 == stat.S_IMODE(os.lstat(path).st_mode)
    assert ask_as(people.mallory, path) is None
    os.chmod(sandbox.path, 0o755)
    os.chmod(driver.run, 0o755)
    assert ask_as(people.mallory, path) is None
    os.chmod(path, 0o666)                                  # somebody opens all doors: the credentials still count
    assert "" == ask_as(people.mallory, path)
    assert "" == ask_as(people.bob, path)
    assert driver.is_running() and "draining" not in driver.err()
    assert '{"ok":true}' == ask_as(people.alice, path).strip()
    driver.expect(0)
