"""The NATS and Postgres servers that `tidings up` runs as child processes."""
