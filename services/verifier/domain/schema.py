"""The schemas a credential names, and what they say of it (W3C Verifiable Credentials JSON Schema Specification)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import orjson

from services.verifier.domain.answer import Check, Reason, failed, passed, warned
from services.verifier.domain.evaluation import Conformity, Evaluation
from services.verifier.domain.presented import Presented
from shared.credentials import ECDSA_SD, ProofError, envelope, escape, many, read_json_object

MOST_SCHEMAS = 5
MAX_TEXT = 200
SchemaKind = Literal["plain", "credential"]
_KINDS: Mapping[str, SchemaKind] = {
    "JsonSchema": "plain",
    "1EdTechJsonSchemaValidator2019": "plain",
    "JsonSchemaCredential": "credential",
}


@dataclass(frozen=True, slots=True)
class Conformance:
    """What a schema says of the credential that names it, or why that cannot be told."""

    outcome: Conformity
    reason: Reason | None = None


class UnusableSchema(Exception):
    """A credential that was to hold a schema does not; the message says why."""


def kind_of(entry: Mapping[str, Any]) -> SchemaKind | None:
    """What a `credentialSchema` leads to; None where its type is not understood here."""
    return next((_KINDS[name] for name in _KINDS if name in many(entry.get("type"))), None)


def undecided(entry: Mapping[str, Any], code: str, detail: str) -> Conformance:
    """A schema of which nothing can be said."""
    return Conformance("indeterminate", Reason(code, f"The schema {_name(entry)} was not applied: {detail}."))


def concluded(presented: Presented, entry: Mapping[str, Any], found: Evaluation) -> Conformance:
    """What an evaluation means for the credential.

    Where a holder shows a part, what is withheld may be what the schema asks for; so it does not fail.
    """
    if found.outcome == "success":
        return Conformance("success")
    if found.outcome == "indeterminate":
        return undecided(entry, found.code, found.detail)
    if _is_part(presented):
        return undecided(entry, "schema-shown-in-part", "only a part is shown, which does not conform")
    pointer = "/".join(["#", *(escape(str(step)) for step in found.path)])
    detail = f"{pointer[:MAX_TEXT]}: not what `{found.keyword}` in {_name(entry)} asks for."
    return Conformance("failure", Reason("schema-mismatch", detail))


def judge(form: Check, found: Sequence[Conformance]) -> Check:
    """The check of the form, with what the schemas say: a failure counts, what cannot be told is a warning."""
    for outcome, make in (("failure", failed), ("indeterminate", warned)):
        reasons = [one.reason for one in found if one.outcome == outcome and one.reason is not None]
        if reasons:
            more = f" (and {len(reasons) - 1} more)" if len(reasons) > 1 else ""
            return make("schema", reasons[0].code, reasons[0].detail + more)
    if not found or form.outcome != "pass":
        return form
    return passed("schema", f"{form.detail} It conforms to what its schemas ask for.")


def credential_in(body: bytes) -> Mapping[str, Any]:
    """The credential that was found at a schema's address: JSON, or a signed token. Raises UnusableSchema."""
    if body.startswith(b"eyJ"):
        return envelope(body.decode("ascii", "replace").strip())
    try:
        return read_json_object(body)
    except ProofError:
        raise UnusableSchema("what is there is neither a JSON object nor a token") from None


def schema_in(presented: Presented, url: str, done: Sequence[Check]) -> bytes:
    """The JSON Schema in a credential (JsonSchemaCredential), whose own checks are `done`. Raises UnusableSchema."""
    document = presented.document
    broken = next((check for check in done if check.outcome in ("fail", "unknown")), None)
    if broken is not None:
        raise UnusableSchema(f"the credential it is in does not verify ({broken.check}: {broken.detail.rstrip('.')})")
    if "JsonSchemaCredential" not in many(document.get("type")):
        raise UnusableSchema("what is there is not a JsonSchemaCredential")
    if presented.id is not None and presented.id != url:
        raise UnusableSchema("the credential that is there is another one")
    subject = document.get("credentialSubject")
    schema = subject.get("jsonSchema") if isinstance(subject, Mapping) else None
    if not isinstance(subject, Mapping) or "JsonSchema" not in many(subject.get("type")):
        raise UnusableSchema("the credential that is there is not about a JsonSchema")
    if not isinstance(schema, Mapping):
        raise UnusableSchema("the credential that is there has no jsonSchema")
    return orjson.dumps(schema)


def _is_part(presented: Presented) -> bool:
    if presented.token is not None and presented.token.has_disclosures:
        return True
    proofs = many(presented.document.get("proof"))
    return any(isinstance(proof, Mapping) and proof.get("cryptosuite") == ECDSA_SD for proof in proofs)


def _name(entry: Mapping[str, Any]) -> str:
    return str(entry.get("id"))[:MAX_TEXT]
