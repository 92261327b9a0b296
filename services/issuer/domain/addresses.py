"""The public addresses that documents and answers name. They come from the settings, never from a request."""

from dataclasses import dataclass
from uuid import UUID

from shared.credentials import did_web


@dataclass(frozen=True, slots=True)
class Addresses:
    """Base URLs without a slash at the end."""

    issuer: str
    registry: str
    verifier: str

    def did(self, slug: str) -> str:
        """The DID an institution signs as; its document is at `/institutions/{slug}/did.json`."""
        return did_web(self.issuer, slug)

    def achievement(self, achievement_id: UUID) -> str:
        """Where the public finds an achievement, and its `id` in documents."""
        return f"{self.registry}/achievements/{achievement_id}"

    def credential(self, credential_id: UUID) -> str:
        """Where the public finds a credential, and its `id` in documents."""
        return f"{self.registry}/credentials/{credential_id}"

    def status_list(self, list_id: UUID) -> str:
        """Where everybody fetches a status list."""
        return f"{self.issuer}/status-lists/{list_id}"

    def verification(self) -> str:
        """Where a credential can be posted to be verified."""
        return f"{self.verifier}/v1/verify"
