"""The audience: relations over time, seen events and groups, and the queries of its tables."""
