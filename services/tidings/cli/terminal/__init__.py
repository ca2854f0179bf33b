"""The terminal: emitting, listening and stories, as clients like any other."""
