"""Monitoring: the metrics of an edge and of its connections."""
