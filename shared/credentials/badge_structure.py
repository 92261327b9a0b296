"""The shape that an achievement's credential must have on top of the data model's: Open Badges 3.0 (B)."""

from collections.abc import Iterator, Mapping
from typing import Any

from shared.credentials.finding import Finding, is_url, texts

BADGE_TYPES = frozenset({"OpenBadgeCredential", "AchievementCredential"})


def check_badge(document: Mapping[str, Any], date: str) -> Iterator[Finding]:
    """What a badge lacks. `date` is the property that says since when it is valid. Never raises."""
    for name in ("id", "name", date):
        if name not in document:
            yield Finding(f"#/{name}", "required", f"a badge has a {name}")
    subject = document.get("credentialSubject")
    if not isinstance(subject, Mapping):
        yield Finding("#/credentialSubject", "required", "a badge has one subject")
        return
    if "AchievementSubject" not in texts(subject.get("type")):
        yield Finding("#/credentialSubject/type", "invalid-type", "one type has to be AchievementSubject")
    if not subject.get("id") and not subject.get("identifier"):
        yield Finding("#/credentialSubject", "required", "the learner has an id or an identifier")
    yield from _check_achievement(subject.get("achievement"))


def _check_achievement(achievement: Any) -> Iterator[Finding]:
    where = "#/credentialSubject/achievement"
    if not isinstance(achievement, Mapping):
        yield Finding(where, "required", "a badge is about an achievement")
        return
    if not is_url(achievement.get("id")):
        yield Finding(f"{where}/id", "relative-id", "an id is an absolute URL")
    if "Achievement" not in texts(achievement.get("type")):
        yield Finding(f"{where}/type", "invalid-type", "one type has to be Achievement")
    for name in ("name", "description"):
        if not isinstance(achievement.get(name), str | Mapping):
            yield Finding(f"{where}/{name}", "required", f"an achievement has a {name}")
    criteria = achievement.get("criteria")
    if not isinstance(criteria, Mapping) or not ("id" in criteria or "narrative" in criteria):
        yield Finding(f"{where}/criteria", "required", "an achievement has criteria, by id or narrative")
