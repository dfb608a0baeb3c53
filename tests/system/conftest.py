"""Fixtures of the system tests: one World a test, ended whatever happens."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))
from harness import Producer, World  # noqa: E402


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    setattr(item, f"report_{report.when}", report)


@pytest.fixture
def world(request):
    w = World()
    try:
        yield w
    finally:
        wrong = w.close()
        call = getattr(request.node, "report_call", None)
        if wrong or (call is not None and call.failed):
            print(w.logs())
        w.remove()
    assert not wrong, "\n".join(wrong)


@pytest.fixture
def redis(world):
    return world.redis()


@pytest.fixture
def producer(redis):
    return Producer(redis)


@pytest.fixture
def receiver(world):
    return world.start_receiver()
