"""`laurel replay`: have services publish their recorded events again, page by page."""

import os
from collections.abc import Mapping
from pathlib import Path

from services.cli.client import Client, open_client
from services.cli.output import UserError, progress, say

UNUSABLE = 2


async def run(urls: Mapping[str, str], data: Path) -> int:
    """Replay each service in turn and say how many events that were. Raises UserError."""
    async with open_client() as client:
        operator = client.signed_in(find_token(data))
        for service, url in urls.items():
            replayed, missing = await _replay(operator, service, url)
            gone = f"; {missing} could not be told again, because what they were about is gone" if missing else ""
            say(f"{service}: {replayed} events published again{gone}")
    return 0


async def _replay(operator: Client, service: str, url: str) -> tuple[int, int]:
    replayed = missing = 0
    cursor: str | None = None
    with progress(f"replaying {service}", None) as bar:
        while True:
            answer = (await operator.post(f"{url}/v1/replay", {"cursor": cursor} if cursor else {})).body
            done = answer["replayed"] + answer["missing"]
            replayed, missing = replayed + answer["replayed"], missing + answer["missing"]
            bar.total(replayed + missing + answer["remaining"])
            bar.advance(done)
            cursor = answer["next"]
            if cursor is None:
                return replayed, missing


def find_token(data: Path) -> str:
    """The operator's token: LAUREL_OPERATOR_TOKEN, or the one in the data directory. Raises UserError."""
    if given := os.environ.get("LAUREL_OPERATOR_TOKEN"):
        return given
    try:
        return (data / "operator.token").read_text().strip()
    except OSError as error:
        raise UserError(
            f"no operator token: set LAUREL_OPERATOR_TOKEN, or name the data directory with --data ({error})", UNUSABLE
        ) from error
