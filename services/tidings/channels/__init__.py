"""Channels: send what is decided, by e-mail and webhooks."""
