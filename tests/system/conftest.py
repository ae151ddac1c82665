"""Fixtures of the system tests. Nothing is left behind, also when pytest is killed: see harness/guardian.py."""

import os

import pytest

from harness import sandbox as sandboxes
from harness import users as user_tools
from harness.guardian import Guardian
from harness.process import Daemon, Driver, Process


def pytest_collection_modifyitems(items):
    if 0 == os.geteuid():
        return
    for item in items:
        if item.get_closest_marker("root"):
            item.add_marker(pytest.mark.skip(reason="needs root"))


@pytest.fixture(scope="session")
def guardian():
    sandboxes.remove_dead()
    user_tools.remove_dead()
    made = Guardian()
    yield made
    made.close()


@pytest.fixture
def sandbox(guardian):
    made = sandboxes.Sandbox(guardian)
    yield made
    made.close()


@pytest.fixture
def start(sandbox):
    """start(name, arguments...) runs a program, start.driver(...) a driver, start.service(name, ...) a service.

    What still runs at the end of the test is killed."""
    running = []

    class Starter:
        def __call__(self, name, *arguments, **more):
            process = Process(sandbox, name, [str(argument) for argument in arguments], **more)
            running.append(process)
            return process

        def driver(self, *arguments, **more):
            process = Driver(sandbox, *arguments, **more)
            running.append(process)
            return process

        def service(self, name, *arguments, **more):
            """tp_supervisord or tp_discoveryd at the sandbox's media driver."""
            process = Daemon(sandbox, name, ["--aeron-dir", sandbox.aeron, *arguments], **more)
            running.append(process)
            return process

        def failing_driver(self, *arguments, **more):
            """A driver that is expected not to start."""
            return self.driver(*arguments, ready=False, **more)

    yield Starter()
    for process in reversed(running):
        process.kill()


@pytest.fixture
def driver(start, request):
    """A driver with the configuration of the module, its CONFIG."""
    return start.driver(config=request.module.CONFIG)


@pytest.fixture(scope="session")
def people(guardian):
    """Two users of one group, and a stranger of another."""
    if 0 != os.geteuid():
        pytest.skip("needs root")
    group = user_tools.make_group(guardian)
    other = user_tools.make_group(guardian)

    class People:
        alice = user_tools.make_user(guardian, group)
        bob = user_tools.make_user(guardian, group)
        mallory = user_tools.make_user(guardian, other)

    return People()
