"""Learners named by hashes: the form that Open Badges 3.0 gives them, and a known value."""

from shared.credentials import hash_identity, hashed_identity


def test_the_hash_is_the_known_one() -> None:
    digest = hash_identity("jjefferson18@example.com", "FleurDeSel")
    assert digest.startswith("sha256$658625b2")
    assert digest.endswith("1f5fc")
    assert len(digest) == len("sha256$") + 64


def test_an_identity_object_can_be_compared_and_does_not_show_the_value() -> None:
    identity = hashed_identity("ada@example.org", "emailAddress", "salt")
    assert identity == {
        "type": "IdentityObject",
        "hashed": True,
        "identityHash": hash_identity("ada@example.org", "salt"),
        "identityType": "emailAddress",
        "salt": "salt",
    }
    assert hash_identity("ada@example.org", "other") != identity["identityHash"]
