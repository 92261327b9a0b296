"""What letters say: one catalogue of sentences a language, one layout for all. Whoever builds this reads the files."""

import textwrap
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from jinja2 import DictLoader, Environment, StrictUndefined, select_autoescape
from markupsafe import Markup, escape

from services.notifier.domain import language
from services.notifier.domain.letter import LetterKind
from services.notifier.domain.tidy import isolated, tidy

LINE = 76
_SUBJECT_NAME = 80
Step = Literal["asking", "ended", "resumed"]


@dataclass(frozen=True, slots=True)
class Facts:
    """What one letter is about. `button` is where its button leads, `unsubscribe` where letters are ended; `endpoint`
    is the id of a webhook endpoint, `host` and `description` tell its owner which that is."""

    kind: LetterKind
    institution: str
    institution_url: str
    logo: str | None
    learner: str | None = None
    credential: str | None = None
    credential_url: str | None = None
    valid_until: datetime | None = None
    link_expires_at: datetime | None = None
    host: str | None = None
    endpoint: str | None = None
    description: str | None = None
    button: str | None = None
    unsubscribe: str | None = None


@dataclass(frozen=True, slots=True)
class Content:
    """A letter without its envelope: `subject` is one line, `text` and `html` say the same."""

    language: str
    subject: str
    text: str
    html: str


class Wording:
    """All languages. `layouts` are Jinja templates by file name, `catalogues` TOML by language tag."""

    def __init__(self, layouts: Mapping[str, str], catalogues: Mapping[str, str]) -> None:
        self._environment = Environment(
            loader=DictLoader(dict(layouts)),
            autoescape=select_autoescape(["html"], default=False),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
        )
        self._catalogues = {tag: tomllib.loads(text) for tag, text in catalogues.items()}

    @property
    def languages(self) -> frozenset[str]:
        """The tags of all there are."""
        return frozenset(self._catalogues)

    def letter(self, facts: Facts, wanted: str | None) -> Content:
        """The letter in the language that comes nearest to `wanted`."""
        tag = language.choose(wanted, self.languages)
        catalogue = self._catalogues[tag]
        plain = _values(facts, catalogue["date"])
        subject = catalogue[facts.kind]["subject"].format(**{**plain, **_short(plain)})
        shown = {name: Markup("<bdi>{}</bdi>").format(value) for name, value in plain.items()}
        sentences = _sentences(facts, catalogue)
        shown = {name: Markup("<bdi>{}</bdi>").format(value) for name, value in plain.items()}  # escapes the value
        html = self._environment.get_template("letter.html").render(
            facts=facts,
            tag=tag,
            logo=_safe_logo(facts.logo),
            subject=subject,
            values=plain,
            say=_filler(sentences, lambda sentence: escape(sentence).format(**shown)),
        )
        text = self._environment.get_template("letter.txt").render(
            facts=facts, values=plain, wrap=_wrap, say=_filler(sentences, lambda sentence: sentence.format(**plain))
        )
        return Content(tag, subject, text, html)

    @property
    def page_style(self) -> str:
        """The style sheet inside pages, for whoever has to allow it by its hash."""
        return self._environment.get_template("page.css").render()

    def page(self, wanted: str | None, step: Step, *, again: str | None = None) -> str:
        """The page behind the unsubscribe link: a question with a button, or what holds now; where letters are ended,
        with a button to have them again that leads to `again`."""
        tag = language.choose(wanted, self.languages)
        return self._environment.get_template("unsubscribe.html").render(
            tag=tag, say=self._catalogues[tag]["unsubscribe"], step=step, again=again
        )


def _values(facts: Facts, dates: Mapping[str, Any]) -> dict[str, str]:
    """What sentences may name, as plain text; only what this letter has."""
    named = {
        "learner": facts.learner,
        "institution": facts.institution,
        "credential": facts.credential,
        "host": facts.host,
        "endpoint": facts.endpoint,
        "description": facts.description,
        "valid_until": _date(facts.valid_until, dates),
        "link_expires": _date(facts.link_expires_at, dates),
    }
    return {name: isolated(tidy(value)) for name, value in named.items() if value}


def _short(plain: Mapping[str, str]) -> dict[str, str]:
    return {name: isolated(tidy(value, _SUBJECT_NAME)) for name, value in plain.items()}


def _date(moment: datetime | None, dates: Mapping[str, Any]) -> str | None:
    if moment is None:
        return None
    day = moment.astimezone(UTC)
    return str(dates["format"]).format(day=day.day, month=dates["months"][day.month - 1], year=day.year)


def _sentences(facts: Facts, catalogue: Mapping[str, Any]) -> dict[str, Any]:
    """The letter's own sentences over those that all letters have."""
    found = {**catalogue["letter"], **catalogue[facts.kind]}
    found["greeting"] = found["greeting_by_name" if facts.learner else "greeting"]
    return found


def _filler(sentences: Mapping[str, Any], fill: Callable[[str], str]) -> Callable[[str], Any]:
    """What layouts call as `say("…")`: one sentence, or a list of them, with the values in their places."""

    def say(name: str) -> Any:
        found = sentences[name]
        return fill(found) if isinstance(found, str) else [fill(each) for each in found]

    return say


def _wrap(paragraph: str) -> str:
    """A paragraph of plain text in lines that mail readers do not break again; an address stays whole."""
    return textwrap.fill(paragraph, LINE, break_long_words=False, break_on_hyphens=False)


def _safe_logo(url: str | None) -> str | None:
    """A logo is the one thing a letter loads; never in the clear."""
    return url if url and url.startswith("https://") else None
