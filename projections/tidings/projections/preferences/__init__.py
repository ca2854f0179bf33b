"""Preferences: what people want beyond the page and where they are reached, over time."""
