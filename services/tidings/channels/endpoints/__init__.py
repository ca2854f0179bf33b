"""Endpoints: post the events of a tenant to its own webhooks, in the order of the log."""
