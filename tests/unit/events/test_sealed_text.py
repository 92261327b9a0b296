"""Texts in events that only services with the recipient key can read."""

import base64
from uuid import uuid4

import pytest

from shared.credentials.sealing import CannotUnseal, Sealer
from shared.events.catalogue.credential import Sealed
from shared.events.sealed_text import seal_text, unseal_text

ADDRESS = "zoë@example.org"
CREDENTIAL = uuid4()


def key(name: str, letter: bytes) -> str:
    return f"{name}:{base64.b64encode(letter * 32).decode()}"


SEALER = Sealer.from_text(key("k1", b"a"))


def test_a_text_comes_back_and_is_not_to_be_seen_meanwhile() -> None:
    sealed = seal_text(SEALER, ADDRESS, "recipient", CREDENTIAL)
    assert unseal_text(SEALER, sealed, "recipient", CREDENTIAL) == ADDRESS
    assert sealed.key_id == "k1"
    raw = base64.urlsafe_b64decode(sealed.ciphertext + "==")
    assert len(raw) == 12 + len(ADDRESS.encode()) + 16
    assert ADDRESS.encode() not in raw


def test_equal_texts_do_not_look_equal() -> None:
    first, second = (seal_text(SEALER, ADDRESS, "recipient", CREDENTIAL) for _ in range(2))
    assert first.ciphertext != second.ciphertext


def test_it_opens_in_its_own_place_only() -> None:
    sealed = seal_text(SEALER, ADDRESS, "recipient", CREDENTIAL)
    with pytest.raises(CannotUnseal):
        unseal_text(SEALER, sealed, "recipient", uuid4())
    with pytest.raises(CannotUnseal):
        unseal_text(SEALER, sealed, "claim_link", CREDENTIAL)


def test_a_new_key_seals_while_the_old_one_still_opens() -> None:
    old = seal_text(SEALER, ADDRESS, "recipient", CREDENTIAL)
    both = Sealer.from_text(f"{key('k2', b'b')},{key('k1', b'a')}")
    assert seal_text(both, ADDRESS, "recipient", CREDENTIAL).key_id == "k2"
    assert unseal_text(both, old, "recipient", CREDENTIAL) == ADDRESS
    with pytest.raises(CannotUnseal, match="k1"):
        unseal_text(Sealer.from_text(key("k2", b"b")), old, "recipient", CREDENTIAL)


@pytest.mark.parametrize("ciphertext", ["", "ü", "a b", "====", "A", "AAAA", "AAAA" * 10])
def test_what_is_no_sealed_text_is_refused(ciphertext: str) -> None:
    with pytest.raises(CannotUnseal):
        unseal_text(SEALER, Sealed(ciphertext=ciphertext, key_id="k1"), "recipient", CREDENTIAL)
