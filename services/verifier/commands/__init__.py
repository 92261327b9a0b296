"""What can be asked of the verifier, one verb a file, and what it knows of the world outside."""
