"""What the parts of Tidings say to each other: ids, events, entries, frames, subjects; pure values, no I/O."""
