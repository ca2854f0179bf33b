"""Texts: templates compiled from Fluent, and times as a reader writes them."""
