"""Open Badges 3.0 credentials as documents, on Verifiable Credentials 2.0."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from shared.credentials.contexts import contexts_for
from shared.credentials.times import timestamp


def build_open_badge(
    *,
    credential_id: str,
    issuer: Mapping[str, Any],
    achievement: Mapping[str, Any],
    subject: Mapping[str, Any],
    valid_from: datetime,
    valid_until: datetime | None = None,
    results: Sequence[Mapping[str, Any]] = (),
    evidence: Sequence[Mapping[str, Any]] = (),
    status: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """An unsigned OpenBadgeCredential (Open Badges 3.0, B.1).

    `issuer` is a Profile, `achievement` an Achievement document, `subject` the learner's `id` or `identifier`s,
    `status` BitstringStatusListEntries. A third, inline context stands in it only when the achievement has the EU's
    micro-credential elements.
    """
    about: dict[str, Any] = {**subject, "type": ["AchievementSubject"], "achievement": dict(achievement)}
    if results:
        about["result"] = [dict(result) for result in results]
    document: dict[str, Any] = {
        "@context": contexts_for(achievement),
        "id": credential_id,
        "type": ["VerifiableCredential", "OpenBadgeCredential"],
        "name": achievement["name"],
        "issuer": dict(issuer),
        "validFrom": timestamp(valid_from),
        "credentialSubject": about,
    }
    if valid_until is not None:
        document["validUntil"] = timestamp(valid_until)
    if evidence:
        document["evidence"] = [dict(each) for each in evidence]
    if status:
        document["credentialStatus"] = [dict(each) for each in status]
    return document
