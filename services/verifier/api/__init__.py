"""Verification over HTTP. One file a resource."""
