"""Find the schemas a credential names, at the operator's or where they are published, and apply them."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import orjson

from services.verifier.commands.check_document import Documents
from services.verifier.commands.evaluate_schema import Evaluator
from services.verifier.commands.fetch import Fetcher, FetchFailed
from services.verifier.commands.memory import Flights, Memory
from services.verifier.domain import checks, schema
from services.verifier.domain.answer import Reason
from services.verifier.domain.presented import Presented, read
from services.verifier.domain.schema import MOST_SCHEMAS, Conformance, UnusableSchema, undecided
from shared.credentials import UnusableDigest, check_digests, many

MAX_BYTES = 256 * 1024
TIMEOUT_SECONDS = 2.0
_REMEMBERED, _REMEMBERED_BYTES = 1000, 64 * 1024 * 1024
_GOOD_SECONDS, _FAILED_SECONDS = 300.0, 10.0


class Schemas:
    """What is known of schemas. `shipped` are the operator's, by URL; without a fetcher there are no others."""

    def __init__(
        self,
        shipped: Mapping[str, bytes],
        fetcher: Fetcher | None,
        documents: Documents,
        evaluator: Evaluator,
        clock: Callable[[], datetime],
    ) -> None:
        self._shipped, self._fetcher, self._documents = shipped, fetcher, documents
        self._evaluator, self._clock = evaluator, clock
        self._memory: Memory[str, bytes | Reason] = Memory(_REMEMBERED, _REMEMBERED_BYTES)
        self._opened: Memory[tuple[str, bytes], bytes] = Memory(_REMEMBERED, _REMEMBERED_BYTES)
        self._flights: Flights[str, bytes | Reason] = Flights()

    async def apply(self, presented: Presented, client: str) -> tuple[Conformance, ...]:
        """What each schema says, in the order of `credentialSchema`; of a document whose proof and form are sound.

        Raises TooManyFetches, Unavailable.
        """
        entries = many(presented.document.get("credentialSchema"))
        if not entries:
            return ()
        document = orjson.dumps(presented.document)
        done = await asyncio.gather(
            *(self._apply(presented, entry, document, client) for entry in entries[:MOST_SCHEMAS])
        )
        too_many = f"only the first {MOST_SCHEMAS} schemas of a credential are"
        return (*done, *(undecided(entry, "schema-too-expensive", too_many) for entry in entries[MOST_SCHEMAS:]))

    async def _apply(self, presented: Presented, entry: Mapping[str, Any], document: bytes, client: str) -> Conformance:
        kind = schema.kind_of(entry)
        if kind is None:
            return undecided(entry, "schema-type-unsupported", "its type is not understood here")
        body = await self._body(entry["id"], client)
        if isinstance(body, Reason):
            return undecided(entry, body.code, body.detail)
        try:
            check_digests(entry, body)
            text = await self._schema_in(entry["id"], body, client) if kind == "credential" else body
        except UnusableDigest as error:
            return undecided(entry, "schema-digest-mismatch", str(error))
        except UnusableSchema as error:
            return undecided(entry, "schema-unusable", str(error))
        return schema.concluded(presented, entry, await self._evaluator.evaluate(text, document, client))

    async def _body(self, url: str, client: str) -> bytes | Reason:
        """What lies at a schema's address, or why that is not known."""
        known = self._shipped.get(url) or self._memory.get(url)
        if known is not None:
            return known
        fetcher = self._fetcher
        if fetcher is None:
            return Reason("schema-unavailable", "it is not known here, and schemas are not fetched")
        if not self._flights.has(url):
            fetcher.spend(client)
        return await self._flights.join(url, lambda: self._fetch(fetcher, url))

    async def _fetch(self, fetcher: Fetcher, url: str) -> bytes | Reason:
        found: bytes | Reason
        try:
            found = await fetcher.body(url, timeout=TIMEOUT_SECONDS, max_bytes=MAX_BYTES)
            self._memory.put(url, found, _GOOD_SECONDS, len(found))
        except FetchFailed as error:
            found = Reason("schema-unavailable", f"it cannot be fetched ({error})")
            self._memory.put(url, found, _FAILED_SECONDS)
        return found

    async def _schema_in(self, url: str, body: bytes, client: str) -> bytes:
        """The schema in a credential that is sound by itself. Raises UnusableSchema.

        Neither its status nor a schema of its own is looked at: what it leads to would lead on.
        """
        text = self._opened.get((url, body))
        if text is None:
            presented = read(schema.credential_in(body))
            checked = await self._documents.check(presented, client)
            issuer = checks.issuer(presented, checked.issuer, is_original=False)
            done = (checked.proof, checked.schema, issuer, checks.validity(presented, self._clock()))
            text = schema.schema_in(presented, url, done)
            self._opened.put((url, body), text, _GOOD_SECONDS, len(body) + len(text))
        return text
