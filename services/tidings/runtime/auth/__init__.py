"""Authentication: who sends a request, proven by a token or a ticket that is not revoked."""
