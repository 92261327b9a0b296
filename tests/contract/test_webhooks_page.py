"""docs/webhooks.md is true: its Python checks what we send, its list of events and its schedule are ours."""

import json
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks.webhooks import WebhookVerificationError

from services.notifier.domain.content import NAMES
from services.notifier.domain.signature import headers, key_of, new_secret, public_key_of
from services.notifier.settings import SCHEDULE

PAGE = (Path(__file__).parents[2] / "docs" / "webhooks.md").read_text()
BODY = b'{"type":"credential.issued","data":{"name":"\xc3\x89mile"}}'
UNITS = {"s": 1, "min": 60, "h": 3600}


def example(name: str) -> Callable[[str, dict[str, str], bytes], Any]:
    """The function `check` of an example."""
    found = re.search(rf"<!-- tested: {name} -->\n```python\n(.*?)```", PAGE, re.DOTALL)
    assert found, name
    scope: dict[str, Any] = {}
    exec(found[1], scope)
    return scope["check"]  # type: ignore[no-any-return]


@pytest.mark.parametrize("name", ["library", "by hand"])
def test_the_example_takes_what_we_send_and_nothing_else(name: str) -> None:
    check, secret, now = example(name), new_secret(), int(time.time())
    signed = headers("msg_one", now, BODY, [key_of(secret)])
    assert check(secret, signed, BODY) == json.loads(BODY)
    assert check(secret, headers("msg_one", now, BODY, [key_of(new_secret()), key_of(secret)]), BODY)
    for spoiled, body in (
        (signed, BODY.replace(b"issued", b"forged")),
        ({**signed, "webhook-id": "msg_two"}, BODY),
        ({**signed, "webhook-timestamp": str(now + 1)}, BODY),
        (headers("msg_one", now, BODY, [key_of(new_secret())]), BODY),
        (headers("msg_one", now - 400, BODY, [key_of(secret)]), BODY),
    ):
        with pytest.raises((ValueError, WebhookVerificationError)):
            check(secret, spoiled, body)


def test_the_example_with_a_public_key_takes_what_we_send_and_nothing_else() -> None:
    check, private, now = example("public key"), new_secret("v1a"), int(time.time())
    public, keys = public_key_of(private), [key_of(new_secret()), key_of(new_secret("v1a")), key_of(private)]
    assert check(public, headers("msg_one", now, BODY, keys), BODY) == json.loads(BODY)
    for signed, body in (
        (headers("msg_one", now, BODY, keys), BODY + b" "),
        (headers("msg_one", now, BODY, keys[:2]), BODY),
        (headers("msg_one", now - 400, BODY, keys), BODY),
    ):
        with pytest.raises(ValueError, match=r"not signed|too old"):
            check(public, signed, body)


def test_every_event_is_named() -> None:
    table = PAGE.split("| event | what happened |")[1].split("\n\n")[0]
    assert set(re.findall(r"`([a-z]+\.[a-z]+)`", table)) == set(NAMES)


def test_the_waits_are_the_schedules() -> None:
    sentence = " ".join(PAGE.split("Ten tries: at once, then after ")[1].split(", each wait")[0].split())
    waits = [int(number) * UNITS[unit] for number, unit in re.findall(r"(\d+) (s|min|h)\b", sentence)]
    assert waits == [int(wait) for wait in SCHEDULE.split(",")]
