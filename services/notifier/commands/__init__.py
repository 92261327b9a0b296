"""What is asked of the notifier: one verb a file."""
