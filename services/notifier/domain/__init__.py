"""The rules of delivering: signatures, schedule, what a message says. No I/O, no clock."""
