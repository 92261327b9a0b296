"""docs/webhooks.md is true: its list of events and its schedule are ours. How to check is tested in tests/interop."""

import re
from pathlib import Path

from services.notifier.domain.content import NAMES
from services.notifier.settings import SCHEDULE

PAGE = (Path(__file__).parents[2] / "docs" / "webhooks.md").read_text()
UNITS = {"s": 1, "min": 60, "h": 3600}


def test_every_event_is_named() -> None:
    table = PAGE.split("| event | what happened |")[1].split("\n\n")[0]
    assert set(re.findall(r"`([a-z]+\.[a-z]+)`", table)) == set(NAMES)


def test_the_waits_are_the_schedules() -> None:
    sentence = " ".join(PAGE.split("Ten tries: at once, then after ")[1].split(", each wait")[0].split())
    waits = [int(number) * UNITS[unit] for number, unit in re.findall(r"(\d+) (s|min|h)\b", sentence)]
    assert waits == [int(wait) for wait in SCHEDULE.split(",")]
