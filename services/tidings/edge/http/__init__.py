"""HTTP routes of the edge: lists, marks, acks, actions, metrics, and the browser's files."""
