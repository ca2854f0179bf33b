"""The dialect of the volunteer projects: events and lists."""
