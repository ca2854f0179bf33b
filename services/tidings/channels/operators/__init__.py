"""Operators: what they look at and ask for: deliveries, previews, and tests of channels."""
