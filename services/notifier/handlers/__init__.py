"""What the notifier reacts to: every event that platforms can hear of, in one way."""

from collections.abc import Callable

from services.notifier.domain.content import SAID, Addresses
from services.notifier.handlers.events import fan_out_with
from shared.inbox.dispatch import Handlers


def handlers(addresses: Addresses, wake: Callable[[], None]) -> Handlers:
    """The table. `wake` tells the dispatcher, after the commit, that there is something to send."""
    return dict.fromkeys(SAID, fan_out_with(addresses, wake))
