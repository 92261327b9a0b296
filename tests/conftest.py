"""Fixtures every kind of test may use, each from the file named here; and how tests are shared out to processes."""

import os
import re
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

pytest_plugins = [
    "tests.fixtures.postgres",
    "tests.fixtures.kafka",
    "tests.fixtures.services",
    "tests.fixtures.issuer",
    "tests.fixtures.receiver",
    "tests.fixtures.node",
    "tests.fixtures.java_peer",
    "tests.fixtures.mail_server",
]


def pytest_xdist_auto_num_workers() -> int:
    """Two, each with a broker and a database server of its own; one where the tests were given somebody else's."""
    given = {"LAUREL_TEST_KAFKA", "LAUREL_TEST_POSTGRES"} & os.environ.keys()
    return 1 if given else 2


class ByFileAndBus(LoadScopeScheduling):  # type: ignore[misc]
    """A file stays in one process, a bus at a time: its tests share what is slow to start."""

    def _split_scope(self, nodeid: str) -> str:
        file, _, test = nodeid.partition("::")
        buses = {"kafka", "embedded"} & set(re.split(r"[\[\]-]", test))
        return " ".join([file, *sorted(buses)])


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByFileAndBus:
    """The one above, whatever `--dist` says."""
    return ByFileAndBus(config, log)
