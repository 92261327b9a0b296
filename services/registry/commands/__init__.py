"""What can be asked of the registry, one verb a file. Each takes the transaction that the edge opened."""
