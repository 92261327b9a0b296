"""What services tell each other: the envelope and the catalogue of event types."""
