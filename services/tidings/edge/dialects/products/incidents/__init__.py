"""The dialect of the incidents: words, frames and requests."""
