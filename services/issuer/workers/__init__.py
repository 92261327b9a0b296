"""Time in: what the issuer does by the clock."""
