"""The outbox's relay: carries events from a service's own Postgres to the log."""
