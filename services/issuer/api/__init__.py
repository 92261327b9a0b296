"""HTTP in: one file a resource. Parse, authorise, call a command, shape the answer."""
