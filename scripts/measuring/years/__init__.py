"""What `scripts/measure --daemon` measures: whether the daemon runs for years."""
