"""How far a task is."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from services.notifier.domain.task import Task, progress
from shared.events.ids import new_id

START = datetime(2026, 3, 1, tzinfo=UTC)
TASK = Task(
    id=new_id(),
    institution_id=uuid4(),
    endpoint_id=new_id(),
    kind="recover",
    since=START,
    until=START + timedelta(hours=4),
    state="running",
    counted=0,
    queued=0,
    after_at=None,
    after_message=None,
    after_delivery=None,
    created_at=START,
    finished_at=None,
)


def test_progress_is_the_share_of_the_time() -> None:
    assert progress(TASK) == 0.0
    assert progress(replace(TASK, after_at=START + timedelta(hours=1))) == 0.25
    assert progress(replace(TASK, after_at=START + timedelta(hours=5))) == 1.0
    assert progress(replace(TASK, after_at=START - timedelta(hours=5))) == 0.0
    assert progress(replace(TASK, state="done")) == 1.0


def test_progress_is_not_known_where_the_time_has_no_beginning() -> None:
    assert progress(replace(TASK, since=None)) is None
    assert progress(replace(TASK, since=None, state="done")) == 1.0
