"""How many credentials there are, of an achievement, an institution or in all."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Counts:
    """`verified` counts verifications, not credentials."""

    issued: int = 0
    revoked: int = 0
    suspended: int = 0
    verified: int = 0

    @property
    def active(self) -> int:
        """Neither revoked nor suspended; credentials past their date are still active."""
        return self.issued - self.revoked - self.suspended
