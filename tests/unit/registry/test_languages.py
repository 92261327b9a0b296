"""Which language a reader gets (RFC 9110, 12.5.4; RFC 4647, 3.4)."""

import pytest

from services.registry.domain.languages import choose

HAD = ("de", "en", "es", "fr")


@pytest.mark.parametrize(
    ("accept_language", "expected"),
    [
        (None, "en"),
        ("", "en"),
        ("de", "de"),
        ("de-AT", "de"),
        ("DE-ch", "de"),
        ("fr-Latn-CA-x-private", "fr"),
        ("es-419, de;q=0.9", "es"),
        ("de;q=0.8, fr;q=0.9", "fr"),
        ("de;q=0.5, fr;q=0.5", "de"),
        ("it, pt;q=0.9, es;q=0.1", "es"),
        ("it, pt", "en"),
        ("*", "en"),
        ("it, *;q=0.5, de;q=0.1", "en"),
        ("fr;q=0, de;q=0.1", "de"),
        ("fr;q=nonsense, de;q=0.1", "de"),
        ("fr;q=nan, de;q=0.1", "de"),
        ("zh-Hant", "en"),
        ("x-de", "en"),
        ("d", "en"),
        (",;,;q=1,-,--", "en"),
        ("-" * 8000, "en"),
        (", ".join(["it-IT"] * 4000) + ", fr;q=0.1", "fr"),
    ],
)
def test_the_language_that_comes_first_for_the_reader_is_chosen(accept_language: str | None, expected: str) -> None:
    assert choose(accept_language, HAD) == expected
