"""SD-JWT: a printed example of RFC 9901, what a holder can show, and what nobody can slip in."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.credentials import (
    ProofError,
    decode_base64url,
    decode_jwk,
    encode_base64url,
    encode_multikey,
    envelope,
    generate,
    open_envelope,
    present_envelope,
    secure_sd_token,
    verify_token,
)
from shared.credentials.jws import make_jws
from shared.credentials.sd_disclosures import digest_of
from shared.credentials.sd_jwt import (
    bind,
    make_sd_jwt,
    present,
    read_sd_jwt,
    verify_binding,
    verify_sd_jwt,
)
from tests.unit.credentials.badges import CREATED, badge

# The recursive address of RFC 9901, A.2 (as in its repository, examples/address_only_recursive), and its issuer's key.
PRINTED = (
    "eyJhbGciOiAiRVMyNTYifQ.eyJfc2QiOiBbIkxvdDlnTTlWT09peUZTNEZPUjF5a3d6LVYtZkJfeHdGNjNqV2VtSUg0ZDAiXSwgImlzcyI6ICJod"
    "HRwczovL2V4YW1wbGUuY29tL2lzc3VlciIsICJpYXQiOiAxNTE2MjM5MDIyLCAiZXhwIjogMTczNTY4OTY2MSwgInN1YiI6ICI2YzVjMGE0OS1iN"
    "Tg5LTQzMWQtYmFlNy0yMTkxMjJhOWVjMmMiLCAiX3NkX2FsZyI6ICJzaGEtMjU2In0.tfMRWJ9FJyj-mkyqdUU_ENYkBzWdLb_IELjj8PurayBab"
    "NFkGR17WsGZ5fEGZnLkOYd4E8av3NAsvTgoAjNSQA~WyIyUzBkSXhpSE9CblVldFBKMW5GbERBIiwgInN0cmVldF9hZGRyZXNzIiwgIlNjaHVsc3"
    "RyLiAxMiJd~WyI5YU9BQzFHNHZlNFJjalJvTUtERWNnIiwgImxvY2FsaXR5IiwgIlNjaHVscGZvcnRhIl0~WyJqdkZ5QUxBaGFaa0hBU0tCYUZqM"
    "GJBIiwgInJlZ2lvbiIsICJTYWNoc2VuLUFuaGFsdCJd~WyI0dGNmbFJNZWdxUG54ZzZTUkQ2ZzBnIiwgImNvdW50cnkiLCAiREUiXQ~WyJGcDBqL"
    "Td6Q2FOVFdmX3dLNjdzeGlnIiwgImFkZHJlc3MiLCB7Il9zZCI6IFsiMXpnc3U5RmU2YmtiUVk5ekpzZlBUbzF1QlBNVmw0OG00RWFmeEpUWVN1M"
    "CIsICJES3ROX3FXX2hheVlDR0NLaWhTMzlNM3NvYnMxUlRla3hhS25NYkUxNy1RIiwgImgyRHh4RTgwQzdxUld4Q1Fqd1I5NmRhNDZqcjJCOGJMU"
    "1J3QWRiWlNSbG8iLCAidWRGV0Z4XzkxTmdDamhMVEhKQXZ2QUh3TlQydmxIQnNXeFBJT3hLMllkbyJdfV0~"
)
ISSUER_KEY = {
    "kty": "EC",
    "crv": "P-256",
    "x": "b28d4MwZMjw8-00CG4xfnn9SLMVMM19SlqZpVb_uNtQ",
    "y": "Xv5zWwuoaTgdS6hV43yI6gBwTnjukmFQQnJ_kCxzqk8",
}
KEY = generate("P-256")
HOLDER = generate("Ed25519")
CLAIMS = {
    "iss": "https://u.example",
    "vct": "https://u.example/degree",
    "name": "Ada",
    "address": {"city": "Basel", "street": "Rheinweg 1"},
    "languages": ["de", "fr", "en"],
}
HIDDEN = ["/name", "/address", "/address/street", "/languages/0", "/languages/2"]


def sd_jwt(holder: bool = False, typ: str = "dc+sd-jwt", hidden: list[str] | None = None) -> str:
    own = HOLDER.public_key() if holder else None
    return make_sd_jwt(CLAIMS, HIDDEN if hidden is None else hidden, key=KEY, header={"typ": typ}, holder=own)


def payload(text: str) -> dict[str, Any]:
    found = verify_sd_jwt(read_sd_jwt(text), KEY.public_key())
    found.pop("cnf", None)
    return found


def code_of(text: str) -> str | None:
    try:
        payload(text)
    except ProofError as error:
        return error.code
    return None


class TestSelection:
    def test_all_is_there_when_all_is_shown(self) -> None:
        assert payload(sd_jwt()) == CLAIMS
        assert payload(present(sd_jwt())) == CLAIMS

    @pytest.mark.parametrize(
        ("wanted", "shown"),
        [
            ([], {"languages": ["fr"]}),
            (["/name"], {"name": "Ada", "languages": ["fr"]}),
            (["/address"], {"address": CLAIMS["address"], "languages": ["fr"]}),
            (["/address/city"], {"address": {"city": "Basel"}, "languages": ["fr"]}),
            (["/address/street"], {"address": CLAIMS["address"], "languages": ["fr"]}),
            (["/languages/2"], {"languages": ["fr", "en"]}),
            (["/languages"], {"languages": ["de", "fr", "en"]}),
        ],
    )
    def test_a_holder_shows_what_it_wants(self, wanted: list[str], shown: dict[str, Any]) -> None:
        always = {"iss": CLAIMS["iss"], "vct": CLAIMS["vct"]}
        assert payload(present(sd_jwt(), wanted)) == {**always, **shown}

    @pytest.mark.parametrize("pointer", ["/nothing", "/languages/9", "/languages/00", "name", "/address/zip"])
    def test_a_pointer_that_leads_nowhere_is_refused(self, pointer: str) -> None:
        for attempt in (lambda: present(sd_jwt(), [pointer]), lambda: sd_jwt(hidden=[pointer])):
            with pytest.raises(ProofError, match="invalid-pointer"):
                attempt()

    def test_not_all_is_hidden_at_once(self) -> None:
        with pytest.raises(ProofError, match="invalid-pointer"):
            sd_jwt(hidden=[""])

    @pytest.mark.parametrize(
        "claims", [{"_sd": [1, "a"]}, {"x": {"_sd": 5}}, {"x": [{"...": "a"}]}, {"@context": [{"_sd_alg": "md5"}]}]
    )
    def test_a_payload_has_no_names_of_the_formats(self, claims: dict[str, Any]) -> None:
        with pytest.raises(ProofError, match="reserved-name"):
            make_sd_jwt(claims, [], key=KEY, header={})

    def test_what_is_withheld_cannot_be_read(self) -> None:
        # In quotation marks, as digests and the signature are random letters, which spell "Ada" now and then.
        words = ('"Ada"', '"Basel"', '"Rheinweg', '"de"', '"en"')

        def readable(token: str) -> list[str]:
            parts = [part for dotted in token.split("~") for part in dotted.split(".") if part]
            text = "".join(decode_base64url(part).decode(errors="replace") for part in parts)
            return [word for word in words if word in text]

        assert readable(present(sd_jwt(), [])) == []
        assert readable(sd_jwt()) == list(words)


def assembled(claims: dict[str, Any], *disclosures: Any) -> str:
    token = make_jws({"typ": "dc+sd-jwt"}, json.dumps(claims).encode(), KEY)
    return "~".join([token, *(encode_base64url(json.dumps(one).encode()) for one in disclosures), ""])


def digest(disclosure: Any) -> str:
    return digest_of(encode_base64url(json.dumps(disclosure).encode()))


NAME, ELEMENT = ["salt", "name", "Ada"], ["salt", "de"]
TRICKS: dict[str, str] = {
    "a disclosure that belongs nowhere": assembled({"a": 1}, NAME),
    "a disclosure twice": assembled({"_sd": [digest(NAME)]}, NAME, NAME),
    "a digest twice": assembled({"_sd": [digest(NAME)], "x": {"_sd": [digest(NAME)]}}, NAME),
    "a name that is there": assembled({"_sd": [digest(NAME)], "name": "Eve"}, NAME),
    "an element as a member": assembled({"_sd": [digest(ELEMENT)]}, ELEMENT),
    "a member as an element": assembled({"x": [{"...": digest(NAME)}]}, NAME),
    "a name of the format's": assembled({"_sd": [digest(["s", "_sd", []])]}, ["s", "_sd", []]),
    "an element's name as a member": assembled({"_sd": [digest(["s", "...", 1])]}, ["s", "...", 1]),
    "a digest that stands alone": assembled({"x": {"...": digest(ELEMENT)}}, ELEMENT),
    "a digest that is no text": assembled({"_sd": [5]}),
    "digests that are no list": assembled({"_sd": digest(NAME)}, NAME),
    "a salt that is no text": assembled({"_sd": [digest([1, "name", "Ada"])]}, [1, "name", "Ada"]),
    "four parts": assembled({"_sd": [digest([*NAME, 1])]}, [*NAME, 1]),
    "an object": assembled({"a": 1}, {"salt": "x"}),
}


class TestTricks:
    @pytest.mark.parametrize("name", TRICKS)
    def test_a_disclosure_that_is_not_the_issuers_is_refused(self, name: str) -> None:
        assert code_of(TRICKS[name]) == "malformed-disclosure"

    def test_another_hash_is_refused(self) -> None:
        assert code_of(assembled({"_sd_alg": "md5", "_sd": []})) == "unknown-algorithm"

    def test_disclosures_within_each_other_end_somewhere(self) -> None:
        inner: dict[str, Any] = {"x": 1}
        disclosures: list[Any] = []
        for _ in range(480):
            disclosures.append(["s", "a", inner])
            inner = {"_sd": [digest(disclosures[-1])]}
        assert code_of(assembled(inner, *disclosures)) == "malformed-disclosure"
        shallow = {"_sd": [digest(disclosures[20])]}
        assert code_of(assembled(shallow, *disclosures[:21])) is None

    @given(data=st.data())
    @settings(max_examples=200, deadline=None)
    def test_any_changed_character_is_refused(self, data: st.DataObject) -> None:
        place = data.draw(st.integers(0, len(WHOLE) - 1))
        letter = data.draw(st.sampled_from("ABCxyz019-_.~=é ").filter(lambda one: one != WHOLE[place]))
        changed = WHOLE[:place] + letter + WHOLE[place + 1 :]
        assert code_of(changed) is not None

    def test_too_many_disclosures_are_not_read(self) -> None:
        assert code_of(sd_jwt() + "AA~" * 600) == "malformed-token"


WHOLE = sd_jwt()


class TestBinding:
    def test_a_holder_answers(self) -> None:
        text = bind(present(sd_jwt(holder=True), ["/name"]), key=HOLDER, audience="shop", nonce="n", created=CREATED)
        token = read_sd_jwt(text)
        verify_sd_jwt(token, KEY.public_key())
        assert verify_binding(token).__getstate__() == ["shop", "n", CREATED]

    def test_nobody_else_does(self) -> None:
        shown = present(sd_jwt(holder=True), ["/name"])
        other = bind(shown, key=generate("Ed25519"), audience="shop", nonce="n", created=CREATED)
        bound = bind(shown, key=HOLDER, audience="shop", nonce="n", created=CREATED)
        more = present(sd_jwt(holder=True), ["/address"]) + bound.rpartition("~")[2]
        unnamed = bind(sd_jwt(), key=HOLDER, audience="shop", nonce="n", created=CREATED)
        plain = shown + make_jws({"typ": "JWT"}, b"{}", HOLDER)
        for text, code in (
            (other, "invalid-signature"),
            (more, "invalid-signature"),
            (shown, "missing-binding"),
            (unnamed, "missing-binding"),
            (plain, "malformed-token"),
        ):
            with pytest.raises(ProofError, match=code):
                verify_binding(read_sd_jwt(text))


class TestProfiles:
    def test_a_badge_in_an_envelope_is_shown_in_part(self) -> None:
        method = "did:web:issuer.example#key-1"
        hidden = ["/credentialSubject/achievement/description", "/name"]
        text = secure_sd_token(badge(), hidden, key=KEY, verification_method=method, created=CREATED)
        for document, is_whole in ((envelope(text), True), (present_envelope(envelope(text), []), False)):
            token = open_envelope(document)
            verify_token(token, encode_multikey(KEY.public_key()))
            assert (token.verification_method, "name" in token.document) == (method, is_whole)
            assert ("description" in token.document["credentialSubject"]["achievement"]) is is_whole

    @pytest.mark.parametrize(
        "pointer", ["/validFrom", "/credentialStatus/0", "/issuer", "/type/1", "/@context", "/id", ""]
    )
    def test_what_decides_cannot_be_withheld(self, pointer: str) -> None:
        with pytest.raises(ProofError, match="invalid-pointer"):
            secure_sd_token(badge(), [pointer], key=KEY, verification_method="did:x:y#z", created=CREATED)


def test_the_printed_token_says_what_is_printed() -> None:
    found = verify_sd_jwt(read_sd_jwt(PRINTED), decode_jwk(ISSUER_KEY))
    assert found == {
        "iss": "https://example.com/issuer",
        "iat": 1516239022,
        "exp": 1735689661,
        "sub": "6c5c0a49-b589-431d-bae7-219122a9ec2c",
        "address": {
            "street_address": "Schulstr. 12",
            "locality": "Schulpforta",
            "region": "Sachsen-Anhalt",
            "country": "DE",
        },
    }
