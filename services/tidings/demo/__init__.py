"""The demonstration: its page's backend, and the stories that are played; for development only."""
