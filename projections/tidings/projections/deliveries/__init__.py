"""Deliveries: what was planned, decided and done on each channel beyond the page."""
