"""Connections: admit and authenticate clients, send frames over WebSockets and event streams."""
