"""The activity log: its projection, the mentions of an event, and the queries of its tables."""
