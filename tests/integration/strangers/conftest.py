"""What the tests of the verifier among strangers share: it alone, somebody who asks it, and a site of a stranger's."""

from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from tests.fixtures.services import Stacks
from tests.fixtures.stack import Stack
from tests.integration.lone_service import only, somebody
from tests.integration.paper_issuer import PaperIssuer
from tests.integration.strangers.foreign_site import ForeignSite, issuer_on, open_site


@pytest.fixture(scope="module")
def stack(stacks: Stacks) -> Iterator[Stack]:
    """The verifier alone, allowed to fetch from this machine."""
    with only("verifier", stacks, "embedded") as made:
        yield made


@pytest.fixture
async def http(stack: Stack) -> AsyncIterator[httpx.AsyncClient]:
    """A client of it that has used none of its share of fetches."""
    async with somebody(stack, "verifier") as made:
        yield made


@pytest.fixture
async def site() -> AsyncIterator[ForeignSite]:
    """A site with nothing on it."""
    async with open_site() as made:
        yield made


@pytest.fixture
def stranger(site: ForeignSite) -> PaperIssuer:
    """An issuer whose DID document is on the site."""
    return issuer_on(site)
