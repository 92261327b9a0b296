"""The language of texts that are meant for learners, by `Accept-Language`."""

from typing import Annotated

from fastapi import Depends, Header

from services.registry.api.context import Here

_DESCRIPTION = "What the learner reads, such as `de-AT, fr;q=0.8`; English where none of it is had."


async def _language(
    here: Here, accept_language: Annotated[str | None, Header(alias="Accept-Language", description=_DESCRIPTION)] = None
) -> str:
    return here.wording.choose(accept_language)


def headers_of(language: str) -> dict[str, str]:
    """What an answer in a language says of it."""
    return {"Content-Language": language, "Vary": "Accept-Language"}


Language = Annotated[str, Depends(_language)]
"""The tag of one that there is."""


async def _chosen(here: Here, spoken: Language, lang: str | None = None) -> str:
    return lang if lang in here.wording.languages else spoken


ChosenLanguage = Annotated[str, Depends(_chosen)]
"""The one that a link chose with `?lang=`, where there is such a one, else that of the browser."""
