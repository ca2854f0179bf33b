"""Dialects: the words of the five products' own front ends, at their own paths, over the same log and the same connections."""
