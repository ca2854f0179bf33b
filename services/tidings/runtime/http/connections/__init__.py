"""Connections of HTTP servers: what a client may send, leave unread or hold open, and how long."""
