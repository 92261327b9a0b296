"""Keys of foreign issuers are remembered as first seen: a domain that changes hands must not inherit the trust."""

from collections.abc import Mapping

from services.verifier.domain.answer import Reason
from services.verifier.domain.issuer import KEY_CHANGED


def contradiction(pinned: Mapping[str, str], resolved: Mapping[str, str]) -> Reason | None:
    """Why resolved keys cannot be those of whom the pinned ones belong to; None when they can.

    Keys may be added and dropped. But a verification method keeps its key for ever, and a rotation leaves at least one
    key in the document that was there before.
    """
    if any(pinned[method] != key for method, key in resolved.items() if method in pinned):
        return Reason(KEY_CHANGED, "A key of the issuer is not the one first seen under its name.")
    if pinned and not pinned.keys() & resolved.keys():
        return Reason(KEY_CHANGED, "None of the issuer's keys seen before is in its DID document any more.")
    return None
