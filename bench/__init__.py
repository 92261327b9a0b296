"""Measurements over HTTP, each beside the raw limit of the machine in the same run: `make bench`."""
