"""Draft, published, revised, archived."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from services.issuer.domain.achievement import Achievement, archive, publish, require_issuable, rewrite
from services.issuer.domain.errors import WrongState

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
DRAFT = Achievement(UUID(int=1), UUID(int=2), "draft", 0, 1, 0, {"name": "A"}, NOW, NOW)


def test_rewriting_a_draft_is_neither_a_revision_nor_an_event() -> None:
    after = rewrite(DRAFT, {"name": "B"}, NOW)

    assert (after.revision, after.event_version, after.version) == (0, 0, 2)
    assert after.content == {"name": "B"}


def test_publishing_makes_revision_one_and_the_first_event() -> None:
    after = publish(DRAFT, NOW)

    assert (after.status, after.revision, after.event_version, after.published_at) == ("published", 1, 1, NOW)


def test_rewriting_a_published_achievement_makes_the_next_revision_at_once() -> None:
    after = rewrite(publish(DRAFT, NOW), {"name": "B"}, NOW)

    assert (after.status, after.revision, after.event_version) == ("published", 2, 2)


def test_event_versions_have_no_gap_however_often_a_draft_was_rewritten() -> None:
    drafted = rewrite(rewrite(DRAFT, {}, NOW), {}, NOW)
    life = [publish(drafted, NOW)]
    life.append(rewrite(life[-1], {}, NOW))
    life.append(archive(life[-1], NOW))

    assert [step.event_version for step in life] == [1, 2, 3]


def test_only_a_published_achievement_can_be_issued_from() -> None:
    published = publish(DRAFT, NOW)

    require_issuable(published)
    for other in (DRAFT, archive(published, NOW)):
        with pytest.raises(WrongState):
            require_issuable(other)


def test_an_archived_achievement_stays_as_it_is() -> None:
    archived = archive(publish(DRAFT, NOW), NOW)

    with pytest.raises(WrongState):
        rewrite(archived, {}, NOW)
    with pytest.raises(WrongState):
        publish(archived, NOW)
    with pytest.raises(WrongState):
        archive(archived, NOW)
    with pytest.raises(WrongState):
        archive(DRAFT, NOW)
