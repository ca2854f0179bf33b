"""The inbox: its projection, its state in memory, topic memberships, and its queries."""
