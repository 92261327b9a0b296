"""A credential's public page: one layout, the sentences of every language, no script. Whoever builds this reads the
files."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

from jinja2 import DictLoader, Environment, StrictUndefined
from markupsafe import Markup

from services.registry.domain.emblem import emblem
from services.registry.domain.foreign_text import is_picture, is_web, one_line
from services.registry.domain.page_policy import hashes
from services.registry.domain.standing import Standing
from services.registry.domain.structured_data import structured_data
from services.registry.domain.wording import Wording
from shared.events.catalogue.learner import ProfileEntry

_STYLES = ("common.css", "record.css")
_TITLE, _SUMMARY = 200, 300  # characters in a browser's tab and in a preview


@dataclass(frozen=True, slots=True)
class Links:
    """Where the page leads."""

    document: str
    record: str
    verify: str
    manual: str


@dataclass(frozen=True, slots=True)
class Shown:
    """What the page says of one credential; nothing of it is about the learner."""

    id: str
    entry: ProfileEntry
    achievement: Mapping[str, Any]
    standing: Standing
    registered_at: datetime
    links: Links


class CredentialPage:
    """The page in each language. `files` are the layouts, the drawing and the styles by file name."""

    def __init__(self, files: Mapping[str, str], wording: Wording) -> None:
        environment = Environment(
            loader=DictLoader(dict(files)), autoescape=True, undefined=StrictUndefined, trim_blocks=True
        )
        style = "".join(files[name] for name in _STYLES)
        environment.globals |= {"languages": wording.languages, "style": Markup(style)}  # noqa: S704 (ours)
        environment.tests |= {"web": is_web, "picture": is_picture}
        environment.filters |= {"line": one_line, "say": _say}
        self._wording = wording
        self._credential = environment.get_template("record.html")
        self._missing = environment.get_template("record_missing.html")
        self.policy = (
            f"default-src 'none'; style-src {hashes(style)}; img-src https:;"
            " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        )
        """Allows the page's own style by its hash, pictures over https, and nothing else; no script at all."""

    def html(self, shown: Shown, language: str) -> str:
        """The page of one credential."""
        entry, issuer = shown.entry, shown.entry.issuing_organization
        return self._credential.render(
            **self._spoken(language),
            shown=shown,
            entry=entry,
            issuer=issuer,
            achievement=shown.achievement,
            micro=shown.achievement.get("microCredential", {}),
            emblem=emblem(entry.name, issuer.did),
            title=one_line(entry.name, _TITLE),
            summary=one_line(shown.achievement["description"], _SUMMARY),
            structured=structured_data(entry, shown.achievement, shown.standing),
        )

    def missing(self, language: str) -> str:
        """The page where there is no such credential."""
        return self._missing.render(**self._spoken(language))

    def _spoken(self, language: str) -> dict[str, Any]:
        said = self._wording.record(language)
        return {"language": language, "said": said, "date": partial(_date, said), "number": partial(_number, said)}


def _say(sentence: str, **values: object) -> Markup:
    """A sentence of ours with the values in it, each escaped unless it is markup of ours."""
    return Markup(sentence).format(**values)  # noqa: S704 (the sentence is ours)


def _date(said: Mapping[str, Any], moment: datetime) -> Markup:
    """The day in UTC, as the letters and the signed dates have it."""
    day = moment.astimezone(UTC).date()
    number = said["first"] if day.day == 1 else day.day
    text = said["date"].format(day=number, month=said["months"][day.month - 1], year=day.year)
    return Markup('<time datetime="{}">{}</time>').format(day.isoformat(), text)


def _number(said: Mapping[str, Any], value: float) -> str:
    return str(value).removesuffix(".0").replace(".", said["decimal"])
