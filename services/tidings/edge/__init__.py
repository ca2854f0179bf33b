"""The edge: the process that clients connect to; a connection is a cursor into a user's log."""
