"""The outbox's relay: from a service's own Postgres to the log."""
