"""The `laurel` command: starts the services as processes and speaks to them over HTTP. Imports none of them."""
