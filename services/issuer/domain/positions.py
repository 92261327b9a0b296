"""Status list positions: reserved in blocks, given out one by one, never twice."""

from dataclasses import dataclass
from uuid import UUID

from services.issuer.domain.credential import Position
from shared.credentials import position

BLOCK = 64


@dataclass(frozen=True, slots=True)
class OpenList:
    """A list that positions are given out from. `seed` keys the permutation of its counter."""

    id: UUID
    seed: bytes
    size: int

    def at(self, count: int) -> Position:
        """The position that the `count`-th credential of the list gets; it tells nothing about `count`."""
        return Position(self.id, position(self.seed, count, self.size))


@dataclass(frozen=True, slots=True)
class Reservation:
    """A block of counts, `start` to `start + count - 1`, that belongs to one process for good."""

    revocation: OpenList
    suspension: OpenList
    start: int
    count: int

    def pair(self, offset: int) -> tuple[Position, Position]:
        """The revocation and the suspension position of the block's `offset`-th credential."""
        count = self.start + offset
        return self.revocation.at(count), self.suspension.at(count)
