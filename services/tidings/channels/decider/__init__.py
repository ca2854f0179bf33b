"""The decider: who is told of what on which channel beyond the page, and when."""
