"""The Kafka client's chatter is thinned out, and only its."""

import logging

import pytest

from shared.bus.kafka import KafkaBus


@pytest.fixture(autouse=True)
def _fresh_filters() -> None:
    for name in list(logging.root.manager.loggerDict):
        logging.getLogger(name).filters.clear()


def test_one_kind_of_message_is_logged_once_however_often_it_comes(caplog):
    KafkaBus("127.0.0.1:1")
    client = logging.getLogger("aiokafka")
    for port in range(50):
        client.error("Unable connect to node with id %s", port)
        client.error("Unable to update metadata from %s", port)
    assert len(caplog.records) == 2


def test_it_is_logged_again_after_a_while(caplog, monkeypatch):
    KafkaBus("127.0.0.1:1")
    client = logging.getLogger("aiokafka")
    client.error("Unable connect to node with id %s", 1)
    monkeypatch.setattr("shared.bus.kafka_logging.time.monotonic", lambda: float("inf"))
    client.error("Unable connect to node with id %s", 1)
    assert len(caplog.records) == 2


def test_other_logs_are_left_alone_and_buses_do_not_pile_up_filters(caplog):
    for _ in range(3):
        KafkaBus("127.0.0.1:1")
    for _ in range(3):
        logging.getLogger("elsewhere").error("the same")
    assert len(caplog.records) == 3
    assert len(logging.getLogger("aiokafka").filters) == 1
