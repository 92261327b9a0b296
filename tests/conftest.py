"""Fixtures every kind of test may use, each from the file named here; and how tests are shared out to processes."""

import os
from collections.abc import Sequence

import pytest

pytest_plugins = [
    "tests.fixtures.postgres",
    "tests.fixtures.kafka",
    "tests.fixtures.services",
    "tests.fixtures.issuer",
    "tests.fixtures.receiver",
]


def pytest_xdist_auto_num_workers() -> int:
    """Two, each with a broker and a database server of its own; one where the tests were given somebody else's."""
    given = {"LAUREL_TEST_KAFKA", "LAUREL_TEST_POSTGRES"} & os.environ.keys()
    return 1 if given else 2


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    """A file stays in one process, a bus at a time: its tests share what is slow to start."""
    for item in items:
        callspec = getattr(item, "callspec", None)
        bus = callspec.params.get("bus_kind", "") if callspec else ""
        item.add_marker(pytest.mark.xdist_group(f"{item.path.stem}-{bus}"))
