"""Dialects: the frames and paths of five products' front ends, over the same log."""
