"""What the notifier can be told, and what it refuses to start with."""

import pytest

from services.notifier.settings import Settings

NEEDED = {
    "LAUREL_DATABASE_URL": "postgresql://app@localhost/notifier",
    "LAUREL_DATABASE_OWNER_URL": "postgresql://owner@localhost/notifier",
    "LAUREL_OPERATOR_TOKEN": "an-operator-token",
    "LAUREL_KEK": "test:" + "A" * 43 + "=",
    "LAUREL_RECIPIENT_KEY": "test:" + "B" * 42 + "A=",
}


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in NEEDED.items():
        monkeypatch.setenv(name, value)


def test_the_defaults_are_those_of_the_specification() -> None:
    settings = Settings.load("notifier")
    assert settings.port == 8004
    assert len(settings.webhook_schedule.split(",")) == 9, "ten tries"
    assert settings.webhook_timeout == 15
    assert settings.webhook_allow_networks == ""
    assert settings.webhook_require_challenge is False


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("webhook_schedule", "soon"),
        ("webhook_schedule", "5,-1"),
        ("webhook_allow_networks", "10.0.0.1/8"),
        ("webhook_timeout", "0"),
        ("webhook_timeout", "3600"),
        ("webhook_slots", "0"),
        ("webhook_require_challenge", "perhaps"),
        ("smtp_url", "http://mx.example"),
        ("mail_from", "nobody"),
        ("mail_bounces", "no body@x.example"),
        ("mail_schedule", "soon"),
        ("mail_timeout", "0"),
        ("recipient_key", "short"),
    ],
)
def test_what_cannot_be_used_is_refused_by_name(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"LAUREL_{name.upper()}", value)
    with pytest.raises(SystemExit, match=f"^notifier: the settings cannot be used: LAUREL_{name.upper()}: [^;]*$"):
        Settings.load("notifier")


def test_without_a_key_encryption_key_there_is_no_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LAUREL_KEK")
    with pytest.raises(SystemExit, match="LAUREL_KEK"):
        Settings.load("notifier")
