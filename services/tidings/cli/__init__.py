"""The command line: `tidings …`."""
