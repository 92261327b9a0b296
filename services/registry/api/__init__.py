"""The public record over HTTP, and what the operator may do. One file a resource."""
