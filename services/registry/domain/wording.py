"""What learners read here: one catalogue of sentences a language. Whoever builds this reads the files."""

import tomllib
from collections.abc import Mapping
from typing import Any

from services.registry.domain import languages
from services.registry.domain.share import Platform


class Wording:
    """All languages. `catalogues` are TOML by language tag."""

    def __init__(self, catalogues: Mapping[str, str]) -> None:
        self._catalogues = {tag: tomllib.loads(catalogues[tag]) for tag in sorted(catalogues)}

    @property
    def languages(self) -> dict[str, str]:
        """What each language calls itself, by its tag."""
        return {tag: str(catalogue["language"]) for tag, catalogue in self._catalogues.items()}

    def choose(self, accept_language: str | None) -> str:
        """The tag of the language that a reader would rather have."""
        return languages.choose(accept_language, self._catalogues)

    def consent(self, platform: Platform, language: str) -> str:
        """What a learner agrees to by sharing with a platform."""
        return str(self._catalogues[language]["consent"]).format(name=platform.name, url=platform.url)

    def page(self, language: str) -> Mapping[str, Any]:
        """The sentences of the claim page, by section and name."""
        page: Mapping[str, Any] = self._catalogues[language]["page"]
        return page

    def record(self, language: str) -> Mapping[str, Any]:
        """The sentences of a credential's public page, by name, and how it writes dates and numbers."""
        record: Mapping[str, Any] = self._catalogues[language]["record"]
        return record
