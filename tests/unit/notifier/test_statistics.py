"""Quantiles of counted durations."""

import random

import pytest

from services.notifier.domain.statistics import BOUNDS, quantile


def counted(durations: list[int]) -> dict[int, int]:
    """As the database counts them: bucket n begins at the bound before it."""
    counts: dict[int, int] = {}
    for each in durations:
        bucket = sum(bound <= each for bound in BOUNDS)
        counts[bucket] = counts.get(bucket, 0) + 1
    return counts


def test_without_attempts_there_is_none() -> None:
    assert quantile({}, 0.5) is None
    assert quantile({3: 0}, 0.5) is None


@pytest.mark.parametrize("share", [0.5, 0.95, 0.99])
def test_a_quantile_lies_in_the_bucket_of_the_true_one(share: float) -> None:
    chance = random.Random(7)
    durations = sorted(int(chance.lognormvariate(5, 1.2)) for _ in range(5000))
    true = durations[int(len(durations) * share) - 1]
    found = quantile(counted(durations), share)
    bucket = sum(bound <= true for bound in BOUNDS)
    assert found is not None
    assert BOUNDS[bucket - 1] <= found <= BOUNDS[bucket]


def test_it_grows_within_a_bucket_and_ends_with_the_last_bound() -> None:
    assert quantile({4: 100}, 0.5) == 35.0
    assert quantile({4: 99, 7: 1}, 0.99) == 50.0
    assert quantile({len(BOUNDS): 1}, 0.5) == 60_000
