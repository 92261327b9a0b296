"""The platform's memory: SQLite, so that a restart forgets no badge, and no removal still to be confirmed."""

import json
import sqlite3
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from .badges import Badge

_SCHEMA = """
CREATE TABLE IF NOT EXISTS seen (message_id TEXT PRIMARY KEY, at REAL NOT NULL);
CREATE TABLE IF NOT EXISTS badge (
    share_id TEXT PRIMARY KEY, credential_id TEXT NOT NULL, entry TEXT, status TEXT NOT NULL, changed_at TEXT NOT NULL,
    withdrawn INTEGER NOT NULL, confirmed INTEGER NOT NULL, member TEXT);
"""
_REMEMBER_SECONDS = 7 * 86_400  # retries go on for three days


class Store:
    """One connection, used from one thread. `with store.connection:` is a transaction."""

    def __init__(self, path: str) -> None:
        self.connection = sqlite3.connect(path)
        self.connection.row_factory = sqlite3.Row
        self.connection.executescript(_SCHEMA)

    def is_new(self, message_id: str, now: float) -> bool:
        """Note a message; False when it was noted before."""
        self.connection.execute("DELETE FROM seen WHERE at < ?", (now - _REMEMBER_SECONDS,))
        noted = self.connection.execute("INSERT OR IGNORE INTO seen VALUES (?, ?)", (message_id, now))
        return noted.rowcount == 1

    def get(self, share_id: str) -> Badge | None:
        """A share's badge."""
        return next(self._badges("WHERE share_id = ?", share_id), None)

    def put(self, badge: Badge) -> None:
        """Keep a badge in place of what there was."""
        self.connection.execute(
            "INSERT OR REPLACE INTO badge VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                badge.share_id,
                badge.credential_id,
                None if badge.entry is None else json.dumps(badge.entry),
                badge.status,
                badge.changed_at.isoformat(),
                badge.withdrawn,
                badge.confirmed,
                badge.member,
            ),
        )

    def shown(self, member: str) -> list[Badge]:
        """What is on a member's profile."""
        return list(self._badges("WHERE member = ? AND entry IS NOT NULL ORDER BY share_id", member))

    def unassigned(self) -> list[Badge]:
        """What is to be shown, on a profile that has yet to be found."""
        return list(self._badges("WHERE member IS NULL AND entry IS NOT NULL"))

    def unconfirmed(self) -> list[Badge]:
        """What was removed without Laurel having been told."""
        return [badge for badge in self._badges("WHERE NOT confirmed") if badge.owes_confirmation]

    def _badges(self, condition: str, *values: Any) -> Iterator[Badge]:
        for row in self.connection.execute(f"SELECT * FROM badge {condition}", values).fetchall():  # noqa: S608
            yield Badge(
                share_id=row["share_id"],
                credential_id=row["credential_id"],
                entry=None if row["entry"] is None else json.loads(row["entry"]),
                status=row["status"],
                changed_at=datetime.fromisoformat(row["changed_at"]),
                withdrawn=bool(row["withdrawn"]),
                confirmed=bool(row["confirmed"]),
                member=row["member"],
            )
