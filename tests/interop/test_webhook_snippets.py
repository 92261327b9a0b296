"""The snippets of docs/webhooks-checking.md take every real delivery, and nothing that somebody else could send.

A notifier delivers to an endpoint whose secret is rotated meanwhile. What arrived is sent on, as it was or spoiled, to
a server of each language, which checks it with the page's own code.
"""

import base64
import contextlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from tests.fixtures.off_clock import set_clock
from tests.fixtures.receiver import Delivery, Receiver
from tests.fixtures.services import Stacks
from tests.integration.lone_notifier import LoneNotifier, Platform
from tests.interop.recorded_deliveries import BOTH, Keys, Recorded, check_with, first_keys, next_status, record, rotate
from tests.interop.snippet_receivers import LANGUAGES, PAGE, serving, snippet
from tests.interop.spoiled_deliveries import MALFORMED, SPOILED, entries, having, signed_by

Answer = Callable[[Delivery, str], int]
FORMATS = ["standard", "cloudevents-structured", "cloudevents-binary"]
OF_THE_CONNECTION = {"host", "content-length", "connection"}
BY_SECRET = [(language, "secret") for language in LANGUAGES]
BY_HAND = [*BY_SECRET, *((language, "public-key") for language in LANGUAGES)]
by_secret = pytest.mark.parametrize(("language", "way"), BY_SECRET)
by_hand = pytest.mark.parametrize(("language", "way"), BY_HAND)
every_way = pytest.mark.parametrize(("language", "way"), [*BY_HAND, ("python", "library")])


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The address of each language's server."""
    folder = tmp_path_factory.mktemp("snippets")
    with contextlib.ExitStack() as stack:
        yield {name: stack.enter_context(serving(language, folder / name)) for name, language in LANGUAGES.items()}


@pytest.fixture(scope="module")
def clock(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """By how much the notifier's clock is off."""
    file = tmp_path_factory.mktemp("clock") / "seconds"
    set_clock(file, 0)
    return file


@pytest.fixture(scope="module")
def notifier(stacks: Stacks, clock: Path) -> Iterator[LoneNotifier]:
    """The notifier alone, with that clock."""
    wrapper = [sys.executable, "-m", "tests.fixtures.off_clock", str(clock)]
    with LoneNotifier.on(stacks, "embedded", wrapper=wrapper) as made:
        yield made


@pytest.fixture(scope="module")
def recorded(
    servers: dict[str, str], notifier: LoneNotifier, receiver: Receiver, clock: Path, stacks: Stacks
) -> dict[str, Recorded]:
    """What arrived in each format, at an endpoint each. The servers were built before: it is still fresh."""
    return {format: stacks.background.run(record(notifier, receiver, clock, format)) for format in FORMATS}


@pytest.fixture
def delivery(recorded: dict[str, Recorded]) -> Delivery:
    """One that everybody takes, with signatures by the new keys and the old ones."""
    return recorded["standard"].deliveries["now"]


@pytest.fixture
def keys(recorded: dict[str, Recorded]) -> Keys:
    """The new ones."""
    return recorded["standard"].new


@pytest.fixture(scope="module")
def sender() -> Iterator[httpx.Client]:
    """What sends deliveries on."""
    with httpx.Client(timeout=30, trust_env=False, verify=False) as client:
        yield client


@pytest.fixture
def answer(servers: dict[str, str], sender: httpx.Client, language: str, way: str) -> Answer:
    """What a language's server answers to a delivery, checked in that way with a key: 204, or 400 for a refusal."""

    def asked(delivery: Delivery, key: str) -> int:
        headers = {name: value.encode() for name, value in delivery.headers.items() if name not in OF_THE_CONNECTION}
        url, headers["x-key"] = f"{servers[language]}/{way}/hook", key.encode()
        response = sender.post(url, content=delivery.body.encode(), headers=headers)
        assert response.status_code in (204, 400), response.text
        return response.status_code

    return asked


def test_the_page_shows_no_other_code() -> None:
    tested = {name for language in LANGUAGES.values() for name in language.snippets}
    assert len(tested) == PAGE.read_text().count("\n```") / 2
    assert all(snippet(name) for name in tested)


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("name", ["before", "now", "200 s ago", "299 s ahead"])
@every_way
def test_every_delivery_is_taken(
    recorded: dict[str, Recorded], answer: Answer, way: str, format: str, name: str
) -> None:
    made = recorded[format]
    assert answer(made.deliveries[name], made.old.of(way)) == 204
    assert answer(made.deliveries[name], made.new.of(way)) == (400 if name == "before" else 204)


@pytest.mark.parametrize("name", ["301 s ago", "400 s ahead"])
@every_way
def test_what_is_too_old_or_from_the_future_is_refused(
    recorded: dict[str, Recorded], answer: Answer, way: str, name: str
) -> None:
    made = recorded["standard"]
    assert [answer(made.deliveries[name], keys.of(way)) for keys in (made.old, made.new)] == [400, 400]


@pytest.mark.parametrize("name", SPOILED)
@every_way
def test_what_is_not_as_it_was_signed_is_refused(
    delivery: Delivery, keys: Keys, answer: Answer, way: str, name: str
) -> None:
    spoiled = SPOILED[name](delivery)
    assert spoiled != delivery
    assert answer(spoiled, keys.of(way)) == 400


@every_way
def test_what_another_endpoint_is_sent_is_refused(
    recorded: dict[str, Recorded], delivery: Delivery, answer: Answer, way: str
) -> None:
    assert answer(delivery, recorded["cloudevents-binary"].new.of(way)) == 400


@pytest.mark.parametrize("name", [*MALFORMED, "nothing", "all of it"])
@every_way
def test_garbage_is_no_signature(delivery: Delivery, keys: Keys, answer: Answer, way: str, name: str) -> None:
    garbage = {**MALFORMED, "nothing": "", "all of it": " ".join(MALFORMED.values())}[name]
    assert answer(having(delivery, signature=garbage), keys.of(way)) == 400


@pytest.mark.parametrize("name", MALFORMED)
@by_hand  # the library gives up at an entry that is without its comma, or not in base64
def test_garbage_around_the_signatures_is_skipped(
    delivery: Delivery, keys: Keys, answer: Answer, way: str, name: str
) -> None:
    surrounded = " ".join([MALFORMED[name], *entries(delivery), MALFORMED[name]])
    assert answer(having(delivery, signature=surrounded), keys.of(way)) == 204


@every_way
def test_one_signature_suffices_wherever_it_stands(
    recorded: dict[str, Recorded], delivery: Delivery, answer: Answer, way: str
) -> None:
    all_of_them = entries(delivery)
    assert len(all_of_them) == 4
    for keys in (recorded["standard"].old, recorded["standard"].new):
        good = [one for one in all_of_them if answer(having(delivery, signature=one), keys.of(way)) == 204]
        assert len(good) == 1
        others = [one for one in all_of_them if one not in good]
        assert answer(having(delivery, signature=" ".join(others)), keys.of(way)) == 400
        assert answer(having(delivery, signature=" ".join(others + good)), keys.of(way)) == 204


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_AAAA"])
@by_secret
def test_a_secret_that_was_not_set_lets_nobody_in(delivery: Delivery, answer: Answer, secret: str) -> None:
    forged = signed_by(delivery, base64.b64decode(secret.removeprefix("whsec_")))
    assert answer(forged, secret) == 400


@every_way
def test_the_public_key_is_no_secret_to_sign_with(delivery: Delivery, keys: Keys, answer: Answer, way: str) -> None:
    forged = signed_by(delivery, base64.b64decode(keys.public_key.removeprefix("whpk_")))
    assert answer(forged, keys.of(way)) == 400


@every_way
async def test_the_server_answers_the_notifier_itself(
    notifier: LoneNotifier, servers: dict[str, str], language: str, way: str
) -> None:
    async with httpx.AsyncClient(base_url=notifier.url, timeout=30, trust_env=False, verify=False) as http:
        platform = await Platform.join(notifier, Receiver(servers[language]), http, way, signatures=BOTH)
        await check_with(platform, (await first_keys(platform)).of(way))
        assert await next_status(platform) == 204
        new = await rotate(platform)
        assert await next_status(platform) == 204, "in the grace, by the old key"
        await check_with(platform, new.of(way))
        assert await next_status(platform) == 204
        await rotate(platform, grace=0)
        assert await next_status(platform) == 400, "the key has ended"
