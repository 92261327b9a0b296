"""What a tenant can hear of, by the kind that its token says it is."""

from collections.abc import Iterable

from services.notifier.domain.content import NAMES, TOLD, Audience
from services.notifier.domain.endpoint import EVERYTHING
from shared.http.auth import Principal
from shared.http.problems import FieldError


def _list(names: Iterable[str]) -> str:
    return ", ".join(names)


# Each short enough to be shown whole.
_CAN_ASK: dict[Audience, str] = {
    "institution": "an institution can ask for all types but"
    f" {_list(name for name in NAMES if name not in TOLD['institution'])}, of which platforms alone are told",
    "platform": f"a platform can ask for {_list(TOLD['platform'])}",
}


def audience_of(who: Principal) -> Audience:
    """Which kind of tenant asks."""
    return "platform" if who.is_platform else "institution"


def never_told(names: Iterable[str], audience: Audience, pointer: str) -> list[FieldError]:
    """What is wrong with naming these types: that some are never told to tenants of that kind."""
    if all(name in TOLD[audience] or name == EVERYTHING for name in names):
        return []
    return [FieldError("invalid-value", _CAN_ASK[audience], pointer=pointer)]
