"""What runs: one process of each service, several of one, or all of them with their servers."""
