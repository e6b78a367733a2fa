"""Fixtures: one house for the whole session; tests take queues and workflow ids of their own."""

import asyncio
import uuid

import pytest
from house import House
from temporalio.client import Client


def pytest_configure(config):
    config.addinivalue_line("markers", "alone: measures time or fills the machine, so that nothing else may run beside it")


@pytest.fixture(scope="session")
def house():
    house = House().with_vendor()
    try:
        yield house
    finally:
        house.close()


@pytest.fixture
def queue():
    return f"queue-{uuid.uuid4().hex[:12]}"


@pytest.fixture
def run_async():
    """Runs a coroutine to its end; a test is a plain function."""
    return lambda coroutine: asyncio.run(asyncio.wait_for(coroutine, 300))


@pytest.fixture
def connect(house):
    """An unmodified Python SDK client of the same server."""
    return lambda: Client.connect(house.temporal.address)
