"""The pages: Jinja2 templates in which every text is escaped, under a policy that runs no script at all."""

from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined

_FOLDER = Path(__file__).parent / "templates"
STYLE = (_FOLDER / "style.css").read_text()
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; img-src https:; style-src 'self'; base-uri 'none'; form-action 'none';"
        " frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


def link(url: str | None) -> str:
    """An address that is safe to put into a page: escaping alone would let `javascript:` pass."""
    return url if url and urlsplit(url).scheme in ("http", "https") else ""


def date(text: str) -> str:
    """A time as people read it."""
    return f"{datetime.fromisoformat(text):%d %B %Y}"


def is_past(text: str) -> bool:
    """Whether a time is over."""
    return datetime.fromisoformat(text) < datetime.now(UTC)


_TEMPLATES = Environment(loader=FileSystemLoader(_FOLDER), autoescape=True, undefined=StrictUndefined)
_TEMPLATES.filters |= {"link": link, "date": date}
_TEMPLATES.tests["past"] = is_past


def render(template: str, **values: object) -> str:
    """A page of these values."""
    return _TEMPLATES.get_template(template).render(**values)
