"""Presence: who is connected, who watches whom, and the signals that users send each other."""
