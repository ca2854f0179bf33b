"""The notifier: turns events into each user's notifications, exactly once."""
