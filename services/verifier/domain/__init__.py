"""The rules of verification: pure functions and values, one check a function."""
