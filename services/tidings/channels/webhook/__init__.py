"""Webhooks: sign requests and post them to addresses of other people."""
