"""The gateway: takes events over HTTP, checks them, and appends them to the log."""
