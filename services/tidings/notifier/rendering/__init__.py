"""Rendering: the texts of every locale, and notifications encoded from them."""
