"""The bus: one port, two adapters (Kafka, and a durable log in Postgres for the embedded mode)."""
