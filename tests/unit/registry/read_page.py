"""A page as a program reads it."""

import json
from html.parser import HTMLParser
from typing import Any


class Read(HTMLParser):
    """A page as a program reads it: elements, texts by element, and what it says about itself."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.inline: dict[str, str] = {}
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_data(self, data: str) -> None:
        last = self.elements[-1][0] if self.elements else ""
        if last in ("script", "style", "title") and last not in self.inline:
            self.inline[last] = data
        else:
            self.text += data

    @property
    def words(self) -> str:
        """What people read, with single spaces."""
        return " ".join(self.text.split())

    def all(self, tag: str) -> list[dict[str, str]]:
        """The attributes of each element of a kind."""
        return [attributes for name, attributes in self.elements if name == tag]

    def meta(self, name: str) -> str | None:
        """What the head says, or None."""
        found = [one["content"] for one in self.all("meta") if name in (one.get("name"), one.get("property"))]
        return found[0] if found else None

    def structured(self) -> dict[str, Any]:
        """The schema.org credential."""
        read: dict[str, Any] = json.loads(self.inline["script"])
        return read
