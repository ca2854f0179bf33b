"""The edge: where browsers connect; every connection is a cursor into a person's log."""
