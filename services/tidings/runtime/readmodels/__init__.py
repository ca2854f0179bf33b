"""Read models: their schemas and checkpoints, and the pool of Postgres connections."""
