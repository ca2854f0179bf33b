"""Idempotency keys: a POST with a key is executed once, its answer is stored and repeated."""
