"""What the tests of the VC-API share: an institution."""

import pytest

from tests.fixtures.api import Api, Institution
from tests.integration.vc_api.asking import dids
from tests.integration.vc_api.securing import add_key, credential, issued


@pytest.fixture
async def tenant(api: Api) -> Institution:
    """An institution with a key of each kind that the verifier has heard of."""
    made = await api.institution()
    for algorithm in ("P-256", "P-384"):
        await add_key(api, made, algorithm)
    newest = (await dids(api, made))["P-384"]  # the verifier hears of an institution's keys in their order
    await api.verdict(await issued(api, made, credential(newest)), "valid")
    return made
