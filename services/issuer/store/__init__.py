"""The issuer's tables: SQL in, typed records out. The only room that knows a table."""
