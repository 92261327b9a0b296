"""What the tests in a browser share: the four services, the learner's letters, a host of pictures, and visitors."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import expect

from tests.browser.earner import Earner
from tests.browser.picture_host import PictureHost, picture_host
from tests.browser.visitor import SECONDS, Visitors, browsing
from tests.fixtures.api import Api
from tests.fixtures.certificate import certificate_for_localhost
from tests.fixtures.stack import Stack
from tests.integration.learners import Letters, letters

expect.set_options(timeout=SECONDS * 1000)


@pytest.fixture(scope="session", params=["embedded"])
def bus_kind(request: pytest.FixtureRequest) -> str:
    """One is enough: no page knows of the bus, and tests/integration/test_learner.py goes the same way on both."""
    return str(request.param)


@pytest.fixture
async def post(running: Stack) -> AsyncIterator[Letters]:
    """Every letter's link."""
    async with letters(running) as reader:
        yield reader


@pytest.fixture
async def visitors() -> AsyncIterator[Visitors]:
    """`await visitors("de-DE")` is somebody with a browser."""
    async with browsing() as opened:
        yield opened


@pytest.fixture
async def pictures(tmp_path: Path) -> AsyncIterator[PictureHost]:
    """The institution's pictures."""
    _, context = certificate_for_localhost(tmp_path)
    async with picture_host(context) as host:
        yield host


@pytest.fixture
async def earner(api: Api, post: Letters, running: Stack) -> Earner:
    """Who has earned credentials."""
    return Earner(api, post, running)
