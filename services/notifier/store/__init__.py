"""SQL in, records out; one file a table family."""
