"""What bench makes of the processor times it reads."""

import os
import time

import pytest

from bench.installation import processor_seconds_of
from bench.suites_http import rates, unsigned


def test_rates_are_of_the_processor_time_of_the_server_and_of_all_parts() -> None:
    before, after = {"server": 1.0, "postgres": 10.0}, {"server": 1.5, "postgres": 10.25}
    assert rates(300, before, after) == {"alone": 600, "all": 400}


def test_a_server_without_parts_has_one_rate() -> None:
    assert rates(300, {"server": 1.0}, {"server": 3.0}) == {"alone": 150, "all": 150}


def test_the_clock_of_a_process_is_its_own_processor_time() -> None:
    assert processor_seconds_of(os.getpid()) == pytest.approx(time.process_time(), abs=0.01)


def test_nobody_has_to_ask_for_a_status_list() -> None:
    document = unsigned("did:key:z6Mk", "eddsa-jcs-2022")["credential"]
    assert document["issuer"]["id"] == "did:key:z6Mk"
    assert "credentialStatus" not in document
