"""The notifier: reads facts, says who is told what, exactly once."""
