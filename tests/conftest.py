"""The fixtures: sandbox, service, mount and program, all of them factories, and the check that
every test leaves nothing behind, nothing unexpected in a log, and no undeclared DELETE."""

import os
import signal

import pytest

pytest.register_assert_rewrite("harness.ledger", "harness.client", "harness.sandbox_alone")

from harness import system, watchdog  # noqa: E402  (after the line above)
from harness.world import World  # noqa: E402


def pytest_configure():
    # A shell starts what runs in the background with Ctrl-C ignored, and so would every child be.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    system.become_subreaper()
    watchdog.output = os.dup(2)  # nothing is captured yet


def pytest_sessionstart():
    for program in (system.BIGDATAFS, system.SANDBOX):
        if not os.access(program, os.X_OK):
            pytest.exit(f"{program} is not there: build first, or set BIGDATAFS_BUILD", 2)
    if not os.access("/dev/fuse", os.R_OK | os.W_OK):
        pytest.exit("/dev/fuse is missing or not accessible: these tests need real mounts", 2)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    if call.when == "call":
        item.failed = outcome.get_result().failed


@pytest.fixture(autouse=True)
def world(request, tmp_path):
    world = World(tmp_path)
    world.watch()
    yield world
    failed = getattr(request.node, "failed", True)
    problems = world.finish(failed)
    if failed or problems:
        world.print_logs()
    if problems:
        pytest.fail("\n".join(problems), pytrace=False)


@pytest.fixture
def sandbox(world):
    """sandbox(seed=3, delete_rate=, latency=, db=, tcp=False): a running bigdatafs-sandbox."""
    return world.sandbox


@pytest.fixture
def service(world):
    """service(*connectors, tcp=False): a scripted server inside the test."""
    return world.service


@pytest.fixture
def mount(world):
    """mount(server, **options): a mount of what the server serves."""
    return world.mount


@pytest.fixture
def program(world):
    """program(*arguments): bigdatafs run to its end."""
    return world.program
