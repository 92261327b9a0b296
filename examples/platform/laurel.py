"""The calls that the platform makes to Laurel, as its own client."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import aiohttp

from .settings import Settings

TIMEOUT = aiohttp.ClientTimeout(total=15)


class CallFailed(Exception):
    """Laurel did not do what was asked. `status` is 0 where there was no answer."""

    def __init__(self, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where Laurel delivers to, and the secret by which it signs."""

    id: str
    state: str
    secret: str


class Laurel:
    """Speaks with an access token, which it gets anew when it is no longer taken. Every method raises CallFailed."""

    def __init__(self, session: aiohttp.ClientSession, settings: Settings) -> None:
        self._session = session
        self._settings = settings
        self._token = ""

    async def endpoint(self, url: str, events: Sequence[str]) -> Endpoint:
        """The endpoint at `url`, made where there is none. A secret is shown once: an endpoint of an earlier run gets
        another, and what was signed with the old one meanwhile comes again."""
        base = f"{self._settings.notifier}/v1/endpoints"
        listed = await self._call("GET", f"{base}?limit=200")
        known = next((one for one in listed["items"] if one["url"] == url), None)
        if known is None:
            made = await self._call("POST", base, {"url": url, "events": list(events)})
        else:
            made = await self._call("POST", f"{base}/{known['id']}/secret/rotate", {"grace_seconds": 0})
        return Endpoint(made["id"], made["state"], made["secret"])

    async def activate(self, endpoint: Endpoint) -> None:
        """Answer the challenge of an unverified endpoint; switch on one that was switched off."""
        if endpoint.state != "active":
            verb = "verify" if endpoint.state == "unverified" else "enable"
            await self._call("POST", f"{self._settings.notifier}/v1/endpoints/{endpoint.id}/{verb}")

    async def withdrawn(self) -> list[dict[str, Any]]:
        """The shares whose removal Laurel waits to be told of."""
        url = f"{self._settings.registry}/v1/shares?state=withdrawn&limit=200"
        return list((await self._call("GET", url))["items"])

    async def confirm_removal(self, share_id: str) -> None:
        """Tell Laurel that a share is shown no more."""
        await self._call("POST", f"{self._settings.registry}/v1/shares/{share_id}/removed")

    async def document(self, credential_id: str) -> dict[str, Any]:
        """The signed credential. The address is made of the id: a message's links are not followed blindly."""
        return dict(await self._call("GET", f"{self._settings.registry}/credentials/{credential_id}"))

    async def verify(self, document: dict[str, Any]) -> dict[str, Any]:
        """What the verifier says about it."""
        return dict(await self._call("POST", f"{self._settings.verifier}/v1/verify", {"credential": document}))

    async def _call(self, method: str, url: str, body: object = None) -> Any:
        fresh = not self._token
        if fresh:
            await self._sign_in()
        headers = {"Authorization": f"Bearer {self._token}", "Accept": "application/json"}
        try:
            return await self._request(method, url, headers=headers, json=body)
        except CallFailed as error:
            if error.status != 401 or fresh:
                raise
            self._token = ""  # its time is over
            return await self._call(method, url, body)

    async def _sign_in(self) -> None:
        client = {"client_id": self._settings.client_id, "client_secret": self._settings.client_secret}
        form = {"grant_type": "client_credentials", **client}
        answer = await self._request("POST", f"{self._settings.issuer}/oauth/token", data=form)
        self._token = answer["access_token"]

    async def _request(self, method: str, url: str, **what: Any) -> Any:
        try:
            async with self._session.request(method, url, timeout=TIMEOUT, allow_redirects=False, **what) as answer:
                if answer.status >= 300:
                    raise CallFailed(f"{method} {url}: {answer.status} {await answer.text()}", answer.status)
                return await answer.json(content_type=None)
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise CallFailed(f"{method} {url}: {type(error).__name__}") from error
