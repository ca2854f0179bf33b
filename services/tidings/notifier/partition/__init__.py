"""One partition of `EVENTS`: led by one notifier at a time, routed in order, exactly once."""
