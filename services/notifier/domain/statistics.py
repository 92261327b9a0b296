"""Counts of attempts by how long they took, and what they say of most of them."""

from collections.abc import Mapping
from itertools import pairwise

# Milliseconds. What is stored was sorted by these, so they never change.
BOUNDS = (0, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 15_000, 30_000, 60_000)
ANSWERED = ("delivered", "refused")


def quantile(counts: Mapping[int, int], share: float) -> float | None:
    """The milliseconds within which that share of attempts ended, to the accuracy of the bounds; None without any.

    `counts` are by bucket: bucket n lies between the bounds n - 1 and n.
    """
    wanted = share * sum(counts.values())
    if not wanted:
        return None
    passed = 0
    for bucket, (lower, upper) in enumerate(pairwise(BOUNDS), 1):
        here = counts.get(bucket, 0)
        if here and passed + here >= wanted:
            return round(lower + (upper - lower) * (wanted - passed) / here, 1)
        passed += here
    return float(BOUNDS[-1])
