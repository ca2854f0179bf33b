"""The event log: install its streams, follow them, read pages of them."""
