"""The public addresses that answers name. They come from the settings, never from a request."""

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Addresses:
    """Base URLs without a slash at the end."""

    registry: str
    verifier: str

    def credential(self, credential_id: UUID) -> str:
        """Where a signed document is fetched, and its `id`; people find a page there."""
        return f"{self.registry}/credentials/{credential_id}"

    def document(self, credential_id: UUID) -> str:
        """Where the signed document is shown to people as well."""
        return f"{self.registry}/credentials/{credential_id}/document"

    def record(self, credential_id: UUID) -> str:
        """Where the status of a credential is told."""
        return f"{self.registry}/v1/credentials/{credential_id}"

    def claim(self, credential_id: UUID, code: str) -> str:
        """The link of a letter. What is behind # is never sent to a server, nor written to a log on the way."""
        return f"{self.registry}/claim#{credential_id}.{code}"

    def achievement(self, achievement_id: UUID) -> str:
        """Where an Achievement is fetched, and its `id`."""
        return f"{self.registry}/achievements/{achievement_id}"

    def verification(self) -> str:
        """Where a credential can be posted to be verified."""
        return f"{self.verifier}/v1/verify"

    def verifier_manual(self) -> str:
        """What the verifier says of itself, to be read by people."""
        return f"{self.verifier}/docs"
