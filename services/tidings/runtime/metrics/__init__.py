"""Metrics: the registry of a process, its followers' lag, and the server of `/metrics`."""
