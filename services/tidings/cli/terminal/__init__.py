"""The terminal: what people do from a command line, as clients like any other."""
