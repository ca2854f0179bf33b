"""The engine that all dialects share: connections, transports, translation, lists."""
