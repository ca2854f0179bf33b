"""Schedules: announcements that are published at a time, once or repeatedly."""
