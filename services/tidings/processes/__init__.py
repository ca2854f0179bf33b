"""Processes: one of each service, several of one, or all of them with their servers."""
