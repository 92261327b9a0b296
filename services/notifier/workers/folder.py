"""Writes letters into a folder instead of sending them: for one machine, and for looking at them."""

import asyncio
import os
from pathlib import Path

from services.notifier.domain.mail import Parcel
from services.notifier.domain.posting import Reply


class FolderPostman:
    """A letter is one `.eml` file, for its owner's eyes alone; a second try of it replaces the file."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def post(self, parcel: Parcel) -> Reply:
        """Write the file. A disk that is full is a server that is away."""
        try:
            await asyncio.to_thread(self._write, parcel)
        except OSError:
            return Reply("connection", error="folder-unwritable")
        return Reply("accepted")

    async def rest(self) -> None:
        """Nothing is kept open."""

    def close(self) -> None:
        """Nothing is kept open."""

    def _write(self, parcel: Parcel) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        target = self._folder / f"{parcel.name}.eml"
        part = target.with_suffix(".part")
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(parcel.message)
        part.replace(target)
