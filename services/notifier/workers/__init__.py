"""Time in: the dispatcher."""
