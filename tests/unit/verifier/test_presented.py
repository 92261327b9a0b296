"""Claims are read from anything, and believed from nothing."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.verifier.domain.presented import Entry, read, weight
from shared.credentials import read_timestamp

ENTRY = {
    "type": "BitstringStatusListEntry",
    "statusPurpose": "revocation",
    "statusListIndex": "94567",
    "statusListCredential": "https://issuer.example/status-lists/3",
}


def test_the_claims_of_an_ordinary_document() -> None:
    presented = read(
        {
            "id": "https://r.example/credentials/1",
            "issuer": {"id": "did:web:i.example", "type": ["Profile"]},
            "validFrom": "2026-01-01T00:00:00Z",
            "validUntil": "2027-01-01T01:00:00+01:00",
            "credentialStatus": [ENTRY, {**ENTRY, "statusPurpose": "suspension", "statusListIndex": "0"}],
            "proof": {"verificationMethod": "did:web:i.example#key-1", "created": "2026-01-01T00:00:00Z"},
        }
    )
    assert presented.issuer == "did:web:i.example"
    assert presented.methods == ("did:web:i.example#key-1",)
    assert presented.proofs[0].controller == "did:web:i.example"
    assert presented.valid_until == read_timestamp("2027-01-01T00:00:00Z")
    assert presented.entries == (
        Entry("revocation", "https://issuer.example/status-lists/3", 94567),
        Entry("suspension", "https://issuer.example/status-lists/3", 0),
    )
    assert presented.faults == ()
    assert presented.bad_date is None


@pytest.mark.parametrize(
    ("subject", "found"),
    [
        ({"achievement": {"id": "a"}}, {"id": "a"}),
        ([{"achievement": {"id": "a"}}, {"achievement": {"id": "b"}}], {"id": "a"}),
        ({"achievement": ["a"]}, {}),
        ({"achievement": "a"}, {}),
        (["a"], {}),
        ([], {}),
        (None, {}),
    ],
)
def test_what_was_earned_is_what_the_first_subject_says(subject: Any, found: dict[str, Any]) -> None:
    assert read({"credentialSubject": subject}).achievement == found


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"statusListIndex": 5}, "MALFORMED_VALUE_ERROR"),
        ({"statusListIndex": "five"}, "MALFORMED_VALUE_ERROR"),
        ({"statusListIndex": "1.5"}, "MALFORMED_VALUE_ERROR"),
        ({"statusListIndex": "9" * 5000}, "MALFORMED_VALUE_ERROR"),
        ({"statusListIndex": "-1"}, "RANGE_ERROR"),
        ({"statusPurpose": ""}, "MALFORMED_VALUE_ERROR"),
        ({"statusPurpose": ["revocation"]}, "MALFORMED_VALUE_ERROR"),
        ({"statusListCredential": None}, "MALFORMED_VALUE_ERROR"),
        ({"statusSize": 33}, "MALFORMED_VALUE_ERROR"),
        ({"type": "1EdTechRevocationList"}, "status-type-unsupported"),
        ({"type": None}, "status-type-unsupported"),
    ],
)
def test_an_entry_that_cannot_be_read_is_a_fault_not_a_pass(change: dict[str, Any], code: str) -> None:
    presented = read({"credentialStatus": {**ENTRY, **change}})
    assert presented.entries == ()
    assert [fault.code for fault in presented.faults] == [code]


def test_more_entries_than_a_credential_needs_are_a_fault() -> None:
    presented = read({"credentialStatus": [ENTRY] * 100})
    assert [fault.code for fault in presented.faults] == ["MALFORMED_VALUE_ERROR"]


def test_an_entry_that_says_where_to_refresh_is_passed_over() -> None:
    presented = read({"credentialStatus": {**ENTRY, "statusPurpose": "refresh"}})
    assert presented.entries == presented.faults == ()


@pytest.mark.parametrize(
    ("purpose", "voids"), [("revocation", True), ("suspension", True), ("message", False), ("activeDuty", False)]
)
def test_an_entry_of_any_purpose_is_read_and_two_of_them_void(purpose: str, voids: bool) -> None:
    sized = {**ENTRY, "statusPurpose": purpose, "statusSize": 3}
    (entry,) = read({"credentialStatus": sized}).entries
    assert (entry.bits, entry.voids) == (3, voids)
    for size in (0, 33, "2", True):
        presented = read({"credentialStatus": {**sized, "statusSize": size}})
        assert [fault.code for fault in presented.faults] == ["MALFORMED_VALUE_ERROR"]


def test_only_what_is_canonicalised_as_rdf_weighs_anything() -> None:
    document = {"a": [{"b": 1}, {"b": 2}], "c": "x"}
    jcs, rdfc = {"cryptosuite": "eddsa-jcs-2022"}, {"cryptosuite": "eddsa-rdfc-2022"}
    assert weight({**document, "proof": jcs}) == 0
    assert weight({**document, "proof": rdfc}) == 6
    assert weight({**document, "proof": [rdfc, jcs, rdfc]}) == 12
    for odd in (["eddsa-jcs-2022"], {"a": 1}, None, 7):
        assert weight({**document, "proof": {"cryptosuite": odd}}) == 6


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-01",
        "2026-01-01T00:00:00",
        "2026-02-30T00:00:00Z",
        "0000-01-01T00:00:00Z",
        "10000-01-01T00:00:00Z",
        "0001-01-01T00:00:00+14:00",
        "2026-01-01T25:00:00Z",
        "yesterday",
        "",
        5,
        None,
        ["2026-01-01T00:00:00Z"],
    ],
)
def test_what_is_no_moment_is_none(text: Any) -> None:
    assert read_timestamp(text) is None


SCALAR = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8)
JSON = SCALAR | st.lists(SCALAR, max_size=3) | st.dictionaries(st.text(max_size=4), SCALAR, max_size=3)
MEMBERS = ("id", "issuer", "proof", "validFrom", "validUntil", "credentialStatus")
ENTRY_MEMBERS = ("type", "statusPurpose", "statusListIndex", "statusListCredential", "statusSize")


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(
    st.fixed_dictionaries({}, optional=dict.fromkeys(MEMBERS, JSON)),
    st.fixed_dictionaries({}, optional=dict.fromkeys(ENTRY_MEMBERS, JSON)),
)
def test_reading_never_fails(document: dict[str, Any], entry: dict[str, Any]) -> None:
    presented = read({**document, "credentialStatus": [document.get("credentialStatus"), {**ENTRY, **entry}]})
    assert presented.document
