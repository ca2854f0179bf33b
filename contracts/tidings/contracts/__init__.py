"""The values that the parts of Tidings exchange: ids, events, entries, frames, subjects; no I/O."""
