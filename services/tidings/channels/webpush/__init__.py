"""Web push: pushes to browsers, encrypted for each of them and signed for its push service."""
