"""Fixtures every kind of test may use; each comes from the file named here."""

pytest_plugins = [
    "tests.fixtures.postgres",
    "tests.fixtures.kafka",
    "tests.fixtures.services",
    "tests.fixtures.issuer",
    "tests.fixtures.receiver",
]
