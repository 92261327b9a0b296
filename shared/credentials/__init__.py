"""The credential core: documents, proofs, status lists, identifiers. Pure: no network, no database, no clock.

Keys, contexts and times are passed in by whoever has them.
"""

from shared.credentials.canonical import jcs, rdfc, require_rdf
from shared.credentials.contexts import (
    CREDENTIALS_V1,
    CREDENTIALS_V2,
    DATA_INTEGRITY_V2,
    MICRO_CREDENTIAL_CONTEXT,
    OPEN_BADGES,
    add_contexts,
    contexts_for,
    is_known,
)
from shared.credentials.did import controlled_url, did_document, did_web, did_web_url
from shared.credentials.digests import UnusableDigest, check_digests
from shared.credentials.document import build_open_badge
from shared.credentials.enveloped import (
    EnvelopeKind,
    Token,
    envelope,
    is_enveloped,
    method_of,
    open_envelope,
    present_envelope,
    secure_sd_token,
    secure_token,
    verify_token,
)
from shared.credentials.finding import Finding, many
from shared.credentials.identity import hash_identity, hashed_identity
from shared.credentials.json_ld import CanonicalError
from shared.credentials.jwk import decode_base64url, decode_jwk, encode_base64url, encode_jwk
from shared.credentials.jws import read_json_object
from shared.credentials.keys import (
    ALGORITHMS,
    Algorithm,
    PrivateKey,
    PublicKey,
    algorithm_of,
    generate,
    private_bytes,
    private_key,
)
from shared.credentials.losses import contexts_of
from shared.credentials.multikey import decode_multikey, encode_multikey
from shared.credentials.pinned import UnusableFolder, read_folder
from shared.credentials.pointers import escape
from shared.credentials.proof_error import ProofError
from shared.credentials.proofs import (
    CRYPTOSUITES,
    JCS_SUITES,
    MAX_PROOFS,
    AnyCryptosuite,
    Cryptosuite,
    Purpose,
    VerifiedProof,
    algorithms_of,
    sign,
    verify_proof,
)
from shared.credentials.sd_jwt import Binding, SdJwt, read_sd_jwt, verify_binding, verify_sd_jwt
from shared.credentials.sd_jwt_vc import require_sd_jwt_vc, secure_sd_jwt_vc
from shared.credentials.selective import SUITE as ECDSA_SD
from shared.credentials.selective import derive, sign_base
from shared.credentials.status_list import (
    MIN_ENTRIES,
    StatusList,
    StatusListError,
    build_status_list_credential,
    message_entry,
    position,
    status_list_entry,
    unpack_list,
)
from shared.credentials.structure import base_context, check_presentation, check_structure
from shared.credentials.times import read_seconds, read_timestamp

__all__ = [
    "ALGORITHMS",
    "CREDENTIALS_V1",
    "CREDENTIALS_V2",
    "CRYPTOSUITES",
    "DATA_INTEGRITY_V2",
    "ECDSA_SD",
    "JCS_SUITES",
    "MAX_PROOFS",
    "MICRO_CREDENTIAL_CONTEXT",
    "MIN_ENTRIES",
    "OPEN_BADGES",
    "Algorithm",
    "AnyCryptosuite",
    "Binding",
    "CanonicalError",
    "Cryptosuite",
    "EnvelopeKind",
    "Finding",
    "PrivateKey",
    "ProofError",
    "PublicKey",
    "Purpose",
    "SdJwt",
    "StatusList",
    "StatusListError",
    "Token",
    "UnusableDigest",
    "UnusableFolder",
    "VerifiedProof",
    "add_contexts",
    "algorithm_of",
    "algorithms_of",
    "base_context",
    "build_open_badge",
    "build_status_list_credential",
    "check_digests",
    "check_presentation",
    "check_structure",
    "contexts_for",
    "contexts_of",
    "controlled_url",
    "decode_base64url",
    "decode_jwk",
    "decode_multikey",
    "derive",
    "did_document",
    "did_web",
    "did_web_url",
    "encode_base64url",
    "encode_jwk",
    "encode_multikey",
    "envelope",
    "escape",
    "generate",
    "hash_identity",
    "hashed_identity",
    "is_enveloped",
    "is_known",
    "jcs",
    "many",
    "message_entry",
    "method_of",
    "open_envelope",
    "position",
    "present_envelope",
    "private_bytes",
    "private_key",
    "rdfc",
    "read_folder",
    "read_json_object",
    "read_sd_jwt",
    "read_seconds",
    "read_timestamp",
    "require_rdf",
    "require_sd_jwt_vc",
    "secure_sd_jwt_vc",
    "secure_sd_token",
    "secure_token",
    "sign",
    "sign_base",
    "status_list_entry",
    "unpack_list",
    "verify_binding",
    "verify_proof",
    "verify_sd_jwt",
    "verify_token",
]
