"""What can be asked of the issuer, one verb a file. Each takes the transaction that the edge opened."""
