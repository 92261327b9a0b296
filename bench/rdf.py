"""`python -m bench.rdf`: a badge to N-Quads, by the tables and by the JSON-LD library, in one run on one core."""

import time
from collections.abc import Callable

from shared.credentials.json_ld import to_nquads
from shared.credentials.plain_rdf import plain_nquads
from tests.unit.credentials.badges import EU_ELEMENTS, badge


def milliseconds(work: Callable[[], object], times: int) -> float:
    """The best of five rounds, for one call."""
    rounds = []
    for _ in range(5):
        started = time.perf_counter()
        for _ in range(times):
            work()
        rounds.append((time.perf_counter() - started) / times * 1000)
    return min(rounds)


def main() -> None:
    """Print both."""
    for name, document in (("badge", badge()), ("badge with the EU's elements", badge(microCredential=EU_ELEMENTS))):
        short = milliseconds(lambda document=document: plain_nquads(document), 500)  # type: ignore[misc]
        library = milliseconds(lambda document=document: to_nquads(document, {}), 30)  # type: ignore[misc]
        print(f"{name}: {short:.3f} ms by the tables, {library:.2f} ms by the library, {library / short:.0f} times")


if __name__ == "__main__":
    main()
