"""Explain: decisions recomputed from the logs, from what they state that they were made on."""
