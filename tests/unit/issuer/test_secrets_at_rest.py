"""Sealing under key-encryption keys, client secrets, scopes."""

import base64

import pytest

from services.issuer.domain import client_secret
from services.issuer.domain.scopes import SCOPES, narrow
from shared.credentials.sealing import CannotUnseal, Sealed, Sealer, UnusableKek

OLD = "old:" + base64.b64encode(b"o" * 32).decode()
NEW = "new:" + base64.b64encode(b"n" * 32).decode()


def test_what_was_sealed_is_unsealed_and_never_looks_the_same() -> None:
    sealer = Sealer.from_text(NEW)
    first, second = (sealer.seal(b"secret", "t", 1) for _ in range(2))

    assert first.ciphertext != second.ciphertext
    assert sealer.unseal(first, "t", 1) == b"secret"


def test_the_first_key_seals_and_every_key_unseals() -> None:
    before = Sealer.from_text(OLD).seal(b"secret", "t", 1)
    sealer = Sealer.from_text(f"{NEW}, {OLD}")

    assert sealer.unseal(before, "t", 1) == b"secret"
    assert sealer.seal(b"x", "t", 1).kek_id == "new"


@pytest.mark.parametrize(("table", "row"), [("other", 1), ("t", 2)])
def test_a_value_moved_to_another_row_cannot_be_read(table: str, row: int) -> None:
    sealer = Sealer.from_text(NEW)

    with pytest.raises(CannotUnseal):
        sealer.unseal(sealer.seal(b"secret", "t", 1), table, row)


def test_a_changed_value_or_an_unknown_key_cannot_be_read() -> None:
    sealer = Sealer.from_text(NEW)
    good = sealer.seal(b"secret", "t", 1)
    changed = Sealed(good.ciphertext[:-1] + bytes([good.ciphertext[-1] ^ 1]), "new")

    for bad in (changed, Sealed(good.ciphertext, "gone"), Sealed(b"", "new")):
        with pytest.raises(CannotUnseal):
            sealer.unseal(bad, "t", 1)


@pytest.mark.parametrize(
    "text", ["", ",", "nokey", ":AAAA", "a:!!!", "a:AAAA", f"{NEW},{NEW}", "a:" + base64.b64encode(b"x" * 33).decode()]
)
def test_unusable_keys_are_refused_without_being_repeated(text: str) -> None:
    with pytest.raises(UnusableKek) as refused:
        Sealer.from_text(text)

    assert base64.b64encode(b"n" * 32).decode() not in str(refused.value)


def test_a_search_finds_rows_from_before_a_new_key() -> None:
    stored = Sealer.from_text(OLD).blind_indexes("email:a@example.org")[0]

    assert stored in Sealer.from_text(f"{NEW},{OLD}").blind_indexes("email:a@example.org")
    assert stored not in Sealer.from_text(NEW).blind_indexes("email:a@example.org")


def test_a_client_secret_has_prefix_256_bits_and_a_checksum() -> None:
    secret = client_secret.new_secret()

    assert secret.startswith("lrs_")
    assert len(secret) == 4 + 43 + 6
    assert client_secret.well_formed(secret)
    assert not client_secret.well_formed(secret[:-1] + ("A" if secret[-1] != "A" else "B"))
    assert not client_secret.well_formed("lrs_")


def test_a_secret_matches_either_of_two_digests_and_nobody_matches_none() -> None:
    one, two = client_secret.new_secret(), client_secret.new_secret()
    digests = [client_secret.digest(one), client_secret.digest(two)]

    assert client_secret.matches(one, digests)
    assert client_secret.matches(two, digests)
    assert not client_secret.matches(client_secret.new_secret(), digests)
    assert not client_secret.matches(one, [])


def test_scopes_are_narrowed_to_what_is_asked_and_never_widened() -> None:
    assert narrow(SCOPES, None) == list(SCOPES)
    assert narrow(SCOPES, "credentials:read  credentials:write") == ["credentials:write", "credentials:read"]
    assert narrow(["credentials:read"], "credentials:write") is None
    assert narrow(SCOPES, "admin") is None
