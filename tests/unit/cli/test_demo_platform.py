"""The demo's platform checks signatures itself, as any receiver of Standard Webhooks would."""

from datetime import UTC, datetime

from standardwebhooks.webhooks import Webhook

from services.cli.demo_platform import refuse

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
BODY = b'{"test": 2432232314}'
NOW = 1614265330
HEADERS = {
    "Webhook-Id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
    "Webhook-Timestamp": str(NOW),
    "Webhook-Signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
}


def test_the_specifications_vector_is_accepted() -> None:
    assert refuse(SECRET, HEADERS, BODY, NOW) is None


def test_what_the_specifications_library_signs_is_accepted() -> None:
    signature = Webhook(SECRET).sign("msg_1", datetime.fromtimestamp(NOW, UTC), BODY.decode())
    headers = {**HEADERS, "Webhook-Id": "msg_1", "Webhook-Signature": f"v1a,bm9uZQ== {signature}"}
    assert refuse(SECRET, headers, BODY, NOW + 299) is None


def test_anything_else_is_refused() -> None:
    assert refuse(SECRET, HEADERS, BODY + b" ", NOW) == "the signature does not match"
    assert refuse("whsec_AAAA", HEADERS, BODY, NOW) == "the signature does not match"
    assert refuse(SECRET, {**HEADERS, "Webhook-Id": "msg_2"}, BODY, NOW) == "the signature does not match"
    assert refuse(SECRET, {**HEADERS, "Webhook-Signature": "v2,AAAA"}, BODY, NOW) == "the signature does not match"
    assert refuse(None, HEADERS, BODY, NOW) == "nobody subscribed this page"
    stale = "no id, or a timestamp more than five minutes off"
    assert refuse(SECRET, HEADERS, BODY, NOW + 301) == stale
    assert refuse(SECRET, {**HEADERS, "Webhook-Timestamp": "soon"}, BODY, NOW) == stale
    assert refuse(SECRET, {}, BODY, NOW) == stale
