"""Delivery: follow the log, keep its newest entries, and hand frames to connections."""
