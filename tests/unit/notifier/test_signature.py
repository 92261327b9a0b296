"""Standard Webhooks signatures: the specification's vector, and what its own library says of ours."""

import base64
import time

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from services.notifier.domain.signature import headers, key_of, new_secret, public_key_of

BODY = b'{"test": 2432232314}'


def test_the_vector_of_the_specification() -> None:
    key = key_of("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    assert headers("msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, BODY, [key]) == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


def test_the_vector_of_asymmetric_signatures() -> None:
    key = key_of("whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==")
    signed = headers("msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, BODY, [key])
    assert signed["webhook-signature"] == (
        "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg=="
    )


def test_both_kinds_stand_in_one_header_and_the_library_skips_what_it_does_not_know() -> None:
    secret, private = new_secret(), new_secret("v1a")
    signed = headers("msg_abc", int(time.time()), BODY, [key_of(private), key_of(secret)])
    assert [each.partition(",")[0] for each in signed["webhook-signature"].split()] == ["v1a", "v1"]
    Webhook(secret).verify(BODY.decode(), signed)


def test_the_public_key_checks_what_the_private_one_signed() -> None:
    private = new_secret("v1a")
    signed = headers("msg_abc", 7, BODY, [key_of(private)])
    public = Ed25519PublicKey.from_public_bytes(base64.b64decode(public_key_of(private).removeprefix("whpk_")))
    signature = base64.b64decode(signed["webhook-signature"].removeprefix("v1a,"))
    public.verify(signature, b"msg_abc.7." + BODY)
    with pytest.raises(InvalidSignature):
        public.verify(signature, b"msg_abc.8." + BODY)


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
    keys = [key_of(secret) for secret in secrets]
    assert all(secret.startswith("whsec_") for secret in secrets)
    assert all(isinstance(key, bytes) and len(key) == 32 for key in keys)


@pytest.mark.parametrize(
    "secret",
    [
        "whsec_",
        "whsec_***",
        "whsec_" + "A" * 16,
        "whsec_" + "A" * 200,
        "whsk_",
        "whsk_***",
        "whsk_" + base64.b64encode(bytes(32)).decode(),
        "whsk_" + base64.b64encode(bytes(64)).decode(),
    ],
)
def test_what_is_no_secret_is_refused(secret: str) -> None:
    with pytest.raises(ValueError, match="the secret is not"):
        key_of(secret)
