"""Naming a learner without saying who it is: the IdentityObject of Open Badges 3.0 (B.1.11)."""

import hashlib
from typing import Any


def hash_identity(value: str, salt: str) -> str:
    """`sha256$` and the hexadecimal SHA-256 of the value followed by the salt (`IdentityHash`)."""
    return f"sha256${hashlib.sha256((value + salt).encode()).hexdigest()}"


def hashed_identity(value: str, identity_type: str, salt: str) -> dict[str, Any]:
    """An IdentityObject that can be compared with `value` but does not show it.

    `identity_type` is of the specification's IdentifierTypeEnum, such as `emailAddress` or `name`. `salt` should be
    random and used once, so that two credentials of one learner do not show that they belong together.
    """
    return {
        "type": "IdentityObject",
        "hashed": True,
        "identityHash": hash_identity(value, salt),
        "identityType": identity_type,
        "salt": salt,
    }
