"""What the registry does by the clock."""
