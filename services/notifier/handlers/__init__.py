"""What the notifier reacts to: every event that platforms can hear of, in one way."""

from services.notifier.commands.fan_out import FanOut
from services.notifier.domain.content import SAID, SHARED, Addresses
from services.notifier.handlers.events import announce_with
from shared.inbox.dispatch import Handlers


def handlers(addresses: Addresses, fan_out: FanOut) -> Handlers:
    """The table: each type of `SAID` and `SHARED` and what it leads to."""
    return dict.fromkeys((*SAID, *SHARED), announce_with(addresses, fan_out))
