"""The issuer's rules: pure functions and values. The clock is an argument; nothing here does I/O."""
