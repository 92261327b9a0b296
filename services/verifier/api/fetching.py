"""What a client is told whose documents made this service fetch too much."""

import math
from collections.abc import Iterator
from contextlib import contextmanager

from services.verifier.commands.fetch import TooManyFetches
from shared.http.problems import TooManyRequests


@contextmanager
def within_its_share() -> Iterator[None]:
    """Turns TooManyFetches into a 429 that says when to go on."""
    try:
        yield
    except TooManyFetches as error:
        raise TooManyRequests(
            "your documents made this service fetch too much; wait a little",
            headers={"Retry-After": str(max(1, math.ceil(error.wait)))},
        ) from error
