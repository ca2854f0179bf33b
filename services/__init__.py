"""The services of Tidings: each a process of its own, meeting the others only on the streams."""
