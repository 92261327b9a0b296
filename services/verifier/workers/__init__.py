"""What the verifier does by the clock."""
