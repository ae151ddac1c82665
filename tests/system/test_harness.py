"""The harness itself: nothing is left behind, also when the tests are killed."""

import os
import signal
import subprocess
import sys
import textwrap

import pytest

from harness import sandbox as sandboxes
from harness import users as user_tools
from harness.waiting import until

INNER = '''
    import os, time

    def test_inner(sandbox, start):
        process = start("tp_driver", "--embedded-media-driver", "--aeron-dir", sandbox.aeron, "--base-dir", sandbox.base,
            "--runtime-dir", sandbox.run)
        print("INNER", sandbox.path, process.pid, flush=True)
        time.sleep(300)
'''


def test_killed_tests_leave_no_process_and_no_directory(sandbox):
    here = os.path.dirname(os.path.abspath(__file__))
    folder = sandbox.make("inner")
    for name in ("harness", "conftest.py", "pytest.ini"):
        os.symlink(os.path.join(here, name), os.path.join(folder, name))
    sandbox.write("inner/test_inner.py", textwrap.dedent(INNER))
    inner = subprocess.Popen([sys.executable, "-B", "-m", "pytest", "-q", "-s", "-p", "no:cacheprovider", folder], stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, start_new_session=True)
    try:
        line = next(line for line in inner.stdout if "INNER" in line)
        path, pid = line.split("INNER ")[1].split()[:2]
        assert os.path.isdir(path) and os.path.isdir("/proc/" + pid)
        inner.send_signal(signal.SIGKILL)
        inner.wait(30)
        until(lambda: not os.path.exists("/proc/" + pid), 5, f"process {pid} is gone")
        until(lambda: not os.path.exists(path), 10, f"{path} is gone")
    finally:
        inner.kill()
        inner.stdout.close()


def test_directory_of_a_dead_owner_is_removed_and_that_of_a_living_one_stays(sandbox):
    dead = f"{sandboxes.PREFIX}4194999-0"
    others = [f"{sandboxes.PREFIX}{os.getpid()}-named", f"{sandboxes.PREFIX}named-{os.getpid()}-1"]
    for path in [dead + "/base/x", *others]:
        os.makedirs(path)
    try:
        sandboxes.remove_dead()
        assert not os.path.exists(dead)
        assert os.path.isdir(sandbox.base)
        assert all(os.path.isdir(path) for path in others)     # test programs that run beside us
    finally:
        for path in others:
            os.rmdir(path)


@pytest.mark.root
def test_users_of_the_tests_are_made_and_removed(guardian):
    group = user_tools.make_group(guardian)
    user = user_tools.make_user(guardian, group)
    assert user.uid > 0
    user_tools.remove_user(user.name)
    user_tools.remove_group(group)
    with pytest.raises(KeyError):
        user_tools.User(user.name)


def test_waiting_ends_at_its_deadline():
    with pytest.raises(AssertionError, match="not within 0.05 s: the moon"):
        until(lambda: False, 0.05, "the moon")
    assert 7 == until(lambda: 7, 0.05, "seven")
