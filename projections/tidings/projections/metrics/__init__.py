"""The metrics of volunteer projects: hours, tasks, milestones, and the queries of their tables."""
