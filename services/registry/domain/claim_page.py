"""The learner's page: one layout, with the sentences of every language in it. Whoever builds this reads the files."""

from collections.abc import Mapping

from jinja2 import DictLoader, Environment, StrictUndefined
from markupsafe import Markup

from services.registry.domain.page_policy import hashes
from services.registry.domain.wording import Wording

_STYLES = ("common.css", "claim.css")
_SCRIPTS = ("wording.js", "badge.js", "sharing.js", "claim.js")


class ClaimPage:
    """The page in each language. `files` are the layout, the style and the scripts by file name."""

    def __init__(self, files: Mapping[str, str], wording: Wording) -> None:
        style = "".join(files[name] for name in _STYLES)
        scripts = [files[name] for name in _SCRIPTS]
        layout = Environment(
            loader=DictLoader(dict(files)), autoescape=True, undefined=StrictUndefined, trim_blocks=True
        ).get_template("claim.html")
        catalogues = {tag: wording.page(tag) for tag in wording.languages}
        self._pages = {
            tag: layout.render(
                language=tag,
                languages=wording.languages,
                sentences=wording.page(tag),
                catalogues=catalogues,
                style=Markup(style),  # noqa: S704 (ours, and allowed by its hash)
                scripts=[Markup(script) for script in scripts],  # noqa: S704
            )
            for tag in wording.languages
        }
        self.policy = (
            f"default-src 'none'; script-src {hashes(*scripts)}; style-src {hashes(style)};"
            " img-src https:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        )
        """Allows the page's own scripts and style by their hashes, pictures over https, and nothing else."""

    def html(self, language: str) -> str:
        """The page as it is first shown in a language; its reader can choose another."""
        return self._pages[language]
