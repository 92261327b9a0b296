"""Standard Webhooks signatures: the specification's vector, and what its own library says of ours."""

import base64
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from services.notifier.domain.signature import headers, key_of, new_secret

BODY = b'{"test": 2432232314}'


def test_the_vector_of_the_specification() -> None:
    key = key_of("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    assert headers("msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, BODY, [key]) == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


@given(st.binary(max_size=2000))
def test_the_public_library_accepts_our_signature(noise: bytes) -> None:
    secret, body = new_secret(), b'{"noise":"' + base64.b64encode(noise) + b'"}'
    Webhook(secret).verify(body.decode(), headers("msg_abc", int(time.time()), body, [key_of(secret)]))


def test_any_one_of_several_keys_suffices() -> None:
    current, old = new_secret(), new_secret()
    signed = headers("msg_abc", int(time.time()), BODY, [key_of(current), key_of(old)])
    for secret in (current, old):
        Webhook(secret).verify(BODY.decode(), signed)
    with pytest.raises(WebhookVerificationError):
        Webhook(new_secret()).verify(BODY.decode(), signed)


@pytest.mark.parametrize(
    ("change", "late"),
    [({"webhook-id": "msg_abd"}, 0), ({"webhook-timestamp": "x"}, 0), ({}, 360), ({}, -360)],
    ids=["id", "timestamp", "six minutes late", "from the future"],
)
def test_the_public_library_refuses_what_was_changed_or_replayed(change: dict[str, str], late: int) -> None:
    secret = new_secret()
    signed = headers("msg_abc", int(time.time()) - late, BODY, [key_of(secret)])
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(BODY.decode(), {**signed, **change})


def test_the_public_library_refuses_a_changed_body() -> None:
    secret = new_secret()
    signed = headers("msg_abc", int(time.time()), BODY, [key_of(secret)])
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(BODY.decode() + " ", signed)


def test_secrets_are_fresh_and_of_32_bytes() -> None:
    secrets = {new_secret() for _ in range(100)}
    assert len(secrets) == 100
    assert all(secret.startswith("whsec_") and len(key_of(secret)) == 32 for secret in secrets)


@pytest.mark.parametrize("secret", ["whsec_", "whsec_***", "whsec_" + "A" * 16, "whsec_" + "A" * 200])
def test_what_is_no_secret_is_refused(secret: str) -> None:
    with pytest.raises(ValueError, match="the secret is not"):
        key_of(secret)
